"""A run cut into blocks: some draws of a cell, a range of trajectories, under one decision rule.

A block can be simulated alone, anywhere and in any order; its counts are added to those of the
others. Nothing about a result depends on how the run was cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from escalation.simulation.parameter_source import Source
from escalation.simulation.plan import (
    BLOCK_TRAJECTORIES,
    Plan,
    Size,
    companion_size,
    sweep_size,
)
from escalation.study.schema import Study

MAX_BLOCK_DRAWS = 64


@dataclass(frozen=True, order=True)
class Block:
    """A piece of a run.

    Attributes
    ----------
    rule, flashpoint, structure : str
        Names.
    begin, end : int
        Range of draws.
    first, count : int
        Range of trajectories in each of them.
    part : str
        Part of the run: the study itself, one of its companions, or the sweep of a parameter.
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


@dataclass(frozen=True)
class Workload:
    """The blocks of a run.

    Attributes
    ----------
    study : Study
        What is run.
    plan : Plan
        How much of it.
    companions : tuple of str
        Labels of the companions: runs of the reference and the structures in focus from other
        parameters, see :class:`escalation.simulation.parameter_source.Companion`.
    """

    study: Study
    plan: Plan
    companions: tuple[str, ...] = ()

    @classmethod
    def of(cls, plan: Plan, source: Source) -> Workload:
        """Return the blocks of a run whose parameters come from a source."""
        return cls(source.study, plan, tuple(one.label for one in source.companions))

    def blocks(self) -> Iterator[Block]:
        """Return the blocks of every part, in the order in which they are simulated."""
        yield from self.study_blocks()
        for label in self.companions:
            yield from self.companion_blocks(label)
        for name in self.plan.sweep:
            yield from self.sweep_blocks(name)

    def trajectories(self) -> int:
        """Return the trajectories of all blocks together."""
        size = self.plan.size
        return cells_per_draw(self.study) * size[0] * size[1] + self.trajectories_besides()

    def trajectories_besides(self) -> int:
        """Return the trajectories of companions and sweep together."""
        size = self.plan.size
        draws, each = companion_size(size)
        total = len(self.companions) * cells_per_draw(companion_study(self.study)) * draws * each
        points, each = sweep_size(size)
        cells = len(self.study.flashpoints) * len(compared_structures(self.study))
        return total + len(self.plan.sweep) * cells * points * each

    def study_blocks(self) -> Iterator[Block]:
        """Return the blocks of the study itself."""
        return self._grown(self.study, self.plan.sizes, "study")

    def companion_blocks(self, label: str) -> Iterator[Block]:
        """Return the blocks of a companion."""
        sizes = [companion_size(size) for size in self.plan.sizes]
        return self._grown(companion_study(self.study), sizes, companion_part(label))

    def sweep_blocks(self, name: str) -> Iterator[Block]:
        """Return the blocks of the sweep of a parameter; each holds all of its points."""
        for draws, (first, last) in rectangles(sweep_size(size) for size in self.plan.sizes):
            for flashpoint in self.study.flashpoints:
                for structure in compared_structures(self.study):
                    yield Block(
                        self.study.decision_rules[0], flashpoint, structure, *draws, first,
                        last - first, sweep_part(name),
                    )  # fmt: skip

    def draw_ranges(self) -> dict[str, list[Size]]:
        """Return, for every part, the ranges of draws by which it grew."""
        sizes = {"study": [size[0] for size in self.plan.sizes]}
        for label in self.companions:
            sizes[companion_part(label)] = [companion_size(size)[0] for size in self.plan.sizes]
        for name in self.plan.sweep:
            sizes[sweep_part(name)] = [sweep_size(self.plan.size)[0]]
        return {
            part: [(a, b) for a, b in zip([0, *ends], ends, strict=False) if b > a]
            for part, ends in sizes.items()
        }

    def _grown(self, study: Study, sizes: Iterable[Size], part: str) -> Iterator[Block]:
        for draws, trajectories in rectangles(sizes):
            yield from blocks_of(study, draws, trajectories, self.plan.block_size, part)


def rectangles(sizes: Iterable[Size]) -> Iterator[tuple[Size, Size]]:
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


def blocks_of(
    study: Study,
    draws: Size,
    trajectories: Size,
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


def cells_per_draw(study: Study) -> int:
    """Return the number of cells of a study for each draw."""
    return len(study.decision_rules) * len(study.flashpoints) * len(study.structures)


def companion_part(label: str) -> str:
    """Return the name of the part of a run that is a companion."""
    return f"companion {label}"


def sweep_part(parameter: str) -> str:
    """Return the name of the part of a run that sweeps a parameter."""
    return f"sweep {parameter}"


def companion_study(study: Study) -> Study:
    """Return the study with its headline rule, the reference and the structures in focus."""
    compared = {name: study.structures[name] for name in compared_structures(study)}
    return study.model_copy(
        update={"decision_rules": study.decision_rules[:1], "structures": compared}
    )


def compared_structures(study: Study) -> list[str]:
    """Return the reference, the structures in focus and those that the answer compares.

    A study that was made smaller in Python may name some that it no longer has.
    """
    answer = study.compare.answer
    asked = [] if answer is None else [answer.structure, answer.against, answer.also]
    named = dict.fromkeys([study.reference, *study.compare.focus, *asked])
    return [name for name in study.structures if name in named]


def _width(trajectories: int, size: int) -> int:
    """Return the most draws of a block."""
    return min(max(size // max(trajectories, 1), 1), MAX_BLOCK_DRAWS)
