"""Filling the choice, brink and onset tables with the prospect-theory rule.

The lotteries are those of :mod:`escalation.model.prospect_theory`. What does not depend on the
grid point is valued once per cell.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from escalation.contracts.codes import CLASH, EXCHANGE, GRAVE, N_RUNGS, WAR
from escalation.contracts.tables import N_DEFENDER_PROFILES, N_PROFILES, WITHOUT_US
from escalation.kernel.jit import jit, jit_parallel, jit_part
from escalation.model.choices import (
    average_response,
    conceded,
    onset_rate,
    point_at,
    q30,
    resolve_factor,
    withdrawal,
)
from escalation.model.expected_utility import logit_pair, logit_two
from escalation.model.prospect_theory import (
    LOSSES,
    N_STEPS,
    Taste,
    contest,
    decision_weight,
    dispute,
    fill_weights,
    worth,
)

WITHDRAWN, YIELDED, CALM, YIELDED_UP, CALM_UP = range(5)
CONCEDED, HELD_CALM, HELD_WON, HELD_LOST, MATCHED_WON, MATCHED_LOST = range(6)


class Prospects(NamedTuple):
    """What is the same at every grid point of a cell.

    Attributes
    ----------
    taste : Taste
        Value function and decision weights.
    challenger : float array, shape (profile, rung, 5)
        Values of withdrawing, and of a concession and of nothing after holding and after
        escalating.
    defender : float array, shape (profile, rung, 6)
        Values of conceding, and of what follows holding and matching; "won" by the defender.
    """

    taste: Any
    challenger: Any
    defender: Any


@jit_part
def matched_risk(x, c, rung):
    """Return the perceived war risk after matching."""
    risk, above = x.war_risk[c, rung], x.war_risk[c, min(rung + 1, EXCHANGE)]
    return risk + x.spiral[c, rung] * (above - risk)


@jit_part
def fill_defender_values(x, c, taste, table):
    """Fill the values of the defender's outcomes."""
    for profile in range(N_DEFENDER_PROFILES):
        stake = x.defender_stake[c] * resolve_factor(x, c, profile)
        idle = x.salami_gain[c] * stake + x.passivity_cost[c]
        for rung in range(1, N_RUNGS):
            cost, entry = x.defender_cost[c, rung], table[profile, rung]
            entry[CONCEDED] = worth(taste, -(stake + x.concession_cost[c]))
            entry[HELD_CALM] = worth(taste, -idle)
            entry[HELD_WON] = worth(taste, -(cost + idle))
            entry[HELD_LOST] = worth(taste, -(stake + cost + idle))
            entry[MATCHED_WON] = worth(taste, -cost)
            entry[MATCHED_LOST] = worth(taste, -(stake + cost))


@jit_part
def position(x, c, profile):
    """Return the challenger's stake, running cost of coercion and reference point."""
    coerced = profile >= N_DEFENDER_PROFILES
    stake = x.challenger_stake[c] * resolve_factor(x, c, profile - 2 if coerced else profile)
    running = x.wedge_cost[c] * stake if coerced else 0.0
    return stake, running, x.challenger_aspiration[c] * stake


@jit_part
def salami(x, c, stake, rung):
    """Return what the challenger gains while nobody moves."""
    return x.salami_gain[c] * stake / 2.0 if rung < WAR else 0.0


@jit_part
def fill_challenger_values(x, c, taste, table):
    """Fill the values of the challenger's outcomes other than war."""
    for profile in range(N_PROFILES):
        stake, running, reference = position(x, c, profile)
        moved = -running - reference
        held = moved - x.holding_cost[c] * stake
        for rung in range(1, EXCHANGE):
            entry = table[profile, rung]
            entry[WITHDRAWN] = worth(taste, withdrawal(x, c, stake, rung) - reference)
            entry[YIELDED] = worth(taste, conceded(x, c, stake, rung) + held)
            entry[CALM] = worth(taste, salami(x, c, stake, rung) + held)
            entry[YIELDED_UP] = worth(taste, conceded(x, c, stake, rung + 1) + moved)
            entry[CALM_UP] = worth(taste, moved)


