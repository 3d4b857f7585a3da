"""One trajectory, and a range of them: the whole kernel behind one function.

A trajectory starts by drawing types and beliefs. Then, year by year: governments may turn
over and members leave their pact; the challenger's view of each third party gives the
onset hazard; a waiting time against the accumulated hazard finds the month of the next
dispute, which is played to its end; tension jumps and decays; reputations move. It ends at the
horizon, when the challenger has won a war over the object, or in a general exchange.
"""

from __future__ import annotations

import numpy as np

from escalation.contracts.codes import (
    COUNT_DISPUTES,
    COUNT_GRAVE,
    COUNT_GRAVE_WARS,
    END_CHALLENGER_WINS,
    END_CONCESSION,
    END_EXCHANGE,
    EVENT_CONCESSION,
    EVENT_DISPUTE,
    EVENT_GRAVE,
    EVENT_GREAT_POWER_WAR,
    EVENT_NUCLEAR,
    EVENT_WAR,
    GRAVE,
    LOG_EXIT,
    LOG_TURNOVER,
    N_REPLICATES,
    NUCLEAR_USE,
    PARTY_EXITED,
    ROUTINE,
    TRAJECTORY_EXCHANGE,
    TRAJECTORY_HORIZON,
    TRAJECTORY_LOST,
    WAR,
)
from escalation.contracts.tables import (
    LARGEST,
    ONE15,
    SCALAR_REPUTATION,
    SCALAR_TENSION_JUMP,
    SCALAR_TENSION_KEEP,
    SCALAR_TURNOVER,
    Tables,
)
from escalation.contracts.tallies import TOTAL_MONTHS, TOTAL_SATURATED, TOTAL_WORDS, Tallies
from escalation.kernel import slots
from escalation.kernel.belief import (
    bit,
    kept_in,
    lowest,
    position_power,
    position_us,
    trust_of,
)
from escalation.kernel.crisis import play_crisis
from escalation.kernel.jit import jit_kernel, jit_part
from escalation.kernel.joining import judge, view_at_peace
from escalation.kernel.log import write
from escalation.kernel.rng import stream, word
from escalation.kernel.survival import exponential

_HIGH30 = np.uint64(34)
_LOW30 = np.uint64((1 << 30) - 1)
_LOW16 = np.uint64((1 << 16) - 1)
_BYTE = np.uint64(255)
_HALF = np.uint64(32)
_LANE = np.uint64(16)
_TENSION_LIMIT = ONE15 << 5


@jit_part
def cell_of(s, c):
    """Return the tables of cell `c`."""
    return Tables(
        s.challenger[c],
        s.defender[c],
        s.brink[c],
        s.onset[c],
        s.opening[c],
        s.days[c],
        s.incident[c],
        s.ending[c],
        s.revision[c],
        s.spiral[c],
        s.victory[c],
        s.decision[c],
        s.unbound[c],
        s.outlook[c],
        s.resolve[c],
        s.veto[c],
        s.exits[c],
        s.bound[c],
        s.staunch[c],
        s.belief_start[c],
        s.belief_error[c],
        s.grid_power[c],
        s.true_power[c],
        s.share[c],
        s.scalar[c],
    )


@jit_part
def tally_of(s, k):
    """Return the tally `k` of a block."""
    return Tallies(
        s.worst_rung[k],
        s.crisis[k],
        s.first_event[k],
        s.party[k],
        s.duration[k],
        s.duration_days[k],
        s.coalition_size[k],
        s.transition[k],
        s.reciprocated[k],
        s.brink[k],
        s.trajectory_end[k],
        s.replicate[k],
        s.total[k],
    )


@jit_part
def draw_party(t, w, i, staunch, belief, trust):
    """Draw type and belief of a third party from one word; returns the mask of the staunch."""
    staunch &= ~(1 << i)
    if np.int64(w >> _HIGH30) < t.staunch[i]:
        staunch |= 1 << i
    belief[i] = t.belief_start[i] + t.belief_error[np.int64(w & _BYTE)]
    trust[i] = trust_of(belief[i])
    return staunch


