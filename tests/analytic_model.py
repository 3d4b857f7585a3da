r"""A probability with known Sobol indices, seen through binomial counts.

Of independent uniform parameters, with :math:`w_i = u_i - 1/2`,

.. math:: p = c + \sum_i a_i w_i + q (w_3^2 - 1/12) + b\, w_1 w_2 + \ldots

All further parameters are inert. The parts are orthogonal, and their variances are
:math:`a_i^2 / 12`, :math:`q^2 / 180` and :math:`b^2 / 144`; so V, S and T are sums of them. A share
of n trials has the mean Monte Carlo variance :math:`E[p (1 - p)] / n = (c (1 - c) - V) / n`.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import qmc

CENTRE = 0.5
SLOPES = (0.20, -0.16, 0.12, 0.08, 0.04)
SQUARE = (2, 0.30)
"""Parameter, and q."""
PRODUCTS = ((0, 1, 0.40), (0, 3, 0.16))
"""Two parameters, and b."""


def names(d: int) -> tuple[str, ...]:
    """Names of `d` parameters."""
    return tuple(f"p{k:02d}" for k in range(d))


def uniforms(n: int, d: int, seed: int, sobol: bool = True) -> np.ndarray:
    """Return `n` points in the unit cube: of a scrambled Sobol sequence, or independent."""
    rng = np.random.default_rng([seed, 1])
    u = qmc.Sobol(d, rng=rng).random(n) if sobol else rng.random((n, d))
    return np.clip(u, 2.0**-40, 1.0 - 2.0**-40)


def probability(u: np.ndarray) -> np.ndarray:
    """Return p at points of the unit cube, shape (n, d) -> (n,)."""
    w = u - 0.5
    p = CENTRE + w[:, : len(SLOPES)] @ np.array(SLOPES)
    k, q = SQUARE
    p += q * (w[:, k] ** 2 - 1.0 / 12.0)
    for i, j, b in PRODUCTS:
        p += b * w[:, i] * w[:, j]
    return p


def observed(u: np.ndarray, trials: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of binomial trials and unbiased estimates of their variance."""
    share = np.random.default_rng([seed, 2]).binomial(trials, probability(u)) / trials
    return share, share * (1.0 - share) / (trials - 1)


def variance() -> float:
    """Return V."""
    single, double = _parts(len(SLOPES))
    return float(single.sum() + double.sum() / 2)


def noise_variance(trials: int) -> float:
    """Return the mean Monte Carlo variance."""
    return (CENTRE * (1.0 - CENTRE) - variance()) / trials


def first_order(d: int) -> np.ndarray:
    """Return S, shape (d,)."""
    return _parts(d)[0] / variance()


def total(d: int) -> np.ndarray:
    """Return T, shape (d,)."""
    single, double = _parts(d)
    return (single + double) / variance()


def _parts(d: int) -> tuple[np.ndarray, np.ndarray]:
    """Variances of each parameter alone and of its products, shape (d,)."""
    single, double = np.zeros(d), np.zeros(d)
    single[: len(SLOPES)] = np.array(SLOPES) ** 2 / 12.0
    k, q = SQUARE
    single[k] += q**2 / 180.0
    for i, j, b in PRODUCTS:
        double[[i, j]] += b**2 / 144.0
    return single, double
