r"""Which parameters an output depends on: variance shares from the draws at hand, noise removed.

An output is seen as :math:`y_j = f(x_j) + e_j` with Monte Carlo errors of known variance
:math:`v_j`. Under the joint distribution of the parameters, with V = Var f,

.. math:: S_i = Var(E[f | x_i]) / V, \qquad T_i = E[Var(f | x_{\sim i})] / V

(Sobol 1993; Homma and Saltelli 1996). For dependent parameters (Kucherenko, Tarantola and Annoni
2012; Mara and Tarantola 2012) :math:`S_i` holds what correlation carries as well, and
:math:`T_i` is what is left once all others are known; T may then be below S.

Both are sums of squares of projections on orthonormal functions. For S these are the
:math:`\psi_1` to :math:`\psi_5` of :math:`z_i`. For T they are those of
:math:`\tilde z_i = (z_i - E[z_i | z_{\sim i}]) / s_i`, which in a Gaussian copula is independent
of all other scores, and its products with functions of the others. With the surrogate g of k terms
(:mod:`escalation.statistics.surrogate`) and its residual r, the projection on a function
:math:`\phi` is

.. math:: \hat b = E[g\,\phi] + \frac{1}{n - k - 1} \sum_j r_j \phi(z_j),

so that it errs by the residual only, not by the spread of the output, and does not depend on
whether the surrogate found the term. It is linear in the errors; its variance :math:`s^2` follows
from the residuals over :math:`\sqrt{1 - h_j}`, with leverages h (White 1980; MacKinnon and White
1985), scaled up to the error of draws left out, because selection makes residuals small. Since
:math:`E[\hat b^2] = b^2 + s^2`, squares are taken as :math:`\hat b^2 - s^2`.

The *estimate* counts the terms that the surrogate found. The *interval* is that of the sum
over those and over all that it did not find: for S every :math:`\psi_1` to :math:`\psi_5`, for T
also every product :math:`\tilde z_i z_j`. It is the delta method's for the ratio to V, with at
least the variance :math:`2 s^4` that a square has around zero. A parameter of which nothing was
found has the estimate 0 and an upper end that says how much could have been missed. Other
functions that were not found (of three parameters, or that swing often) are in neither. They are
part of what the surrogate does not explain, and any parameter may own all of that: `total_limit`
adds it.

The intervals take the spread of every parameter as that of the draws, which a Sobol design makes
nearly exact. Jointly drawn parameters are independent draws of a posterior instead, and the error
of the surrogate's moments that this brings is added. For them averages run over points of the
copula, in T with :math:`z_i` drawn anew given the others, and products that were not found
count approximately.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from escalation.errors import InputError
from escalation.statistics.design import REACH, Design
from escalation.statistics.surrogate import Surrogate, checked_output, fit_surrogate, values_of


@dataclass(frozen=True)
class Sensitivity:
    """Variance shares of an output.

    Attributes
    ----------
    names : tuple of str
        Parameters.
    first, first_low, first_high : float array, shape (d,)
        First-order index S and its interval, 0 to 1.
    total, total_low, total_high : float array, shape (d,)
        Total index T and its interval, 0 to 1.
    explained : float
        Cross-validated share of the parameter variance that the surrogate explains.
    parameter_variance : float
        V, the variance of the output over the parameters; 0 if `all_noise`.
    noise_variance : float
        Mean Monte Carlo variance.
    n_draws : int
        Draws that it rests on.
    level : float
        Confidence of the intervals.
    all_noise : bool
        Whether the output varies no more than by Monte Carlo error; indices are then 0, with
        intervals from 0 to 1.
    """

    names: tuple[str, ...]
    first: np.ndarray
    first_low: np.ndarray
    first_high: np.ndarray
    total: np.ndarray
    total_low: np.ndarray
    total_high: np.ndarray
    explained: float
    parameter_variance: float
    noise_variance: float
    n_draws: int
    level: float
    all_noise: bool

    @property
    def total_limit(self) -> np.ndarray:
        """Upper end of T if all that is not explained were the parameter's, shape (d,)."""
        return np.minimum(1.0, self.total_high + 1.0 - self.explained)

    def ranked(self) -> tuple[str, ...]:
        """Return the parameters, largest total index first; ties by the upper end."""
        order = np.lexsort((-self.total_high, -self.total))
        return tuple(self.names[k] for k in order)


