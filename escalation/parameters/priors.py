"""Prior distributions that a parameter or a YAML quantity may carry.

Each knows its support and its quantiles. scipy is loaded with the first quantile that needs it, so
that a study is read quickly.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


Finite = Annotated[float, AfterValidator(_finite)]
Positive = Annotated[float, Field(gt=0), AfterValidator(_finite)]


def _special() -> Any:
    from scipy import special

    return special


class _Prior(BaseModel, ABC):
    """A distribution that is known by its quantiles.

    Attributes
    ----------
    prior : str
        Which distribution.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @abstractmethod
    def describe(self) -> str:
        """Return the prior as a reader would write it, such as ``LN(0.8, 0.35)``."""

    def support(self) -> tuple[float, float]:
        """Return the lower and upper end of what the prior can yield."""
        return 0.0, math.inf

    @abstractmethod
    def quantile(self, u: np.ndarray) -> np.ndarray:
        """Return the values below which a share `u`, from 0 to 1, of the prior lies.

        Examples
        --------
        >>> Uniform(low=2, high=4).quantile(np.array([0.0, 0.25, 1.0]))
        array([2. , 2.5, 4. ])
        """

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Return the logarithm of the density, -inf beyond normal scores of 8.

        It is taken from the quantile function, over normal scores, so that no prior states its
        density a second time.

        Examples
        --------
        >>> Uniform(low=0, high=4).log_density(np.array([1.0, 3.0])).round(4)
        array([-1.3863, -1.3863])
        """
        return _log_density(self, np.asarray(x, float))

    def score(self, x: np.ndarray) -> np.ndarray:
        """Return the normal scores of values: -8 and 8 at most, 0 at the median.

        Examples
        --------
        >>> Uniform(low=0, high=4).score(np.array([2.0, 9.0]))
        array([0., 8.])
        """
        return np.interp(np.asarray(x, float), _at_scores(self), _SCORES)

    def middle(self) -> float | None:
        """Return the median, or None for a constant, whose parameter has a default.

        Examples
        --------
        >>> LogNormal(median=3.5, sigma=0.3).middle()
        3.5
        """
        return float(self.quantile(np.array(0.5)))


_SCORES = np.linspace(-8.0, 8.0, 4_001)
"""Normal scores between which a density is read off a quantile function."""


def _at_scores(prior: _Prior) -> np.ndarray:
    """Values at the normal scores `_SCORES`."""
    return prior.quantile(_special().ndtr(_SCORES))


def _log_density(prior: _Prior, x: np.ndarray) -> np.ndarray:
    values = _at_scores(prior)
    slope = np.gradient(values, _SCORES)
    inside = (x > values[0]) & (x < values[-1])
    z = prior.score(x)
    with np.errstate(divide="ignore"):
        density = -0.5 * z**2 - 0.5 * math.log(2.0 * math.pi) - np.log(np.interp(z, _SCORES, slope))
    return np.where(inside, density, -np.inf)


class Fixed(_Prior):
    """A constant: it takes its parameter's default in every draw, and has no quantiles."""

    prior: Literal["fixed"] = "fixed"

    def describe(self) -> str:
        return "fixed"

    def support(self) -> tuple[float, float]:
        return -math.inf, math.inf

    def middle(self) -> None:
        return None

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """Refuse: the value of a constant stands in its parameter."""
        raise TypeError("a constant has no quantiles; its value is its parameter's default")


class LogNormal(_Prior):
    """exp(Normal(log median, sigma)); `sigma` is in log units.

    Attributes
    ----------
    median : float
        The 50 % quantile.
    sigma : float
        Standard deviation of the logarithm.
    """

    prior: Literal["lognormal"] = "lognormal"
    median: Positive
    sigma: Positive

    def describe(self) -> str:
        return f"LN({self.median:g}, {self.sigma:g})"

    def middle(self) -> float:
        return self.median

    def quantile(self, u: np.ndarray) -> np.ndarray:
        return self.median * np.exp(self.sigma * _special().ndtri(u))


class Normal(_Prior):
    """Normal with mean and standard deviation.

    Attributes
    ----------
    mean : float
        The mean.
    sd : float
        The standard deviation.
    """

    prior: Literal["normal"] = "normal"
    mean: Finite
    sd: Positive

    def describe(self) -> str:
        return f"N({self.mean:g}, {self.sd:g})"

    def middle(self) -> float:
        return self.mean

    def support(self) -> tuple[float, float]:
        return -math.inf, math.inf

    def quantile(self, u: np.ndarray) -> np.ndarray:
        return self.mean + self.sd * _special().ndtri(u)


class TruncatedNormal(_Prior):
    """Normal cut at zero from below.

    Attributes
    ----------
    mean : float
        The mean before the cut.
    sd : float
        The standard deviation before the cut.
    """

    prior: Literal["normal_positive"] = "normal_positive"
    mean: Finite
    sd: Positive

    def describe(self) -> str:
        return f"N+({self.mean:g}, {self.sd:g})"

    def quantile(self, u: np.ndarray) -> np.ndarray:
        special = _special()
        below = special.ndtr(-self.mean / self.sd)
        if below < 0.5:
            return self.mean + self.sd * special.ndtri(below + u * (1.0 - below))
        # Probabilities of the upper tail keep their digits when the mean lies far below zero.
        above = special.ndtr(self.mean / self.sd)
        if above == 0.0:
            return np.zeros_like(u)
        return np.maximum(self.mean - self.sd * special.ndtri(above * (1.0 - u)), 0.0)


