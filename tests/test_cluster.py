"""Many machines give what one process gives, byte for byte, whatever befalls them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import cells
import numpy as np
import psutil
import pytest
from click.testing import CliRunner
from distributed import LocalCluster

import escalation
from escalation.cli.app import main
from escalation.errors import InputError
from escalation.simulation import connection
from escalation.simulation.accumulate import Counts, packed, unpacked
from escalation.simulation.connection import cluster_simulators
from escalation.simulation.plan import BLOCK_TRAJECTORIES
from escalation.simulation.pool import Delivery, arithmetic, identity
from escalation.simulation.simulator import LocalSimulator
from escalation.simulation.worker import SHARES, THREAD_TRAJECTORIES, ClusterSimulator
from escalation.simulation.workload import Block, blocks_of
from escalation.study import Study

ROOT = Path(__file__).resolve().parent.parent
STUDY = ROOT / "configs" / "asian_nato.yaml"
SEED, DRAWS = 11, 6
SMALL = {"draws": 3, "trajectories": 400, "seed": SEED}
BLOCK = Block("expected_utility", "taiwan_strait", "asian_nato", 0, 3, 5, 70)


@pytest.fixture(scope="module")
def small(study: Study) -> Study:
    """Two flashpoints of unlike third parties, three structures, a sweep of one parameter."""
    places = {name: study.flashpoints[name] for name in ("taiwan_strait", "spratlys_vietnam")}
    names = ("hub_and_spoke", "asian_nato", "us_retrenchment")
    structures = {name: study.structures[name] for name in names}
    compare = study.compare.model_copy(
        update={"focus": ("asian_nato",), "sweep": ("provocation_stake",)}
    )
    return study.model_copy(
        update={"flashpoints": places, "structures": structures, "compare": compare}
    )


@pytest.fixture(scope="module")
def here(small: Study) -> LocalSimulator:
    """Simulates the same blocks here."""
    return LocalSimulator(small, cells.sampled(DRAWS, seed=3), SEED)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A scheduler without workers."""
    with LocalCluster(
        n_workers=0, host="127.0.0.1", dashboard_address=None,
        scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
    ) as cluster:
        yield cluster.scheduler_address


@contextmanager
def worker(address: str, threads: int = 1, source: Path = ROOT) -> Iterator[subprocess.Popen]:
    """A worker process without a nanny: once dead it stays dead."""
    with subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny",
         "--no-dashboard", "--nthreads", str(threads), "--host", "127.0.0.1"],
        env=os.environ | {"PYTHONPATH": str(source)}, cwd=source,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def numbered_blocks(study: Study) -> Iterator[Block]:
    """Blocks without end, every range of trajectories of every cell in its turn."""
    for start in count(0, 500):
        yield from blocks_of(study, (0, DRAWS), (start, start + 500), 1_500)


def simulated_here(here: LocalSimulator, blocks: list[Block]) -> Counts:
    """Counts of the blocks as one process simulates them."""
    counts = Counts(here.study, DRAWS)
    for block, found in here.simulate_all(sorted(blocks)):
        counts.add(block, found)
    return counts


def simulated_there(
    here: LocalSimulator, address: str, happening: Callable[[int, ClusterSimulator], bool]
) -> tuple[Counts, list[Block]]:
    """Counts of the blocks as a cluster simulates them, until `happening` says: enough."""
    counts, handed_out, enough = Counts(here.study, DRAWS), [], False

    def blocks() -> Iterator[Block]:
        for block in numbered_blocks(here.study):
            if enough:
                return
            handed_out.append(block)
            yield block

    with cluster_simulators(address) as simulator_of:
        simulator = simulator_of(here.study, here.values, here.seed)
        for n, (block, found) in enumerate(simulator.simulate_all(blocks())):
            counts.add(block, found)
            enough = enough or happening(n, simulator)
    return counts, handed_out


def assert_same(there: Counts, here: Counts) -> None:
    assert list(there.arrays) == list(here.arrays)
    for name, array in here.arrays.items():
        assert there.arrays[name].tobytes() == array.tobytes(), name
    assert there.checksums.tobytes() == here.checksums.tobytes()
    assert there.table_checksum() == here.table_checksum()


