"""From the annotations of the models to JSON Schema.

Only what every version of pydantic says of a field is read (annotation, metadata, default), so
that the schemas are the same to the last byte whichever version made them. What a key means is its
description; what a table is, or one of several forms, is its title, since editors show the first
description that they meet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo

from escalation.schemas.attribute_docs import described, summary
from escalation.study.base import written_keys
from escalation.study.quantity import Number, Within

Schema: TypeAlias = dict[str, Any]
NULL: Schema = {"type": "null"}

_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
_LIMITS = {
    "ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum",
    "min_length": "minLength", "max_length": "maxLength",
}  # fmt: skip


@dataclass
class Definitions:
    """The definitions that a schema refers to, each made when it is first needed.

    Attributes
    ----------
    shorthands : mapping of type to callable
        What a user may write where a model stands, for models that are not written as they are.
    found : dict of str to dict
        Definitions by name.
    """

    shorthands: Mapping[type[BaseModel], Callable[[Definitions, type[BaseModel]], Schema]]
    found: dict[str, Schema] = field(default_factory=dict)

    def model(self, model: type[BaseModel]) -> Schema:
        """Return a reference to what a user may write where a model stands."""
        if model.__name__ not in self.found:
            make = self.shorthands.get(model, Definitions.table)
            self.found[model.__name__] = make(self, model)
        return _reference(model.__name__)

    def table(self, model: type[BaseModel]) -> Schema:
        """Return the table of a model's own keys."""
        required = [key for key in written_keys(model) if model.model_fields[key].is_required()]
        return {
            "title": summary(model),
            "type": "object",
            "properties": {key: self.key(model, key) for key in written_keys(model)},
            "required": required,
            "additionalProperties": False,
        }

    def key(self, model: type[BaseModel], key: str) -> Schema:
        """Return what may stand under a key of a model, with its description and default."""
        info = model.model_fields[key]
        schema = self.of(info.annotation, info.metadata)
        extra = info.json_schema_extra
        words = described(model)
        return {
            **({"description": words[key]} if key in words else {}),
            **schema,
            **(extra if isinstance(extra, dict) else {}),
            **_default(info),
        }

    def of(self, annotation: Any, marks: Iterable[Any] = ()) -> Schema:
        """Return what an annotation allows.

        Raises
        ------
        TypeError
            No schema is known for it.
        """
        flat = list(_flat(marks))
        stated = [mark.json_schema for mark in flat if isinstance(mark, WithJsonSchema)]
        if stated:
            return self.shared(stated[-1] or {})
        schema = self._plain(annotation)
        for mark in flat:
            schema = self._marked(schema, mark)
        return schema

    def entries(self, names: Any, values: Schema) -> Schema:
        """Return a table whose keys are names of one kind and whose values are all alike."""
        return {"type": "object", **_keyed(self._resolved(self.of(names)), values)}

    def used(self, schema: Schema) -> dict[str, Schema]:
        """Return the definitions that a schema refers to, and those that they refer to, by name."""
        names, new = set[str](), _references(schema)
        while new:
            names |= new
            new = set().union(*(_references(self.found[name]) for name in new)) - names
        return {name: self.found[name] for name in sorted(names)}

    def _plain(self, annotation: Any) -> Schema:
        if annotation in _TYPES:
            return {"type": _TYPES[annotation]}
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return self.model(annotation)
        kind, parts = get_origin(annotation), get_args(annotation)
        if kind is Annotated:
            return self.of(parts[0], parts[1:])
        if kind in (Union, UnionType):
            return {"anyOf": [self.of(part) for part in parts]}
        if kind is Literal:
            return {"const": parts[0]} if len(parts) == 1 else {"enum": list(parts)}
        if kind is dict:
            return self.entries(parts[0], self.of(parts[1]))
        if kind is tuple and parts[1:] == (...,):
            return {"type": "array", "items": self.of(parts[0])}
        raise TypeError(f"no JSON Schema is known for {annotation!r}")

    def _marked(self, schema: Schema, mark: Any) -> Schema:
        if isinstance(mark, AfterValidator) and isinstance(mark.func, Within):
            return self.shared({"title": _title(mark.func), **schema, **_within(mark.func)})
        limits = {
            word: getattr(mark, name) for name, word in _LIMITS.items() if hasattr(mark, name)
        }
        return schema | limits

    def shared(self, schema: Schema) -> Schema:
        """Keep what has a title as a definition of that name, and return a reference to it."""
        if "title" not in schema:
            return schema
        name = schema["title"]
        self.found[name] = {key: value for key, value in schema.items() if key != "title"}
        return _reference(name)

    def _resolved(self, schema: Schema) -> Schema:
        return self.found[schema["$ref"].removeprefix(_PLACE)] if "$ref" in schema else schema


_PLACE = "#/$defs/"


def _reference(name: str) -> Schema:
    return {"$ref": f"{_PLACE}{name}"}


def _references(schema: Any) -> set[str]:
    """Return the names of the definitions that a schema refers to, at every level of it."""
    if isinstance(schema, list):
        return set().union(*map(_references, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].removeprefix(_PLACE)} if "$ref" in schema else set()
    return own.union(*map(_references, schema.values()))


def _flat(marks: Iterable[Any]) -> Iterator[Any]:
    for mark in marks:
        if isinstance(mark, FieldInfo):
            yield from mark.metadata
        else:
            yield mark


def _default(info: FieldInfo) -> Schema:
    """Return the default, where it is one that a user could have written on one line."""
    value = info.default
    if isinstance(value, Number):
        value = value.value
    if isinstance(value, tuple):
        value = list(value)
    plain = isinstance(value, bool | int | float | str | list) and value not in ("", [])
    return {"default": value} if plain else {}


def _keyed(names: Schema, values: Schema) -> Schema:
    """Return the entries of a table: keys that are known by name, others by their pattern."""
    kinds = names.get("anyOf", [names])
    known = [name for kind in kinds for name in kind.get("enum", ())]
    patterns = [kind["pattern"] for kind in kinds if "pattern" in kind]
    return {
        **({"properties": dict.fromkeys(known, values)} if known else {}),
        **({"patternProperties": dict.fromkeys(patterns, values)} if patterns else {}),
        "additionalProperties": False,
    }


def _title(within: Within) -> str:
    return re.sub(r"[^\w.-]+", "_", f"Quantity {within.words()}")


def _within(within: Within) -> Schema:
    """Return the bounds of a quantity, however it is written.

    They say nothing of text and tables, so that they can stand beside all forms; where a prior
    states no default, its median is held to them.
    """
    low = "exclusiveMinimum" if within.open_low else "minimum"
    bounds = {low: within.low, "maximum": within.high}
    return {
        "description": f"A quantity, {within.words()}.",
        **bounds,
        "properties": {"value": bounds, "default": bounds},
        "if": {"not": {"required": ["default"]}},
        "then": {"properties": {"median": bounds}},
    }
