r"""A polynomial surrogate of an outcome, fitted to the draws at hand.

With the normal scores z of the parameters (:mod:`escalation.statistics.polynomials`), an output
f is approximated by a sparse polynomial chaos (Blatman and Sudret 2011)

.. math:: f(z) \approx c_0 + \sum_\alpha c_\alpha \psi_\alpha(z),

whose terms are :math:`\psi_1, \psi_2, \psi_3` of every parameter and, among the ten that
matter most one by one, the products :math:`\psi_1\psi_1` and :math:`\psi_1\psi_2`. Terms enter
by forward selection (orthogonal least squares, Chen, Billings and Luo 1989). Of m candidates k
are kept such that the extended Bayesian information criterion (Chen and Chen 2008, with its
weight at 1 and the residual variance freed of bias)

.. math:: n \log\frac{RSS_k}{n - k - 1} + k \log n + 2 \log \binom{m}{k}

is least. It charges for the choice among many candidates, which a leave-one-out error does not, so
that from 64 draws of 90 parameters, or from noise, few terms or none are kept.

What the surrogate explains is cross-validated in five folds, selection included: with the
squared error E of draws left out, the mean Monte Carlo variance :math:`\bar v` of the output
and :math:`V = Var(y) - \bar v`, it is the share :math:`1 - (E - \bar v) / V`. Where that is
not above zero, the mean predicts as well and no term is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from escalation.errors import InputError
from escalation.statistics.design import DEGREE, REACH, Design, powers_of
from escalation.statistics.polynomials import hermite

LEADING = 10
"""Parameters whose products are candidates."""
MOST_TERMS = 60
FOLDS = 5
PATIENCE = 6
"""Steps without a better criterion before the search ends."""

Term = tuple[tuple[int, int], ...]
"""A product of Hermite polynomials: pairs of (column of the design, degree)."""


def checked_output(
    design: Design, y: np.ndarray, noise: np.ndarray | float | None, label: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return an output and its Monte Carlo variance as float arrays, shape (n,) each.

    Raises
    ------
    InputError
        Of another length than the design, not finite, constant, or of negative variance.
    """
    values, variance = design.checked(np.stack([
        np.asarray(y, float),
        np.broadcast_to(np.asarray(0.0 if noise is None else noise, float), np.shape(y)),
    ]), [label, f"{label}, Monte Carlo variance"])  # fmt: skip
    if np.ptp(values) == 0.0:
        raise InputError(f"outcome {label}: the same value, {values[0]:g}, in all draws")
    if variance.min() < 0.0:
        worst = int(variance.argmin())
        raise InputError(f"outcome {label}: negative Monte Carlo variance in draw {worst}")
    return values, variance


