"""Names that a study may use, and the nearest known name to a mistyped one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,62}")
NAME_RULE = "1 to 63 lower-case letters, digits and underscores, starting with a letter"

RESERVED = frozenset({"prior", "parameter", "value", "median", "extends"})
"""Keys that tell a quantity or a reference from a table of names, so no name may be one."""

SHOWN_CHOICES = 12
SHOWN_CHARACTERS = 80


def is_name(text: str) -> bool:
    """Tell whether `text` may name an actor, flashpoint, structure, pact or theatre."""
    return NAME_PATTERN.fullmatch(text) is not None and text not in RESERVED


def shown(value: object) -> str:
    """Return `value` as it may stand in a message: on one line, printable and short."""
    text = repr(value) if isinstance(value, str) else str(value)
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."


def listed(names: Iterable[str], most: int = 6) -> str:
    """Return names as a list in words; beyond `most` of them, how many more there are.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    known = list(names)
    if len(known) > most:
        known = [*known[:most], f"{len(known) - most} more"]
    return " and ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)


def nearest(given: str, choices: Iterable[str]) -> str | None:
    """Return the known name that was probably meant: one or two letters differ.

    Capitals, blanks and hyphens do not count.

    Examples
    --------
    >>> nearest("South China-See", ["south_china_sea", "east_china_sea"])
    'south_china_sea'
    >>> nearest("south_china_sea", ["east_china_sea"]) is None
    True
    """
    word = re.sub(r"[\s-]", "_", given[:200].lower())
    cutoff = max(0.6, 1.0 - 1.9 / max(len(word), 1))
    found = difflib.get_close_matches(word, list(choices), n=1, cutoff=cutoff)
    return found[0] if found else None


def suggestion(given: str, choices: Iterable[str]) -> str:
    """Return ``(did you mean 'x'?)`` or the list of choices, in parentheses.

    Parameters
    ----------
    given : str
        What was written.
    choices : iterable of str
        What would have been understood.

    Examples
    --------
    >>> suggestion("japn", ["china", "japan"])
    "(did you mean 'japan'?)"
    >>> suggestion("mars", ["china", "japan"])
    '(choices: china, japan)'
    """
    known = list(dict.fromkeys(choices))
    near = difflib.get_close_matches(given[:200], known, n=1, cutoff=0.6)
    if near:
        return f"(did you mean {near[0]!r}?)"
    if not known:
        return "(there are none)"
    more = f", and {len(known) - SHOWN_CHOICES} more" if len(known) > SHOWN_CHOICES else ""
    return f"(choices: {', '.join(known[:SHOWN_CHOICES])}{more})"
