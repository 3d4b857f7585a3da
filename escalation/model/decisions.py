r"""Filling the tables of third parties' decisions.

A party joins with chance :math:`\sigma(x \pm d)`, staunch or wavering, where x is the log-odds
of :mod:`escalation.model.inputs` less drift times year, less coercion, plus the commitment
of a supporter who decides to fight. A decision that the challenger sees moves its log-odds
of "staunch" by :math:`\ln J_s/J_w` (joined) or :math:`\ln (1-J_s)/(1-J_w)` (stayed out), at its
own perceived x. Its perceived chance that the party fights in time carries the discount for
foreseen delay and veto, :math:`(1 - dom) / (1 + delay / T_w)`, with the delay of its stance.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from escalation.contracts.codes import WAR
from escalation.contracts.tables import INVALID, LARGEST, N_ROWS, ONE15, ONE16, ONE30
from escalation.kernel.jit import jit_parallel, jit_part
from escalation.model.expected_utility import STEEPEST

ACTUAL, PERCEIVED = 0, 1
UNBOUND = 2


@jit_part
def sigma(x):
    """Return the logistic function."""
    return 1.0 / (1.0 + math.exp(min(-x, STEEPEST)))


@jit_part
def log_sigma(x):
    """Return the log of the logistic function, to full precision at both ends."""
    return min(x, 0.0) - math.log1p(math.exp(-abs(x)))


@jit_part
def near(value, one):
    """Round to a fixed-point integer; what does not fit shows as an invalid entry."""
    return int(math.floor(value * one + 0.5)) if abs(value) * one < LARGEST else INVALID


@jit_part
def fill_one(gap, actual, seen, entry):
    """Fill one decision: two chances and two pieces of news."""
    entry[0] = near(sigma(actual - gap), ONE30)
    entry[1] = near(sigma(actual + gap), ONE30)
    entry[2] = near(log_sigma(-seen - gap) - log_sigma(gap - seen), ONE16)
    entry[3] = near(log_sigma(seen + gap) - log_sigma(seen - gap), ONE16)


@jit_parallel
def fill_decisions(x, decision, unbound, outlook):
    """Fill the decision tables of every cell of a block.

    Parameters
    ----------
    x : Inputs
        Numbers of the block.
    decision, unbound, outlook : int32 arrays
        Tables to fill, see :class:`escalation.contracts.tables.Tables`.
    """
    n_years, n_parties = decision.shape[1], decision.shape[6]
    for cell in numba.prange(decision.shape[0]):
        c = np.int64(cell)  # unsigned as it comes, which would compile all below a second time
        gap, pledge = x.type_gap[c], x.support_commitment[c]
        for year in range(n_years):
            for coerced in range(2):
                for stance in range(3):
                    for i in range(n_parties):
                        shift = -x.drift[c, stance, i] * year - coerced * x.wedge[c, i]
                        for n in range(3):
                            for row in range(WAR - 1 if stance == UNBOUND else 0, N_ROWS):
                                rung = min(row + 1, WAR)
                                supporter = max(row - (WAR - 1), 0)
                                more = shift + supporter * pledge
                                actual = x.joining[c, ACTUAL, stance, rung, n, i] + more
                                if stance == UNBOUND:
                                    entry = unbound[c, year, coerced, supporter, n, i]
                                    entry[0] = near(sigma(actual - gap), ONE30)
                                    entry[1] = near(sigma(actual + gap), ONE30)
                                    continue
                                seen = x.joining[c, PERCEIVED, stance, rung, n, i] + more
                                fill_one(
                                    gap, actual, seen, decision[c, year, coerced, stance, row, n, i]
                                )
                                if rung == WAR:
                                    view = outlook[c, year, coerced, stance, supporter, n]
                                    in_time = x.discount[c, stance, i]
                                    view[0, i] = near(sigma(seen - gap) * in_time, ONE15)
                                    view[1, i] = near(sigma(seen + gap) * in_time, ONE15)
