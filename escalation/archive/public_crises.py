"""The public crisis data (ICB) turned into the table that is scored.

The system-level file ``icb1v*.csv`` has one row per crisis: ``crisno``, ``crisname``, dates of the
trigger (``yrtrig``, ``motrig``, ``datrig``) and end (``yrterm``, ...), ``break`` (what triggered
it), ``viol``, ``usinv``, ``suinv``, ``forout``. The actor-level file ``icb2v*.csv`` beside it
names the actors (``cracid``: Correlates of War codes, nearly), from which the number of actors, of
nuclear ones at the time of the trigger, and China's part are counted. An actor is a state: one
with two rows in a crisis counts once. Duration is the difference of the two dates in days,
whatever ``brexit`` says, which counts both ends; an unknown day or month is taken as its first.
Codes of involvement above 4 become blank.
"""

from __future__ import annotations

import csv
import datetime
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from escalation.archive.crisis_table import (
    FORMS_OF_OUTCOME,
    INVOLVEMENT,
    TRIGGERS,
    VIOLENCE,
    Crises,
    read_crises,
)
from escalation.archive.csv_tables import Column, Number, Table, Text, read_table
from escalation.archive.public_disputes import (
    CHINA,
    FIRST_YEAR,
    Report,
    any_nuclear,
    listed,
    warn,
)
from escalation.archive.source_files import SourceFile, is_folder, listing, one_line
from escalation.errors import InputError

_CODE = Number(-99, 9999, may_miss=True)
"""Some codes mean missing or not applicable."""

_ACTORS = ("crisno", "cracid")
_CODES = (
    "crisno", "yrtrig", "motrig", "datrig", "yrterm", "moterm", "daterm",
    "break", "viol", "usinv", "suinv", "forout",
)  # fmt: skip
_ALIASES = {"triggr": "break", "brkpt": "break"}
"""Names that versions of the file give to what triggered the crisis."""

_HEADER_BYTES = 2**14
"""More than any header has."""


def load_crises(path: str | Path, report: Report = warn) -> Crises:
    """Crises from a table, or from a public file ``icb1v*.csv``, its folder, or a zip file of it.

    Parameters
    ----------
    path : str or Path
    report : callable
        Told of rows left out, one line each.

    Raises
    ------
    InputError
        See `read_crises` and `read_public_crises`.
    """
    return read_public_crises(path, report) if is_public(Path(path)) else read_crises(path)


def is_public(path: Path) -> bool:
    """Whether a path is the public system-level file, or a folder or zip file with one."""
    if is_folder(path):
        return True
    try:
        with open(path, "rb") as file:
            start = file.read(_HEADER_BYTES).decode("latin-1").splitlines()[:1]
        header = {name.strip().lower() for name in next(csv.reader(start), [])}
    except (OSError, ValueError, csv.Error):
        return False
    return {"viol", "yrtrig"} <= header


def read_public_crises(path: str | Path, report: Report = warn) -> Crises:
    """Crises since 1946 whose trigger and violence are coded.

    Parameters
    ----------
    path : str or Path
        ``icb1v*.csv``, or the folder or zip file that holds it; ``icb2v*.csv`` must be in the
        same folder or zip file.
    report : callable
        Told of rows left out, one line each.

    Raises
    ------
    InputError
        A file is missing or there twice, lacks columns, or has a value that is no number; a
        crisis stands twice; or no crisis is left.
    """
    path = Path(path)
    files = listing(path if is_folder(path) else path.parent)
    system = files.only("icb1v*.csv") if is_folder(path) else SourceFile.on_disk(path)
    actors = _actors(files.only("icb2v*.csv"), report)
    table = _codes(system, _CODES, crisname=Text())
    left: dict[str, list[int]] = defaultdict(list)
    whys = [_unusable(cells) for cells in table.data.to_dict("records")]
    for line, why in zip(table.data.row, whys, strict=True):
        left[why].append(line)
    used = Table(table.name, table.data[np.array(whys, object) == ""])
    used.refuse_twins(used.data.crisno, lambda row: f"crisno: {row.crisno}")
    rows = [_crisis_row(row, actors.get(row["crisno"], set()))
            for row in used.data.to_dict("records")]  # fmt: skip
    left.pop("", None)
    if not rows:
        raise InputError(f"{table.name}: no coded crisis of {FIRST_YEAR} or later")
    crises = Crises.of(rows)
    for told in _told(crises, len(table.data), left):
        report(f"{table.name}: {told}")
    return crises


