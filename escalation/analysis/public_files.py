"""The public datasets as a user downloads them, turned into the tables that are scored.

Disputes come from a folder (subfolders are searched) with

- ``MIDA 5.0.csv`` and ``MIDB 5.0.csv``: Militarized Interstate Disputes (Palmer et al. 2022);
- ``NMC*.csv``: National Material Capabilities (Singer 1987), with ccode, year, cinc;
- ``atop5_1ddyr.csv``: ATOP directed dyad-years (Leeds et al. 2002), in which state A is obliged
  to defend state B where ``defense`` is 1;
- ``contdird.csv``: direct contiguity (Stinnett et al. 2002).

Definitions, per dispute: *originators* are MIDB rows with ``orig`` 1, the initiating side those
with ``sidea`` 1; CINC of a side is summed over its originators in the year of onset, NaN if one
is unknown. *Defenders* of the target are states obliged that year to defend one of its
originators, originators of either side excepted; *unshared* ones are not obliged to defend an
originator of the initiator. Joiners are participants that are not originators. Contiguity is
the smallest ``conttype`` above 0 between originators of the two sides; 0 (unknown) if only 0 is
listed, 6 if nothing is. `NUCLEAR_YEARS` follow Gartzke and Kroenig (2009), who date India and
Pakistan by a usable weapon (1988, 1990) rather than by a test; North Korea from its test.

For crises see `public_crises`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from escalation.analysis.dispute_table import Disputes, disputes_of, read_disputes
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

_DISPUTE_FILES = {
    "MIDA*.csv": "dispnum styear outcome fatality maxdur mindur hostlev recip",
    "MIDB*.csv": "dispnum ccode sidea orig",
    "NMC*.csv": "ccode year cinc",
    "atop*ddyr.csv": "statea stateb year defense",
    "contdird*.csv": "state1no state2no year conttype",
}


def load_disputes(path: str | Path) -> Disputes:
    """Disputes from a table (file) or from the public datasets (folder).

    Raises
    ------
    InputError
        See `read_disputes` and `read_public_disputes`.
    """
    return read_public_disputes(path) if Path(path).is_dir() else read_disputes(path)


def read_public_disputes(folder: str | Path) -> Disputes:
    """Disputes since 1946 with a militarized action, from the public datasets.

    Parameters
    ----------
    folder : str or Path
        Holds the five files named in the module's text.

    Raises
    ------
    InputError
        A file is missing, there twice, unreadable, or lacks columns; or no dispute is left.
    """
    tables = {
        pattern: _read(only_file(Path(folder), pattern), columns.split())
        for pattern, columns in _DISPUTE_FILES.items()
    }
    mida, midb, nmc, atop, contiguity = tables.values()
    world = _World.of(nmc, atop, contiguity)
    kept = mida[(mida.styear >= FIRST_YEAR) & (mida.hostlev >= 2)]
    sides = dict(list(midb.groupby("dispnum")))
    rows = []
    for line, dispute in zip(kept.index + 2, kept.itertuples(index=False), strict=True):
        row = _dispute_row(dispute, sides.get(dispute.dispnum), world)
        if row is not None:
            rows.append({"row": int(line), **row})
    if not rows:
        raise InputError(
            f"{folder}: no dispute of {FIRST_YEAR} or later with originators on both sides"
        )
    return disputes_of(rows)


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
    """

    cinc: dict[tuple[int, int], float]
    defenders: dict[tuple[int, int], set[int]]
    contiguity: dict[tuple[int, int, int], set[int]]

    @classmethod
    def of(cls, nmc: pd.DataFrame, atop: pd.DataFrame, contiguity: pd.DataFrame) -> _World:
        known = nmc[nmc.cinc >= 0]
        keys = zip(known.ccode.astype(int), known.year.astype(int), strict=True)
        cinc = dict(zip(keys, known.cinc.astype(float), strict=True))
        defenders: dict[tuple[int, int], set[int]] = defaultdict(set)
        obliged = atop[atop.defense == 1]
        for a, b, year in obliged[["statea", "stateb", "year"]].astype(int).to_numpy():
            defenders[int(b), int(year)].add(int(a))
        types: dict[tuple[int, int, int], set[int]] = defaultdict(set)
        for a, b, year, kind in contiguity.astype(int).to_numpy():
            types[int(min(a, b)), int(max(a, b)), int(year)].add(int(kind))
        return cls(cinc, defenders, types)

    def power(self, states: Iterable[int], year: int) -> float:
        """CINC of all states together; NaN if one is unknown."""
        return float(sum(self.cinc.get((state, year), np.nan) for state in states))

    def known_power(self, states: Iterable[int], year: int) -> float:
        """CINC of those states whose CINC is known."""
        return float(sum(self.cinc.get((state, year), 0.0) for state in states))

    def obliged_to(self, states: Iterable[int], year: int) -> set[int]:
        """States that must defend at least one of the given ones."""
        return set().union(*(self.defenders.get((state, year), set()) for state in states))

    def nearest(self, one: set[int], other: set[int], year: int) -> int:
        """Contiguity of two sides: smallest above 0, else 0 if listed, else 6."""
        found: set[int] = set()
        for a in one:
            for b in other:
                found |= self.contiguity.get((min(a, b), max(a, b), year), set())
        return min(found - {0}, default=0 if found else 6)


