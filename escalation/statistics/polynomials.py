r"""Orthonormal polynomials of a sample's normal scores: the common ground of all surrogates.

The normal score of the value of rank k among n is :math:`z = \Phi^{-1}((k - 1/2) / n)`, ties
taking their mean rank. It depends on the order of the values only, so that a prior's tails
and units do not matter. With the probabilists' Hermite polynomials,

.. math:: \psi_d(z) = He_d(z) / \sqrt{d!}, \qquad E[\psi_d(Z)\,\psi_e(Z)] = 1_{d = e}

for a standard normal Z (Xiu and Karniadakis 2002).
"""

from __future__ import annotations

import numpy as np


def normal_scores(x: np.ndarray) -> np.ndarray:
    """Return the normal scores of each column, shape as `x`: (draw,) or (draw, parameter)."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    return ndtri((rankdata(x, axis=0) - 0.5) / len(x))


def hermite(z: np.ndarray, degree: int) -> np.ndarray:
    """Return the orthonormal Hermite polynomials 1 to `degree`, shape (*z.shape, degree).

    >>> hermite(np.array([2.0]), 2).round(4).tolist()
    [[2.0, 2.1213]]
    """
    return np.stack(polynomials(z, degree), axis=-1)


def polynomials(z: np.ndarray, degree: int) -> list[np.ndarray]:
    """Return the same, one array for each degree."""
    below, here = np.ones_like(z), z
    found = []
    for d in range(1, degree + 1):
        found.append(here)
        # He_{d+1} = z He_d - d He_{d-1}, each divided by the root of its factorial.
        below, here = here, (z * here - np.sqrt(d) * below) / np.sqrt(d + 1)
    return found