class _Fit(NamedTuple):
    """A least-squares fit of k terms: its coefficients err by `weights` @ errors."""

    coefficients: np.ndarray  # (k,)
    weights: np.ndarray  # (k, n)
    residual: np.ndarray  # (n,) scaled up as the errors
    errors: np.ndarray  # (n,) residuals freed of the fit's pull
    span: np.ndarray  # (n, k + 1), orthonormal
    beyond: float  # variance of what the terms do not hold, noise included
    free: int  # n - k - 1


class _Forms(NamedTuple):
    """What variances of a polynomial are in its coefficients c."""

    first: np.ndarray  # (d, degree, k): projections on one parameter are first @ c
    total: np.ndarray  # (d, k, k): c total c is the variance left once the others are known
    whole: np.ndarray  # (k, k): c whole c is the variance


class _Chances(NamedTuple):
    """By how much each draw's values move V and the sums of squares, where draws are chance."""

    whole: np.ndarray  # (n,)
    first: np.ndarray  # (d, n)
    total: np.ndarray  # (d, n)


class _Squares(NamedTuple):
    """Sums of squared projections, freed of their bias."""

    found: np.ndarray  # (d,) over what the surrogate holds
    centre: np.ndarray  # (d,) over all
    slope: np.ndarray  # (d, n) change of the latter by the error of each draw
    fourth: np.ndarray  # (d,) sum of the fourth powers of the projections' errors