@jit_part
def turn_year(t, start, step, year, types, staunch, exited, belief, trust, tally, log):
    """Redraw governments that change this year and let members leave their pact."""
    n = belief.shape[0]
    base = slots.YEAR * (1 + year)
    turnover = t.scalar[SCALAR_TURNOVER]
    turned = 0
    left = 0
    lanes = np.uint64(0)
    words = 0
    for actor in range(n + 2):
        if actor & 3 == 0:
            lanes = word(start, step, base + (actor >> 2))
            words += 1
        lane = np.int64(lanes & _LOW16)
        lanes >>= _LANE
        turned |= (1 if lane < turnover else 0) << actor
        if actor < n:
            left |= (1 if lane < turnover + t.exits[actor] else 0) << actor
    left &= ~(turned | exited)
    while turned != 0:
        actor = lowest(turned)
        turned &= turned - 1
        words += 1
        if actor < n:
            w = word(start, step, base + slots.YEAR_REDRAW + actor)
            staunch = draw_party(t, w, actor, staunch, belief, trust)
            if log is not None:
                write(log, LOG_TURNOVER, year, 0, 0, actor, bit(staunch, actor), 0, 0, 0, 0)
        else:
            side = actor - n
            fresh = np.int64(word(start, step, base + slots.YEAR_SIDES) >> _HIGH30)
            types = (types & ~(1 << side)) | (fresh & (1 << side))
            if log is not None:
                write(log, LOG_TURNOVER, year, 0, 0, -1 - side, bit(types, side), 0, 0, 0, 0)
    exited |= left
    while left != 0:
        actor = lowest(left)
        left &= left - 1
        tally.party[PARTY_EXITED, actor] += 1
        if log is not None:
            write(log, LOG_EXIT, year, 0, 0, actor, 0, 0, 0, 0, 0)
    return types, staunch, exited, words


@jit_part
def onset_rates(t, pi, exited, year, trust, challenger_type):
    """Return the monthly onset rates of routine and grave disputes at today's beliefs."""
    view_at_peace(t, pi, exited, year, trust)
    n_power, n_us = t.brink.shape[1], t.brink.shape[2]
    power = position_power(t, pi)
    us = position_us(t, pi)
    k = min(power >> 8, n_power - 2)
    p = min(us >> 8, n_us - 2)
    fk = power - (k << 8)
    fp = us - (p << 8)
    low = onset_between(t, challenger_type, k, p, fk, fp, ROUTINE)
    return low, onset_between(t, challenger_type, k, p, fk, fp, GRAVE)


@jit_part
def onset_between(t, challenger_type, k, p, fk, fp, grave):
    """Interpolate the onset table bilinearly; the fractions are in 1/256."""
    a = t.onset[challenger_type, k, p, grave] * (256 - fp)
    a += t.onset[challenger_type, k, p + 1, grave] * fp
    b = t.onset[challenger_type, k + 1, p, grave] * (256 - fp)
    b += t.onset[challenger_type, k + 1, p + 1, grave] * fp
    return (a * (256 - fk) + b * fk) >> 16


