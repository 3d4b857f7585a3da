r"""The exact distribution of a dispute with at most one third party.

Rungs only rise until a dispute ends, so a dispute is a triangular absorbing chain: at each rung
the states (answered or not; ally undecided, out, supporting) are solved, and what leaves them
upwards is what enters the next. With T the chances of staying at the rung and v the inflow,

.. math:: N = v\,(1 - T)^{-1}

are the expected rounds in each state, from which all flows follow. Resolve types, dispute
class and frailty are summed over, the last by Gauss-Hermite quadrature; war is one absorbing
rung here. The order of events in a round is the kernel's.

As for every dispute of the record (:mod:`escalation.history.durations`), there is no
coercion, and silence of the allies below war is no news. Without an ally the chain is the
kernel's, up to the quadrature. With one, two things are simpler: the challenger's error about the
ally is averaged into its perceived chance, and the ally's type into each decision.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np

from escalation.contracts.codes import CLASH, WAR
from escalation.contracts.tables import IN_PACT, WITH_US, WITHOUT_US
from escalation.kernel.jit import jit, jit_parallel, jit_part
from escalation.model.choices import (
    brink_chance,
    challenger_chances,
    defender_chances,
    opening_response,
    point_at,
    resolve_factor,
)
from escalation.model.decisions import ACTUAL, PERCEIVED, log_sigma, sigma
from escalation.model.expected_utility import STEEPEST, log_mean
from escalation.model.inputs import Inputs
from escalation.model.rounds import Rounds

N_TYPES, N_RUNG_CELLS = 4, 5
"""Resolve types (challenger + 2 * defender); rungs 1 to 4 and war."""

N_FRAILTY_NODES = 5
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(N_FRAILTY_NODES)
FRAILTY_NODES: np.ndarray = _NODES
FRAILTY_WEIGHTS: np.ndarray = _WEIGHTS / _WEIGHTS.sum()
_ERROR_NODES, _ERROR_WEIGHTS = np.polynomial.hermite_e.hermegauss(3)
ERROR_NODES: np.ndarray = _ERROR_NODES
ERROR_WEIGHTS: np.ndarray = _ERROR_WEIGHTS / _ERROR_WEIGHTS.sum()

UNDECIDED, OUT, SUPPORTS = 0, 1, 2
NEVER, ONCE, JUST = 0, 1, 2
"""Whether the defender has answered: never, before its last revision, at its last revision."""


class DisputeChances(NamedTuple):
    """How disputes go; the first axis is the cell.

    Attributes
    ----------
    chances : float array, shape (cell, 4, 5, 2, 2)
        Chance by resolve types (challenger + 2 * defender), highest rung (1 to 4, war),
        answered or not, joined by the ally or not. Sums to 1 over the last three axes.
    days : float array, shape (cell, 4)
        Mean length by resolve types, before war.
    onset : float array, shape (cell, 2, 2)
        Onset by challenger's type and class, over that of the same dispute without an ally,
        all classes and types.
    """

    chances: np.ndarray
    days: np.ndarray
    onset: np.ndarray


class Choices(NamedTuple):
    """Choices in one cell, by how the ally is seen: not supporting (0) or supporting (1).

    moves, defends : (view, profile, rung, 2)
        Chances to give in, and to go up or match, at a revision.
    brinks : (view, profile)
        Chance that the challenger lets a clash become war.
    decides : (rung, 2)
        The ally's chance to decide within a round, and to join if it does; in war, where it
        decides once, the chance to fight before the war is over.
    """

    moves: Any
    defends: Any
    brinks: Any
    decides: Any


class Who(NamedTuple):
    """The cell, and the profiles of challenger and defender."""

    c: Any
    challenger: Any
    defender: Any


class Scene(NamedTuple):
    """All that a chain reads: inputs and rounds of the block, who meets, and what they choose."""

    x: Any
    rounds: Any
    who: Any
    choices: Any


def dispute_chances(
    x: Inputs,
    rounds: Rounds,
    grave: np.ndarray | None = None,
    opening: np.ndarray | None = None,
) -> DisputeChances:
    """Solve the dispute of each cell, by resolve types.

    Parameters
    ----------
    x : Inputs
        Numbers of the cells; the only third party is the great power, if there is one.
    rounds : Rounds
        Chances in a round.
    grave : float array, shape (cell,), optional
        Chance that the dispute is grave; by default the share of grave onsets.
    opening : float array, shape (cell, 2, 4), optional
        Chance to open at rung 1 to 4, by challenger's type; by default as in `x`, never at 4.
    """
    n = len(x.us_power)
    outcome = DisputeChances(
        np.zeros((n, N_TYPES, N_RUNG_CELLS, 2, 2)), np.zeros((n, N_TYPES)), np.zeros((n, 2, 2))
    )
    known = np.full(n, -1.0) if grave is None else np.asarray(grave, float)
    if opening is None:
        opening = np.concatenate([x.opening, np.zeros((n, 2, 1))], axis=2)
    _fill(x, rounds, known, np.ascontiguousarray(opening), *outcome)
    return outcome


@jit_part
def outlook(x, c, supporter, n):
    """Return the perceived chance that the ally fights in time, averaged over errors."""
    seen = x.joining[c, PERCEIVED, 0, WAR, n, 0] + supporter * x.support_commitment[c]
    low, high = sigma(seen - x.type_gap[c]), sigma(seen + x.type_gap[c])
    news = 0.0
    if supporter:
        at = x.joining[c, PERCEIVED, 0, 3, 0, 0]
        news = log_sigma(at + x.type_gap[c]) - log_sigma(at - x.type_gap[c])
    chance = 0.0
    for k in range(3):
        belief = x.staunch_logit[c, 0] + news + x.misperception[c] * ERROR_NODES[k]
        chance += ERROR_WEIGHTS[k] * (low + sigma(belief) * (high - low))
    return chance * x.discount[c, IN_PACT, 0]


@jit_part
def joins(x, c, rung, n, supporter):
    """Return the ally's chance to join when it decides, averaged over its types."""
    at = x.joining[c, ACTUAL, 0, min(rung, WAR), n, 0] + supporter * x.support_commitment[c]
    staunch = sigma(x.staunch_logit[c, 0])
    return (1.0 - staunch) * sigma(at - x.type_gap[c]) + staunch * sigma(at + x.type_gap[c])


