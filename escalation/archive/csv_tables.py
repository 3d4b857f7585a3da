"""CSV tables with a declared schema: every mistake is one line with file, line and column.

A schema names the columns that are needed, in lower case, and what may stand in each. Lines are
counted from 1, the header's. `MISSING` and -9 mean that a number is missing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd

from escalation.archive.source_files import SourceFile, one_line
from escalation.errors import InputError

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>", "#n/a"})
"""What programs write for a missing value, in lower case."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,' \u00a0\u202f]\d{3})+(\.\d*)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)
_SHOWN = 60
_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}


class Column(Protocol):
    """What may stand in a column."""

    @property
    def dtype(self) -> type:
        """Of an array of its values."""
        ...

    def read(self, text: str) -> Any:
        """Return the value of a cell; a ValueError says what is wrong with it."""
        ...


@dataclass(frozen=True)
class Number:
    """A column of numbers.

    Attributes
    ----------
    low, high : float
        Bounds.
    whole : bool
        Whether only whole numbers may stand there.
    may_miss : bool
        Whether a value may be missing, and becomes NaN.
    refused : mapping of str to str
        Why some values are refused that one might expect.
    """

    low: float
    high: float
    whole: bool = True
    may_miss: bool = False
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def dtype(self) -> type:
        return np.int64 if self.whole and not self.may_miss else float

    def read(self, text: str) -> float:
        """Return the number in a cell.

        >>> Number(0, 1).read("1"), Number(0, 1, may_miss=True).read("NA")
        (1.0, nan)
        """
        if text in self.refused:
            raise ValueError(self.refused[text])
        shown = _shown(text)
        if text.lower() not in MISSING and not _NUMBER.fullmatch(text):
            raise ValueError(f"{shown} is not a number{_why(text)}")
        value = np.nan if text.lower() in MISSING else float(text)
        if np.isnan(value) or value == -9:
            if self.may_miss:
                return np.nan
            raise ValueError(f"{shown} means missing; a number is needed")
        if not self.low <= value <= self.high or (self.whole and value != int(value)):
            kind = "a whole number" if self.whole else "a number"
            raise ValueError(f"{shown} is not {kind} from {self.low:g} to {self.high:g}")
        return value


@dataclass(frozen=True)
class Label:
    """A column of words from a list; an empty word among them stands for a missing one too."""

    choices: tuple[str, ...]
    dtype: ClassVar[type] = object

    def read(self, text: str) -> str:
        """Return the label in a cell."""
        label = "" if text.lower() in MISSING - set(self.choices) else text
        if label not in self.choices:
            choices = ", ".join(label or "(empty)" for label in self.choices)
            raise ValueError(f"{text[:_SHOWN]!r} is none of: {choices}")
        return label


@dataclass(frozen=True)
class Text:
    """A column of any text."""

    dtype: ClassVar[type] = object

    def read(self, text: str) -> str:
        """Return the text of a cell."""
        return text