@jit_part
def wait(t, rate, energy, month, tension):
    """Find the month of this year in which accumulated hazard passes `energy`.

    Returns the month, 12 if the year passes without a dispute, and the tension then.
    """
    if tension == 0:
        if rate * (12 - month) <= energy:
            return 12, 0
        return min(month + np.int64(np.uint64(energy) // np.uint64(rate)), 12), 0
    hazard = np.int64(0)
    while month < 12:
        hazard += (rate * (ONE15 + tension)) >> 15
        if hazard > energy:
            break
        tension = (tension * np.int64(t.scalar[SCALAR_TENSION_KEEP])) >> 15
        month += 1
    return month, tension


@jit_part
def power_share(t, mask):
    """Return the share (Q16) of third-party power in a mask."""
    share = np.int64(0)
    for i in range(t.share.shape[0]):
        share += t.share[i] * bit(mask, i)
    return share


@jit_part
def expected_share(t, pi):
    """Return the perceived share (Q31) of third-party power that would fight."""
    share = np.int64(0)
    for i in range(pi.shape[0]):
        share += t.share[i] * pi[i]
    return share


@jit_part
def move_reputation(t, joined, expected, belief, trust):
    """Move every belief by how much power joined against what had been expected."""
    strength = t.scalar[SCALAR_REPUTATION]
    shift = (strength * (power_share(t, joined) - (expected >> 15))) >> 16
    for i in range(belief.shape[0]):
        belief[i] = kept_in(belief[i] + shift)
    judge(belief, trust)


@jit_part
def events_of(grave, end, peak, us_fought):
    """Return the mask of events that a dispute was."""
    war = 1 if peak >= WAR else 0
    return (
        (1 << EVENT_DISPUTE)
        | (grave << EVENT_GRAVE)
        | ((grave & (1 if end == END_CONCESSION else 0)) << EVENT_CONCESSION)
        | (war << EVENT_WAR)
        | ((war & us_fought) << EVENT_GREAT_POWER_WAR)
        | ((1 if peak >= NUCLEAR_USE else 0) << EVENT_NUCLEAR)
    )


@jit_part
def count_first(tally, seen, events, year, replicate):
    """Count events not seen before; returns the mask of events seen."""
    fresh = events & ~seen
    while fresh != 0:
        tally.first_event[lowest(fresh), year] += 1
        tally.replicate[replicate, lowest(fresh)] += 1
        fresh &= fresh - 1
    return seen | events


@jit_part
def count_dispute(tally, grave, peak, replicate):
    """Count a dispute towards its replicate."""
    tally.replicate[replicate, COUNT_DISPUTES] += 1
    tally.replicate[replicate, COUNT_GRAVE] += grave
    tally.replicate[replicate, COUNT_GRAVE_WARS] += grave if peak >= WAR else 0


@jit_part
def play(t, start, step, replicate, belief, trust, pi, tally, log):
    """Play one trajectory and count it."""
    n_years = t.outlook.shape[0]
    n = belief.shape[0]
    types = np.int64(word(start, step, slots.SIDES) >> _HIGH30) & 3
    staunch = 0
    for i in range(n):
        staunch = draw_party(t, word(start, step, i), i, staunch, belief, trust)
    words = n + 1
    exited = 0
    tension = np.int64(0)
    month = np.int64(0)
    worst = 0
    seen = 0
    months = 0
    saturated = 0
    end_of_all = TRAJECTORY_HORIZON
    for year in range(n_years):
        if year > 0:
            types, staunch, exited, drawn = turn_year(
                t, start, step, year, types, staunch, exited, belief, trust, tally, log
            )
            words += drawn
        index = 0
        while month < 12 and index < slots.PER_YEAR:
            routine, grave = onset_rates(t, pi, exited, year, trust, types & 1)
            saturated |= 1 if max(routine, grave) >= LARGEST else 0
            crisis = slots.PER_YEAR * year + index
            w = word(start, step, slots.ONSET + crisis)
            words += 1
            began = month
            month, tension = wait(
                t, routine + grave, exponential(np.int64(w >> _HALF)), month, tension
            )
            months += month - began
            if month >= 12:
                break
            is_grave = 1 if np.int64(w & _LOW30) * (routine + grave) < (grave << 30) else 0
            expected = expected_share(t, pi)
            end, peak, us_fought, days, joined = play_crisis(
                t,
                start,
                step,
                crisis,
                year,
                month,
                is_grave,
                types,
                staunch,
                exited,
                belief,
                trust,
                pi,
                tally,
                log,
            )
            index += 1
            worst = max(worst, peak)
            count_dispute(tally, is_grave, peak, replicate)
            events = events_of(is_grave, end, peak, us_fought)
            seen = count_first(tally, seen, events, year, replicate)
            if end == END_EXCHANGE:
                end_of_all = TRAJECTORY_EXCHANGE
                break
            if end == END_CHALLENGER_WINS:
                end_of_all = TRAJECTORY_LOST
                break
            if peak >= WAR or end == END_CONCESSION:
                move_reputation(t, joined, expected, belief, trust)
            tension = min(tension + t.scalar[SCALAR_TENSION_JUMP], _TENSION_LIMIT)
            month += days // 30
        if end_of_all != TRAJECTORY_HORIZON:
            break
        saturated |= 1 if month < 12 else 0
        month = max(month - 12, 0)
    tally.worst_rung[worst] += 1
    tally.trajectory_end[end_of_all] += 1
    tally.total[TOTAL_MONTHS] += months
    tally.total[TOTAL_WORDS] += words
    tally.total[TOTAL_SATURATED] += saturated


@jit_kernel
def simulate(tables, cell, seed, draw, first, count, tallies, place, scratch, log):
    """Play trajectories `first` to `first + count - 1` of one cell.

    Parameters
    ----------
    tables : Tables
        A block of cells.
    cell : int
        Which of them to play.
    seed, draw : uint64
        Keys of the random numbers, beside the trajectory's number.
    first, count : int
        Range of trajectory numbers.
    tallies : Tallies
        A block of tallies; that at `place` is added to.
    place : int
        Which of them.
    scratch : int64 array, shape (tallies, 3, party)
        Room to work in; that at `place` is used.
    log : int64 array, shape (rows, LOG_COLUMNS), or None
        Where to write down what happens, see :mod:`escalation.kernel.log`.
    """
    t = cell_of(tables, cell)
    tally = tally_of(tallies, place)
    belief, trust, pi = scratch[place, 0], scratch[place, 1], scratch[place, 2]
    for k in range(count):
        start, step = stream(seed, draw, np.uint64(first + k))
        play(t, start, step, (first + k) % N_REPLICATES, belief, trust, pi, tally, log)
