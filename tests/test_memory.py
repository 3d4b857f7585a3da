"""What needs more memory than there is is refused in one line, before anything is played."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import campaign_tools as tools
import cells
import pytest
from campaign_tools import little, little_file
from click.testing import CliRunner

import escalation
from escalation import memory
from escalation.cli.app import main
from escalation.errors import InputError
from escalation.history.sampling import Effort, chain_bytes
from escalation.memory import Room
from escalation.simulation.accumulate import Counts, cell_bytes
from escalation.simulation.footprint import run_bytes
from escalation.simulation.parameter_source import Source
from escalation.simulation.plan import Plan
from escalation.simulation.run import resume
from escalation.simulation.simulator import LocalSimulator
from escalation.simulation.workload import Workload, blocks_of, count_blocks
from escalation.verification.verify import verify

ROOT = Path(__file__).resolve().parent.parent
FACTOR = 2
"""Between what is foretold and what is taken, either way."""


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A system that tells nothing yet: folders in place of /proc and the control groups."""
    monkeypatch.setattr(memory, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "groups")
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda which: unlimited)
    return tmp_path


def test_nothing_known_is_no_limit(system):
    assert memory.room() is None
    memory.refuse_beyond_room("anything", 2**80, "")
    write(system / "proc" / "meminfo", "MemTotal: what\nnonsense\n\n")
    write(system / "proc" / "self" / "cgroup", "0::/\n")
    write(system / "groups" / "memory.max", "max\n")
    assert memory.room() is None


def test_the_least_limit_counts(system, monkeypatch):
    write(system / "proc" / "meminfo", "MemTotal: 9000 kB\nMemAvailable: 5000 kB\nSwapFree: 7 kB\n")
    assert memory.room() == Room(5007 * 1024, "free memory of this machine")
    write(system / "proc" / "self" / "status", "Name:\tpython\nVmSize:\t  2000 kB\n")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (6_000 * 1024, 2**40))
    assert memory.room() == Room(4000 * 1024, "limit on the process's address space")


