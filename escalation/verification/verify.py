r"""The kernel against exact solutions, cell by cell, on a reduced version of a study.

What is reduced, so that it can be solved:

- each flashpoint keeps at most k third parties: the great power, then the base host, then the
  most powerful;
- frailty has 2 classes (4 without third parties) instead of 64, the challenger's error about each
  party 2 instead of 256;
- with third parties, the horizon is one year with one dispute at most, and a round counts as a
  day, so that lengths are numbers of rounds;
- with two of them, what they decide is no news to the challenger.

In every cell three worlds are simulated: a routine dispute, a grave one (how each ends, how high it
goes, whether the great power fought, how long it lasts), and the year with its natural onset
(whether a dispute comes, and how it goes). Without third parties whole histories over the full
horizon take the place of the year: worst rung, first year of each event, why it ended. So that a
study with third parties has them too, each of its flashpoints is also solved without any, under
the first structure.

What third parties' beliefs carry from one dispute to the next, turnover of their governments and
exits from pacts are beyond the solution; for these stands the plain player of the tests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from escalation.contracts import codes
from escalation.contracts.codes import GRAVE, ROUTINE
from escalation.contracts.tables import Tables, one_cell
from escalation.contracts.tallies import Tallies
from escalation.errors import InputError
from escalation.memory import refuse_beyond_room
from escalation.model.draws import Draws
from escalation.simulation.footprint import COPIES_OF_TABLES, LIBRARIES, table_bytes
from escalation.simulation.parameter_source import Source
from escalation.study.loader import load_study
from escalation.study.names import shown, suggestion
from escalation.study.schema import Flashpoint, Study
from escalation.verification.agreement import Agreement, compare, failures, together
from escalation.verification.disputes import SHAPE, solve_disputes
from escalation.verification.histories import solve_histories
from escalation.verification.worlds import (
    coarse,
    counted_in_rounds,
    one_dispute,
    one_dispute_at_most,
    without_news,
)

Json = dict[str, Any]
Change = Callable[[Tables], Tables]

FRAILTIES = {0: 4, 1: 2, 2: 2}
ERRORS = 2
MOST_PARTIES = 2
WORLDS = 3
BUDGET = 40_000_000
MOST_TRAJECTORIES = 4_000_000
PIECE = 1_000_000


@dataclass(frozen=True)
class ReducedCell:
    """One cell of a reduced study.

    Attributes
    ----------
    flashpoint, structure : str
        Names.
    draw : int
        0 is the centre of what is known about parameters.
    parties : tuple of str
        Third parties that were kept.
    tables : Tables
        Block of this one cell.
    """

    flashpoint: str
    structure: str
    draw: int
    parties: tuple[str, ...]
    tables: Tables


@dataclass(frozen=True)
class WorldCheck:
    """Counts of one world against their exact distribution."""

    cell: ReducedCell
    what: str
    outcomes: list[str]
    agreement: Agreement
    independent: bool


@dataclass(frozen=True)
class Asked:
    """What to verify and how hard; the fields are those of :func:`verify`."""

    flashpoint: str | None = None
    structure: str | None = None
    parties: int | None = None
    draws: int = 1
    trajectories: int | None = None
    seed: int = 1
    level: float = 1e-4

    def __post_init__(self) -> None:
        for name, low, high in (
            ("parties", 0, MOST_PARTIES),
            ("draws", 1, 1_000),
            ("trajectories", 1, 10**9),
            ("seed", 0, 2**64 - 1),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f"{name}: {value!r} is not a whole number from {low} to {high}")
        if not 0.0 < self.level < 1.0:
            raise InputError(f"level: {self.level!r} is not between 0 and 1")


def verify(
    study: Study | str | os.PathLike[str],
    *,
    flashpoint: str | None = None,
    structure: str | None = None,
    parties: int | None = None,
    draws: int = 1,
    trajectories: int | None = None,
    seed: int = 1,
    level: float = 1e-4,
) -> Json:
    """Simulate a reduced study and compare every cell with its exact solution.

    Parameters
    ----------
    study : Study, str or path-like
        What to reduce, or its file.
    flashpoint, structure : str, optional
        Only this one.
    parties : int, optional
        Third parties to keep, 0 to 2; by default both where a flashpoint has no more than
        two, else one.
    draws : int
        Parameter draws: the centre, then draws of the parameters' distribution.
    trajectories : int, optional
        Histories per world; by default as many as make 40 million in all, at most 4 million.
    seed : int
        Seed, 0 to 2**64 - 1.
    level : float
        Chance at most of any false alarm, over all checks.

    Returns
    -------
    dict
        Ready for JSON: ``plan``, ``reduction``, ``cells`` with their checks, all cells
        ``together``, and whether all ``passed``.

    Raises
    ------
    InputError
        A name is unknown, a number is out of range, or a cell is too large to be solved.
    StudyError
        The study file cannot be used.

    Examples
    --------
    >>> import escalation
    >>> found = escalation.verify(
    ...     "configs/verify/shoal_no_third_parties.yaml", trajectories=20_000
    ... )
    >>> found["passed"]
    True
    """
    asked = Asked(flashpoint, structure, parties, draws, trajectories, seed, level)
    return verified(study if isinstance(study, Study) else load_study(study), asked)


def verified(
    study: Study,
    asked: Asked,
    change: Change = lambda tables: tables,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Json:
    """Return what :func:`verify` returns.

    `change` is done to the tables that the kernel is given, and not to those that are solved;
    `progress` is called with (cells done, cells in all).
    """
    _refuse_big(study, asked)
    values = _values(study, asked.draws, asked.seed)
    cells = list(_cells(study, asked, values))
    n = asked.trajectories or min(MOST_TRAJECTORIES, BUDGET // (WORLDS * len(cells)))
    checks: list[WorldCheck] = []
    for number, cell in enumerate(cells):
        checks += _checks(cell, n, asked.seed, WORLDS * number, change)
        if progress is not None:
            progress(number + 1, len(cells))
    plan = {"draws": asked.draws, "trajectories": n, "seed": asked.seed, "level": asked.level}
    return _report(study, checks, plan)


def _values(study: Study, draws: int, seed: int) -> Draws:
    """Return the centre of what is known about parameters, then draws of them."""
    source = Source.of(study)
    centre = source.centre()
    if draws == 1:
        return centre
    others = source.draws(draws - 1, seed)
    return Draws(centre.names, np.hstack([centre.values, others.values]))


def _refuse_big(study: Study, asked: Asked) -> None:
    """Refuse cells whose tables, which are held all at once, need more memory than there is."""
    names = _chosen("flashpoint", study.flashpoints, asked.flashpoint)
    small = [reduced(study, name, asked.parties) for name in names]
    each = max(
        table_bytes(len(point.third_parties), one.horizon_years)
        for one in small for point in one.flashpoints.values()
    )  # fmt: skip
    structures = _chosen("structure", study.structures, asked.structure)
    cells = len(small) * len(structures) * asked.draws
    need = LIBRARIES + cells * each + COPIES_OF_TABLES * asked.draws * each
    refuse_beyond_room(f"a check of {cells:,} cells", need,
                       "lower draws, or choose a flashpoint or a structure")


def reduced(study: Study, flashpoint: str, parties: int | None = None) -> Study:
    """Return a study with one flashpoint and few third parties.

    Parameters
    ----------
    study : Study
        What to reduce.
    flashpoint : str
        The one to keep.
    parties : int, optional
        Third parties to keep; by default both where there are no more than two, else one.

    Returns
    -------
    Study
        With a horizon of one year if third parties are left, else with its own.
    """
    point = study.flashpoints[flashpoint]
    few = len(point.third_parties) if len(point.third_parties) <= MOST_PARTIES else 1
    kept = _kept(study, point, few if parties is None else parties)
    named = {name: party for name, party in point.third_parties.items() if name in kept}
    return study.model_copy(update={
        "flashpoints": {flashpoint: point.model_copy(update={"third_parties": named})},
        "horizon_years": 1 if named else study.horizon_years,
    })  # fmt: skip


def _kept(study: Study, point: Flashpoint, n: int) -> list[str]:
    """Return the third parties to keep: great power, base host, then by power."""
    defaults = study.defaults()

    def rank(name: str) -> tuple[bool, bool, float]:
        power = point.third_parties[name].power.at(defaults)
        return name != study.great_power, name != point.base_host, -power

    return sorted(point.third_parties, key=rank)[:n]


def _cells(study: Study, asked: Asked, values: Draws) -> Iterator[ReducedCell]:
    """Yield the cells of a reduced study; those without third parties that were added last."""
    flashpoints = _chosen("flashpoint", study.flashpoints, asked.flashpoint)
    structures = _chosen("structure", study.structures, asked.structure)
    for flashpoint in flashpoints:
        small = reduced(study, flashpoint, asked.parties)
        for name in structures:
            yield from _compiled(small, name, values)
    for flashpoint in flashpoints:
        if reduced(study, flashpoint, asked.parties).flashpoints[flashpoint].third_parties:
            centre = Draws(values.names, values.values[:, :1])
            yield from _compiled(reduced(study, flashpoint, 0), structures[0], centre)


def _chosen(what: str, known: Mapping[str, object], name: str | None) -> list[str]:
    if name is None:
        return list(known)
    if name not in known:
        raise InputError(f"{what}: unknown name {shown(name)} {suggestion(name, known)}")
    return [name]


def _compiled(study: Study, structure: str, values: Draws) -> Iterator[ReducedCell]:
    """Yield the cells of a study with one flashpoint under a structure, one per draw."""
    from escalation.model.compile import compile_block, onset_anchor

    (name, point), = study.flashpoints.items()
    anchor = onset_anchor(study, point, values)
    block = compile_block(study, point, study.structures[structure], values, anchor)
    n_parties = len(point.third_parties)
    block = coarse(block, FRAILTIES[n_parties], ERRORS)
    if n_parties:
        block = one_dispute_at_most(counted_in_rounds(block))
    if n_parties > 1:
        block = without_news(block)
    for draw in range(values.n):
        tables = Tables(*(array[[draw]] for array in block))
        yield ReducedCell(name, structure, draw, tuple(point.third_parties), tables)


def _checks(cell: ReducedCell, n: int, seed: int, key: int, change: Change) -> Iterator[WorldCheck]:
    """Simulate a cell's worlds and compare each with its exact solution."""
    exact = solve_disputes(one_cell(cell.tables, 0))
    changed = change(cell.tables)
    for world, (dispute_class, name) in enumerate(
        ((ROUTINE, "routine"), (GRAVE, "grave"))
    ):
        counts = _simulated(one_dispute(changed, dispute_class), n, seed, key + world)
        chance = np.zeros(SHAPE)
        chance[dispute_class] = exact.crisis[dispute_class]
        yield _disputes_check(cell, name, counts, chance, n)
        yield WorldCheck(
            cell, f"{name}, length", _LENGTHS,
            compare(counts.duration[0, dispute_class], exact.duration[dispute_class]), False,
        )  # fmt: skip
    counts = _simulated(changed, n, seed, key + 2)
    if cell.parties:
        yield _disputes_check(cell, "year", counts, exact.first_of_year, n)
    else:
        yield from _history_checks(cell, counts, n)


