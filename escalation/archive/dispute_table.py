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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from escalation.archive.csv_tables import Column, Columns, Number, read_table

LEVELS = (2, 3, 4, 5)
"""Hostility levels that a dispute can reach, in the order of every ``(n, 4)`` array here."""

DURATION_BINS = (0, 2, 32, 256)
"""Lower edges in days: one day, a month, eight months, longer. The last bin is open."""

_CODE = re.compile(r"(\d+)(?:\.0+)?")
_SIDE = r"\s*\d+(?:\.0+)?\s*(?:-\s*\d+(?:\.0+)?\s*)*"
_DYAD = re.compile(rf"{_SIDE}>{_SIDE}")


class Dyad:
    """A column of ``challenger>target``, country codes, those of one side joined by ``-``."""

    dtype = object

    def read(self, text: str) -> str:
        """Return a dyad in the one way of writing it, states of a side in order.

        The text tells rows apart, so that the same dispute written otherwise would be another one.

        >>> Dyad().read("710 > 2.0-365")
        '710>2-365'
        """
        sides = [sorted({int(code) for code in _CODE.findall(side)}) for side in text.split(">")]
        if not _DYAD.fullmatch(text) or set(sides[0]) & set(sides[1]):
            raise ValueError(
                f"{text[:60]!r} is not challenger>target, country codes of the Correlates of War, "
                "those of one side joined by '-'"
            )
        return ">".join("-".join(map(str, side)) for side in sides)


_FLAG, _COUNT, _DAYS = Number(0, 1), Number(0, 500), Number(0, 10**5, may_miss=True)
_SHARE = Number(0, 1, whole=False, may_miss=True)
_SCHEMA: dict[str, Column] = {
    "dispnum": Number(0, 10**9),
    "year": Number(1800, 2100),
    "hostlev": Number(2, 5, refused=dict.fromkeys(
        ("1", "1.0"), "1 is no militarized action; leave such rows out (2 to 5)"
    )),
    "recip": _FLAG,
    "mindur": _DAYS,
    "maxdur": _DAYS,
    "fatality": Number(0, 6, may_miss=True),
    "outcome": Number(0, 9, may_miss=True),
    "n_side_a": Number(1, 500),
    "n_side_b": Number(1, 500),
    "n_joined_target": _COUNT,
    "n_joined_initiator": _COUNT,
    "initiator_cinc": _SHARE,
    "target_cinc": _SHARE,
    "target_defender_cinc": _SHARE,
    "target_unshared_defender_cinc": _SHARE,
    "n_target_defenders": _COUNT,
    "n_defenders_joined_target": _COUNT,
    "target_has_nuclear_defender": _FLAG,
    "target_has_unshared_nuclear_defender": _FLAG,
    "initiator_nuclear": _FLAG,
    "target_nuclear": _FLAG,
    "contiguity": Number(0, 6),
    "china_initiator": _FLAG,
    "dyad": Dyad(),
}  # fmt: skip
COLUMNS = tuple(_SCHEMA)


@dataclass(frozen=True)
class Disputes(Columns):
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
    SCHEMA: ClassVar[Mapping[str, Column]] = _SCHEMA

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
    table = read_table(path, _SCHEMA)
    data = table.data
    for name in ("initiator_cinc", "target_cinc"):
        data[name] = data[name].where(data[name] != 0)  # no state has none of the capabilities
    keys = [(number, *sorted(dyad.split(">"))) for number, dyad in zip(
        data.dispnum, data.dyad, strict=True)]  # fmt: skip
    table.refuse_twins(keys, lambda row: f"dispnum: dispute {row.dispnum} between {row.dyad}")
    return Disputes.of(data)


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
