"""The contract between model and kernel: one study cell as integers.

A *cell* is one flashpoint under one structure with one parameter draw. `Tables` holds a
block of cells stacked along the first axis; :func:`one_cell` drops that axis. Every
entry is an integer in one of these formats, whose ranges :func:`formats` holds:

=======  =====================================================================
Q30      probability; an event happens when a 30-bit number lies below it, so
         that 0 never and 2**30 always happens
Q18 Q16  the same for an 18- or 16-bit number
Q15      share or perceived probability between 0 and 2**15
logit    log-odds times 2**16
month    rate per month times 2**26, at most 2**31 - 1 (32 a month)
=======  =====================================================================

Axes: `profile` = 2 * class + resolve type, and 4 or 5 for a grave crisis with economic
coercion; `power` and `us` are the grids of perceived rest-of-coalition power and of perceived
great-power participation; `stance` is 0 in the pact and 1 after leaving it; `already in` is the
class of third-party power that has joined: little, some, most.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

ONE30 = 1 << 30
ONE18 = 1 << 18
ONE16 = 1 << 16
ONE15 = 1 << 15
ONE_MONTH = 1 << 26
LARGEST = (1 << 31) - 1
INVALID = -(1 << 31)
"""Entry that no format allows: what a number turns into that has no place in its table."""
MAX_ROUND_EIGHTHS = 8 * 3_650
"""Longest round, in eighths of a day: ten years."""

N_PROFILES = 6
N_DEFENDER_PROFILES = 4
N_FRAILTIES = 64
N_ERRORS = 256
N_VICTORY = 257
N_ROWS = 6

IN_PACT, EXITED = 0, 1
WITHOUT_US, WITH_US = 0, 1
CHALLENGER, DEFENDER = 0, 1

(
    SCALAR_DOUBLE_STEP,
    SCALAR_AUTHORISATION,
    SCALAR_WEDGE,
    SCALAR_TURNOVER,
    SCALAR_TENSION_JUMP,
    SCALAR_TENSION_KEEP,
    SCALAR_REPUTATION,
    SCALAR_GREAT_POWER,
    SCALAR_HOST,
    SCALAR_ACCESS_LOSS,
    SCALAR_POWER_WITHOUT_HOST,
    SCALAR_SOME,
    SCALAR_MOST,
    N_SCALARS,
) = range(14)


class Tables(NamedTuple):
    """Integer tables of a block of cells; shapes are given without the cell axis.

    Attributes
    ----------
    challenger : int32 (profile, rung, power, us, 2)
        Q30 thresholds of withdrawal, and of withdrawal or escalation.
    defender : int32 (us status, 2 * class + type, rung, power, us, 2)
        Q30 thresholds of concession, and of concession or matching.
    brink : int32 (profile, power, us)
        Q30 chance that the challenger lets a clash become war.
    onset : int32 (resolve type, power, us, class)
        Onset rate per month of each dispute class.
    opening : int32 (resolve type, 2)
        Q16 thresholds of opening at rung 3, and at rung 2 or 3.
    days : int32 (rung,)
        Eighths of a day per round.
    incident : int32 (reciprocated, rung)
        Q30 chance of an incident in a round.
    ending : int32 (frailty, rung)
        Q30 chance of settlement (below rung 5) or of the war's end in a round.
    revision : int32 (side, rung)
        Q18 chance that the challenger or the defender revises in a round.
    spiral : int32 (rung,)
        Q30 chance that a match moves the crisis up.
    victory : int32 (N_VICTORY,)
        Q30 chance that the challenger wins against the power at this grid point.
    decision : int32 (year, coerced, stance, row, already in, party, 4)
        A third party's decision: Q30 chance to join if wavering and if staunch, and what
        staying out and joining add to the log-odds of being staunch, times 2**16. Row r - 1
        is support or fight at rung r = 1 .. 5, row 5 a supporter's decision to fight.
    unbound : int32 (year, coerced, supporter, already in, party, 2)
        Q30 chance to fight without any obligation, if wavering and if staunch.
    outlook : int32 (year, coerced, stance, supporter, already in, 2, party)
        Q15 perceived chance to fight in time, if surely wavering and if surely staunch.
    resolve : int32 (stance, rung, party)
        Q16 chance that a pending decision is taken in a round.
    veto : int32 (party,)
        Q16 chance that a decision to join is vetoed at home.
    exits : int32 (party,)
        Q16 chance per year of leaving the pact.
    bound : int32 (2 stances, party)
        1 where bindingness is at least one half.
    staunch : int32 (party,)
        Q30 chance of being staunch.
    belief_start : int32 (party,)
        Log-odds of being staunch, as the challenger would hold them without error.
    belief_error : int32 (N_ERRORS,)
        Error of those log-odds, by equally likely class.
    grid_power : int32 (party,)
        Power in grid cells of the `power` axis, times 2**16.
    true_power : int32 (party,)
        Power in grid cells of `victory`, times 2**16.
    share : int32 (party,)
        Share of the third parties' power, times 2**16.
    scalar : int32 (N_SCALARS,)
        Single numbers, by the SCALAR_ names.
    """

    challenger: np.ndarray
    defender: np.ndarray
    brink: np.ndarray
    onset: np.ndarray
    opening: np.ndarray
    days: np.ndarray
    incident: np.ndarray
    ending: np.ndarray
    revision: np.ndarray
    spiral: np.ndarray
    victory: np.ndarray
    decision: np.ndarray
    unbound: np.ndarray
    outlook: np.ndarray
    resolve: np.ndarray
    veto: np.ndarray
    exits: np.ndarray
    bound: np.ndarray
    staunch: np.ndarray
    belief_start: np.ndarray
    belief_error: np.ndarray
    grid_power: np.ndarray
    true_power: np.ndarray
    share: np.ndarray
    scalar: np.ndarray


def empty_tables(
    n_cells: int, n_parties: int, n_years: int, n_power: int, n_us: int, n_rungs: int = 10
) -> Tables:
    """Allocate tables, all zero, for a block of `n_cells` cells."""
    parties, rungs, grid = (n_parties,), (n_rungs,), (n_power, n_us)
    shapes: dict[str, tuple[int, ...]] = {
        "challenger": (N_PROFILES, *rungs, *grid, 2),
        "defender": (2, N_DEFENDER_PROFILES, *rungs, *grid, 2),
        "brink": (N_PROFILES, *grid),
        "onset": (2, *grid, 2),
        "opening": (2, 2),
        "days": rungs,
        "incident": (2, *rungs),
        "ending": (N_FRAILTIES, *rungs),
        "revision": (2, *rungs),
        "spiral": rungs,
        "victory": (N_VICTORY,),
        "decision": (n_years, 2, 2, N_ROWS, 3, *parties, 4),
        "unbound": (n_years, 2, 2, 3, *parties, 2),
        "outlook": (n_years, 2, 2, 2, 3, 2, *parties),
        "resolve": (2, *rungs, *parties),
        "veto": parties,
        "exits": parties,
        "bound": (2, *parties),
        "staunch": parties,
        "belief_start": parties,
        "belief_error": (N_ERRORS,),
        "grid_power": parties,
        "true_power": parties,
        "share": parties,
        "scalar": (N_SCALARS,),
    }
    return Tables(**{k: np.zeros((n_cells, *shape), np.int32) for k, shape in shapes.items()})


_Q30, _Q18, _Q16, _Q15 = (0, ONE30), (0, ONE18), (0, ONE16), (0, ONE15)
_LOGIT = (-LARGEST, LARGEST)
_DECISION = ((0, 0, -LARGEST, -LARGEST), (ONE30, ONE30, LARGEST, LARGEST))
_POWER = (0, (N_VICTORY - 1) * ONE16)
_RANGES: dict[str, tuple] = {
    "challenger": _Q30,
    "defender": _Q30,
    "brink": _Q30,
    "onset": (0, LARGEST),
    "opening": _Q16,
    "days": (1, MAX_ROUND_EIGHTHS),
    "incident": _Q30,
    "ending": _Q30,
    "revision": _Q18,
    "spiral": _Q30,
    "victory": _Q30,
    "decision": _DECISION,
    "unbound": _Q30,
    "outlook": _Q15,
    "resolve": _Q16,
    "veto": _Q16,
    "exits": _Q16,
    "bound": (0, 1),
    "staunch": _Q30,
    "belief_start": _LOGIT,
    "belief_error": _LOGIT,
    "true_power": _POWER,
    "share": _Q16,
}
_SCALAR_RANGES = {
    SCALAR_DOUBLE_STEP: _Q30,
    SCALAR_AUTHORISATION: _Q30,
    SCALAR_WEDGE: _Q16,
    SCALAR_TURNOVER: _Q16,
    SCALAR_TENSION_JUMP: (0, ONE15 << 5),
    SCALAR_TENSION_KEEP: _Q15,
    SCALAR_REPUTATION: _LOGIT,
    SCALAR_ACCESS_LOSS: _Q15,
    SCALAR_POWER_WITHOUT_HOST: _POWER,
    SCALAR_SOME: _Q16,
    SCALAR_MOST: _Q16,
}


@cache
def formats(n_parties: int, n_years: int, n_power: int, n_us: int) -> tuple[Tables, Tables]:
    """Return the least and the greatest entries that the tables of one cell may have.

    Within them no entry leads the kernel out of an array.

    Parameters
    ----------
    n_parties, n_years, n_power, n_us : int
        As in :func:`empty_tables`.

    Returns
    -------
    least, greatest : Tables
        Of one cell, without the cell axis.
    """
    index = (-1, n_parties - 1)
    scalars = {**_SCALAR_RANGES, SCALAR_GREAT_POWER: index, SCALAR_HOST: index}
    pairs = tuple(zip(*(scalars[k] for k in range(N_SCALARS)), strict=True))
    ranges = {**_RANGES, "grid_power": (0, (n_power - 1) * ONE16), "scalar": pairs}
    ends = []
    for end in range(2):
        cell = one_cell(empty_tables(1, n_parties, n_years, n_power, n_us), 0)
        for name, array in zip(Tables._fields, cell, strict=True):
            array[...] = ranges[name][end]
        ends.append(cell)
    return ends[0], ends[1]


def one_cell(tables: Tables, cell: int) -> Tables:
    """Return the tables of one cell of a block, as views without the cell axis."""
    return Tables(*(array[cell] for array in tables))
