"""What a user may write where a model stands, as the loader's own rewriting has it.

The keys come from the models; here stands only what `escalation.study.assembly` and
`escalation.study.inherit` add: ``extends``, names of files, lists of members, priors written
beside their own keys, and empty values that take an inherited one away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from escalation.parameters.priors import Elicited, Fixed, Prior
from escalation.parameters.registry import REGISTRY
from escalation.schemas.attribute_docs import summary
from escalation.schemas.definitions import NULL, Definitions, Schema
from escalation.study.alliances import Member, Pact, Structure
from escalation.study.base import written_keys
from escalation.study.flashpoints import Actor, Flashpoint, ThirdParty
from escalation.study.overrides import ParameterOverride
from escalation.study.quantity import InlinePrior, Number, ParameterRef, UnitMagnitude
from escalation.study.schema import Premise, Scenario, Study
from escalation.study.vocabulary import ActorName, Name, ParameterName, Titled

Shorthand: TypeAlias = Callable[[Definitions, type[BaseModel]], Schema]

FILE: Schema = {
    "title": "Name of a file, relative to this one.", "type": "string", "pattern": r"\.ya?ml$",
}  # fmt: skip
EXTENDS: Schema = {
    "description": "File whose keys hold wherever this one says nothing.",
    "anyOf": [FILE, NULL],
}


def _number(definitions: Definitions, model: type[BaseModel]) -> Schema:
    return {"title": summary(model), "type": "number"}


def _parameter(definitions: Definitions, model: type[BaseModel]) -> Schema:
    """A parameter's name stands for the table that holds nothing else."""
    return _either(definitions.key(model, "parameter"), definitions.table(model))


def _inline_prior(definitions: Definitions, model: type[BaseModel]) -> Schema:
    return {"title": summary(model), "anyOf": list(_gathered(definitions, model))}


def _override(definitions: Definitions, model: type[BaseModel]) -> Schema:
    own = definitions.table(model)
    own["properties"].pop("prior")
    fixed = {"title": "Fixes the parameter.", "type": "number"}
    forms = [fixed, *_gathered(definitions, model), own]
    return {"title": summary(model), "anyOf": forms}


def _gathered(definitions: Definitions, model: type[BaseModel]) -> Iterator[Schema]:
    """Yield a table for every prior, whose keys stand beside those of the model.

    A median with a range needs neither the name of its prior nor a source.
    """
    own = definitions.table(model)
    own["properties"].pop("prior")
    stated = [key for key in own["required"] if key != "prior"]
    for prior in get_args(get_args(Prior)[0]):
        table = definitions.table(prior)
        its_own = [*table["required"], *(["default"] if prior is Fixed else [])]
        properties = table["properties"] | own["properties"]
        yield {**table, "properties": properties, "required": ["prior", *its_own, *stated]}
        if prior is Elicited:
            unnamed = {key: value for key, value in properties.items() if key != "prior"}
            yield {**table, "properties": unnamed, "required": its_own}


def _member(definitions: Definitions, model: type[BaseModel]) -> Schema:
    """A bare quantity is the member's bindingness, which the pact may give as well."""
    table = _optional(definitions.table(model))
    return _either(definitions.of(UnitMagnitude), _with_nulls(table))


def _pact_keys(definitions: Definitions) -> Schema:
    """Return the keys of a pact; its members may be a list, with one bindingness for all."""
    table = _optional(definitions.table(Pact))
    keys = table["properties"]
    members = {"type": "array", "items": definitions.of(ActorName), "uniqueItems": True}
    keys["members"]["type"] = ["object", "array"]
    keys["members"] |= {key: value for key, value in members.items() if key != "type"}
    shared = definitions.key(Member, "bindingness")
    keys["bindingness"] = shared | {"description": "Of the members that name none of their own."}
    return _with_nulls(table)


def _pact(definitions: Definitions, model: type[BaseModel]) -> Schema:
    return _extensible(_pact_keys(definitions), EXTENDS, {"required": _needed(Pact)})


def _structure(definitions: Definitions, model: type[BaseModel]) -> Schema:
    table = _optional(definitions.table(model), "name")
    keys = table["properties"]
    keys["pact"] = _pact_keys(definitions) | {"description": "The one pact that it is about."}
    keys["pacts"] = _list_of(definitions, Pact) | {"description": keys["pacts"]["description"]}
    words = "Structure, by name or by file, whose keys hold wherever this one says nothing."
    whole = {
        "required": _needed(Structure),
        "properties": {"pact": {"required": _needed(Pact)}},
    }
    return _extensible(_with_nulls(table), keys["extends"] | {"description": words}, whole)


def _flashpoint(definitions: Definitions, model: type[BaseModel]) -> Schema:
    table = _optional(definitions.table(model), "name")
    parties = table["properties"]["third_parties"]
    table["properties"]["third_parties"] = _with_nulls(parties)
    each = {"additionalProperties": {"required": _needed(ThirdParty)}}
    whole = {"required": _needed(Flashpoint), "properties": {"third_parties": each}}
    return _extensible(table, EXTENDS, whole)


def _partial(definitions: Definitions, model: type[BaseModel]) -> Schema:
    """A part of what may extend another gives only the keys that it changes."""
    return _optional(definitions.table(model))


