"""What a scenario changes: levels before and after, and the difference on the same draws."""

from __future__ import annotations

import numpy as np
import xarray as xr

from escalation.report.text import (
    WIDTH,
    error_number,
    of_100,
    paragraph,
    safe,
    short_number,
    signed,
)
from escalation.results.quantities import RISKS
from escalation.results.support import Says
from escalation.statistics.intervals import Z95

_COLUMNS = ("before", "after", "after - before", "less", "safer before", "after")
_CELLS = (7, 7, 19, 6, 14, 7)


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
    title = found.attrs["after"]
    before = found.attrs["before"]
    lines = paragraph(f"Scenario: {safe(title.removeprefix(before).removeprefix(': '))}", width)
    if found.attrs["unchanged"]:
        return "\n".join([*lines, *paragraph("It changes no count at all.", width)])
    points, risks = (found[dim].values.tolist() for dim in ("flashpoint", "risk"))
    for point in points[:1] if brief else points:
        for risk in risks[:1] if brief else risks:
            lines += _block(found.sel(flashpoint=point, risk=risk), point, risk, width)
    return "\n".join([*lines, *paragraph(_legend(found), width)])


def _block(here: xr.Dataset, flashpoint: str, risk: str, width: int) -> list[str]:
    quantity = RISKS[risk]
    room = width - sum(_CELLS)
    title = f"{flashpoint}, {quantity.title}{', %' if quantity.kind == 'share' else ''}"
    lines = [*paragraph(safe(title), width), _row("", _COLUMNS, room)]
    for structure in here["structure"].values.tolist():
        lines.append(_row(safe(structure), _cells(here.sel(structure=structure), quantity.scale),
                          room))  # fmt: skip
    errors = Z95 * quantity.scale * here["difference_monte_carlo_se"].values
    if np.isfinite(errors).any():
        lines += paragraph(f"by chance at most ±{error_number(np.nanmax(errors))}", width)
    return lines


def _row(name: str, cells: tuple[str, ...] | list[str], room: int) -> str:
    label = name if len(name) < room else f"{name[: room - 2]}…"
    text = label.ljust(room)
    return (text + "".join(c.rjust(w) for c, w in zip(cells, _CELLS, strict=True))).rstrip()


def _cells(row: xr.Dataset, scale: float) -> list[str]:
    levels = [short_number(scale * float(row[f"mean_{when}"])) for when in ("before", "after")]
    says = int(row["says"])
    if says < Says.DIFFERENCE:
        reason = str(row["reason"].item())
        return [*levels, reason if len(reason) < _CELLS[2] else "-", "", "", ""]
    difference = signed(scale * float(row["difference"]))
    low, high = (scale * float(row[f"difference_{end}"]) for end in ("low", "high"))
    if np.isfinite(low) and np.isfinite(high):
        difference += f" [{short_number(low)}–{short_number(high)}]"
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

