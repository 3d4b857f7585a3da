"""Prior against posterior: how the fit to history moved each headline risk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from escalation.plots.grid import chosen
from escalation.plots.style import (
    MUTED,
    footnote,
    headline,
    log_ticks,
    name_of,
    strip_panels,
    structure_label,
    styled,
    tidy,
)
from escalation.results.companion import prior_companion
from escalation.results.estimates import estimates
from escalation.results.quantities import DECISION, QUANTITIES
from escalation.statistics.intervals import Z95

COLOURS = {"prior": "#8A8A8A", "posterior": "#0072B2"}
MARKERS = {"prior": "s", "posterior": "o"}
SHIFTS = {"prior": 0.17, "posterior": -0.17}
COLUMNS = 3
WIDEST = 3e4
"""Ratio of the ends of an axis at most; bars may leave it at the left."""


@styled
def prior_posterior(ds: xr.Dataset, flashpoints: str | Sequence[str] | None = None) -> Figure:
    """Headline risks under prior and posterior, as pairs of intervals.

    Parameters
    ----------
    ds : Dataset
        Results with a prior companion; see `escalation.results`.
    flashpoints
        Which to show; all when None.

    Returns
    -------
    Figure
        One panel per risk, rows are flashpoints and, within them, the reference and the
        structures in focus. Grey squares are prior medians, blue dots posterior ones (open marks:
        means of both, where most draws of either saw few), thin bars 5-95 % of draws, thick bars
        the 95 % Monte Carlo interval; open marks with arrows are 95 % upper bounds.

    Raises
    ------
    InputError
        Unknown flashpoint.
    ResultsError
        No posterior was used, so there is nothing to compare.
    """
    prior = prior_companion(ds)
    shown = chosen(ds, "flashpoint", flashpoints)
    rows = [(f, s) for f in shown for s in (None, *chosen(prior, "structure", None))]
    sides = {"prior": risks(prior), "posterior": risks(ds)}
    titles = list(sides["prior"])
    height = 0.2 * len(rows) + 0.75
    figure, grid = strip_panels(-(-len(titles) // COLUMNS), COLUMNS, 11.0, height, _legend(), 2)
    panels = [ax for row in grid for ax in row]
    for ax, title in zip(panels, titles, strict=True):
        cells = _alike({side: _cells(found[title], rows) for side, found in sides.items()})
        for side in cells:
            _marks(ax, cells[side], side)
        _finish(ax, list(cells.values()), rows, title)
    for row in grid:
        _label(row[0], ds, rows)
    years = int(ds.attrs["horizon_years"])
    headline(figure, ds, f"What the fit to history changed: risks within {years} years")
    footnote(figure, ds, _note(ds))
    return figure


def risks(ds: xr.Dataset) -> dict[str, xr.Dataset]:
    """Summaries of the risks of the decision table by the title of their panel."""
    found = estimates(ds, DECISION)
    titles = {name: QUANTITIES[name].title for name in DECISION}
    return {
        title if QUANTITIES[name].kind == "rate" else f"{title}, %": found.sel(quantity=name)
        for name, title in titles.items()
    }


def _cells(found: xr.Dataset, rows: Sequence[tuple[str, str | None]]) -> xr.Dataset:
    """Select the rows that are no headings, each with its ``height`` in the panel."""
    places = [(y, f, s) for y, (f, s) in enumerate(rows) if s is not None]
    heights, flashpoints, structures = zip(*places, strict=True)
    at = found.sel(
        flashpoint=xr.DataArray(list(flashpoints), dims="row"),
        structure=xr.DataArray(list(structures), dims="row"),
    )
    return at.assign(height=("row", -np.array(heights, float)))


def _alike(sides: dict[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Set ``centre`` to the means on both sides of a row where either median is coarse."""
    silent = [cells["sparse"] & (cells["hits"] > 0) for cells in sides.values()]
    by_mean = np.logical_or.reduce(silent)
    return {
        side: cells.assign(
            centre=cells["median"].where(~by_mean, cells["mean"]), by_mean=("row", by_mean)
        )
        for side, cells in sides.items()
    }


