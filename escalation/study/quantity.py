"""What may stand where a study wants a number.

Written as a plain number, as the name of a parameter (alone or as ``{parameter: ...,
scale: ...}``), as a prior with its source, or as a value with its source. All four answer
:meth:`at`, which turns one draw of the parameters into a number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)

from escalation.parameters.priors import Elicited, Fixed, Prior
from escalation.parameters.registry import REGISTRY, Mark, Parameter
from escalation.study.base import FiniteFloat, StudyModel, Text, fault, internal
from escalation.study.names import shown, suggestion
from escalation.study.nodes import QUANTITY_KEYS

PARAMETER_SHAPE = WithJsonSchema({
    "title": "ParameterName",
    "description": "A parameter of the model, or one of the study by its position, with dots.",
    "anyOf": [{"enum": list(REGISTRY)}, {"type": "string", "pattern": r"\."}],
})
"""What the name of a parameter looks like, for editors."""


class _Bounded(StudyModel):
    """Carries the bounds of its position; `at` never leaves them."""

    # Not dumped: the position gives them again to whatever is read back.
    low: float = internal(-math.inf, exclude=True)
    high: float = internal(math.inf, exclude=True)

    def _clipped(self, value: float) -> float:
        return min(max(value, self.low), self.high)


class Number(StudyModel):
    """A plain number."""

    value: FiniteFloat

    @model_validator(mode="before")
    @classmethod
    def _from_plain(cls, data: Any) -> Any:
        return data if isinstance(data, dict) else {"value": data}

    @model_serializer
    def _to_plain(self) -> float:
        return self.value

    def at(self, values: Mapping[str, float]) -> float:
        """Return the number; `values` is not needed."""
        return self.value


class Figure(StudyModel):
    """A number with its source and the mark that says how it was come by.

    Attributes
    ----------
    value : float
        The number.
    source : str
        Where it comes from.
    mark : {"read", "computed", "judgement"}
        How it was come by.
    unit : str
        Unit; ``1`` for a pure number.
    """

    value: FiniteFloat
    source: Text
    mark: Mark
    unit: Text = "1"

    def at(self, values: Mapping[str, float]) -> float:
        """Return the number; `values` is not needed."""
        return self.value


class ParameterRef(_Bounded):
    """The value of a named parameter, times a scale.

    Attributes
    ----------
    parameter : str
        Of the model, or of the study itself.
    scale : float
        Factor on it.
    """

    parameter: Annotated[str, PARAMETER_SHAPE]
    scale: FiniteFloat = 1.0

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, data: Any) -> Any:
        for key in ("low", "high"):
            if isinstance(data, dict) and key in data:
                choices = suggestion(key, ("parameter", "scale"))
                raise fault(f"unknown key {key!r} {choices}")
        return {"parameter": data} if isinstance(data, str) else data

    @field_validator("parameter")
    @classmethod
    def _known(cls, name: str, info: ValidationInfo) -> str:
        known = (info.context or {}).get("parameters")
        if known is not None and name not in known:
            raise fault(f"unknown parameter {shown(name)} {suggestion(name, known)}", "parameter")
        return name

    def at(self, values: Mapping[str, float]) -> float:
        """Return the parameter's value in this draw, scaled, within the bounds of the position.

        Raises
        ------
        KeyError
            If `values` lacks the parameter.
        """
        return self._clipped(values[self.parameter] * self.scale)


class InlinePrior(_Bounded):
    """A parameter of this study alone, declared where it is used.

    In a study file the prior's own keys stand beside the others:
    ``{prior: gamma, shape: 5.5, rate: 15, default: 0.37, source: ..., mark: computed}``. A median
    with a 90 % range, ``{median: 0.4, range: [0.2, 0.6]}``, needs no more; it counts as a
    judgement of the study's authors unless it says otherwise.

    Attributes
    ----------
    prior : Prior
        The distribution.
    source : str
        Where it comes from.
    mark : {"read", "computed", "judgement"}
        How it was come by.
    default : float or None
        Value of a run at defaults; the prior's median unless given.
    unit : str
        Unit; ``1`` for a pure number.
    meaning : str
        What it is, in one line.
    """

    prior: Prior
    source: Text
    mark: Mark
    default: FiniteFloat | None = Field(default=None, validate_default=True)
    unit: Text = "1"
    meaning: Text = ""
    name: str = internal("")

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: Any) -> Any:
        if is_elicited(data):
            data = {"source": "authors' judgement", "mark": "judgement", **data}
        return gather_prior(data, cls)

    @field_validator("default")
    @classmethod
    def _possible(cls, default: float | None, info: ValidationInfo) -> float | None:
        return default_within(default, info.data.get("prior"))

    @property
    def default_value(self) -> float:
        """The default, or the prior's median where none was given."""
        if self.default is not None:
            return self.default
        middle = self.prior.middle()
        return math.nan if middle is None else middle

    def at(self, values: Mapping[str, float]) -> float:
        """Return the value of this study parameter in this draw.

        Raises
        ------
        KeyError
            If `values` lacks the parameter.
        """
        return self._clipped(values[self.name])

    def as_parameter(self) -> Parameter:
        """Return the entry that this prior adds to the study's registry."""
        return Parameter(
            name=self.name, symbol=self.name, meaning=self.meaning or self.name.replace("_", " "),
            unit=self.unit, default=self.default_value, prior=self.prior, source=self.source,
            mark=self.mark, claim="study", low=self.low, high=self.high,
        )  # fmt: skip


