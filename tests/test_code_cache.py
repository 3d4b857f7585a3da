"""Compiled code on disk: a damaged file is compiled anew and said once, never run."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from escalation.kernel import code_cache
from escalation.kernel.jit import jit

if not hasattr(numba.njit(lambda: 0), "stats"):
    pytest.skip("nothing is compiled", allow_module_level=True)


def seven_times(x):
    return 7 * x


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(code_cache, "_SAID", set())
    return tmp_path


def fresh_start():
    """Compile or load as a new process would; how many signatures were loaded."""
    function = jit(seven_times)
    assert function(6) == 42
    return sum(function.stats.cache_hits.values())


def files_of(folder):
    found = sorted(folder.rglob("*.nb?"))
    assert [path.suffix for path in found] == [".nbc", ".nbi"]
    return found


def test_whole_code_is_loaded(folder):
    assert fresh_start() == 0
    assert fresh_start() == 1


def damages(content):
    """Contents after the usual accidents: a cut, nothing left, zeros, single bits."""
    yield content[: len(content) // 2]
    yield content[:-1]
    yield b""
    yield bytes(len(content))
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(content), 12).tolist():
        yield content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]


@pytest.mark.parametrize("which", [0, 1], ids=["code", "index"])
def test_damaged_code_is_compiled_anew_and_said_once(folder, caplog, which):
    fresh_start()
    path = files_of(folder)[which]
    for damaged in damages(path.read_bytes()):
        path.write_bytes(damaged)
        assert fresh_start() == 0
        assert fresh_start() == 1, "what was compiled anew is whole"
    assert [record.getMessage() for record in caplog.records] == [
        f"compiled code was damaged and is compiled anew, in a minute: {path}"
    ]


def test_code_of_another_signature_is_not_run(folder):
    """Two processes that begin together can give two signatures the same file."""
    fresh_start()
    code, index = files_of(folder)
    of_integers = index.read_bytes()
    code.unlink(), index.unlink()
    assert jit(seven_times)(6.0) == 42.0
    index.write_bytes(of_integers)
    assert fresh_start() == 0
    assert fresh_start() == 1


def test_a_full_disk_does_not_stop_a_run(folder, monkeypatch, caplog):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("numba.core.caching.os.replace", full)
    assert fresh_start() == fresh_start() == 0
    assert len(caplog.records) == 1
    assert "No space left on device" in caplog.text
    assert "every start compiles for about a minute; set XDG_CACHE_HOME" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize(("place", "reason"), [
    ("relative", "'relative' is no absolute path"),
    ("{tmp}/file", "Not a directory"),
    ("{tmp}/open", "others may write to"),
])
def test_no_folder_for_code_is_said_in_one_line(tmp_path, place, reason):
    (tmp_path / "file").write_text("")
    script = "import os; os.umask(0); import escalation.kernel.jit"
    home = place.format(tmp=tmp_path)
    if "others" in reason:
        from escalation.kernel.jit import _source_hash

        shared = Path(home, "escalation", _source_hash())
        shared.mkdir(parents=True)
        shared.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env=os.environ | {"XDG_CACHE_HOME": home, "NUMBA_DISABLE_JIT": "0"},
    )
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert reason in done.stderr
    assert "set XDG_CACHE_HOME to a folder that can be written to" in done.stderr


@pytest.mark.parametrize(("given", "used"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_leave_the_cores_to_others(given, used):
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    script = "import os, escalation.simulation.threads; print(os.environ.get('OMP_WAIT_POLICY'))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env=environment | ({} if given is None else {"OMP_WAIT_POLICY": given}),
    )
    assert done.stdout.strip() == used
