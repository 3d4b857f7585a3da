"""Rows of a CSV file, checked cell by cell; every mistake is one line with its place.

Lines are counted from 1, the header's. `MISSING` and -9 mean that a value is missing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from escalation.archive.source_files import SourceFile, printable
from escalation.errors import InputError

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>", "#n/a"})
"""What programs write for a missing value, in lower case."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,' \u00a0\u202f]\d{3})+(\.\d*)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_SHOWN = 60
_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}


@dataclass(frozen=True)
class Rows:
    """The needed columns of a CSV file, as text.

    Attributes
    ----------
    name : str
        The file, as a message shows it.
    lines : list of int
        Line of each row.
    cells : dict of list of str
        Needed columns.
    """

    name: str
    lines: list[int]
    cells: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Line and cells by name, row after row."""
        for line, *texts in zip(self.lines, *self.cells.values(), strict=True):
            yield line, dict(zip(self.cells, texts, strict=True))

    def numbers(
        self, column: str, bounds: tuple[float, float], *, whole: bool = True
    ) -> np.ndarray:
        """A column as numbers, NaN where missing; what `number_in` refuses is refused."""
        texts = self.cells[column]
        series = pd.Series(texts, dtype=object)
        values = pd.to_numeric(series, errors="coerce").to_numpy(float).copy()
        fine = (values >= bounds[0]) & (values <= bounds[1])
        if whole:
            fine &= values == np.floor(values)
        for i in np.flatnonzero(~fine).tolist():
            values[i] = number_in(
                self.name, self.lines[i], column, texts[i], bounds, may_miss=True, whole=whole
            )
        return values


def read_rows(
    file: SourceFile | str | Path,
    needed: tuple[str, ...],
    aliases: Mapping[str, str] | None = None,
) -> Rows:
    """The needed columns of a CSV file; names may be in capitals.

    Parameters
    ----------
    file : SourceFile or path
    needed : tuple of str
        Names of columns, in lower case.
    aliases : mapping, optional
        Further names for a needed column.

    Raises
    ------
    InputError
        The file cannot be read, lacks columns or rows, has a needed column twice, or a row has
        too few or many cells.
    """
    source = file if isinstance(file, SourceFile) else SourceFile.on_disk(file)
    text = _decoded(source)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        places = _places(source.name, text, header, needed, aliases or {})
        return _body(source.name, reader, len(header), places)
    except csv.Error as error:
        raise InputError(
            f"{source.name}:{reader.line_num}: not a CSV text file ({error})"
        ) from None


def _decoded(source: SourceFile) -> str:
    content = source.load()
    cause = ""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        cause = "UTF-16; save it as UTF-8"
    elif content.startswith(b"PK\x03\x04"):
        cause = "an Excel or zip file; save the table as CSV"
    elif b"\0" in content[:4096]:
        cause = "it has null bytes, as UTF-16 or a binary file does"
    if cause:
        raise InputError(f"{source.name}: not a CSV text file ({cause})")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1").removeprefix("ï»¿")


def _places(
    name: str, text: str, header: list[str], needed: tuple[str, ...], aliases: Mapping[str, str]
) -> dict[str, int]:
    """Index of each needed column."""
    names = [aliases.get(column, column) for column in header]
    missing = [column for column in needed if column not in names]
    if missing:
        raise InputError(f"{name}:1: missing columns: {', '.join(missing)}{_cause(text, needed)}")
    twice = [column for column in needed if names.count(column) > 1]
    if twice:
        raise InputError(f"{name}:1: column {twice[0]} stands there {names.count(twice[0])} times")
    return {column: names.index(column) for column in needed}


def _cause(text: str, needed: tuple[str, ...]) -> str:
    """Why columns may be missing: another separator."""
    first = text.partition("\n")[0].lower()
    for separator, words in _SEPARATORS.items():
        found = {name.strip().strip('"') for name in first.split(separator)}
        if separator in first and found & set(needed):
            return f" (columns are separated by {words}; save the table with commas)"
    return ""


def _body(name: str, reader: Any, width: int, places: dict[str, int]) -> Rows:
    lines: list[int] = []
    columns: list[list[str]] = [[] for _ in places]
    picked = list(zip(columns, places.values(), strict=True))
    last = reader.line_num
    for cells in reader:
        first, last = last + 1, reader.line_num
        if len(cells) != width:
            if not cells:
                continue
            if len(cells) < width or any(cell.strip() for cell in cells[width:]):
                raise InputError(f"{name}:{first}: {len(cells)} cells, the header has {width}")
        lines.append(first)
        for column, place in picked:
            column.append(cells[place].strip())
    if not lines:
        raise InputError(f"{name}: no rows below the header")
    return Rows(name, lines, dict(zip(places, columns, strict=True)))


def number_in(
    path: str | Path, line: int, column: str, text: str,
    bounds: tuple[float, float], *, may_miss: bool, whole: bool = True,
) -> float:  # fmt: skip
    """The number in a cell; NaN where it is missing and may be.

    Raises
    ------
    InputError
        Not a number, not whole though it should be, out of range, or missing.
    """
    place = f"{path}:{line}: {column}:"
    shown = repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
    if text.lower() in MISSING:
        value = np.nan
    elif _NUMBER.fullmatch(text):
        value = float(text)
    else:
        raise InputError(f"{place} {shown} is not a number{_why(text)}")
    if np.isnan(value) or value == -9:
        if may_miss:
            return np.nan
        raise InputError(f"{place} {shown} means missing; a number is needed")
    low, high = bounds
    if not low <= value <= high or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{place} {shown} is not {kind} from {low:g} to {high:g}")
    return value


def _why(text: str) -> str:
    if text == ".":
        return " (a missing value of Stata or SAS; leave the cell empty or write -9)"
    if _THOUSANDS.fullmatch(text):
        return " (write it without a separator of thousands)"
    if _DECIMAL_COMMA.fullmatch(text):
        return " (write a decimal point)"
    return ""


def refuse_twin(
    seen: dict[object, int], key: object, name: str | Path, line: int, what: str
) -> None:
    """Note where a key stands.

    Raises
    ------
    InputError
        It stood in an earlier line already.
    """
    if key in seen:
        raise InputError(f"{printable(name)}:{line}: {what} stands in line {seen[key]} already")
    seen[key] = line
