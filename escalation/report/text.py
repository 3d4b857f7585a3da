"""Numbers, names and tables as plain text: short, aligned, and harmless.

A table is laid out in one way only: names on the left, and as many columns beside them as fit
the width. Where they do not fit, a cell goes on in the line below; where that does not do, the
columns are dealt out to several blocks, one below the other.
"""

from __future__ import annotations

import math
import shutil
import textwrap
from collections.abc import Sequence
from itertools import pairwise, zip_longest
from typing import SupportsFloat

WIDTH = 80
"""Columns of a report where nobody says otherwise, and the fewest that any asks for."""
MOST_WIDTH = 120
"""Columns beyond which lines are hard to read."""

NAME_WIDTH, CELL_WIDTH, GAP = 20, 24, 2
"""Columns that a name and a cell may claim where room is short, and those between two cells."""

Row = tuple[str, Sequence[str]]
"""Name and cells; one without cells is a title over those that follow."""


def terminal_width() -> int:
    """Return the columns of the terminal from 80 to 120: of COLUMNS if set, 80 in a pipe."""
    return min(max(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH), MOST_WIDTH)


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


def share_number(share: SupportsFloat) -> str:
    """Two digits of a share of draws, ``-`` for NaN.

    >>> share_number(0.654), share_number(1.0)
    ('.65', '1.00')
    """
    value = float(share)
    return f"{value:.2f}".replace("0.", ".", 1) if math.isfinite(value) else "-"


def counted(number: int, noun: str) -> str:
    """Number and noun, with an s unless it is one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def safe(text: object) -> str:
    """Text of one line without control characters.

    >>> safe("a\\nb\\x1b[31m")
    'a b [31m'
    """
    return "".join(c if c.isprintable() else " " for c in str(text))


def short_title(title: str, name: str) -> str:
    """Return a title up to what stands in brackets; the name in words where there is none.

    >>> short_title("Asian NATO (Article 5), India declining", "asian_nato")
    'Asian NATO'
    """
    return safe(title.split(" (")[0].strip() or name.replace("_", " "))


def wrapped_name(name: str, width: int) -> list[str]:
    """Break a name after underscores or blanks into lines of at most `width`.

    >>> wrapped_name("asian_nato_with_india", 12)
    ['asian_nato_', 'with_india']
    """
    rest, found = safe(name), []
    while len(rest) > width:
        cut = max(rest.rfind("_", 0, width), rest.rfind(" ", 0, width)) + 1 or width
        found.append(rest[:cut].rstrip())
        rest = rest[cut:]
    return [*found, rest]


def paragraph(text: str, width: int, indent: str = "", hang: str | None = None) -> list[str]:
    """Wrap a text; longer words are broken, so that no line is wider than `width`."""
    lines = textwrap.wrap(
        text.replace(" %", "\u00a0%"), min(width, MOST_WIDTH), initial_indent=indent,
        subsequent_indent=indent if hang is None else hang, break_on_hyphens=False,
    )
    return [line.replace("\u00a0", " ") for line in lines]


def titled(title: str, width: int) -> list[str]:
    """Return a title and a line below it."""
    lines = paragraph(safe(title), width)
    return [*lines, "-" * max(map(len, lines), default=0)]


def table(headings: Sequence[str], rows: Sequence[Row], width: int) -> list[str]:
    """Lay out a table, no line wider than `width`.

    Parameters
    ----------
    headings : sequence of str
        One for each column; a line break in it stands.
    rows : sequence of Row
        A line break in a cell is where it may go on in the line below.
    width : int
        Columns.

    Examples
    --------
    >>> print(*table(["war %"], [("pact", ["8.0\\n[2.7–19.7]"])], 80), sep="\\n")
                   war %
    pact  8.0 [2.7–19.7]
    """
    width = min(width, MOST_WIDTH)
    columns = [[cells[k] for _, cells in rows if cells] for k in range(len(headings))]
    least = [
        GAP + min(CELL_WIDTH, max(len(part) for c in (head, *column) for part in c.split("\n")))
        for head, column in zip(headings, columns, strict=True)
    ]
    longest = max((len(name) for name, cells in rows if cells), default=0)
    for count in range(1, len(headings) + 1):
        ends = [len(headings) * k // count for k in range(count + 1)]
        blocks = [range(a, b) for a, b in pairwise(ends)]
        rest = width - min(longest, NAME_WIDTH)
        if all(sum(least[k] for k in block) <= rest for block in blocks):
            break
    deepest = max(heading.count("\n") for heading in headings)
    top = ["\n" * (deepest - heading.count("\n")) + heading for heading in headings]
    lines: list[str] = []
    for block in blocks:
        widths = [max(least[k], GAP + max(map(len, columns[k]), default=0)) for k in block]
        fold = "\n" if sum(widths) > rest else " "
        widths = [least[k] for k in block] if fold == "\n" else widths
        names = min(longest, width - sum(widths))
        lines += ["", *_row("", [top[k] for k in block], names, widths)]
        for name, cells in rows:
            shown = [cells[k].replace("\n", fold) for k in block] if cells else []
            hang = " " * (len(name) - len(name.lstrip()))
            lines += _row(name, shown, names, widths) if cells else paragraph(
                safe(name), width, hang=hang
            )
    return lines[1:]


def _row(name: str, cells: Sequence[str], names: int, widths: Sequence[int]) -> list[str]:
    """Set a name to the left and cells to the right, in as many lines as they need."""
    parts = [
        [line for p in cell.split("\n") for line in textwrap.wrap(p, width - GAP or 1) or [""]]
        for cell, width in zip(cells, widths, strict=True)
    ]
    return [
        (first.ljust(names) + "".join(map(str.rjust, rest, widths))).rstrip()
        for first, *rest in zip_longest(wrapped_name(name, names), *parts, fillvalue="")
    ]
