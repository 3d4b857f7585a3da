r"""Intervals for proportions, bounds for zero counts, and the two kinds of uncertainty.

For `x` hits in `n` trials at confidence :math:`1 - \alpha`:

Clopper-Pearson
    Beta quantiles :math:`B(\alpha/2; x, n-x+1)` and :math:`B(1-\alpha/2; x+1, n-x)`; exact,
    never covers less than stated.
Wilson
    the score interval; close to the stated coverage on average.
Jeffreys
    Beta quantiles of the posterior under B(1/2, 1/2), with 0 and 1 at the ends.

For no hit the one-sided upper bound solves :math:`(1 - p)^n = \alpha`.

Over draws, with :math:`p_j` estimated from :math:`n_j` trajectories, the law of total
variance splits the spread of the estimates into the mean Monte Carlo variance and the rest,
which is due to the parameters. The former is estimated without bias by
:math:`\hat p_j (1 - \hat p_j) / (n_j - 1)`. One trial alone does not tell its variance: there
that of a trial, pooled over the other draws, stands in.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from escalation.errors import InputError

FEW_HITS = 10
"""Hits in most draws below which a median over draws is too coarse: the mean stands for it."""


def _checked(hits: ArrayLike, trials: ArrayLike, level: float) -> tuple[np.ndarray, np.ndarray]:
    x = np.asarray(hits, float)
    n = np.asarray(trials, float)
    if not 0 < level < 1:
        raise InputError(f"confidence level must lie between 0 and 1, not {level!r}")
    if not np.all((x >= 0) & (x <= n)):
        raise InputError("hits must lie between 0 and the number of trials")
    return np.broadcast_arrays(x, n)[0], np.broadcast_arrays(x, n)[1]


def clopper_pearson(
    hits: ArrayLike, trials: ArrayLike, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Exact two-sided interval for a proportion.

    Parameters
    ----------
    hits, trials : array_like
        Counts; they broadcast against each other.
    level : float
        Confidence, two-sided.

    Returns
    -------
    low, high : array
        NaN where there was no trial.

    Raises
    ------
    InputError
        Hits outside [0, trials], or a level outside (0, 1).

    Examples
    --------
    >>> low, high = clopper_pearson(0, 20)
    >>> float(low), round(float(high), 4)
    (0.0, 0.1684)
    """
    from scipy.special import betaincinv

    x, n = _checked(hits, trials, level)
    tail = (1 - level) / 2
    low = np.where(x > 0, betaincinv(np.maximum(x, 1), n - x + 1, tail), 0.0)
    high = np.where(x < n, betaincinv(x + 1, np.maximum(n - x, 1), 1 - tail), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def jeffreys(
    hits: ArrayLike, trials: ArrayLike, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Equal-tailed posterior interval under the Jeffreys prior; as `clopper_pearson`."""
    from scipy.special import betaincinv

    x, n = _checked(hits, trials, level)
    tail = (1 - level) / 2
    low = np.where(x > 0, betaincinv(x + 0.5, n - x + 0.5, tail), 0.0)
    high = np.where(x < n, betaincinv(x + 0.5, n - x + 0.5, 1 - tail), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


Z95 = 1.96
"""Normal score of the ends of a 95 % interval."""


def wilson(
    hits: ArrayLike, trials: ArrayLike, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Score interval for a proportion; as `clopper_pearson`.

    >>> low, high = wilson(10, 50)
    >>> round(float(low), 4), round(float(high), 4)
    (0.1124, 0.3304)
    """
    x, n = _checked(hits, trials, level)
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    known = np.where(n > 0, n, np.nan)
    p = x / known
    centre = (p + z2 / (2 * known)) / (1 + z2 / known)
    half = np.sqrt(z2 * p * (1 - p) / known + z2**2 / (4 * known**2)) / (1 + z2 / known)
    low = np.where(x == 0, 0.0 * known, centre - half)
    high = np.where(x == n, 1.0 + 0.0 * known, centre + half)
    return low, high


def zero_upper_bound(trials: ArrayLike, level: float = 0.95) -> np.ndarray:
    """One-sided upper bound of a probability after `trials` trials without a hit.

    1 where there was no trial: nothing is excluded then.

    >>> round(float(zero_upper_bound(20)), 4)
    0.1391
    """
    n = np.asarray(trials, float)
    if not 0 < level < 1:
        raise InputError(f"confidence level must lie between 0 and 1, not {level!r}")
    if np.any(n < 0):
        raise InputError("the number of trials must not be negative")
    with np.errstate(divide="ignore"):
        return -np.expm1(np.log1p(-level) / n)


def zero_rate_bound(exposure: ArrayLike, level: float = 0.95) -> np.ndarray:
    """One-sided upper bound of a Poisson rate after `exposure` without an event."""
    if not 0 < level < 1:
        raise InputError(f"confidence level must lie between 0 and 1, not {level!r}")
    with np.errstate(divide="ignore"):
        return -np.log1p(-level) / np.asarray(exposure, float)


def binomial_se(hits: ArrayLike, trials: ArrayLike) -> np.ndarray:
    """Standard error sqrt(p (1 - p) / (n - 1)) of a proportion; NaN below two trials.

    >>> float(binomial_se(1, 2))
    0.5
    """
    n = np.asarray(trials, float)
    n = np.where(n > 1, n, np.nan)
    p = np.asarray(hits, float) / n
    return np.sqrt(p * (1 - p) / (n - 1))


def replicate_scale(trials: ArrayLike) -> np.ndarray:
    r"""Factor that makes sums of squares over replicates unbiased, shape (...,).

    With :math:`t_b` trials in replicate b and T in all, :math:`\sum_b (h_b - p\, t_b)^2 / T^2` is
    on average the variance of p times :math:`1 - \sum_b t_b^2 / T^2`: a B-th less than all of it
    for B equal replicates. NaN where fewer than two have a trial, which tells nothing.

    >>> float(replicate_scale([5, 5]))
    2.0
    """
    t = np.asarray(trials, float)
    total = t.sum(axis=-1)
    share = 1.0 - (t**2).sum(axis=-1) / np.where(total > 0, total, np.nan) ** 2
    return 1.0 / np.where((t > 0).sum(axis=-1) > 1, share, np.nan)
