"""What every part of a study is made of: a strict model whose faults say what to write."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

from escalation.errors import SHOWN_PROBLEMS
from escalation.study.names import shown, suggestion

MAX_SOURCE = 500
_CONTROL = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def fault(message: str, kind: str = "study") -> PydanticCustomError:
    """Return a validation error whose message stands as it is."""
    return PydanticCustomError(kind, message)


_PYDANTIC_KINDS = frozenset(get_args(ErrorType))


class StudyModel(BaseModel):
    """Base of the user's words: strict, frozen, and helpful about unknown keys."""

    empty_is_default: ClassVar[bool] = False
    """Whether an empty value of an optional key stands for its default, as in a patch."""

    # Infinite bounds survive a study's way through JSON and back.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, ser_json_inf_nan="constants"
    )

    @model_validator(mode="wrap")
    @classmethod
    def _name_unknown_keys(cls, data: Any, handler: Any) -> Self:
        try:
            return handler(cls._without_empty(data))
        except ValidationError as error:
            raise _with_choices(error, cls) from None

    @classmethod
    def _without_empty(cls, data: Any) -> Any:
        if not (cls.empty_is_default and isinstance(data, dict)):
            return data
        optional = {key for key, info in cls.model_fields.items() if not info.is_required()}
        return {k: value for k, value in data.items() if value is not None or k not in optional}


def _with_choices(error: ValidationError, model: type[BaseModel]) -> ValidationError:
    details: list[InitErrorDetails] = []
    unknown = 0
    for line in error.errors(include_url=False):
        kind: Any = line["type"]
        if kind == "extra_forbidden" and len(line["loc"]) == 1:
            key = str(line["loc"][0])
            choices = _choices(key, written_keys(model), unknown)
            unknown += 1
            kind = fault(f"unknown key {shown(key)} {choices}".rstrip(), "unknown_key")
        elif kind in ("value_error", "assertion_error"):
            kind = fault(line["msg"].removeprefix("Value error, "))
        elif kind not in _PYDANTIC_KINDS:
            kind = fault(line["msg"], kind)
        details.append(
            {"type": kind, "loc": line["loc"], "input": line["input"], "ctx": line.get("ctx", {})}
        )
    return ValidationError.from_exception_data(model.__name__, details)


def _choices(key: str, known: list[str], before: int) -> str:
    """Return the choices once, and for further unknown keys of a table the near ones.

    They take long to find, and beyond the problems that are listed nobody reads them.
    """
    found = suggestion(key, known) if before < SHOWN_PROBLEMS else ""
    return "" if before and found.startswith("(choices") else found


def written_keys(model: type[BaseModel]) -> list[str]:
    """Return the keys of `model` that a user may write."""
    return [
        name for name, info in model.model_fields.items()
        if not (info.json_schema_extra or {}).get("internal")  # type: ignore[union-attr]
    ]


def internal(default: Any, exclude: bool = False) -> Any:
    """Return a field that the loader fills and a user does not write."""
    return Field(
        default=default, json_schema_extra={"internal": True}, repr=False, exclude=exclude
    )


def finite(value: float) -> float:
    """Refuse infinities and NaN."""
    if not math.isfinite(value):
        raise fault("must be a finite number")
    return value


FiniteFloat = Annotated[float, AfterValidator(finite)]


def uncontrolled(text: str) -> str:
    """Refuse text with characters that steer a terminal or turn the direction of reading."""
    found = _CONTROL.search(text)
    if found:
        raise fault(f"holds the control character {found.group()!r}")
    return text


UNCONTROLLED = AfterValidator(uncontrolled)
Text = Annotated[str, Field(max_length=MAX_SOURCE)]


Part = TypeVar("Part", bound=BaseModel)


def parts_of(whole: object, kind: type[Part]) -> Iterator[Part]:
    """Yield every part of this kind below `whole`, in reading order."""
    if isinstance(whole, kind):
        yield whole
    elif isinstance(whole, BaseModel):
        for name in type(whole).model_fields:
            if name not in ("parameters", "text", "scenarios"):
                yield from parts_of(getattr(whole, name), kind)
    elif isinstance(whole, dict):
        for value in whole.values():
            yield from parts_of(value, kind)
    elif isinstance(whole, tuple):
        for value in whole:
            yield from parts_of(value, kind)