class Beta(_Prior):
    """Beta(a, b) on the unit interval.

    Attributes
    ----------
    a, b : float
        Its shapes; the mean is a / (a + b).
    """

    prior: Literal["beta"] = "beta"
    a: Positive
    b: Positive

    def describe(self) -> str:
        return f"Beta({self.a:g}, {self.b:g})"

    def support(self) -> tuple[float, float]:
        return 0.0, 1.0

    def quantile(self, u: np.ndarray) -> np.ndarray:
        return _special().betaincinv(self.a, self.b, u)


class Gamma(_Prior):
    """Gamma with shape and rate.

    Attributes
    ----------
    shape : float
        Its shape; the mean is shape / rate.
    rate : float
        Its rate, one over the scale.
    """

    prior: Literal["gamma"] = "gamma"
    shape: Positive
    rate: Positive

    def describe(self) -> str:
        return f"Gamma({self.shape:g}, {self.rate:g})"

    def quantile(self, u: np.ndarray) -> np.ndarray:
        return _special().gammaincinv(self.shape, u) / self.rate


class Uniform(_Prior):
    """Uniform between two bounds.

    Attributes
    ----------
    low, high : float
        The bounds.
    """

    prior: Literal["uniform"] = "uniform"
    low: Finite
    high: Finite

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low:g}) must lie below high ({self.high:g})")
        return self

    def describe(self) -> str:
        return f"U({self.low:g}, {self.high:g})"

    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def quantile(self, u: np.ndarray) -> np.ndarray:
        return self.low + (self.high - self.low) * u


_NINETY = 1.6448536269514722
"""Normal score of the 95 % quantile."""


class Elicited(_Prior):
    r"""A median and a 90 % range, as an expert states them.

    On a scale :math:`T` without bounds (log-odds between two bounds, logarithm above one, else
    the number itself) it is a normal distribution with a spread of its own on each side of the
    median (two-piece normal; Wallis 2014, Statistical Science 29: 106-112), so that all three
    stated numbers are its 5, 50 and 95 % quantiles:

    .. math:: T(x) = T(x_{.5}) + z \, |T(x_{.5 \pm .45}) - T(x_{.5})| / 1.645,

    with the upper number for normal scores :math:`z > 0` and the lower one below.

    Attributes
    ----------
    median : float
        The 50 % quantile.
    range : (float, float)
        The 5 and the 95 % quantile.
    low, high : float, optional
        Bounds; those of the position where the prior stands, unless given.

    Examples
    --------
    >>> prior = Elicited(median=0.4, range=(0.2, 0.6), low=0, high=1)
    >>> prior.quantile(np.array([0.05, 0.5, 0.95])).round(6)
    array([0.2, 0.4, 0.6])
    """

    prior: Literal["elicited"] = "elicited"
    median: Finite
    range: Annotated[
        tuple[Finite, ...],
        Field(strict=False, json_schema_extra={"minItems": 2, "maxItems": 2}),
    ]
    low: Finite | None = None
    high: Finite | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Elicited:
        if len(self.range) != 2:
            raise ValueError(f"a range has two numbers, found {len(self.range)}")
        first, last = self.range
        if not first < self.median < last:
            raise ValueError(
                f"the median ({self.median:g}) must lie inside the range, {first:g} to {last:g}"
            )
        low, high = self.support()
        if not (low < first and last < high):
            raise ValueError(
                f"the range ({first:g} to {last:g}) must lie inside the bounds, {low:g} to {high:g}"
            )
        return self

    def within(self, low: float, high: float) -> Elicited:
        """Return the prior with the bounds of a position, where it states none of its own.

        Limits that are there for slips of the keyboard alone are none: only a range of at most
        2, such as a share or an alignment, is bounded on both sides.

        Raises
        ------
        ValueError
            The range lies beyond the bounds.

        Examples
        --------
        >>> Elicited(median=7, range=(3, 16)).within(0, 36_500).support()
        (0.0, inf)
        """
        both = high - low <= 2.0
        lower = low if both or low >= 0.0 else None
        try:
            return Elicited(
                median=self.median, range=self.range,
                low=lower if self.low is None else self.low,
                high=self.high if self.high is not None else high if both else None,
            )  # fmt: skip
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None

    def describe(self) -> str:
        return f"{self.median:g} ({self.range[0]:g} to {self.range[1]:g})"

    def support(self) -> tuple[float, float]:
        return (
            -math.inf if self.low is None else self.low,
            math.inf if self.high is None else self.high,
        )

    def middle(self) -> float:
        return self.median

    def quantile(self, u: np.ndarray) -> np.ndarray:
        z = _special().ndtri(np.asarray(u, float))
        first, last = (self._to_scale(x) for x in self.range)
        middle = self._to_scale(self.median)
        spread = np.where(z < 0.0, middle - first, last - middle) / _NINETY
        return self._from_scale(middle + np.where(z == 0.0, 0.0, spread * z))

    def _to_scale(self, x: float) -> float:
        if self.low is not None and self.high is not None:
            return math.log((x - self.low) / (self.high - x))
        if self.low is not None:
            return math.log(x - self.low)
        return -math.log(self.high - x) if self.high is not None else x

    def _from_scale(self, t: np.ndarray) -> np.ndarray:
        if self.low is not None and self.high is not None:
            return self.low + (self.high - self.low) * _special().expit(t)
        if self.low is not None:
            return self.low + np.exp(t)
        return self.high - np.exp(-t) if self.high is not None else t


Prior = Annotated[
    Fixed | LogNormal | Normal | TruncatedNormal | Beta | Gamma | Uniform | Elicited,
    Field(discriminator="prior"),
]
