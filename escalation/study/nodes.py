"""A tree of what the user wrote, each part with its file, line, column and dotted key.

Inheritance and references work on these trees, so that a mistake in an inherited value is
reported where it was written and not where it was used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from escalation.errors import Problem

MAX_DEPTH = 64
"""Deepest nesting of a study file."""


@dataclass(frozen=True)
class Position:
    """Where something stands.

    Attributes
    ----------
    file : str
        Path as the user would type it.
    line, column : int
        Counted from 1; 0 for a study built in Python.
    key : str
        Dotted key inside the file.
    """

    file: str
    line: int = 0
    column: int = 0
    key: str = ""

    def child(self, name: str | int) -> str:
        """Return the dotted key of an entry below this position."""
        return f"{self.key}.{name}" if self.key else str(name)

    def problem(self, message: str, key: str | None = None) -> Problem:
        """Return a problem at this position, under its own key or a given one."""
        return Problem(self.file, self.line, self.column, self.key if key is None else key, message)


@dataclass(frozen=True)
class Scalar:
    """A single value.

    Attributes
    ----------
    value : object
        None, bool, int, float or str.
    text : str
        The characters written.
    plain : bool
        True when written without quotes.
    takes_away : bool
        True for an empty value in the place of something inherited.
    """

    position: Position
    value: Any
    text: str = ""
    plain: bool = False
    takes_away: bool = False


@dataclass(frozen=True)
class Table:
    """Keys with values, in the order written; `key_positions` tells where each key stands.

    A `whole` table was written as a list, so it replaces an inherited one.
    """

    position: Position
    entries: dict[str, Node] = field(default_factory=dict)
    key_positions: dict[str, Position] = field(default_factory=dict)
    whole: bool = False

    def key_position(self, key: str) -> Position:
        """Return the position of `key`, or that of the table when it has no such key."""
        return self.key_positions.get(key, self.position)

    def text(self, key: str) -> str | None:
        """Return the entry `key` if it is text, else None."""
        entry = self.entries.get(key)
        return entry.value if isinstance(entry, Scalar) and isinstance(entry.value, str) else None


@dataclass(frozen=True)
class Items:
    """A list."""

    position: Position
    items: tuple[Node, ...] = ()


Node: TypeAlias = Scalar | Table | Items

QUANTITY_KEYS = ("prior", "parameter", "value", "median")


def kind(node: Node) -> str:
    """Return what a node is, in a reader's words."""
    if isinstance(node, Table):
        return "a table of keys"
    if isinstance(node, Items):
        return "a list"
    return {type(None): "nothing", bool: "true or false", str: "text"}.get(
        type(node.value), "a number"
    )


def is_empty(node: Node | None) -> bool:
    """Tell an empty value from anything that says something."""
    return isinstance(node, Scalar) and node.value is None


def is_quantity(node: Node) -> bool:
    """Tell a number, prior, figure or named parameter from a table of names."""
    if isinstance(node, Table):
        return any(key in node.entries for key in QUANTITY_KEYS)
    return isinstance(node, Scalar) and node.value is not None


def is_prior(node: Node) -> bool:
    """Tell an inline prior, named or elicited, from anything else."""
    return isinstance(node, Table) and ("median" in node.entries or node.text("prior") is not None)


def to_data(node: Node) -> Any:
    """Return plain Python data: dict, tuple and scalars."""
    if isinstance(node, Table):
        return {key: to_data(entry) for key, entry in node.entries.items()}
    if isinstance(node, Items):
        return tuple(to_data(item) for item in node.items)
    return node.value


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, parents first."""
    yield node
    if isinstance(node, Table):
        for entry in node.entries.values():
            yield from walk(entry)
    elif isinstance(node, Items):
        for item in node.items:
            yield from walk(item)


def table_of(position: Position, entries: dict[str, Node]) -> Table:
    """Return a table whose keys stand where their values stand."""
    return Table(position, entries, {key: entry.position for key, entry in entries.items()})


def from_data(data: object, file: str, problems: list[Problem]) -> Node:
    """Return the tree of plain Python data (dict, list, tuple, numbers, text, None)."""
    return _from_data(data, Position(file), problems, 0)


def _from_data(data: object, position: Position, problems: list[Problem], depth: int) -> Node:
    def below(name: str | int) -> Position:
        return Position(position.file, key=position.child(name))

    if depth > MAX_DEPTH:
        problems.append(position.problem(f"nested deeper than {MAX_DEPTH} levels"))
        return Scalar(position, None)
    if isinstance(data, Mapping):
        entries = {}
        for key, value in data.items():
            if isinstance(key, str):
                entries[key] = _from_data(value, below(key), problems, depth + 1)
            else:
                problems.append(position.problem(f"keys must be text, found {key!r}"))
        return table_of(position, entries)
    if isinstance(data, list | tuple):
        return Items(position, tuple(
            _from_data(item, below(number), problems, depth + 1)
            for number, item in enumerate(data)
        ))
    if data is None or isinstance(data, str | bool | int | float):
        return Scalar(position, data, text=str(data))
    # numpy scalars and zero-dimensional arrays
    if hasattr(data, "item") and getattr(data, "ndim", None) == 0:
        return _from_data(data.item(), position, problems, depth + 1)
    problems.append(position.problem(
        f"found a Python {type(data).__name__}; a study is made of dict, list, text and numbers"
    ))
    return Scalar(position, None)
