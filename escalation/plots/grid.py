"""What a figure shows of the results, and the grid of panels: flashpoints by risks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from escalation.analysis.comparison import compare
from escalation.analysis.selection import chosen_reference, focus_of
from escalation.errors import EscalationError, InputError, ResultsError
from escalation.plots.style import (
    MUTED,
    name_of,
    percent_number,
    signed,
    strip_panels,
    structure_label,
    tidy,
)
from escalation.results.quantities import Quantity
from escalation.results.support import Says, Support
from escalation.statistics.intervals import Z95

Entries = tuple[Sequence[Artist], Sequence[str]]

"""Standard errors on either side of a mean that make its 95 % interval."""


def need(ds: xr.Dataset, *names: str) -> None:
    """Refuse a dataset without the variables `names`.

    Raises
    ------
    ResultsError
        Names what is missing.
    """
    missing = [name for name in names if name not in ds.variables]
    if missing:
        raise ResultsError(f"the results have no {', '.join(missing)}")


def chosen(ds: xr.Dataset, dim: str, wanted: str | Sequence[str] | None) -> list[str]:
    """Values of `dim` to show, all of them when `wanted` is None.

    Raises
    ------
    InputError
        A value that the results do not have, with the choices.
    """
    known = [str(key) for key in ds[dim].values.tolist()]
    if wanted is None:
        return known
    keys = [wanted] if isinstance(wanted, str) else list(wanted)
    for key in keys:
        if key not in known:
            raise InputError(f"unknown {dim} {key!r}; choices: {', '.join(known)}")
    return keys


def one(ds: xr.Dataset, dim: str, wanted: str | None) -> str:
    """One value of `dim`, the first when `wanted` is None."""
    return chosen(ds, dim, wanted)[0]


def worst_error(cells: xr.Dataset) -> str:
    """Say how wide the 95 % Monte Carlo intervals of several means are at most."""
    seen = cells["hits"] > 0
    if not bool(seen.any()):
        return "not known, no event was seen"
    worst = float(cells["monte_carlo_se"].where(seen).max())
    if not worst > 0:
        return "not known, too few histories differ"
    return f"at most ± {percent_number(Z95 * worst)} points"


def in_focus(ds: xr.Dataset) -> list[str]:
    """Return the reference and the structures that the study looks into, in their order."""
    known = chosen(ds, "structure", None)
    try:
        reference = chosen_reference(ds)
        shown = [reference, *focus_of(ds, reference)]
    except EscalationError:  # one structure, or none to compare with
        return known
    return [name for name in known if name in shown]


def compared(ds: xr.Dataset) -> list[str]:
    """Structures other than the reference.

    Raises
    ------
    ResultsError
        There is no reference, or nothing to compare with it.
    """
    need(ds, "crisis_count", "first_event_count")
    structures = chosen(ds, "structure", None)
    if len(structures) < 2:
        raise ResultsError("the results have one structure only: nothing to compare")
    reference = chosen_reference(ds)
    return [name for name in structures if name != reference]


def comparisons(
    ds: xr.Dataset,
    risks: str | Sequence[str] | None = None,
    flashpoints: str | Sequence[str] | None = None,
) -> dict[tuple[str, str], xr.Dataset]:
    """Compare all structures under one decision rule; by flashpoint and risk, in that order.

    Raises
    ------
    InputError
        Unknown risk or flashpoint.
    ResultsError
        The counts are missing, or there is nothing to compare.
    """
    compared(ds)
    shown = chosen(ds, "flashpoint", flashpoints)
    found = compare(ds, risks, loss={}, flashpoints=shown).isel(decision_rule=0)
    return {
        (f, risk): found.sel(flashpoint=f, risk=risk)
        for f in shown for risk in found["risk"].values.tolist()
    }  # fmt: skip


def seen(says: xr.DataArray, reason: xr.DataArray) -> str:
    """Return what stands in a figure in place of what the counts do not carry."""
    return Support(Says(int(says)), str(reason.values)).seen


def risk_grid(
    ds: xr.Dataset,
    flashpoints: Sequence[str],
    risks: Sequence[Quantity],
    structures: Sequence[str],
    entries: Entries,
    row_height: float = 0.21,
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Make the panels: rows are flashpoints, columns risks; structures from the top down.

    Parameters
    ----------
    entries
        Handles and labels of the legend.
    row_height : float
        Inches for a structure.

    Returns
    -------
    figure : Figure
    axes : dict
        Panels by flashpoint and name of the risk. Structure k stands at height -k.
    """
    n = len(structures)
    width = min(11.0, max(8.0, 3.4 + 2.4 * len(risks)))
    height = row_height * n + 0.85
    figure, grid = strip_panels(
        len(flashpoints), len(risks), width, height, entries, len(entries[1])
    )
    labels = [structure_label(ds, s, 30, 2) for s in structures]
    axes = {}
    for row, flashpoint in zip(grid, flashpoints, strict=True):
        for ax, risk in zip(row, risks, strict=True):
            place = name_of(ds, "flashpoint", flashpoint, 60, 1) if ax is row[0] else " "
            ax.set_title(f"{place}\n{risk.title}", loc="left", fontsize=9)
            ax.set_ylim(-n + 0.4, 0.6)
            ax.set_yticks(-np.arange(n), labels if ax is row[0] else [""] * n)
            tidy(ax, "x")
            ax.tick_params(labelsize=7)
            ax.tick_params(axis="y", length=0)
            axes[flashpoint, risk.risk] = ax
    return figure, axes


def beside(ax: Axes, y: float, text: str, *, bold: bool = False) -> None:
    """Write to the right of a panel, at the height of a structure."""
    ax.text(1.03, y, text, transform=ax.get_yaxis_transform(), ha="left", va="center",
            fontsize=7, color="black" if bold else MUTED,
            fontweight="bold" if bold else "normal")  # fmt: skip


def empty(ax: Axes, text: str = "no event seen") -> None:
    """Say why a panel has no marks."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", fontsize=8)
    ax.set_xticks([])


def number(value: float, risk: Quantity) -> str:
    """A risk or a difference in its unit, with two significant digits."""
    return signed(float(f"{risk.scale * value:.2g}"))


def unit_of_difference(risk: Quantity) -> str:
    """Unit of a difference between two risks."""
    return "percentage points" if risk.kind == "share" else "per year"


def difference_label(risk: Quantity) -> str:
    """Label of an axis of differences; the titles of rates hold their unit."""
    words = f"difference in {risk.title}"
    return f"{words}, {unit_of_difference(risk)}" if risk.kind == "share" else words


def scaled_axis(axis: Axis, risk: Quantity) -> None:
    """Ticks of an axis in the unit of the risk."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: signed(risk.scale * value)))