class Columns:
    """Base of a frozen dataclass whose fields are the columns of a table, arrays of shape (n,).

    ``row`` is the line of the file that each row came from; the other fields are those of `SCHEMA`.
    """

    row: np.ndarray
    SCHEMA: ClassVar[Mapping[str, Column]]

    def __len__(self) -> int:
        return len(self.row)

    @classmethod
    def of(cls, rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> Self:
        """Return columns from a table, or from rows that each have every field."""
        table = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
        kinds = {name: column.dtype for name, column in cls.SCHEMA.items()}
        names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
        return cls(**{name: table[name].to_numpy(kinds.get(name, np.int64), copy=True)
                      for name in names})  # fmt: skip

    def take(self, rows: np.ndarray) -> Self:
        """Return the rows at the given indexes (or where a mask is true)."""
        return type(self)(**{name: column[rows] for name, column in self.columns().items()})

    def columns(self) -> dict[str, np.ndarray]:
        """Return every field by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class Table:
    """The needed columns of a file, and ``row``, the line that each row stands in."""

    name: str
    data: pd.DataFrame

    def refuse_twins(self, keys: Sequence[Hashable], what: Callable[[Any], str]) -> None:
        """Refuse a key that two rows have.

        Parameters
        ----------
        keys : sequence
            Key of each row.
        what : callable
            Says what stands there twice, given the row.

        Raises
        ------
        InputError
            Naming the two lines of the first such key.
        """
        first: dict[Hashable, int] = {}
        for i, key in enumerate(keys):
            if first.setdefault(key, i) != i:
                there, here = self.data.iloc[[first[key], i]].itertuples(index=False)
                raise InputError(
                    f"{one_line(self.name)}:{here.row}: {what(here)} stands in line {there.row} "
                    "already"
                )


def read_table(
    file: SourceFile | str | Path,
    schema: Mapping[str, Column],
    aliases: Mapping[str, str] | None = None,
) -> Table:
    """Read and check the needed columns of a CSV file; names may be in capitals.

    Parameters
    ----------
    file : SourceFile or path
    schema : mapping of str to Column
        Needed columns by name.
    aliases : mapping, optional
        Further names for a needed column.

    Raises
    ------
    InputError
        The file cannot be read, lacks columns or rows, has a needed column twice, a row has too
        few or many cells, or a cell holds what may not stand there.
    """
    source = file if isinstance(file, SourceFile) else SourceFile.on_disk(file)
    text = _decoded(source)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        columns = [(aliases or {}).get(name, name) for name in header]
        _check_header(source.name, text, columns, schema)
        picked = {name: columns.index(name) for name in schema}
        lines, cells = _body(source.name, reader, len(header), picked)
    except csv.Error as error:
        raise InputError(
            f"{source.name}:{reader.line_num}: not a CSV text file ({error})"
        ) from None
    return Table(source.name, _checked(source.name, lines, cells, schema))


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


def _check_header(name: str, text: str, columns: list[str], needed: Iterable[str]) -> None:
    missing = [column for column in needed if column not in columns]
    if missing:
        cause = _other_separator(text, set(needed))
        raise InputError(f"{name}:1: missing columns: {', '.join(missing)}{cause}")
    for column in needed:
        times = columns.count(column)
        if times > 1:
            raise InputError(f"{name}:1: column {column} stands there {times} times")


def _other_separator(text: str, needed: set[str]) -> str:
    first = text.partition("\n")[0].lower()
    for separator, words in _SEPARATORS.items():
        found = {name.strip().strip('"') for name in first.split(separator)}
        if separator in first and found & needed:
            return f" (columns are separated by {words}; save the table with commas)"
    return ""


def _body(
    name: str, reader: Any, width: int, picked: Mapping[str, int]
) -> tuple[list[int], dict[str, list[str]]]:
    """Return the lines of rows that are not empty, and their cells by column."""
    lines: list[int] = []
    found: dict[str, list[str]] = {column: [] for column in picked}
    last = reader.line_num
    for cells in reader:
        first, last = last + 1, reader.line_num
        if cells and (len(cells) < width or any(cell.strip() for cell in cells[width:])):
            raise InputError(f"{name}:{first}: {len(cells)} cells, the header has {width}")
        if cells:
            lines.append(first)
            for column, index in picked.items():
                found[column].append(cells[index].strip())
    if not lines:
        raise InputError(f"{name}: no rows below the header")
    return lines, found


def _checked(
    name: str, lines: list[int], cells: dict[str, list[str]], schema: Mapping[str, Column]
) -> pd.DataFrame:
    """Return the values; of several faults the one in the first line is raised."""
    values: dict[str, np.ndarray] = {"row": np.array(lines)}
    faults: list[tuple[int, str]] = []
    for column, kind in schema.items():
        # Each text is read once, however many rows have it; new ones come in reading order.
        codes, texts = pd.factorize(np.array(cells[column], dtype=object))
        known = np.empty(len(texts), object)
        for k, text in enumerate(texts):
            try:
                known[k] = kind.read(text)
            except ValueError as error:
                line = lines[int(np.argmax(codes == k))]
                faults.append((line, f"{name}:{line}: {column}: {error}"))
                break
        else:
            values[column] = known.astype(kind.dtype)[codes]
    if faults:
        raise InputError(min(faults, key=lambda fault: fault[0])[1])
    return pd.DataFrame(values)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def _why(text: str) -> str:
    if text == ".":
        return " (a missing value of Stata or SAS; leave the cell empty or write -9)"
    if _THOUSANDS.fullmatch(text):
        return " (write it without a separator of thousands)"
    return " (write a decimal point)" if _DECIMAL_COMMA.fullmatch(text) else ""
