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
    sd : array (structure,)
        Standard deviation over draws of what is due to the parameters.
    """

    centre: np.ndarray
    plausible: np.ndarray
    sd: np.ndarray


def noise_covariance(errors: np.ndarray) -> np.ndarray:
    """Mean Monte Carlo covariance of one draw, shape (structure, structure).

    Parameters
    ----------
    errors : array (structure, draw, replicate)
        Monte Carlo errors. Of two structures the draws count in which both are known.
    """
    known = np.isfinite(errors).all(axis=2)
    flat = np.where(known[..., None], errors, 0.0).reshape(len(errors), -1)
    both = known.astype(float) @ known.T
    return flat @ flat.T / np.maximum(both, 1.0)


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
    """Remove the Monte Carlo part of the spread over draws, jointly.

    Structures whose values are the same in every draw stay the same. The covariance over draws is
    that of the draws in which every structure has a value; where these are fewer than three,
    each structure is taken by itself.

    Parameters
    ----------
    values : array (structure, draw)
        NaN where a structure has none: it stays NaN, and the others of the draw are used.
    noise : array (structure, structure)
        From `noise_covariance`.
    rng : Generator
        Of the plausible values.
    copies : int
        Plausible values per draw, an even number.
    """
    known = np.isfinite(values)
    some = known.any(axis=1)
    if known[some].all(axis=0).sum() < 3:
        return cleaned_alone(values, noise.diagonal(), rng, copies)
    _, first, where = np.unique(
        np.nan_to_num(values[some], nan=-1.0), axis=0, return_index=True, return_inverse=True
    )
    first = np.flatnonzero(some)[first]
    few, seen = values[first], known[first]
    mean = np.nanmean(few, axis=1, keepdims=True)
    total = np.atleast_2d(np.cov(few[:, seen.all(axis=0)]))
    parameter = positive_part(total - noise[np.ix_(first, first)])
    half = rng.standard_normal((len(few), few.shape[1], copies // 2))
    centre = np.full(few.shape, np.nan)
    plausible = np.full((*few.shape, copies), np.nan)
    for pattern in np.unique(seen[:, seen.any(axis=0)], axis=1).T:
        at = np.ix_(pattern, (seen == pattern[:, None]).all(axis=0))
        block = np.ix_(pattern, pattern)
        gain = parameter[block] @ np.linalg.pinv(total[block], rcond=_TINY, hermitian=True)
        centre[at] = mean[pattern] + gain @ (few[at] - mean[pattern])
        steps = np.tensordot(root_of(parameter[block] - gain @ parameter[block]), half[at], 1)
        plausible[at] = centre[at][..., None] + np.concatenate([steps, -steps], axis=2)
    shapes = (values.shape, (*values.shape, copies), len(values))
    found = Cleaned(*(np.full(shape, np.nan) for shape in shapes))
    rows, sd = where.ravel(), np.sqrt(parameter.diagonal())
    found.centre[some], found.plausible[some] = centre[rows], plausible[rows]
    found.sd[some] = sd[rows]
    return found


def cleaned_alone(
    values: np.ndarray, noise: np.ndarray, rng: np.random.Generator, copies: int = 16
) -> Cleaned:
    """Remove the Monte Carlo part of the spread over draws, each structure by itself.

    The same random numbers serve all of them, so that equal structures stay equal. Fewer than
    three draws come back as they are: they say nothing about a spread.

    Parameters
    ----------
    values : array (structure, draw)
        NaN is left out.
    noise : array (structure,)
        Mean Monte Carlo variance of one draw.
    rng, copies
        As in `cleaned`.
    """
    known = np.isfinite(values)
    draws = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = np.nansum(values, axis=1, keepdims=True) / draws
    total = np.nansum((values - mean) ** 2, axis=1, keepdims=True) / np.maximum(draws - 1, 1)
    parameter = np.maximum(total - noise[:, None], 0.0)
    gain = np.where(total > 0, parameter / np.where(total > 0, total, 1.0), 1.0)
    gain = np.where(draws < 3, 1.0, gain)
    centre = mean + gain * (values - mean)
    half = rng.standard_normal((values.shape[1], copies // 2))
    steps = np.sqrt(parameter * (1.0 - gain))[..., None] * half
    plausible = centre[..., None] + np.concatenate([steps, -steps], axis=2)
    return Cleaned(centre, plausible, np.sqrt(parameter[:, 0]))


def positive_part(matrix: np.ndarray) -> np.ndarray:
    """Nearest covariance: negative eigenvalues of a symmetric matrix set to zero."""
    root = root_of(matrix)
    return root @ root.T


def root_of(matrix: np.ndarray) -> np.ndarray:
    """Return R with R R' the positive part of a symmetric matrix."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return vectors * np.sqrt(np.maximum(values, 0.0))
