"""What a study changes about parameters, and what a scenario changes about anything, by its path.

A path is the name of a parameter (`patron_realisation`, `japan.domestic_veto`), which is changed
wherever it is read, or leads to an entry of the study: `structures.asian_nato.encirclement`, or
from the name of an actor, flashpoint or structure on, `taiwan_strait.base_host`. A pact is entered
by its name (`asian_nato.pacts.quad.members.india`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from escalation.errors import Problem
from escalation.parameters.priors import (
    Beta,
    Elicited,
    Gamma,
    LogNormal,
    Normal,
    Prior,
    TruncatedNormal,
    Uniform,
)
from escalation.parameters.registry import Mark, Parameter
from escalation.study.base import FiniteFloat, StudyModel, Text
from escalation.study.inherit import with_entries
from escalation.study.names import shown, suggestion
from escalation.study.nodes import Items, Node, Scalar, Table, is_empty, kind, table_of
from escalation.study.quantity import default_within, gather_prior
from escalation.study.yaml_text import writing_hint


class ParameterOverride(StudyModel):
    """A change to one parameter.

    A default without a prior keeps the registry's prior; a plain number fixes the parameter.

    Attributes
    ----------
    prior : Prior or None
        The distribution.
    default : float or None
        Value of a run at defaults; the new prior's median unless given.
    source : str or None
        Where it comes from; the file that says so unless given.
    mark : {"read", "computed", "judgement"} or None
        How it was come by; a judgement unless given.
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


CHANGE_FORMS = "a number, {median: ..., range: ...}, {prior: ...} or {default: ...}"


def not_a_change(node: Node) -> str:
    """Return why what is said of a parameter is no change of it, or an empty string."""
    if isinstance(node, Table):
        return ""
    value = node.value if isinstance(node, Scalar) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ""
    if not isinstance(value, str):
        return f"expected {CHANGE_FORMS}, found {kind(node)}"
    hint = writing_hint(value) if isinstance(node, Scalar) and node.plain else ""
    return f"expected {CHANGE_FORMS}, found {shown(value)}{hint and '; '}{hint}{_call_hint(value)}"


def _call_hint(text: str) -> str:
    """Say how to write a prior that was meant as `beta(2, 6)`."""
    name, bracket, rest = text.partition("(")
    if not bracket:
        return ""
    if not rest.endswith(")"):
        return f"; between {{ }} a comma ends a value, so put {name}(...) in quotes"
    if name.strip() not in _SHORT:
        return f"; unknown prior {shown(name)} {suggestion(name, _SHORT)}"
    keys = _SHORT[name.strip()]
    long = ", ".join(f"{key}: ..." for key in keys)
    return (f"; write {{prior: {name.strip()}, {long}}}, or in a scenario "
            f"{name.strip()}({', '.join(keys)})")


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


UNLIKE = ("horizon_years", "reference", "decision_rules")
"""Keys that a scenario leaves alone, since two runs that differ in them do not match."""
NOT_SET = ("name", "title", "description", "plan", "premise", "premises", "scenarios", "compare",
           *UNLIKE)  # fmt: skip
"""Keys of a study that a scenario leaves alone; the others are no part of what is simulated."""
_GROUPS = ("actors", "flashpoints", "structures")
_CALL = re.compile(r"([a-z_]+)\((.*)\)")
_SHORT = {
    kind.model_fields["prior"].default: [name for name in kind.model_fields if name != "prior"]
    for kind in (Beta, Gamma, LogNormal, Normal, TruncatedNormal, Uniform)
}
"""Numbers of each prior in the order in which `beta(2, 6)` names them."""


def patched(
    whole: Table, changes: Table, parameters: Iterable[str], problems: list[Problem]
) -> tuple[Table, Table]:
    """Return a study's tree as a scenario has it, and what the scenario says of parameters.

    Parameters
    ----------
    whole : Table
        The study, every reference followed.
    changes : Table
        Values by path.
    parameters : iterable of str
        Names of the study's parameters.
    problems : list of Problem
        Receives paths that lead nowhere.
    """
    known = set(parameters)
    said: dict[str, Node] = {}
    for path, node in changes.entries.items():
        value, steps = _spelled_out(node), _steps(whole, path)
        if path in known:
            said[path] = value
            continue
        try:
            if not steps:
                raise LookupError(_leads_nowhere(whole, path, known))
            whole = _with(whole, steps, value)
        except LookupError as error:
            problems.append(changes.key_position(path).problem(str(error)))
    return whole, table_of(changes.position, said)


