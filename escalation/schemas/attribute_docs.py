"""What the docstrings of the models say of their keys, so that an editor can show it."""

from __future__ import annotations

import inspect
import re

_HEADING = re.compile(r"^(\w[\w ]*)\n-+\n", re.MULTILINE)
_ENTRY = re.compile(r"^([\w, ]+?) : .*\n((?:(?: .*)?\n)*)", re.MULTILINE)


def summary(model: type) -> str:
    """Return the first sentence or two of a docstring: everything before its first blank line.

    Examples
    --------
    >>> from escalation.study import Study
    >>> summary(Study)
    'Flashpoints crossed with structures, with everything that they refer to.'
    """
    return _on_one_line(inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0])


def described(model: type) -> dict[str, str]:
    """Return the description of every attribute by name, those of the bases included.

    Examples
    --------
    >>> from escalation.study.schema import RunPlan
    >>> described(RunPlan)["seed"]
    'Any unsigned 64-bit number.'
    """
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        found |= _own(base)
    return found


def _own(model: type) -> dict[str, str]:
    text = inspect.cleandoc(model.__doc__ or "") + "\n"
    parts = _HEADING.split(text)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {
        name: _on_one_line(words)
        for names, words in _ENTRY.findall(sections.get("Attributes", ""))
        for name in names.split(", ")
    }


def _on_one_line(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")
