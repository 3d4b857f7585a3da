"""Third parties: support below war, fight in it.

Each has one decision per new peak rung. It is taken after a random delay; then the party
joins with a chance that depends on its obligations, stake, dependence, type, coercion and
on who is already in, and a domestic veto may still stop it. The challenger sees every
decision but a vetoed one as news about the party's type.
"""

from __future__ import annotations

import numpy as np

from escalation.codes import (
    LOG_PARTY,
    PARTY_IS_VETOED,
    PARTY_JOINS,
    PARTY_STAYS,
    WAR,
)
from escalation.kernel import slots
from escalation.kernel.belief import (
    already_in_class,
    bit,
    log_odds,
    perceived_chance,
    trust_of,
    unbound_chance,
    updated_belief,
)
from escalation.kernel.curves import logistic
from escalation.kernel.jit import jit_part
from escalation.kernel.log import write
from escalation.kernel.rng import mix
from escalation.tables import (
    ACTUAL,
    ONE15,
    PERCEIVED,
    SCALAR_COMMITMENT,
    SCALAR_MOST,
    SCALAR_SOME,
    SCALAR_TYPE_GAP,
)

_HIGH30 = np.uint64(34)
_LOW16 = np.uint64((1 << 16) - 1)
_SHIFT_VETO = np.uint64(16)


@jit_part
def view_all(t, pi, exited, joined_share, supporting, fighting, year, coerced, trust):
    """Recompute the perceived chance to fight of every third party."""
    already_in = already_in_class(joined_share, t.scalar[SCALAR_SOME], t.scalar[SCALAR_MOST])
    for i in range(pi.shape[0]):
        if bit(fighting, i):
            pi[i] = ONE15
        else:
            pi[i] = perceived_chance(
                t, i, bit(exited, i), already_in, bit(supporting, i), year, coerced, trust[i]
            )


@jit_part
def decide_parties(t, here, step, clock, rung, year, coerced, staunch, exited, pending, supporting,
                   fighting, entrapped, vetoed, joined_share, belief, trust, pi, days, log):
    """Let every third party with a pending decision take it, if its time has come.

    Returns the updated masks, the share of power that is in, the number of words drawn and
    whether any decision was taken.
    """
    gap = t.scalar[SCALAR_TYPE_GAP]
    war = rung >= WAR
    drawn = 0
    changed = False
    for i in range(pi.shape[0]):
        if not bit(pending, i):
            continue
        w = mix(here + step * np.uint64(slots.STEP_PARTY + i))
        drawn += 1
        if np.int64(w & _LOW16) >= t.resolve[clock, i]:
            continue
        pending ^= 1 << i
        changed = True
        stance = bit(exited, i)
        already_in = already_in_class(joined_share, t.scalar[SCALAR_SOME], t.scalar[SCALAR_MOST])
        commitment = t.scalar[SCALAR_COMMITMENT] if war and bit(supporting, i) else 0
        own_gap = gap if bit(staunch, i) else -gap
        x = log_odds(t, ACTUAL, stance, rung, already_in, i, year, coerced, commitment)
        chance = logistic(x + own_gap)
        u = np.int64(w >> _HIGH30)
        joins = u < chance
        before = pi[i]
        result = PARTY_JOINS if joins else PARTY_STAYS
        if joins and np.int64((w >> _SHIFT_VETO) & _LOW16) < t.veto[i]:
            vetoed |= 1 << i
            result = PARTY_IS_VETOED
        else:
            seen = log_odds(t, PERCEIVED, stance, rung, already_in, i, year, coerced, commitment)
            belief[i] = updated_belief(belief[i], seen, gap, joins)
            trust[i] = trust_of(belief[i])
        if result == PARTY_JOINS:
            if not bit(supporting | fighting, i):
                joined_share += t.share[i]
            if war:
                fighting |= 1 << i
                if u >= unbound_chance(t, rung, already_in, i, year, coerced, commitment, own_gap):
                    entrapped |= 1 << i
            else:
                supporting |= 1 << i
        if bit(fighting, i):
            pi[i] = ONE15
        else:
            pi[i] = perceived_chance(
                t, i, stance, already_in, bit(supporting, i), year, coerced, trust[i]
            )
        if log is not None:
            write(log, LOG_PARTY, year, days, rung, i, result, chance, bit(staunch, i), before,
                  pi[i])
    return pending, supporting, fighting, entrapped, vetoed, joined_share, drawn, changed
