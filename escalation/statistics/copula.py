r"""Correlated priors: a Gaussian copula over the design's points; every prior stays as it is.

A source may say that two parameters rise together without saying how, so a correlation is
stated as Spearman's rank correlation :math:`r`, which no monotone change of scale moves. Under
a Gaussian copula it belongs to one correlation of normal scores (Kruskal 1958, Journal of the
American Statistical Association 53: 814-861),

.. math:: \rho = 2 \sin(\pi r / 6).

With :math:`R` the matrix of these, 1 on the diagonal and 0 for a pair that is not named, and
:math:`L L' = R` its Cholesky factor, points :math:`u` of independent uniform parameters become

.. math:: z = L \, \Phi^{-1}(u), \qquad u' = \Phi(z).

Rows of :math:`L` have length 1, so every :math:`z_k` is standard normal and every :math:`u'_k`
uniform: the prior's quantile function turns it into the same prior as before. Each point is
moved by itself, so more points still extend fewer; what is lost is some evenness, since
:math:`u'_k` mixes columns: below some thousand points it covers its prior about as well as
chance draws do, and better beyond. A prior clipped at bounds has ties there, which its rank
correlation feels. The first parameter of a group of correlated
ones keeps its points to the last bit, and so does whatever is correlated with nothing.

A Latin hypercube's own values can be kept too: the scores :math:`z_k` then only say in which
order the values of column :math:`k` come (Iman and Conover 1982, Communications in Statistics
B11: 311-334), which leaves ranks, and so rank correlations, as the copula has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

Pair: TypeAlias = tuple[str, str]

SMALLEST_EIGENVALUE = 1e-10
"""Below it a matrix counts as singular."""


def correlated(
    points: Mapping[str, np.ndarray], pairs: Mapping[Pair, float], keep_values: bool = False
) -> dict[str, np.ndarray]:
    """Return points of all parameters, correlated as stated.

    Parameters
    ----------
    points : mapping of str to float array, shape (draw,)
        Independent uniform points of every parameter, strictly between 0 and 1. Of two
        correlated parameters the earlier one keeps its points.
    pairs : mapping of (str, str) to float
        Rank correlations, possible ones (:func:`clashing`), of parameters in `points`.
    keep_values : bool
        Put the values of each parameter into another order instead of changing them.
    """
    result = dict(points)
    for group in _groups(pairs):
        names = [name for name in points if name in group]
        factor = np.linalg.cholesky(score_matrix(pairs, names))
        scores = [_normal_scores(points[name]) for name in names]
        for k, name in enumerate(names):
            if factor[k, :k].any():
                mixed = _mixed(factor[k, : k + 1], scores)
                result[name] = _in_order_of(mixed, points[name]) if keep_values else _share(mixed)
    return result


def score_matrix(pairs: Mapping[Pair, float], names: Sequence[str]) -> np.ndarray:
    """Return the correlations of the normal scores of `names`, shape (name, name)."""
    matrix = np.eye(len(names))
    for (a, b), rank_correlation in pairs.items():
        if a in names and b in names:
            i, j = names.index(a), names.index(b)
            matrix[i, j] = matrix[j, i] = 2.0 * np.sin(np.pi * rank_correlation / 6.0)
    return matrix


def clashing(pairs: Mapping[Pair, float]) -> list[tuple[str, ...]]:
    """Return the groups of parameters whose correlations no joint distribution has."""
    groups = [tuple(dict.fromkeys(n for p in pairs for n in p if n in g)) for g in _groups(pairs)]
    return [
        names for names in groups
        if np.linalg.eigvalsh(score_matrix(pairs, names))[0] < SMALLEST_EIGENVALUE
    ]


def _groups(pairs: Iterable[Pair]) -> list[set[str]]:
    """Return sets of parameters that hang together, over however many steps."""
    found: list[set[str]] = []
    for pair in pairs:
        touching = [group for group in found if group.intersection(pair)]
        found = [group for group in found if group not in touching]
        found.append(set(pair).union(*touching))
    return found


def _mixed(weights: np.ndarray, scores: Sequence[np.ndarray]) -> np.ndarray:
    # A matrix product may round a point differently when there are more of them.
    total = np.zeros_like(scores[0])
    for weight, score in zip(weights, scores, strict=False):
        total += weight * score
    return total


def _normal_scores(points: np.ndarray) -> np.ndarray:
    from scipy import special

    return special.ndtri(points)


def _share(scores: np.ndarray) -> np.ndarray:
    from scipy import special

    return special.ndtr(scores)


def _in_order_of(scores: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return `values` rearranged so that their ranks are those of `scores`."""
    result = np.empty_like(values)
    result[np.argsort(scores, kind="stable")] = np.sort(values)
    return result