@jit
def prospects(x, c):
    """Return what is the same at every grid point of a cell."""
    weights = np.zeros((2, 2, N_STEPS + 2))
    challenger = np.zeros((N_PROFILES, N_RUNGS, 5))
    defender = np.zeros((N_DEFENDER_PROFILES, N_RUNGS, 6))
    taste = Taste(x.gain_curvature[c], x.loss_curvature[c], x.loss_aversion[c], weights)
    fill_weights(x.gain_weighting[c], x.loss_weighting[c], weights)
    fill_challenger_values(x, c, taste, challenger)
    fill_defender_values(x, c, taste, defender)
    return Prospects(taste, challenger, defender)


@jit_part
def defender_chances(x, c, profile, status, participation, give_in, hold, match):
    """Return the chances that a revising defender concedes, and that it concedes or matches."""
    stake = x.defender_stake[c] * resolve_factor(x, c, profile)
    if status == WITHOUT_US:
        extra = x.moral_hazard[c] * stake * participation
    else:
        extra = -x.restraint[c] * stake
    precision = x.choice_precision[c]
    answer = precision * (match + extra) + x.answer_shift[c]
    return logit_pair(1.0, precision * give_in, answer, precision * hold)


@jit_part
def fill_defender(x, c, known, at, table, concede):
    """Fill the defender's choices at one grid point and average its concessions by class."""
    concede[:] = 0.0
    weights = known.taste.weights
    for rung in range(1, N_RUNGS):
        risk, above = x.war_risk[c, rung], matched_risk(x, c, rung)
        war = decision_weight(weights, LOSSES, risk)
        lost = decision_weight(weights, LOSSES, risk * at.win)
        war_up = decision_weight(weights, LOSSES, above)
        lost_up = decision_weight(weights, LOSSES, above * at.win)
        for profile in range(N_DEFENDER_PROFILES):
            v = known.defender[profile, rung]
            hold = (
                v[HELD_CALM]
                + war * (v[HELD_WON] - v[HELD_CALM])
                + lost * (v[HELD_LOST] - v[HELD_WON])
            )
            match = war_up * v[MATCHED_WON] + lost_up * (v[MATCHED_LOST] - v[MATCHED_WON])
            for status in range(2):
                first, both = defender_chances(
                    x, c, profile, status, at.participation, v[CONCEDED], hold, match
                )
                table[status, profile, rung, at.k, at.p, 0] = q30(first)
                table[status, profile, rung, at.k, at.p, 1] = q30(both)
                weight = 1.0 - at.participation if status == WITHOUT_US else at.participation
                concede[profile >> 1, rung] += 0.5 * weight * first


@jit_part
def war_outcomes(x, c, taste, stake, sure, rung, at):
    """Return the challenger's values of a war won and of a war lost, from rung 5."""
    lost = sure - x.challenger_cost[c, rung] - at.trade - at.participation * x.shadow[c, rung]
    return worth(taste, lost + stake), worth(taste, lost)


