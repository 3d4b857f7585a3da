"""Rows of a CSV file, checked cell by cell; every mistake is one line with its place."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from escalation.errors import InputError


def read_rows(
    path: str | Path, needed: tuple[str, ...], *, encoding: str = "utf-8-sig"
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header and numbered rows of a CSV file that has the needed columns.

    Raises
    ------
    InputError
        The file cannot be read, lacks columns or rows, or a row has too few or many cells.
    """
    try:
        with open(path, encoding=encoding, newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, [c.strip() for c in cells]) for cells in reader if cells]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or f"not a CSV text file ({error})"
        raise InputError(f"{path}: {reason}") from None
    missing = [name for name in needed if name not in header]
    if missing:
        raise InputError(f"{path}:1: missing columns: {', '.join(missing)}")
    if not lines:
        raise InputError(f"{path}: no rows below the header")
    for number, cells in lines:
        if len(cells) != len(header):
            raise InputError(f"{path}:{number}: {len(cells)} cells, the header has {len(header)}")
    return header, lines


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
    low, high = bounds
    try:
        value = float(text) if text.lower() not in ("", "na", "nan") else np.nan
    except ValueError:
        raise InputError(f"{place} {text!r} is not a number") from None
    if np.isnan(value) or value == -9:
        if may_miss:
            return np.nan
        raise InputError(f"{place} {text!r} means missing; a number is needed")
    if not low <= value <= high or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{place} {text!r} is not {kind} from {low:g} to {high:g}")
    return value
