"""The public crisis data (ICB) turned into the table that is scored.

The system-level file ``icb1v*.csv`` has one row per crisis: ``crisno``, ``crisname``, dates of the
trigger (``yrtrig``, ``motrig``, ``datrig``) and end (``yrterm``, ...), ``break`` (what triggered it),
``viol``, ``usinv``, ``suinv``, ``forout``. The actor-level file ``icb2v*.csv`` beside it names the
actors (``cracid``: Correlates of War codes, nearly), from which the number of actors, of nuclear
ones at the time of the trigger, and China's part are counted. Duration is ``brexit`` if there is
such a column, else the days from trigger to end. Codes of involvement above 4 become blank.
"""  # noqa: E501

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from escalation.analysis.crisis_table import (
    FORMS_OF_OUTCOME,
    INVOLVEMENT,
    TRIGGERS,
    VIOLENCE,
    Crises,
    crises_of,
    read_crises,
)
from escalation.analysis.csv_rows import read_rows
from escalation.analysis.public_files import CHINA, FIRST_YEAR, any_nuclear, only_file
from escalation.errors import InputError

_SYSTEM = (
    "crisno", "crisname", "yrtrig", "motrig", "datrig", "yrterm", "moterm", "daterm",
    "viol", "usinv", "suinv", "forout",
)  # fmt: skip
_BREAK = ("break", "triggr", "brkpt")
"""Names that versions of the file give to what triggered the crisis."""


def load_crises(path: str | Path) -> Crises:
    """Crises from a table, or from a public system-level file ``icb1v*.csv`` or its folder.

    Raises
    ------
    InputError
        See `read_crises` and `read_public_crises`.
    """
    return read_public_crises(path) if is_public(Path(path)) else read_crises(path)


def is_public(path: Path) -> bool:
    """Whether a path is the public system-level file, or a folder with one."""
    if path.is_dir():
        return True
    try:
        with open(path, encoding="latin-1", newline="") as file:
            header = {name.strip().lower() for name in next(csv.reader(file), [])}
    except (OSError, csv.Error):
        return False
    return {"viol", "yrtrig"} <= header


def read_public_crises(path: str | Path) -> Crises:
    """Crises since 1946 whose trigger and violence are coded.

    Parameters
    ----------
    path : str or Path
        ``icb1v*.csv``, or the folder that holds it; ``icb2v*.csv`` must be in the same folder.

    Raises
    ------
    InputError
        A file is missing or there twice, lacks columns, or has a value that is no number.
    """
    system = Path(path)
    if system.is_dir():
        system = only_file(system, "icb1v*.csv")
    actors = _actors(only_file(system.parent, "icb2v*.csv"))
    rows = [
        row
        for line, cells in _lines(system, _SYSTEM, one_of=_BREAK)
        if (row := _crisis_row(cells, actors, f"{system}:{line}")) is not None
    ]
    if not rows:
        raise InputError(f"{system}: no coded crisis of {FIRST_YEAR} or later")
    return crises_of(rows)


def _lines(
    path: Path, needed: tuple[str, ...], one_of: tuple[str, ...] = ()
) -> list[tuple[int, dict[str, str]]]:
    """Numbered rows as dicts with names in lower case; ``break`` stands for any of `one_of`."""
    header, lines = read_rows(path, (), encoding="latin-1")
    names = [name.lower().lstrip("ï»¿") for name in header]
    lacking = [name for name in needed if name not in names]
    if one_of and not set(one_of) & set(names):
        lacking.append(one_of[0])
    if lacking:
        raise InputError(f"{path}:1: missing columns: {', '.join(lacking)}")
    names = ["break" if name in one_of else name for name in names]
    return [(line, dict(zip(names, cells, strict=True))) for line, cells in lines]


def _actors(path: Path) -> dict[int, list[int]]:
    """Codes of the actors by crisis."""
    found: dict[int, list[int]] = defaultdict(list)
    for line, cells in _lines(path, ("crisno", "cracid")):
        place = f"{path}:{line}"
        found[_code(cells, "crisno", place)].append(_code(cells, "cracid", place))
    return found


def _code(cells: dict[str, str], name: str, place: str) -> int:
    """A whole number; -1 for a blank."""
    text = cells[name]
    try:
        return int(float(text)) if text.lower() not in ("", "na", "nan") else -1
    except ValueError:
        raise InputError(f"{place}: {name}: {text!r} is not a number") from None


def _label(cells: dict[str, str], name: str, labels: tuple[str, ...], place: str) -> str:
    """Label of a code counted from 1; empty for blanks and codes beyond."""
    code = _code(cells, name, place)
    return labels[code - 1] if 1 <= code <= len(labels) else ""


def _crisis_row(
    cells: dict[str, str], actors: dict[int, list[int]], place: str
) -> dict[str, Any] | None:
    """One row of the table; None before 1946 and where trigger or violence is not coded."""
    number, year = _code(cells, "crisno", place), _code(cells, "yrtrig", place)
    violence = _label(cells, "viol", VIOLENCE, place)
    trigger = _label(cells, "break", TRIGGERS, place)
    if year < FIRST_YEAR or not violence or not trigger:
        return None
    states = actors.get(number, [])
    return {
        "row": int(place.rpartition(":")[2]),
        "crisno": number,
        "crisname": cells["crisname"],
        "year": year,
        "trigger": trigger,
        "violence": violence,
        "us_involvement": _label(cells, "usinv", INVOLVEMENT, place),
        "ussr_russia_involvement": _label(cells, "suinv", INVOLVEMENT, place),
        "form_of_outcome": _label(cells, "forout", FORMS_OF_OUTCOME, place),
        "n_actors": len(states),
        "n_nuclear_actors": sum(any_nuclear([state], year) for state in states),
        "china_actor": int(CHINA in states),
        "duration_days": _days(cells, place),
    }


def _days(cells: dict[str, str], place: str) -> float:
    if "brexit" in cells:
        days = _code(cells, "brexit", place)
        return float(days) if days >= 0 else np.nan
    first, last = (
        [_code(cells, f"{part}{end}", place) for part in ("yr", "mo", "da")]
        for end in ("trig", "term")
    )
    try:
        days = int(
            (np.datetime64(_iso(last)) - np.datetime64(_iso(first))) // np.timedelta64(1, "D")
        )
    except ValueError:
        return np.nan
    return float(days) if days >= 0 else np.nan


def _iso(date: list[int]) -> str:
    """ISO date; an unknown day or month is taken as its first."""
    year, month, day = date
    return f"{year:04d}-{month if 1 <= month <= 12 else 1:02d}-{day if 1 <= day <= 31 else 1:02d}"