@jit_part
def fill_profile(x, c, known, profile, at, concede, table, brink):
    """Fill the choices and the brink decision of one profile at one grid point."""
    taste, precision = known.taste, x.choice_precision[c]
    stake, running, reference = position(x, c, profile)
    moved = -running - reference
    held = moved - x.holding_cost[c] * stake
    # War begun below rung 5 is war at rung 5.
    sure = held + salami(x, c, stake, CLASH)
    won, lost = war_outcomes(x, c, taste, stake, sure, WAR, at)
    won_up, lost_up = war_outcomes(x, c, taste, stake, moved, WAR, at)
    war = contest(taste.weights, won_up, lost_up, at.win)
    back_down = known.challenger[profile, CLASH, WITHDRAWN]
    brink[profile, at.k, at.p] = q30(logit_two(precision, war - back_down))
    for rung in range(1, EXCHANGE):
        up = rung + 1
        if rung >= WAR:
            won, lost = war_outcomes(x, c, taste, stake, held, rung, at)
            won_up, lost_up = war_outcomes(x, c, taste, stake, moved, up, at)
        v = known.challenger[profile, rung]
        hold = dispute(
            taste.weights, v[YIELDED], concede[rung], v[CALM], x.war_risk[c, rung],
            won, at.win, lost,
        )  # fmt: skip
        escalate = dispute(
            taste.weights, v[YIELDED_UP], concede[up], v[CALM_UP], x.war_risk[c, up],
            won_up, at.win, lost_up,
        )  # fmt: skip
        first, both = logit_pair(precision, v[WITHDRAWN], escalate, hold)
        table[profile, rung, at.k, at.p, 0] = q30(first)
        table[profile, rung, at.k, at.p, 1] = q30(both)


@jit_part
def opening_response(x, c, known, profile, at, concede):
    """Return phi U_open, the log of the response of onset to the gain from opening."""
    stake, _, reference = position(x, c, profile)
    taste = known.taste
    won, lost = war_outcomes(x, c, taste, stake, -reference, WAR, at)
    v = known.challenger[profile, CLASH - 1]
    value = dispute(
        taste.weights, v[YIELDED_UP], concede[CLASH], v[CALM_UP], x.war_risk[c, CLASH],
        won, at.win, lost,
    )  # fmt: skip
    response = x.onset_response_grave[c] if profile >> 1 else x.onset_response_routine[c]
    return response * (value - v[CALM_UP])


@jit
def fill_cell(x, c, anchor, span, challenger, defender, brink, onset):
    """Fill the four decision tables of one cell."""
    known = prospects(x, c)
    concede = np.zeros((2, N_RUNGS))
    n_power, n_us = brink.shape[1], brink.shape[2]
    for k in range(n_power):
        power = x.defender_power[c] + span * k / (n_power - 1)
        for p in range(n_us):
            at = point_at(x, c, k, p, power, p / (n_us - 1))
            fill_defender(x, c, known, at, defender, concede)
            for profile in range(N_PROFILES):
                grave = min(profile >> 1, GRAVE)
                fill_profile(x, c, known, profile, at, concede[grave], challenger, brink)
            for profile in range(N_DEFENDER_PROFILES):
                grave = profile >> 1
                response = opening_response(x, c, known, profile, at, concede[grave])
                onset[profile & 1, k, p, grave] = onset_rate(x, c, grave, response, anchor[grave])


@jit_parallel
def fill_choices(x, anchor, span, challenger, defender, brink, onset):
    """Fill the four decision tables of every cell of a block.

    The parameters are those of :func:`escalation.model.choices.fill_choices`.
    """
    # In a function of its own, out of the loop optimiser's sight, which loses writes to
    # arrays that a tuple holds.
    for cell in numba.prange(brink.shape[0]):
        c = np.int64(cell)  # unsigned as it comes, which would compile all below a second time
        fill_cell(x, c, anchor[c], span[c], challenger[c], defender[c], brink[c], onset[c])


@jit
def mean_opening(x, rest, participation, anchor, scratch):
    """Average the response of onset over resolve types and perceived participation, as a log.

    The parameters are those of :func:`escalation.model.choices.mean_opening`.
    """
    concede = np.zeros((2, N_RUNGS))
    responses = np.zeros((2 * participation.shape[1], 2))
    for c in range(anchor.shape[0]):
        known = prospects(x, c)
        for j in range(participation.shape[1]):
            at = point_at(x, c, 0, 0, rest[c], participation[c, j])
            fill_defender(x, c, known, at, scratch, concede)
            for profile in range(N_DEFENDER_PROFILES):
                grave = profile >> 1
                responses[2 * j + (profile & 1), grave] = opening_response(
                    x, c, known, profile, at, concede[grave]
                )
        average_response(responses, anchor[c])