def _dispute_row(
    dispute: Any, members: pd.DataFrame | None, world: _World
) -> dict[str, Any] | None:
    """One row of the table; None where a side has no originator."""
    if members is None:
        return None
    year = int(dispute.styear)
    side = {s: set(members.ccode[members.sidea == s].astype(int)) for s in (1, 0)}
    begun = members[members.orig == 1]
    initiators, targets = (set(begun.ccode[begun.sidea == s].astype(int)) for s in (1, 0))
    if not initiators or not targets:
        return None
    defenders = world.obliged_to(targets, year) - targets - initiators
    unshared = defenders - world.obliged_to(initiators, year)
    joiners = side[0] - targets
    return {
        "dispnum": int(dispute.dispnum),
        "year": year,
        "hostlev": int(dispute.hostlev),
        "recip": int(dispute.recip),
        **{name: _missing(getattr(dispute, name))
           for name in ("mindur", "maxdur", "fatality", "outcome")},
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


def any_nuclear(states: Iterable[int], year: int) -> bool:
    """Whether one of the states has nuclear weapons in that year.

    >>> any_nuclear({750}, 1987), any_nuclear({750, 770}, 1988)
    (False, True)
    """
    spans = (NUCLEAR_YEARS[state] for state in states if state in NUCLEAR_YEARS)
    return any(first <= year <= last for first, last in spans)


def _missing(value: float) -> float:
    return float(value) if value >= 0 else np.nan


def only_file(folder: Path, pattern: str) -> Path:
    """The one file in `folder` or below whose name matches, whatever its case.

    Raises
    ------
    InputError
        There is none, or more than one.
    """
    name = re.compile(re.escape(pattern).replace(r"\*", ".*"), re.IGNORECASE)
    found = sorted(path for path in folder.rglob("*") if name.fullmatch(path.name))
    if not found:
        raise InputError(f"{folder}: no file {pattern}")
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in found)
        raise InputError(f"{folder}: more than one {pattern}: {names}; leave one")
    return found[0]


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    """Numeric columns of a CSV file, names in lower case, rows with a blank among keys dropped."""
    try:
        names = pd.read_csv(path, nrows=0, encoding="latin-1").columns
        lower = {name: str(name).strip().lower().lstrip("ï»¿") for name in names}
        lacking = [column for column in columns if column not in lower.values()]
        if lacking:
            raise InputError(f"{path}:1: missing columns: {', '.join(lacking)}")
        table = pd.read_csv(
            path, usecols=lambda name: lower[name] in columns, encoding="latin-1", low_memory=False
        )
        table = table.rename(columns=lower)[columns].apply(pd.to_numeric)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path}: not a table of numbers ({error})") from None
    return table.dropna()
