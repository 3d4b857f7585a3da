r"""Disputes of one cell, exactly: how they end, how high they go, how long they last.

The start is mixed over what a dispute does not change: types of both sides and of third
parties, the challenger's errors about them, coercion, opening rung, and frailty:

.. math::
   P(\text{end}) = \sum_{\text{types, errors}} P(\text{types}) P(\text{errors}) \,
   P(\text{class} \mid \text{types, errors}) \sum_{\text{coercion, opening, frailty}} \ldots

where the class is given, or comes with the first dispute of a year: with monthly rates
:math:`r` and :math:`g` of routine and grave disputes at the first beliefs, one starts within
twelve months with chance :math:`P(E < 12 (r + g))`, :math:`E` exponential, and is grave with
chance :math:`g / (r + g)`. Both are counted in the model's own integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from escalation.contracts.codes import (
    DISPUTE_CLASSES,
    DURATION_EDGES_DAYS,
    END_STATES,
    GRAVE,
    N_DURATIONS,
    N_RUNGS,
)
from escalation.contracts.tables import ONE16, ONE30, SCALAR_WEDGE, Tables
from escalation.verification.chain import (
    build_chain,
    first_states,
    indexes,
    solve,
)
from escalation.verification.interpolation import survival
from escalation.verification.states import Lanes, bit, corners, lanes_of, position, wide
from escalation.verification.steps import N_ENDS, Rules

SHAPE = (len(DISPUTE_CLASSES), len(END_STATES), N_RUNGS, 2)
MONTHS = 12
DURATION_SLOT = np.searchsorted(
    DURATION_EDGES_DAYS, np.arange(DURATION_EDGES_DAYS[-1] + 1), side="right"
) - 1


def first_beliefs(t: Tables) -> tuple[np.ndarray, np.ndarray]:
    """Return the challenger's possible first beliefs, shape (belief, party), and their chances."""
    errors, number = np.unique(t.belief_error, return_counts=True)
    n = len(t.veto)
    every = list(product(range(len(errors)), repeat=n))
    which = np.array(every, np.int64).reshape(len(every), n)
    return t.belief_start + errors[which], (number[which] / number.sum()).prod(axis=1)


def onset_rates(t: Tables, beliefs: np.ndarray) -> np.ndarray:
    """Return monthly onset rates at peace, shape (belief, challenger's type, class)."""
    rows = first_states(t, beliefs)[: len(beliefs)]
    rates = np.zeros((len(beliefs), 2, 2))
    for w, k, p in corners(t.brink.shape[1:], position(t, rows, 0)):
        rates += (w[:, None, None] * np.moveaxis(t.onset[:, k, p], 1, 0))
    return np.floor(rates).astype(np.int64)


def first_of_a_year(rates: np.ndarray) -> np.ndarray:
    """Return the chance that a year's first dispute is of each class, from monthly rates."""
    total = rates.sum(axis=-1)
    some = 1.0 - survival(MONTHS * total)
    grave = -(-rates[..., GRAVE] * ONE30 // np.maximum(total, 1)) / ONE30
    return some[..., None] * np.stack([1.0 - grave, grave], axis=-1)


def distinct_frailties(t: Tables) -> tuple[Tables, np.ndarray]:
    """Return tables with each class of frailty once, and the chance of each."""
    ending, number = np.unique(t.ending, axis=0, return_counts=True)
    return t._replace(ending=ending), number / number.sum()


def _lane_chance(rules: Rules) -> np.ndarray:
    """Return the chance of each lane's types and coercion, given its class."""
    t, lanes = rules.t, rules.lanes
    wedge = lanes.grave * t.scalar[SCALAR_WEDGE] / ONE16
    chance = 0.25 * (wedge if rules.coerced else 1.0 - wedge)
    for i in range(len(t.veto)):
        staunch = t.staunch[i] / ONE30
        chance = chance * np.where(bit(lanes.staunch, i) == 1, staunch, 1.0 - staunch)
    return chance


def _opening_chance(t: Tables) -> np.ndarray:
    """Return the chance of opening rungs 1 to 3, shape (rung, challenger's type)."""
    force, at_least_show = np.minimum(t.opening / ONE16, 1.0).T
    show = np.maximum(at_least_show - force, 0.0)
    return np.array([1.0 - force - show, show, force])


@dataclass(frozen=True)
class Disputes:
    """Exact distributions of one cell's disputes.

    Attributes
    ----------
    crisis : float array, shape (class, end state, peak rung, us fought)
        How a dispute goes, given its class.
    duration : float array, shape (class, bin)
        How long it lasts, given its class.
    first_of_year : float array, shape (class, end state, peak rung, us fought)
        The same with the chance that a year's first dispute goes so; the rest has none.
    """

    crisis: np.ndarray
    duration: np.ndarray
    first_of_year: np.ndarray


def solve_disputes(tables: Tables) -> Disputes:
    """Solve a cell's disputes.

    Parameters
    ----------
    tables : Tables
        One cell; see :func:`escalation.contracts.tables.one_cell`. Only its first year is read.

    Raises
    ------
    InputError
        There are too many states, or disputes last so long that they are cut off.
    """
    t = wide(tables)
    beliefs, chance = first_beliefs(t)
    first = first_of_a_year(onset_rates(t, beliefs))
    result = Disputes(np.zeros(SHAPE), np.zeros((SHAPE[0], N_DURATIONS)), np.zeros(SHAPE))
    for coerced in (0, 1):
        lanes, ended = solve_from(t, beliefs, coerced, DURATION_SLOT)
        given = ended @ chance
        onset = first[:, lanes.challenger, lanes.grave] * chance[:, None]
        of_year = np.einsum("selb,bl->sel", ended, onset)
        for k in range(SHAPE[0]):
            mine = lanes.grave == k
            result.crisis[k] += given[..., mine].sum(axis=(0, 2)).reshape(SHAPE[1:])
            result.duration[k] += given[..., mine].sum(axis=(1, 2))
            result.first_of_year[k] += of_year[..., mine].sum(axis=(0, 2)).reshape(SHAPE[1:])
    return result


def solve_from(
    t: Tables, beliefs: np.ndarray, coerced: int, slot_of_day: np.ndarray
) -> tuple[Lanes, np.ndarray]:
    """Solve disputes from each first belief.

    Returns
    -------
    lanes : Lanes
        Class and types.
    ended : float array, shape (slot, N_ENDS, lane, belief)
        Chance of coercion or not, of the lane's types, and of ending so, given the lane's class
        and the first belief.
    """
    t, frailty = distinct_frailties(t)
    rules = Rules(t, coerced, lanes_of(len(t.veto), coerced))
    rows, n_beliefs = first_states(t, beliefs), len(beliefs)
    chain = build_chain(rules, rows)
    opening = _opening_chance(t)[:, rules.lanes.challenger] * _lane_chance(rules)
    mass = np.zeros((len(chain.rows), chain.n_lanes, n_beliefs, len(frailty)))
    index = indexes(chain.rows, rows).reshape(-1, n_beliefs)
    for b in range(n_beliefs):
        mass[index[:, b], :, b] = opening[:, :, None] * frailty
    ended = solve(chain, mass.reshape(len(chain.rows) * chain.n_lanes, -1), slot_of_day)
    shape = (-1, N_ENDS, chain.n_lanes, n_beliefs, len(frailty))
    return rules.lanes, ended.reshape(shape).sum(axis=-1)
