"""Files that a study is made of: found by plain relative paths, read once, kept as text."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from escalation.errors import Problem
from escalation.study.names import shown, suggestion
from escalation.study.nodes import Node, Position, Table, kind
from escalation.study.yaml_text import read_yaml

MAX_BYTES = 1_000_000
MAX_FILES = 500
MAX_PATH = 255
SUFFIXES = (".yaml", ".yml")
WHAT_IF = "what_if"
"""Name of the scenario that was asked for beside the study's own."""
ASKED, CHOSEN = "--set", "--scenario"
"""Stand among the texts of a study for the file of that scenario, and for the scenario whose study
this is."""


def is_file_name(text: str) -> bool:
    """Tell a reference to a file from a name."""
    return text.endswith(SUFFIXES)


def path_fault(reference: str) -> str:
    """Return why a reference is not a usable path, or an empty string."""
    if len(reference) > MAX_PATH:
        return f"path of {len(reference)} characters; at most {MAX_PATH} are accepted"
    if not reference.isprintable() or "\\" in reference or "://" in reference:
        return f"{shown(reference)} is not a plain path; write it with forward slashes"
    if reference.startswith(("/", "~")) or reference[1:2] == ":":
        return f"{shown(reference)} is absolute; write the path relative to this file"
    if not is_file_name(reference):
        return f"{shown(reference)} does not end in .yaml or .yml"
    return ""


class _Unusable(Exception):
    """A file cannot be used, for the reason in `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass
class Library:
    """Reads files for one study.

    Attributes
    ----------
    folder : str
        Folder of the study, as the user typed it; empty for the current one.
    stored : mapping of str to str or None
        Texts to read instead of the disk, by path relative to the folder.
    asked : str
        Text of a scenario beside the study's own; empty for none.
    problems : list of Problem
        Everything wrong that was met so far.
    notes : list of Problem
        What is legal and has no effect.
    text : dict of str to str
        What was read, by path relative to the folder.
    broken : bool
        True once a file could not be used, so that names may be missing.
    """

    folder: str = ""
    stored: Mapping[str, str] | None = None
    asked: str = ""
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    text: dict[str, str] = field(default_factory=dict)
    broken: bool = False
    _trees: dict[str, Table | None] = field(default_factory=dict)
    _behind_link: dict[str, str] = field(default_factory=dict)

    def shown_path(self, path: str) -> str:
        """Return a path as the user would type it."""
        beside = os.path.normpath(os.path.join(self.folder, path))
        return self._behind_link.get(path, beside)

    def origin(self, position: Position) -> str:
        """Return the path, relative to the folder, of the file in which `position` stands.

        A study that was never in a file keeps the name that stands for one.
        """
        for path in self._trees:
            if self.shown_path(path) == position.file:
                return path
        return position.file

    def follow(self, reference: str, position: Position) -> Table | None:
        """Return the tree of the file that `reference`, written at `position`, names."""
        why = path_fault(reference)
        if why:
            self.refuse(position.problem(why))
            return None
        return self.open(self.target(reference, position), position)

    def target(self, reference: str, position: Position) -> str:
        """Return the path, relative to the folder, that a reference leads to.

        What a linked file names, and is not found beside the link, is looked for beside the
        file that the link leads to. It keeps the path that it would have beside the link.
        """
        here = self.origin(position)
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), reference))
        if self.stored is None and path not in self._trees and not self.exists(path):
            beside = os.path.dirname(os.path.realpath(self.shown_path(here)))
            behind = os.path.normpath(os.path.join(beside, reference))
            if os.path.isfile(behind):
                self._behind_link[path] = behind
        return path

    def exists(self, path: str) -> bool:
        """Tell whether a path relative to the folder can be read."""
        if self.stored is not None:
            return path in self.stored
        return os.path.isfile(self.shown_path(path))

    def open(self, path: str, position: Position) -> Table | None:
        """Return the tree of a file, or None with a problem noted at `position`."""
        if path not in self._trees:
            self._trees[path] = None
            try:
                if len(self._trees) > MAX_FILES:
                    message = f"the study names more than {MAX_FILES} files"
                    raise _Unusable(position.problem(message))
                text = self._read(path, position)
            except _Unusable as unusable:
                self.refuse(unusable.problem)
            else:
                self.text[path] = text
                self._trees[path] = self._parse(path, text)
        return self._trees[path]

    def what_if(self) -> Table | None:
        """Return the tree of the scenario that was asked for beside the study's own, if one was."""
        text = self.asked or (self.stored or {}).get(ASKED)
        if not text:
            return None
        self.text[ASKED] = text
        root = read_yaml(text, ASKED, self.problems)
        return root if isinstance(root, Table) else None

    def refuse(self, problem: Problem) -> None:
        """Note a problem that others may follow from, since names are missing."""
        self.broken = True
        self.problems.append(replace(problem, cause=True))

    def _parse(self, path: str, text: str) -> Table | None:
        before = len(self.problems)
        root: Node | None = read_yaml(text, self.shown_path(path), self.problems)
        if isinstance(root, Table):
            return root
        self.broken = True
        if root is not None and len(self.problems) == before:
            self.problems.append(root.position.problem(
                f"expected keys with values, found {kind(root)}", key=""
            ))
        self.problems[before:] = [replace(p, cause=True) for p in self.problems[before:]]
        return None

    def _read(self, path: str, position: Position) -> str:
        if self.stored is None:
            return _read_file(Path(self.shown_path(path)), position)
        if path not in self.stored:
            choices = suggestion(path, self.stored)
            raise _Unusable(position.problem(f"no file {shown(path)} {choices}"))
        return self.stored[path]


def _read_file(full: Path, position: Position) -> str:
    file = str(full)
    # A problem with the study file itself has no line of another file to point at.
    at = position if position.line or position.key else Position(file)
    try:
        status = full.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _Unusable(at.problem(f"{shown(file)} is not a file"))
        if status.st_size > MAX_BYTES:
            raise _Unusable(Position(file).problem(
                f"file of {status.st_size:,} bytes; at most {MAX_BYTES:,} are read"
            ))
        with full.open("rb") as stream:
            data = stream.read(MAX_BYTES)
    except FileNotFoundError:
        raise _Unusable(at.problem(f"no file {shown(file)} {_neighbours(full)}")) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _Unusable(at.problem(f"cannot read {shown(file)}: {reason}")) from None
    return _decoded(data, file)


def _decoded(data: bytes, file: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _Unusable(Position(file, 1, 1).problem("is UTF-16; save as UTF-8"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise _Unusable(Position(file, line, column).problem("is not UTF-8 text")) from None


def _neighbours(full: Path) -> str:
    try:
        names = sorted(entry.name for entry in full.parent.iterdir() if is_file_name(entry.name))
    except OSError:
        return "(there is no such folder)"
    return suggestion(full.name, names)
