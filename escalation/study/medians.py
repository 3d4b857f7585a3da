"""Medians and supports of the priors, without scipy.

Reading a study needs the median of an inline prior that names no default; a study is read
far more often than it is run, so this stays within the standard library.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from escalation.parameters.priors import (
    Beta,
    Gamma,
    LogNormal,
    Normal,
    Prior,
    TruncatedNormal,
    Uniform,
)

_STEPS = 200
_TERMS = 10_000
_LARGE_SHAPE = 1e4
"""Beyond this shape the closed approximations are exact to more digits than a prior has."""


def support(prior: Prior) -> tuple[float, float]:
    """Return the lower and upper end of what a prior can yield."""
    if isinstance(prior, Beta):
        return 0.0, 1.0
    if isinstance(prior, Uniform):
        return prior.low, prior.high
    if isinstance(prior, LogNormal | Gamma | TruncatedNormal):
        return 0.0, math.inf
    return -math.inf, math.inf


def median(prior: Prior) -> float | None:
    """Return the median of a prior, or None for a fixed one, which has none.

    Examples
    --------
    >>> from escalation.parameters.priors import LogNormal
    >>> median(LogNormal(median=3.5, sigma=0.3))
    3.5
    """
    if isinstance(prior, LogNormal):
        return prior.median
    if isinstance(prior, Normal):
        return prior.mean
    if isinstance(prior, Uniform):
        return (prior.low + prior.high) / 2
    if isinstance(prior, TruncatedNormal):
        return _truncated_normal_median(prior.mean, prior.sd)
    if isinstance(prior, Gamma):
        return _gamma_median(prior.shape) / prior.rate
    if isinstance(prior, Beta):
        return _beta_median(prior.a, prior.b)
    return None


def _truncated_normal_median(mean: float, sd: float) -> float:
    # Upper tail probabilities keep their digits when the mean lies far below zero.
    upper = 0.5 * math.erfc(-mean / (sd * math.sqrt(2)))
    if upper / 2 <= 0.0:
        return 0.0
    return max(0.0, mean - sd * NormalDist().inv_cdf(upper / 2))


def _bisect(rises: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if rises(middle) < 0.5:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _gamma_median(shape: float) -> float:
    if shape > _LARGE_SHAPE:
        return shape - 1 / 3 + 8 / (405 * shape)
    return _bisect(lambda x: _gamma_below(shape, x), 0.0, shape)


def _gamma_below(shape: float, x: float) -> float:
    """Regularised lower incomplete gamma function, by its power series."""
    if x <= 0.0:
        return 0.0
    term = total = 1.0 / shape
    for n in range(1, _TERMS):
        term *= x / (shape + n)
        total += term
        if term < total * 1e-16:
            break
    return total * math.exp(shape * math.log(x) - x - math.lgamma(shape))


def _beta_median(a: float, b: float) -> float:
    if min(a, b) > _LARGE_SHAPE:
        return (a - 1 / 3) / (a + b - 2 / 3)
    return _bisect(lambda x: _beta_below(a, b, x), 0.0, 1.0)


def _beta_below(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function, by its continued fraction."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _beta_below(b, a, 1.0 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(log_front + a * math.log(x) + b * math.log1p(-x)) / a
    return front * _beta_fraction(a, b, x)


def _beta_fraction(a: float, b: float, x: float) -> float:
    # Lentz's algorithm; `tiny` stands in for zero denominators.
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    value = d
    for n in range(1, _TERMS):
        even = n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n))
        odd = -(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1))
        for factor in (even, odd):
            d = 1.0 + factor * d
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = 1.0 + factor / c
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return value
