"""What the challenger believes about each third party, and where that lies on the grids.

With b the chance of being staunch and the perceived chances J of a staunch and a wavering
party to fight in time,

    pi = b J_staunch + (1 - b) J_wavering.

Perceived rest power is the sum of grid_power * pi over all but the great power; perceived
participation of the great power is pi_us (1 - loss (1 - pi_host)): without the host's
bases its war effort counts for less.
"""

from __future__ import annotations

import numpy as np

from escalation.contracts.tables import ONE15, SCALAR_ACCESS_LOSS, SCALAR_GREAT_POWER, SCALAR_HOST
from escalation.kernel.jit import jit_part
from escalation.kernel.survival import logistic

BELIEF_LIMIT = 8 << 16
_DE_BRUIJN = 0x077CB531
_LOWEST = np.zeros(32, np.int64)
for _place in range(32):
    _LOWEST[((_DE_BRUIJN << _place) & 0xFFFFFFFF) >> 27] = _place


@jit_part
def bit(mask, i):
    """Return bit `i` of a mask."""
    return (mask >> i) & 1


@jit_part
def lowest(mask):
    """Return the place of the lowest bit of a non-zero 32-bit mask (de Bruijn's trick)."""
    return _LOWEST[np.uint64((((mask & -mask) * _DE_BRUIJN) & 0xFFFFFFFF) >> 27)]


@jit_part
def perceived_chance(t, i, year, coerced, stance, supporter, already_in, trust):
    """Return the Q15 perceived chance that party `i` fights in time, `trust` Q15."""
    wavering = t.outlook[year, coerced, stance, supporter, already_in, 0, i]
    staunch = t.outlook[year, coerced, stance, supporter, already_in, 1, i]
    return wavering + ((trust * (staunch - wavering)) >> 15)


@jit_part
def kept_in(belief):
    """Return a belief within the limits of conviction."""
    return min(max(belief, -BELIEF_LIMIT), BELIEF_LIMIT)


@jit_part
def position_power(t, pi):
    """Return the position on the power grid in 1/256 cells."""
    total = 0
    for i in range(pi.shape[0]):
        total += t.grid_power[i] * pi[i]
    return total >> 23


@jit_part
def position_us(t, pi):
    """Return the position on the great power's grid in 1/256 cells."""
    us = t.scalar[SCALAR_GREAT_POWER]
    if us < 0:
        return 0
    chance = pi[us]
    host = t.scalar[SCALAR_HOST]
    if host >= 0:
        missing = (t.scalar[SCALAR_ACCESS_LOSS] * (ONE15 - pi[host])) >> 15
        chance = (chance * (ONE15 - missing)) >> 15
    return (chance * (t.brink.shape[2] - 1)) >> 7


@jit_part
def already_in_class(share, some, most):
    """Return 0, 1 or 2 by the share (Q16) of third-party power that is in."""
    if share < some:
        return 0
    return 1 if share < most else 2


@jit_part
def trust_of(belief):
    """Return the Q15 chance of being staunch from its log-odds."""
    return logistic(belief) >> 15
