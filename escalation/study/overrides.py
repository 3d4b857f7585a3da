"""What a study or scenario changes about the parameters of the registry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from escalation.parameters.priors import Elicited, Prior
from escalation.parameters.registry import Mark, Parameter
from escalation.study.base import FiniteFloat, StudyModel, Text
from escalation.study.quantity import default_within, gather_prior


class ParameterOverride(StudyModel):
    """A change to one parameter.

    A default without a prior keeps the registry's prior; a plain number fixes the parameter.
    """

    prior: Prior | None = None
    default: FiniteFloat | None = Field(default=None, validate_default=True)
    source: Text | None = None
    mark: Mark | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: Any) -> Any:
        if isinstance(data, int | float) and not isinstance(data, bool):
            return {"prior": {"prior": "fixed"}, "default": data}
        return gather_prior(data, cls)

    @field_validator("default")
    @classmethod
    def _possible(cls, default: float | None, info: ValidationInfo) -> float | None:
        return default_within(default, info.data.get("prior"))


def _placed(prior: Prior | None, entry: Parameter) -> Prior | None:
    """Return a prior with the bounds of the parameter that it is given to."""
    return prior.within(entry.low, entry.high) if isinstance(prior, Elicited) else prior


def overridden(entry: Parameter, change: ParameterOverride, origin: str) -> Parameter:
    """Return `entry` with a study's change applied.

    Parameters
    ----------
    entry : Parameter
        As the registry has it.
    change : ParameterOverride
        What the study says.
    origin : str
        File that says so; the source where the study names none.
    """
    default, prior = change.default, _placed(change.prior, entry)
    if default is None:
        middle = prior.middle() if prior else None
        default = entry.default if middle is None else middle
    return replace(
        entry,
        prior=prior or entry.prior,
        default=default,
        source=change.source or f"study file {origin}",
        mark=change.mark or "judgement",
    )


def impossible(entry: Parameter) -> str:
    """Return why an overridden parameter cannot be, or an empty string."""
    low, high = entry.prior.support()
    low, high = max(low, entry.low), min(high, entry.high)
    if low <= entry.default <= high:
        return ""
    return (
        f"default {entry.default:g} is out of range: {entry.name} with prior "
        f"{entry.prior.describe()} goes from {low:g} to {high:g}"
    )