@pytest.fixture(scope="module")
def local_run(small: Study) -> SimpleNamespace:
    """A run on two local workers, and the addresses that the processes listened on."""
    heard: set[str] = set()

    def look(done: int, total: int) -> None:
        me = psutil.Process()
        for process in (me, *me.children(recursive=True)):
            heard.update(
                c.laddr.ip for c in process.net_connections() if c.status == psutil.CONN_LISTEN
            )

    ds = escalation.run(small, **SMALL, where="local:2", progress=look)
    return SimpleNamespace(ds=ds, heard=heard)


def test_two_workers_give_the_bytes_of_one_process(small, local_run):
    here = escalation.run(small, **SMALL)
    for name in here.data_vars:
        assert local_run.ds[name].values.tobytes() == here[name].values.tobytes(), name
    assert local_run.ds.identical(here.assign_attrs(created=local_run.ds.created))
    other = escalation.run(small, **SMALL | {"seed": SEED + 1})
    assert not local_run.ds.equals(other)


def test_nothing_listens_beyond_this_machine(local_run):
    assert local_run.heard == {"127.0.0.1"}


def test_a_killed_worker_takes_nothing_with_it(here, address):
    with worker(address) as first, worker(address, threads=2) as second:
        wait_for(address, 2)

        def kill_one(n: int, there: ClusterSimulator) -> bool:
            if len(there.workers) == 2 and first.poll() is None:
                first.send_signal(signal.SIGKILL)
                kill_one.at = n
            return n > getattr(kill_one, "at", n) + 8

        there, blocks = simulated_there(here, address, kill_one)
        assert first.wait() == -signal.SIGKILL
        assert second.poll() is None
    assert_same(there, simulated_here(here, blocks))
    short = simulated_here(here, blocks[:-1])
    with pytest.raises(AssertionError):
        assert_same(there, short)


def test_a_worker_that_joins_late_gets_its_share(here, address):
    with worker(address):
        wait_for(address, 1)
        late = worker(address)
        try:
            def join(n: int, there: ClusterSimulator) -> bool:
                if n == 2:
                    late.__enter__()
                return len(there.workers) == 2

            there, blocks = simulated_there(here, address, join)
        finally:
            late.__exit__(None, None, None)
    assert_same(there, simulated_here(here, blocks))


def wait_for(address: str, n: int) -> None:
    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(n, timeout=120)


def test_a_worker_with_other_code_is_refused_before_anything_is_simulated(
    small, address, tmp_path, monkeypatch
):
    shutil.copytree(ROOT / "escalation", tmp_path / "escalation")
    with (tmp_path / "escalation" / "kernel" / "moves.py").open("a") as file:
        file.write("\n# changed\n")
    monkeypatch.setattr(
        ClusterSimulator, "simulate_all", lambda *_: pytest.fail("a block has been handed out")
    )
    with worker(address, source=tmp_path), pytest.raises(InputError) as refusal:
        escalation.run(small, **SMALL, where=address)
    here = identity()
    assert f"not {here.version} with source {here.source} as here" in str(refusal.value)
    assert "worker tcp://127.0.0.1:" in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_a_scheduler_without_workers(small, address, monkeypatch):
    monkeypatch.setattr(connection, "WORKER_SECONDS", 0.2)
    with pytest.raises(InputError, match="has no worker after"):
        escalation.run(small, **SMALL, where=address)


