"""The public datasets as a user downloads them, turned into the tables that are scored.

Disputes come from a folder (subfolders and zip files in it are searched), or from a zip file, with

- ``MIDA 5.0.csv`` and ``MIDB 5.0.csv``: Militarized Interstate Disputes (Palmer et al. 2022);
- ``NMC*.csv``: National Material Capabilities (Singer 1987), with ccode, year, cinc; of several
  such files the abridged one;
- ``atop5_1ddyr.csv``: ATOP directed dyad-years (Leeds et al. 2002), in which state A is obliged
  to defend state B where ``defense`` is 1;
- ``contdird.csv``: direct contiguity (Stinnett et al. 2002).

Definitions, per dispute: *originators* are MIDB rows with ``orig`` 1, the initiating side those
with ``sidea`` 1; CINC of a side is summed over its originators in the year of onset, NaN if one
is unknown. *Defenders* of the target are states obliged that year to defend one of its
originators, originators of either side excepted; *unshared* ones are not obliged to defend an
originator of the initiator. CINC of defenders is summed over the known ones, NaN if none is.
Joiners are participants that are not originators. States are counted once, however many rows they
have. Contiguity is the smallest ``conttype`` above 0 between originators of the two sides; 0
(unknown) if only 0 is listed or the year is not in the file, 6 if nothing is. `NUCLEAR_YEARS`
follow Gartzke and Kroenig (2009), who date India and Pakistan by a usable weapon (1988, 1990)
rather than by a test; North Korea from its test.

A blank, NA and -9 all mean missing. Rows that cannot be used are counted aloud: every function
that reads takes a `report`, told one line at a time; by default they are logged as warnings.

For crises see `public_crises`.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from escalation.archive.csv_tables import Number, Table, read_table
from escalation.archive.dispute_table import Disputes, read_disputes
from escalation.archive.source_files import Listing, SourceFile, is_folder, listing, one_line
from escalation.errors import InputError

FIRST_YEAR = 1946

NUCLEAR_YEARS = {
    2: (1945, 9999),
    365: (1949, 9999),
    200: (1952, 9999),
    220: (1960, 9999),
    710: (1964, 9999),
    666: (1967, 9999),
    560: (1982, 1990),
    750: (1988, 9999),
    770: (1990, 9999),
    731: (2006, 9999),
}
"""First and last year with nuclear weapons by Correlates of War code."""

CHINA = 710

Report = Callable[[str], None]

warn: Report = logging.getLogger(__name__).warning
"""Tells a caller who asked for no report."""

_STATE, _YEAR = (1, 999), (1800, 2100)
_NUMBERS: dict[str, Number] = {
    name: Number(low, high, whole=name != "cinc", may_miss=True)
    for name, (low, high) in {
        "dispnum": (0, 10**9), "styear": _YEAR, "hostlev": (0, 5), "recip": (0, 1),
        "outcome": (0, 9), "fatality": (0, 6), "maxdur": (0, 10**5), "mindur": (0, 10**5),
        "ccode": _STATE, "sidea": (0, 1), "orig": (0, 1), "year": _YEAR, "cinc": (0, 1),
        "statea": _STATE, "stateb": _STATE, "defense": (0, 1),
        "state1no": _STATE, "state2no": _STATE, "conttype": (0, 6),
    }.items()
}  # fmt: skip
_NEEDLESS = {"outcome", "fatality", "maxdur", "mindur", "recip", "cinc"}
"""Columns whose missing values do not make a row useless."""

_DISPUTE_FILES = {
    "MIDA*.csv": "dispnum styear outcome fatality maxdur mindur hostlev recip",
    "MIDB*.csv": "dispnum ccode sidea orig",
    "NMC*.csv": "ccode year cinc",
    "atop*ddyr.csv": "statea stateb year defense",
    "contdird*.csv": "state1no state2no year conttype",
}
_PREFERRED = {"NMC*.csv": "abridged"}
_OLD_NAME = re.compile(r"mid[ab][ _v]*([1-4])(\D|$)", re.IGNORECASE)
_OLD_COLUMN = re.compile(rb"dispnum[34]", re.IGNORECASE)
_LISTED = 8
"""Numbers of disputes that a line names."""


def load_disputes(path: str | Path, report: Report = warn) -> Disputes:
    """Disputes from a table (file) or from the public datasets (folder or zip file).

    Parameters
    ----------
    path : str or Path
    report : callable
        Told of rows left out and of values unknown, one line each.

    Raises
    ------
    InputError
        See `read_disputes` and `read_public_disputes`.
    """
    disputes = read_public_disputes(path, report) if is_folder(path) else read_disputes(path)
    sides = np.isnan(disputes.initiator_cinc) | np.isnan(disputes.target_cinc)
    allied = disputes.n_target_defenders > 0
    allies = allied & np.isnan(disputes.target_unshared_defender_cinc)
    for unknown, whose in ((sides, "of a side"), (allies, "of all the target's defenders")):
        if unknown.any():
            report(
                f"{one_line(path)}: capabilities {whose} are unknown in "
                f"{_numbered(disputes.dispnum[unknown])}; taken as equal to the initiator's"
            )
    return disputes


def read_public_disputes(folder: str | Path, report: Report = warn) -> Disputes:
    """Disputes since 1946 with a militarized action, from the public datasets.

    Parameters
    ----------
    folder : str or Path
        Folder or zip file with the five files named in the module's text.
    report : callable
        Told of rows left out and of values unknown, one line each.

    Raises
    ------
    InputError
        A file is missing, there twice, unreadable, or lacks columns; a value is no number or
        out of range; a dispute or a state's year stands twice; or no dispute is left.
    """
    files = listing(folder)
    mida, midb, nmc, atop, contiguity = (
        _table(files, pattern, columns.split(), report)
        for pattern, columns in _DISPUTE_FILES.items()
    )
    mida.refuse_twins(mida.data.dispnum, lambda row: f"dispnum {row.dispnum:g}")
    years = list(zip(nmc.data.ccode, nmc.data.year, strict=True))
    nmc.refuse_twins(years, lambda row: f"ccode {row.ccode:g}, year {row.year:g}")
    world = _World.of(nmc.data, atop.data, contiguity.data)
    early = mida.data.styear < FIRST_YEAR
    calm = ~early & (mida.data.hostlev < 2)
    notes = _Notes(mida.name, len(mida.data), report)
    notes.count(f"before {FIRST_YEAR}", early.sum())
    notes.count("without a militarized action", calm.sum())
    members = _members(midb.data)
    found = (
        _dispute_row(dispute, members.get(int(dispute.dispnum), []), world, notes)
        for dispute in mida.data[~early & ~calm].itertuples(index=False)
    )
    rows = [row for row in found if row is not None]
    if not rows:
        raise InputError(
            f"{one_line(folder)}: no dispute of {FIRST_YEAR} or later with originators "
            "on both sides"
        )
    notes.tell(len(rows))
    return Disputes.of(rows)


def _table(files: Listing, pattern: str, columns: list[str], report: Report) -> Table:
    """One of the public files; rows that lack a key are left out aloud."""
    file = files.only(pattern, _PREFERRED.get(pattern, ""))
    if pattern.startswith("MID"):
        _refuse_old(file)
    table = read_table(file, {name: _NUMBERS[name] for name in columns})
    missing = table.data[[name for name in columns if name not in _NEEDLESS]].isna()
    lacking = missing.any(axis=1)
    if lacking.any():
        report(
            f"{file.name}: {_some('row', table.data.row[lacking], 'line')} left out for want of "
            f"{', '.join(missing.columns[missing.any()])}"
        )
    return Table(file.name, table.data[~lacking])


def _refuse_old(file: SourceFile) -> None:
    name = _OLD_NAME.match(file.base)
    if name or _OLD_COLUMN.search(file.load()[:4096].partition(b"\n")[0]):
        version = name[1] if name else "4"
        raise InputError(f"{file.name}: this is MID {version}.x; MID 5.0 is needed")


@dataclass(frozen=True)
class _World:
    """Look-up tables by state and year.

    Attributes
    ----------
    cinc : dict
        (state, year) to share of capabilities.
    defenders : dict
        (state, year) to the states obliged to defend it.
    contiguity : dict
        (state, state, year) to the contiguity types listed.
    treaty_years, contiguity_years : (int, int)
        First and last year of the two files.
    """

    cinc: dict[tuple[int, int], float]
    defenders: dict[tuple[int, int], set[int]]
    contiguity: dict[tuple[int, int, int], set[int]]
    treaty_years: tuple[int, int]
    contiguity_years: tuple[int, int]

    @classmethod
    def of(cls, nmc: pd.DataFrame, atop: pd.DataFrame, contiguity: pd.DataFrame) -> _World:
        known = nmc[nmc.cinc.notna()]
        keys = zip(known.ccode.astype(int), known.year.astype(int), strict=True)
        cinc = dict(zip(keys, known.cinc.astype(float), strict=True))
        defenders: dict[tuple[int, int], set[int]] = defaultdict(set)
        obliged = atop[atop.defense == 1]
        for a, b, year in obliged[["statea", "stateb", "year"]].astype(int).to_numpy().tolist():
            defenders[b, year].add(a)
        types: dict[tuple[int, int, int], set[int]] = defaultdict(set)
        columns = ["state1no", "state2no", "year", "conttype"]
        for a, b, year, kind in contiguity[columns].astype(int).to_numpy().tolist():
            types[min(a, b), max(a, b), year].add(kind)
        return cls(cinc, defenders, types, _span(atop.year), _span(contiguity.year))

    def power(self, states: Iterable[int], year: int) -> float:
        """CINC of all states together; NaN if one is unknown."""
        return float(sum(self.cinc.get((state, year), np.nan) for state in states))

    def known_power(self, states: set[int], year: int) -> float:
        """CINC of those states whose CINC is known; NaN if there are states and none is."""
        known = [self.cinc[state, year] for state in states if (state, year) in self.cinc]
        return float(sum(known)) if known or not states else np.nan

    def obliged_to(self, states: Iterable[int], year: int) -> set[int]:
        """States that must defend at least one of the given ones."""
        return set().union(*(self.defenders.get((state, year), set()) for state in states))

    def nearest(self, one: set[int], other: set[int], year: int) -> int:
        """Contiguity of two sides: smallest above 0, else 0 if listed, else 6."""
        found: set[int] = set()
        for a in one:
            for b in other:
                found |= self.contiguity.get((min(a, b), max(a, b), year), set())
        unknown = 0 in found or not _within(year, self.contiguity_years)
        return min(found - {0}, default=0 if unknown else 6)


class _Notes:
    """What is to be said about disputes left out, and about those kept that lack something."""

    def __init__(self, name: str, total: int, report: Report) -> None:
        self.name, self.total, self.report = name, total, report
        self.counted: list[str] = []
        self.without: dict[str, list[int]] = defaultdict(list)
        self.kept: dict[str, list[int]] = defaultdict(list)

    def count(self, why: str, number: int) -> None:
        """Note that so many disputes are not of the kind that is asked for."""
        if number:
            self.counted.append(f"{number:,} {why}")

    def tell(self, used: int) -> None:
        """Report everything."""
        left = self.counted + [
            f"{len(numbers):,} without {what} ({listed(numbers)})"
            for what, numbers in self.without.items()
        ]
        if left:
            self.report(
                f"{self.name}: {used:,} of {self.total:,} disputes used; "
                f"left out: {', '.join(left)}"
            )
        for what, numbers in self.kept.items():
            self.report(f"{self.name}: {_numbered(numbers)} {what}")


def _members(midb: pd.DataFrame) -> dict[int, list[tuple[int, int, int]]]:
    """State, side (1 the initiating one) and whether an originator, by dispute."""
    found: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    columns = ["dispnum", "ccode", "sidea", "orig"]
    for number, *member in midb[columns].astype(int).to_numpy().tolist():
        found[number].append(tuple(member))
    return found


def _dispute_row(
    dispute: Any, members: list[tuple[int, int, int]], world: _World, notes: _Notes
) -> dict[str, Any] | None:
    """One row of the table; None, noted, where it cannot be made."""
    number, year = int(dispute.dispnum), int(dispute.styear)
    if np.isnan(dispute.recip):
        notes.without["a code of whether it was answered"].append(number)
        return None
    if not members:
        notes.without["participants"].append(number)
        return None
    side = {s: {state for state, a, _ in members if a == s} for s in (1, 0)}
    initiators, targets = (
        {state for state, a, first in members if a == s and first} for s in (1, 0)
    )
    if not initiators or not targets:
        notes.without["originators on both sides"].append(number)
        return None
    defenders = world.obliged_to(targets, year) - targets - initiators
    unshared = defenders - world.obliged_to(initiators, year)
    joiners = side[0] - targets
    _note_gaps(number, year, defenders, initiators & targets, world, notes)
    return {
        "row": int(dispute.row),
        "dispnum": number,
        "year": year,
        "hostlev": int(dispute.hostlev),
        "recip": int(dispute.recip),
        **{name: getattr(dispute, name) for name in ("mindur", "maxdur", "fatality", "outcome")},
        "n_side_a": len(side[1]),
        "n_side_b": len(side[0]),
        "n_joined_target": len(joiners),
        "n_joined_initiator": len(side[1] - initiators),
        "initiator_cinc": world.power(initiators, year) or np.nan,
        "target_cinc": world.power(targets, year) or np.nan,
        "target_defender_cinc": world.known_power(defenders, year),
        "target_unshared_defender_cinc": world.known_power(unshared, year),
        "n_target_defenders": len(defenders),
        "n_defenders_joined_target": len(joiners & defenders),
        "target_has_nuclear_defender": int(any_nuclear(defenders, year)),
        "target_has_unshared_nuclear_defender": int(any_nuclear(unshared, year)),
        "initiator_nuclear": int(any_nuclear(initiators, year)),
        "target_nuclear": int(any_nuclear(targets, year)),
        "contiguity": world.nearest(initiators, targets, year),
        "china_initiator": int(CHINA in initiators),
        "dyad": ">".join("-".join(map(str, sorted(s))) for s in (initiators, targets)),
    }  # fmt: skip


def _note_gaps(
    number: int, year: int, defenders: set[int], both: set[int], world: _World, notes: _Notes
) -> None:
    unknown = sum((state, year) not in world.cinc for state in defenders)
    if both:
        notes.kept["had a state among the originators of both sides"].append(number)
    if 0 < unknown < len(defenders):
        what = "had a defender of unknown capabilities, not in the sum over its defenders"
        notes.kept[what].append(number)
    if not _within(year, world.treaty_years):
        first, last = world.treaty_years
        what = f"lie outside the years of the alliances ({first} to {last}): no defender counted"
        notes.kept[what].append(number)
    if not _within(year, world.contiguity_years):
        first, last = world.contiguity_years
        what = f"lie outside the years of contiguity ({first} to {last}), which is unknown there"
        notes.kept[what].append(number)


def any_nuclear(states: Iterable[int], year: int) -> bool:
    """Whether one of the states has nuclear weapons in that year.

    >>> any_nuclear({750}, 1987), any_nuclear({750, 770}, 1988)
    (False, True)
    """
    spans = (NUCLEAR_YEARS[state] for state in states if state in NUCLEAR_YEARS)
    return any(_within(year, span) for span in spans)


def _within(year: int, span: tuple[int, int]) -> bool:
    return span[0] <= year <= span[1]


def _span(years: pd.Series) -> tuple[int, int]:
    return (int(years.min()), int(years.max())) if len(years) else (0, 0)


def _numbered(numbers: Iterable[int]) -> str:
    """Disputes by their number.

    >>> _numbered([7]), _numbered(range(10))
    ('dispute 7', '10 disputes (0, 1, 2, 3, 4, 5, 6, 7, ...)')
    """
    return _some("dispute", numbers)


def _some(noun: str, numbers: Iterable[int], which: str = "") -> str:
    found = list(numbers)
    if len(found) == 1:
        return f"{noun} {found[0]}" if not which else f"1 {noun} ({which} {found[0]})"
    return f"{len(found):,} {noun}s ({f'{which}s ' if which else ''}{listed(found)})"


def listed(numbers: Iterable[int]) -> str:
    """The first few numbers.

    >>> listed(range(10))
    '0, 1, 2, 3, 4, 5, 6, 7, ...'
    """
    found = list(numbers)
    return ", ".join(map(str, found[:_LISTED])) + (", ..." if len(found) > _LISTED else "")