def is_elicited(data: Any) -> bool:
    """Tell a median with a range from a prior that is named."""
    return isinstance(data, dict) and "prior" not in data and "median" in data


def gather_prior(data: Any, model: type[BaseModel]) -> Any:
    """Move a prior's own keys below ``prior``, where the schema wants them.

    Parameters
    ----------
    data : object
        What was written; anything but a dict with a named prior is returned as it is.
    model : type
        The model whose own keys stay where they are.
    """
    if is_elicited(data):
        data = {"prior": "elicited", **data}
    if not isinstance(data, dict) or not isinstance(data.get("prior"), str):
        return data
    own = model.model_fields
    # Bounds and name are the loader's; `low` and `high` written here are a uniform's.
    mine = {key for key in data if key in own and key not in ("low", "high")}
    nested = {key: value for key, value in data.items() if key not in mine}
    return {key: data[key] for key in mine} | {"prior": {"prior": data["prior"], **nested}}


def default_within(default: float | None, prior: Prior | None) -> float | None:
    """Check a default against its prior, and a fixed prior for its default."""
    if prior is None:
        return default
    if default is None:
        if isinstance(prior, Fixed):
            raise fault("a fixed prior needs a default")
        return default
    low, high = prior.support()
    if not low <= default <= high:
        raise fault(
            f"default {default:g} lies outside what {prior.describe()} can yield, "
            f"{low:g} to {high:g}"
        )
    return default


@dataclass(frozen=True)
class Within:
    """Bounds of a position; `open_low` excludes the lower end itself."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False

    def __call__(self, quantity: Any) -> Any:
        """Check a quantity at its default and hand it the bounds."""
        if isinstance(quantity, Number | Figure):
            self._check(quantity.value)
            return quantity
        if isinstance(quantity, InlinePrior):
            self._check(quantity.default_value, "default ")
            quantity = self._bounded(quantity)
        return quantity.model_copy(update={"low": self.low, "high": self.high})

    def _bounded(self, quantity: InlinePrior) -> InlinePrior:
        """Return an elicited prior with these bounds; others come back as they are."""
        if not isinstance(quantity.prior, Elicited):
            return quantity
        try:
            prior = quantity.prior.within(self.low, self.high)
        except ValueError as error:
            raise fault(str(error)) from None
        return quantity.model_copy(update={"prior": prior})

    def _check(self, value: float, what: str = "") -> None:
        too_low = value <= self.low if self.open_low else value < self.low
        if too_low or value > self.high:
            raise fault(f"{what}{value:g} is out of range: must be {self.words()}")

    def words(self) -> str:
        """Return the bounds in words."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            if self.open_low:
                return f"above {self.low:g}, at most {self.high:g}"
            return f"from {self.low:g} to {self.high:g}"
        if math.isfinite(self.low):
            return f"{'above' if self.open_low else 'at least'} {self.low:g}"
        return f"at most {self.high:g}"


QUANTITY_FORMS = (
    "a number, a parameter's name, {median: ..., range: ...}, {parameter: ...}, {prior: ...} "
    "or {value: ...}"
)


def _form(data: Any) -> str | None:
    for model, tag in _FORMS.items():
        if isinstance(data, model):
            return tag
    if isinstance(data, str):
        return "<parameter>"
    if isinstance(data, dict):
        for key in QUANTITY_KEYS:
            if key in data:
                return "<prior>" if key == "median" else f"<{key}>"
        return None
    return "<number>" if isinstance(data, int | float) else None


_FORMS: dict[type, str] = {
    Number: "<number>", ParameterRef: "<parameter>", InlinePrior: "<prior>", Figure: "<value>",
}  # fmt: skip

Magnitude: TypeAlias = Annotated[
    Annotated[Number, Tag("<number>")]
    | Annotated[ParameterRef, Tag("<parameter>")]
    | Annotated[InlinePrior, Tag("<prior>")]
    | Annotated[Figure, Tag("<value>")],
    Discriminator(
        _form,
        custom_error_type="quantity",
        custom_error_message=QUANTITY_FORMS,
    ),
]

UnitMagnitude: TypeAlias = Annotated[Magnitude, AfterValidator(Within(0, 1))]
Stake: TypeAlias = Annotated[Magnitude, AfterValidator(Within(0, 100, open_low=True))]
"""In the study's stake unit, V."""
Amount: TypeAlias = Annotated[Magnitude, AfterValidator(Within(0, 100))]
"""A power, a stake or a factor, of which 1 is the usual size."""
Rate: TypeAlias = Annotated[Magnitude, AfterValidator(Within(0, 100, open_low=True))]
"""Events a year."""
Delay: TypeAlias = Annotated[Magnitude, AfterValidator(Within(0, 36_500, open_low=True))]
"""Days, at most a century."""
LogOdds: TypeAlias = Annotated[Magnitude, AfterValidator(Within(-8, 8))]
"""Log-odds of being staunch, within the limits that the challenger's beliefs have."""
