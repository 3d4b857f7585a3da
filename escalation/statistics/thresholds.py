r"""At which value of one parameter the ranking of two structures turns, the others averaged out.

With :math:`d` the risk of one structure minus that of another, the curve of
:mod:`escalation.statistics.curves` estimates

.. math:: f_i(t) = E[d \mid x_i = t]

from the draws at hand, and a threshold is a t with :math:`f_i(t) = 0`. The other
parameters keep all their uncertainty, which is what somebody faces who learns one parameter and
nothing else. With the others held at their centre, as in a sweep of one parameter at a time, the
sign may turn elsewhere if parameters interact or act in curves.

A point is *clear* if the curve differs from zero by more than two standard errors, and a
threshold counts only between neighbouring clear points of
opposite sign. Points are the draws between the 2 % and the 98 % quantile. Standard errors and
the 95 % interval come from the bootstrap: every resample has normal scores and a curve of its
own, of the degree chosen once. A resample whose curve does not turn between those quantiles
counts as turning at the nearer one, so an interval that reaches it has no limit on that side.

The flipped side of a threshold is where the curve contradicts the mean of d over all draws, up
to the next threshold. Thresholds are sorted by the mean of :math:`|f_i|` over the draws there
(zero elsewhere): with two structures to choose from, the part of EVPPI
(:mod:`escalation.statistics.information`) that is due to that side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from escalation.statistics.curves import fitted, smooth
from escalation.statistics.design import RIDGE, TAILS, Design, with_one

CENTRAL = 0.96
CLEAR_ERRORS = 2.0


@dataclass(frozen=True)
class Threshold:
    """A value at which the expected difference changes sign.

    Attributes
    ----------
    parameter : str
        Name.
    value, low, high : float
        Where, with its 95 % interval, in the parameter's unit.
    rises : bool
        Whether the structure is riskier than the other above the value, safer below it.
    share_beyond : float
        Share of draws on the flipped side.
    gain : float
        Mean over all draws of what taking the other structure on the flipped side saves.
    """

    parameter: str
    value: float
    low: float
    high: float
    rises: bool
    share_beyond: float
    gain: float


def find_thresholds(
    design: Design, differences: np.ndarray, parameters: Sequence[str] | None = None
) -> list[Threshold]:
    """Find the clear changes of sign along every parameter, largest gain first.

    Parameters
    ----------
    design : Design
        Parameter draws.
    differences : array (draw,)
        Risk of one structure minus that of another, on the same draws.
    parameters : sequence of str, optional
        Where to look; everywhere if not given.

    Returns
    -------
    list of Threshold
        Empty if nothing turns the ranking.

    Raises
    ------
    InputError
        Unknown parameter, wrong shape, or a difference that is not a finite number.
    """
    d = design.checked(np.asarray(differences, float)[None], ["difference"])
    fit = smooth(design, d)
    curves = fitted(design, fit)[:, 0]
    names = design.names if parameters is None else parameters
    found = [
        threshold
        for i in (design.column(name) for name in names)
        if curves[i].min() < 0 < curves[i].max()
        for threshold in _along(
            design, i, curves[i], _resampled(design, i, d[0], int(fit.degree[i, 0]))
        )
    ]
    return sorted(found, key=lambda t: -t.gain)


def curve_along(
    design: Design, differences: np.ndarray, parameter: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the curve of one parameter between its 2 and 98 % quantile, and those of resamples.

    Parameters
    ----------
    design : Design
    differences : array (draw,)
    parameter : str
        Name.

    Returns
    -------
    values : array (point,)
        Of the parameter, in its unit.
    curve : array (point,)
        Expected difference there.
    resampled : array (resample, point)

    Raises
    ------
    InputError
        As for `find_thresholds`.
    """
    d = design.checked(np.asarray(differences, float)[None], ["difference"])
    fit, i = smooth(design, d), design.column(parameter)
    x, first = np.unique(design.values[:, i], return_index=True)
    many = _resampled(design, i, d[0], int(fit.degree[i, 0]))
    central = _central(design.values[:, i], x)
    return x[central], fitted(design, fit)[i, 0, first][central], many[:, central]


