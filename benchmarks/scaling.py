"""Simulate how a run scales over many workers: where the scheduler is the limit, which blocks.

Usage: python benchmarks/scaling.py [--rate X] [--service X] [--choice X] ... (--help lists all)

A worker has two blocks, one at work and one at hand. When it ends one, it begins the other, and the
result joins the queue of a single server, scheduler and client together, which takes

    service + choice * workers + bytes / bandwidth

seconds for each (Dask looks at every worker to choose one) and sends the next block, ``latency``
seconds on its way. With nothing at hand the worker idles. A block takes

    size / rate * exp(spread * z - spread**2 / 2),  z standard normal.

A worker is lost at ``failures`` per hour of work: what it has done of its block is done again
elsewhere, and another takes its place after ``restart`` seconds. The loss is

    1 - blocks * size / rate / (workers * time of the last result),

with ``blocks`` blocks for each worker, so that it includes the wait at the end.
"""

from __future__ import annotations

import argparse
import heapq
import sys
from collections import deque
from dataclasses import dataclass

import numpy as np

AHEAD = 2
WORKERS = (10, 100, 1_000)
SIZES = (250_000, 1_000_000, 4_000_000, 10_000_000)
CAMPAIGN = 1e13
GOAL = 0.02


@dataclass(frozen=True)
class Costs:
    """What was measured, and what is assumed.

    Attributes
    ----------
    rate : float
        Trajectories per second and worker.
    service : float
        Seconds of scheduler and client per block.
    choice : float
        Seconds of the scheduler per block and worker.
    latency : float
        Seconds from the scheduler to a worker that waits.
    bytes : float
        Of a result.
    bandwidth : float
        Bytes per second into the client.
    failures : float
        Of a worker, per hour.
    restart : float
        Seconds until a lost worker is replaced and has compiled.
    spread : float
        Standard deviation of the logarithm of a block's time.
    """

    rate: float = 350_000.0
    service: float = 0.004
    choice: float = 5e-6
    latency: float = 0.01
    bytes: float = 60_000.0
    bandwidth: float = 100e6
    failures: float = 0.01
    restart: float = 60.0
    spread: float = 0.1

    def per_block(self, workers: int) -> float:
        """Return the seconds of the server per block."""
        return self.service + self.choice * workers + self.bytes / self.bandwidth


def lost_share(costs: Costs, workers: int, size: float, blocks: int, seed: int = 1) -> float:
    """Return the share of the workers' time that is lost, by simulation.

    Parameters
    ----------
    costs : Costs
        Of a block.
    workers : int
        Number of workers, one thread each.
    size : float
        Trajectories per block.
    blocks : int
        Blocks for each worker, on average, two at least.
    seed : int
        Of the random numbers.
    """
    rng = np.random.default_rng(seed)
    mean, waiting = size / costs.rate, workers * blocks
    cost = costs.per_block(workers)
    server = last = 0.0
    at_hand: list[deque[float]] = [deque() for _ in range(workers)]  # when each arrives
    ends: list[tuple[float, int]] = []

    def begin(worker: int, now: float) -> None:
        now = max(now, at_hand[worker].popleft())
        end = now + mean * np.exp(costs.spread * rng.standard_normal() - costs.spread**2 / 2)
        if rng.random() < costs.failures / 3_600 * (end - now):
            end += rng.random() * (end - now) + costs.restart
        heapq.heappush(ends, (end, worker))

    for worker in [*range(workers)] * AHEAD:
        server += cost
        at_hand[worker].append(server + costs.latency)
        waiting -= 1
    for worker in range(workers):
        begin(worker, 0.0)
    while ends:
        now, worker = heapq.heappop(ends)
        last = server = max(server, now) + cost
        if waiting:
            at_hand[worker].append(server + costs.latency)
            waiting -= 1
        if at_hand[worker]:
            begin(worker, now)
    return 1.0 - blocks * mean / last


def smallest_size(costs: Costs, workers: int, blocks: int, seed: int = 1) -> float:
    """Return the smallest block, in trajectories, at which less than the goal is lost.

    Among sizes that double; infinity if there is none up to an hour of work.
    """
    size = 62_500.0
    while size < 3_600 * costs.rate:
        if lost_share(costs, workers, size, blocks, seed) < GOAL:
            return size
        size *= 2
    return float("inf")


def table(costs: Costs, blocks: int, seed: int = 1, workers: tuple[int, ...] = WORKERS) -> str:
    """Return the simulated losses as text."""
    head = "  ".join(f"{size / 1e6:>6g} M" for size in SIZES)
    lines = [f"{'workers':>8}  {head}  {'limit, blocks/s':>16}  {'smallest for < 2 %':>18}"]
    for n in workers:
        losses = "  ".join(f"{lost_share(costs, n, s, blocks, seed):8.1%}" for s in SIZES)
        least = smallest_size(costs, n, blocks, seed)
        lines.append(f"{n:>8}  {losses}  {1 / costs.per_block(n):16.0f}  {least / 1e6:16.3g} M")
    loss = lost_share(costs, 1_000, SIZES[-1], blocks, seed)
    hours = CAMPAIGN / costs.rate / 1_000 / (1 - loss) / 3_600
    size = f"{SIZES[-1] / 1e6:g} M"
    lines.append(f"1e13 trajectories on 1,000 workers of a thread, {size} a block: {hours:.1f} h")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description="Simulate how a run scales over many workers.")
    for name, value in vars(Costs()).items():
        parser.add_argument(f"--{name}", type=float, default=value, metavar="X")
    parser.add_argument("--blocks", type=int, default=100, help="per worker", metavar="N")
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    chosen = vars(parser.parse_args(arguments))
    blocks, seed = chosen.pop("blocks"), chosen.pop("seed")
    workers = tuple(chosen.pop("workers"))
    print(table(Costs(**chosen), blocks, seed, workers))


if __name__ == "__main__":
    main(sys.argv[1:])
