"""The blocks of a run: its cells, the sweeps of single parameters, the prior companion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from escalation.simulation.simulator import Block, blocks_of, rectangles
from escalation.study.schema import Study

SWEEP_QUANTILES = (0.02, 0.15, 0.35, 0.5, 0.65, 0.85, 0.98)
SWEEP_TRAJECTORIES = 12_000
COMPANION_DRAWS = 256
COMPANION_TRAJECTORIES = 2_000

Size = tuple[int, int]
"""Draws, and trajectories per cell and draw."""


def companion_size(size: Size) -> Size:
    """Return the size of the prior companion of a run of this size."""
    return min(size[0], COMPANION_DRAWS), min(size[1], COMPANION_TRAJECTORIES)


def sweep_size(size: Size) -> Size:
    """Return points and trajectories per point of the sweep in a run of this size."""
    draws, trajectories = size
    # Of the size of the run, and no smaller than a few cells of it.
    wanted = max(4 * trajectories, trajectories * draws // 16)
    return len(SWEEP_QUANTILES), min(SWEEP_TRAJECTORIES, wanted)


@dataclass(frozen=True)
class Work:
    """The blocks of a run.

    Attributes
    ----------
    study : Study
        What is run.
    sizes : tuple of (int, int)
        Draws and trajectories of the run, behind those of the smaller ones that it extends.
    block_size : int
        Trajectories of a block, about.
    """

    study: Study
    sizes: tuple[Size, ...]
    block_size: int

    def all(self, sweep: bool, companion: bool) -> Iterator[Block]:
        """Return the blocks of every part, in the order in which they are played."""
        yield from self.study_blocks()
        if companion:
            yield from self.companion_blocks()
        for name in self.study.compare.sweep if sweep else ():
            yield from self.sweep_blocks(name)

    def trajectories(self, sweep: bool, companion: bool) -> int:
        """Return the trajectories of all blocks together."""
        size = self.sizes[-1]
        total = cells_per_draw(self.study) * size[0] * size[1]
        if companion:
            draws, each = companion_size(size)
            total += cells_per_draw(companion_study(self.study)) * draws * each
        if sweep:
            points, each = sweep_size(size)
            places = len(self.study.flashpoints) * len(compared_structures(self.study))
            total += len(self.study.compare.sweep) * places * points * each
        return total

    def study_blocks(self) -> Iterator[Block]:
        """Return the blocks of the study itself."""
        return self._grown(self.study, self.sizes, "study")

    def companion_blocks(self) -> Iterator[Block]:
        """Return the blocks of the prior companion."""
        part = companion_study(self.study)
        return self._grown(part, [companion_size(size) for size in self.sizes], "prior")

    def sweep_blocks(self, name: str) -> Iterator[Block]:
        """Return the blocks of the sweep of a parameter; each holds all of its points."""
        for draws, (first, last) in rectangles(sweep_size(size) for size in self.sizes):
            for flashpoint in self.study.flashpoints:
                for structure in compared_structures(self.study):
                    yield Block(
                        self.study.decision_rules[0], flashpoint, structure, *draws, first,
                        last - first, sweep_part(name),
                    )  # fmt: skip

    def _grown(self, study: Study, sizes: Iterable[Size], part: str) -> Iterator[Block]:
        for draws, trajectories in rectangles(sizes):
            yield from blocks_of(study, draws, trajectories, self.block_size, part)


def cells_per_draw(study: Study) -> int:
    """Return the number of cells of a study for each draw."""
    return len(study.decision_rules) * len(study.flashpoints) * len(study.structures)


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
    """Return the reference and the structures in focus."""
    return [study.reference, *(s for s in study.compare.focus if s != study.reference)]
