"""Risk heat map: structure x flashpoint, one panel per risk, every cell with its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from escalation.plots.grid import chosen, need, worst_error
from escalation.plots.style import (
    footnote,
    headline,
    name_of,
    new_figure,
    percent_number,
    structure_label,
    styled,
)
from escalation.results.estimates import estimates
from escalation.results.quantities import RISKS
from escalation.statistics.intervals import clopper_pearson

METRICS = ("war", "great_power_war", "nuclear_use", "concession")


@styled
def risk_heat_map(ds: xr.Dataset, metrics: str | Sequence[str] = METRICS) -> Figure:
    """Risk of each structure at each flashpoint within the horizon, metric by metric.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    metrics
        Names of events, of `escalation.contracts.codes.EVENTS`.

    Returns
    -------
    Figure
        One panel per metric; cells carry the median over draws and below it 5-95 % of draws,
        in per cent. Colour is logarithmic and scaled panel by panel.

    Raises
    ------
    InputError
        Unknown metric.
    ResultsError
        The counts are missing.
    """
    need(ds, "first_event_count")
    metrics = chosen(ds, "event", metrics)
    flashpoints, structures = chosen(ds, "flashpoint", None), chosen(ds, "structure", None)
    columns = 1 if len(metrics) == 1 else 2
    rows = -(-len(metrics) // columns)
    cell_height = 0.36
    height = rows * (1.25 + cell_height * len(structures)) + 1.1
    figure = new_figure(11.0 if len(flashpoints) <= 5 else 2.4 * len(flashpoints), height)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for ax in grid.flat[len(metrics) :]:
        ax.set_axis_off()
    for ax, metric in zip(grid.flat, metrics, strict=False):
        cells = estimates(ds, [RISKS[metric].name]).isel(quantity=0)
        _panel(ax, cells.transpose("structure", "flashpoint"))
        ax.set_title(
            f"{RISKS[metric].title} within {int(ds.attrs['horizon_years'])} years, %\n"
            f"Monte Carlo 95 % interval: {worst_error(cells)}",
            loc="left",
        )
        ax.set_xticks(
            range(len(flashpoints)), [name_of(ds, "flashpoint", f, 14) for f in flashpoints]
        )
        ax.set_yticks(range(len(structures)), [structure_label(ds, s, 26, 2) for s in structures])
        ax.tick_params(labelsize=7.5, length=0)
    headline(figure, ds, "Risk by structure and flashpoint, one panel per risk: no single score")
    footnote(
        figure,
        ds,
        "Upper number: median over draws; mean: most draws saw fewer than 10, so the mean over "
        "draws stands there. Lower numbers: 5-95 % of draws, Monte Carlo part removed (≤: some "
        "draws saw none; with one draw: Monte Carlo 95 % interval; none: too few draws or "
        "histories to tell it from chance). A hatched cell with < saw no event in any draw and "
        "shows its 95 % upper bound, > nothing but events. Each panel has its own "
        "logarithmic colour scale, darker is more frequent.",
    )
    return figure


def _panel(ax: Axes, cells: xr.Dataset) -> None:
    zero = (cells["hits"] == 0).to_numpy()
    value = cells["centre"].to_numpy()
    shown = np.ma.masked_where(zero | ~(value > 0), value)
    norm = LogNorm(*_limits(shown.compressed()))
    colours = matplotlib.colormaps["cividis_r"]
    rows, columns = value.shape
    ax.imshow(shown, norm=norm, cmap=colours, aspect="auto")
    ax.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.2)
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set_visible(False)
    for row, column in np.ndindex(rows, columns):
        cell = cells.isel(structure=row, flashpoint=column)
        if zero[row, column]:
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, hatch="////",
                                   edgecolor="#CCCCCC", linewidth=0))  # fmt: skip
        dark = not zero[row, column] and norm(value[row, column]) > 0.55
        ax.text(column, row, cell_text(cell), ha="center", va="center", fontsize=7.5,
                color="white" if dark else "black", linespacing=1.15)  # fmt: skip


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Ends of the colour scale, at least a factor of ten apart so that noise stays pale."""
    if not values.size:
        return 1e-4, 1e-3
    low, high = float(values.min()), float(values.max())
    return min(low, high / 10.0), high


def cell_text(cell: xr.Dataset) -> str:
    """Numbers of one cell: median, and the range over draws if there is more than one.

    Without any event "< bound". Where most draws saw few, the median is coarse or zero
    and the mean over draws stands in its place, marked as such.
    """
    if float(cell["hits"]) == 0:
        return f"< {percent_number(float(cell['bound']))}"
    if bool(cell["full"]):
        return f"> {percent_number(1.0 - float(cell['bound']))}"
    mark = "mean " if bool(cell["sparse"]) else ""
    text = mark + percent_number(float(cell["centre"]))
    return f"{text}\n{range_text(cell)}".rstrip()


def range_text(cell: xr.Dataset) -> str:
    """5-95 % of draws in per cent, "≤ 95 %" alone where the lower end had no hit.

    Where the upper end had none either, it is below the bound of a single draw. For a single
    draw there is no such range: its exact 95 % Monte Carlo interval is given. Empty where chance
    cannot be told from what is not known.
    """
    if int(cell["draws"]) == 1:
        ends = clopper_pearson(float(cell["hits"]), float(cell["trials"]))
        return "–".join(percent_number(float(end)) for end in ends)
    low, high, least = (float(cell[name]) for name in ("low", "high", "draw_bound"))
    if not np.isfinite(high):
        return ""
    if high == 0:
        return f"range < {percent_number(least)}"
    if low == 0:
        return f"≤ {percent_number(high)}"
    return f"{percent_number(low)}–{percent_number(high)}"
