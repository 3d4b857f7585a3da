"""How a table writes a quantity: centre, range over draws, bound, and below it what chance does.

The numbers are those of :func:`escalation.results.estimates.estimates`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xarray as xr

from escalation.errors import InputError
from escalation.report.text import paragraph, short_number, signed, table
from escalation.results.estimates import estimates
from escalation.results.quantities import QUANTITIES, Quantity
from escalation.statistics.intervals import Z95

RATES = (
    "disputes_per_year", "grave_crises_per_year", "p_war_given_grave", "p_war_given_dispute",
    "p_great_power_war", "p_nuclear_use", "reciprocation", "us_share_of_wars",
    "mean_duration_days",
)
"""Columns of the table of rates."""
NUMBER = "each number of this table (exactly: its mean over draws)"
"""What the standard errors of cells speak of."""


@dataclass(frozen=True)
class Cell:
    """A quantity at one flashpoint under one structure.

    Attributes
    ----------
    quantity : Quantity
    median, mean, centre, low, high, monte_carlo_se, hits, trials, bound, draw_bound : float
    draws : int
    sparse, full : bool
        See :func:`escalation.results.estimates.estimates`.
    """

    quantity: Quantity
    median: float
    mean: float
    centre: float
    low: float
    high: float
    monte_carlo_se: float
    hits: float
    trials: float
    bound: float
    draw_bound: float
    draws: int
    sparse: bool
    full: bool

    def text(self) -> str:
        """Return value and range over draws; a line break between them where there are both."""
        return "\n".join(part for part in (self.value_text(), self.spread_text()) if part)

    def value_text(self) -> str:
        """Return the median; a bound where there was no hit, ``-`` without trials.

        Where most draws had few hits the median is coarse or zero: the mean stands in its place,
        marked with an ``m``.
        """
        if self.trials <= 0:
            return "-"
        if self.hits == 0:
            return f"<{self._short(self.bound)}"
        if self.full:
            return f">{self._short(1.0 - self.bound)}"
        return f"{'m ' if self.sparse else ''}{self._short(self.centre)}"

    def spread_text(self) -> str:
        """``[5 % – 95 %]`` over draws; empty where it is not known and where there was no hit.

        ``[≤95 %]`` where the lower end had no hit, and ``[<bound]``, the upper bound of a
        single draw, where neither end had.
        """
        if self.hits == 0 or self.full or not math.isfinite(self.high):
            return ""
        if self.high == 0:
            return f"[<{self._short(self.draw_bound)}]"
        return range_text(self.low, self.high, self.quantity.scale)

    def error(self) -> float | None:
        """Return the standard error by chance as printed; None where no number is shown."""
        if self.quantity.kind == "mean" or self.trials <= 0 or self.hits == 0 or self.full:
            return None
        return self.monte_carlo_se * self.quantity.scale

    def _short(self, value: float) -> str:
        return short_number(value * self.quantity.scale)


def cells_of(
    ds: xr.Dataset, names: Sequence[str], rule: str | None = None
) -> dict[tuple[str, str], dict[str, Cell]]:
    """Return cells by flashpoint and structure, and in them by quantity.

    Parameters
    ----------
    ds : Dataset
        Results; only counts are read.
    names : sequence of str
        Quantities.
    rule : str, optional
        Decision rule; the headline rule if not given.

    Raises
    ------
    InputError
        A rule that the results do not have.
    ResultsError
        The dataset has no counts.
    """
    found = estimates(ds, names, rule=rule)
    fields = [name for name in Cell.__annotations__ if name != "quantity"]
    numbers = {name: found[name].values.tolist() for name in fields}
    return {
        (flashpoint, structure): {
            name: Cell(QUANTITIES[name], **{field: numbers[field][q][f][s] for field in fields})
            for q, name in enumerate(names)
        }
        for f, flashpoint in enumerate(labels(found, "flashpoint"))
        for s, structure in enumerate(labels(found, "structure"))
    }


def range_text(low: float, high: float, scale: float, *, sign: bool = False) -> str:
    """Return a range over draws in brackets, with signs for a difference; empty if not known.

    >>> range_text(0.027, 0.197, 100), range_text(0.0, 0.01, 100)
    ('[2.7–19.7]', '[≤1.0]')
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    shown = signed if sign else short_number
    if low == 0 and not sign:
        return f"[≤{shown(high * scale)}]"
    return f"[{shown(low * scale)}–{shown(high * scale)}]"


