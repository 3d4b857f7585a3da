"""Prior distributions that a parameter or a YAML quantity may carry.

Only their shape lives here; quantiles are taken in :mod:`escalation.model.draws`.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


Finite = Annotated[float, AfterValidator(_finite)]
Positive = Annotated[float, Field(gt=0), AfterValidator(_finite)]


class _Prior(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def describe(self) -> str:
        """Return the prior as a reader would write it, such as ``LN(0.8, 0.35)``."""
        raise TypeError(type(self).__name__)


class Fixed(_Prior):
    """A constant; it takes the parameter's default in every draw."""

    prior: Literal["fixed"] = "fixed"

    def describe(self) -> str:
        return "fixed"


class LogNormal(_Prior):
    """exp(Normal(log median, sigma)); `sigma` is in log units."""

    prior: Literal["lognormal"] = "lognormal"
    median: Positive
    sigma: Positive

    def describe(self) -> str:
        return f"LN({self.median:g}, {self.sigma:g})"


class Normal(_Prior):
    """Normal with mean and standard deviation."""

    prior: Literal["normal"] = "normal"
    mean: Finite
    sd: Positive

    def describe(self) -> str:
        return f"N({self.mean:g}, {self.sd:g})"


class TruncatedNormal(_Prior):
    """Normal cut at zero from below."""

    prior: Literal["normal_positive"] = "normal_positive"
    mean: Finite
    sd: Positive

    def describe(self) -> str:
        return f"N+({self.mean:g}, {self.sd:g})"


class Beta(_Prior):
    """Beta(a, b) on the unit interval."""

    prior: Literal["beta"] = "beta"
    a: Positive
    b: Positive

    def describe(self) -> str:
        return f"Beta({self.a:g}, {self.b:g})"


class Gamma(_Prior):
    """Gamma with shape and rate."""

    prior: Literal["gamma"] = "gamma"
    shape: Positive
    rate: Positive

    def describe(self) -> str:
        return f"Gamma({self.shape:g}, {self.rate:g})"


class Uniform(_Prior):
    """Uniform between two bounds."""

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


Prior = Annotated[
    Fixed | LogNormal | Normal | TruncatedNormal | Beta | Gamma | Uniform,
    Field(discriminator="prior"),
]
PRIOR_NAMES = (
    "fixed",
    "lognormal",
    "normal",
    "normal_positive",
    "beta",
    "gamma",
    "uniform",
)
