"""Validation errors in the user's words, at the position where the value stands."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, get_args

from pydantic import ValidationError

from escalation.errors import Problem
from escalation.parameters.priors import Prior
from escalation.study.names import shown, suggestion
from escalation.study.nodes import Items, Node, Position, Scalar, Table, is_empty, kind
from escalation.study.quantity import QUANTITY_FORMS
from escalation.study.yaml_text import writing_hint

_NUMBERS = {"float_type", "int_type", "int_from_float", "parameter"}
_COMMON_KEYS = ["default", "unit", "source", "mark", "meaning"]
_PRIOR_KEYS = {
    model.model_fields["prior"].default: [*model.model_fields, *_COMMON_KEYS]
    for model in get_args(get_args(Prior)[0])
}


def problems_of(
    error: ValidationError, root: Node, orphans: Collection[Position] = ()
) -> list[Problem]:
    """Return the problems behind a validation error.

    Parameters
    ----------
    error : pydantic.ValidationError
        What the schema objected to.
    root : Scalar, Table or Items
        The tree that was validated.
    orphans : collection of Position
        Objects whose gaps are not their own fault, since what they extend was not found.
    """
    lines = error.errors(include_url=False)
    return [_problem(line, root) for line in lines if not _excused(line, root, orphans)]


def _excused(line: Any, root: Node, orphans: Collection[Position]) -> bool:
    if line["type"] not in ("missing", "no_members"):
        return False
    container, node, _ = _find(root, line["loc"])
    return (node if isinstance(node, Table) else container).position in orphans


def _problem(line: Any, root: Node) -> Problem:
    container, node, key = _find(root, line["loc"])
    match line["type"]:
        case "missing":
            table = node if isinstance(node, Table) else container
            missing, position = str(line["loc"][-1]), table.position
            return position.problem(f"missing key {missing!r}", key=position.child(missing))
        case "extra_forbidden":
            choices = suggestion(key, _prior_keys(container, change=container is root))
            return _key_position(container, key).problem(f"unknown key {shown(key)} {choices}")
        case "unknown_key":
            return _key_position(container, key).problem(line["msg"])
    if line["loc"] and line["loc"][-1] == "[key]":
        return _key_position(container, key).problem(_words(line, Scalar(node.position, key, key)))
    return node.position.problem(_words(line, node))


def _find(root: Node, loc: tuple) -> tuple[Node, Node, str]:
    """Follow a location as far as the tree goes: the container, the value and its key.

    Labels of unions and models, which the user did not write, are passed over.
    """
    container, node, key = root, root, ""
    for part in loc:
        here = node if isinstance(node, Table | Items) else container
        if isinstance(here, Table) and part in here.entries:
            container, node, key = here, here.entries[part], str(part)
        elif isinstance(here, Items) and isinstance(part, int) and part < len(here.items):
            container, node, key = here, here.items[part], str(part)
    return container, node, key


def _key_position(container: Node, key: str) -> Position:
    return container.key_position(key) if isinstance(container, Table) else container.position


def _prior_keys(container: Node, change: bool) -> list[str]:
    """Return the keys that the prior written in `container` takes.

    One that changes a parameter leaves it its unit and its meaning.
    """
    name = container.text("prior") if isinstance(container, Table) else None
    if isinstance(container, Table) and name is None and "median" in container.entries:
        name = "elicited"
    keys = _PRIOR_KEYS.get(name or "", [])
    return [key for key in keys if not (change and key in ("unit", "meaning"))]


def _words(line: Any, node: Node) -> str:
    value = node.value if isinstance(node, Scalar) else None
    hint = _hint(line["type"], node)
    context = line.get("ctx") or {}
    if hint:
        return f"{shown(getattr(node, 'text', ''))}: {hint}"
    found = shown(value) if value is not None else kind(node) + _nothing_inherited(node)
    match line["type"]:
        case "study" | "parameter" | "no_members":
            return line["msg"]
        case "quantity":
            return f"expected {QUANTITY_FORMS}, found {found}"
        case "float_type":
            return f"expected a number, found {found}"
        case "int_type" | "int_from_float":
            return f"expected a whole number, found {found}"
        case "bool_type":
            return f"expected true or false, found {found}"
        case "string_type":
            quotes = "; put it in quotes" if value is not None else ""
            return f"expected text, found {found}{quotes}"
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"expected a table of keys, found {found}"
        case "tuple_type" | "list_type":
            return f"expected a list, found {found}"
        case "string_too_long":
            return f"{len(str(value)):,} characters; at most {context['max_length']:,}"
    return _range_words(line, found, context)


_TABLES_OF_NAMES = {
    "actors", "bindingness", "commitments", "covers", "members", "third_parties",
    "trade_dependence",
}  # fmt: skip


def _nothing_inherited(node: Node) -> str:
    """Say of an empty value below names that nothing is inherited that it could take away."""
    above = node.position.key.split(".")[-3:-1]
    if not (is_empty(node) and _TABLES_OF_NAMES.intersection(above)):
        return ""
    return "; an empty value takes away what is inherited, and nothing of that name is"


def _range_words(line: Any, found: str, context: dict) -> str:
    match line["type"]:
        case "greater_than":
            return f"{found} is out of range: must be above {context['gt']:g}"
        case "greater_than_equal":
            return f"{found} is out of range: must be at least {context['ge']}"
        case "less_than_equal":
            return f"{found} is out of range: must be at most {context['le']}"
        case "literal_error":
            choices = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
            return f"unknown choice {found} {suggestion(found.strip(chr(39)), choices)}"
        case "union_tag_invalid":
            choices = context["expected_tags"].replace("'", "").split(", ")
            return f"unknown prior {found} {suggestion(str(context['tag']), choices)}"
    return f"{line['msg']}, found {found}"


def _hint(kind_of_error: str, node: Node) -> str:
    """Return what to write instead of a scalar that YAML readers disagree about."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.plain:
        return ""
    truth = kind_of_error == "bool_type"
    numeric = truth or kind_of_error in _NUMBERS
    return writing_hint(node.text, wants_truth=truth) if numeric else ""
