"""What a scenario changes: levels before and after, and the difference on the same draws."""

from __future__ import annotations

import numpy as np
import xarray as xr

from escalation.report.cells import range_text
from escalation.report.text import (
    WIDTH,
    Row,
    error_number,
    of_100,
    paragraph,
    safe,
    short_number,
    signed,
    table,
)
from escalation.results.quantities import RISKS
from escalation.results.support import Says
from escalation.statistics.intervals import Z95

_COLUMNS = ("before", "after", "after - before", "less", "safer\nbefore", "safer\nafter")


def format_changes(found: xr.Dataset, width: int = WIDTH, *, brief: bool = False) -> str:
    """Return what a scenario changes as plain text, no line wider than `width` (at least 80).

    Parameters
    ----------
    found : Dataset
        From :func:`escalation.analysis.changes.changes`.
    width : int
        Columns.
    brief : bool
        Only the first flashpoint and war; everything otherwise.
    """
    lines = paragraph(safe(_heading(found.attrs["before"], found.attrs["after"])), width)
    if found.attrs["unchanged"]:
        return "\n".join([*lines, *paragraph("It changes no count at all.", width)])
    points, risks = (found[dim].values.tolist() for dim in ("flashpoint", "risk"))
    for point in points[:1] if brief else points:
        for risk in risks[:1] if brief else risks:
            lines += _block(found.sel(flashpoint=point, risk=risk), point, risk, width)
    return "\n".join([*lines, *paragraph(_legend(found), width)])


def _heading(before: str, after: str) -> str:
    """Say which of two results is the scenario, by their titles."""
    if before == after:
        return f"Both results are of the same study: {after}"
    if before.startswith(f"{after}: "):
        return f"Before: the scenario {before.removeprefix(f'{after}: ')}; after: without it"
    if after.startswith(f"{before}: "):
        return f"Scenario: {after.removeprefix(f'{before}: ')}"
    return f"Before: {before}; after: {after}"


def _block(here: xr.Dataset, flashpoint: str, risk: str, width: int) -> list[str]:
    quantity = RISKS[risk]
    title = f"{flashpoint}, {quantity.title}{', %' if quantity.kind == 'share' else ''}"
    rows: list[Row] = [
        (safe(structure), _cells(here.sel(structure=structure), quantity.scale))
        for structure in here["structure"].values.tolist()
    ]
    errors = here["difference_monte_carlo_se"].values * quantity.scale
    known = errors[np.isfinite(errors)]
    return [
        *paragraph(safe(title), width), *table(_COLUMNS, rows, width),
        *(paragraph(f"by chance at most ±{error_number(Z95 * known.max())}", width)
          if known.size else ()),
    ]  # fmt: skip


def _cells(row: xr.Dataset, scale: float) -> list[str]:
    levels = [short_number(scale * float(row[f"mean_{when}"])) for when in ("before", "after")]
    says = int(row["says"])
    if says < Says.DIFFERENCE:
        reason = str(row["reason"].item())
        return [*levels, reason, "-", "-", "-"]
    difference = signed(scale * float(row["difference"]))
    low, high = (scale * float(row[f"difference_{end}"]) for end in ("low", "high"))
    if np.isfinite(low) and np.isfinite(high):
        difference += f"\n{range_text(low, high, 1.0, sign=True)}"
    return [*levels, difference, *(
        of_100(float(row[name])) if np.isfinite(float(row[name])) else "-"
        for name in ("p_safer", "p_safer_before", "p_safer_after")
    )]  # fmt: skip


def _legend(found: xr.Dataset) -> str:
    """Say what the columns are."""
    return (
        f"Means over {found.attrs['draws']:,} worlds (draws of all that nobody knows), the same "
        "before and after, with the same random numbers; after - before [5-95 % of worlds]; less: "
        "of 100 worlds, those with less of the risk after; safer: of 100 worlds, those with less "
        f"of it than under {safe(found.attrs['reference'])}, before and after."
    )