@pytest.mark.parametrize(("scheduler", "words"), [
    ("tcp://127.0.0.1:1", "nobody answers at tcp://127.0.0.1:1"),
    ("tcp://127.0.0.1:99999", "nobody answers at tcp://127.0.0.1:99999"),
    ("somewhere", "'somewhere' is neither an address"),
    ("local:0", "'0' in 'local:0' is not a whole number from 1 to 1024"),
    ("local:many", "'many' in 'local:many' is not a whole number"),
    ("local:", "'' in 'local:' is not a whole number"),
])
def test_bad_addresses_give_one_line_and_write_nothing(tmp_path, monkeypatch, scheduler, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 1)
    result = CliRunner().invoke(main, ["run", str(STUDY), "--scheduler", scheduler])
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_without_dask_the_message_says_what_to_install(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'escalation\[cluster\]'"):
        escalation.run(small, **SMALL, where="local:2")


def test_counts_survive_the_journey(here):
    found = here.simulate(BLOCK)
    again = unpacked(packed(found), here.study, BLOCK)
    assert cells.same(again.tallies, found.tallies)
    assert np.array_equal(again.checksums, found.checksums)
    assert again.checksums.dtype == found.checksums.dtype
    assert all(array.dtype == np.int64 for array in again.tallies)


@pytest.fixture
def there(here: LocalSimulator) -> ClusterSimulator:
    """A simulator that has had one delivery, without a connection."""
    there = ClusterSimulator(None, here.study, here.values, here.seed)
    there.receive(BLOCK, delivery(here, "tcp://a:1"))
    return there


def delivery(here: LocalSimulator, worker: str, change: int = 0) -> Delivery:
    found = here.simulate(BLOCK)
    changed = found.checksums + change * (np.arange(3) == 1)
    found = found._replace(checksums=changed)
    return Delivery(worker, identity(), arithmetic(here), packed(found))


def test_workers_must_have_the_same_tables(there, here):
    there.receive(BLOCK, delivery(here, "tcp://b:1"))
    with pytest.raises(InputError) as refusal:
        there.receive(BLOCK, delivery(here, "tcp://c:1", change=1))
    for words in ("tcp://a:1", "tcp://c:1", "taiwan_strait, asian_nato, draw 1"):
        assert words in str(refusal.value)


def test_a_late_worker_with_other_code_or_other_rounding_is_refused(there, here):
    good = delivery(here, "tcp://b:1")
    with pytest.raises(InputError, match="rounds otherwise"):
        there.receive(BLOCK, good._replace(arithmetic=good.arithmetic ^ 1))
    other = good.identity._replace(source="0" * 16)
    with pytest.raises(InputError, match="with source 0000000000000000"):
        there.receive(BLOCK, good._replace(identity=other))


def test_one_last_bit_of_one_parameter_changes_the_arithmetic(here):
    values = here.values.values.copy()
    row = here.values.names.index("contest_exponent")
    # In every draw, as a library that rounds otherwise would: one alone may be rounded away.
    values[row] = np.nextafter(values[row], np.inf)
    nearly = LocalSimulator(here.study, type(here.values)(here.values.names, values), SEED)
    assert arithmetic(nearly) != arithmetic(here)
    assert arithmetic(LocalSimulator(here.study, here.values, SEED)) == arithmetic(here)


@pytest.mark.parametrize("threads", [[1], [1] * 1000, [16] * 1000, [2, 8]])
@pytest.mark.parametrize("total", [1, 10**8, 10**13])
def test_blocks_are_long_enough_and_many_enough(here, total, threads):
    client = SimpleNamespace(nthreads=lambda: dict(enumerate(threads)))
    size = ClusterSimulator(client, here.study, here.values, SEED).block_size(total)
    assert BLOCK_TRAJECTORIES <= size <= THREAD_TRAJECTORIES * max(threads)
    assert size == BLOCK_TRAJECTORIES or total / size >= SHARES * len(threads)


@pytest.mark.slow
def test_interrupt_leaves_no_process_and_no_file(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "escalation", "run", str(STUDY), "--trajectories", "10000000",
         "--scheduler", "local:2"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            assert "5 flashpoints" in process.stdout.readline()
            started = workers_of(process.pid)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert err.strip().splitlines() == ["stopped; nothing was written"]
    assert not psutil.wait_procs(started, timeout=30)[1]
    assert not (tmp_path / "results").exists()


def workers_of(pid: int) -> list[psutil.Process]:
    """Wait until the workers are at work and return them."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = psutil.Process(pid).children(recursive=True)
        if sum(p.cpu_times().user > 3 for p in found) >= 2:
            return found
        time.sleep(0.2)
    raise AssertionError("no worker has started")
