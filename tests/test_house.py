"""How the package is laid out: names of files, sizes of rooms, parameters of functions."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import escalation

PACKAGE = Path(escalation.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
SAYS_NOTHING = {
    "work", "blocks", "sources", "counts", "kept", "sealed", "examination", "record", "checks",
    "mode", "places",
}
"""File names that do not say what is inside."""


def long_lists(source: str, most: int = 8) -> list[str]:
    """Functions with more than so many parameters, self and cls not counted."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            every = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            if len([a for a in every if a.arg not in ("self", "cls")]) > most:
                found.append(node.name)
    return found


def test_every_file_has_a_name_of_its_own_that_says_what_is_inside():
    names = Counter(f.stem for f in FILES if f.name != "__init__.py")
    assert [name for name, n in names.items() if n > 1] == []
    assert SAYS_NOTHING.isdisjoint(names)


def test_rooms_are_small():
    assert len(FILES) > 100
    sizes = Counter(f.parent for f in FILES)
    assert {room.name: n for room, n in sizes.items() if n > 20} == {}
    assert sizes[PACKAGE] <= 6


def test_functions_take_few_parameters():
    outside = [f for f in FILES if f.parent.name != "kernel"]
    found = {str(f.relative_to(PACKAGE)): long_lists(f.read_text("utf-8")) for f in outside}
    assert {file: names for file, names in found.items() if names} == {}


def test_a_long_list_of_parameters_is_found():
    assert long_lists("def f(a, b, c, d, e, f, g, h, *, i): ...") == ["f"]
    assert long_lists("def f(self, a, b, c, d, e, f, g, h): ...") == []
