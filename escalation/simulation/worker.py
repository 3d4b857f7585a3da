"""This side: blocks handed out, a bounded number at a time, and what comes back."""

from __future__ import annotations

import math
import queue
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Self, TypeVar

import numpy as np
from distributed import Client, Future, KilledWorker
from distributed.client import FutureCancelledError

from escalation.errors import EscalationError, InputError
from escalation.model.draws import Draws
from escalation.simulation.accumulate import BlockCounts, unpacked
from escalation.simulation.plan import BLOCK_TRAJECTORIES
from escalation.simulation.pool import (
    RESOURCE,
    Delivery,
    Identity,
    WorkerSimulator,
    arithmetic,
    identity,
    simulate_on_worker,
)
from escalation.simulation.simulator import LocalSimulator
from escalation.simulation.watch import PATIENCE_SECONDS, Watch, patiently
from escalation.simulation.workload import Block

if TYPE_CHECKING:
    from escalation.model.compile import Grid
    from escalation.study.schema import Study

THREAD_TRAJECTORIES = 10_000_000
"""Largest share of a block for each thread: some twenty seconds, which a lost worker loses."""
SHARES = 64
"""A worker gets at least so many blocks, if they are not too small then: at the end workers wait
for the last one, half a block each on average."""
AHEAD = 2
"""Blocks per worker that are handed out: one at work, one at hand."""
LOOK_SECONDS = 2.0
"""How often workers are counted again."""
STUCK_LOOKS = 2
"""Looks in a row at which no worker has any of the blocks that are out: they are sent again. A
scheduler does not look again at work that nobody could do when it came."""

Answer = TypeVar("Answer")


def asked(
    client: Client, call: Callable[[], Answer], patience: float = PATIENCE_SECONDS
) -> Answer:
    """Return what a call to a cluster returns.

    Raises
    ------
    EscalationError
        The connection is lost, or nobody answers for so many seconds.
    """
    try:
        return patiently(call, patience)
    except (EscalationError, KilledWorker):
        raise
    except (FutureCancelledError, OSError) as error:
        raise _lost(error) from None
    except Exception as error:
        # Dask raises one thing or another where its client has given up.
        if client.status == "running":
            raise
        raise _lost(error) from None


def _lost(error: BaseException) -> EscalationError:
    words = " ".join(str(error).split())[:200]
    return EscalationError(f"scheduler: the connection is lost ({type(error).__name__}: {words})")


def refuse_other_code(client: Client) -> None:
    """Raise an InputError if a worker runs other code than this process."""
    here = identity()
    answers = asked(client, lambda: client.run(identity, on_error="return"))
    for worker, answer in sorted(answers.items()):
        if isinstance(answer, OSError):
            continue  # it was lost meanwhile; whatever comes in its place is asked later
        if isinstance(answer, Exception):
            raise InputError(
                f"scheduler: worker {worker} cannot run this version of escalation "
                f"({type(answer).__name__}: {answer})"
            )
        _compare(worker, answer, here)


def _compare(worker: str, there: Identity, here: Identity) -> None:
    if tuple(there) != tuple(here):
        raise InputError(
            f"scheduler: worker {worker} runs escalation {there[0]} with source {there[1]}, "
            f"not {here.version} with source {here.source} as here"
        )