def _told(crises: Crises, total: int, left: dict[str, list[int]]) -> Iterator[str]:
    """What is to be said about crises left out, and about those kept that lack something."""
    if left:
        whys = (
            f"{len(lines):,} {why}" + ("" if why == _EARLY else f" (line {listed(lines)})")
            for why, lines in left.items()
        )
        yield f"{len(crises):,} of {total:,} crises used; left out: {', '.join(whys)}"
    for lacking, what in (
        (crises.n_actors == 0, "has no actor in icb2v*.csv"),
        (np.isnan(crises.duration_days), "is of unknown length, for want of dates in order"),
    ):
        if lacking.any():
            yield f"crisis {listed(crises.crisno[lacking])} {what}"


_EARLY = f"before {FIRST_YEAR}"


def _unusable(cells: dict[str, Any]) -> str:
    """Why a crisis is left out; empty if it is not."""
    if cells["crisno"] < 0 or cells["yrtrig"] < 0:
        return "without a number or year"
    if cells["yrtrig"] < FIRST_YEAR:
        return _EARLY
    if not _label(cells["viol"], VIOLENCE):
        return "without a code of violence"
    return "" if _label(cells["break"], TRIGGERS) else "without a code of its trigger"


def _actors(file: SourceFile, report: Report) -> dict[int, set[int]]:
    """States that were actors, by crisis."""
    table = _codes(file, _ACTORS)
    known = (table.data[list(_ACTORS)] >= 0).all(axis=1)
    found: dict[int, set[int]] = defaultdict(set)
    for crisis, state in table.data.loc[known, list(_ACTORS)].to_numpy().tolist():
        found[crisis].add(state)
    if not known.all():
        report(
            f"{one_line(file.name)}: left out for want of a crisis or actor: "
            f"{(~known).sum():,} (line {listed(table.data.row[~known])})"
        )
    return found


def _codes(file: SourceFile, codes: tuple[str, ...], **others: Column) -> Table:
    """A table whose codes are whole numbers, -1 where they are missing."""
    table = read_table(file, {**dict.fromkeys(codes, _CODE), **others}, _ALIASES)
    return Table(table.name, table.data.fillna(dict.fromkeys(codes, -1)).astype(
        dict.fromkeys(codes, np.int64)))  # fmt: skip


def _label(code: int, labels: tuple[str, ...]) -> str:
    """Label of a code counted from 1; empty for codes below and beyond."""
    return labels[code - 1] if 1 <= code <= len(labels) else ""


def _crisis_row(cells: dict[str, Any], states: set[int]) -> dict[str, Any]:
    year = cells["yrtrig"]
    return {
        "row": cells["row"],
        "crisno": cells["crisno"],
        "crisname": cells["crisname"],
        "year": year,
        "trigger": _label(cells["break"], TRIGGERS),
        "violence": _label(cells["viol"], VIOLENCE),
        "us_involvement": _label(cells["usinv"], INVOLVEMENT),
        "ussr_russia_involvement": _label(cells["suinv"], INVOLVEMENT),
        "form_of_outcome": _label(cells["forout"], FORMS_OF_OUTCOME),
        "n_actors": len(states),
        "n_nuclear_actors": sum(any_nuclear([state], year) for state in states),
        "china_actor": int(CHINA in states),
        "duration_days": _days(cells),
    }


def _days(cells: dict[str, Any]) -> float:
    """Days from trigger to end; NaN where there are no such dates or the end comes first."""
    first, last = (_date(*(cells[f"{part}{end}"] for part in ("yr", "mo", "da")))
                   for end in ("trig", "term"))  # fmt: skip
    if first is None or last is None or last < first:
        return np.nan
    return float((last - first).days)


def _date(year: int, month: int, day: int) -> datetime.date | None:
    """A date; an unknown day or month is taken as its first."""
    try:
        return datetime.date(year, month if 1 <= month <= 12 else 1, day if 1 <= day <= 31 else 1)
    except ValueError:
        return None
