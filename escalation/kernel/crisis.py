"""One dispute, round by round.

A round lasts as many days as its rung at the start says; that one clock rules every
chance in it. In order: an incident may push the dispute up; settlement or, in war, the
war's end; the challenger revises; third parties with a pending decision decide; the
defender revises.
"""

from __future__ import annotations

import numpy as np

from escalation.contracts.codes import (
    ACTION_DOWN,
    ACTION_UP,
    CLASH,
    DURATION_EDGES_DAYS,
    END_CHALLENGER_WINS,
    END_COALITION_WINS,
    END_CONCESSION,
    END_EXCHANGE,
    END_ROUND_CAP,
    END_SETTLEMENT,
    END_WITHDRAWAL,
    EXCHANGE,
    GRAVE,
    LOG_END,
    LOG_OPENING,
    MAX_ROUNDS,
    PARTY_ABANDONED,
    PARTY_ENTRAPPED,
    PARTY_FOUGHT,
    PARTY_STAYED_OUT,
    PARTY_SUPPORTED,
    PARTY_VETOED,
    WAR,
)
from escalation.contracts.tables import (
    CHALLENGER,
    DEFENDER,
    SCALAR_GREAT_POWER,
    SCALAR_WEDGE,
)
from escalation.contracts.tallies import TOTAL_ROUNDS, TOTAL_WEDGES, TOTAL_WORDS
from escalation.kernel import slots
from escalation.kernel.belief import bit, position_power, position_us
from escalation.kernel.jit import jit_part
from escalation.kernel.joining import NOBODY, decide_parties, facing, judge, view_all
from escalation.kernel.log import write
from escalation.kernel.moves import (
    Moment,
    View,
    challenger_move,
    challenger_wins,
    defender_move,
    draw,
    high30,
    incident,
    low30,
)
from escalation.kernel.rng import mix

_LOW18 = np.uint64((1 << 18) - 1)
_LOW16 = np.uint64((1 << 16) - 1)
_FRAILTY = np.uint64(63)
_SHIFT_OPENING = np.uint64(6)
_SHIFT_WEDGE = np.uint64(22)
_LAST_EDGE = DURATION_EDGES_DAYS[-1]
_DURATION_BIN = np.searchsorted(DURATION_EDGES_DAYS, np.arange(_LAST_EDGE + 1), side="right") - 1


@jit_part
def count_parties(t, tally, exited, ever_supported, allies, war):
    """Count what each third party did in a dispute."""
    if ever_supported | allies.vetoed:
        for i in range(t.veto.shape[0]):
            tally.party[PARTY_SUPPORTED, i] += bit(ever_supported, i)
            tally.party[PARTY_VETOED, i] += bit(allies.vetoed, i)
    if war:
        for i in range(t.veto.shape[0]):
            fought = bit(allies.fighting, i)
            tally.party[PARTY_FOUGHT, i] += fought
            tally.party[PARTY_ENTRAPPED, i] += bit(allies.entrapped, i)
            tally.party[PARTY_STAYED_OUT, i] += 1 - fought
            tally.party[PARTY_ABANDONED, i] += (1 - fought) * t.bound[bit(exited, i), i]


@jit_part
def count_crisis(tally, grave, end, peak, us_fought, days, fighting, reciprocated):
    """Count how a dispute went."""
    tally.crisis[grave, end, peak, us_fought] += 1
    days_bin = _DURATION_BIN[min(days, _LAST_EDGE)]
    tally.duration[grave, days_bin] += 1
    tally.duration_days[grave] += days
    tally.reciprocated[grave] += reciprocated
    if peak >= WAR:
        fighters = 0
        while fighting != 0:
            fighting &= fighting - 1
            fighters += 1
        tally.coalition_size[fighters] += 1


@jit_part
def opening_rung(t, kind, w):
    """Return the rung that a challenger of some type opens at; `w` is a 16-bit number."""
    if w < t.opening[kind, 0]:
        return 3
    return 2 if w < t.opening[kind, 1] else 1


@jit_part
def looking(t, profile, pi):
    """Return the challenger's view from its perceived chances."""
    return View(profile, position_power(t, pi), position_us(t, pi))


@jit_part
def look_again(t, profile, pi, exited, allies, year, coerced, belief, trust):
    """Bring the challenger's view up to date."""
    judge(belief, trust)
    view_all(t, pi, exited, allies, year, coerced, trust)
    return looking(t, profile, pi)