class ClusterSimulator:
    """Simulates blocks of one study on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        Connected.
    study, values, seed, grid
        As of a :class:`escalation.simulation.simulator.LocalSimulator`.
    threads : int, optional
        Threads on each worker, at most those that it was started with; all of these by default.

    Attributes
    ----------
    workers : set of str
        Addresses of those that have delivered.
    """

    def __init__(
        self,
        client: Client,
        study: Study,
        values: Draws,
        seed: int,
        grid: Grid | None = None,
        threads: int | None = None,
    ) -> None:
        self.study = study
        self._client = client
        self._name = f"escalation-{uuid.uuid4().hex}"
        self._here = LocalSimulator(study, values, seed, grid, threads)
        self._there = WorkerSimulator(study, values, seed, grid, threads)
        self._flying: dict[Future, Block] = {}
        self._done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.workers: set[str] = set()
        self._tables: dict[tuple, tuple[np.ndarray, str]] = {}
        self._watch = Watch()
        self._workers, self._looked, self._stuck = 0, -LOOK_SECONDS, 0

    def __enter__(self) -> Self:
        try:
            asked(self._client, lambda: self._client.register_plugin(
                self._there, name=self._name
            ))  # fmt: skip
        except EscalationError:
            # The scheduler has it for those that join, also if a worker was lost meanwhile.
            if self._client.status != "running":
                raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._client.status != "running":
            return
        # A worker may be gone, or too new to have the plugin.
        with suppress(EscalationError, KeyError):
            asked(self._client, self._withdraw)

    def _withdraw(self) -> None:
        self._client.cancel(list(self._flying), force=True)
        self._client.unregister_worker_plugin(self._name)

    def block_size(self, total: int, wanted: int = 0) -> int:
        """Return trajectories per block if there are so many in all, whatever is wanted.

        From `BLOCK_TRAJECTORIES` to some twenty seconds of work, and
        small enough that workers end at about the same time.
        """
        threads = list(asked(self._client, self._client.nthreads).values()) or [1]
        share = total // (SHARES * len(threads))
        return max(BLOCK_TRAJECTORIES, min(share, THREAD_TRAJECTORIES * max(threads)))

    def simulate_all(self, blocks: Iterable[Block]) -> Iterator[tuple[Block, BlockCounts]]:
        """Simulate blocks, in whatever order they come back.

        Raises
        ------
        InputError
            See :meth:`receive`.
        EscalationError
            The connection is lost, no worker is left, or a block has killed several of them.
        """
        waiting = iter(blocks)
        while True:
            for block in islice(waiting, self._room()):
                self._hand_out(block)
            if not self._flying:
                return
            ready = self._ready()
            for future, delivery in zip(ready, self._gathered(ready), strict=True):
                block = self._flying.pop(future)
                self._watch.delivered()
                yield block, self.receive(block, delivery)

    def _room(self) -> int:
        """Return how many blocks may be handed out besides those that are out."""
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            self._look()
        return max(AHEAD * max(self._workers, 1) - len(self._flying), 0)

    def _look(self) -> None:
        """Count workers, and send again what none of them has."""
        workers = asked(self._client, self._client.nthreads)
        self._workers = len(workers)
        self._watch.look(workers)
        stuck = bool(workers and self._flying and self._done.empty() and not self._at_work())
        self._stuck = self._stuck + 1 if stuck else 0
        if self._stuck >= STUCK_LOOKS:
            self._stuck = 0
            blocks = list(self._flying.values())
            asked(self._client, lambda: self._client.cancel(list(self._flying), force=True))
            self._flying.clear()
            for block in blocks:
                self._hand_out(block)

    def _at_work(self) -> bool:
        """Tell whether a worker has any of the blocks that are out."""
        mine = {future.key for future in self._flying}
        there = asked(self._client, self._client.processing)
        return any(mine.intersection(keys) for keys in there.values())

    def _hand_out(self, block: Block) -> None:
        future = asked(self._client, lambda: self._client.submit(
            simulate_on_worker, self._name, block, pure=False, resources={RESOURCE: 1}
        ))  # fmt: skip
        self._flying[future] = block
        future.add_done_callback(self._done.put)

    def _ready(self) -> list[Future]:
        """Wait for blocks, but not longer than until workers are counted again."""
        ready = []
        try:
            ready.append(self._done.get(timeout=LOOK_SECONDS))
            while True:
                ready.append(self._done.get_nowait())
        except queue.Empty:  # what was sent again may come back twice: once is enough
            return [future for future in ready if future in self._flying]

    def _gathered(self, ready: list[Future]) -> list[Delivery]:
        try:
            return list(asked(self._client, lambda: self._client.gather(ready), math.inf))
        except KilledWorker as error:
            raise EscalationError(
                f"scheduler: {error.allowed_failures + 1} workers died while they had the "
                f"same block, the last one {error.last_worker.address}"
            ) from None
        except (ImportError, AttributeError) as error:
            raise InputError(f"scheduler: a worker runs other code than here ({error})") from None

    def receive(self, block: Block, delivery: Delivery) -> BlockCounts:
        """Check and unpack what a worker delivered.

        Raises
        ------
        InputError
            It runs other code, or its tables differ from those here or on another worker.
        """
        worker = delivery.worker
        if worker not in self.workers:
            _compare(worker, delivery.identity, identity())
            if delivery.arithmetic != self._arithmetic:
                raise InputError(
                    f"scheduler: worker {worker} rounds otherwise than this machine (another "
                    "processor or mathematical library): tables would differ"
                )
            self.workers.add(worker)
        counts = unpacked(delivery.counts, self.study, block)
        self._agree(block, counts.checksums, worker)
        return counts

    def _agree(self, block: Block, checksums: np.ndarray, worker: str) -> None:
        """Raise an InputError if another worker had other tables for the same cells."""
        cells = (block.rule, block.flashpoint, block.structure, block.begin, block.end)
        first, who = self._tables.setdefault(cells, (checksums, worker))
        differ = np.flatnonzero(first != checksums)
        if differ.size:
            raise InputError(
                f"scheduler: workers {who} and {worker} have different tables for "
                f"{block.flashpoint}, {block.structure}, draw {block.begin + differ[0]} "
                f"under {block.rule}: another processor or mathematical library"
            )

    @cached_property
    def _arithmetic(self) -> int:
        return arithmetic(self._here)
