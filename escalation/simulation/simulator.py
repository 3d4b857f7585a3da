"""Work cut into blocks: some draws of a cell, a range of trajectories, under one decision rule.

A block can be played alone, anywhere and in any order; its counts are added to those of the
others. Nothing about a result depends on how the work was cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from escalation.errors import ResultsError
from escalation.model.draws import Draws
from escalation.simulation.accumulate import add_tallies
from escalation.study.schema import Study

if TYPE_CHECKING:
    from escalation.contracts.tables import Tables
    from escalation.contracts.tallies import Tallies
    from escalation.model.compile import Grid

BLOCK_TRAJECTORIES = 250_000
"""About a second of work: what Ctrl-C waits for and the progress display moves by."""
MAX_BLOCK_DRAWS = 64


@dataclass(frozen=True, order=True)
class Block:
    """A piece of work.

    Attributes
    ----------
    rule, flashpoint, structure : str
        Names.
    begin, end : int
        Range of draws.
    first, count : int
        Range of trajectories in each of them.
    part : str
        Part of the run: the study itself, its prior companion, or the sweep of a parameter.
    """

    rule: str
    flashpoint: str
    structure: str
    begin: int
    end: int
    first: int
    count: int
    part: str = "study"

    @property
    def size(self) -> int:
        """Trajectories in all."""
        return (self.end - self.begin) * self.count

    @property
    def draws(self) -> np.ndarray:
        """Numbers of its draws."""
        return np.arange(self.begin, self.end)


class Played(NamedTuple):
    """What a block yields: one tally per draw, and a checksum of each draw's tables."""

    tallies: Tallies
    checksums: np.ndarray


class Shelf:
    """Where blocks are kept that were played before; this one keeps nothing.

    Attributes
    ----------
    sizes : tuple of (int, int)
        Draws and trajectories of the smaller runs that this one extends, in order.
    block_size : int
        Trajectories of a block, about.
    """

    sizes: tuple[tuple[int, int], ...] = ()
    block_size = BLOCK_TRAJECTORIES

    def values(self, part: str, make: Callable[[], Draws]) -> Draws:
        """Return the parameter values of a part of the run, made here if they are not kept."""
        return make()

    def find(self, block: Block) -> Played | None:
        """Return what a block yielded, if it is kept."""
        return None

    def keep(self, block: Block, played: Played) -> None:
        """Keep what a block yielded."""


