"""Third parties: support below war, fight in it.

Each has one decision per new peak rung. It is taken after a random delay; then the party
joins with a chance that depends on its obligations, stake, dependence, type, coercion and
on who is already in, and a domestic veto may still stop it. The challenger sees every
decision but a vetoed one as news about the party's type.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from escalation.contracts.codes import (
    LOG_PARTY,
    PARTY_IS_VETOED,
    PARTY_JOINS,
    PARTY_STAYS,
    WAR,
)
from escalation.contracts.tables import ONE15, SCALAR_MOST, SCALAR_SOME
from escalation.kernel import slots
from escalation.kernel.belief import (
    already_in_class,
    bit,
    kept_in,
    lowest,
    perceived_chance,
    trust_of,
)
from escalation.kernel.jit import jit_part
from escalation.kernel.log import write
from escalation.kernel.moves import draw

_HIGH30 = np.uint64(34)
_LOW16 = np.uint64((1 << 16) - 1)
_SHIFT_VETO = np.uint64(16)


class Allies(NamedTuple):
    """Third parties in a dispute, as masks, and the share (Q16) of their power that is in."""

    pending: Any
    supporting: Any
    fighting: Any
    entrapped: Any
    vetoed: Any
    joined_share: Any


NOBODY = Allies(0, 0, 0, 0, 0, 0)


@jit_part
def facing(allies, pending):
    """Return the allies with new decisions to take."""
    return Allies(
        pending,
        allies.supporting,
        allies.fighting,
        allies.entrapped,
        allies.vetoed,
        allies.joined_share,
    )


@jit_part
def view_all(t, pi, exited, allies, year, coerced, trust):
    """Recompute the perceived chance to fight of every third party."""
    some, most = t.scalar[SCALAR_SOME], t.scalar[SCALAR_MOST]
    already_in = already_in_class(allies.joined_share, some, most)
    for i in range(pi.shape[0]):
        chance = perceived_chance(
            t, i, year, coerced, bit(exited, i), bit(allies.supporting, i), already_in, trust[i]
        )
        pi[i] = ONE15 if bit(allies.fighting, i) else chance


@jit_part
def view_at_peace(t, pi, exited, year, trust):
    """Do the same at peace, where nobody has joined and nobody is coerced."""
    for i in range(pi.shape[0]):
        pi[i] = perceived_chance(t, i, year, 0, 0, 0, 0, trust[i])
    if exited != 0:
        view_all(t, pi, exited, NOBODY, year, 0, trust)


@jit_part
def judge(belief, trust):
    """Turn log-odds of being staunch into chances, for every party."""
    for i in range(belief.shape[0]):
        trust[i] = trust_of(belief[i])


@jit_part
def decide_parties(t, clock, rung, coerced, staunch, exited, allies, belief, pi, at, log):
    """Let every third party with a pending decision take it, if its time has come.

    Returns the allies, the number of words drawn and whether any decision was taken.
    """
    pending, supporting, fighting, entrapped, vetoed, joined_share = allies
    year = at.year
    war = rung >= WAR
    row = min(rung, WAR) - 1
    some, most = t.scalar[SCALAR_SOME], t.scalar[SCALAR_MOST]
    drawn = 0
    changed = 0
    left = pending
    while left != 0:
        i = lowest(left)
        left &= left - 1
        w = draw(at, slots.STEP_PARTY + i)
        drawn += 1
        stance = bit(exited, i)
        supporter = bit(supporting, i) if war else 0
        already_in = already_in_class(joined_share, some, most)
        chance = t.decision[year, coerced, stance, row + supporter, already_in, i, bit(staunch, i)]
        # Arithmetic instead of branches: these outcomes are what a processor cannot foresee.
        resolved = 1 if np.int64(w & _LOW16) < t.resolve[stance, clock, i] else 0
        u = np.int64(w >> _HIGH30)
        willing = resolved & (1 if u < chance else 0)
        veto = willing & (1 if np.int64((w >> _SHIFT_VETO) & _LOW16) < t.veto[i] else 0)
        joins = willing - veto
        pending ^= resolved << i
        vetoed |= veto << i
        changed |= resolved
        news = t.decision[year, coerced, stance, row + supporter, already_in, i, 2 + joins]
        belief[i] = kept_in(belief[i] + news * (resolved - veto))
        if joins:
            if not bit(supporting | fighting, i):
                joined_share += t.share[i]
            if war:
                fighting |= 1 << i
                if u >= t.unbound[year, coerced, supporter, already_in, i, bit(staunch, i)]:
                    entrapped |= 1 << i
            else:
                supporting |= 1 << i
        if log is not None and resolved:
            result = PARTY_STAYS
            if willing:
                result = PARTY_IS_VETOED if veto else PARTY_JOINS
            now = already_in_class(joined_share, some, most)
            after = perceived_chance(
                t, i, year, coerced, stance, bit(supporting, i), now, trust_of(belief[i])
            )
            write(log, LOG_PARTY, year, at.days, rung, i, result, chance, bit(staunch, i),
                  pi[i], ONE15 if bit(fighting, i) else after)  # fmt: skip
    allies = Allies(pending, supporting, fighting, entrapped, vetoed, joined_share)
    return allies, drawn, changed
