"""What a line of the journal may say; a line that says anything else is not ours."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

EVENTS = ("war", "great_power_war")
"""Whose hits the journal lists, draw by draw."""

_Count: TypeAlias = Annotated[int, Field(ge=0, lt=2**63)]


class _Written(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    file: str
    sha256: str
    time: str
    host: str
    part: str
    adopted: bool = False
    repaired: bool = False


class _Parameters(_Written):
    kind: Literal["parameters"]
    draws: _Count


class _Block(_Written):
    kind: Literal["block"]
    rule: str
    flashpoint: str
    structure: str
    begin: _Count
    end: _Count
    first: _Count
    count: _Count
    histories: _Count
    hits: dict[str, list[_Count]]
    tables: list[int]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    @model_validator(mode="after")
    def _one_number_per_draw(self) -> Self:
        lengths = {len(numbers) for numbers in (self.tables, *self.hits.values())}
        if sorted(self.hits) != sorted(EVENTS) or lengths != {self.end - self.begin}:
            raise ValueError("its lists do not fit its draws")
        return self


_ENTRY: TypeAdapter[Any] = TypeAdapter(Annotated[_Parameters | _Block, Field(discriminator="kind")])


def well_formed(entry: Any) -> bool:
    """Tell whether an entry of the journal speaks of a file, with all that belongs there."""
    try:
        _ENTRY.validate_python(entry)
    except ValidationError:
        return False
    return True
