"""How a table writes a quantity: centre, Monte Carlo error, range over draws, bound.

The numbers are those of :func:`escalation.results.estimates.estimates`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from escalation.errors import InputError
from escalation.report.text import error_number, short_number
from escalation.results.estimates import estimates
from escalation.results.quantities import QUANTITIES, Quantity

RATES = (
    "disputes_per_year", "grave_crises_per_year", "p_war_given_grave", "p_war_given_dispute",
    "p_great_power_war", "p_nuclear_use", "reciprocation", "us_share_of_wars",
    "mean_duration_days",
)
"""Columns of the table of rates."""


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

    def value_text(self) -> str:
        """Median and Monte Carlo error; a bound where there was no hit, ``-`` without trials.

        Where most draws had few hits the median is coarse or zero: the mean stands
        in its place, marked with an ``m``. ``±?`` where too few histories tell no error.
        """
        if self.trials <= 0:
            return "-"
        if self.hits == 0:
            return f"<{self._short(self.bound)}"
        if self.full:
            return f">{self._short(1.0 - self.bound)}"
        centre = f"{'m ' if self.sparse else ''}{self._short(self.centre)}"
        if self.quantity.kind == "mean":
            return centre
        return f"{centre} ±{error_number(self.monte_carlo_se * self.quantity.scale)}"

    def spread_text(self) -> str:
        """``[5 % – 95 %]`` over draws; empty where it is not known and where there was no hit.

        ``[≤95 %]`` where the lower end had no hit, and ``[<bound]``, the upper bound of a
        single draw, where neither end had.
        """
        if self.hits == 0 or self.full or not math.isfinite(self.high):
            return ""
        if self.high == 0:
            return f"[<{self._short(self.draw_bound)}]"
        if self.low == 0:
            return f"[≤{self._short(self.high)}]"
        return f"[{self._short(self.low)}–{self._short(self.high)}]"

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
