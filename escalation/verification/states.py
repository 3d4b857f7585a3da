r"""States of a dispute and how the challenger sees them.

A state before a round is (rung, whether the last answer was a match, who has a decision pending,
who supports, who fights, the challenger's belief about each that does not fight); within a round
it also holds the rung that the round began at, whose clock rules the round. The highest rung
needs no room: rungs never fall. States are rows of an integer array, so that a whole generation
moves at once.

Everything that stays as it is for the length of a dispute is a *lane*: its class, the two sides'
types and the third parties' types. Economic coercion changes what third parties do, and so
which states there are; chains with and without it are separate.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from escalation.contracts import tables as formats
from escalation.contracts.codes import GRAVE, REGIONAL, ROUTINE, WAR
from escalation.contracts.tables import Tables
from escalation.verification.interpolation import ONE15, trust

RUNG, CLOCK, RECIPROCAL, PENDING, SUPPORTS, FIGHTS, BELIEF = range(7)
"""Columns of a state; one column of belief for each third party follows."""

IN_PACT = formats.IN_PACT


class Lanes(NamedTuple):
    """What is fixed for a dispute; arrays of shape (lane,), `staunch` a mask."""

    grave: np.ndarray
    challenger: np.ndarray
    defender: np.ndarray
    staunch: np.ndarray


def lanes_of(n_parties: int, coerced: int) -> Lanes:
    """Return every lane; a coerced dispute is grave."""
    classes = (GRAVE,) if coerced else (ROUTINE, GRAVE)
    every = list(product(classes, (0, 1), (0, 1), range(1 << n_parties)))
    return Lanes(*np.array(every).T)


def wide(tables: Tables) -> Tables:
    """Return the tables of one cell in 64-bit integers, in which no sum overflows."""
    return Tables(*(np.asarray(array, np.int64) for array in tables))


def bit(mask: np.ndarray, i: int) -> np.ndarray:
    """Return bit `i` of masks."""
    return (mask >> i) & 1


def with_column(rows: np.ndarray, column: int, value: int | np.ndarray) -> np.ndarray:
    """Return rows with one column set."""
    changed = rows.copy()
    changed[:, column] = value
    return changed


def asked(t: Tables, rows: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Give every third party that is not yet in a decision, where the rung is new."""
    everybody = (1 << len(t.veto)) - 1
    inside = np.where(rows[:, RUNG] >= WAR, rows[:, FIGHTS], rows[:, SUPPORTS])
    return with_column(rows, PENDING, np.where(new, everybody & ~inside, rows[:, PENDING]))


def us_in(t: Tables, mask: np.ndarray) -> np.ndarray:
    """Return 1 where the great power is in a mask."""
    us = int(t.scalar[formats.SCALAR_GREAT_POWER])
    return bit(mask, us) if us >= 0 else np.zeros_like(mask)


def gate_open(t: Tables, rows: np.ndarray) -> np.ndarray:
    """Return where the next rung can be reached."""
    rung, fights = rows[:, RUNG], rows[:, FIGHTS]
    fighter = np.where(rung >= REGIONAL, us_in(t, fights) == 1, fights != 0)
    return (rung < WAR) | fighter


def already_in(t: Tables, rows: np.ndarray) -> np.ndarray:
    """Return the class (0, 1, 2) of third-party power that has joined."""
    joined = rows[:, SUPPORTS] | rows[:, FIGHTS]
    share = sum((t.share[i] * bit(joined, i) for i in range(len(t.share))), np.zeros_like(joined))
    some, most = t.scalar[formats.SCALAR_SOME], t.scalar[formats.SCALAR_MOST]
    return np.where(share < some, 0, np.where(share < most, 1, 2))


def position(t: Tables, rows: np.ndarray, coerced: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the perceived positions on both grids, power and the great power's, times 256."""
    class_in = already_in(t, rows)
    chance = np.zeros((len(t.veto), len(rows)), np.int64)
    for i in range(len(t.veto)):
        view = t.outlook[0, coerced, IN_PACT, bit(rows[:, SUPPORTS], i), class_in, :, i]
        mixed = view[:, 0] + trust(rows[:, BELIEF + i]) * (view[:, 1] - view[:, 0]) // ONE15
        chance[i] = np.where(bit(rows[:, FIGHTS], i) == 1, ONE15, mixed)
    power = t.grid_power @ chance // 2**23
    us, host = (int(t.scalar[k]) for k in (formats.SCALAR_GREAT_POWER, formats.SCALAR_HOST))
    if us < 0:
        return power, np.zeros_like(power)
    seen = chance[us]
    if host >= 0:
        missing = t.scalar[formats.SCALAR_ACCESS_LOSS] * (ONE15 - chance[host]) // ONE15
        seen = seen * (ONE15 - missing) // ONE15
    return power, seen * (t.brink.shape[2] - 1) // 2**7


def corners(
    shape: tuple[int, int], position: tuple[np.ndarray, np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return weight and grid point of the four points around each position."""
    (k, x), (p, y) = (np.divmod(axis, 256) for axis in position)
    return [
        (a * b / 2**16, np.minimum(k + i, shape[0] - 1), np.minimum(p + j, shape[1] - 1))
        for (i, a), (j, b) in product(((0, 256 - x), (1, x)), ((0, 256 - y), (1, y)))
    ]


def distinct(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rows, and which of them each row is."""
    found, which = np.unique(rows, axis=0, return_inverse=True)
    return found, which.reshape(-1)
