r"""Proper scores of probability forecasts, their differences, and calibration.

For probabilities :math:`p` over K categories of which :math:`y` happened:

log score
    :math:`\log \max(p_y, 10^{-7})` (Good 1952); larger is better.
Brier score
    :math:`\sum_k (p_k - 1[k = y])^2` (Brier 1950), over all categories, also when there are
    two; smaller is better.
ranked probability score
    :math:`\frac{1}{K-1} \sum_{k<K} (P_k - 1[y \le k])^2` with cumulative :math:`P_k`
    (Epstein 1969), for ordered categories; smaller is better.

All three are proper: stating what one believes is optimal (Gneiting and Raftery 2007).

The difference of two scores is the mean over the same rows; its standard error is that of
paired differences :math:`d_i`. Disputes of one pair of states are alike, so a second error
sums the deviations of a cluster before squaring (Liang and Zeger 1986),

.. math:: \mathrm{se}^2 = \frac{G}{G-1} \frac{1}{n^2} \sum_g \Big(\sum_{i \in g} (d_i - \bar d)\Big)^2 .
"""  # noqa: E501

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from escalation.statistics.intervals import jeffreys

FLOOR = 1e-7
"""Smallest probability that the log score takes; what was called impossible costs 16.1."""


def log_scores(probability: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Log probability of what happened, row by row.

    Parameters
    ----------
    probability : array, shape (n, K)
        Rows sum to one.
    outcome : int array, shape (n,)
        Category that happened, 0 to K - 1.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> log_scores(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 1])).round(2).tolist()
    [-0.69, -16.12]
    """
    return np.log(np.maximum(probability[np.arange(len(outcome)), outcome], FLOOR))


def brier_scores(probability: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Squared distance to what happened, row by row; as `log_scores`.

    >>> brier_scores(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 1])).tolist()
    [0.5, 2.0]
    """
    happened = np.eye(probability.shape[1])[outcome]
    return np.sum((probability - happened) ** 2, axis=1)


def ranked_probability_scores(probability: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Squared distance of cumulative probabilities over K - 1, row by row; as `log_scores`.

    >>> p = np.array([[0.0, 0.0, 1.0]])
    >>> [float(ranked_probability_scores(p, np.array([y]))[0]) for y in (0, 1, 2)]
    [1.0, 0.5, 0.0]
    """
    steps = probability.shape[1] - 1
    at_most = outcome[:, None] <= np.arange(steps)
    return np.sum((np.cumsum(probability, axis=1)[:, :steps] - at_most) ** 2, axis=1) / steps


def paired_difference(
    first: np.ndarray, second: np.ndarray, cluster: np.ndarray
) -> dict[str, float | None]:
    """Mean of first minus second, with two standard errors.

    Parameters
    ----------
    first, second : array, shape (n,)
        Scores of the same rows.
    cluster : array, shape (n,)
        Rows of one label may depend on each other.

    Returns
    -------
    dict
        ``mean``, ``se`` (rows independent) and ``se_clustered``; an error is None where there
        are fewer than two rows, or clusters.
    """
    d = np.asarray(first, float) - np.asarray(second, float)
    n = len(d)
    _, member = np.unique(np.asarray(cluster).astype(str), return_inverse=True)
    sums = np.bincount(member, weights=d - d.mean())
    groups = len(sums)
    clustered = groups > 1
    return {
        "mean": float(d.mean()),
        "se": float(d.std(ddof=1) / np.sqrt(n)) if n > 1 else None,
        "se_clustered": float(np.sqrt(groups / (groups - 1) * np.sum(sums**2)) / n)
        if clustered else None,
    }  # fmt: skip


@dataclass(frozen=True)
class Calibration:
    """Predicted against observed shares, in bins of nearly equal counts.

    Attributes
    ----------
    predicted, observed : array, shape (bins,)
        Mean probability and share of rows in which it happened.
    low, high : array, shape (bins,)
        Jeffreys interval of the observed share.
    n : int array, shape (bins,)
    """

    predicted: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


def calibration(
    probability: np.ndarray, happened: np.ndarray, *, bins: int = 10, level: float = 0.9
) -> Calibration:
    """Reliability curve of the probability of one event (Murphy and Winkler 1977).

    Parameters
    ----------
    probability : array, shape (n,)
    happened : bool array, shape (n,)
    bins : int
        At most so many; equal probabilities stay in one bin, so there may be fewer.
    level : float
        Of the intervals.
    """
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, bins + 1)[1:-1]))
    member = np.searchsorted(edges, probability, side="left")
    _, member = np.unique(member, return_inverse=True)
    n = np.bincount(member)
    hits = np.bincount(member, weights=np.asarray(happened, float))
    low, high = jeffreys(hits, n, level)
    predicted = np.bincount(member, weights=probability) / n
    return Calibration(predicted, hits / n, low, high, n)