def _simulated(tables: Tables, n: int, seed: int, key: int) -> Tallies:
    """Simulate histories of a cell in pieces short enough for Ctrl-C."""
    from escalation.simulation.threads import simulate_block

    parts = [
        simulate_block(tables, seed, np.array([key]), first, min(PIECE, n - first))
        for first in range(0, n, PIECE)
    ]
    return Tallies(*(np.sum(arrays, axis=0) for arrays in zip(*parts, strict=True)))


def _disputes_check(
    cell: ReducedCell, name: str, counts: Tallies, chance: np.ndarray, n: int
) -> WorldCheck:
    """Compare how disputes went; histories without one are an outcome too."""
    seen = counts.crisis[0]
    agreement = compare(
        np.concatenate([[n - seen.sum()], seen.ravel()]),
        np.concatenate([[1.0 - chance.sum()], chance.ravel()]),
    )
    return WorldCheck(cell, name, _DISPUTES, agreement, True)


def _history_checks(cell: ReducedCell, counts: Tallies, n: int) -> Iterator[WorldCheck]:
    exact = solve_histories(one_cell(cell.tables, 0))
    agreement = compare(counts.worst_rung[0], exact.worst_rung)
    yield WorldCheck(cell, "worst rung", [f"rung {r}" for r in range(codes.N_RUNGS)],
                agreement, True)  # fmt: skip
    years = exact.first_event.shape[1]
    labels = ["never", *(f"year {year + 1}" for year in range(years))]
    for event, name in enumerate(codes.EVENTS):
        seen, chance = counts.first_event[0, event], exact.first_event[event]
        agreement = compare(
            np.concatenate([[n - seen.sum()], seen]),
            np.concatenate([[1.0 - chance.sum()], chance]),
        )
        yield WorldCheck(cell, f"first {name.replace('_', ' ')}", labels, agreement, False)
    agreement = compare(counts.trajectory_end[0], exact.trajectory_end)
    yield WorldCheck(cell, "end", [e.replace("_", " ") for e in codes.TRAJECTORY_ENDS],
                agreement, False)  # fmt: skip


