r"""Value of information: what knowing a parameter would be worth for the choice of structure.

With the loss :math:`y_s` of structure s, here a risk, and the expectation over parameters, the
value of knowing all of them and that of knowing parameter i alone are

.. math::

    EVPI &= \min_s E[y_s] - E[\min_s y_s] \\
    EVPPI_i &= \min_s E[y_s] - E\bigl[\min_s E[y_s \mid x_i]\bigr],

in the unit of the loss: the fall in risk that a chooser can expect who learns the value first
and then takes the structure that is safest given it (Howard 1966; Felli and Hazen 1998). A
parameter that matters for the risk but never changes the choice is worth nothing.

The inner expectation is a regression on the draws at hand (Strong, Oakley and Brennan 2014):
the curves of :mod:`escalation.statistics.curves`, fitted to differences to the structure with
the least mean loss, so that what all structures share cancels. EVPPI cannot be negative and is
cut at EVPI.

A minimum of noisy curves is too low on average, hence EVPPI too high. Parameters that the
leave-one-out criterion does not admit have flat curves and count as exactly zero, which removes
this bias where it would be worst, among the many inert ones; admitted ones keep it, and if the
true value is a small part of the spread of the differences it can double it. EVPI is too high
by what Monte Carlo error within the draws adds to the spread of the differences.

Intervals are 95 % percentile intervals over resamples of the draws. The lower end of EVPPI is
that or the reflected one, 2 EVPPI minus the upper quantile, whichever is less, for the sake of
the bias. A parameter that was not admitted gets the lower end 0 and the upper end of straight
lines: not seen is not the same as none. The choice of degree is not resampled. In the linear
normal case of the tests 92 to 97 % of intervals hold the true value where it is at least a
hundredth of EVPI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from escalation.errors import InputError
from escalation.statistics.curves import Fit, fitted, refit, smooth
from escalation.statistics.design import TAILS, Design
from escalation.statistics.noise import apart


@dataclass(frozen=True)
class Information:
    """Values of information in the unit of the loss, with 95 % intervals.

    Attributes
    ----------
    best : str
        Structure with the least mean loss.
    evpi, evpi_low, evpi_high : float
        Value of knowing every parameter.
    names : tuple of str
        Parameters.
    evppi, low, high : array (parameter,)
        Value of knowing one parameter.
    """

    best: str
    evpi: float
    evpi_low: float
    evpi_high: float
    names: tuple[str, ...]
    evppi: np.ndarray
    low: np.ndarray
    high: np.ndarray


def value_of_information(
    design: Design, losses: np.ndarray, structures: Sequence[str]
) -> Information:
    """Value the information on every parameter.

    Parameters
    ----------
    design : Design
        Parameter draws.
    losses : array (structure, draw)
        Risk per structure and draw, on the same draws.
    structures : sequence of str
        Names, at least two.

    Raises
    ------
    InputError
        Fewer than two structures, wrong shape, or a loss that is not a finite number.
    """
    y = design.checked(losses, structures)
    if len(y) < 2:
        raise InputError(f"{len(y)} structures leave nothing to choose; at least 2 are needed")
    best = int(np.argmin(y.mean(axis=1)))
    differences = apart(np.delete(y, best, axis=0), y[best])
    evpi, evpi_low, evpi_high = _perfect(design, differences)
    fit = smooth(design, differences)
    even = np.full(design.n, 1.0 / design.n)
    evppi = np.minimum(_worth(fitted(design, fit), even), evpi)
    low, high = _interval(evppi, _resampled(design, differences, fit))
    low[(fit.degree == 0).all(axis=1)] = 0.0
    return Information(
        best=structures[best],
        evpi=evpi,
        evpi_low=evpi_low,
        evpi_high=evpi_high,
        names=design.names,
        evppi=evppi,
        low=low,
        high=np.minimum(high, evpi_high),
    )


def _worth(curves: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return what choosing at every point gains over choosing once.

    `curves` are differences to the reference, shape (..., outcome, point), and `shares` the
    weights of the points, (..., point). Cannot be negative, by Jensen's inequality.
    """
    once = (curves @ shares[..., None])[..., 0].min(axis=-1)
    each = np.minimum(curves.min(axis=-2), 0.0)
    return np.minimum(once, 0.0) - (each[..., None, :] @ shares[..., None])[..., 0, 0]


def _perfect(design: Design, differences: np.ndarray) -> tuple[float, float, float]:
    """Return EVPI and its interval."""
    each = np.minimum(differences.min(axis=0), 0.0)
    once = np.minimum((design.weights @ differences.T).min(axis=1), 0.0)
    low, high = np.quantile(once - design.weights @ each, TAILS)
    evpi = -float(each.mean())
    return evpi, min(float(low), evpi), max(float(high), evpi)


def _resampled(design: Design, differences: np.ndarray, fit: Fit) -> np.ndarray:
    """Return EVPPI of every resample, shape (resample, parameter)."""
    found = refit(design, differences, np.maximum(fit.degree, 1))
    means, shares = design.groups
    return _worth(found @ means.transpose(0, 2, 1), shares.transpose(1, 0, 2))


def _interval(evppi: np.ndarray, resampled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.quantile(resampled, TAILS, axis=0)
    low = np.minimum(low, 2 * evppi - high)
    return np.clip(low, 0.0, evppi), np.maximum(high, evppi)
