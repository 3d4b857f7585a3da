"""Cumulative risk by year as fan charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from escalation.plots.grid import chosen, in_focus, need, one, worst_error
from escalation.plots.style import (
    REFERENCE_COLOUR,
    Look,
    few_ticks,
    footnote,
    headline,
    looks,
    name_of,
    percent_axis,
    strip_panels,
    structure_label,
    styled,
    tidy,
)
from escalation.results.estimates import HIGH, LOW, ratio_estimates, ratio_quantiles
from escalation.results.quantities import RISKS
from escalation.results.tally import histories

QUANTILES = (LOW, 0.25, 0.5, 0.75, HIGH)
COLUMNS = 5


@styled
def cumulative_risk(
    ds: xr.Dataset,
    flashpoint: str | None = None,
    structures: str | Sequence[str] | None = None,
    events: str | Sequence[str] = ("war", "great_power_war"),
) -> Figure:
    """Risk that has come true by the end of each year, as fans over the draws.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    flashpoint
        Which to show; the first of the study when None.
    structures
        Which to show; the reference and the structures that the study compares with it when
        None.
    events
        Names of events, of `escalation.contracts.codes.EVENTS`.

    Returns
    -------
    Figure
        Columns are structures, rows events, with one vertical scale per event. Coloured lines
        are medians over draws, the dark band covers 50 % of draws and the light band 90 %;
        the thin black line repeats the median of the reference in every panel.

    Raises
    ------
    InputError
        Unknown flashpoint, structure or event.
    ResultsError
        The counts are missing.
    """
    need(ds, "first_event_count")
    flashpoint, events = one(ds, "flashpoint", flashpoint), chosen(ds, "event", events)
    structures = in_focus(ds) if structures is None else chosen(ds, "structure", structures)
    blocks = [structures[i : i + COLUMNS] for i in range(0, len(structures), COLUMNS)]
    columns = min(COLUMNS, len(structures))
    width = 11.0 if columns > 2 else 9.0
    rows = len(events) * len(blocks)
    figure, grid = strip_panels(rows, columns, width, 2.6, _legend(ds), 3)
    errors = []
    places = [(event, block) for event in events for block in blocks]
    for row, (event, block) in zip(grid, places, strict=True):
        fan = fans(ds.sel(flashpoint=flashpoint), event)
        _row(row, ds, fan, block, _top(fan.sel(structure=structures)))
        row[0].set_ylabel(f"{RISKS[event].title}\nby the end of the year, %")
        errors.append(fan[["monte_carlo_se", "hits"]].sel(structure=structures))
    place = name_of(ds, "flashpoint", flashpoint, 60)
    headline(figure, ds, "Risk accumulated year by year, with its range over draws", place)
    footnote(
        figure,
        ds,
        "Coloured lines: medians over draws. Dark bands: 50 % of draws, light bands: 90 %, the "
        "Monte Carlo part removed; no band where that is not known. Where most draws saw fewer "
        "than 10 events by the end, the line is the mean. The 95 % Monte Carlo interval of the "
        f"mean is {worst_error(xr.concat(errors, 'event'))}. An open mark with an arrow: no event "
        "seen, 95 % upper bound. Panels of one risk share their scale.",
    )
    return figure


def fans(ds: xr.Dataset, event: str) -> xr.Dataset:
    """Quantiles over draws of the cumulative risk, its Monte Carlo error and bound, by year.

    The mean stands for the median where most draws saw few events by the last year.
    """
    hits = ds["first_event_count"].sel(event=event, drop=True).cumsum("year")
    hits = hits.assign_coords(year=ds["year"])
    cells = ratio_estimates(hits, histories(ds))
    fan = ratio_quantiles(hits, histories(ds), QUANTILES)
    line = fan.sel(quantile=0.5, drop=True).where(~cells["sparse"].isel(year=-1), cells["mean"])
    return cells[["monte_carlo_se", "hits", "bound"]].assign(
        fan=xr.where(fan["quantile"] == 0.5, line, fan)
    )


def _top(fan: xr.Dataset) -> float:
    """Upper end of the vertical axis that panels of one event share."""
    bounds = fan["bound"].where(fan["hits"].isel(year=-1) == 0)
    top = float(np.fmax(fan["fan"].max(), bounds.max()))
    return 1.06 * top if top > 0 else 1.0


def _row(row: list[Axes], ds: xr.Dataset, fan: xr.Dataset, block: list[str], top: float) -> None:
    style, reference = looks(ds), ds.attrs.get("reference")
    for ax, structure in zip(row, block, strict=False):
        if reference in style and structure != reference:
            median = fan["fan"].sel(structure=reference, quantile=0.5)
            ax.plot(*_from_zero(fan, median.to_numpy()), color=REFERENCE_COLOUR, lw=1.0)
        _fan(ax, fan.sel(structure=structure), style[structure])
        ax.set_title(structure_label(ds, structure, 26), loc="left", fontsize=9)
        ax.set_xlabel("year")
        ax.set_xlim(0, int(ds.attrs["horizon_years"]))
        ax.set_ylim(0.0, min(1.0, top))
        few_ticks(ax.xaxis)
        few_ticks(ax.yaxis)
        percent_axis(ax.yaxis)
        tidy(ax)
    for ax in row[len(block) :]:
        ax.set_axis_off()


def _from_zero(fan: xr.Dataset, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Years and values with the start of the horizon, where nothing has happened yet."""
    return np.concatenate([[0], fan["year"].to_numpy()]), np.concatenate([[0.0], values])


def _fan(ax: Axes, fan: xr.Dataset, look: Look) -> None:
    values = fan["fan"].transpose("quantile", "year").to_numpy()
    (years, low), (_, lower), (_, median), (_, upper), (_, high) = (
        _from_zero(fan, row) for row in values
    )
    ax.fill_between(years, low, high, color=look.colour, alpha=0.16, linewidth=0)
    ax.fill_between(years, lower, upper, color=look.colour, alpha=0.28, linewidth=0)
    ax.plot(years, median, color=look.colour, lw=1.8, linestyle=look.line, marker=look.marker,
            ms=4.5, markevery=max(1, len(years) // 5), mec="white", mew=0.4)  # fmt: skip
    if int(fan["hits"].isel(year=-1)) == 0:
        bound = float(fan["bound"].isel(year=-1))
        ax.errorbar(years[-1], bound, yerr=0.3 * bound, uplims=True, fmt=look.marker,
                    color=look.colour, mfc="white", ms=4.5, capsize=2, clip_on=False)  # fmt: skip


def _legend(ds: xr.Dataset) -> tuple[list[Artist], list[str]]:
    handles: list[Artist] = [
        Patch(color="#666666", alpha=0.44),
        Patch(color="#666666", alpha=0.16),
    ]
    labels = ["50 % of draws", "90 % of draws"]
    if ds.attrs.get("reference") in ds["structure"].values.tolist():
        handles.append(Line2D([], [], color=REFERENCE_COLOUR, lw=1.0))
        labels.append(f"median of {structure_label(ds, ds.attrs['reference'], 60)}")
    return handles, labels