def sensitivity(
    design: Design,
    y: np.ndarray,
    noise: np.ndarray | float | None = None,
    *,
    label: str = "output",
    level: float = 0.95,
) -> Sensitivity:
    """Estimate first-order and total indices of every parameter, with intervals.

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
    level : float
        Confidence of the intervals, two-sided.

    Raises
    ------
    InputError
        An output that is not finite, constant or of the wrong shape; a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise InputError(f"confidence level must lie between 0 and 1, not {level!r}")
    values, variance = checked_output(design, y, noise, label)
    surrogate = fit_surrogate(design, values, variance, label=label)
    return indices(surrogate, values, variance, level)


def indices(surrogate: Surrogate, y: np.ndarray, noise: np.ndarray, level: float) -> Sensitivity:
    """Return the indices of an output whose surrogate is known; as :func:`sensitivity`."""
    design = surrogate.design
    fit = _fit(surrogate, y)
    forms = _copula_forms(surrogate) if design.joint.any() else _plain_forms(surrogate)
    chance = _chances(surrogate, forms)
    spread, slope = _variance(fit, forms, noise)
    all_noise = spread <= 0.0
    if all_noise:
        zero, one = np.zeros(len(design.names)), np.ones(len(design.names))
        first, total = (zero, zero, one), (zero, zero, one)
    else:
        slope = slope + chance.whole
        first = _shares(_first_squares(design, fit, forms), chance.first, spread, slope, level)
        total = _shares(_total_squares(surrogate, fit, forms), chance.total, spread, slope, level)
    return Sensitivity(
        design.names,
        *first,
        *total,
        explained=0.0 if all_noise else surrogate.explained,
        parameter_variance=max(spread, 0.0),
        noise_variance=float(noise.mean()),
        n_draws=design.n,
        level=level,
        all_noise=all_noise,
    )


def _fit(surrogate: Surrogate, y: np.ndarray) -> _Fit:
    rows = values_of(surrogate.terms, surrogate.design.powers)
    span, upper = np.linalg.qr(np.vstack([np.ones(len(y)), rows]).T)
    weights = np.linalg.solve(upper, span.T)
    residual = y - surrogate.constant - surrogate.coefficients @ rows
    pull = (span**2).sum(axis=1)
    errors = residual / np.sqrt(np.maximum(1.0 - pull, 1e-6))
    # Selection makes residuals small; draws left out were not selected on.
    scale = np.sqrt(max(1.0, surrogate.error / max(float((errors**2).mean()), 1e-300)))
    free = len(y) - len(rows) - 1
    return _Fit(
        coefficients=surrogate.coefficients,
        weights=weights[1:],
        residual=scale * residual,
        errors=scale * errors,
        span=span,
        beyond=float(residual @ residual) / free,
        free=free,
    )


def _plain_forms(surrogate: Surrogate) -> _Forms:
    """Independent parameters: every term is a projection of its own."""
    d, k = len(surrogate.design.names), len(surrogate.terms)
    first, total = np.zeros((d, REACH, k)), np.zeros((d, k, k))
    for t, term in enumerate(surrogate.terms):
        if len(term) == 1:
            parameter, degree = term[0]
            first[parameter, degree - 1, t] = 1.0
        for parameter, _ in term:
            total[parameter, t, t] = 1.0
    return _Forms(first, total, np.eye(k))


def _copula_forms(surrogate: Surrogate) -> _Forms:
    """Dependent parameters: averages over points of the Gaussian copula."""
    design, terms = surrogate.design, surrogate.terms
    points, redrawn = design.points
    values = values_of(terms, points)
    apart = values - values.mean(axis=1, keepdims=True)
    total = np.zeros((len(points), len(terms), len(terms)))
    for k in {k for term in terms for k, _ in term}:
        here = np.flatnonzero([any(k == parameter for parameter, _ in term) for term in terms])
        swapped = list(points)
        swapped[k] = redrawn[k]
        moved = values_of([terms[a] for a in here], swapped) - values[here]
        total[k][np.ix_(here, here)] = moved @ moved.T / (2 * points.shape[2])
    whole, first = apart @ apart.T / apart.shape[1], points @ apart.T / apart.shape[1]
    # Exact where a parameter or a factor of the term is independent of all others.
    tied = design.joint[:, None, None] & _joint_terms(surrogate)
    first = np.where(tied, first, _plain_forms(surrogate).first)
    return _Forms(first, total, whole)


def _joint_terms(surrogate: Surrogate) -> np.ndarray:
    """Return which terms hold jointly drawn parameters only, shape (term,)."""
    joint = surrogate.design.joint
    return np.array([all(joint[k] for k, _ in term) for term in surrogate.terms], bool)


def _chances(surrogate: Surrogate, forms: _Forms) -> _Chances:
    """Return influence functions of the moments of the joint parameters' surrogate."""
    design = surrogate.design
    d, n, joint = len(design.names), design.n, design.joint
    if not joint.any() or not surrogate.terms:
        return _Chances(np.zeros(n), np.zeros((d, n)), np.zeros((d, n)))
    coefficients = _joint_terms(surrogate) * surrogate.coefficients
    held = coefficients @ values_of(surrogate.terms, design.powers)
    held -= held.mean()
    alone = np.einsum("ie,ien->in", forms.first @ surrogate.coefficients, design.powers)
    # Scores have a known spread, hence the square of the part alone counts against it.
    first = joint[:, None] * (2.0 * alone * held - alone**2)
    powers, sd = design.own
    own = np.zeros((d, n))
    for term, c in zip(surrogate.terms, surrogate.coefficients, strict=True):
        if len(term) == 1:
            parameter, degree = term[0]
            own[parameter] += c * sd[parameter] * powers[parameter, degree - 1]
    moved = [held**2, first, joint[:, None] * own**2]
    return _Chances(*((m - m.mean(axis=-1, keepdims=True)) / n for m in moved))


def _variance(fit: _Fit, forms: _Forms, noise: np.ndarray) -> tuple[float, np.ndarray]:
    """Return V and by how much the error of each draw moves it, shape (n,)."""
    errors = fit.weights * fit.errors
    gradient = forms.whole @ fit.coefficients
    bias = np.sum(forms.whole * (errors @ errors.T))
    spread = gradient @ fit.coefficients - bias + fit.beyond - noise.mean()
    squares = fit.errors**2
    return float(spread), 2.0 * gradient @ errors + (squares - squares.mean()) / len(squares)


