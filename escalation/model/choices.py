"""Filling the choice, brink and onset tables with the expected-utility rule.

Another decision rule is another pair of functions with the signatures of
:func:`fill_choices` and :func:`mean_opening`, see :mod:`escalation.model.rules`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np

from escalation.contracts.codes import CLASH, EXCHANGE, N_RUNGS, WAR
from escalation.contracts.tables import (
    INVALID,
    LARGEST,
    N_DEFENDER_PROFILES,
    N_PROFILES,
    ONE30,
    ONE_MONTH,
    WITHOUT_US,
)
from escalation.kernel.jit import jit, jit_parallel, jit_part
from escalation.model.expected_utility import (
    STEEPEST,
    logit_pair,
    logit_two,
    opening_value,
    war_value,
    win_chance,
)


class Point(NamedTuple):
    """A point of the grid, and what the challenger expects of a war there.

    Attributes
    ----------
    k, p : int
        Index on the axis of power and of participation.
    power, participation : float
        Power of the rest of the coalition; perceived chance that the great power fights.
    win, trade : float
        Perceived chance that the challenger wins; loss of trade that it expects.
    """

    k: Any
    p: Any
    power: Any
    participation: Any
    win: Any
    trade: Any


@jit_part
def q30(p):
    """Return a probability as a Q30 threshold; what is none shows as an invalid entry."""
    return int(p * ONE30 + 0.5) if 0.0 <= p <= 1.0 else INVALID


@jit_part
def resolve_factor(x, c, profile):
    """Return the factor of type (bit 0) and class (bit 1) on a stake."""
    theta = 1.0 + x.resolve_spread[c] if profile & 1 else 1.0 - x.resolve_spread[c]
    return theta if profile & 2 else theta * x.routine_stake_share[c]


@jit_part
def perceived_win(x, c, power, participation):
    """Return the perceived chance that the challenger wins, a lottery over the great power."""
    multiplier, exponent = x.defender_multiplier[c], x.contest_exponent[c]
    alone = win_chance(power, multiplier, exponent)
    if participation == 0.0:
        return alone
    return alone + participation * (win_chance(power + x.us_power[c], multiplier, exponent) - alone)


@jit_part
def trade_lost(x, c, power, participation):
    """Return the challenger's expected loss of trade in a war."""
    share = x.trade_loss_us_share[c]
    rest = min(1.0, power / x.trade_loss_saturation[c])
    return x.trade_loss[c] * (share * participation + (1.0 - share) * rest)


@jit_part
def point_at(x, c, k, p, power, participation):
    """Return a grid point with what is expected there."""
    win = perceived_win(x, c, power, participation)
    return Point(k, p, power, participation, win, trade_lost(x, c, power, participation))


@jit_part
def defender_chances(x, c, profile, rung, status, win, participation):
    """Return the chances that a revising defender concedes, and that it concedes or matches."""
    stake = x.defender_stake[c] * resolve_factor(x, c, profile)
    war = -stake * win - x.defender_cost[c, rung]
    risk = x.war_risk[c, rung]
    above = x.war_risk[c, min(rung + 1, EXCHANGE)]
    hold = risk * war - (x.salami_gain[c] * stake + x.passivity_cost[c])
    match = (risk + x.spiral[c, rung] * (above - risk)) * war
    if status == WITHOUT_US:
        extra = x.moral_hazard[c] * stake * participation
    else:
        extra = -x.restraint[c] * stake
    # In log-odds, not divided by the precision: that may be zero.
    precision = x.choice_precision[c]
    give_in = -precision * (stake + x.concession_cost[c])
    answer = precision * (match + extra) + x.answer_shift[c]
    return logit_pair(1.0, give_in, answer, precision * hold)


@jit_part
def fill_defender(x, c, at, table, concede):
    """Fill the defender's choices at one grid point and average its concessions by class."""
    concede[:] = 0.0
    for profile in range(N_DEFENDER_PROFILES):
        for rung in range(1, N_RUNGS):
            for status in range(2):
                weight = 1.0 - at.participation if status == WITHOUT_US else at.participation
                first, both = defender_chances(
                    x, c, profile, rung, status, at.win, at.participation
                )
                table[status, profile, rung, at.k, at.p, 0] = q30(first)
                table[status, profile, rung, at.k, at.p, 1] = q30(both)
                concede[profile >> 1, rung] += 0.5 * weight * first


@jit_part
def war_if_here(x, c, stake, rung, at):
    """Return the challenger's value of war begun at a rung."""
    here = max(rung, WAR)
    cost, shadow = x.challenger_cost[c, here], x.shadow[c, here]
    return war_value(stake, at.win, cost, at.trade, at.participation, shadow)


@jit_part
def withdrawal(x, c, stake, rung):
    """Return the challenger's value of withdrawing."""
    return -x.audience_cost[c] * stake * (1.0 + x.audience_slope[c] * rung)


@jit_part
def conceded(x, c, stake, rung):
    """Return the challenger's gain from a concession at a rung."""
    if rung < WAR:
        return stake
    return stake - (x.challenger_cost[c, rung] + x.trade_loss[c] / 2.0)


@jit_part
def challenger_chances(x, c, stake, running, rung, at, concede):
    """Return the chances that a revising challenger withdraws, and that it withdraws or escalates.

    `concede` holds the defender's chance of conceding by rung.
    """
    war = war_if_here(x, c, stake, rung, at)
    salami = x.salami_gain[c] * stake / 2.0 if rung < WAR else 0.0
    q = concede[rung]
    hold = (
        q * conceded(x, c, stake, rung)
        + (1.0 - q) * (x.war_risk[c, rung] * war + salami)
        - x.holding_cost[c] * stake
        - running
    )
    up = rung + 1
    war_up = war_if_here(x, c, stake, up, at)
    q = concede[up]
    escalate = (
        q * conceded(x, c, stake, up) + (1.0 - q) * x.war_risk[c, up] * war_up - running
    )
    return logit_pair(x.choice_precision[c], withdrawal(x, c, stake, rung), escalate, hold)


