r"""What a round may do to a state, step by step, with its chances.

Each function takes rows of states and returns `Step`: where each branch comes from, where it
leads to, and its chance in every lane; and the same of branches on which the dispute ends. A
look-up between grid points is the mixture of the four points around it, which is what the
kernel's dithered look-up is in expectation.

==============  ===================================================================
incident        one rung up with chance inc (brink at rung 4), if the gate is open
challenger      with chance rev: withdraw, hold, one or two rungs up
third party i   pending: with chance res decides to stay, join, or is vetoed
defender        with chance rev: concede, hold, match, match and spiral
==============  ===================================================================
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from escalation.contracts import tables as formats
from escalation.contracts.codes import (
    CLASH,
    END_CONCESSION,
    END_EXCHANGE,
    END_STATES,
    END_WITHDRAWAL,
    EXCHANGE,
    N_RUNGS,
    REGIONAL,
    WAR,
)
from escalation.contracts.tables import CHALLENGER, DEFENDER, N_VICTORY, ONE16, ONE18, ONE30, Tables
from escalation.verification.states import (
    BELIEF,
    CLOCK,
    FIGHTS,
    IN_PACT,
    PENDING,
    RECIPROCAL,
    RUNG,
    SUPPORTS,
    Lanes,
    already_in,
    asked,
    bit,
    corners,
    gate_open,
    position,
    us_in,
    with_column,
)

N_ENDS = len(END_STATES) * N_RUNGS * 2
_CONVICTION = 8 << 16


class Branches(NamedTuple):
    """Branches of a step.

    Attributes
    ----------
    source : int array, shape (branch,)
        Row that each comes from.
    target : int array, shape (branch, column) or (branch,)
        State that it leads to, or number of the end.
    chance : float array, shape (branch, lane)
        Its chance.
    """

    source: np.ndarray
    target: np.ndarray
    chance: np.ndarray


class Step(NamedTuple):
    """What a step leads to: states, and ends of the dispute."""

    states: Branches
    ends: Branches


class Rules(NamedTuple):
    """What the steps of one chain read: a cell's tables, 0 or 1 for coercion, the lanes."""

    t: Tables
    coerced: int
    lanes: Lanes

    @property
    def profile(self) -> np.ndarray:
        """Challenger's profile by lane."""
        return 2 * self.lanes.grave + self.lanes.challenger + 2 * self.coerced


