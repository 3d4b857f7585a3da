"""One dispute, round by round.

A round lasts as many days as its rung at the start says; that one clock rules every
chance in it. In order: an incident may push the crisis up; settlement or, in war, the
war's end; the challenger revises; third parties with a pending decision decide; the
defender revises. No step into war is taken without a decision: an incident, a double step or
a spiral at the brink leads to war only if the challenger then chooses it. Rung 6 needs a
belligerent third party, rung 7 and above the great power in the fight, and a deliberate
step beyond rung 6 an authorisation.
"""

from __future__ import annotations

import numpy as np

from escalation.codes import (
    ACTION_DOWN,
    ACTION_HOLD,
    ACTION_UP,
    CAUSE_ESCALATION,
    CAUSE_INCIDENT,
    CAUSE_SPIRAL,
    CLASH,
    END_CHALLENGER_WINS,
    END_COALITION_WINS,
    END_CONCESSION,
    END_EXCHANGE,
    END_ROUND_CAP,
    END_SETTLEMENT,
    END_WITHDRAWAL,
    EXCHANGE,
    GRAVE,
    LOG_BRINK,
    LOG_CHALLENGER,
    LOG_DEFENDER,
    LOG_END,
    LOG_GATE,
    LOG_INCIDENT,
    LOG_OPENING,
    MAX_ROUNDS,
    PARTY_ABANDONED,
    PARTY_ENTRAPPED,
    PARTY_FOUGHT,
    PARTY_STAYED_OUT,
    PARTY_SUPPORTED,
    PARTY_VETOED,
    REGIONAL,
    WAR,
)
from escalation.kernel import slots
from escalation.kernel.belief import bit, position_power, position_us
from escalation.kernel.jit import jit_part
from escalation.kernel.joining import decide_parties, judge, view_all
from escalation.kernel.log import write
from escalation.kernel.rng import mix
from escalation.tables import (
    CHALLENGER,
    DEFENDER,
    N_VICTORY,
    SCALAR_AUTHORISATION,
    SCALAR_DOUBLE_STEP,
    SCALAR_GREAT_POWER,
    SCALAR_HOST,
    SCALAR_OPENING_SHOW,
    SCALAR_POWER_WITHOUT_HOST,
    SCALAR_WEDGE,
)
from escalation.tallies import TOTAL_ROUNDS, TOTAL_WEDGES, TOTAL_WORDS

_HIGH30 = np.uint64(34)
_LOW30 = np.uint64((1 << 30) - 1)
_LOW18 = np.uint64((1 << 18) - 1)
_LOW16 = np.uint64((1 << 16) - 1)
_BYTE = np.uint64(255)
_SHIFT_POWER = np.uint64(18)
_SHIFT_US = np.uint64(26)
_FRAILTY = np.uint64(63)
_SHIFT_OPENING = np.uint64(6)
_SHIFT_WEDGE = np.uint64(22)


@jit_part
def high30(w):
    """Return the top 30 bits of a word."""
    return np.int64(w >> _HIGH30)


@jit_part
def low30(w):
    """Return the low 30 bits of a word, disjoint from the top 30."""
    return np.int64(w & _LOW30)


@jit_part
def grid_cell(w, power, us):
    """Return the grid cell of a look-up, dithered: bilinear in expectation."""
    return (
        (power + np.int64((w >> _SHIFT_POWER) & _BYTE)) >> 8,
        (us + np.int64((w >> _SHIFT_US) & _BYTE)) >> 8,
    )


@jit_part
def brink_war(t, w, profile, power, us, cause, year, days, tally, log):
    """Decide whether the challenger lets a clash become war; `w` is a fresh word."""
    k, p = grid_cell(w, power, us)
    chance = t.brink[profile, k, p]
    war = high30(w) < chance
    tally.brink[1 if war else 0] += 1
    if log is not None:
        write(log, LOG_BRINK, year, days, CLASH, cause, 1 if war else 0, chance, 0, 0, 0)
    return war


@jit_part
def gate_open(t, rung, fighting):
    """Return whether the ladder's next rung is open to those who fight."""
    if rung < WAR:
        return True
    if rung == WAR:
        return fighting != 0
    us = t.scalar[SCALAR_GREAT_POWER]
    return us >= 0 and bit(fighting, us) == 1


@jit_part
def challenger_wins(t, w, supporting, fighting):
    """Draw the winner of a war from the true belligerents' power."""
    power = np.int64(0)
    us = t.scalar[SCALAR_GREAT_POWER]
    host = t.scalar[SCALAR_HOST]
    for i in range(t.true_power.shape[0]):
        if bit(fighting, i):
            if i == us and host >= 0 and not bit(fighting | supporting, host):
                power += t.scalar[SCALAR_POWER_WITHOUT_HOST]
            else:
                power += t.true_power[i]
    cell = min(power >> 16, N_VICTORY - 2)
    low = t.victory[cell]
    chance = low + (((t.victory[cell + 1] - low) * (power - (cell << 16))) >> 16)
    return high30(w) < chance


