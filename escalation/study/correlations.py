"""Rank correlations between priors, as a study states them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from escalation.parameters.priors import Fixed
from escalation.parameters.registry import Mark, Parameter
from escalation.statistics.copula import clashing
from escalation.study.base import FiniteFloat, StudyModel, Text, fault
from escalation.study.names import SHOWN_CHOICES, shown, suggestion
from escalation.study.vocabulary import ParameterName


def _inside(value: float) -> float:
    if not -1 < value < 1:
        raise fault(f"{value:g} is out of range: must lie between -1 and 1")
    return value


class Correlation(StudyModel):
    """Spearman's rank correlation between the priors of two parameters.

    Attributes
    ----------
    between : (str, str)
        Parameters, none of them fixed.
    rank_correlation : float
        Above -1 and below 1.
    source : str
        Where it comes from.
    mark : {"read", "computed", "judgement"}
        How it was come by.
    """

    between: tuple[ParameterName, ...] = Field(
        strict=False, json_schema_extra={"minItems": 2, "maxItems": 2, "uniqueItems": True}
    )
    rank_correlation: Annotated[FiniteFloat, AfterValidator(_inside)] = Field(
        json_schema_extra={"exclusiveMinimum": -1, "exclusiveMaximum": 1}
    )
    source: Text
    mark: Mark

    @field_validator("between")
    @classmethod
    def _two(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(names) != 2:
            raise fault(f"expected two parameters, found {len(names)}")
        if names[0] == names[1]:
            raise fault(f"parameter {shown(names[0])} cannot be correlated with itself")
        return names

    @property
    def pair(self) -> tuple[str, str]:
        """The two parameters in alphabetical order."""
        first, second = sorted(self.between)
        return first, second


def rank_correlations(stated: Iterable[Correlation]) -> dict[tuple[str, str], float]:
    """Return rank correlations by pair."""
    return {one.pair: one.rank_correlation for one in stated}


def impossible(
    stated: Sequence[Correlation], parameters: Mapping[str, Parameter]
) -> Iterator[tuple[int, str]]:
    """Yield the number of each correlation that cannot be, and why."""
    faulty = False
    for number, one in enumerate(stated):
        for message in _own_faults(one, stated[:number], parameters):
            faulty = True
            yield number, message
    for names in () if faulty else clashing(rank_correlations(stated)):
        last = max(n for n, one in enumerate(stated) if one.pair[0] in names)
        more = f" and {len(names) - SHOWN_CHOICES} more" if len(names) > SHOWN_CHOICES else ""
        yield last, (
            f"the rank correlations between {', '.join(map(shown, names[:SHOWN_CHOICES]))}{more} "
            "cannot hold together, a pair that is not named counting as 0: "
            "name the missing pairs or take smaller values"
        )


def _own_faults(
    one: Correlation, before: Sequence[Correlation], parameters: Mapping[str, Parameter]
) -> Iterator[str]:
    for name in one.between:
        if name not in parameters:
            yield f"unknown parameter {shown(name)} {suggestion(name, parameters)}"
        elif isinstance(parameters[name].prior, Fixed):
            yield f"parameter {shown(name)} is fixed, so it cannot be correlated"
    if one.pair in [other.pair for other in before]:
        yield f"{shown(one.pair[0])} and {shown(one.pair[1])} are correlated twice"
