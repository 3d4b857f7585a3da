"""YAML 1.2 text to a tree of nodes, refusing whatever two readers could understand two ways.

The text is read event by event without recursion, so neither depth, nor aliases, nor tags
can do harm: nesting ends at :data:`~escalation.study.nodes.MAX_DEPTH`, anchors, aliases,
tags and directives are refused, and nothing is ever evaluated. Duplicate keys are refused
instead of the last one winning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from escalation.errors import Problem
from escalation.study.names import shown
from escalation.study.nodes import MAX_DEPTH, Items, Node, Position, Scalar, Table

MAX_DIGITS = 40
"""Longest number that is read as one; longer text could only be a slip."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
# An exponent counts only with a dot and a sign: YAML 1.1 takes `1e6` for text.
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)?\.[0-9]*([eE][-+][0-9]+)?")
_SPECIAL = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NOT_FINITE = re.compile(r"([-+]?)\.?(inf|infinity|nan)", re.IGNORECASE)
_STRAY = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_WORDS = {"no": False, "n": False, "off": False, "yes": True, "y": True, "on": True}


def scalar_value(text: str) -> object:
    """Return the value of a plain (unquoted) scalar.

    Anything that YAML 1.1 and 1.2 read differently (``no``, ``010``, ``1e6``, ``1_000``)
    stays text, which a number's position then refuses with a hint.
    """
    if text in _SPECIAL:
        return _SPECIAL[text]
    if len(text) <= MAX_DIGITS:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text) and any(char.isdigit() for char in text):
            return float(text)
    return text


def writing_hint(text: str, wants_truth: bool = False) -> str:
    """Return what to write instead of an ambiguous plain scalar, or an empty string.

    Examples
    --------
    >>> writing_hint("1e6")
    'some YAML readers take it for text: write 1000000'
    >>> writing_hint("010")
    'some YAML readers take it for octal: write 10'
    """
    if text.lower() in _WORDS:
        if wants_truth:
            return f"write {str(_WORDS[text.lower()]).lower()}"
        return "some YAML readers take it for true or false: write a number"
    if _NOT_FINITE.fullmatch(text):
        return "must be a finite number"
    if re.fullmatch(r"[-+]?0[0-9]+", text):
        return f"some YAML readers take it for octal: write {_plain_number(text.replace('+', ''))}"
    if re.fullmatch(r"0[xob][0-9a-fA-F]+", text):
        return "write the number in decimal digits"
    if re.fullmatch(r"[-+]?[0-9._]+([eE][-+]?[0-9]+)?", text):
        if len(text) > MAX_DIGITS:
            return f"no number here has more than {MAX_DIGITS} characters"
        number = _plain_number(text.replace("_", ""))
        return f"some YAML readers take it for text: write {number}" if number else ""
    if re.fullmatch(r"[-+]?[0-9]+,[0-9,]*[0-9]", text):
        return "write the number without commas, with a dot for decimals"
    return ""