def _marks(ax: Axes, cells: xr.Dataset, side: str) -> None:
    colour, marker = COLOURS[side], MARKERS[side]
    y = cells["height"].to_numpy() + SHIFTS[side]
    tried, hits = cells["trials"].to_numpy() > 0, cells["hits"].to_numpy()
    seen, none = tried & (hits > 0), tried & (hits == 0)
    centre, half = cells["centre"].to_numpy(), Z95 * cells["monte_carlo_se"].to_numpy()
    tiny = np.finfo(float).tiny
    low, inner = np.maximum(cells["low"].to_numpy(), tiny), np.maximum(centre - half, tiny)
    ax.hlines(y[seen], low[seen], cells["high"].to_numpy()[seen], color=colour, lw=1.1)
    ax.hlines(y[seen], inner[seen], (centre + half)[seen], color=colour, lw=3.2, alpha=0.6)
    by_mean = cells["by_mean"].to_numpy()
    kinds = ((seen & ~by_mean, colour, "white"), (seen & by_mean, "white", colour))
    for some, inside, edge in kinds:
        ax.plot(centre[some], y[some], linestyle="none", marker=marker, mfc=inside, mec=edge,
                ms=4.4, mew=0.8, zorder=3)  # fmt: skip
    bound = cells["bound"].to_numpy()
    ax.errorbar(bound[none], y[none], xerr=0.4 * bound[none], xuplims=True, fmt=marker,
                color=colour, mfc="white", ms=4.0, lw=0.8, capsize=1.6)  # fmt: skip


def _finish(
    ax: Axes,
    sides: Sequence[xr.Dataset],
    rows: Sequence[tuple[str, str | None]],
    title: str,
) -> None:
    ax.set_title(title, loc="left")
    ax.set_xscale("log")
    ax.set_xlim(*_limits(sides))
    ax.set_ylim(-len(rows) + 0.4, 0.4)
    for y, (_, structure) in enumerate(rows):
        if structure is None:
            ax.axhspan(-y - 0.42, -y + 0.42, color="#F0F0F0", zorder=0, linewidth=0)
    log_ticks(ax.xaxis, 100.0 if title.endswith("%") else 1.0)
    tidy(ax, "x")
    ax.set_yticks([])


def _limits(sides: Sequence[xr.Dataset]) -> tuple[float, float]:
    """Ends of a panel's axis: all that is shown, but bars may leave it at the left."""
    every = [_shown(cells) for cells in sides]
    values = np.concatenate([ends for ends in every if ends.size] or [np.array([1e-3, 1e-2])])
    high = float(values.max())
    low = max(float(values.min()), high / WIDEST)
    return min(low / 1.3, high / 8), high * 1.3


def _shown(cells: xr.Dataset) -> np.ndarray:
    """Positive ends of bars, centres, and bounds with room for their arrows."""
    seen = cells["hits"] > 0
    ends = [cells[name].where(seen) for name in ("low", "centre", "high")]
    ends.append(0.5 * cells["bound"].where(~seen & (cells["trials"] > 0)))
    values = np.concatenate([end.to_numpy() for end in ends])
    return values[np.isfinite(values) & (values > 0)]


def _label(ax: Axes, ds: xr.Dataset, rows: Sequence[tuple[str, str | None]]) -> None:
    """Name the rows: flashpoints as headings, structures below them."""
    names = [
        name_of(ds, "flashpoint", f, 34, 1) if s is None else structure_label(ds, s, 30, 1)
        for f, s in rows
    ]
    ax.set_yticks(-np.arange(len(rows)), names, fontsize=7.5)
    ax.tick_params(axis="y", length=0)
    for text, (_, structure) in zip(ax.get_yticklabels(), rows, strict=True):
        text.set_fontweight("bold" if structure is None else "normal")
        text.set_color("black" if structure is None else MUTED)


def _legend() -> tuple[list[Artist], list[str]]:
    handles: list[Artist] = [
        Line2D([], [], color=COLOURS[side], marker=MARKERS[side], mec="white", lw=1.3)
        for side in COLOURS
    ]
    return handles, ["prior: what was assumed", "posterior: after the fit to history"]


def _note(ds: xr.Dataset) -> str:
    n, draws = int(ds.attrs["companion_trajectories"]), ds.sizes["companion_draw"]
    return (
        f"Prior: n = {n:,} trajectories x {draws} draw{'s' * (draws > 1)} per cell, same random "
        "numbers. Marks: medians over draws; open marks: means over draws, on both sides, where "
        "most draws of either saw fewer than 10. Thin bars: 5-95 % of draws, Monte Carlo part "
        "removed; a bar that leaves the panel at the left ends in draws that saw no event. Thick "
        "bars: 95 % Monte Carlo interval. Open marks with arrows: never seen, 95 % upper bound. No "
        "mark: nothing to count. Logarithmic axes, one per risk."
    )
