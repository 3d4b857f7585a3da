r"""Persistent types of pairs of states, learnt from their earlier disputes.

A pair's hidden state is the resolve of each side, low or high with even chances, redrawn at
the rate of turnover. Between disputes a side keeps its type with :math:`s = e^{-\kappa t}` and
is redrawn else; a dispute multiplies the belief over the four states by the onset of such a
challenger times the chance of what happened. Before a dispute,

.. math:: P(\text{cell}) = \frac{\sum_\theta \pi_\theta\, h_\theta\, P(\text{cell} \mid \theta)}
          {\sum_\theta \pi_\theta\, h_\theta},

with h the onset rate by challenger's type: pairs with resolved states are met more often.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from escalation.history.features import Record
from escalation.kernel.jit import jit

FLOOR = 1e-7
"""Least probability of what happened, so that one impossible row does not rule."""


class Meetings(NamedTuple):
    """When pairs met, as in :class:`escalation.history.features.Record`."""

    pair: np.ndarray
    year: np.ndarray
    reversed_: np.ndarray
    learnt: np.ndarray


class Learnt(NamedTuple):
    """What the history of each pair says.

    Attributes
    ----------
    log_chance : float array, shape (n, W)
        Log of the chance of what happened, given all earlier disputes of the pair.
    weights : float array, shape (n, W, 4)
        Chance of the resolve types (challenger + 2 * defender) given disputes of the pair in
        strictly earlier years whose outcome may teach.
    """

    log_chance: np.ndarray
    weights: np.ndarray


def learn_types(
    record: Record, happened: np.ndarray, onset: np.ndarray, turnover: np.ndarray
) -> Learnt:
    """Filter the types of every pair through its disputes.

    Parameters
    ----------
    record : Record
        Disputes, sorted by pair and date.
    happened : float array, shape (n, W, 4)
        Chance of what happened by resolve types, for W parameter draws.
    onset : float array, shape (n, W, 2)
        Onset by challenger's type.
    turnover : float array, shape (W,)
        Rate per year at which a side's type is redrawn.
    """
    n, n_draws = happened.shape[:2]
    learnt = Learnt(np.zeros((n, n_draws)), np.zeros((n, n_draws, 4)))
    _filter(
        np.ascontiguousarray(happened),
        np.ascontiguousarray(onset),
        Meetings(record.pair, record.year, record.reversed_, record.learnt),
        np.asarray(turnover, float),
        *learnt,
    )
    return learnt


@jit
def _redraw(belief, stays):
    """Let time pass: each side keeps its type with chance `stays`, else draws it anew."""
    first_low, second_low = belief[0] + belief[2], belief[0] + belief[1]
    before = belief.copy()
    for t in range(4):
        first = first_low if t & 1 == 0 else 1.0 - first_low
        second = second_low if t >> 1 == 0 else 1.0 - second_low
        gone = 1.0 - stays
        belief[t] = (
            stays * stays * before[t]
            + stays * gone * 0.5 * (first + second)
            + gone * gone * 0.25
        )


@jit
def _filter(happened, onset, meetings, turnover, log_chance, weights):
    """Run the filter; types are (first state, second state) of the pair in alphabetical order."""
    pair, year, reversed_, learnt = meetings
    belief, at_new_year, joint = np.zeros(4), np.zeros(4), np.zeros(4)
    for k in range(happened.shape[1]):
        for i in range(happened.shape[0]):
            if i == 0 or pair[i] != pair[i - 1]:
                belief[:] = 0.25
                at_new_year[:] = 0.25
            elif year[i] > year[i - 1]:
                _redraw(belief, math.exp(-turnover[k] * (year[i] - year[i - 1])))
                at_new_year[:] = belief
            met, seen, chance = 0.0, 0.0, 0.0
            for t in range(4):
                u = ((t & 1) << 1) | (t >> 1) if reversed_[i] else t
                rate = onset[i, k, u & 1]
                met += belief[t] * rate
                joint[t] = belief[t] * rate * max(happened[i, k, u], FLOOR)
                chance += joint[t]
                weights[i, k, u] = at_new_year[t] * rate
                seen += weights[i, k, u]
            log_chance[i, k] = math.log(chance / met)
            for t in range(4):
                weights[i, k, t] /= seen
                if learnt[i]:
                    belief[t] = joint[t] / chance