@dataclass(frozen=True)
class Surrogate:
    """A polynomial in normal scores that stands for an output.

    Attributes
    ----------
    design : Design
        The draws that it was fitted to.
    terms : tuple of Term
        Its terms, in the order of their selection.
    constant : float
        Coefficient of 1.
    coefficients : float array, shape (term,)
        Coefficients of the terms.
    explained : float
        Cross-validated share of the output's parameter variance, 0 to 1.
    error : float
        Mean squared error of draws left out, Monte Carlo error included.
    """

    design: Design
    terms: tuple[Term, ...]
    constant: float
    coefficients: np.ndarray
    explained: float
    error: float

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the output at other values of the parameters, shape (m, d) -> (m,).

        Between draws the score is interpolated; beyond them it stays at that of the last.
        """
        names = self.design.names
        z = np.stack([self.design.scores_at(n, v) for n, v in zip(names, x.T, strict=True)], -1)
        return self.constant + self.coefficients @ values_of(self.terms, powers_of(z))

    def mean_over(self, a: str, b: str, xa: np.ndarray, xb: np.ndarray) -> np.ndarray:
        """Average over all parameters but two, which are taken as independent of the others.

        Parameters
        ----------
        a, b : str
            The two parameters.
        xa, xb : float array, shape (p,) and (q,)
            Their values.

        Returns
        -------
        float array, shape (p, q)
            E[f | a, b]: only terms of `a` and `b` alone have a mean that is not zero.

        Raises
        ------
        InputError
            An unknown parameter, or the same one twice.
        """
        if a == b:
            raise InputError(f"two parameters are needed, not {a!r} twice")
        design = self.design
        axis = {design.column(a): 0, design.column(b): 1}
        grid = np.meshgrid(design.scores_at(a, xa), design.scores_at(b, xb), indexing="ij")
        powers = hermite(np.stack(grid, -1), REACH)
        found = np.full(grid[0].shape, self.constant)
        for term, c in zip(self.terms, self.coefficients, strict=True):
            if all(k in axis for k, _ in term):
                found += c * np.prod([powers[..., axis[k], e - 1] for k, e in term], axis=0)
        return found


def fit_surrogate(
    design: Design,
    y: np.ndarray,
    noise: np.ndarray | float | None = None,
    *,
    label: str = "output",
) -> Surrogate:
    """Fit a sparse polynomial to an output.

    Parameters
    ----------
    design : Design
        Draws of the parameters.
    y : float array, shape (n,)
        Estimates of the output in the draws.
    noise : float array, shape (n,), or float, optional
        Their Monte Carlo variance; none by default.
    label : str
        The output's name, for messages.

    Raises
    ------
    InputError
        As :func:`checked_output`.
    """
    values, variance = checked_output(design, y, noise, label)
    error = _error_left_out(design.powers, values)
    spread = float(values.var(ddof=1))
    if error >= spread or spread <= variance.mean():
        return Surrogate(design, (), float(values.mean()), np.zeros(0), 0.0, spread)
    unexplained = max(0.0, error - float(variance.mean())) / (spread - float(variance.mean()))
    return Surrogate(design, *_fitted(design.powers, values), 1.0 - unexplained, error)


def values_of(terms: Sequence[Term], powers: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """Return the values of terms, shape (term, n), from polynomials, shape (d, degree, n)."""
    found = np.ones((len(terms), powers[0].shape[1]))
    for row, term in zip(found, terms, strict=True):
        for k, degree in term:
            row *= powers[k][degree - 1]
    return found


def _fitted(powers: np.ndarray, y: np.ndarray) -> tuple[tuple[Term, ...], float, np.ndarray]:
    """Choose terms and fit them; returns terms, constant, coefficients."""
    candidates = _candidates(powers, y)
    rows = values_of(candidates, powers)
    chosen = _selected(rows, y, min(MOST_TERMS, len(y) // 5))
    with_one = np.column_stack([np.ones(len(y)), rows[chosen].T])
    coefficients = np.linalg.lstsq(with_one, y, rcond=None)[0]
    return tuple(candidates[k] for k in chosen), float(coefficients[0]), coefficients[1:]


def _candidates(powers: np.ndarray, y: np.ndarray) -> list[Term]:
    alone = (powers[:, :DEGREE] @ (y - y.mean())) ** 2
    leading = sorted(np.argsort(-alone.sum(axis=1), kind="stable")[:LEADING].tolist())
    found: list[Term] = [((k, e),) for k in range(len(powers)) for e in range(1, DEGREE + 1)]
    for a, b in combinations(leading, 2):
        found += [((a, e), (b, f)) for e, f in ((1, 1), (1, 2), (2, 1))]
    return found


def _selected(rows: np.ndarray, y: np.ndarray, most: int) -> list[int]:
    """Return the rows of (candidate, n) that forward selection keeps, in their order."""
    m, n = rows.shape
    basis = np.full((most + 1, n), 1.0 / np.sqrt(n))
    residual = y - y.mean()
    score = rows @ residual
    # Squared length of each candidate that the chosen ones do not span.
    left = (rows**2).sum(axis=1) - (rows @ basis[0]) ** 2
    floor = 1e-3 * left
    chosen: list[int] = []
    exact = 1e-12 * float(residual @ residual)
    criterion = [_criterion(residual, 0, m)]
    while len(chosen) < most and len(chosen) - int(np.argmin(criterion)) < PATIENCE:
        if residual @ residual <= exact:
            break
        gain = np.where(left > floor, score**2 / np.maximum(left, floor), 0.0)
        chosen.append(int(gain.argmax()))
        k = len(chosen)
        added = rows[chosen[-1]] - (basis[:k] @ rows[chosen[-1]]) @ basis[:k]
        basis[k] = added / np.sqrt(added @ added)
        step = basis[k] @ residual
        residual = residual - step * basis[k]
        along = rows @ basis[k]
        score, left = score - step * along, left - along**2
        criterion.append(_criterion(residual, k, m))
    return chosen[: int(np.argmin(criterion))]


def _criterion(residual: np.ndarray, k: int, m: int) -> float:
    from scipy.special import gammaln

    n = len(residual)
    ways = gammaln(m + 1) - gammaln(k + 1) - gammaln(m - k + 1)
    variance = max(float(residual @ residual), 1e-300) / (n - k - 1)
    return float(n * np.log(variance) + k * np.log(n) + 2.0 * ways)


def _error_left_out(powers: np.ndarray, y: np.ndarray) -> float:
    """Return the mean squared error of draws left out, chosen and fitted without them."""
    # A fixed shuffle: draws may come in an order, as in a chain.
    fold = np.random.default_rng(0).permutation(len(y)) % FOLDS
    error = np.zeros(len(y))
    for k in range(FOLDS):
        out = fold == k
        terms, constant, coefficients = _fitted(powers[:, :, ~out], y[~out])
        error[out] = y[out] - constant - coefficients @ values_of(terms, powers[:, :, out])
    return float((error**2).mean())
