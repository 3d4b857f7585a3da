"""Kinds of names, titles and quantities that the schema is made of."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from escalation.contracts.codes import DECISION_RULES
from escalation.errors import SHOWN_PROBLEMS
from escalation.study.base import UNCONTROLLED, StudyModel, fault
from escalation.study.names import NAME_PATTERN, NAME_RULE, RESERVED, is_name, shown, suggestion
from escalation.study.quantity import PARAMETER_SHAPE, Number, UnitMagnitude

MAX_NAME, MAX_TITLE = 63, 200
ONE = Number(value=1.0)
ZERO = Number(value=0.0)


def _named(name: str) -> str:
    if not is_name(name):
        raise fault(f"{shown(name)} is not a usable name: {NAME_RULE}")
    return name


def _one_line(title: str) -> str:
    if "\n" in title:
        raise fault("is more than one line")
    return title


def _known(group: str, what: str) -> AfterValidator:
    """Return a validator that looks a name up among the context's `group`."""

    def check(name: str, info: ValidationInfo) -> str:
        context = info.context or {}
        known = context.get(group)
        if known is not None and name not in known:
            if group == "structures" and name in (context.get("left_out") or ()):
                raise fault(f"this study's own list of structures replaces the inherited one, and "
                            f"leaves out {shown(name)}; name it there too")
            raise fault(f"unknown {what} {shown(name)} {_choices(name, known, context)}".rstrip())
        return name

    return AfterValidator(check)


def _choices(name: str, known: list[str], context: dict[str, Any]) -> str:
    """Return what to write instead, for as many names as a message lists."""
    context["unknown"] = context.get("unknown", 0) + 1
    return suggestion(name, known) if context["unknown"] <= SHOWN_PROBLEMS else ""


def _known_rule(name: str) -> str:
    if name not in DECISION_RULES:
        raise fault(f"unknown decision rule {shown(name)} {suggestion(name, DECISION_RULES)}")
    return name


NAME_SHAPE = WithJsonSchema({
    "title": "Name",
    "description": NAME_RULE,
    "type": "string",
    "pattern": f"^(?!({'|'.join(sorted(RESERVED))})$){NAME_PATTERN.pattern}$",
})
"""What every name looks like, for editors; validators say of a name whether it is known."""

Name: TypeAlias = Annotated[str, AfterValidator(_named), NAME_SHAPE]
Title: TypeAlias = Annotated[
    str, Field(max_length=MAX_TITLE), UNCONTROLLED, AfterValidator(_one_line)
]
ActorName: TypeAlias = Annotated[str, _known("actors", "actor"), NAME_SHAPE]
StructureName: TypeAlias = Annotated[str, _known("structures", "structure"), NAME_SHAPE]
PlaceName: TypeAlias = Annotated[str, NAME_SHAPE]
"""A flashpoint or theatre; :mod:`escalation.study.theatres` looks it up."""
ParameterName: TypeAlias = Annotated[str, _known("parameters", "parameter"), PARAMETER_SHAPE]
RuleName: TypeAlias = Annotated[
    str, AfterValidator(_known_rule), WithJsonSchema({"enum": list(DECISION_RULES)})
]

ByTheatre: TypeAlias = dict[PlaceName, UnitMagnitude]


class Titled(StudyModel):
    """Has a name, and a title that is the name in words unless another is given.

    Attributes
    ----------
    name : str
        What files, options and results call it.
    title : str
        What tables and figures call it; the name in words unless given.
    """

    name: Name
    title: Title = ""

    @model_validator(mode="before")
    @classmethod
    def _title_from_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and "title" not in data and isinstance(data.get("name"), str):
            return {**data, "title": data["name"].replace("_", " ")[:MAX_TITLE]}
        return data
