"""Shared set-up of the tests.

Three threads are asked for before numba is imported, so that thread counts 1, 2 and 3 can
be tried on any machine. Linear algebra is left one: its own threads wait busily, and the workers of
the suite share the cores already.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import campaign_tools
import cells
import compile_once
import pytest
import xarray as xr

from escalation.contracts.tables import Tables
from escalation.study import Study


def pytest_configure(config: pytest.Config) -> None:
    """Compile what is compiled nowhere yet, once for all workers."""
    first = not hasattr(config, "workerinput")
    if first and (config.getoption("numprocesses", 0) or 0) > 1 and compile_once.nothing_compiled():
        compile_once.compile_all()


@pytest.fixture(scope="session", autouse=True)
def no_line_of_progress() -> Iterator[None]:
    """On a slow machine a command under test may take longer than what is told of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("escalation.cli.progress.FIRST_LINE", math.inf)
        yield


@pytest.fixture(scope="module")
def read_once() -> Iterator[None]:
    """Commands read every results file of one content once."""
    from escalation import results

    known: dict[bytes, xr.Dataset] = {}

    def open_once(path: str | os.PathLike[str]) -> xr.Dataset:
        try:
            content = Path(path).read_bytes()
        except (OSError, ValueError):
            return real(path)
        key = hashlib.sha256(content).digest()
        if key not in known:
            known[key] = real(path)
        return known[key].copy()

    real = results.open_results
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("escalation.results.open_results", open_once)
        yield


@pytest.fixture(scope="session")
def study() -> Study:
    """The shipped study."""
    return cells.shipped_study()


@pytest.fixture(scope="session")
def varied() -> Tables:
    """A block of unlike cells: every structure at Taiwan, in three draws and at defaults."""
    return cells.varied_block()


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of 4 draws x 60 trajectories that was never interrupted; not to be changed."""
    folder = tmp_path_factory.mktemp("whole") / "campaign"
    campaign_tools.simulate(folder)
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))