def rectangles(
    sizes: Iterable[tuple[int, int]],
) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Cut a run that grew into ranges of draws and of trajectories.

    Parameters
    ----------
    sizes : iterable of (int, int)
        Draws and trajectories, each at least those before.

    Examples
    --------
    >>> list(rectangles([(4, 10), (6, 30)]))
    [((0, 4), (0, 10)), ((0, 4), (10, 30)), ((4, 6), (0, 30))]
    """
    there = (0, 0)
    for draws, trajectories in sizes:
        if there[0] and trajectories > there[1]:
            yield (0, there[0]), (there[1], trajectories)
        if draws > there[0]:
            yield (there[0], draws), (0, trajectories)
        there = draws, trajectories


class Player(Protocol):
    """Plays the blocks of one study, here or elsewhere."""

    @property
    def study(self) -> Study:
        """What is played."""

    def block_size(self, total: int) -> int:
        """Return how many trajectories a block should have if there are so many in all."""

    def play_all(self, blocks: Iterable[Block]) -> Iterator[tuple[Block, Played]]:
        """Play blocks, in any order, and return each with what it yields."""


def blocks_of(
    study: Study,
    draws: tuple[int, int],
    trajectories: tuple[int, int],
    size: int = BLOCK_TRAJECTORIES,
    part: str = "study",
) -> Iterator[Block]:
    """Cut ranges of draws and of trajectories, in every cell of a study, into blocks.

    Those that share tables follow each other. `size` is about the trajectories of a block.
    """
    first, last = trajectories
    width = _width(last - first, size)
    for rule in study.decision_rules:
        for flashpoint in study.flashpoints:
            for structure in study.structures:
                for begin in range(draws[0], draws[1], width):
                    end = min(begin + width, draws[1])
                    piece = max(size // (end - begin), 1)
                    for start in range(first, last, piece):
                        count = min(piece, last - start)
                        yield Block(rule, flashpoint, structure, begin, end, start, count, part)


def count_blocks(draws: int, trajectories: int, size: int = BLOCK_TRAJECTORIES) -> int:
    """Return into how many blocks :func:`blocks_of` cuts a cell."""
    width = _width(trajectories, size)
    whole, rest = divmod(draws, width)
    pieces = [(whole, width), (1, rest)] if rest else [(whole, width)]
    return sum(n * -(-trajectories // max(size // each, 1)) for n, each in pieces)


def _width(trajectories: int, size: int) -> int:
    """Return the most draws of a block."""
    return min(max(size // max(trajectories, 1), 1), MAX_BLOCK_DRAWS)


@dataclass
class Workshop:
    """Compiles and plays the blocks of one study.

    Attributes
    ----------
    study : Study
        What is played.
    values : Draws
        Parameters of every draw.
    seed : int
        Of the random numbers.
    threads : int, optional
        Threads; all by default.
    grid : Grid, optional
        Resolution of the tables.
    shelf : Shelf
        Where blocks are looked for before they are played, and kept afterwards.
    same_numbers : bool
        Whether every draw uses the random numbers of draw 0.
    """

    study: Study
    values: Draws
    seed: int
    threads: int | None = None
    grid: Grid | None = None
    shelf: Shelf = field(default_factory=Shelf)
    same_numbers: bool = False
    _anchors: dict[tuple[str, str], np.ndarray] = field(default_factory=dict, repr=False)
    _latest: tuple[tuple, Tables, np.ndarray] | None = field(default=None, repr=False)

    def block_size(self, total: int) -> int:
        """Return trajectories per block, however many there are in all."""
        return self.shelf.block_size

    def play_all(self, blocks: Iterable[Block]) -> Iterator[tuple[Block, Played]]:
        """Play blocks one after another."""
        for block in blocks:
            yield block, self.play(block)

    def play(self, block: Block) -> Played:
        """Play a block, unless it is on the shelf."""
        played = self.shelf.find(block)
        if played is None:
            played = self._play(block)
            self.shelf.keep(block, played)
        return played

    def _play(self, block: Block) -> Played:
        from escalation.simulation.threads import simulate_block

        tables, checksums = self.compiled(block)
        keys = np.zeros_like(block.draws) if self.same_numbers else block.draws
        tallies = simulate_block(
            tables, self.seed, keys, block.first, block.count, self.threads
        )
        return Played(tallies, checksums)

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
            place = self.study.flashpoints[flashpoint]
            self._anchors[key] = onset_anchor(self.study, place, self.values, rule)
        return self._anchors[key]


class Counts:
    """Counts of a run, filled block by block.

    Attributes
    ----------
    arrays : dict of str to int64 array, shape (rule, flashpoint, structure, draw, ...)
        By variable.
    checksums : int64 array, shape (rule, flashpoint, structure, draw)
        Of the tables of every cell.
    """

    def __init__(self, study: Study, draws: int) -> None:
        self.study = study
        self.arrays: dict[str, np.ndarray] = {}
        self._axes = (
            list(study.decision_rules), list(study.flashpoints), list(study.structures)
        )
        rules, flashpoints, structures = map(len, self._axes)
        self.checksums = np.zeros((rules, flashpoints, structures, draws), np.int64)

    def add(self, block: Block, played: Played) -> None:
        """Add the counts of a block."""
        rules, flashpoints, structures = self._axes
        flashpoint = self.study.flashpoints[block.flashpoint]
        where = (
            rules.index(block.rule),
            flashpoints.index(block.flashpoint),
            structures.index(block.structure),
            slice(block.begin, block.end),
        )
        there = self.checksums[where]
        if np.any((there != 0) & (there != played.checksums)):
            raise ResultsError(
                f"{block.flashpoint} under {block.structure}: blocks of the same draws were "
                "played with different tables, on machines whose arithmetic differs"
            )
        add_tallies(
            self.arrays, self.study, flashpoint, played.tallies, where, self.checksums.shape
        )
        self.checksums[where] = played.checksums

    def table_checksum(self) -> str:
        """Checksum over all tables, whatever the order in which they were compiled."""
        return hashlib.sha256(self.checksums.astype("<i8").tobytes()).hexdigest()[:16]
