"""A worker's side: the study, compiled once, and blocks played one at a time."""

from __future__ import annotations

import hashlib
import zlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from distributed import Worker, WorkerPlugin, get_worker

import escalation
from escalation.contracts.tallies import Tallies, empty_tallies
from escalation.model.draws import Draws
from escalation.simulation.simulator import Block, Played, Workshop

if TYPE_CHECKING:
    from escalation.model.compile import Grid
    from escalation.study.schema import Study

RESOURCE = "escalation"
"""Of which a worker has one and a block takes one: its threads all work on the same block."""
_PACKAGE = Path(escalation.__file__).resolve().parent
_PROBED_DRAWS = 4


class Identity(NamedTuple):
    """Version of the package, and a hash of its source code."""

    version: str
    source: str


class Delivery(NamedTuple):
    """A block's counts on their way, and who played it.

    Attributes
    ----------
    worker : str
        Address.
    identity : Identity
        Code that it runs.
    arithmetic : int
        Checksum of its floating point, see :func:`arithmetic`.
    counts : bytes
        See :func:`packed`.
    """

    worker: str
    identity: Identity
    arithmetic: int
    counts: bytes


def identity() -> Identity:
    """Return which code this process runs."""
    digest = hashlib.sha256()
    for file in sorted(_PACKAGE.rglob("*.py")):
        digest.update(file.relative_to(_PACKAGE).as_posix().encode() + file.read_bytes())
    return Identity(escalation.__version__, digest.hexdigest()[:16])


def arithmetic(shop: Workshop) -> int:
    """Return a checksum that two machines share only if they round alike.

    It covers the onset anchors of the first flashpoint, as floating point, and the tables of its
    first cell. Tables alone would seldom tell: they hide most differences in the last bit, but
    not all of them.
    """
    from escalation.model.compile import onset_anchor

    study, draws = shop.study, min(shop.values.n, _PROBED_DRAWS)
    rule, (name, flashpoint) = study.decision_rules[0], next(iter(study.flashpoints.items()))
    anchor = onset_anchor(study, flashpoint, shop.values, rule)
    _, checksums = shop.compiled(Block(rule, name, study.reference, 0, draws, 0, 0))
    return zlib.crc32(checksums.tobytes(), zlib.crc32(anchor.tobytes()))


def packed(played: Played) -> bytes:
    """Return checksums and counts as compressed little-endian 64-bit integers."""
    arrays = (played.checksums, *played.tallies)
    return zlib.compress(b"".join(array.astype("<i8").tobytes() for array in arrays), 1)


def unpacked(counts: bytes, study: Study, block: Block) -> Played:
    """Return what :func:`packed` packed."""
    n, parties = block.end - block.begin, len(study.flashpoints[block.flashpoint].third_parties)
    numbers = np.frombuffer(zlib.decompress(counts), "<i8").astype(np.int64)
    shapes = [(n,), *(a.shape for a in empty_tallies(n, parties, study.horizon_years))]
    edges = np.cumsum([np.prod(shape) for shape in shapes])
    pieces = np.split(numbers, edges[:-1])
    checksums, *arrays = (a.reshape(shape) for a, shape in zip(pieces, shapes, strict=True))
    return Played(Tallies(*arrays), checksums)


class Station(WorkerPlugin):
    """Plays the blocks of one study on a worker.

    Dask gives it to every worker, also to those that join later.

    Parameters
    ----------
    study, values, seed, grid
        As of a :class:`escalation.simulation.simulator.Workshop`.
    threads : int, optional
        Threads on each worker, at most those that it was started with; all of these by default.
    """

    def __init__(
        self, study: Study, values: Draws, seed: int, threads: int | None, grid: Grid | None
    ) -> None:
        self.study, self.values = study.model_dump_json(), values
        self.seed, self.threads, self.grid = seed, threads, grid
        self.address, self.allotted = "", 1

    async def setup(self, worker: Worker) -> None:
        """Note where this is, and let one block at a time in."""
        self.address, self.allotted = worker.address, worker.state.nthreads
        await worker.set_resources(**{RESOURCE: 1})

    def play(self, block: Block) -> Delivery:
        """Play a block."""
        import numba

        numba.set_num_threads(self._threads)  # for the tables, in this thread
        about = (self.address, self._identity, self._arithmetic)
        return Delivery(*about, packed(self._workshop.play(block)))

    @cached_property
    def _workshop(self) -> Workshop:
        from escalation.study.schema import Study

        study = Study.model_validate_json(self.study)
        return Workshop(study, self.values, self.seed, self._threads, self.grid)

    @property
    def _threads(self) -> int:
        from escalation.simulation.threads import available_threads

        return min(self.allotted, self.threads or self.allotted, available_threads())

    @cached_property
    def _identity(self) -> Identity:
        return identity()

    @cached_property
    def _arithmetic(self) -> int:
        return arithmetic(self._workshop)


def play(job: str, block: Block) -> Delivery:
    """Play a block at the station of this name on the worker that this runs on."""
    station = get_worker().plugins[job]
    assert isinstance(station, Station)
    return station.play(block)
