"""The benchmarks run, in small; their figures are not looked at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_benchmarks_run():
    answer = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "run.py"), "--quick"],
        capture_output=True, text=True, check=False, timeout=300,
    )
    assert answer.returncode == 0, answer.stderr
    for name in (
        "kernel / bare loop", "two threads against one", "tables, per cell",
        "plain Python / kernel", "first call later", "peak memory",
        "plain-Python player / kernel",
    ):
        assert name in answer.stdout
