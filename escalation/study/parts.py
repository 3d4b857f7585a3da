"""Every part of a kind below a part of a study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel

Part = TypeVar("Part", bound=BaseModel)


def parts_of(whole: object, kind: type[Part]) -> Iterator[Part]:
    """Yield every part of this kind below `whole`, in reading order."""
    if isinstance(whole, kind):
        yield whole
    elif isinstance(whole, BaseModel):
        for name in type(whole).model_fields:
            if name not in ("parameters", "text"):
                yield from parts_of(getattr(whole, name), kind)
    elif isinstance(whole, dict):
        for value in whole.values():
            yield from parts_of(value, kind)
    elif isinstance(whole, tuple):
        for value in whole:
            yield from parts_of(value, kind)