@pytest.mark.parametrize(("line", "folder", "names"), [
    ("0::/job/step\n", "job", ("memory.max", "memory.current", "inactive_file")),
    ("0::/job/step\n", "", ("memory.max", "memory.current", "inactive_file")),
    ("0::/job\n", "job", ("memory.max", "memory.current", "inactive_file")),
    ("9:cpu:/x\n4:memory:/job/step\n", "memory/job",
     ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")),
    ("4:memory:/hidden/in/here\n", "memory",
     ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")),
])  # fmt: skip
def test_the_limit_of_a_container_or_of_one_above_it(system, line, folder, names):
    write(system / "proc" / "meminfo", "MemAvailable: 5000 kB\n")
    write(system / "proc" / "self" / "cgroup", line)
    place = system / "groups" / folder
    write(place / names[0], "900000\n")
    write(place / names[1], "500000\n")
    write(place / "memory.stat", f"{names[2]} 1000\n")
    assert memory.room() == Room(401_000, "limit of the container or control group")
    write(place / names[0], f"{2**63 - 4096}\n")
    assert memory.room().limit == "free memory of this machine"


def test_this_machine_is_known():
    assert memory.room() is None or memory.room().size > 0


@pytest.fixture
def tight(monkeypatch):
    """A process that may take a tenth of a gigabyte more, and must not simulate."""
    monkeypatch.setattr(memory, "room", lambda: Room(10**8, "limit of this test"))
    monkeypatch.setattr(LocalSimulator, "_simulate", lambda *_: pytest.fail("it was simulated"))


def refused(call) -> str:
    with pytest.raises(InputError) as refusal:
        call()
    text = str(refusal.value)
    assert text.startswith("memory: ")
    assert "\n" not in text
    assert "GB, and 0.1 GB are left (limit of this test); lower " in text
    return text


def test_runs_of_every_kind_are_refused(tight, tmp_path):
    assert "6 cells x 65,536 draws needs about " in refused(
        lambda: escalation.run(little(), draws=65_536, trajectories=1)
    )
    refused(lambda: escalation.run(little(), draws=1, defaults=True))
    refused(lambda: escalation.run(little(), where="local:2"))
    refused(lambda: escalation.run(little(), store=tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    refused(lambda: verify(little(), draws=2))


def test_a_campaign_is_not_grown_beyond_memory(tmp_path, monkeypatch):
    folder = tmp_path / "campaign"
    tools.simulate(folder)
    before = (folder / "campaign.sqlite3").read_bytes()
    need = run_bytes(Plan.of(little(), draws=100), Source.of(little()))
    monkeypatch.setattr(memory, "room", lambda: Room(need, "limit of this test"))
    for change in ({"draws": 500}, {"trajectories": 2**50}):
        with pytest.raises(InputError, match="memory: "):
            escalation.run(little(), store=folder, **change)
        assert (folder / "campaign.sqlite3").read_bytes() == before
    escalation.run(little(), store=folder)
    monkeypatch.setattr(memory, "room", lambda: Room(10**8, "limit of this test"))
    refused(lambda: resume(folder))


def test_checks_and_chains_grow_with_their_arguments(monkeypatch):
    room = 2 * 10**9
    monkeypatch.setattr(memory, "room", lambda: Room(room, "limit of this test"))
    with pytest.raises(InputError, match=r"memory: a check of 5,000 cells .* lower draws"):
        verify(cells.shipped_study(), draws=1_000, structure="trilateral")
    assert chain_bytes(Effort(1_000, warm_up=10, steps=1_000, thin=5), 64) < room
    assert chain_bytes(Effort(1_000, warm_up=10, steps=100_000, thin=5), 64) > room


def test_memory_that_runs_out_all_the_same_is_one_line(tmp_path, monkeypatch):
    def full(*_, **__):
        raise MemoryError("Unable to allocate 9.9 GiB")

    monkeypatch.setattr(LocalSimulator, "_simulate", full)
    result = CliRunner().invoke(
        main, ["run", str(little_file(tmp_path)), "-o", str(tmp_path / "x.nc")]
    )
    assert result.exit_code == 2
    assert result.stderr.startswith("memory: there is not enough of it")
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "x.nc").exists()


def test_a_real_limit_refuses_a_real_run(tmp_path):
    study = little_file(tmp_path)
    limited = f"ulimit -v 8000000; exec {sys.executable} -m escalation run {study} --draws 65536"
    done = subprocess.run(
        ["bash", "-c", limited], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=300,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("memory: a run of 6 cells x 65,536 draws needs about ")
    assert "(limit on the process's address space); lower draws" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "results").exists()


MEASURE = """
import sys
sys.path.insert(0, "TESTS")
from campaign_tools import little
import escalation
from escalation.results import save_results

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

before = peak()
for draws in map(int, sys.argv[2:]):
    ds = escalation.run(little(), draws=draws, trajectories=1, sweep=False, source="prior")
    save_results(ds, sys.argv[1])
    del ds
    print(peak() - before)
"""


def taken(folder: Path, *draws: int) -> dict[int, int]:
    """Bytes at the peak of runs of so many draws, the smaller before the larger."""
    code = MEASURE.replace("TESTS", str(ROOT / "tests"))
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder / "r.nc"), *map(str, draws)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )
    return dict(zip(draws, map(int, done.stdout.split()), strict=True))


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc to measure")
def test_what_is_foretold_is_what_is_taken(tmp_path):
    small, large = 64, 512
    # What is not compiled yet is compiled here: that takes more than a run.
    escalation.run(little(), draws=2, trajectories=1, sweep=False, source="prior")
    took = taken(tmp_path, small, large)
    plans = {n: Plan.of(little(), draws=n, trajectories=1) for n in (small, large)}
    foretold = {n: run_bytes(plan, Source(little())) for n, plan in plans.items()}
    for n in (small, large):
        assert 1 / FACTOR < foretold[n] / took[n] < FACTOR, (n, foretold[n], took[n])
    more = (foretold[large] - foretold[small]) / (took[large] - took[small])
    assert 1 / FACTOR < more < FACTOR, more


def test_the_bytes_of_a_cell_are_those_that_are_counted():
    study, n = little(), 3
    counts = Counts(study, n)
    simulator = LocalSimulator(study, Source(study).draws(n, 1), 1)
    for block, found in simulator.simulate_all(blocks_of(study, (0, n), (0, 2))):
        counts.add(block, found)
    held = sum(array.nbytes for array in counts.arrays.values())
    assert held == cell_bytes(study) * counts.checksums.size


@pytest.mark.parametrize("size", [(1, 1), (4, 60), (64, 7), (65, 300), (130, 90), (3, 1_000)])
@pytest.mark.parametrize("block_size", [1, 37, 100, 6_000])
def test_blocks_and_trajectories_are_counted_without_listing_them(size, block_size):
    study = little()
    draws, trajectories = size
    listed = list(blocks_of(study, (0, draws), (0, trajectories), block_size))
    in_cells = len(listed) / (len(study.decision_rules) * len(study.structures))
    assert count_blocks(draws, trajectories, block_size) == in_cells
    for sweep in ((), study.compare.sweep):
        plan = Plan(1, 1, 1, sweep=sweep, block_size=block_size).grown(size)
        for companions in ((), ("own, prior", "other")):
            workload = Workload(study, plan, companions)
            assert workload.trajectories() == sum(block.size for block in workload.blocks())
