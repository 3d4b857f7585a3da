r"""Under which conditions the ranking of two structures is reversed: scenario discovery.

The draws in which the sign of the difference d contradicts that of its mean are *of interest*.
A box, given by limits on few parameters, is judged by

.. math::

    \text{coverage} = \frac{\#(\text{of interest and inside})}{\#(\text{of interest})}, \qquad
    \text{density} = \frac{\#(\text{of interest and inside})}{\#(\text{inside})},

and by its support, the share of draws inside (Bryant and Lempert 2010).

Screening
    Only parameters whose distribution differs between draws of interest and the others take
    part: two-sample Kolmogorov-Smirnov test at 5 % divided by the number of parameters
    (Hornberger and Spear 1981). What acts in combination only, with no trace by itself, is not
    seen; name it among the candidates.
Peeling
    The patient rule induction method (Friedman and Fisher 1999): of all ways to cut 5 % of the
    draws inside off one side of one parameter take the one that leaves the largest density,
    until 5 % of all draws, or ten, are left. Limits lie midway between neighbouring draws.
    After four parameters only these are cut further. Nothing is pasted back.
Choice
    The box of the trajectory with the largest F1, the harmonic mean of coverage and density.
    Limits are then dropped, the weakest first, while one fails the quasi-p test.
Quasi-p test
    With the density q of the box without the limit, the chance of at least as many draws of
    interest as in the box, :math:`P(\mathrm{Bin}(\#\text{inside}, q) \ge \#\text{hits})`, must
    be at most 5 % (Bryant and Lempert 2010). It is only quasi a p-value: limits were chosen
    among many on the same draws.
Cross-validation
    All of this is repeated five times without a fifth of the draws, and each box is judged on
    the fifth that it has not seen. The pooled coverage and density are what a reader should
    expect; a fold without a box adds its draws of interest as missed. Where there is nothing to
    find, the rare box that is reported looks somewhat too good even so, because only such draws
    let it be reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from escalation.statistics.design import Design

PEEL = 0.05
MAX_RESTRICTED = 4
MIN_SHARE, MIN_INSIDE = 0.05, 10
LEVEL = 0.05
FOLDS = 5


@dataclass(frozen=True)
class Peel:
    """One box of the peeling trajectory.

    Attributes
    ----------
    low, high : array (candidate,)
        Limits, infinite where there is none.
    coverage, density, support : float
        Shares of draws.
    """

    low: np.ndarray
    high: np.ndarray
    coverage: float
    density: float
    support: float


@dataclass(frozen=True)
class Box:
    """Limits on a few parameters inside which the ranking is mostly reversed.

    Attributes
    ----------
    parameters : tuple of str
        Those restricted.
    low, high : array (restricted,)
        Limits in the parameters' units, infinite where there is none.
    coverage, density, support : float
        Shares of draws.
    base_rate : float
        Share of all draws that are of interest: the density to beat.
    cv_coverage, cv_density : float
        The same on draws not seen; density is NaN if no such draw lies in a box.
    p_values : array (restricted, 2)
        Quasi-p-values of the lower and the upper limit, NaN where there is none.
    candidates : tuple of str
        Parameters that took part in the peeling.
    trajectory : tuple of Peel
        From all draws to the last peel, for another trade of coverage against density.
    """

    parameters: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    coverage: float
    density: float
    support: float
    base_rate: float
    cv_coverage: float
    cv_density: float
    p_values: np.ndarray
    candidates: tuple[str, ...]
    trajectory: tuple[Peel, ...]

    def text(self) -> str:
        """Return the limits in words, such as ``stake > 0.12 and pact_delay_days > 9``."""
        return limits_text(self.parameters, self.low, self.high)


def limits_text(names: Sequence[str], low: np.ndarray, high: np.ndarray) -> str:
    """Return limits in words; ``everywhere`` if there are none.

    >>> limits_text(["a", "b"], np.array([0.1234, -np.inf]), np.array([np.inf, 1500.0]))
    'a > 0.123 and b < 1500'
    """
    parts = []
    for name, above, below in zip(names, low, high, strict=True):
        if np.isfinite(above) and np.isfinite(below):
            parts.append(f"{_number(above)} < {name} < {_number(below)}")
        elif np.isfinite(above):
            parts.append(f"{name} > {_number(above)}")
        elif np.isfinite(below):
            parts.append(f"{name} < {_number(below)}")
    return " and ".join(parts) or "everywhere"


def _number(value: float) -> str:
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e7 else f"{value:.3g}"


def find_box(
    design: Design,
    differences: np.ndarray,
    candidates: Sequence[str] | None = None,
    *,
    seed: int = 0,
) -> Box | None:
    """Find the box in which the ranking of two structures is reversed.

    Parameters
    ----------
    design : Design
        Parameter draws.
    differences : array (draw,)
        Risk of one structure minus that of the other, on the same draws.
    candidates : sequence of str, optional
        Parameters that may be restricted; those that pass the screening if not given.
    seed : int
        Of the folds of the cross-validation.

    Returns
    -------
    Box or None
        None if the ranking never changes or no limit stands the test.

    Raises
    ------
    InputError
        Unknown candidate, wrong shape, or a difference that is not a finite number.
    """
    d = design.checked(np.asarray(differences, float)[None], ["difference"])[0]
    interest = d > 0 if d.mean() < 0 else d < 0
    columns = None
    if candidates is not None:
        columns = [design.column(name) for name in dict.fromkeys(candidates)]
    found = _discover(design.values, interest, columns)
    if found is None:
        return None
    taken, trajectory, low, high = found
    x = design.values[:, taken]
    used = np.flatnonzero(np.isfinite(low) | np.isfinite(high))
    chosen = _judged(x, interest, low, high)
    cv_coverage, cv_density = _cross_validated(design.values, interest, columns, seed)
    names = tuple(design.names[i] for i in taken)
    return Box(
        parameters=tuple(names[i] for i in used),
        low=low[used],
        high=high[used],
        coverage=chosen.coverage,
        density=chosen.density,
        support=chosen.support,
        base_rate=float(interest.mean()),
        cv_coverage=cv_coverage,
        cv_density=cv_density,
        p_values=_quasi_p(x, interest, low, high)[used],
        candidates=names,
        trajectory=trajectory,
    )


_Found = tuple[np.ndarray, tuple[Peel, ...], np.ndarray, np.ndarray]


def _discover(
    values: np.ndarray, interest: np.ndarray, columns: Sequence[int] | None
) -> _Found | None:
    """Screen, peel, choose and prune; return candidates, trajectory and limits, if any stand."""
    if not interest.any() or interest.all():
        return None
    taken = _screened(values, interest) if columns is None else np.array(columns, int)
    if not len(taken):
        return None
    x = values[:, taken]
    trajectory = _peel(x, interest)
    best = trajectory[int(np.argmax([_f1(peel) for peel in trajectory]))]
    low, high = _pruned(x, interest, best.low, best.high)
    if not (np.isfinite(low).any() or np.isfinite(high).any()):
        return None
    return taken, trajectory, low, high


def _screened(values: np.ndarray, interest: np.ndarray) -> np.ndarray:
    """Return the columns that differ between the two groups of draws, clearest first."""
    from scipy.special import kolmogorov

    n, d = values.shape
    hits = int(interest.sum())
    order = np.argsort(values, axis=0, kind="stable")
    steps = np.where(interest, 1.0 / hits, -1.0 / (n - hits))[order]
    x = np.take_along_axis(values, order, axis=0)
    last = np.vstack([x[1:] > x[:-1], np.ones((1, d), bool)])
    gaps = np.abs(np.where(last, np.cumsum(steps, axis=0), 0.0)).max(axis=0)
    p = kolmogorov(gaps * np.sqrt(hits * (n - hits) / n))
    ranked = np.argsort(-gaps, kind="stable")
    return ranked[p[ranked] <= LEVEL / d]


def _peel(x: np.ndarray, interest: np.ndarray) -> tuple[Peel, ...]:
    """Return the trajectory over all columns, from all draws on."""
    n, d = x.shape
    fewest = max(MIN_INSIDE, int(np.ceil(MIN_SHARE * n)))
    low, high = np.full(d, -np.inf), np.full(d, np.inf)
    trajectory = [_judged(x, interest, low, high)]
    while True:
        inside = ((x > low) & (x < high)).all(axis=1)
        restricted = np.isfinite(low) | np.isfinite(high)
        open_to = restricted if restricted.sum() >= MAX_RESTRICTED else np.ones(d, bool)
        cut = _best_cut(x[inside], interest[inside], np.flatnonzero(open_to), fewest)
        if cut is None:
            return tuple(trajectory)
        column, upper, limit = cut
        low, high = low.copy(), high.copy()
        (high if upper else low)[column] = limit
        trajectory.append(_judged(x, interest, low, high))


def _best_cut(
    x: np.ndarray, interest: np.ndarray, columns: np.ndarray, fewest: int
) -> tuple[int, bool, float] | None:
    """Return column, side (upper?) and limit of the cut that leaves the largest density."""
    n, hits = len(x), int(interest.sum())
    order = np.argsort(x[:, columns], axis=0, kind="stable")
    best: tuple[float, int, bool, float] | None = None
    for upper in (False, True):
        rows = order[::-1] if upper else order
        ranked = np.take_along_axis(x[:, columns], rows, axis=0)
        size = _cut_sizes(ranked)
        lost = np.vstack([np.zeros(len(columns)), np.cumsum(interest[rows], axis=0)])
        left = np.maximum(n - size, 1)
        density = (hits - lost[size, np.arange(len(columns))]) / left
        density[n - size < fewest] = -1.0
        k = int(np.argmax(density))
        if density[k] >= 0 and (best is None or density[k] > best[0]):
            limit = (ranked[size[k] - 1, k] + ranked[size[k], k]) / 2
            best = (float(density[k]), int(columns[k]), upper, float(limit))
    return None if best is None else best[1:]


def _cut_sizes(ranked: np.ndarray) -> np.ndarray:
    """Return how many leading draws of every ranked column a cut takes: ties stay together."""
    n = len(ranked)
    wanted = max(1, int(PEEL * n))
    ahead = (ranked != ranked[wanted]).cumprod(axis=0).sum(axis=0)
    tied = (ranked == ranked[0]).sum(axis=0)
    return np.where(ahead > 0, ahead, tied)


def _judged(x: np.ndarray, interest: np.ndarray, low: np.ndarray, high: np.ndarray) -> Peel:
    inside = ((x > low) & (x < high)).all(axis=1)
    hits = float((inside & interest).sum())
    return Peel(
        low=low,
        high=high,
        coverage=hits / float(interest.sum()),
        density=hits / float(inside.sum()),
        support=float(inside.mean()),
    )


def _f1(peel: Peel) -> float:
    total = peel.coverage + peel.density
    return 2 * peel.coverage * peel.density / total if total else 0.0


def _quasi_p(x: np.ndarray, interest: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the quasi-p-value of every limit, shape (column, 2), NaN where there is none."""
    from scipy.stats import binom

    within = np.stack([x > low, x < high], axis=-1)
    p = np.full(within.shape[1:], np.nan)
    inside = within.all(axis=(1, 2))
    for column, side in np.argwhere(np.isfinite(np.stack([low, high], axis=-1))):
        rest = within.copy()
        rest[:, column, side] = True
        density = interest[rest.all(axis=(1, 2))].mean()
        p[column, side] = binom.sf(interest[inside].sum() - 1, inside.sum(), density)
    return p