@jit_part
def fill_view(x, c, supporter, conceded, defends, moves, brinks):
    """Fill the choices under one view of the ally: not supporting (0) or supporting (1).

    defends : (profile, rung, 2), moves : (profile, rung, 2), brinks : (profile,)
    """
    pi = outlook(x, c, supporter, 2 * supporter) if x.us_power[c] > 0.0 else 0.0
    point = point_at(x, c, 0, 0, x.defender_power[c], pi)
    status = WITH_US if supporter else WITHOUT_US
    for grave in range(2):
        for rung in range(1, WAR + 1):
            conceded[rung] = 0.0
            for kind in range(2):
                profile = 2 * grave + kind
                for seen in range(2):
                    weight = pi if seen == WITH_US else 1.0 - pi
                    if weight == 0.0 and seen != status:
                        continue
                    down, both = defender_chances(x, c, profile, rung, seen, point.win, pi)
                    conceded[rung] += 0.5 * weight * down
                    if seen == status:
                        defends[profile, rung, 0] = down
                        defends[profile, rung, 1] = both - down
        for kind in range(2):
            profile = 2 * grave + kind
            stake = x.challenger_stake[c] * resolve_factor(x, c, profile)
            for rung in range(1, WAR + 1):
                if rung == WAR:
                    conceded[WAR + 1] = conceded[WAR]
                down, both = challenger_chances(x, c, stake, 0.0, rung, point, conceded)
                moves[profile, rung, 0] = down
                moves[profile, rung, 1] = both - down
            brinks[profile] = brink_chance(x, c, stake, 0.0, point)


