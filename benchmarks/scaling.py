"""Simulate how a run scales over many workers: where the scheduler is the limit, which blocks.

Usage: python benchmarks/scaling.py [--rate X] [--service X] [--choice X] ... (--help lists all)

A worker has two blocks, one at work and one at hand. When it ends one, it begins the other, and the
result joins the queue of a single server, scheduler and client together, which takes

    service + choice * workers + bytes / bandwidth

seconds for each (Dask looks at every worker to choose one) and sends the next block, ``latency``
seconds on its way. With nothing at hand the worker idles. A block takes

    size / rate * exp(spread * z - spread**2 / 2),  z standard normal.

A worker is lost at ``failures`` per hour of work: its blocks go to others, and another worker
takes its place after ``restart`` seconds. The loss is

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

    rate: float = 400_000.0
    service: float = 0.005
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


class _Run:
    """Blocks that wait, workers with what they have at hand, and what happens next."""

    def __init__(self, costs: Costs, workers: int, size: float, blocks: int, seed: int) -> None:
        self.costs, self.mean = costs, size / costs.rate
        self.cost = costs.per_block(workers)
        self.waiting = workers * blocks
        self.rng = np.random.default_rng(seed)
        self.server = self.last = 0.0
        self.at_hand: list[deque[float]] = [deque() for _ in range(workers)]  # arrival times
        self.idle: dict[int, None] = dict.fromkeys(range(workers))
        self.events: list[tuple[float, str, int]] = []

    def play(self) -> float:
        """Return when the last result is in."""
        for worker in [*self.idle] * AHEAD:
            self.server += self.cost
            self.send(worker)
        for worker in [*self.idle]:
            self.begin(worker, 0.0)
        while self.events:
            now, kind, worker = heapq.heappop(self.events)
            getattr(self, kind)(worker, now)
        return self.last

    def ended(self, worker: int, now: float) -> None:
        """Take in a result and send the next block; begin the one at hand."""
        self.last = self.server = max(self.server, now) + self.cost
        self.send(worker)
        self.begin(worker, now)

    def lost(self, worker: int, now: float) -> None:
        """Give what a worker had to others; those that idle begin at once."""
        self.waiting += 1 + len(self.at_hand[worker])
        self.at_hand[worker].clear()
        heapq.heappush(self.events, (now + self.costs.restart, "back", worker))
        for other in [*self.idle][: self.waiting]:
            self.back(other, now)

    def back(self, worker: int, now: float) -> None:
        """Send as many blocks as a worker holds."""
        for _ in range(AHEAD):
            self.server = max(self.server, now) + self.cost
            self.send(worker)
        self.begin(worker, now)

    def send(self, worker: int) -> None:
        """Send a block, if one waits."""
        if self.waiting:
            self.waiting -= 1
            self.at_hand[worker].append(self.server + self.costs.latency)

    def begin(self, worker: int, now: float) -> None:
        """Begin the block at hand, if there is one."""
        if not self.at_hand[worker]:
            self.idle[worker] = None
            return
        self.idle.pop(worker, None)
        now, spread = max(now, self.at_hand[worker].popleft()), self.costs.spread
        length = self.mean * np.exp(spread * self.rng.standard_normal() - spread**2 / 2)
        fails = self.rng.exponential() * 3_600 / max(self.costs.failures, 1e-12)
        kind = "lost" if fails < length else "ended"
        heapq.heappush(self.events, (now + min(fails, length), kind, worker))


def lost_share(costs: Costs, workers: int, size: float, blocks: int, seed: int = 1) -> float:
    """Return the share of the workers' time that is lost, by simulation.

    Parameters
    ----------
    costs : Costs
        Of a block.
    workers : int
        Number of workers.
    size : float
        Trajectories per block.
    blocks : int
        Blocks for each worker, on average, two at least.
    seed : int
        Of the random numbers.
    """
    last = _Run(costs, workers, size, blocks, seed).play()
    return 1.0 - blocks * size / costs.rate / last


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