def _pruned(
    x: np.ndarray, interest: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Drop limits, the weakest first, until all stand the quasi-p test."""
    low, high = low.copy(), high.copy()
    while True:
        p = _quasi_p(x, interest, low, high)
        if not (p > LEVEL).any():
            return low, high
        column, side = np.unravel_index(int(np.nanargmax(p)), p.shape)
        (high if side else low)[column] = np.inf if side else -np.inf


def _cross_validated(
    values: np.ndarray, interest: np.ndarray, columns: Sequence[int] | None, seed: int
) -> tuple[float, float]:
    """Return coverage and density on draws that took no part in finding the box."""
    n = len(values)
    fold = np.empty(n, int)
    # Draws of interest, few perhaps, are spread evenly over the folds.
    fold[np.lexsort((np.random.default_rng(seed).random(n), interest))] = np.arange(n) % FOLDS
    inside = np.zeros(n, bool)
    for k in range(FOLDS):
        found = _discover(values[fold != k], interest[fold != k], columns)
        if found is not None:
            taken, _, low, high = found
            x = values[:, taken]
            inside |= (fold == k) & ((x > low) & (x < high)).all(axis=1)
    hits = int((inside & interest).sum())
    return hits / int(interest.sum()), hits / int(inside.sum()) if inside.any() else float("nan")