def _leads_nowhere(whole: Table, path: str, known: set[str]) -> str:
    """Say why a scenario cannot set what a path names."""
    first = path.partition(".")[0]
    if first == "plan":
        return "a scenario has the size of its study: use --draws and --trajectories"
    if first in UNLIKE:
        return (f"a scenario leaves {first} alone, since runs that differ in it do not match draw "
                "by draw: write another study")
    if first in NOT_SET:
        return f"a scenario leaves {first} alone, which is no part of what is simulated"
    choices = suggestion(path, [*_paths(whole), *sorted(known)])
    return f"no parameter and no entry of the study is called {shown(path)} {choices}"


def _spelled_out(node: Node) -> Node:
    """Return a prior for what is written as `beta(2, 6)`, and all else as it is."""
    text = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
    call = _CALL.fullmatch(text.replace(" ", ""))
    names = _SHORT.get(call[1], []) if call else []
    numbers = call[2].split(",") if call else []
    if not names or len(names) != len(numbers):
        return node
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        return node
    entries: dict[str, Node] = {"prior": Scalar(node.position, call[1], call[1])}  # type: ignore[index]
    entries |= {
        name: Scalar(node.position, value, number)
        for name, value, number in zip(names, values, numbers, strict=True)
    }
    return table_of(node.position, entries)


def _paths(whole: Table) -> list[str]:
    """Return beginnings of paths that lead somewhere."""
    return [
        *(key for key in whole.entries if key not in NOT_SET),
        *(name for group in _GROUPS for name in _table(whole, group).entries),
    ]


def _table(whole: Table, group: str) -> Table:
    found = whole.entries.get(group)
    return found if isinstance(found, Table) else Table(whole.position)


def _steps(whole: Table, path: str) -> list[str]:
    """Return the keys from the root of the study to what a path names; none where it cannot be."""
    first, *rest = path.split(".")
    if first in NOT_SET:
        return []
    if first not in whole.entries:
        group = next((g for g in _GROUPS if first in _table(whole, g).entries), None)
        if group is None or not rest:
            return []
        return [group, first, *rest]
    return [first, *rest] if rest or first not in _GROUPS else []


def _with(node: Table, steps: list[str], value: Node) -> Table:
    """Return a copy of a table with the entry at the end of some steps set to a value.

    Raises
    ------
    LookupError
        There is no such pact, or nothing that an empty value could take away.
    """
    step, rest = steps[0], steps[1:]
    inner = node.entries.get("pacts" if step == "pact" else step)
    if not rest and is_empty(value):
        if step not in node.entries:
            raise LookupError(f"nothing is called {shown(step)} here that an empty value could "
                              f"take away {suggestion(step, node.entries)}")
        return with_entries(node, **{step: None})
    if not rest:
        new = value
    elif isinstance(inner, Items):
        rest = rest if step != "pact" else [_only_name(inner), *rest]
        step, new = "pacts", _with_item(inner, rest, value)
    else:
        new = _with(inner if isinstance(inner, Table) else Table(value.position), rest, value)
    return Table(
        node.position, {**node.entries, step: new},
        {**node.key_positions, step: value.position}, node.whole,
    )


def _only_name(pacts: Items) -> str:
    names = _names(pacts)
    return names[0] if len(names) == 1 else "pact"


def _names(pacts: Items) -> list[str]:
    return [item.text("name") or "" for item in pacts.items if isinstance(item, Table)]


def _with_item(pacts: Items, steps: list[str], value: Node) -> Items:
    name, rest = steps[0], steps[1:]
    if name not in _names(pacts) or not rest:
        raise LookupError(f"no pact is called {shown(name)} {suggestion(name, _names(pacts))}")
    return Items(pacts.position, tuple(
        _with(item, rest, value)
        if isinstance(item, Table) and item.text("name") == name else item
        for item in pacts.items
    ))
