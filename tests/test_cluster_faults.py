"""Clusters that fail: one clear line, or the run goes on, and nothing hangs in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cells
import numpy as np
import pytest
from campaign_tools import CONFIGS, little

from escalation.errors import EscalationError
from escalation.simulation import connection, watch
from escalation.simulation import worker as remote
from escalation.simulation.accumulate import Counts
from escalation.simulation.connection import cluster_simulators
from escalation.simulation.simulator import LocalSimulator
from escalation.simulation.watch import LIVES, PATIENCE_SECONDS, SILENCE_SECONDS, Watch, patiently
from escalation.simulation.workload import Block, blocks_of

ROOT = Path(__file__).resolve().parent.parent
DRAWS = 3
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


@contextmanager
def process(module: str, *arguments: str) -> Iterator[subprocess.Popen]:
    """A scheduler or worker of its own; stopped in the end."""
    with subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{module}", *arguments, "--host", "127.0.0.1",
         "--no-dashboard"],
        env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as started:
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(timeout=10)
            except subprocess.TimeoutExpired:
                started.kill()


def worker(address: str, *options: str):
    return process("dask_worker", address, "--nthreads", "1", *options)


@pytest.fixture
def scheduler(tmp_path):
    """A scheduler in a process of its own, and its address."""
    file = tmp_path / "scheduler.json"
    with process("dask_scheduler", "--port", "0", "--scheduler-file", str(file)) as started:
        until = time.monotonic() + 60
        while not (file.exists() and file.stat().st_size) and time.monotonic() < until:
            time.sleep(0.1)
        yield started, json.loads(file.read_text())["address"]


@pytest.fixture(scope="module")
def here() -> LocalSimulator:
    return LocalSimulator(little(), cells.sampled(DRAWS, seed=3), 11)


def numbered(here: LocalSimulator, n: int) -> list[Block]:
    """So many blocks, all different."""
    found: list[Block] = []
    while len(found) < n:
        start = 50 * len(found)
        found += blocks_of(here.study, (0, DRAWS), (start, start + 50), 1_000)
    return found[:n]


def simulate(
    here: LocalSimulator, address: str, blocks: list[Block], happening: Callable[[int], None]
) -> Counts:
    counts = Counts(here.study, DRAWS)
    with cluster_simulators(address) as simulator_of:
        there = simulator_of(here.study, here.values, here.seed)
        for n, (block, found) in enumerate(there.simulate_all(blocks)):
            counts.add(block, found)
            happening(n)
    return counts


def test_a_scheduler_that_dies_is_one_line(here, scheduler, capfd, monkeypatch):
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 2)
    started, address = scheduler

    def kill(n: int) -> None:
        if n == 1:
            started.kill()
            started.wait()

    lost = pytest.raises(EscalationError, match="scheduler: the connection is lost")
    with worker(address, "--no-nanny"), lost as end:
        simulate(here, address, numbered(here, 400), kill)
    assert "\n" not in str(end.value)
    assert capfd.readouterr().err == ""


def test_a_run_outlives_all_of_its_workers(here, scheduler, monkeypatch):
    monkeypatch.setattr(remote, "LOOK_SECONDS", 0.5)
    _, address = scheduler
    blocks = numbered(here, 24)
    first, second = worker(address, "--no-nanny"), worker(address, "--no-nanny")
    started = first.__enter__()
    try:
        def exchange(n: int) -> None:
            if n == 2:
                started.kill()
                started.wait()
                threading.Timer(3.0, second.__enter__).start()

        there = simulate(here, address, blocks, exchange)
    finally:
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)
    alone = Counts(here.study, DRAWS)
    for block, found in here.simulate_all(blocks):
        alone.add(block, found)
    for name, array in alone.arrays.items():
        assert np.array_equal(there.arrays[name], array), name


@pytest.mark.slow
def test_workers_without_memory_for_the_compiler_are_given_up(here, scheduler):
    _, address = scheduler
    given_up = pytest.raises(EscalationError, match="workers were lost one after another")
    with worker(address, "--memory-limit", "120MB"), given_up:
        simulate(here, address, numbered(here, 10), lambda n: None)


def test_a_script_without_a_guard_runs_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import escalation\n"
        "from escalation.study import parse_study\n"
        f"study = parse_study({little().text['<study>']!r}, {str(CONFIGS)!r})\n"
        "ds = escalation.run(study, draws=1, trajectories=2, sweep=False, source='prior',\n"
        "                    where='local:1')\n"
        "print('played', ds.sizes['draw'], __file__.endswith('script.py'))\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)], env=ENVIRONMENT, capture_output=True, text=True,
        timeout=300, cwd=tmp_path,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "played 1 True\n", "")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_silence_is_said_aloud_again_and_again():
    clock, said = Clock(), []
    watching = Watch(clock, said.append)
    for _ in range(7):
        watching.look({"a", "b"})
        clock.now += SILENCE_SECONDS / 2
    assert len(said) == 3
    assert f"no block has come back for {SILENCE_SECONDS:.0f} s; workers there: 2" in said[0]
    watching.delivered()
    watching.look({"a", "b"})
    assert len(said) == 3, "a block has come back"


def test_workers_that_are_lost_one_after_another_are_given_up():
    watching = Watch(Clock(), lambda words: None)
    for n in range(2 * LIVES):
        watching.look({f"a{n // 2}", f"b{(n + 1) // 2}"})
    with pytest.raises(EscalationError, match=f"{2 * LIVES} workers were lost one after another"):
        watching.look({f"a{LIVES}", f"b{LIVES}"})
    watching = Watch(Clock(), lambda words: None)
    for n in range(20):  # the same losses, with a block in between
        watching.look({f"a{n // 2}", f"b{(n + 1) // 2}"})
        watching.delivered()


def test_no_worker_at_all_is_waited_for_and_given_up():
    clock, said = Clock(), []
    watching = Watch(clock, said.append)
    watching.look({"a"})
    for _ in range(int(PATIENCE_SECONDS // 5)):
        clock.now += 5
        watching.look(())
    clock.now += 5
    with pytest.raises(EscalationError, match="no worker is left"):
        watching.look(())
    assert len(said) >= 3


def test_a_scheduler_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(watch, "SILENCE_SECONDS", 0.02)
    said: list[str] = []
    never = threading.Event()
    with pytest.raises(EscalationError, match="no answer for"):
        patiently(never.wait, 0.1, said.append)
    never.set()
    assert len(said) >= 2
    assert patiently(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        patiently(lambda: 1 // 0)