@jit_part
def play_crisis(t, start, step, crisis, year, month, grave, types, staunch, exited, belief, trust,
                pi, tally, log):  # fmt: skip
    """Play one dispute to its end.

    Returns
    -------
    end, peak, us_fought, days, joined : int64
        End state, highest rung, 1 if the great power fought, length in days, and the mask
        of third parties that fought or, without war, supported.
    """
    great_power = np.int64(t.scalar[SCALAR_GREAT_POWER])
    everyone = (1 << t.veto.shape[0]) - 1
    opening = start + step * np.uint64(slots.CRISIS * (1 + crisis))
    w = mix(opening)
    words = 1
    frailty = np.int64(w & _FRAILTY)
    rung = opening_rung(t, types & 1, np.int64((w >> _SHIFT_OPENING) & _LOW16))
    coerced = 0
    if grave == GRAVE and np.int64((w >> _SHIFT_WEDGE) & _LOW16) < t.scalar[SCALAR_WEDGE]:
        coerced = 1
        tally.total[TOTAL_WEDGES] += 1
    profile = 2 * grave + (types & 1) + 2 * coerced
    defender = 2 * grave + (types >> 1)
    view = looking(t, profile, pi)
    stale = coerced != 0
    if log is not None:
        write(log, LOG_OPENING, year, 0, rung, grave, types & 1, types >> 1, coerced, month,
              view.power)  # fmt: skip

    allies = NOBODY
    peak = rung
    decided_at = 0
    ever_supported = 0
    reciprocal = 0
    reciprocated = 0
    eighths = np.int64(0)
    days = eighths
    rounds = 0
    end = END_ROUND_CAP
    while rounds < MAX_ROUNDS:
        rounds += 1
        clock = rung
        eighths += t.days[clock]
        days = eighths >> 3
        at = Moment(opening + step * np.uint64(slots.ROUND * rounds), step, year, days, tally)

        move = draw(at, slots.STEP_CHALLENGER)
        challenger_revises = np.int64(move & _LOW18) < t.revision[CHALLENGER, clock]
        if stale and (challenger_revises or clock == CLASH):
            view = look_again(t, profile, pi, exited, allies, year, coerced, belief, trust)
            stale = False
        w = draw(at, slots.STEP_CHANCE)
        words += 2
        if high30(w) < t.incident[reciprocal, clock]:
            rung, drawn = incident(t, clock, view, allies.fighting, at, log)
            words += drawn
        if rung == clock and low30(w) < t.ending[frailty, clock]:
            end = END_SETTLEMENT
            if clock >= WAR:
                words += 1
                won = challenger_wins(
                    t, draw(at, slots.STEP_VICTORY), allies.supporting, allies.fighting
                )
                end = END_CHALLENGER_WINS if won else END_COALITION_WINS
            break

        action = ACTION_UP
        if challenger_revises and rung != EXCHANGE:
            action, rung, drawn = challenger_move(t, move, rung, view, allies.fighting, at, log)
            words += drawn
        peak = max(peak, rung)
        if action == ACTION_DOWN:
            end = END_WITHDRAWAL
            break
        if rung == EXCHANGE:
            end = END_EXCHANGE
            break

        if rung > decided_at:
            decided_at = rung
            done = allies.fighting if rung >= WAR else allies.supporting
            allies = facing(allies, everyone & ~done)
        if allies.pending != 0:
            allies, drawn, changed = decide_parties(
                t, clock, rung, coerced, staunch, exited, allies, belief, pi, at, log
            )
            words += drawn
            if rung < WAR:
                ever_supported = allies.supporting
            stale = stale or changed != 0

        w = draw(at, slots.STEP_DEFENDER)
        words += 1
        if np.int64(w & _LOW18) < t.revision[DEFENDER, clock]:
            if stale:
                view = look_again(t, profile, pi, exited, allies, year, coerced, belief, trust)
                stale = False
            status = 0
            if great_power >= 0:
                status = bit(allies.supporting | allies.fighting, great_power)
            action, rung, drawn = defender_move(
                t, w, rung, defender, status, view, allies.fighting, at, log
            )
            words += drawn
            reciprocal = 1 if action == ACTION_UP else 0
            reciprocated |= reciprocal
            peak = max(peak, rung)
            if action == ACTION_DOWN:
                end = END_CONCESSION
                break

    if stale:
        judge(belief, trust)
    war = peak >= WAR
    us_fought = bit(allies.fighting, great_power) if great_power >= 0 else 0
    count_parties(t, tally, exited, ever_supported, allies, war)
    count_crisis(tally, grave, end, peak, us_fought, days, allies.fighting, reciprocated)
    tally.total[TOTAL_ROUNDS] += rounds
    tally.total[TOTAL_WORDS] += words
    if log is not None:
        write(log, LOG_END, year, days, rung, end, peak, us_fought, days, allies.supporting,
              allies.fighting)  # fmt: skip
    return end, peak, us_fought, days, (allies.fighting if war else allies.supporting)
