r"""Weighted draws: how many they are worth, their quantiles, and the weights of a moved belief.

A belief is moved on the scale of normal scores :math:`z`, on which its prior is standard normal:
with the shift :math:`m` and the spread :math:`s` a draw gets

.. math:: w \propto \frac{\varphi((z - m) / s) / s}{\varphi(z)},

the ratio of the two densities, which is the same on every scale. As good as
:math:`(\sum w)^2 / \sum w^2` draws are left (Kish 1965, Survey Sampling).
"""

from __future__ import annotations

import math

import numpy as np


def effective(found: np.ndarray) -> float:
    """Return how many draws weighted ones are worth (Kish 1965).

    Examples
    --------
    >>> effective(np.array([0.5, 0.5, 0.0]))
    2.0
    """
    return float(found.sum() ** 2 / (found**2).sum())


def moved_log_ratio(scores: np.ndarray, shift: float, spread: float) -> np.ndarray:
    """Return the logarithm of the moved density over that of the prior.

    Examples
    --------
    >>> moved_log_ratio(np.array([-1.0, 0.0, 1.0]), 1.0, 1.0).tolist()
    [-1.5, -0.5, 0.5]
    """
    return 0.5 * (scores**2 - ((scores - shift) / spread) ** 2) - math.log(spread)


def weighted_quantile(values: np.ndarray, weights: np.ndarray, chance: float) -> float:
    """Return a quantile of weighted values; with equal weights that of numpy.

    Each value stands in the middle of its weight, the first at chance 0 and the last at 1, and the
    quantile is interpolated between them. Values without weight are left out.

    Examples
    --------
    >>> weighted_quantile(np.array([3.0, 1.0, 2.0, 4.0]), np.full(4, 0.25), 0.5)
    2.5
    """
    some = weights > 0
    order = np.argsort(values[some], kind="stable")
    sorted_values, sorted_weights = values[some][order], weights[some][order]
    middle = np.cumsum(sorted_weights) - sorted_weights / 2
    reach = middle[-1] - middle[0]
    if reach <= 0:
        return float(sorted_values[0])
    return float(np.interp(chance, (middle - middle[0]) / reach, sorted_values))
