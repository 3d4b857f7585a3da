"""What the challenger believes about each third party, and where that lies on the grids.

With log-odds `belief` of being staunch, logistic `trust` b, and perceived chances of a
staunch and a wavering party to fight,

    pi = discount (b J_staunch + (1 - b) J_wavering).

Perceived rest power is the sum of grid_power * pi over all but the great power; perceived
participation of the great power is pi_us (1 - loss (1 - pi_host)): without the host's
bases its war effort counts for less.
"""

from __future__ import annotations

from escalation.kernel.curves import log_logistic, logistic
from escalation.kernel.jit import jit_part
from escalation.tables import (
    ACTUAL,
    ONE15,
    PERCEIVED,
    SCALAR_ACCESS_LOSS,
    SCALAR_COMMITMENT,
    SCALAR_GREAT_POWER,
    SCALAR_HOST,
    SCALAR_TYPE_GAP,
    UNBOUND,
)

BELIEF_LIMIT = 8 << 16
WAR = 5


@jit_part
def bit(mask, i):
    """Return bit `i` of a mask."""
    return (mask >> i) & 1


@jit_part
def log_odds(t, view, stance, rung, already_in, i, year, coerced, commitment):
    """Return the log-odds that party `i` joins, before its type."""
    x = t.joining[view, stance, rung, already_in, i] - t.drift[stance, i] * year
    if coerced:
        x -= t.wedge[i]
    return x + commitment


@jit_part
def unbound_chance(t, rung, already_in, i, year, coerced, commitment, gap):
    """Return the Q30 chance that party `i` would join without any obligation."""
    return logistic(
        log_odds(t, ACTUAL, UNBOUND, rung, already_in, i, year, coerced, commitment) + gap
    )


@jit_part
def perceived_chance(t, i, stance, already_in, supports, year, coerced, trust):
    """Return the Q15 perceived chance that party `i` fights in a war."""
    commitment = t.scalar[SCALAR_COMMITMENT] if supports else 0
    x = log_odds(t, PERCEIVED, stance, WAR, already_in, i, year, coerced, commitment)
    gap = t.scalar[SCALAR_TYPE_GAP]
    staunch = logistic(x + gap) >> 15
    wavering = logistic(x - gap) >> 15
    return mixed_chance(t, i, wavering, staunch, trust)


@jit_part
def mixed_chance(t, i, wavering, staunch, trust):
    """Return the perceived chance given those of either type (all Q15)."""
    return ((wavering + ((trust * (staunch - wavering)) >> 15)) * t.discount[i]) >> 15


@jit_part
def peace_chance(t, i, exited, year, trust):
    """Return the perceived chance to fight at peace, from the precomputed two ends."""
    low = t.peace_view[year, exited, i, 0]
    return low + ((trust * (t.peace_view[year, exited, i, 1] - low)) >> 15)


@jit_part
def updated_belief(belief, x, gap, joined):
    """Return the log-odds of staunch after a decision, by Bayes' rule."""
    if joined:
        belief += log_logistic(x + gap) - log_logistic(x - gap)
    else:
        belief += log_logistic(-x - gap) - log_logistic(-x + gap)
    return min(max(belief, -BELIEF_LIMIT), BELIEF_LIMIT)


@jit_part
def position_power(t, pi):
    """Return the position on the power grid in 1/256 cells."""
    total = 0
    for i in range(pi.shape[0]):
        total += t.grid_power[i] * pi[i]
    return total >> 23


@jit_part
def position_us(t, pi, n_us):
    """Return the position on the US grid in 1/256 cells."""
    us = t.scalar[SCALAR_GREAT_POWER]
    if us < 0:
        return 0
    chance = pi[us]
    host = t.scalar[SCALAR_HOST]
    if host >= 0:
        missing = (t.scalar[SCALAR_ACCESS_LOSS] * (ONE15 - pi[host])) >> 15
        chance = (chance * (ONE15 - missing)) >> 15
    return (chance * (n_us - 1)) >> 7


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