_LENGTHS = [f"{low} days or more" for low in codes.DURATION_EDGES_DAYS]
_ENDS = (
    "withdrawal", "settlement", "concession", "lost war", "won war", "exchange", "cut off"
)  # fmt: skip
_DISPUTES = [
    "no dispute",
    *(
        f"{kind}, {end}, rung {rung}, great power {'in' if us else 'out'}"
        for kind in codes.DISPUTE_CLASSES
        for end in _ENDS
        for rung in range(codes.N_RUNGS)
        for us in (0, 1)
    ),
]


def _report(study: Study, checks: list[WorldCheck], plan: Json) -> Json:
    """Return the checks cell by cell, and the verdict."""
    overall = together([check.agreement for check in checks if check.independent])
    p = [*(check.agreement.p for check in checks), overall.p]
    failed = failures(p, plan["level"])
    cells: dict[tuple, Json] = {}
    for check, fails in zip(checks, failed, strict=False):
        at = check.cell
        cell = cells.setdefault(
            (at.flashpoint, at.structure, at.draw, at.parties),
            {"flashpoint": at.flashpoint, "structure": at.structure, "draw": at.draw,
             "third_parties": list(at.parties), "checks": []},
        )  # fmt: skip
        cell["checks"].append(_entry(check.what, check.agreement, check.outcomes, fails))
    return {
        "study": study.name,
        "plan": plan,
        "reduction": reductions(study, [check.cell for check in checks]),
        "cells": list(cells.values()),
        "together": _entry("all cells", overall, [], failed[-1]),
        "passed": not any(failed),
    }