def _along(
    design: Design, i: int, fitted_i: np.ndarray, many: np.ndarray
) -> list[Threshold]:
    """Find the thresholds of parameter `i`, given its curve and those of resamples."""
    x, first = np.unique(design.values[:, i], return_index=True)
    central = _central(design.values[:, i], x)
    points, many = x[central], many[:, central]
    roots = _clear_roots(points, fitted_i[first][central], CLEAR_ERRORS * many.std(axis=0))
    edges = np.array([-np.inf, *(root for root, _ in roots), np.inf])
    found = []
    for k, (root, rises) in enumerate(roots):
        low, high = np.quantile(_roots_near(points, many, root, rises), TAILS)
        share, gain = _flipped_side(design.values[:, i], fitted_i, edges[k : k + 3], rises)
        found.append(Threshold(design.names[i], root, float(low), float(high), rises, share, gain))
    return found


def _central(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    tail = (1 - CENTRAL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return (x >= low) & (x <= high)


def _resampled(design: Design, i: int, d: np.ndarray, degree: int) -> np.ndarray:
    """Fit to every resample; values at the distinct sorted draws, (resample, point).

    Scores are those of the resample: with the design's own, as in :func:`curves.refit`, 95 %
    intervals of a threshold cover 89 % (measured on the case of the tests).
    """
    from scipy.special import ndtri

    n = design.n
    order = np.argsort(design.values[:, i], kind="stable")
    begins = np.unique(design.values[order, i], return_index=True)[1]
    weights = np.add.reduceat(design.weights[:, order], begins, axis=1)
    sums = np.add.reduceat(design.weights[:, order] * d[order], begins, axis=1)
    middle = np.cumsum(weights, axis=1) - weights / 2
    z = ndtri(np.clip(middle, 0.5 / n, 1 - 0.5 / n))
    powers = with_one(z)[..., : degree + 1]
    turned = powers.transpose(0, 2, 1)
    gram = (turned * weights[:, None]) @ powers + RIDGE * np.eye(degree + 1)
    coefficients = np.linalg.solve(gram, turned @ sums[..., None])
    return (powers @ coefficients)[..., 0]


def _clear_roots(x: np.ndarray, f: np.ndarray, margin: np.ndarray) -> list[tuple[float, bool]]:
    """Return the roots between clear points of opposite sign, and whether f rises there."""
    clear = np.flatnonzero(np.abs(f) > margin)
    found = []
    for a, b in pairwise(clear):
        if (f[a] < 0) != (f[b] < 0):
            j = a + int(np.argmax((f[a + 1 : b + 1] < 0) != (f[a] < 0)))
            root = x[j] - f[j] * (x[j + 1] - x[j]) / (f[j + 1] - f[j])
            found.append((float(root), bool(f[b] > 0)))
    return found


def _roots_near(x: np.ndarray, many: np.ndarray, root: float, rises: bool) -> np.ndarray:
    """Return the root of every resampled curve nearest to `root` that turns the same way.

    `many` has shape (resample, point). Without such a root it is the end of the range that the
    curve's sign at `root` points to.
    """
    g = many if rises else -many
    turns = (g[:, :-1] < 0) & (g[:, 1:] >= 0)
    step = np.where(turns, g[:, 1:] - g[:, :-1], 1.0)
    roots = np.where(turns, x[:-1] - g[:, :-1] * np.diff(x) / step, np.inf)
    nearest = np.argmin(np.abs(roots - root), axis=1)
    here = g[:, int(np.argmin(np.abs(x - root)))]
    ends = np.where(here < 0, x[-1], x[0])
    return np.where(turns.any(axis=1), roots[np.arange(len(g)), nearest], ends)


def _flipped_side(
    values: np.ndarray, fitted_i: np.ndarray, edges: np.ndarray, rises: bool
) -> tuple[float, float]:
    """Return the share of draws on the flipped side and the gain there.

    `edges` holds the root's lower neighbour, the root, and its upper neighbour.
    """
    # The mean of the curve is the mean of d over all draws.
    above = rises != (fitted_i.mean() > 0)
    low, high = edges[1:] if above else edges[:2]
    beyond = (values > low) & (values <= high)
    return float(beyond.mean()), float(np.abs(fitted_i[beyond]).sum() / len(values))