@jit_part
def count_parties(t, tally, exited, ever_supported, fighting, entrapped, vetoed, war):
    """Count what each third party did in a dispute."""
    if ever_supported | vetoed:
        for i in range(t.veto.shape[0]):
            tally.party[PARTY_SUPPORTED, i] += bit(ever_supported, i)
            tally.party[PARTY_VETOED, i] += bit(vetoed, i)
    if war:
        for i in range(t.veto.shape[0]):
            fought = bit(fighting, i)
            tally.party[PARTY_FOUGHT, i] += fought
            tally.party[PARTY_ENTRAPPED, i] += bit(entrapped, i)
            tally.party[PARTY_STAYED_OUT, i] += 1 - fought
            tally.party[PARTY_ABANDONED, i] += (1 - fought) * t.bound[bit(exited, i), i]


@jit_part
def count_crisis(tally, grave, end, peak, us_fought, days, fighters, reciprocated):
    """Count how a dispute went."""
    tally.crisis[grave, end, peak, us_fought] += 1
    days_bin = 0
    left = days >> 1
    while left > 0 and days_bin < tally.duration.shape[1] - 1:
        left >>= 1
        days_bin += 1
    tally.duration[grave, days_bin] += 1
    tally.duration_days[grave] += days
    tally.reciprocated[grave] += reciprocated
    if peak >= WAR:
        tally.coalition_size[fighters] += 1


@jit_part
def refresh(t, pi, exited, joined_share, supporting, fighting, year, coerced, belief, trust):
    """Bring the challenger's view up to date; returns its positions on the two grids."""
    judge(belief, trust)
    view_all(t, pi, exited, joined_share, supporting, fighting, year, coerced, trust)
    return position_power(t, pi), position_us(t, pi)


