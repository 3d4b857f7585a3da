"""Tables of international crises: one row each, features and how violent it became.

A file has the columns of `COLUMNS`; labels follow the International Crisis Behavior data,
version 14 (Brecher, Wilkenfeld, Beardsley, James and Quinn 2023). Actors are states, each counted
once. ``duration_days`` are the days from trigger to end, of which one is counted: a crisis that
ends on the day after its trigger lasts one day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from escalation.archive.csv_tables import Column, Columns, Label, Number, Text, read_table

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

_SCHEMA: dict[str, Column] = {
    "crisno": Number(0, 10**6),
    "crisname": Text(),
    "year": Number(1800, 2100),
    "trigger": Label(TRIGGERS),
    "violence": Label(VIOLENCE),
    "us_involvement": Label((*INVOLVEMENT, "")),
    "ussr_russia_involvement": Label((*INVOLVEMENT, "")),
    "form_of_outcome": Label((*FORMS_OF_OUTCOME, "")),
    "n_actors": Number(0, 200),
    "n_nuclear_actors": Number(0, 200),
    "china_actor": Number(0, 1),
    "duration_days": Number(-1000, 10**5, may_miss=True),
}
COLUMNS = tuple(_SCHEMA)


@dataclass(frozen=True)
class Crises(Columns):
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
    SCHEMA: ClassVar[Mapping[str, Column]] = _SCHEMA

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
    table = read_table(path, _SCHEMA)
    days = table.data.duration_days
    table.data["duration_days"] = days.where(days >= 0)
    table.refuse_twins(table.data.crisno, lambda row: f"crisno: {row.crisno}")
    return Crises.of(table.data)