def _first_squares(design: Design, fit: _Fit, forms: _Forms) -> _Squares:
    d, degree, n = design.powers.shape
    flat = design.powers.reshape(-1, n)
    held = forms.first.reshape(d * degree, -1)
    known = held @ fit.weights * fit.errors
    beside = flat - (flat @ fit.span) @ fit.span.T
    errors = known + beside * fit.errors / fit.free
    found = held @ fit.coefficients
    every = found + flat @ fit.residual / fit.free

    def summed(terms: np.ndarray) -> np.ndarray:
        return terms.reshape(d, degree, *terms.shape[1:]).sum(axis=1)

    square = (errors**2).sum(axis=1)
    return _Squares(
        found=summed(found**2 - (known**2).sum(axis=1)),
        centre=summed(every**2 - square),
        slope=summed(2.0 * every[:, None] * errors),
        fourth=summed(square**2),
    )


def _total_squares(surrogate: Surrogate, fit: _Fit, forms: _Forms) -> _Squares:
    errors = fit.weights * fit.errors
    covariance = errors @ errors.T
    gradient = forms.total @ fit.coefficients
    biased = forms.total @ covariance
    found = gradient @ fit.coefficients - np.trace(biased, axis1=1, axis2=2)
    missed = _missed_squares(surrogate, fit)
    return _Squares(
        found=found,
        centre=found + missed.centre,
        slope=2.0 * gradient @ errors + missed.slope,
        fourth=np.einsum("iab,iba->i", biased, biased) + missed.fourth,
    )


def _missed_squares(surrogate: Surrogate, fit: _Fit) -> _Squares:
    """Squares of the projections on a parameter's part of its own that are not terms."""
    design = surrogate.design
    alone, pairs = _open_terms(surrogate)
    powers, _ = design.own
    own, others = powers[:, 0], design.uncorrelated
    scaled = fit.errors / fit.free

    single = alone * (powers @ fit.residual) / fit.free
    single_square = alone * (powers**2 @ scaled**2)
    double = pairs * ((own * fit.residual) @ others.T) / fit.free
    double_square = pairs * ((own * scaled) ** 2 @ (others**2).T)
    slope = np.einsum("ie,ien->in", single, powers) + own * (double @ others)
    centre = (single**2 - single_square).sum(axis=1) + (double**2 - double_square).sum(axis=1)
    return _Squares(
        found=np.zeros(len(centre)),
        centre=centre,
        slope=2.0 * slope * scaled,
        fourth=(single_square**2).sum(axis=1) + (double_square**2).sum(axis=1),
    )


def _open_terms(surrogate: Surrogate) -> tuple[np.ndarray, np.ndarray]:
    """Return which powers (d, degree) and products (d, d) the surrogate does not hold."""
    d = len(surrogate.design.names)
    alone, pairs = np.ones((d, REACH), bool), ~np.eye(d, dtype=bool)
    for term in surrogate.terms:
        if len(term) == 1:
            parameter, degree = term[0]
            alone[parameter, degree - 1] = False
        else:
            (a, e), (b, f) = term
            if e == f == 1:
                pairs[a, b] = pairs[b, a] = False
    return alone, pairs


def _shares(
    squares: _Squares, chance: np.ndarray, spread: float, slope: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return estimates and intervals of shares of V, shape (d,) each."""
    found, centre = (np.clip(s / spread, 0.0, 1.0) for s in (squares.found, squares.centre))
    linear = ((squares.slope + chance - centre[:, None] * slope) ** 2).sum(axis=1)
    # A square's own error is counted in `linear` with twice what it adds to a square at zero.
    variance = np.maximum(linear - 2.0 * squares.fourth, 2.0 * squares.fourth)
    half = NormalDist().inv_cdf((1 + level) / 2) * np.sqrt(variance) / spread
    low, high = squares.centre / spread - half, squares.centre / spread + half
    return (
        found,
        np.clip(np.minimum(low, found), 0.0, 1.0),
        np.clip(np.maximum(high, found), 0.0, 1.0),
    )