@jit_part
def fill_opening(x, c, pi, conceded, onset):
    """Fill the logs of onset's response by challenger's type and class, at a participation."""
    point = point_at(x, c, 0, 0, x.defender_power[c], pi)
    for grave in range(2):
        conceded[grave, CLASH] = 0.0
        for kind in range(2):
            for seen in range(2):
                weight = pi if seen == WITH_US else 1.0 - pi
                down, _ = defender_chances(x, c, 2 * grave + kind, CLASH, seen, point.win, pi)
                conceded[grave, CLASH] += 0.5 * weight * down
        for kind in range(2):
            onset[kind, grave] = opening_response(x, c, kind, grave, point, conceded)


@jit_part
def fill_onset_ratio(x, c, both, alone, onset):
    """Fill onset over that without an ally; `both` has room for two tables of concessions."""
    fill_opening(x, c, 0.0, both, alone)
    fill_opening(x, c, outlook(x, c, 0, 0) if x.us_power[c] > 0.0 else 0.0, both, onset)
    share = x.onset_per_month[c, 0] + x.onset_per_month[c, 1]
    for grave in range(2):
        mean = log_mean(alone[0, grave], alone[1, grave])
        for kind in range(2):
            ratio = math.exp(min(onset[kind, grave] - mean, STEEPEST))
            onset[kind, grave] = x.onset_per_month[c, grave] / share * ratio


@jit_part
def fights(scene):
    """Return the chance that the ally fights before a war is over.

    One term per round of war: the war ends, the challenger gives in, the ally decides, the
    defender concedes.
    """
    x, rounds, who, choices = scene
    c, days = who.c, rounds.days[who.c, WAR]
    now = -math.expm1(-days / x.delay_days[c, IN_PACT, 0])
    lasts = math.exp(-rounds.settlement[c, WAR] * days)
    lasts *= 1.0 - rounds.revision[c, 0, WAR] * choices.moves[0, who.challenger, WAR, 0]
    stands = 1.0 - rounds.revision[c, 1, WAR] * choices.defends[0, who.defender, WAR, 0]
    again = lasts * (1.0 - now) * stands
    return joins(x, c, WAR, 0, 0) * (now + (1.0 - now) * stands * lasts * now / (1.0 - again))


@jit_part
def stay(scene, ending, rung, view):
    """Return the chances that a round passes at one rung, all seeing the ally in one way.

    Returns
    -------
    calm, stirred : float
        Chance that neither an incident nor settlement nor the challenger ends the stay, before
        and just after an answer.
    none, hold, match : float
        Chances of the defender's turn: no revision, holds, matches and the rung stays.
    """
    _, rounds, who, choices = scene
    c = who.c
    keep = 1.0 - rounds.revision[c, 0, rung] * (
        choices.moves[view, who.challenger, rung, 0] + choices.moves[view, who.challenger, rung, 1]
    )
    risk = choices.brinks[view, who.challenger] if rung == CLASH else 1.0
    calm = (1.0 - rounds.incident[c, 0, rung] * risk) * (1.0 - ending) * keep
    stirred = (1.0 - rounds.incident[c, 1, rung] * risk) * (1.0 - ending) * keep
    revises = rounds.revision[c, 1, rung]
    down = choices.defends[view, who.defender, rung, 0]
    match = choices.defends[view, who.defender, rung, 1]
    return (
        calm,
        stirred,
        1.0 - revises,
        revises * (1.0 - down - match),
        revises * match * (1.0 - rounds.spiral[c, rung] * risk),
    )


@jit_part
def solve_answers(flow, ally, share, calm, stirred, none, hold, match):
    """Turn inflow into expected rounds for one state of the ally, in place.

    `share` is the chance that the ally's state stays as it is.
    """
    calm, stirred = share * calm, share * stirred
    flow[NEVER, ally] /= 1.0 - calm * (none + hold)
    flow[JUST, ally] += flow[NEVER, ally] * calm * match
    # Once is entered from just by holding, just from once by matching: two linear equations.
    a, b = 1.0 - calm * (none + hold), 1.0 - stirred * (none + match)
    to_once, to_just = stirred * hold, calm * match
    once = (flow[ONCE, ally] * b + flow[JUST, ally] * to_once) / (a * b - to_once * to_just)
    flow[JUST, ally] = (flow[JUST, ally] + once * to_just) / b
    flow[ONCE, ally] = once


