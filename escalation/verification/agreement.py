r"""Whether counts agree with an exact distribution.

Pearson's :math:`X^2 = \sum (o - e)^2 / e` over outcomes expected at least 25 times; the rarer
ones count as one outcome, and are also compared on their own by an exact binomial test where
that one is still rare. An outcome that was seen though it cannot happen gives p = 0. Over m
tests Holm's procedure keeps the chance of any false alarm at or below the level: the i-th
smallest p fails if it and all smaller ones are at most level / (m - i + 1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEAST = 25.0


class Agreement(NamedTuple):
    """How well counts agree with their distribution.

    Attributes
    ----------
    n : int
        Observations.
    classes : int
        Outcomes compared, rare ones as one.
    chi_square, degrees, p : float, int, float
        Pearson's statistic, its degrees of freedom, and the p-value.
    largest : float
        Largest standardised difference :math:`(o - e) / \\sqrt{e (1 - e / n)}`, with sign.
    where : int
        Outcome that it belongs to; -1 for the rare ones together.
    """

    n: int
    classes: int
    chi_square: float
    degrees: int
    p: float
    largest: float
    where: int


def compare(seen: np.ndarray, chance: np.ndarray) -> Agreement:
    """Compare counts with the chances of their outcomes.

    Parameters
    ----------
    seen : int array, shape (outcome,)
        Counts.
    chance : float array, shape (outcome,)
        Exact chances; they sum to one.
    """
    from scipy.stats import chi2

    n = int(seen.sum())
    expected = n * np.maximum(chance, 0.0)
    impossible = np.flatnonzero((expected == 0.0) & (seen != 0))
    if len(impossible):
        where = int(impossible[0])
        return Agreement(n, len(impossible), np.inf, 1, 0.0, np.inf, where)
    often = np.flatnonzero(expected >= LEAST)
    o, e, where_of = seen[often].astype(float), expected[often], often
    rare_seen, rare = int(seen.sum() - o.sum()), float(expected.sum() - e.sum())
    p_rare = 1.0
    if rare >= LEAST:
        o, e, where_of = np.append(o, rare_seen), np.append(e, rare), np.append(where_of, -1)
    elif len(e):
        p_rare = _binomial(rare_seen, n, rare / n)
        least = int(np.argmin(e))
        o[least] += rare_seen
        e[least] += rare
    chi_square, degrees = float(((o - e) ** 2 / e).sum()), max(len(o) - 1, 1)
    z = (o - e) / np.sqrt(e * np.maximum(1.0 - e / n, 1.0 / n))
    top = int(np.argmax(np.abs(z)))
    p = float(chi2.sf(chi_square, degrees))
    if rare > 0.0 and rare < LEAST:
        p = min(1.0, 2.0 * min(p, p_rare))
    return Agreement(n, len(o), chi_square, degrees, p, float(z[top]), int(where_of[top]))


def _binomial(seen: int, n: int, chance: float) -> float:
    """Return the two-sided p-value of a count, twice the smaller tail."""
    from scipy.stats import binom

    low, high = binom.cdf(seen, n, chance), binom.sf(seen - 1, n, chance)
    return float(min(1.0, 2.0 * min(low, high)))


def together(parts: list[Agreement]) -> Agreement:
    """Return independent comparisons as one: sum of statistics and of degrees of freedom."""
    from scipy.stats import chi2

    chi_square, degrees = sum(a.chi_square for a in parts), sum(a.degrees for a in parts)
    largest = max((a.largest for a in parts), key=abs)
    n, classes = sum(a.n for a in parts), sum(a.classes for a in parts)
    p = float(chi2.sf(chi_square, degrees))
    return Agreement(n, classes, chi_square, degrees, p, largest, -1)


def failures(p: list[float], level: float) -> list[bool]:
    """Return which tests fail at a family-wise level, by Holm's procedure."""
    order = np.argsort(p, kind="stable")
    failed = [False] * len(p)
    for rank, k in enumerate(order):
        if p[k] > level / (len(p) - rank):
            break
        failed[k] = True
    return failed
