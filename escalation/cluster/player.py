"""This side: blocks handed out, a bounded number at a time, and what comes back."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Self

import numpy as np
from distributed import Client, Future, KilledWorker
from distributed.client import FutureCancelledError
from distributed.comm import CommClosedError

from escalation.blocks import BLOCK_TRAJECTORIES, Block, Played, Workshop
from escalation.cluster.station import (
    RESOURCE,
    Delivery,
    Identity,
    Station,
    arithmetic,
    identity,
    play,
    unpacked,
)
from escalation.errors import EscalationError, InputError
from escalation.model.draws import Draws

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
PATIENCE_SECONDS = 120.0
"""How long a run without any worker waits for one."""


def refuse_other_code(client: Client) -> None:
    """Raise an InputError if a worker runs other code than this process."""
    here = identity()
    for worker, answer in sorted(client.run(identity, on_error="return").items()):
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


class ClusterPlayer:
    """Plays blocks of one study on the workers of a cluster.

    Parameters
    ----------
    client : distributed.Client
        Connected.
    study, values, seed, grid
        As of a :class:`escalation.blocks.Workshop`.
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
        threads: int | None = None,
        grid: Grid | None = None,
    ) -> None:
        self.study = study
        self._client = client
        self._name = f"escalation-{uuid.uuid4().hex}"
        self._here = Workshop(study, values, seed, threads, grid)
        self._station = Station(study, values, seed, threads, grid)
        self._flying: dict[Future, Block] = {}
        self._done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.workers: set[str] = set()
        self._tables: dict[tuple, tuple[np.ndarray, str]] = {}
        self._workers, self._looked, self._seen = 0, -LOOK_SECONDS, time.monotonic()

    def __enter__(self) -> Self:
        self._client.register_plugin(self._station, name=self._name)
        return self

    def __exit__(self, *error: object) -> None:
        if self._client.status != "running":
            return
        with suppress(OSError, KeyError):  # a worker may be gone, or too new to have the plugin
            self._client.cancel(list(self._flying), force=True)
            self._client.unregister_worker_plugin(self._name)

    def block_size(self, total: int) -> int:
        """Return trajectories per block if there are so many in all.

        From :data:`escalation.blocks.BLOCK_TRAJECTORIES` to some twenty seconds of work, and
        small enough that workers end at about the same time.
        """
        threads = list(self._client.nthreads().values()) or [1]
        share = total // (SHARES * len(threads))
        return max(BLOCK_TRAJECTORIES, min(share, THREAD_TRAJECTORIES * max(threads)))

    def play_all(self, blocks: Iterable[Block]) -> Iterator[tuple[Block, Played]]:
        """Play blocks, in whatever order they come back.

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
                yield block, self.receive(block, delivery)

    def _room(self) -> int:
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._workers, self._looked = len(self._client.nthreads()), now
            if self._workers:
                self._seen = now
        if now - self._seen > PATIENCE_SECONDS:
            raise EscalationError(f"scheduler: no worker is left for {PATIENCE_SECONDS:.0f} s")
        return max(AHEAD * max(self._workers, 1) - len(self._flying), 0)

    def _hand_out(self, block: Block) -> None:
        future = self._client.submit(
            play, self._name, block, pure=False, resources={RESOURCE: 1}
        )
        self._flying[future] = block
        future.add_done_callback(self._done.put)

    def _ready(self) -> list[Future]:
        """Wait for blocks, but not longer than until workers are counted again."""
        ready = []
        try:
            ready.append(self._done.get(timeout=LOOK_SECONDS))
            while True:
                ready.append(self._done.get_nowait())
        except queue.Empty:
            return ready

    def _gathered(self, ready: list[Future]) -> list[Delivery]:
        try:
            return list(self._client.gather(ready))
        except KilledWorker as error:
            raise EscalationError(
                f"scheduler: {error.allowed_failures + 1} workers died while they played the "
                f"same block, the last one {error.last_worker.address}"
            ) from None
        except (FutureCancelledError, CommClosedError):
            raise EscalationError("scheduler: the connection is lost") from None
        except (ImportError, AttributeError) as error:
            raise InputError(f"scheduler: a worker runs other code than here ({error})") from None

    def receive(self, block: Block, delivery: Delivery) -> Played:
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
        played = unpacked(delivery.counts, self.study, block)
        self._agree(block, played.checksums, worker)
        return played

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
