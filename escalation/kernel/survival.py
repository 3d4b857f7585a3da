r"""Mathematical curves in integers: the logistic function and an exponential variate.

``logistic`` interpolates linearly between tabulated points 1/64 apart over [-16, 16];
beyond, it stays at the end. Its error is below
:math:`(1/64)^2 / 8 \cdot \max|\sigma''| = 3 \cdot 10^{-6}`. ``exponential`` is
:math:`-\ln u` from a 32-bit number: leading zeros are shifted out four at a time, each
worth :math:`4 \ln 2`, and the rest is interpolated with an error below 3e-5.

The points are rounded to integers from 1e-9-accurate values, so a different libm yields
the same table.
"""

from __future__ import annotations

import numpy as np

from escalation.kernel.jit import jit_part

_REACH = 16
_STEPS = 64
_grid = np.arange(-_REACH * _STEPS, _REACH * _STEPS + 1) / _STEPS
_LOGISTIC = np.round(2.0**30 / (1.0 + np.exp(-_grid))).astype(np.int32)
_LIMIT = (_REACH << 16) - 1
_OFFSET = _REACH << 16

_NEGATIVE_LOG = np.round(-np.log(np.maximum(np.arange(1025), 1) / 1024.0) * 2.0**26).astype(
    np.int64
)
_FOUR_LN2 = int(round(4.0 * np.log(2.0) * 2.0**26))
_MASK32 = (1 << 32) - 1


@jit_part
def logistic(x):
    """Return the logistic of log-odds `x` (times 2**16) as Q30."""
    y = min(max(x, -_LIMIT), _LIMIT) + _OFFSET
    cell = y >> 10
    low = np.int64(_LOGISTIC[np.uint64(cell)])
    return low + (((_LOGISTIC[np.uint64(cell + 1)] - low) * (y & 1023)) >> 10)


@jit_part
def exponential(bits):
    """Return -ln(u) times 2**26 for the 32-bit number `bits` = u * 2**32."""
    value = np.int64(0)
    u = bits | 1
    while u < (1 << 28):
        u = (u << 4) & _MASK32
        value += _FOUR_LN2
    cell = u >> 22
    low = _NEGATIVE_LOG[np.uint64(cell)]
    return (
        value + low + (((_NEGATIVE_LOG[np.uint64(cell + 1)] - low) * (u & ((1 << 22) - 1))) >> 22)
    )
