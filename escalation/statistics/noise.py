r"""Taking the Monte Carlo part out of draws, jointly for all structures.

The values of S structures in draw j are :math:`x_j = \theta_j + \epsilon_j`, with
:math:`\theta` the risk at the draw's parameters and :math:`\epsilon` chance. By the law of
total variance their covariance over draws is T = P + N, N the mean Monte Carlo covariance
(known from replicates) and P that of the parameters. Given what was seen, by the normal
empirical Bayes rule (Efron and Morris 1973), theta is

.. math:: \theta_j \mid x_j \sim N\bigl(\bar x + K (x_j - \bar x),\; P - K P\bigr),
          \qquad K = P\, T^{-1}.

*Plausible values* are R draws from it for every j (the term is Mislevy's, 1991). Their
spread over draws is that of the parameters alone, P; with little chance they are the values
themselves, and with much chance they do not pretend to know the sign of a difference in a
single draw. Directions in which N exceeds T have no spread.

Sums in floating point leave about 1e-17 where the exact difference is nothing; `apart` takes
that for the zero it is, so that no sign is read off rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TINY = 1e-10
ROUNDING = 1e-12
"""Part of two numbers below which their difference is rounding."""


@dataclass(frozen=True)
class Cleaned:
    """Draws of all structures with the Monte Carlo part of their spread removed.

    Attributes
    ----------
    centre : array (structure, draw)
        What is expected of each draw given its value.
    plausible : array (structure, draw, R)
        Plausible values.
    """

    centre: np.ndarray
    plausible: np.ndarray


def noise_covariance(errors: np.ndarray) -> np.ndarray:
    """Mean Monte Carlo covariance of one draw, shape (structure, structure).

    Parameters
    ----------
    errors : array (structure, draw, replicate)
        See :mod:`escalation.analysis.risks`. Draws in which one is not known are left out.
    """
    kept = errors[:, np.isfinite(errors).all(axis=(0, 2))]
    flat = kept.reshape(len(errors), -1)
    return flat @ flat.T / max(kept.shape[1], 1)


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a - b, with exactly zero where they differ by rounding only.

    >>> apart(np.array([0.1 + 0.2]), np.array([0.3])).tolist()
    [0.0]
    """
    size = np.maximum(np.abs(a), np.abs(b))
    return np.where(np.abs(a - b) <= ROUNDING * size, 0.0, a - b)


def cleaned(
    values: np.ndarray, noise: np.ndarray, rng: np.random.Generator, copies: int = 16
) -> Cleaned:
    """Remove the Monte Carlo part of the spread over draws.

    Structures whose values are the same in every draw stay the same. Fewer than three draws
    come back as they are: they say nothing about a spread.

    Parameters
    ----------
    values : array (structure, draw)
        Without NaN.
    noise : array (structure, structure)
        From `noise_covariance`.
    rng : Generator
        Of the plausible values.
    copies : int
        Plausible values per draw, an even number.
    """
    n = values.shape[1]
    if n < 3:
        return Cleaned(values, np.repeat(values[..., None], copies, axis=2))
    _, first, where = np.unique(values, axis=0, return_index=True, return_inverse=True)
    few = values[first]
    mean = few.mean(axis=1, keepdims=True)
    total = np.atleast_2d(np.cov(few))
    parameter = positive_part(total - noise[np.ix_(first, first)])
    gain = parameter @ np.linalg.pinv(total, rcond=_TINY, hermitian=True)
    centre = mean + gain @ (few - mean)
    half = rng.standard_normal((len(few), n, copies // 2))
    steps = np.tensordot(root_of(parameter - gain @ parameter), half, 1)
    plausible = centre[..., None] + np.concatenate([steps, -steps], axis=2)
    return Cleaned(centre[where.ravel()], plausible[where.ravel()])


def positive_part(matrix: np.ndarray) -> np.ndarray:
    """Nearest covariance: negative eigenvalues of a symmetric matrix set to zero."""
    root = root_of(matrix)
    return root @ root.T


def root_of(matrix: np.ndarray) -> np.ndarray:
    """Return R with R R' the positive part of a symmetric matrix."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return vectors * np.sqrt(np.maximum(values, 0.0))
