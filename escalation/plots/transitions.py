"""Rung-to-rung transition matrix, by cause."""

from __future__ import annotations

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from escalation.contracts.codes import N_RUNGS, RUNGS
from escalation.plots.grid import chosen, need, one, worst_error
from escalation.plots.style import (
    footnote,
    headline,
    name_of,
    new_figure,
    structure_label,
    styled,
)
from escalation.results.estimates import ratio_estimates

CAUSE_TITLES = {
    "incident": "Incident\n(chance, not wanted)",
    "escalation": "Escalation\n(the challenger's decision)",
    "spiral": "Spiral\n(the defender matched)",
}


@styled
def transition_matrix(
    ds: xr.Dataset, flashpoint: str | None = None, structure: str | None = None
) -> Figure:
    """Where the steps from each rung lead, and what causes them.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    flashpoint
        Which to show; the first of the study when None.
    structure
        Which to show; the reference when None.

    Returns
    -------
    Figure
        One panel per cause. A cell is the share, in per cent of all steps from its rung
        whatever their cause, that lead to the other rung by this cause: the cells of one row
        in all panels together make 100 %. Upper number: median over draws (the mean where most
        draws saw few), lower numbers: 5-95 % of draws.

    Raises
    ------
    InputError
        Unknown flashpoint or structure.
    ResultsError
        The counts are missing.
    """
    need(ds, "transition_count")
    flashpoint = one(ds, "flashpoint", flashpoint)
    structure = one(ds, "structure", structure or ds.attrs.get("reference"))
    cells = steps(ds.sel(flashpoint=flashpoint, structure=structure))
    causes = chosen(ds, "cause", None)
    figure = new_figure(11.0, 5.9)
    axes = figure.subplots(1, len(causes), squeeze=False, sharey=True)[0]
    total = cells["trials"].isel(to_rung=0, cause=0)
    # Disputes usually open above rung 0, which then has no step to show.
    first = 0 if int(total.sel(from_rung=0)) > 0 else 1
    for ax, cause in zip(axes, causes, strict=True):
        _panel(ax, cells.sel(cause=cause), first)
        ax.set_title(CAUSE_TITLES.get(cause, cause), loc="left")
        ax.set_xlabel("to rung")
        ax.set_xticks(range(first + 1, N_RUNGS))
    axes[0].set_yticks(
        range(first, N_RUNGS - 1),
        [
            f"{RUNGS[r]}  {r}\nn = {int(total.sel(from_rung=r)):,}"
            for r in range(first, N_RUNGS - 1)
        ],
    )
    axes[0].set_ylabel("from rung (n steps in all draws)")
    place = name_of(ds, "flashpoint", flashpoint, 50)
    subject = f"{place} · {structure_label(ds, structure, 60)}"
    headline(figure, ds, "Where a step up the ladder leads, and what causes it", subject)
    footnote(
        figure,
        ds,
        "Cells: % of all steps from the rung, whatever the cause; one row makes 100 % over the "
        "three panels. Upper number: median over draws, or mean where most draws saw fewer than "
        "10. Lower numbers: 5-95 % of draws, Monte Carlo part removed (≤: some draws saw "
        "none; rare: nearly all saw none; all: both ends). Empty cell: no such step seen. The "
        f"95 % Monte Carlo interval is {worst_error(cells)}.",
    )
    return figure


def steps(ds: xr.Dataset) -> xr.Dataset:
    """Summary of the share of all steps from a rung that lead to each rung by each cause."""
    counts = ds["transition_count"]
    return ratio_estimates(counts, counts.sum(("cause", "to_rung")))


def _panel(ax: Axes, cells: xr.Dataset, first: int) -> None:
    cells = cells.isel(from_rung=slice(first, N_RUNGS - 1), to_rung=slice(first + 1, N_RUNGS))
    cells = cells.transpose("from_rung", "to_rung", ...)
    hits = cells["hits"].to_numpy()
    centre = cells["centre"].to_numpy()
    shown = np.ma.masked_where((hits == 0) | ~np.isfinite(centre), centre)
    edges = (first + 0.5, N_RUNGS - 0.5, N_RUNGS - 1.5, first - 0.5)
    colours = matplotlib.colormaps["Blues"]
    ax.imshow(shown, vmin=0.0, vmax=1.0, cmap=colours, aspect="auto", extent=edges)
    ax.set_xticks(np.arange(first, N_RUNGS) + 0.5, minor=True)
    ax.set_yticks(np.arange(first, N_RUNGS) - 0.5, minor=True)
    ax.grid(which="minor", color="#E5E5E5", linewidth=0.8)
    ax.tick_params(which="both", length=0, labelsize=7.5)
    ax.spines[:].set_visible(False)
    for row, column in zip(*np.nonzero(hits), strict=True):
        cell = cells.isel(from_rung=row, to_rung=column)
        colour = "white" if centre[row, column] > 0.7 else "black"
        spread = f"\n{_range(cell)}" if np.isfinite(float(cell["high"])) else ""
        text = f"{_short(centre[row, column])}{spread}"
        ax.text(column + first + 1, row + first, text, ha="center", va="center",
                fontsize=6, color=colour, linespacing=1.1)  # fmt: skip


def _short(share: float) -> str:
    """Per cent in at most three characters: a cell is narrow."""
    if share >= 0.0995 or share == 0.0:
        return f"{100 * share:.0f}"
    return f"{100 * share:.1f}" if share >= 0.0005 else "<.1"


def _range(cell: xr.Dataset) -> str:
    low, high = float(cell["low"]), float(cell["high"])
    if high == 0:
        return "rare"
    if _short(low) == _short(high):
        return f"all {_short(high)}"
    return f"{_short(low)}–{_short(high)}" if low > 0 else f"≤{_short(high)}"
