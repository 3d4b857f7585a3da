r"""The integer curves of the model, for whole arrays.

The logistic function is tabulated 1/64 apart over [-16, 16] and interpolated with floors, as
is :math:`-\ln u` of a 32-bit number after shifting out leading zeros four at a time. Both are
part of the model: an exact solution must round where the model rounds.
"""

from __future__ import annotations

import numpy as np

ONE15 = 1 << 15
_LIMIT = (1 << 20) - 1
_POINTS = np.arange(-1024, 1025) / 64
_SIGMA = np.round(2.0**30 / (1.0 + np.exp(-_POINTS))).astype(np.int64)
_MINUS_LOG = np.round(-np.log(np.maximum(np.arange(1025), 1) / 1024.0) * 2.0**26).astype(np.int64)
_FOUR_LN2 = round(4.0 * np.log(2.0) * 2.0**26)


def trust(log_odds: np.ndarray) -> np.ndarray:
    """Return chances in 1/2**15 from log-odds times 2**16."""
    index, rest = np.divmod(np.clip(log_odds, -_LIMIT, _LIMIT) + (1 << 20), 1024)
    low = _SIGMA[index]
    return (low + (_SIGMA[index + 1] - low) * rest // 1024) // ONE15


def minus_log(number: np.ndarray) -> np.ndarray:
    """Return -ln(number / 2**32) times 2**26, for integers from 0 to 2**32 - 1."""
    number = np.asarray(number, np.int64) | 1
    result = np.zeros_like(number)
    for _ in range(8):
        small = number < 1 << 28
        number = np.where(small, number * 16, number)
        result += small * _FOUR_LN2
    index, rest = np.divmod(number, 1 << 22)
    low = _MINUS_LOG[index]
    return result + low + (_MINUS_LOG[index + 1] - low) * rest // (1 << 22)


def survival(hazard: np.ndarray) -> np.ndarray:
    """Return the chance that an exponential variate is at least `hazard` (times 2**26).

    It is the share of 32-bit numbers whose variate is; the variate falls as the number grows,
    so bisection counts them.
    """
    hazard = np.asarray(hazard, np.int64)
    low, high = np.full(hazard.shape, -1), np.full(hazard.shape, (1 << 32) - 1)
    for _ in range(33):
        middle = (low + high + 1) // 2
        enough = minus_log(np.maximum(middle, 0)) >= hazard
        low, high = np.where(enough, middle, low), np.where(enough, high, middle - 1)
    return (low + 1) / 2.0**32
