"""What can happen in a round: incident, the challenger's move, the defender's move.

No step into war is taken without a decision: an incident, a double step or a spiral that
brings both sides to the brink leads to war only if the challenger then chooses it. Rung 6
needs a belligerent third party, rung 7 and above the great power in the fight, and a
deliberate step beyond rung 6 an authorisation.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from escalation.contracts.codes import (
    ACTION_DOWN,
    ACTION_HOLD,
    ACTION_UP,
    CAUSE_ESCALATION,
    CAUSE_INCIDENT,
    CAUSE_SPIRAL,
    CLASH,
    LOG_BRINK,
    LOG_CHALLENGER,
    LOG_DEFENDER,
    LOG_GATE,
    LOG_INCIDENT,
    REGIONAL,
    WAR,
)
from escalation.contracts.tables import (
    N_VICTORY,
    SCALAR_AUTHORISATION,
    SCALAR_DOUBLE_STEP,
    SCALAR_GREAT_POWER,
    SCALAR_HOST,
    SCALAR_POWER_WITHOUT_HOST,
)
from escalation.kernel import slots
from escalation.kernel.belief import bit
from escalation.kernel.jit import jit_part
from escalation.kernel.log import write
from escalation.kernel.rng import mix

_HIGH30 = np.uint64(34)
_LOW30 = np.uint64((1 << 30) - 1)
_BYTE = np.uint64(255)
_SHIFT_POWER = np.uint64(18)
_SHIFT_US = np.uint64(26)


class Moment(NamedTuple):
    """One round: its random words, its date, and where things are counted.

    The log travels apart, as an argument of its own, or the compiler could not drop it."""

    here: Any
    step: Any
    year: Any
    days: Any
    tally: Any


class View(NamedTuple):
    """Who the challenger is, and where its view of the coalition lies on the grids."""

    profile: Any
    power: Any
    us: Any


@jit_part
def draw(at, step):
    """Return the random word of one step of this round."""
    return mix(at.here + at.step * np.uint64(step))


@jit_part
def high30(w):
    """Return the top 30 bits of a word."""
    return np.int64(w >> _HIGH30)


@jit_part
def low30(w):
    """Return the low 30 bits of a word, disjoint from the top 30."""
    return np.int64(w & _LOW30)


@jit_part
def grid_cell(w, view):
    """Return the grid cell of a look-up, dithered: bilinear in expectation."""
    return (
        (view.power + np.int64((w >> _SHIFT_POWER) & _BYTE)) >> 8,
        (view.us + np.int64((w >> _SHIFT_US) & _BYTE)) >> 8,
    )


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
def brink_war(t, w, view, cause, at, log):
    """Decide whether the challenger lets a clash become war; `w` is a fresh word."""
    k, p = grid_cell(w, view)
    chance = t.brink[view.profile, k, p]
    war = high30(w) < chance
    at.tally.brink[1 if war else 0] += 1
    if log is not None:
        outcome = 1 if war else 0
        write(log, LOG_BRINK, at.year, at.days, CLASH, cause, outcome, chance, 0, 0, 0)
    return war


@jit_part
def incident(t, rung, view, fighting, at, log):
    """Let an incident push the dispute up, if it can; returns the rung and the words drawn."""
    words = 0
    up = gate_open(t, rung, fighting)
    if rung == CLASH:
        words = 1
        up = brink_war(t, draw(at, slots.STEP_BRINK_INCIDENT), view, CAUSE_INCIDENT, at, log)
    if up:
        at.tally.transition[CAUSE_INCIDENT, rung, rung + 1] += 1
        rung += 1
        if log is not None:
            write(log, LOG_INCIDENT, at.year, at.days, rung, rung, 0, 0, 0, 0, 0)
    return rung, words


@jit_part
def permitted(t, rung, fighting, at, log):
    """Return whether the challenger may escalate from a rung, and the words drawn."""
    if not gate_open(t, rung, fighting):
        if log is not None:
            write(log, LOG_GATE, at.year, at.days, rung, CAUSE_ESCALATION, rung + 1, 0, 0, 0, 0)
        return False, 0
    if rung < REGIONAL:
        return True, 0
    permit = high30(draw(at, slots.STEP_AUTHORISATION))
    return permit < t.scalar[SCALAR_AUTHORISATION], 1


@jit_part
def escalated(t, rung, view, at, log):
    """Return the rung that an escalation leads to, and the words drawn."""
    if rung >= CLASH:
        return rung + 1, 0
    if low30(draw(at, slots.STEP_JUMP)) >= t.scalar[SCALAR_DOUBLE_STEP]:
        return rung + 1, 1
    if rung + 2 == WAR:
        war = brink_war(t, draw(at, slots.STEP_BRINK_JUMP), view, CAUSE_ESCALATION, at, log)
        return (WAR if war else CLASH), 2
    return rung + 2, 1


@jit_part
def challenger_move(t, w, rung, view, fighting, at, log):
    """Let the challenger withdraw, hold or escalate.

    Returns the action, the rung reached and the words drawn.
    """
    k, p = grid_cell(w, view)
    down = t.challenger[view.profile, rung, k, p, 0]
    down_or_up = t.challenger[view.profile, rung, k, p, 1]
    action = ACTION_HOLD
    target = rung
    words = 0
    if high30(w) < down_or_up:
        action = ACTION_DOWN if high30(w) < down else ACTION_UP
    if action == ACTION_UP:
        may, words = permitted(t, rung, fighting, at, log)
        if may:
            target, more = escalated(t, rung, view, at, log)
            words += more
            at.tally.transition[CAUSE_ESCALATION, rung, target] += 1
        else:
            action = ACTION_HOLD
    if log is not None:
        write(log, LOG_CHALLENGER, at.year, at.days, rung, action, target, down, down_or_up,
              view.power, view.us)  # fmt: skip
    return action, target, words


@jit_part
def defender_move(t, w, rung, defender, status, view, fighting, at, log):
    """Let the defender concede, hold or match; a match may spiral.

    Returns the action, the rung reached and the words drawn.
    """
    k, p = grid_cell(w, view)
    down = t.defender[status, defender, rung, k, p, 0]
    down_or_up = t.defender[status, defender, rung, k, p, 1]
    action = ACTION_HOLD
    target = rung
    words = 0
    if high30(w) < down_or_up:
        action = ACTION_DOWN if high30(w) < down else ACTION_UP
    if action == ACTION_UP:
        words = 1
        if low30(draw(at, slots.STEP_SPIRAL)) < t.spiral[rung]:
            up = gate_open(t, rung, fighting)
            if rung == CLASH:
                words = 2
                up = brink_war(t, draw(at, slots.STEP_BRINK_SPIRAL), view, CAUSE_SPIRAL, at, log)
            if up:
                target = rung + 1
                at.tally.transition[CAUSE_SPIRAL, rung, target] += 1
    if log is not None:
        write(log, LOG_DEFENDER, at.year, at.days, rung, action, target, down, down_or_up,
              status, 0)  # fmt: skip
    return action, target, words


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
    low = np.int64(t.victory[cell])
    chance = low + (((t.victory[cell + 1] - low) * (power - (cell << 16))) >> 16)
    return high30(w) < chance
