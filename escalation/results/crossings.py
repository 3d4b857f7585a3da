"""Where a sweep changes sign, beyond its Monte Carlo error.

A point is *clear* if its difference d differs from zero by more than one standard error.
A crossing is counted only between two neighbouring clear points of opposite sign (points
that are not clear may lie between them) and placed by linear interpolation,

    x0 = (x1 d2 - x2 d1) / (d2 - d1),

with the error that follows from those of d1 and d2 by the delta method.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CLEAR_ERRORS = 1.0


@dataclass(frozen=True)
class Crossing:
    """A value at which the difference changes sign.

    Attributes
    ----------
    value, error : float
        Interpolated value of the parameter and its standard error (an upper bound).
    rises : bool
        Whether the structure has more of the event than the reference above the value.
    """

    value: float
    error: float
    rises: bool


def find_crossings(
    values: np.ndarray, differences: np.ndarray, errors: np.ndarray
) -> tuple[Crossing, ...]:
    """Find the clear changes of sign of a sorted sweep; all arrays are (point,)."""
    clear = np.abs(differences) > CLEAR_ERRORS * errors
    x, d, s = values[clear], differences[clear], errors[clear]
    found = []
    for i in range(len(x) - 1):
        if (d[i] < 0) == (d[i + 1] < 0):
            continue
        step, rise = x[i + 1] - x[i], d[i + 1] - d[i]
        value = (x[i] * d[i + 1] - x[i + 1] * d[i]) / rise
        error = abs(step) / rise**2 * np.hypot(d[i + 1] * s[i], d[i] * s[i + 1])
        found.append(Crossing(float(value), float(error), bool(rise > 0)))
    return tuple(found)
