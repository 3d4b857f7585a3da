"""Blocks simulated one after another on the threads of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from escalation.model.draws import Draws
from escalation.simulation.accumulate import BlockCounts
from escalation.simulation.workload import Block
from escalation.study.schema import Study

if TYPE_CHECKING:
    from escalation.contracts.tables import Tables
    from escalation.model.compile import Grid


class NoStore:
    """What stands in place of a store where nothing is kept."""

    def values(self, part: str, make: Callable[[], Draws]) -> Draws:
        """Return the parameter values of a part of the run, made here if they are not stored."""
        return make()

    def find(self, block: Block) -> BlockCounts | None:
        """Return what a block yielded, if it is stored."""
        return None

    def keep(self, block: Block, counts: BlockCounts) -> None:
        """Store what a block yielded."""


class Simulator(Protocol):
    """Simulates the blocks of one study, here or elsewhere."""

    @property
    def study(self) -> Study:
        """What is simulated."""

    def block_size(self, total: int, wanted: int) -> int:
        """Return how many trajectories a block should have if there are so many in all."""

    def simulate_all(self, blocks: Iterable[Block]) -> Iterator[tuple[Block, BlockCounts]]:
        """Simulate blocks, in any order, and return each with what it yields."""


@dataclass
class LocalSimulator:
    """Compiles and simulates the blocks of one study.

    Attributes
    ----------
    study : Study
        What is simulated.
    values : Draws
        Parameters of every draw.
    seed : int
        Of the random numbers.
    grid : Grid, optional
        Resolution of the tables.
    threads : int, optional
        Threads; all by default.
    store : NoStore
        Where blocks are looked for before they are simulated, and kept afterwards.
    same_numbers : bool
        Whether every draw uses the random numbers of draw 0.
    """

    study: Study
    values: Draws
    seed: int
    grid: Grid | None = None
    threads: int | None = None
    store: NoStore = field(default_factory=NoStore)
    same_numbers: bool = False
    _anchors: dict[tuple[str, str], np.ndarray] = field(default_factory=dict, repr=False)
    _latest: tuple[tuple, Tables, np.ndarray] | None = field(default=None, repr=False)

    def block_size(self, total: int, wanted: int) -> int:
        """Return the size that is wanted, however many there are in all."""
        return wanted

    def simulate_all(self, blocks: Iterable[Block]) -> Iterator[tuple[Block, BlockCounts]]:
        """Simulate blocks one after another."""
        for block in blocks:
            yield block, self.simulate(block)

    def simulate(self, block: Block) -> BlockCounts:
        """Simulate a block, unless it is in the store."""
        counts = self.store.find(block)
        if counts is None:
            counts = self._simulate(block)
            self.store.keep(block, counts)
        return counts

    def _simulate(self, block: Block) -> BlockCounts:
        from escalation.simulation.threads import simulate_block

        tables, checksums = self.compiled(block)
        keys = np.zeros_like(block.draws) if self.same_numbers else block.draws
        tallies = simulate_block(
            tables, self.seed, keys, block.first, block.count, self.threads
        )
        return BlockCounts(tallies, checksums)

    def compiled(self, block: Block) -> tuple[Tables, np.ndarray]:
        """Tables of a block and their checksums; those of the latest block are kept."""
        key = (block.rule, block.flashpoint, block.structure, block.begin, block.end)
        if self._latest is None or self._latest[0] != key:
            from escalation.kernel.checksum import table_checksums

            self._latest = None  # frees the memory before the next is taken
            tables = self._compile(block)
            self._latest = (key, tables, table_checksums(tables))
        return self._latest[1], self._latest[2]

    def _compile(self, block: Block) -> Tables:
        from escalation.model.compile import DEFAULT_GRID, compile_block

        chosen = block.draws
        return compile_block(
            self.study,
            self.study.flashpoints[block.flashpoint],
            self.study.structures[block.structure],
            Draws(self.values.names, self.values.values[:, chosen]),
            self._anchor(block.rule, block.flashpoint)[chosen],
            self.grid or DEFAULT_GRID,
            block.rule,
            block.begin,
        )

    def _anchor(self, rule: str, flashpoint: str) -> np.ndarray:
        from escalation.model.compile import onset_anchor

        key = (rule, flashpoint)
        if key not in self._anchors:
            anchor = onset_anchor(
                self.study, self.study.flashpoints[flashpoint], self.values, rule
            )
            self._anchors[key] = anchor
        return self._anchors[key]
