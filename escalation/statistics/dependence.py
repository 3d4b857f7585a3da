r"""Dependence between parameters, seen in their normal scores: a Gaussian copula.

With correlation R of the scores z and :math:`s_i^{-2} = (R^{-1})_{ii}`,

.. math:: z_i - E[z_i | z_{\sim i}] = s_i^2 (R^{-1} z)_i,

which is independent of all other scores and has the standard deviation :math:`s_i`. R is taken
in blocks: within a block the sample correlation, shrunk by the intensity of Ledoit and Wolf
(2004); between blocks zero. Thus parameters drawn independently stay so, whatever their
correlation in the sample.
"""

from __future__ import annotations

import numpy as np

POINTS = 8192
"""Points of the copula that averages are taken over."""
CHANCE = 0.01
"""Of a link between independent parameters anywhere in a design."""


def copula_correlation(z: np.ndarray, joint: np.ndarray | None = None) -> np.ndarray:
    """Estimate the correlation of the population's normal scores, shape (d, d).

    Parameters
    ----------
    z : float array, shape (n, d)
        Normal scores.
    joint : bool array, shape (d,), optional
        Parameters that form one block; the others then stand alone. Left out, blocks are those
        that correlations beyond chance link.
    """
    from scipy.sparse.csgraph import connected_components

    linked = _linked(z) if joint is None else np.outer(joint, joint)
    _, block = connected_components(linked, directed=False)
    correlation = np.eye(z.shape[1])
    for b in np.flatnonzero(np.bincount(block) > 1):
        rows = np.flatnonzero(block == b)
        correlation[np.ix_(rows, rows)] = _shrunk(z[:, rows])
    return correlation


def _linked(z: np.ndarray) -> np.ndarray:
    """Return which correlations differ from zero, by Fisher's transform and Bonferroni."""
    from scipy.special import ndtri

    n, d = z.shape
    sample = np.corrcoef(z, rowvar=False).reshape(d, d)
    pairs = max(1, d * (d - 1) // 2)
    return np.abs(sample) > np.tanh(-ndtri(CHANCE / 2 / pairs) / np.sqrt(n - 3))


def _shrunk(z: np.ndarray) -> np.ndarray:
    n = len(z)
    unit = (z - z.mean(axis=0)) / z.std(axis=0)
    sample = unit.T @ unit / n
    apart = ~np.eye(len(sample), dtype=bool)
    spread = (unit**2).T @ unit**2 / n - sample**2
    intensity = min(1.0, spread[apart].sum() / n / (sample[apart] ** 2).sum())
    # Copies of one parameter would leave a matrix without an inverse.
    return np.where(apart, (1.0 - max(intensity, 1e-6)) * sample, 1.0)


def innovations(z: np.ndarray, correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the others do not tell of each score.

    Parameters
    ----------
    z : float array, shape (n, d)
        Normal scores.
    correlation : float array, shape (d, d)
        Their correlation.

    Returns
    -------
    float array, shape (n, d)
        Scores less their mean given the others, in standard deviations.
    float array, shape (d,)
        These standard deviations, 0 to 1.

    Examples
    --------
    >>> unit, sd = innovations(np.array([[1.0, 0.0]]), np.array([[1.0, 0.6], [0.6, 1.0]]))
    >>> unit.round(4).tolist(), sd.round(4).tolist()
    ([[1.25, -0.75]], [0.8, 0.8])
    """
    precision = np.linalg.inv(correlation)
    sd = 1.0 / np.sqrt(np.diag(precision))
    return z @ precision * sd, sd


def whitened(z: np.ndarray, correlation: np.ndarray) -> np.ndarray:
    """Return uncorrelated scores, each as close to its own as can be, shape (n, d)."""
    values, vectors = np.linalg.eigh(correlation)
    return z @ (vectors / np.sqrt(values) @ vectors.T)


def copula_points(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points of the copula, and each score drawn anew given the others of its point.

    Both have shape (POINTS, d).
    """
    rng = np.random.default_rng(0)
    z = rng.standard_normal((POINTS, len(correlation))) @ np.linalg.cholesky(correlation).T
    unit, sd = innovations(z, correlation)
    return z, z + sd * (rng.standard_normal(z.shape) - unit)
