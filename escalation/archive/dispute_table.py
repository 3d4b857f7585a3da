"""Tables of militarized disputes: one row each, with features known at the outset and outcomes.

A file has the columns of `COLUMNS` (any order, further ones are ignored). Coding follows the
Militarized Interstate Disputes data, version 5.0 (Palmer et al. 2022): hostility level 2
threat, 3 display, 4 use of force, 5 war; -9, NA and an empty cell mean missing. Contiguity is
that of Stinnett et al. (2002): 1 land or river, 2 to 5 water up to 12, 24, 150 and 400 miles, 6
none. Contiguity 0 is *unknown*, neither land nor sea nor apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np

from escalation.archive.csv_tables import number_in, read_rows, refuse_twin
from escalation.errors import InputError

LEVELS = (2, 3, 4, 5)
"""Hostility levels that a dispute can reach, in the order of every ``(n, 4)`` array here."""

DURATION_BINS = (0, 2, 32, 256)
"""Lower edges in days: one day, a month, eight months, longer. The last bin is open."""

_BOUNDS: dict[str, tuple[float, float]] = {
    "dispnum": (0, 10**9),
    "year": (1800, 2100),
    "hostlev": (2, 5),
    "recip": (0, 1),
    "mindur": (0, 10**5),
    "maxdur": (0, 10**5),
    "fatality": (0, 6),
    "outcome": (0, 9),
    "n_side_a": (1, 500),
    "n_side_b": (1, 500),
    "n_joined_target": (0, 500),
    "n_joined_initiator": (0, 500),
    "initiator_cinc": (0, 1),
    "target_cinc": (0, 1),
    "target_defender_cinc": (0, 1),
    "target_unshared_defender_cinc": (0, 1),
    "n_target_defenders": (0, 500),
    "n_defenders_joined_target": (0, 500),
    "target_has_nuclear_defender": (0, 1),
    "target_has_unshared_nuclear_defender": (0, 1),
    "initiator_nuclear": (0, 1),
    "target_nuclear": (0, 1),
    "contiguity": (0, 6),
    "china_initiator": (0, 1),
}
COLUMNS = (*_BOUNDS, "dyad")

_MAY_MISS = {
    "mindur", "maxdur", "fatality", "outcome",
    "initiator_cinc", "target_cinc", "target_defender_cinc", "target_unshared_defender_cinc",
}  # fmt: skip
"""Columns in which an empty cell, NA or -9 is allowed and becomes NaN."""

_STATE = r"\s*\d+(?:\.0+)?\s*"
_DYAD = re.compile(rf"{_STATE}(?:-{_STATE})*>{_STATE}(?:-{_STATE})*")
_CODE = re.compile(r"(\d+)(?:\.0+)?")

_SHARES = {name for name in _BOUNDS if name.endswith("_cinc")}


@dataclass(frozen=True)
class Disputes:
    """Columns of a table of disputes, each an array of shape ``(n,)``.

    Attributes
    ----------
    row : int
        Line of the file that the dispute came from, counted from 1.
    dyad : str
        ``challenger>target``, Correlates of War country codes; states of one side are joined
        by ``-``.
    others
        As in the file; whole numbers are int64, those that may be missing are float with NaN.
        CINC is a share of the world's capabilities, durations are days.
    """

    row: np.ndarray
    dispnum: np.ndarray
    year: np.ndarray
    hostlev: np.ndarray
    recip: np.ndarray
    mindur: np.ndarray
    maxdur: np.ndarray
    fatality: np.ndarray
    outcome: np.ndarray
    n_side_a: np.ndarray
    n_side_b: np.ndarray
    n_joined_target: np.ndarray
    n_joined_initiator: np.ndarray
    initiator_cinc: np.ndarray
    target_cinc: np.ndarray
    target_defender_cinc: np.ndarray
    target_unshared_defender_cinc: np.ndarray
    n_target_defenders: np.ndarray
    n_defenders_joined_target: np.ndarray
    target_has_nuclear_defender: np.ndarray
    target_has_unshared_nuclear_defender: np.ndarray
    initiator_nuclear: np.ndarray
    target_nuclear: np.ndarray
    contiguity: np.ndarray
    china_initiator: np.ndarray
    dyad: np.ndarray

    def __len__(self) -> int:
        return len(self.dispnum)

    def take(self, rows: np.ndarray) -> Disputes:
        """Return the disputes at the given indexes (or where a mask is true)."""
        return Disputes(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @property
    def level(self) -> np.ndarray:
        """Highest hostility level, 2 to 5."""
        return self.hostlev

    @property
    def land(self) -> np.ndarray:
        """Whether the originators share a land or river border."""
        return self.contiguity == 1

    @property
    def sea(self) -> np.ndarray:
        """Whether at most 400 miles of water, and no land border, part the originators."""
        return (self.contiguity >= 2) & (self.contiguity <= 5)

    @property
    def post_1990(self) -> np.ndarray:
        """Whether the dispute began in 1990 or later."""
        return self.year >= 1990

    @property
    def umbrella(self) -> np.ndarray:
        """Whether a nuclear state must defend the target and not the initiator."""
        return self.target_has_unshared_nuclear_defender == 1

    @property
    def joined(self) -> np.ndarray:
        """Whether at least one defender of the target joined it."""
        return self.n_defenders_joined_target >= 1

    @property
    def duration(self) -> np.ndarray:
        """Days, the longest that the sources allow; NaN where missing."""
        return self.maxdur

    @cached_property
    def duration_bin(self) -> np.ndarray:
        """Index into `DURATION_BINS`; -1 where the duration is missing."""
        bins = np.searchsorted(DURATION_BINS, np.nan_to_num(self.maxdur), side="right") - 1
        return np.where(np.isfinite(self.maxdur), bins, -1)

    @cached_property
    def challenger(self) -> np.ndarray:
        """Codes of the initiating side, as text."""
        return np.array([name.split(">")[0] for name in self.dyad], dtype=object)

    @cached_property
    def target(self) -> np.ndarray:
        """Codes of the other side, as text."""
        return np.array([name.split(">")[1] for name in self.dyad], dtype=object)

    @cached_property
    def china(self) -> np.ndarray:
        """Whether China (710) is an originator on either side."""
        return np.array(["710" in name.replace(">", "-").split("-") for name in self.dyad], bool)

    @cached_property
    def pair(self) -> np.ndarray:
        """The two sides in fixed order: the same whoever began."""
        return np.array([">".join(sorted(name.split(">"))) for name in self.dyad], dtype=object)


def read_disputes(path: str | Path) -> Disputes:
    """Read and check a file of disputes.

    Parameters
    ----------
    path : str or Path
        CSV with the columns of `COLUMNS`.

    Raises
    ------
    InputError
        One line with file, line, column, value and what is allowed: unreadable or empty file,
        missing columns, a value that is no number or out of range, two rows of one dispute.
    """
    table = read_rows(path, COLUMNS)
    seen: dict[object, int] = {}
    rows = []
    for line, cells in table:
        row = _checked_row(table.name, line, cells)
        sides = str(row["dyad"]).split(">")
        what = f"dispnum: dispute {row['dispnum']:g} between {row['dyad']}"
        refuse_twin(seen, (row["dispnum"], *sorted(sides)), table.name, line, what)
        rows.append(row)
    return disputes_of(rows)


def disputes_of(rows: list[dict[str, object]]) -> Disputes:
    """Columns from rows, each with ``row`` and every name of `COLUMNS`."""
    columns = {}
    for field in fields(Disputes):
        name = field.name
        kind = object if name == "dyad" else float if name in _MAY_MISS else np.int64
        columns[name] = np.array([row[name] for row in rows], dtype=kind)
    return Disputes(**columns)


def _checked_row(path: str, line: int, cells: dict[str, str]) -> dict[str, object]:
    if cells["hostlev"] in ("1", "1.0"):
        raise InputError(
            f"{path}:{line}: hostlev: 1 is no militarized action; leave such rows out (2 to 5)"
        )
    row: dict[str, object] = {"row": line}
    for name, bounds in _BOUNDS.items():
        row[name] = number_in(
            path, line, name, cells[name], bounds,
            may_miss=name in _MAY_MISS, whole=name not in _SHARES,
        )  # fmt: skip
        if name in ("initiator_cinc", "target_cinc") and row[name] == 0:
            row[name] = np.nan  # no state has none of the world's capabilities
    row["dyad"] = _dyad(cells["dyad"])
    if row["dyad"] is None:
        raise InputError(
            f"{path}:{line}: dyad: {cells['dyad'][:60]!r} is not challenger>target, country codes "
            "of the Correlates of War, those of one side joined by '-'"
        )
    return row


def _dyad(text: str) -> str | None:
    """Return a dyad in the one way of writing it, states of a side in order; None if it is none.

    The text tells rows apart, so that the same dispute written otherwise would be another one.
    """
    if not _DYAD.fullmatch(text):
        return None
    sides = [sorted({int(code) for code in _CODE.findall(side)}) for side in text.split(">")]
    if set(sides[0]) & set(sides[1]):
        return None
    return ">".join("-".join(map(str, side)) for side in sides)


def history_before(disputes: Disputes, history: Disputes | None) -> list[np.ndarray]:
    """Earlier disputes of the same two sides.

    Parameters
    ----------
    disputes : Disputes
        Those to be predicted.
    history : Disputes or None
        Where to look; None is an empty history.

    Returns
    -------
    list of int array
        Per dispute the indexes into `history` of rows with the same two sides, whoever began,
        a year strictly smaller and another dispute number; oldest first.
    """
    rows_of = defaultdict(list)
    if history is not None:
        for i in np.argsort(history.year, kind="stable"):
            rows_of[history.pair[i]].append(i)
    return [np.array(found, dtype=np.int64) for found in _earlier(disputes, history, rows_of)]


def _earlier(
    disputes: Disputes, history: Disputes | None, rows_of: dict[str, list[int]]
) -> Iterator[list[int]]:
    for pair, year, number in zip(disputes.pair, disputes.year, disputes.dispnum, strict=True):
        yield [
            i
            for i in rows_of.get(pair, [])
            if history is not None and history.year[i] < year and history.dispnum[i] != number
        ]