@jit_part
def decide_into(flow, to, share, calm, stirred, none, hold, match):
    """Add what an undecided ally's decision brings into another of its states, at this rung."""
    never, once = flow[NEVER, UNDECIDED] * calm, flow[ONCE, UNDECIDED] * calm
    just = flow[JUST, UNDECIDED] * stirred
    flow[NEVER, to] += share * never * (none + hold)
    flow[ONCE, to] += share * (once * (none + hold) + just * hold)
    flow[JUST, to] += share * (just * none + (never + once + just) * match)


@jit_part
def solve_rung(scene, ending, rung, flow):
    """Turn inflow into expected rounds in every state of a rung, in place."""
    x, _, who, choices = scene
    out = stay(scene, ending, rung, 0)
    if x.us_power[who.c] == 0.0:
        solve_answers(flow, UNDECIDED, 1.0, *out)
        return
    now, join = choices.decides[rung, 0], choices.decides[rung, 1]
    solve_answers(flow, UNDECIDED, 1.0 - now, *out)
    decide_into(flow, OUT, now * (1.0 - join), *out)
    solve_answers(flow, OUT, 1.0, *out)
    inside = stay(scene, ending, rung, 1)
    # In the round in which the ally comes in, the challenger moves before it, the defender after.
    decide_into(flow, SUPPORTS, now * join, out[0], out[1], inside[2], inside[3], inside[4])
    solve_answers(flow, SUPPORTS, 1.0, *inside)


@jit_part
def first_half(scene, ending, rung, flow, middle, result):
    """Send expected rounds through incident, settlement and the challenger's turn.

    `middle` (rung, answer, ally) receives what goes on to the second half.
    """
    x, rounds, who, choices = scene
    c, challenger = who.c, who.challenger
    revises = rounds.revision[c, 0, rung]
    for ally in range(3):
        view = 1 if ally == SUPPORTS else 0
        fresh = UNDECIDED if ally == OUT else ally
        brink = choices.brinks[view, challenger]
        for answer in range(3):
            mass = flow[answer, ally]
            if mass == 0.0:
                continue
            answered = min(answer, 1)
            risen = mass * rounds.incident[c, 1 if answer == JUST else 0, rung]
            risen *= brink if rung == CLASH else 1.0
            settled = (mass - risen) * ending
            result[rung - 1, answered, view] += settled
            for at in range(rung, min(rung + 2, WAR)):
                m = mass - risen - settled if at == rung else risen
                down = m * revises * choices.moves[view, challenger, at, 0]
                up = m * revises * choices.moves[view, challenger, at, 1]
                result[at - 1, answered, view] += down
                middle[at, answer, ally if at == rung else fresh] += m - down - up
                jump = 0.0
                if at < CLASH:
                    jump = x.double_step[c] * (brink if at + 2 == WAR else 1.0)
                    middle[at + 2, answer, fresh] += up * jump
                middle[at + 1, answer, fresh] += up * (1.0 - jump)
            if rung + 1 == WAR:
                middle[WAR, answer, fresh] += risen


@jit_part
def second_half(scene, rung, at, middle, inflow, result):
    """Send what stands at a rung in mid-round through the ally's and the defender's turns.

    `rung` is where the round began; what stays there was solved already and is not counted
    again as inflow.
    """
    _, rounds, who, choices = scene
    c = who.c
    now = choices.decides[rung, 0]
    revises = rounds.revision[c, 1, rung]
    for before in range(3):
        for after in range(3):
            share = 1.0 if after == before else 0.0
            if before == UNDECIDED:
                joins_now = now * choices.decides[at, 1]
                share = 1.0 - now
                if after != UNDECIDED:
                    share = joins_now if after == SUPPORTS else now - joins_now
            if share == 0.0:
                continue
            view = 1 if after == SUPPORTS else 0
            down = revises * choices.defends[view, who.defender, at, 0]
            match = revises * choices.defends[view, who.defender, at, 1]
            spiral = match * rounds.spiral[c, at]
            spiral *= choices.brinks[view, who.challenger] if at == CLASH else 1.0
            for answer in range(3):
                m = share * middle[at, answer, before]
                if m == 0.0:
                    continue
                result[at - 1, min(answer, 1), view] += m * down
                inflow[at + 1, JUST, UNDECIDED if after == OUT else after] += m * spiral
                if at > rung:
                    inflow[at, JUST, after] += m * (match - spiral)
                    inflow[at, min(answer, ONCE), after] += m * (revises - down - match)
                    inflow[at, answer, after] += m * (1.0 - revises)


