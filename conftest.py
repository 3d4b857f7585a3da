"""What the examples in docstrings may use besides their module: ``ds``, results of a small run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "tests"))


@pytest.fixture(scope="session", autouse=True)
def _results_for_examples(doctest_namespace: dict[str, Any]) -> None:
    from synthetic import synthetic_dataset

    doctest_namespace["ds"] = synthetic_dataset(0, draws=12, trajectories=100, flashpoints=1)
