"""Numbers and names as plain text: short, aligned, and harmless."""

from __future__ import annotations

import math
import os
import sys
import textwrap
from collections.abc import Sequence

WIDTH = 100
_LEAST_WIDTH, _MOST_WIDTH = 80, 120


def terminal_width() -> int:
    """Return the columns to write in: the terminal's, from 80 to 120; 80 off a terminal.

    The environment variable COLUMNS overrules both.
    """
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal():
        columns = int(asked)
    else:
        columns = os.get_terminal_size(1).columns if sys.stdout.isatty() else _LEAST_WIDTH
    return min(max(columns, _LEAST_WIDTH), _MOST_WIDTH)


def short_number(value: float) -> str:
    """Two digits or so, at most five characters plus a sign; ``-`` for NaN.

    >>> [short_number(x) for x in (99.96, 26.23, 4.61, 0.462, 0.0462, 0.0046, 4.6e-5)]
    ['100', '26.2', '4.6', '.46', '.046', '.005', '5e-5']
    """
    if not math.isfinite(value):
        return "-"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e5 or size < 0.00095:
        mantissa, exponent = f"{value:.0e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    if size >= 99.95:
        return f"{value:.0f}"
    if size >= 9.95:
        return f"{value:.1f}"
    if size < 0.00995:
        text = f"{value:.3f}"
    else:
        text = f"{value:.{1 - math.floor(math.log10(float(f'{size:.1e}')))}f}"
    return text.replace("0.", ".", 1) if size < 1 and text.lstrip("-").startswith("0.") else text


def plain_number(value: float) -> str:
    """As `short_number`, with a leading zero, for running text.

    >>> plain_number(-0.0462), plain_number(12.34)
    ('-0.046', '12.3')
    """
    text = short_number(value)
    return text.replace(".", "0.", 1) if text.lstrip("-").startswith(".") else text


def signed(value: float) -> str:
    """As `short_number`, with a plus sign where it is positive."""
    text = short_number(value)
    return f"+{text}" if value > 0 else text


def error_number(value: float) -> str:
    """As `short_number`; ``?`` for a Monte Carlo error that is not known.

    One of exactly zero is among these: it says that no two histories differed, not that no other
    would have.

    >>> error_number(0.046), error_number(0.0)
    ('.046', '?')
    """
    return short_number(value) if math.isfinite(value) and value > 0 else "?"


def of_100(share: float) -> str:
    """Return a share as a number of 100.

    >>> of_100(0.394), of_100(0.999), of_100(0.001)
    ('39', 'over 99', 'under 1')
    """
    if share > 0.995:
        return "over 99"
    return "under 1" if share < 0.005 else f"{100 * share:.0f}"


def counted(number: int, noun: str) -> str:
    """Number and noun, with an s unless it is one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def safe(text: object) -> str:
    """Text of one line without control characters.

    >>> safe("a\\nb\\x1b[31m")
    'a b [31m'
    """
    return "".join(c if c.isprintable() else " " for c in str(text))


def wrapped_name(name: str, width: int, lines: int) -> list[str]:
    """Break a name after underscores or blanks into exactly `lines` lines of at most `width`."""
    rest, found = safe(name), []
    for line in range(lines):
        if len(rest) <= width:
            found.append(rest)
            rest = ""
        elif line == lines - 1:
            found.append(rest[: width - 1] + "…")
        else:
            cut = max(rest.rfind("_", 0, width), rest.rfind(" ", 0, width)) + 1 or width
            found.append(rest[:cut])
            rest = rest[cut:]
    return found


def line_of(name: str, cells: Sequence[str], name_width: int, cell_width: int) -> str:
    """One line of a table: a name and right-aligned cells."""
    return (name.ljust(name_width) + "".join(c.rjust(cell_width) for c in cells)).rstrip()


def paragraph(text: str, width: int, indent: str = "", hang: str | None = None) -> list[str]:
    """Wrap a text; longer words are broken, so that no line is wider than `width`."""
    return textwrap.wrap(
        text, width, initial_indent=indent,
        subsequent_indent=indent if hang is None else hang,
    )
