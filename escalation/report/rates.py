"""Headline rates, to be set beside published figures on disputes and crises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from escalation.report.cells import RATES, Cell, cells_of, labels, reference_of
from escalation.report.decision_table import CELL_WIDTH, cell_lines, heading_lines
from escalation.report.text import WIDTH, paragraph, safe
from escalation.results.quantities import QUANTITIES

_PER_BLOCK = 5


@dataclass(frozen=True)
class RateRow:
    """Headline rates of one structure at one flashpoint, by quantity."""

    flashpoint: str
    structure: str
    cells: dict[str, Cell]


def headline_rates(ds: xr.Dataset) -> list[RateRow]:
    """Rates of every flashpoint and structure.

    Parameters
    ----------
    ds : Dataset
        Results; derived variables are not needed.

    Returns
    -------
    list of RateRow
        Disputes and grave crises per year, P(war | grave crisis), P(war | dispute),
        P(great-power war) and P(nuclear use) within the horizon, reciprocation, share of
        wars that the great power fought, and mean days of a dispute.

    Raises
    ------
    ResultsError
        Counts are missing.
    """
    return [RateRow(*place, cells) for place, cells in cells_of(ds, RATES).items()]


def format_rates(
    ds: xr.Dataset, structures: Sequence[str] | None = None, width: int = WIDTH
) -> str:
    """Return the rates as plain text; the reference structure alone if none are named.

    Raises
    ------
    InputError
        A structure that the results do not have.
    """
    chosen = _chosen(ds, structures)
    rows = [row for row in headline_rates(ds) if row.structure in chosen]
    name_width = max(width, WIDTH) - CELL_WIDTH * _PER_BLOCK
    lines: list[str] = []
    for start in range(0, len(RATES), _PER_BLOCK):
        names = RATES[start : start + _PER_BLOCK]
        lines += heading_lines([QUANTITIES[q] for q in names], name_width)
        for row in rows:
            name = row.flashpoint
            if len(chosen) > 1:
                name = f"{row.flashpoint} {row.structure}"
            lines += cell_lines(name, [row.cells[q] for q in names], name_width)
        lines.append("")
    who = f"Under {', '.join(safe(name) for name in chosen)}. " if len(chosen) == 1 else ""
    lines += paragraph(
        f"{who}Median over draws ± Monte Carlo standard error of the mean over draws, below it "
        f"[5–95 % of draws], ±? where too few histories tell no error; great-power war and "
        f"nuclear use within {int(ds.attrs['horizon_years'])} years.",
        max(width, WIDTH),
    )
    return "\n".join(lines)


def _chosen(ds: xr.Dataset, structures: Sequence[str] | None) -> list[str]:
    if structures is not None:
        return [name for name in structures if reference_of(ds, name)]
    reference = reference_of(ds)
    return labels(ds, "structure") if reference is None else [reference]