def differs(found: Any) -> bool:
    """Whether a comparison says how large a difference is, and that there is one."""
    return math.isfinite(found.difference) and found.verdict not in ("identical", "reference")


def difference_text(found: Any, scale: float) -> str:
    """Return a mean difference and its range over draws, as far as counts carry it."""
    if not math.isfinite(found.difference):
        return ""
    if found.verdict == "identical":
        return "exactly 0"
    spread = range_text(found.difference_low, found.difference_high, scale, sign=True)
    return f"{signed(found.difference * scale)}\n{spread}".rstrip()


def plain_title(quantity: Quantity) -> str:
    """Return the title of a quantity without the signs of a probability.

    >>> plain_title(QUANTITIES["p_war_given_grave"])
    'war | grave crisis'
    """
    return quantity.title.replace("P(", "").replace(")", "")


def chance_words(what: str, errors: Iterable[tuple[str, float | None]]) -> str:
    """Say by how much chance moves the numbers of a table; empty where it has none.

    Parameters
    ----------
    what : str
        What is moved, such as ``a number of this table``.
    errors : iterable of (str, float)
        Column and standard error of every number; None where no number is printed. NaN and zero
        are not known: zero says that no two histories differed, not that no other would have.

    Examples
    --------
    >>> chance_words("a share", [("war", 0.01), ("war", 0.02), ("peace", 0.0)])
    'Chance moves a share by at most ±.039 (war), ±? (peace), in 95 % of runs.'
    """
    columns: dict[str, dict[str, float]] = {}
    for name, error in errors:
        if error is not None:
            known = math.isfinite(error) and error > 0
            text = f"±{short_number(Z95 * error)}" if known else "±?"
            columns.setdefault(name, {})[text] = error if known else math.nan
    parts = []
    for name, texts in columns.items():
        most = max((text for text in texts if text != "±?"), key=texts.__getitem__, default="±?")
        parts.append(f"{most}{' or ±?' * ('±?' in texts and most != '±?')} ({name})")
    return f"Chance moves {what} by at most {', '.join(parts)}, in 95 % of runs." * bool(parts)


def cell_table(rows: Iterable[tuple[str, Mapping[str, Cell]]], width: int) -> list[str]:
    """Lay out names and cells by quantity, and below them how far chance moves the numbers.

    A row without cells is a title over those that follow.
    """
    shown = list(rows)
    cells = [cell for _, of_row in shown for cell in of_row.values()]
    heads = dict.fromkeys(heading(cell.quantity) for cell in cells)
    lines = table(list(heads), [(n, [c.text() for c in of.values()]) for n, of in shown], width)
    errors = ((plain_title(cell.quantity), cell.error()) for cell in cells)
    return lines + paragraph(chance_words(NUMBER, errors), width)


def heading(quantity: Quantity) -> str:
    """Return the column heading of a quantity, in two lines."""
    return "\n".join(quantity.heading)


def labels(ds: xr.Dataset, dim: str) -> list[str]:
    """Labels of a dimension as text."""
    return [str(label) for label in ds[dim].values.tolist()]


def reference_of(ds: xr.Dataset, reference: str | None = None) -> str | None:
    """Name of the reference structure, None if the results know none.

    Raises
    ------
    InputError
        A reference was asked for that the results do not have.
    """
    known = labels(ds, "structure")
    if reference is not None:
        if reference not in known:
            raise InputError(f"unknown structure {reference!r}; choices: {', '.join(known)}")
        return reference
    stored = ds.attrs.get("reference", "")
    return stored if stored in known else None
