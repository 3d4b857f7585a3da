"""The benchmarks run, in small; measured figures are not looked at."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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


def test_cluster_benchmark_runs():
    answer = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "cluster.py"), "--quick"],
        capture_output=True, text=True, check=False, timeout=300,
    )
    assert answer.returncode == 0, answer.stderr
    assert "same counts: True" in answer.stdout
    assert "task that returns 60,000 bytes" in answer.stdout
    assert "workers / threads" in answer.stdout


@pytest.fixture(scope="module")
def scaling() -> dict[str, Any]:
    """The names of benchmarks/scaling.py."""
    return runpy.run_path(str(ROOT / "benchmarks" / "scaling.py"))


def test_without_costs_nothing_is_lost(scaling):
    free = scaling["Costs"](
        service=0.0, choice=0.0, latency=0.0, bytes=0.0, failures=0.0, spread=0.0
    )
    assert scaling["lost_share"](free, 50, 1e6, 20) == pytest.approx(0.0, abs=1e-12)


def test_a_busy_scheduler_sets_the_pace(scaling):
    """Blocks take m seconds on W workers and s at the scheduler: 1 - m / (W s) is lost."""
    costs = scaling["Costs"](choice=0.0, latency=0.0, bytes=0.0, failures=0.0, rate=1e6)
    for workers, size in ((500, 1e6), (1_000, 1e6)):
        expected = 1.0 - size / costs.rate / (workers * costs.service)
        assert scaling["lost_share"](costs, workers, size, 40) == pytest.approx(expected, abs=0.03)
    assert scaling["lost_share"](costs, 50, 1e6, 40) < 0.05


def test_losses_come_with_failures_and_go_with_larger_blocks(scaling):
    costs = scaling["Costs"]()
    reckless = scaling["Costs"](failures=20.0)
    lost_share = scaling["lost_share"]
    assert lost_share(reckless, 20, 4e6, 40) > lost_share(costs, 20, 4e6, 40) + 0.05
    assert lost_share(costs, 300, 1e5, 20) > lost_share(costs, 300, 4e6, 20)
    smallest = scaling["smallest_size"](costs, 20, 100)
    assert lost_share(costs, 20, smallest, 100) < 0.02


def test_the_table_of_scaling_is_printed():
    answer = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "scaling.py"), "--workers", "5", "20",
         "--blocks", "5", "--rate", "5e5"],
        capture_output=True, text=True, check=False, timeout=300,
    )
    assert answer.returncode == 0, answer.stderr
    assert [line.split()[0] for line in answer.stdout.splitlines()[:3]] == ["workers", "5", "20"]
    assert "1e13 trajectories on 1,000 workers" in answer.stdout