@jit_part
def brink_chance(x, c, stake, running, at):
    """Return the chance that the challenger lets a clash become war."""
    war = war_if_here(x, c, stake, WAR, at)
    return logit_two(x.choice_precision[c], war - running - withdrawal(x, c, stake, CLASH))


@jit_part
def fill_challenger(x, c, at, concede, table, brink):
    """Fill the challenger's choices and the brink decision at one grid point."""
    for profile in range(N_PROFILES):
        coerced = profile >= N_DEFENDER_PROFILES
        base = profile - 2 if coerced else profile
        stake = x.challenger_stake[c] * resolve_factor(x, c, base)
        running = x.wedge_cost[c] * stake if coerced else 0.0
        for rung in range(1, EXCHANGE):
            first, both = challenger_chances(x, c, stake, running, rung, at, concede[base >> 1])
            table[profile, rung, at.k, at.p, 0] = q30(first)
            table[profile, rung, at.k, at.p, 1] = q30(both)
        brink[profile, at.k, at.p] = q30(brink_chance(x, c, stake, running, at))


@jit_part
def opening_response(x, c, challenger_type, grave, at, concede):
    """Return phi U_open, the log of the response of onset to the opening value."""
    stake = x.challenger_stake[c] * resolve_factor(x, c, challenger_type + 2 * grave)
    war = war_if_here(x, c, stake, WAR, at)
    value = opening_value(stake, concede[grave, CLASH], x.war_risk[c, CLASH], war)
    response = x.onset_response_grave[c] if grave else x.onset_response_routine[c]
    return response * value


@jit_part
def onset_rate(x, c, grave, response, anchor):
    """Return the monthly onset rate of a class as an integer; it stops at the largest entry."""
    rate = x.onset_per_month[c, grave] * math.exp(min(response - anchor, STEEPEST)) * ONE_MONTH
    return int(min(rate + 0.5, LARGEST)) if rate >= 0.0 else INVALID


@jit_part
def average_response(responses, anchor):
    """Fill the log of the mean of exp(response), by class.

    Around the largest response, so that none overflows.

    Parameters
    ----------
    responses : float array, shape (n, class)
        Logs of equally likely responses.
    anchor : float array, shape (class,)
        Result.
    """
    for grave in range(2):
        most = responses[0, grave]
        for j in range(responses.shape[0]):
            most = max(most, responses[j, grave])
        total = 0.0
        for j in range(responses.shape[0]):
            total += math.exp(responses[j, grave] - most)
        anchor[grave] = most + math.log(total / responses.shape[0])


@jit_part
def fill_onset(x, c, at, concede, anchor, table):
    """Fill the monthly onset rates at one grid point; `anchor` is that of the cell."""
    for challenger_type in range(2):
        for grave in range(2):
            response = opening_response(x, c, challenger_type, grave, at, concede)
            rate = onset_rate(x, c, grave, response, anchor[grave])
            table[challenger_type, at.k, at.p, grave] = rate


@jit_parallel
def fill_choices(x, anchor, span, challenger, defender, brink, onset):
    """Fill the four decision tables of every cell of a block.

    Parameters
    ----------
    x : Inputs
        Numbers of the block.
    anchor : float array, shape (cell, 2)
        Log of the mean response of onset under the reference structure, by class.
    span : float array, shape (cell,)
        Width of the power grid, which starts at the defender's own power.
    challenger, defender, brink, onset : int32 arrays
        Tables to fill, see :class:`escalation.contracts.tables.Tables`.
    """
    n_power, n_us = brink.shape[2], brink.shape[3]
    for cell in numba.prange(brink.shape[0]):
        c = np.int64(cell)  # unsigned as it comes, which would compile all below a second time
        concede = np.zeros((2, N_RUNGS))
        for k in range(n_power):
            power = x.defender_power[c] + span[c] * k / (n_power - 1)
            for p in range(n_us):
                at = point_at(x, c, k, p, power, p / (n_us - 1))
                fill_defender(x, c, at, defender[c], concede)
                fill_challenger(x, c, at, concede, challenger[c], brink[c])
                fill_onset(x, c, at, concede, anchor[c], onset[c])


@jit
def mean_opening(x, rest, participation, anchor, scratch):
    """Average the response of onset over resolve types and perceived participation, as a log.

    Parameters
    ----------
    x : Inputs
        Numbers of the reference structure.
    rest : float array, shape (cell,)
        Perceived power of the rest of the coalition.
    participation : float array, shape (cell, class)
        Equally likely values of the great power's perceived participation.
    anchor : float array, shape (cell, 2)
        Result, by dispute class.
    scratch : int32 array, shape (2, 4, rung, 1, 1, 2)
        Room for one grid point of the defender's table.
    """
    concede = np.zeros((2, N_RUNGS))
    responses = np.zeros((2 * participation.shape[1], 2))
    for c in range(anchor.shape[0]):
        for j in range(participation.shape[1]):
            at = point_at(x, c, 0, 0, rest[c], participation[c, j])
            fill_defender(x, c, at, scratch, concede)
            for challenger_type in range(2):
                for grave in range(2):
                    responses[2 * j + challenger_type, grave] = opening_response(
                        x, c, challenger_type, grave, at, concede
                    )
        average_response(responses, anchor[c])


ROOM = (2, N_DEFENDER_PROFILES, N_RUNGS, 1, 1, 2)