@jit_part
def play_chain(scene, z, weight, opening, inflow, middle, result):
    """Add one chain's distribution to `result`, shape (5, 2, 2); returns its mean length."""
    _, rounds, who, choices = scene
    c = who.c
    inflow[:] = 0.0
    for k in range(4):
        inflow[k + 1, NEVER, UNDECIDED] = opening[who.challenger & 1, k] * weight
    days = 0.0
    frailty = math.exp(rounds.frailty[c] * z)
    for rung in range(1, WAR):
        flow = inflow[rung]
        ending = -math.expm1(-rounds.settlement[c, rung] * frailty * rounds.days[c, rung])
        solve_rung(scene, ending, rung, flow)
        for answer in range(3):
            for ally in range(3):
                days += rounds.days[c, rung] * flow[answer, ally]
        middle[:] = 0.0
        first_half(scene, ending, rung, flow, middle, result)
        for at in range(rung, WAR):
            second_half(scene, rung, at, middle, inflow, result)
        for answer in range(3):
            for ally in range(3):
                inflow[WAR, answer, ally] += middle[WAR, answer, ally]
    for answer in range(3):
        for ally in range(3):
            mass = inflow[WAR, answer, ally]
            joined = 1.0 if ally == SUPPORTS else choices.decides[WAR, 1]
            result[WAR - 1, min(answer, 1), 1] += mass * joined
            result[WAR - 1, min(answer, 1), 0] += mass * (1.0 - joined)
    return days


@jit
def solve_cell(x, rounds, c, known, opening, result, days, onset):
    """Solve every chain of one cell; `known` is the chance that it is grave, if not negative."""
    both, alone = np.zeros((2, WAR)), np.zeros((2, 2))
    fill_onset_ratio(x, c, both, alone, onset)
    moves, defends = np.zeros((2, 4, WAR + 1, 2)), np.zeros((2, 4, WAR + 1, 2))
    brinks, decides = np.zeros((2, 4)), np.zeros((WAR + 1, 2))
    conceded = np.zeros(WAR + 2)
    inflow, middle = np.zeros((WAR + 2, 3, 3)), np.zeros((WAR + 2, 3, 3))
    allied = x.us_power[c] > 0.0
    for view in range(2 if allied else 1):
        fill_view(x, c, view, conceded, defends[view], moves[view], brinks[view])
    choices = Choices(moves, defends, brinks, decides)
    if allied:
        for rung in range(1, WAR):
            decides[rung, 0] = -math.expm1(-rounds.days[c, rung] / x.delay_days[c, IN_PACT, 0])
            decides[rung, 1] = joins(x, c, rung, 0, 0)
    for types in range(4):
        opened = onset[types & 1]
        grave = opened[1] / (opened[0] + opened[1]) if known < 0.0 else known
        for kind in range(2):
            chance = grave if kind else 1.0 - grave
            if chance == 0.0:
                continue
            who = Who(c, 2 * kind + (types & 1), 2 * kind + (types >> 1))
            scene = Scene(x, rounds, who, choices)
            if allied:
                decides[WAR, 1] = fights(scene)
            for k in range(FRAILTY_NODES.shape[0]):
                days[types] += play_chain(
                    scene, FRAILTY_NODES[k], chance * FRAILTY_WEIGHTS[k],
                    opening, inflow, middle, result[types],
                )  # fmt: skip


@jit_parallel
def _fill(x, rounds, known, opening, result, days, onset):
    # The cell is solved in a function of its own, out of the loop optimiser's sight, which
    # loses writes to arrays that a tuple holds.
    for cell in numba.prange(result.shape[0]):
        c = np.int64(cell)  # unsigned as it comes, which would compile the decisions anew
        solve_cell(x, rounds, c, known[c], opening[c], result[c], days[c], onset[c])
