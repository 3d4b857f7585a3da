"""Tables of international crises: one row each, features and how violent it became.

A file has the columns of `COLUMNS`; labels follow the International Crisis Behavior data,
version 14 (Brecher, Wilkenfeld, Beardsley, James and Quinn 2023). Actors are states, each counted
once. ``duration_days`` are the days from trigger to end, of which one is counted: a crisis that
ends on the day after its trigger lasts one day.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np

from escalation.archive.csv_tables import MISSING, number_in, read_rows, refuse_twin
from escalation.errors import InputError

VIOLENCE = ("no_violence", "minor_clashes", "serious_clashes", "full_scale_war")
"""Categories of violence, in the order of every ``(n, 4)`` array of crises."""

TRIGGERS = (
    "verbal act",
    "political act",
    "economic act",
    "external change",
    "other non-violent",
    "internal challenge",
    "non-violent military",
    "indirect violent",
    "violent act",
)
INVOLVEMENT = ("none", "low", "covert_or_semi_military", "direct_military")
FORMS_OF_OUTCOME = (
    "formal agreement",
    "semi-formal agreement",
    "tacit understanding",
    "unilateral act",
    "imposed agreement",
    "other",
    "crisis faded",
)

_LABELS: dict[str, tuple[str, ...]] = {
    "trigger": TRIGGERS,
    "violence": VIOLENCE,
    "us_involvement": (*INVOLVEMENT, ""),
    "ussr_russia_involvement": (*INVOLVEMENT, ""),
    "form_of_outcome": (*FORMS_OF_OUTCOME, ""),
}
_BOUNDS: dict[str, tuple[float, float]] = {
    "crisno": (0, 10**6),
    "year": (1800, 2100),
    "n_actors": (0, 200),
    "n_nuclear_actors": (0, 200),
    "china_actor": (0, 1),
    "duration_days": (-1000, 10**5),
}
COLUMNS = (
    "crisno", "crisname", "year", *_LABELS,
    "n_actors", "n_nuclear_actors", "china_actor", "duration_days",
)  # fmt: skip


@dataclass(frozen=True)
class Crises:
    """Columns of a table of crises, each an array of shape ``(n,)``.

    Attributes
    ----------
    row : int
        Line of the file that the crisis came from, counted from 1.
    others
        As in the file: labels are text (empty where involvement or outcome is not coded),
        counts int64, ``duration_days`` float with NaN where missing or negative.
    """

    row: np.ndarray
    crisno: np.ndarray
    crisname: np.ndarray
    year: np.ndarray
    trigger: np.ndarray
    violence: np.ndarray
    us_involvement: np.ndarray
    ussr_russia_involvement: np.ndarray
    form_of_outcome: np.ndarray
    n_actors: np.ndarray
    n_nuclear_actors: np.ndarray
    china_actor: np.ndarray
    duration_days: np.ndarray

    def __len__(self) -> int:
        return len(self.crisno)

    def take(self, rows: np.ndarray) -> Crises:
        """Return the crises at the given indexes (or where a mask is true)."""
        return Crises(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @cached_property
    def violence_code(self) -> np.ndarray:
        """Index into `VIOLENCE`."""
        return np.array([VIOLENCE.index(label) for label in self.violence], dtype=np.int64)


def read_crises(path: str | Path) -> Crises:
    """Read and check a file of crises.

    Parameters
    ----------
    path : str or Path
        CSV with the columns of `COLUMNS`.

    Raises
    ------
    InputError
        One line with file, line, column, value and choices: unreadable or empty file, missing
        columns, a value that is no number or out of range, an unknown label, a crisis twice.
    """
    table = read_rows(path, COLUMNS)
    seen: dict[object, int] = {}
    rows = []
    for line, cells in table:
        row = _checked_row(table.name, line, cells)
        refuse_twin(seen, row["crisno"], table.name, line, f"crisno: {row['crisno']:g}")
        rows.append(row)
    return crises_of(rows)


def crises_of(rows: list[dict[str, object]]) -> Crises:
    """Columns from rows, each with ``row`` and every name of `COLUMNS`."""
    text = {"crisname", *_LABELS}
    columns = {}
    for field in fields(Crises):
        kind = object if field.name in text else np.int64
        kind = float if field.name == "duration_days" else kind
        columns[field.name] = np.array([row[field.name] for row in rows], dtype=kind)
    return Crises(**columns)


def _checked_row(path: str, line: int, cells: dict[str, str]) -> dict[str, object]:
    row: dict[str, object] = {"row": line, "crisname": cells["crisname"]}
    for name, bounds in _BOUNDS.items():
        lasting = name == "duration_days"
        value = number_in(path, line, name, cells[name], bounds, may_miss=lasting)
        row[name] = np.nan if lasting and value < 0 else value
    for name, labels in _LABELS.items():
        label = "" if cells[name].lower() in MISSING - set(labels) else cells[name]
        if label not in labels:
            choices = ", ".join(label or "(empty)" for label in labels)
            raise InputError(f"{path}:{line}: {name}: {cells[name][:60]!r} is none of: {choices}")
        row[name] = label
    return row
