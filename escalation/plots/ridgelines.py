"""Distribution of a risk over parameter draws, one ridge per structure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from escalation.plots.grid import chosen, need, one, worst_error
from escalation.plots.heat_map import range_text
from escalation.plots.style import (
    MUTED,
    Look,
    few_ticks,
    footnote,
    headline,
    looks,
    name_of,
    new_figure,
    percent_axis,
    percent_number,
    structure_label,
    styled,
    tidy,
)
from escalation.results.estimates import Panel, panel, summarise
from escalation.results.quantities import RISKS
from escalation.statistics.intervals import clopper_pearson

RIDGE = 0.82
"""Height of the tallest ridge; rows are one apart."""


@styled
def risk_ridgelines(
    ds: xr.Dataset,
    flashpoint: str | None = None,
    events: str | Sequence[str] = ("war", "great_power_war"),
) -> Figure:
    """Distribution over draws of the risk within the horizon, by structure.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    flashpoint
        Which to show; the first of the study when None.
    events
        Names of events, of `escalation.contracts.codes.EVENTS`.

    Returns
    -------
    Figure
        One panel per event. Ridges are kernel densities of equal area, ticks below them the
        draws, the bar spans 5-95 % of draws and carries the median.

    Raises
    ------
    InputError
        Unknown flashpoint or event.
    ResultsError
        The counts are missing.
    """
    need(ds, "first_event_count")
    flashpoint, events = one(ds, "flashpoint", flashpoint), chosen(ds, "event", events)
    structures = chosen(ds, "structure", None)
    figure = new_figure(11.0, 0.62 * len(structures) + 2.3)
    axes = figure.subplots(1, len(events), squeeze=False, sharey=True)[0]
    for ax, event in zip(axes, events, strict=True):
        found = panel(ds, RISKS[event], flashpoint)
        cells = summarise(found)
        _panel(ax, cells, plausible_of(found, cells), looks(ds))
        ax.set_title(
            f"{RISKS[event].title}\nMonte Carlo 95 % interval of the mean: {worst_error(cells)}",
            loc="left",
        )
        ax.set_xlabel(f"{RISKS[event].title} within {int(ds.attrs['horizon_years'])} years, %")
    axes[0].set_yticks(
        -np.arange(len(structures)), [structure_label(ds, s, 26, 3) for s in structures]
    )
    place = name_of(ds, "flashpoint", flashpoint, 60)
    headline(figure, ds, "How the risk is spread over what we do not know", place)
    footnote(
        figure,
        ds,
        "Ridges: density over draws, equal areas within a panel; ticks: draws; from both the "
        "Monte Carlo part of the spread is removed. No ridge: the spread is no "
        "more than Monte Carlo error, or cannot be told from it. Bar and mark: 5-95 % of draws and "
        "median (mean where most draws saw fewer than 10), written at the right in %; < means no "
        "event seen, 95 % upper bound. With one draw the bar is its 95 % Monte Carlo interval.",
    )
    return figure


def plausible_of(found: Panel, cells: xr.Dataset) -> np.ndarray:
    """A few plausible values (structure, draw, copy); NaN where chance cannot be told apart."""
    known = np.isfinite(cells["high"].to_numpy())
    few = found.cleaned().plausible[..., ::4]
    return np.where(known[:, None, None], np.clip(few, 0.0, 1.0), np.nan)


def _panel(
    ax: Axes, cells: xr.Dataset, plausible: np.ndarray, style: dict[str, Look]
) -> None:
    ends = [plausible, *(cells[name].to_numpy() for name in ("mean", "high", "draw_bound"))]
    right = float(np.nanmax(np.concatenate([end.ravel() for end in ends]))) * 1.05
    x = np.linspace(0.0, min(1.0, right), 400)
    ridges = [density(row if np.ptp(row) > 0.0 else row[:0], x) for row in plausible]
    tallest = max((float(ridge.max()) for ridge in ridges), default=1.0)
    for row, structure in enumerate(cells["structure"].values.tolist()):
        look, cell = style[structure], cells.sel(structure=structure)
        ridge = -row + RIDGE * ridges[row] / (tallest or 1.0)
        ax.axhline(-row, color="#CCCCCC", lw=0.6, zorder=row)
        if ridges[row].any():
            ax.fill_between(x, -row, ridge, color=look.colour, alpha=0.25, linewidth=0, zorder=row)
            ax.plot(x, ridge, color=look.colour, lw=1.0, zorder=row + 0.1)
        ticks = plausible[row, :, 0]
        ax.vlines(ticks, -row - 0.13, -row - 0.03, color=look.colour, lw=0.5, alpha=0.7)
        _summary_bar(ax, cell, look, -row)
    ax.set_xlim(0.0, x[-1] * 1.28)
    ax.set_ylim(-len(plausible) + 0.75, RIDGE + 0.15)
    few_ticks(ax.xaxis, 7)
    percent_axis(ax.xaxis)
    tidy(ax, "x")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _summary_bar(ax: Axes, cell: xr.Dataset, look: Look, row: float) -> None:
    if int(cell["hits"]) == 0:
        text = f"< {percent_number(float(cell['bound']))}"
    elif bool(cell["full"]):
        text = f"> {percent_number(1.0 - float(cell['bound']))}"
    else:
        ends = float(cell["low"]), float(cell["high"])
        if int(cell["draws"]) == 1:
            low, high = clopper_pearson(float(cell["hits"]), float(cell["trials"]))
            ends = float(low), float(high)
        ax.hlines(row, *ends, color=look.colour, lw=2.0, zorder=60)
        ax.plot(float(cell["centre"]), row, marker=look.marker, color=look.colour, ms=6,
                mec="white", mew=0.6, zorder=61, linestyle="none", clip_on=False)  # fmt: skip
        text = percent_number(float(cell["centre"]))
        if bool(cell["sparse"]):
            text = f"mean {text}"
        if range_text(cell):
            text = f"{text} [{range_text(cell)}]"
    ax.text(0.995, row + 0.12, text, transform=ax.get_yaxis_transform(), ha="right",
            va="bottom", fontsize=7.5, color=MUTED, zorder=62)  # fmt: skip


def density(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Gaussian kernel density on [0, 1] with reflecting ends; flat zero below three values.

    The bandwidth is Silverman's, and no narrower than a hundredth of the axis.
    """
    values = values[np.isfinite(values)]
    if values.size < 3:
        return np.zeros_like(x)
    quartiles = np.quantile(values, (0.25, 0.75))
    scale = min(values.std(ddof=1), (quartiles[1] - quartiles[0]) / 1.34) or values.std(ddof=1)
    width = max(0.9 * scale * values.size**-0.2, (x[-1] - x[0]) / 100.0)
    mirrored = np.concatenate([values, -values, 2.0 - values])
    kernel = np.exp(-0.5 * ((x[:, None] - mirrored[None, :]) / width) ** 2)
    return kernel.sum(axis=1) / (values.size * width * np.sqrt(2.0 * np.pi))
