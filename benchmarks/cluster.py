"""Measure a cluster of two local workers: against two threads, and what a task costs.

Usage: python benchmarks/cluster.py [--quick]

The shipped study (64 of its 512 draws, one decision rule, no sweep), in the blocks that a run would
cut, runs in one process with two threads and on two workers of one thread, in turn; the ratios
are medians over pairs. On a machine that others use too, the processor time of all processes
together says more than the time on the clock. Before that, tasks that do nothing but return bytes,
none or as many as a block does. Scheduler and client are one process here, and share two processors
with the workers.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import psutil  # noqa: E402
from distributed import Client  # noqa: E402

from escalation.simulation.accumulate import Counts, packed, unpacked  # noqa: E402
from escalation.simulation.connection import connected  # noqa: E402
from escalation.simulation.parameter_source import Source  # noqa: E402
from escalation.simulation.plan import BLOCK_TRAJECTORIES  # noqa: E402
from escalation.simulation.simulator import LocalSimulator, Simulator  # noqa: E402
from escalation.simulation.worker import ClusterSimulator  # noqa: E402
from escalation.simulation.workload import blocks_of  # noqa: E402
from escalation.study import load_study  # noqa: E402

WORKERS = 2


def nothing(k: int, size: int) -> bytes:
    """Return so many bytes."""
    return bytes(size)


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def processor_seconds() -> float:
    """Return the processor time of this process and of its children so far."""
    me = psutil.Process()
    times = [process.cpu_times() for process in (me, *me.children(recursive=True))]
    return sum(t.user + t.system for t in times)


def both(action: Callable[[], object]) -> np.ndarray:
    """Return the seconds of an action on the clock and on all processors."""
    begin = processor_seconds()
    return np.array([seconds(action), processor_seconds() - begin])


def simulated(simulator: Simulator, draws: int, trajectories: int) -> Counts:
    """Simulate the study."""
    counts = Counts(simulator.study, draws)
    size = simulator.block_size(trajectories * counts.checksums.size, BLOCK_TRAJECTORIES)
    for block, result in simulator.simulate_all(
        blocks_of(simulator.study, (0, draws), (0, trajectories), size)
    ):
        counts.add(block, result)
    return counts


def compare(client: Client, draws: int, trajectories: int, repeats: int) -> None:
    """Print the throughput of both, and what it costs here to take in a block."""
    study = load_study(ROOT / "configs" / "asian_nato.yaml")
    study = study.model_copy(update={"decision_rules": study.decision_rules[:1]})
    values = Source.of(study).draws(draws, 1)
    here = LocalSimulator(study, values, 1, threads=WORKERS)
    with ClusterSimulator(client, study, values, 1) as there:
        a, b = simulated(here, draws, 10), simulated(there, draws, 10)  # compiles
        pairs = np.array([
            [both(lambda s=s: simulated(s, draws, trajectories)) for s in (here, there)]
            for _ in range(repeats)
        ])
    same = all(a.arrays[k].tobytes() == b.arrays[k].tobytes() for k in a.arrays)
    total = trajectories * a.checksums.size
    print(f"{total:,} trajectories; same counts: {same}")
    for row in pairs:
        print(f"  threads {row[0, 0]:6.2f} s, processor {row[0, 1]:6.2f} s;"
              f"  workers {row[1, 0]:6.2f} s, processor {row[1, 1]:6.2f} s")
    clock, processor = np.median(pairs[:, 0] / pairs[:, 1], axis=0)
    print(f"workers / threads: {clock:.3f} by the clock, {processor:.3f} by processor time")
    block = next(blocks_of(study, (0, draws), (0, 1_000)))
    parcel, counts = packed(here.simulate(block)), Counts(study, draws)
    cost = statistics.median(
        seconds(lambda: counts.add(block, unpacked(parcel, study, block))) for _ in range(50)
    )
    print(f"a block of {block.end - block.begin} draws: {len(parcel):,} bytes, "
          f"{cost * 1e3:.2f} ms to add here")


def overheads(client: Client, tasks: int, repeats: int) -> None:
    """Print the seconds that a task costs when many wait, and when one is alone."""
    for size in (0, 60_000):
        times = [
            seconds(lambda size=size: client.gather(
                client.map(nothing, range(tasks), size=size, pure=False)
            )) / tasks
            for _ in range(repeats)
        ]
        alone = [
            seconds(client.submit(nothing, 0, size, pure=False).result) for _ in range(10 * repeats)
        ]
        print(f"task that returns {size:,} bytes: {statistics.median(times) * 1e3:.2f} ms each "
              f"of {tasks}, {statistics.median(alone) * 1e3:.1f} ms alone")


def main(arguments: list[str]) -> None:
    """Measure and print."""
    quick = "--quick" in arguments
    with connected(f"local:{WORKERS}") as client:
        overheads(client, *((20, 1) if quick else (1_000, 3)))
        compare(client, *((2, 20, 1) if quick else (64, 500, 5)))  # tables take most of the time
        if not quick:
            compare(client, 16, 8_000, 5)  # trajectories do


if __name__ == "__main__":
    main(sys.argv[1:])
