"""Headline rates, to be set beside published figures on disputes and crises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import xarray as xr

from escalation.report.cells import RATES, Cell, cell_table, cells_of, labels, reference_of
from escalation.report.glossary import explained
from escalation.report.text import WIDTH, paragraph, safe


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
    return [RateRow(*at, cells) for at, cells in cells_of(ds, RATES).items()]


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
    alone = len(chosen) == 1
    lines = paragraph(
        f"Each number: median [5–95 %] over draws{f', under {safe(chosen[0])}' if alone else ''}"
        f"; great-power war and nuclear use within {int(ds.attrs['horizon_years'])} years.", width,
    )  # fmt: skip
    rows = [
        (row.flashpoint if alone else f"{row.flashpoint} {row.structure}", row.cells)
        for row in headline_rates(ds) if row.structure in chosen
    ]  # fmt: skip
    return explained([*lines, "", *cell_table(rows, width)], width)


def _chosen(ds: xr.Dataset, structures: Sequence[str] | None) -> list[str]:
    if structures is not None:
        return [name for name in structures if reference_of(ds, name)]
    reference = reference_of(ds)
    return labels(ds, "structure") if reference is None else [reference]
