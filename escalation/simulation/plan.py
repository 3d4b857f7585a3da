"""What a run does, resolved and checked once: its sizes, its parts, its precision targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypedDict, Unpack

import numpy as np

from escalation.errors import InputError
from escalation.simulation.stopping import Target, parse_target
from escalation.study.names import shown, suggestion
from escalation.study.schema import MAX_DRAWS, MAX_SEED, MAX_TRAJECTORIES, Study

if TYPE_CHECKING:
    from escalation.model.compile import Grid

Size: TypeAlias = tuple[int, int]
"""Draws, and trajectories per cell and draw."""

BLOCK_TRAJECTORIES = 250_000
"""About a second of a block: what Ctrl-C waits for and the progress display moves by."""
MAX_BLOCK_SIZE = 2**62
UNTIL_GROWTH = 64
"""A run with precision targets grows to at most this many times its first size."""
SWEEP_QUANTILES = (0.02, 0.15, 0.35, 0.5, 0.65, 0.85, 0.98)
SWEEP_TRAJECTORIES = 12_000
COMPANION_DRAWS = 256
COMPANION_TRAJECTORIES = 250

LIMITS = {
    "trajectories": (1, MAX_TRAJECTORIES),
    "draws": (1, MAX_DRAWS),
    "seed": (0, MAX_SEED),
    "at_most": (1, MAX_TRAJECTORIES),
    "block_size": (1, MAX_BLOCK_SIZE),
    "threads": (1, 4_096),
    "index": (0, MAX_TRAJECTORIES),
}
"""Least and largest of every number that a run can be asked for, and of an index into it."""


class PlanOptions(TypedDict, total=False):
    """What a run can be asked for; what is left out or None is the study's own.

    Attributes
    ----------
    trajectories : int
        Trajectories per cell of flashpoint x structure x draw.
    draws : int
        Parameter draws.
    seed : int
        Seed, 0 to 2**64 - 1.
    defaults : bool
        One draw with every parameter at its median in the posterior, or at its default where
        the posterior does not cover it.
    sweep : bool or sequence of str
        Parameters that are also swept one at a time over what is known about them, all others
        at their centre; those of the study's ``compare.sweep`` when True, none when False.
    until : sequence of str or Target
        Precision targets such as ``war:relative:0.05``, see
        :mod:`escalation.simulation.stopping`. The run starts with `trajectories` and grows
        until all of them hold.
    at_most : int
        Trajectories per cell at which such a run stops all the same; by default 64 times
        `trajectories`.
    grid : Grid
        Resolution of tables and rounds, for refinement checks.
    block_size : int
        Trajectories of a block, about. The counts do not depend on it.
    """

    trajectories: int | None
    draws: int | None
    seed: int | None
    defaults: bool
    sweep: bool | Sequence[str] | None
    until: Sequence[str | Target]
    at_most: int | None
    grid: Grid | None
    block_size: int | None


@dataclass(frozen=True)
class Plan:
    """What a run does.

    Attributes
    ----------
    trajectories, draws, seed, defaults, at_most, grid, block_size
        See :class:`PlanOptions`.
    sweep : tuple of str
        Parameters that are swept.
    targets : tuple of Target
        Precision targets.
    before : tuple of (int, int)
        Draws and trajectories of the smaller runs that this one extends, in order.

    Raises
    ------
    InputError
        A number is out of range.
    """

    trajectories: int
    draws: int
    seed: int
    defaults: bool = False
    sweep: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    at_most: int = MAX_TRAJECTORIES
    grid: Grid | None = None
    block_size: int = BLOCK_TRAJECTORIES
    before: tuple[Size, ...] = ()

    def __post_init__(self) -> None:
        for name in ("trajectories", "draws", "seed", "block_size"):
            whole_number(name, getattr(self, name))
        if self.targets:
            whole_number("at_most", self.at_most)
            if self.at_most < self.trajectories:
                raise InputError(
                    f"at most: {self.at_most!r} is not a whole number from the "
                    f"{self.trajectories} trajectories of the first round to {MAX_TRAJECTORIES}"
                )

    @classmethod
    def of(cls, study: Study, **options: Unpack[PlanOptions]) -> Self:
        """Resolve the options of a run against what its study says.

        Raises
        ------
        InputError
            An option or a name in it is unknown, or a number is out of range.

        Examples
        --------
        >>> from escalation.study import load_study
        >>> plan = Plan.of(load_study("configs/asian_nato.yaml"), draws=16, seed=7)
        >>> plan.draws, plan.seed
        (16, 7)
        """
        given: dict[str, Any] = dict(options)
        for name in given:
            if name not in PlanOptions.__annotations__:
                choices = suggestion(name, PlanOptions.__annotations__)
                raise InputError(f"run: unknown option {shown(name)} {choices}")
        defaults = bool(given.get("defaults"))
        trajectories = _either(given.get("trajectories"), study.plan.trajectories)
        until = given.get("until") or ()
        most = min(UNTIL_GROWTH * trajectories, MAX_TRAJECTORIES) if until else MAX_TRAJECTORIES
        return cls(
            trajectories=trajectories,
            draws=1 if defaults else _either(given.get("draws"), study.plan.draws),
            seed=_either(given.get("seed"), study.plan.seed),
            defaults=defaults,
            sweep=_swept(study, given.get("sweep")),
            targets=tuple(t if isinstance(t, Target) else parse_target(t, study) for t in until),
            at_most=_either(given.get("at_most"), most),
            grid=given.get("grid"),
            block_size=_either(given.get("block_size"), BLOCK_TRAJECTORIES),
        )

    @property
    def size(self) -> Size:
        """Draws and trajectories."""
        return self.draws, self.trajectories

    @property
    def sizes(self) -> tuple[Size, ...]:
        """Its size, behind those of the smaller runs that it extends."""
        return (*self.before, self.size)

    def grown(self, size: Size) -> Plan:
        """Return the plan of a run of another size that extends this one."""
        return replace(self, draws=size[0], trajectories=size[1], before=self.sizes)


def companion_size(size: Size) -> Size:
    """Return the size of a companion of a run of this size."""
    return min(size[0], COMPANION_DRAWS), min(size[1], COMPANION_TRAJECTORIES)


def sweep_size(size: Size) -> Size:
    """Return points and trajectories per point of the sweep in a run of this size."""
    draws, trajectories = size
    # Of the size of the run, and no smaller than a few cells of it.
    wanted = max(4 * trajectories, trajectories * draws // 16)
    return len(SWEEP_QUANTILES), min(SWEEP_TRAJECTORIES, wanted)


def whole_number(name: str, value: Any) -> None:
    """Refuse what is no whole number within the `LIMITS` of this name.

    Raises
    ------
    InputError
        It is none.
    """
    low, high = LIMITS[name]
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        raise InputError(f"{name.replace('_', ' ')}: {shown(value)} is not a whole number from "
                         f"{low} to {high}")


def _either(given: int | None, own: int) -> int:
    return own if given is None else given


def _swept(study: Study, sweep: bool | Sequence[str] | None) -> tuple[str, ...]:
    if sweep is None or sweep is True:
        return study.compare.sweep
    names = () if sweep is False else (sweep,) if isinstance(sweep, str) else tuple(sweep)
    for name in names:
        if name not in study.parameters:
            choices = suggestion(str(name), study.parameters)
            raise InputError(f"sweep: unknown parameter {shown(name)} {choices}")
    return tuple(dict.fromkeys(names))