def end_number(t: Tables, end: int | np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return numbers of (end state, highest rung, great power fought)."""
    return (end * N_RUNGS + rows[:, RUNG]) * 2 + us_in(t, rows[:, FIGHTS])


def _gathered(parts: list[tuple[np.ndarray, np.ndarray]]) -> Branches:
    """Join (target, chance) pairs, one row each per state, without what is impossible."""
    n = len(parts[0][1])
    source = np.tile(np.arange(n), len(parts))
    target, chance = (np.concatenate(column) for column in zip(*parts, strict=True))
    possible = (chance > 0.0).any(axis=1)
    return Branches(source[possible], target[possible], chance[possible])


def _brink(rules: Rules, rows: np.ndarray) -> np.ndarray:
    """Return the chance that the challenger lets a clash become war, shape (row, lane)."""
    table = rules.t.brink
    return sum(
        w[:, None] * table[rules.profile[None], k[:, None], p[:, None]] / ONE30
        for w, k, p in corners(table.shape[1:], position(rules.t, rows, rules.coerced))
    )


def _options(table: np.ndarray, who: tuple, rules: Rules, rows: np.ndarray) -> np.ndarray:
    """Return the chances of down and up, shape (2, row, lane), of a table of thresholds."""
    chances = np.zeros((2, len(rows), len(rules.profile)))
    for w, k, p in corners(table.shape[-3:-1], position(rules.t, rows, rules.coerced)):
        down, either = np.moveaxis(table[(*who, k[:, None], p[:, None])], -1, 0) / ONE30
        chances[0] += w[:, None] * np.minimum(down, either)
        chances[1] += w[:, None] * np.maximum(either - down, 0.0)
    return chances


def incident_chance(rules: Rules, rows: np.ndarray) -> np.ndarray:
    """Return the chance that an incident takes each state one rung up, shape (row, lane)."""
    chance = rules.t.incident[rows[:, RECIPROCAL], rows[:, RUNG]] / ONE30 * gate_open(rules.t, rows)
    up = np.repeat(chance[:, None], len(rules.profile), axis=1)
    clash = rows[:, RUNG] == CLASH
    up[clash] *= _brink(rules, rows[clash])
    return up


def victory_chance(t: Tables, rows: np.ndarray) -> np.ndarray:
    """Return the chance that the challenger wins a war that ends in each state."""
    us, host = (int(t.scalar[k]) for k in (formats.SCALAR_GREAT_POWER, formats.SCALAR_HOST))
    joined = rows[:, FIGHTS] | rows[:, SUPPORTS]
    power = np.zeros(len(rows), np.int64)
    for i in range(len(t.true_power)):
        own = np.full(len(rows), t.true_power[i])
        if i == us and host >= 0:
            away = t.scalar[formats.SCALAR_POWER_WITHOUT_HOST]
            own = np.where(bit(joined, host) == 1, own, away)
        power += own * bit(rows[:, FIGHTS], i)
    cell = np.minimum(power // ONE16, N_VICTORY - 2)
    low = t.victory[cell]
    return (low + (t.victory[cell + 1] - low) * (power - cell * ONE16) // ONE16) / ONE30


def challenger(rules: Rules, rows: np.ndarray) -> Step:
    """Let the challenger revise; afterwards a new highest rung asks third parties anew."""
    t, rung = rules.t, rows[:, RUNG]
    over = rung == EXCHANGE
    revises = np.where(over, 0, t.revision[CHALLENGER, rows[:, CLOCK]])[:, None] / ONE18
    down, up = _options(t.challenger, (rules.profile[None], rung[:, None]), rules, rows)
    authorised = np.where(rung >= REGIONAL, t.scalar[formats.SCALAR_AUTHORISATION] / ONE30, 1.0)
    up *= (gate_open(t, rows) * authorised)[:, None]
    jump = (rung < CLASH) * t.scalar[formats.SCALAR_DOUBLE_STEP] / ONE30
    war = np.where((rung + 2 == WAR)[:, None], _brink(rules, rows), 1.0)
    two = revises * up * jump[:, None] * war
    one = revises * up - two
    stay = np.where(over[:, None], 0.0, 1.0 - revises * (down + up))
    last = (rung + 1 == EXCHANGE)[:, None]
    moved = [
        (rows, stay),
        (with_column(rows, RUNG, rung + 1), np.where(last, 0.0, one)),
        (with_column(rows, RUNG, rung + 2), two),
    ]
    withdrawal = end_number(t, END_WITHDRAWAL, rows)
    exchange = end_number(t, END_EXCHANGE, with_column(rows, RUNG, EXCHANGE))
    war_of_all = np.where(last, one, np.repeat(over[:, None], one.shape[1], axis=1))
    ends = _gathered([(withdrawal, revises * down), (exchange, war_of_all)])
    states = _gathered([(asked(t, to, to[:, RUNG] > to[:, CLOCK]), chance) for to, chance in moved])
    return Step(states, ends)


def third_party(rules: Rules, i: int, rows: np.ndarray) -> Step:
    """Let third party `i` decide, where it has a decision pending."""
    t, lanes = rules.t, rules.lanes
    pending = bit(rows[:, PENDING], i)
    now = (pending * t.resolve[IN_PACT, rows[:, CLOCK], i] / ONE16)[:, None]
    war = rows[:, RUNG] >= WAR
    row = np.minimum(rows[:, RUNG], WAR) - 1 + war * bit(rows[:, SUPPORTS], i)
    entry = t.decision[0, rules.coerced, IN_PACT, row, already_in(t, rows), i]
    joins = entry[:, bit(lanes.staunch, i)] / ONE30
    veto = t.veto[i] / ONE16
    decided = with_column(rows, PENDING, rows[:, PENDING] & ~(1 << i))
    stays = _told(decided, i, entry[:, 2])
    comes = _told(decided, i, entry[:, 3])
    for column, side in ((FIGHTS, war), (SUPPORTS, ~war)):
        comes[:, column] |= side * (1 << i)
    comes[war, BELIEF + i] = 0
    states = [
        (rows, np.repeat(1.0 - now, joins.shape[1], axis=1)),
        (stays, now * (1.0 - joins)),
        (decided, now * joins * veto),
        (comes, now * joins * (1.0 - veto)),
    ]
    return Step(_gathered(states), _nothing(joins.shape[1]))


def _told(rows: np.ndarray, i: int, news: np.ndarray) -> np.ndarray:
    """Return the states after the challenger has heard news of party `i`."""
    belief = np.clip(rows[:, BELIEF + i] + news, -_CONVICTION, _CONVICTION)
    return with_column(rows, BELIEF + i, belief)


def _nothing(n_lanes: int) -> Branches:
    return Branches(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, n_lanes)))


def defender(rules: Rules, rows: np.ndarray) -> Step:
    """Let the defender revise; with its turn the round is over."""
    t, rung = rules.t, rows[:, RUNG]
    revises = t.revision[DEFENDER, rows[:, CLOCK]][:, None] / ONE18
    status = us_in(t, rows[:, SUPPORTS] | rows[:, FIGHTS])
    who = 2 * rules.lanes.grave + rules.lanes.defender
    index = (status[:, None], who[None], rung[:, None])
    concede, match = _options(t.defender, index, rules, rows)
    spiral = np.where((rung == CLASH)[:, None], _brink(rules, rows), 1.0)
    spiral = spiral * (t.spiral[rung] / ONE30 * gate_open(t, rows))[:, None]
    done = with_column(rows, CLOCK, 0)
    answered = with_column(done, RECIPROCAL, 1)
    carried = asked(t, with_column(answered, RUNG, rung + 1), np.full(len(rows), True))
    states = [
        (done, np.repeat(1.0 - revises, match.shape[1], axis=1)),
        (with_column(done, RECIPROCAL, 0), revises * (1.0 - concede - match)),
        (answered, revises * match * (1.0 - spiral)),
        (carried, revises * match * spiral),
    ]
    ends = _gathered([(end_number(t, END_CONCESSION, rows), revises * concede)])
    return Step(_gathered(states), ends)