@jit_part
def play_crisis(
    t,
    start,
    step,
    crisis,
    year,
    month,
    grave,
    types,
    staunch,
    exited,
    belief,
    trust,
    pi,
    tally,
    log,
):
    """Play one dispute to its end.

    Returns
    -------
    end, peak, us_fought, days, joined : int64
        End state, highest rung, 1 if the great power fought, length in days, and the mask
        of third parties that fought or, without war, supported.
    """
    us_index = t.scalar[SCALAR_GREAT_POWER]
    n_parties = t.veto.shape[0]
    everyone = (1 << n_parties) - 1
    words = 1

    opening = start + step * np.uint64(slots.CRISIS * (1 + crisis))
    w = mix(opening)
    frailty = np.int64(w & _FRAILTY)
    rung = 2 if np.int64((w >> _SHIFT_OPENING) & _LOW16) < t.scalar[SCALAR_OPENING_SHOW] else 1
    coerced = 0
    if grave == GRAVE and np.int64((w >> _SHIFT_WEDGE) & _LOW16) < t.scalar[SCALAR_WEDGE]:
        coerced = 1
        tally.total[TOTAL_WEDGES] += 1
    profile = 2 * grave + (types & 1) + 2 * coerced
    defender = 2 * grave + (types >> 1)
    stale = coerced != 0
    power = position_power(t, pi)
    us = position_us(t, pi)
    if log is not None:
        write(log, LOG_OPENING, year, 0, rung, grave, types & 1, types >> 1, coerced, month, power)

    peak = rung
    decided_at = 0
    pending = 0
    supporting = 0
    ever_supported = 0
    fighting = 0
    entrapped = 0
    vetoed = 0
    joined_share = 0
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
        here = opening + step * np.uint64(slots.ROUND * rounds)

        move = mix(here + step)
        challenger_revises = np.int64(move & _LOW18) < t.revision[CHALLENGER, clock]
        if stale and (challenger_revises or clock == CLASH):
            power, us = refresh(
                t, pi, exited, joined_share, supporting, fighting, year, coerced, belief, trust
            )
            stale = False
        w = mix(here)
        words += 2
        if high30(w) < t.incident[reciprocal, clock]:
            up = gate_open(t, clock, fighting)
            if clock == CLASH:
                words += 1
                up = brink_war(
                    t,
                    mix(here + step * np.uint64(slots.STEP_BRINK_INCIDENT)),
                    profile,
                    power,
                    us,
                    CAUSE_INCIDENT,
                    year,
                    days,
                    tally,
                    log,
                )
            if up:
                tally.transition[CAUSE_INCIDENT, rung, rung + 1] += 1
                rung += 1
                if log is not None:
                    write(log, LOG_INCIDENT, year, days, rung, rung, 0, 0, 0, 0, 0)
        if rung == clock and low30(w) < t.ending[frailty, clock]:
            end = END_SETTLEMENT
            if clock >= WAR:
                words += 1
                won = challenger_wins(
                    t, mix(here + step * np.uint64(slots.STEP_VICTORY)), supporting, fighting
                )
                end = END_CHALLENGER_WINS if won else END_COALITION_WINS
            break
        if rung > peak:
            peak = rung
        if rung == EXCHANGE:
            end = END_EXCHANGE
            break

        if challenger_revises:
            k, p = grid_cell(move, power, us)
            down = t.challenger[profile, rung, k, p, 0]
            down_or_up = t.challenger[profile, rung, k, p, 1]
            action = ACTION_HOLD
            if high30(move) < down_or_up:
                action = ACTION_DOWN if high30(move) < down else ACTION_UP
            if action == ACTION_UP:
                if not gate_open(t, rung, fighting):
                    action = ACTION_HOLD
                    if log is not None:
                        write(
                            log, LOG_GATE, year, days, rung, CAUSE_ESCALATION, rung + 1, 0, 0, 0, 0
                        )
                elif rung >= REGIONAL:
                    words += 1
                    permit = mix(here + step * np.uint64(slots.STEP_AUTHORISATION))
                    if high30(permit) >= t.scalar[SCALAR_AUTHORISATION]:
                        action = ACTION_HOLD
            target = rung
            if action == ACTION_UP:
                target = rung + 1
                if rung < CLASH:
                    words += 1
                    jump = mix(here + step * np.uint64(slots.STEP_JUMP))
                    if low30(jump) < t.scalar[SCALAR_DOUBLE_STEP]:
                        target = rung + 2
                        if target == WAR and not brink_war(
                            t,
                            mix(here + step * np.uint64(slots.STEP_BRINK_JUMP)),
                            profile,
                            power,
                            us,
                            CAUSE_ESCALATION,
                            year,
                            days,
                            tally,
                            log,
                        ):
                            target = CLASH
                tally.transition[CAUSE_ESCALATION, rung, target] += 1
            if log is not None:
                write(
                    log,
                    LOG_CHALLENGER,
                    year,
                    days,
                    rung,
                    action,
                    target,
                    down,
                    down_or_up,
                    power,
                    us,
                )
            rung = target
            if rung > peak:
                peak = rung
            if action == ACTION_DOWN:
                end = END_WITHDRAWAL
                break
            if rung == EXCHANGE:
                end = END_EXCHANGE
                break

        if rung > decided_at:
            decided_at = rung
            pending = everyone & ~(fighting if rung >= WAR else supporting)
        if pending != 0:
            pending, supporting, fighting, entrapped, vetoed, joined_share, drawn, changed = (
                decide_parties(
                    t,
                    here,
                    step,
                    clock,
                    rung,
                    year,
                    coerced,
                    staunch,
                    exited,
                    pending,
                    supporting,
                    fighting,
                    entrapped,
                    vetoed,
                    joined_share,
                    belief,
                    pi,
                    days,
                    log,
                )
            )
            words += drawn
            if rung < WAR:
                ever_supported = supporting
            stale = stale or changed != 0

        w = mix(here + step * np.uint64(slots.STEP_DEFENDER))
        words += 1
        if np.int64(w & _LOW18) < t.revision[DEFENDER, clock]:
            if stale:
                power, us = refresh(
                    t, pi, exited, joined_share, supporting, fighting, year, coerced, belief, trust
                )
                stale = False
            status = 0
            if us_index >= 0:
                status = bit(supporting | fighting, us_index)
            k, p = grid_cell(w, power, us)
            down = t.defender[status, defender, rung, k, p, 0]
            down_or_up = t.defender[status, defender, rung, k, p, 1]
            action = ACTION_HOLD
            target = rung
            if high30(w) < down_or_up:
                action = ACTION_DOWN if high30(w) < down else ACTION_UP
            if action == ACTION_UP:
                reciprocated = 1
                words += 1
                spiral = mix(here + step * np.uint64(slots.STEP_SPIRAL))
                if low30(spiral) < t.spiral[rung]:
                    up = gate_open(t, rung, fighting)
                    if rung == CLASH:
                        up = brink_war(
                            t,
                            mix(here + step * np.uint64(slots.STEP_BRINK_SPIRAL)),
                            profile,
                            power,
                            us,
                            CAUSE_SPIRAL,
                            year,
                            days,
                            tally,
                            log,
                        )
                    if up:
                        target = rung + 1
                        tally.transition[CAUSE_SPIRAL, rung, target] += 1
            reciprocal = 1 if action == ACTION_UP else 0
            if log is not None:
                write(
                    log, LOG_DEFENDER, year, days, rung, action, target, down, down_or_up, status, 0
                )
            rung = target
            if rung > peak:
                peak = rung
            if action == ACTION_DOWN:
                end = END_CONCESSION
                break

    if stale:
        judge(belief, trust)
    war = peak >= WAR
    us_fought = bit(fighting, us_index) if us_index >= 0 else 0
    fighters = 0
    for i in range(n_parties):
        fighters += bit(fighting, i)
    count_parties(t, tally, exited, ever_supported, fighting, entrapped, vetoed, war)
    count_crisis(tally, grave, end, peak, us_fought, days, fighters, reciprocated)
    tally.total[TOTAL_ROUNDS] += rounds
    tally.total[TOTAL_WORDS] += words
    if log is not None:
        write(log, LOG_END, year, days, rung, end, peak, us_fought, days, supporting, fighting)
    return end, peak, us_fought, days, (fighting if war else supporting)