def actors(definitions: Definitions) -> Schema:
    """Return a table of actors that are whole, as in a file of their own."""
    whole = {"allOf": [definitions.model(Actor), {"required": _needed(Actor)}]}
    return {"title": "Actors by name.", **definitions.entries(Name, whole)}


def _premise(definitions: Definitions, model: type[BaseModel]) -> Schema:
    table = definitions.table(model)
    table["properties"]["parameters"] = _parameters(definitions)
    return table


def _study(definitions: Definitions, model: type[BaseModel]) -> Schema:
    table = _optional(definitions.table(model), "name")
    keys = table["properties"]
    for key, part in _parts(model):
        if part is Actor:
            several = {"type": "array", "items": _either(FILE, actors(definitions))}
            forms = _either(definitions.entries(Name, definitions.model(Actor)), FILE, several)
        else:
            forms = _list_of(definitions, part)
        keys[key] = {"description": keys[key]["description"], **forms}
    keys["parameters"] = _parameters(definitions)
    keys["scenarios"] = {
        "description": "What the study would be if some of its values were others.",
        "type": "array", "items": _either(FILE, _scenario()),
    }  # fmt: skip
    table["properties"] = {k: v if k == "name" else _or_nothing(v) for k, v in keys.items()}
    each = {"additionalProperties": {"required": _needed(Actor)}}
    return _extensible(table, EXTENDS, {"properties": {"actors": each}})


def _scenario() -> Schema:
    """Return the keys of a scenario, which sets values of any form by path."""
    keys: dict[str, Schema] = {key: {"type": "string"} for key in written_keys(Scenario)}
    keys["set"] = {
        "description": "Values by path: a parameter's name, or keys from a part's name on.",
        "type": "object", "minProperties": 1,
    }  # fmt: skip
    return {
        "type": "object", "properties": keys, "additionalProperties": False,
        "required": ["name", "set"],
    }  # fmt: skip


def _parameters(definitions: Definitions) -> Schema:
    """Return a table of parameters: the registry's by name, a study's own by their position."""
    change = definitions.model(ParameterOverride)
    table = definitions.entries(ParameterName, change)
    known = {
        name: {"description": _entry_words(name), **change} for name in table["properties"]
    }
    words = "Parameters that are given another prior or default, by name."
    return definitions.shared(
        {"title": "Parameters", "description": words, **table, "properties": known}
    )


def _entry_words(name: str) -> str:
    entry = REGISTRY[name]
    return f"{entry.meaning}, in {entry.unit}; {entry.default:g}, prior {entry.prior.describe()}"


def _parts(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the keys of a study that hold named objects, and the kind of object."""
    for key, info in model.model_fields.items():
        parts = get_args(info.annotation)
        if get_origin(info.annotation) is dict and _is_titled(parts[1]):
            yield key, parts[1]


def _is_titled(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, Titled)


def _list_of(definitions: Definitions, model: type[BaseModel]) -> Schema:
    """Return a list of files and inline tables."""
    return {"type": "array", "items": _either(FILE, definitions.model(model))}


def _needed(model: type[BaseModel]) -> list[str]:
    """Return the keys without which the model is not whole, but for a name, which is apart."""
    return [k for k, info in model.model_fields.items() if info.is_required() and k != "name"]


def _optional(table: Schema, *required: str) -> Schema:
    """Return a table with no required keys but those named."""
    return {**table, "required": list(required)}


def _extensible(table: Schema, extends: Schema, whole: Schema) -> Schema:
    """Return a table that may extend another, and otherwise must be whole."""
    keys = table["properties"] | {"extends": extends}
    return {**table, "properties": keys, "if": {"required": ["extends"]}, "else": whole}


def _either(*forms: Schema) -> Schema:
    return {"anyOf": list(forms)}


def _or_nothing(schema: Schema) -> Schema:
    """Return what also allows nothing, which takes an inherited value away."""
    if "anyOf" in schema:
        known = schema["anyOf"]
        return schema if NULL in known else {**schema, "anyOf": [*known, NULL]}
    words, rest = dict[str, Any](), dict[str, Any]()
    for key, value in schema.items():
        (words if key in ("description", "default") else rest)[key] = value
    return {**words, "anyOf": [rest, NULL]}


def _with_nulls(table: Schema) -> Schema:
    """Return a table any of whose entries but its name may be nothing, at every level of it."""
    if "anyOf" in table:
        return {**table, "anyOf": [_with_nulls(form) for form in table["anyOf"]]}
    changed = {
        group: {
            key: value if key == "name" else _or_nothing(_with_nulls(value))
            for key, value in table[group].items()
        }
        for group in ("properties", "patternProperties") if group in table
    }  # fmt: skip
    return table | changed


SHORTHANDS: Mapping[type[BaseModel], Shorthand] = {
    Number: _number,
    ParameterRef: _parameter,
    InlinePrior: _inline_prior,
    ParameterOverride: _override,
    Actor: _partial,
    ThirdParty: _partial,
    Member: _member,
    Pact: _pact,
    Structure: _structure,
    Flashpoint: _flashpoint,
    Premise: _premise,
    Study: _study,
}