def _plain_number(text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return ""
    if number.is_integer() and abs(number) < 1e18:
        return str(int(number))
    return repr(number) if "e" not in repr(number) else f"{number:.6e}"


def read_yaml(text: str, file: str, problems: list[Problem]) -> Node | None:
    """Parse `text`; append to `problems` what is wrong with it as YAML.

    Parameters
    ----------
    text : str
        The whole file.
    file : str
        Its name for messages.
    problems : list of Problem
        Receives the problems found.

    Returns
    -------
    Scalar, Table, Items or None
        None when the text is not usable as YAML at all. Nothing may change what it holds: a text
        that was read before gives the same tree.
    """
    root, found = _read(text, file)
    problems.extend(found)
    return root


@lru_cache(maxsize=128)
def _read(text: str, file: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """Parse a text; a run reads its study several times, and parsing is most of that."""
    problems: list[Problem] = []
    root = _parsed(text, file, problems)
    return root, tuple(problems)


def _parsed(text: str, file: str, problems: list[Problem]) -> Node | None:
    stray = _stray_characters(text, file)
    if stray:
        problems.append(stray)
        return None
    builder = _Builder(file, problems)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if not builder.take(event):
                return None
    except MarkedYAMLError as error:
        problems.append(_syntax_problem(error, file))
        return None
    except (YAMLError, ValueError, RecursionError) as error:
        first_line = (str(error).splitlines() or [""])[0]
        problems.append(Problem(file, 1, 1, "", f"not readable as YAML: {first_line}"))
        return None
    return builder.root or Scalar(Position(file, 1, 1), None)


def _stray_characters(text: str, file: str) -> Problem | None:
    if text.startswith("\ufeff"):
        return Problem(file, 1, 1, "", "starts with a byte-order mark; save as UTF-8 without it")
    stray = _STRAY.search(text)
    if stray:
        before = text[: stray.start()]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        found = stray.group()
        what = "a tab; use spaces" if found == "\t" else f"the control character {found!r}"
        return Problem(file, line, column, "", f"found {what}")
    return None


def _syntax_problem(error: MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    words = " ".join(part for part in (error.problem, error.context) if part)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Problem(file, line, column, "", f"not valid YAML: {words}")


@dataclass
class _Open:
    """A table or list whose end has not been met."""

    node: Table | Items
    items: list[Node] = field(default_factory=list)
    key: str | None = None
    key_position: Position | None = None
    duplicate: bool = False


@dataclass
class _Builder:
    """Builds the tree from events; `take` returns False when reading must stop."""

    file: str
    problems: list[Problem]
    root: Node | None = None
    stack: list[_Open] = field(default_factory=list)

    def take(self, event: Event) -> bool:
        if isinstance(event, DocumentStartEvent):
            return self._document(event)
        refusal = _refusal(event)
        if refusal:
            return self._stop(event, refusal)
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            return self._open(event)
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._close()
        elif isinstance(event, ScalarEvent):
            self._scalar(event)
        return True

    def _document(self, event: DocumentStartEvent) -> bool:
        if event.version or event.tags:
            return self._stop(event, "directives are not accepted")
        if self.root is not None:
            return self._stop(event, "a second document begins here; a file holds one")
        return True

    def _stop(self, event: Event, message: str) -> bool:
        self.problems.append(self._position(event).problem(message))
        return False

    def _position(self, event: Event) -> Position:
        mark = event.start_mark
        key = ""
        if self.stack:
            top = self.stack[-1]
            name = len(top.items) if isinstance(top.node, Items) else top.key
            key = top.node.position.key if name is None else top.node.position.child(name)
        return Position(self.file, mark.line + 1, mark.column + 1, key)

    def _open(self, event: Event) -> bool:
        if self._expects_key():
            return self._stop(event, "a key must be a plain name, not a table or list")
        if len(self.stack) >= MAX_DEPTH:
            return self._stop(event, f"nested deeper than {MAX_DEPTH} levels")
        position = self._position(event)
        node = Table(position) if isinstance(event, MappingStartEvent) else Items(position)
        self.stack.append(_Open(node))
        return True

    def _close(self) -> None:
        closed = self.stack.pop()
        node = closed.node
        self._add(Items(node.position, tuple(closed.items)) if isinstance(node, Items) else node)

    def _expects_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].node, Table) and (
            self.stack[-1].key is None
        )

    def _scalar(self, event: ScalarEvent) -> None:
        if self._expects_key():
            self._key(event)
            return
        plain = bool(event.implicit[0])
        value = scalar_value(event.value) if plain else event.value
        self._add(Scalar(self._position(event), value, event.value, plain))

    def _key(self, event: ScalarEvent) -> None:
        top = self.stack[-1]
        key = event.value
        top.key = key
        top.key_position = self._position(event)
        first = top.node.key_positions.get(key) if isinstance(top.node, Table) else None
        top.duplicate = first is not None
        if first is not None:
            self.problems.append(top.key_position.problem(
                f"key {shown(key)} given twice (first on line {first.line})"
            ))

    def _add(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        if isinstance(top.node, Items):
            top.items.append(node)
            return
        if top.key is not None and top.key_position is not None and not top.duplicate:
            top.node.entries[top.key] = node
            top.node.key_positions[top.key] = top.key_position
        top.key = None


def _refusal(event: Event) -> str:
    if isinstance(event, AliasEvent):
        return f"aliases (*{event.anchor}) are not accepted; refer to a file by its name instead"
    anchor = getattr(event, "anchor", None)
    if anchor:
        return f"anchors (&{anchor}) are not accepted; refer to a file by its name instead"
    tag = getattr(event, "tag", None)
    if tag:
        return f"tags ({shown(str(tag))}) are not accepted; write plain values"
    return ""
