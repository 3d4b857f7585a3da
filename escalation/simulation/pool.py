"""A worker's side: the study, compiled once, and blocks simulated one at a time."""

from __future__ import annotations

import hashlib
import zlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from distributed import Worker, WorkerPlugin, get_worker

import escalation
from escalation.model.draws import Draws
from escalation.simulation.accumulate import packed
from escalation.simulation.simulator import LocalSimulator
from escalation.simulation.workload import Block

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
    """A block's counts on their way, and who simulated it.

    Attributes
    ----------
    worker : str
        Address.
    identity : Identity
        Code that it runs.
    arithmetic : int
        Checksum of its floating point, see :func:`arithmetic`.
    counts : bytes
        See :func:`escalation.simulation.accumulate.packed`.
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


def arithmetic(simulator: LocalSimulator) -> int:
    """Return a checksum that two machines share only if they round alike.

    It covers the onset anchors of the first flashpoint, as floating point, and the tables of its
    first cell. Tables alone would seldom tell: they hide most differences in the last bit, but
    not all of them.
    """
    from escalation.model.compile import onset_anchor

    study, draws = simulator.study, min(simulator.values.n, _PROBED_DRAWS)
    rule, (name, flashpoint) = study.decision_rules[0], next(iter(study.flashpoints.items()))
    anchor = onset_anchor(study, flashpoint, simulator.values, rule)
    _, checksums = simulator.compiled(Block(rule, name, study.reference, 0, draws, 0, 0))
    return zlib.crc32(checksums.tobytes(), zlib.crc32(anchor.tobytes()))


class WorkerSimulator(WorkerPlugin):
    """Simulates the blocks of one study on a worker.

    Dask gives it to every worker, also to those that join later.

    Parameters
    ----------
    study, values, seed, grid
        As of a :class:`escalation.simulation.simulator.LocalSimulator`.
    threads : int, optional
        Threads on each worker, at most those that it was started with; all of these by default.
    """

    def __init__(
        self, study: Study, values: Draws, seed: int, grid: Grid | None, threads: int | None
    ) -> None:
        self.study, self.values = study.model_dump_json(), values
        self.seed, self.threads, self.grid = seed, threads, grid
        self.address, self.allotted = "", 1

    async def setup(self, worker: Worker) -> None:
        """Note where this is, and let one block at a time in."""
        self.address, self.allotted = worker.address, worker.state.nthreads
        await worker.set_resources(**{RESOURCE: 1})

    def simulate(self, block: Block) -> Delivery:
        """Simulate a block."""
        import numba

        numba.set_num_threads(self._threads)  # for the tables, in this thread
        about = (self.address, self._identity, self._arithmetic)
        return Delivery(*about, packed(self._simulator.simulate(block)))

    @cached_property
    def _simulator(self) -> LocalSimulator:
        from escalation.study.schema import Study

        study = Study.model_validate_json(self.study)
        return LocalSimulator(study, self.values, self.seed, self.grid, self._threads)

    @property
    def _threads(self) -> int:
        from escalation.simulation.threads import available_threads

        return min(self.allotted, self.threads or self.allotted, available_threads())

    @cached_property
    def _identity(self) -> Identity:
        return identity()

    @cached_property
    def _arithmetic(self) -> int:
        return arithmetic(self._simulator)


def simulate_on_worker(job: str, block: Block) -> Delivery:
    """Simulate a block of the job of this name on the worker that this runs on."""
    simulator = get_worker().plugins[job]
    assert isinstance(simulator, WorkerSimulator)
    return simulator.simulate(block)
