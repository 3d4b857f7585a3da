"""A JSON Schema for every kind of file, so that an editor completes and checks what is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from escalation.errors import InputError
from escalation.schemas.definitions import Definitions, Schema
from escalation.schemas.shorthands import SHORTHANDS, actors
from escalation.study.alliances import Pact, Structure
from escalation.study.flashpoints import Flashpoint
from escalation.study.names import shown, suggestion
from escalation.study.schema import Premise, Study

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _of(model: type[BaseModel]) -> Callable[[Definitions], Schema]:
    return lambda definitions: SHORTHANDS[model](definitions, model)


_ROOTS: dict[str, Callable[[Definitions], Schema]] = {
    "study": _of(Study),
    "actors": actors,
    "flashpoint": _of(Flashpoint),
    "structure": _of(Structure),
    "pact": _of(Pact),
    "premise": _of(Premise),
}

KINDS = tuple(_ROOTS)
"""Kinds of files that have a schema."""


def file_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind of file, in draft 2020-12.

    It is made from the models that read the files. It refuses what they accept in three cases only:
    a flashpoint, structure, pact or actor that lacks a key and extends nothing, of use only to
    those that extend it; what the loader passes over, such as an unknown key with nothing under
    it; and an empty value inside a quantity. What needs the rest of a study is the loader's to
    check: whether an actor is known, whether a median lies inside its range.

    Parameters
    ----------
    kind : {"study", "actors", "flashpoint", "structure", "pact", "premise"}
        What the file holds.

    Returns
    -------
    dict
        Plain data that ``json.dumps`` writes.

    Raises
    ------
    InputError
        There is no such kind.

    Examples
    --------
    >>> schema = file_schema("flashpoint")
    >>> schema["properties"]["onset_rate"]["description"]
    "Disputes a year, as observed under today's structure."
    >>> schema["additionalProperties"]
    False
    """
    if kind not in _ROOTS:
        raise InputError(f"kind: unknown kind {shown(kind)} {suggestion(kind, KINDS)}")
    definitions = Definitions(SHORTHANDS)
    root = _ROOTS[kind](definitions)
    return {"$schema": DIALECT, **root, "$defs": definitions.used(root)}