def reductions(study: Study, cells: list[ReducedCell]) -> list[str]:
    """Return in words how the cells differ from those of the study."""
    lines = []
    for name, point in study.flashpoints.items():
        kept = next((cell.parties for cell in cells if cell.flashpoint == name), None)
        if kept is not None and len(kept) < len(point.third_parties):
            names = " and ".join(kept) or "none"
            lines.append(f"{name}: {names} of {len(point.third_parties)} third parties kept")
    counts = {len(cell.parties) for cell in cells}
    frailties = " or ".join(str(n) for n in sorted({FRAILTIES[k] for k in counts}))
    lines.append(f"frailty in {frailties} classes of 64, first beliefs in {ERRORS} of 256 each")
    if max(counts):
        lines.append("with third parties: one year, one dispute at most, every round one day")
    if max(counts) > 1:
        lines.append("with two third parties: what they decide changes no belief")
    if not min(counts):
        lines.append(f"with nobody else: whole histories of {study.horizon_years} years")
    return lines


def _entry(what: str, agreement: Agreement, outcomes: list[str], failed: bool) -> Json:
    finite = np.isfinite(agreement.largest)
    where = "rare outcomes" if agreement.where < 0 else outcomes[agreement.where]
    return {
        "what": what,
        "n": agreement.n,
        "classes": agreement.classes,
        "chi_square": agreement.chi_square if finite else None,
        "degrees_of_freedom": agreement.degrees,
        "p": agreement.p,
        "largest_difference": agreement.largest if finite else None,
        "where": where if outcomes else "",
        "failed": failed,
    }
