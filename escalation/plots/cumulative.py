"""Cumulative risk by year as fan charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from escalation.plots.estimates import EVENT_TITLES, Z95, chosen, focus, need, over_draws, summary
from escalation.plots.style import (
    Look,
    few_ticks,
    footnote,
    headline,
    looks,
    name_of,
    percent_axis,
    percent_number,
    strip_legend,
    strip_panels,
    structure_handles,
    styled,
    tidy,
)

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@styled
def cumulative_risk(
    ds: xr.Dataset,
    flashpoints: str | Sequence[str] | None = None,
    structures: str | Sequence[str] | None = None,
    events: str | Sequence[str] = ("war", "great_power_war"),
) -> Figure:
    """Risk that has come true by the end of each year, as fans over the draws.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    flashpoints
        Which to show; all when None.
    structures
        Which to show; the reference and the structures that the study compares with it when
        None. More than three at a time are hard to tell apart.
    events
        Names of events, of `escalation.codes.EVENTS`.

    Returns
    -------
    Figure
        Columns are flashpoints, rows events. Lines are medians over draws, the dark band
        covers 50 % of draws and the light band 90 %.

    Raises
    ------
    InputError
        Unknown flashpoint, structure or event.
    ResultsError
        The counts are missing.
    """
    need(ds, "first_event_count")
    shown, events = chosen(ds, "flashpoint", flashpoints), chosen(ds, "event", events)
    structures = focus(ds) if structures is None else chosen(ds, "structure", structures)
    width = 11.0 if len(shown) <= 5 else 2.2 * len(shown)
    figure, grid, strip = strip_panels(len(events), len(shown), width, 2.4)
    style = looks(ds)
    worst = 0.0
    for row, event in zip(grid, events, strict=True):
        for ax, flashpoint in zip(row, shown, strict=True):
            for structure in structures:
                fan = fans(ds, event).sel(flashpoint=flashpoint, structure=structure)
                _fan(ax, fan, style[structure])
                worst = max(worst, Z95 * float(fan["error"].max()))
            _frame(ax, int(ds.attrs["horizon_years"]))
        row[0].set_ylabel(f"{EVENT_TITLES[event]} by year, %")
    for ax, flashpoint in zip(grid[0], shown, strict=True):
        ax.set_title(name_of(ds, "flashpoint", flashpoint, 24), loc="left")
    for ax in grid[-1]:
        ax.set_xlabel("year")
    _legend(strip, ds, structures)
    headline(figure, ds, "Risk accumulated year by year, with its range over parameter draws")
    footnote(
        figure,
        ds,
        "Lines: medians over draws. Dark bands: 50 % of draws, light bands: 90 %. The 95 % "
        f"Monte Carlo interval is at most ± {percent_number(worst)} points. Vertical axes differ "
        "from panel to panel and start at zero.",
    )
    return figure


def fans(ds: xr.Dataset, event: str) -> xr.Dataset:
    """Quantiles over draws of the cumulative risk, and its Monte Carlo error, by year."""
    hits = ds["first_event_count"].sel(event=event, drop=True).cumsum("year")
    cells = summary(hits, int(ds.attrs["trajectories"]))
    return xr.Dataset(
        {
            "fan": over_draws(cells["share"], QUANTILES),
            "error": cells["error"],
            "hits": cells["hits"],
            "bound": cells["bound"],
        }
    )


def _fan(ax: Axes, fan: xr.Dataset, look: Look) -> None:
    years = np.concatenate([[0], fan["year"].to_numpy()])
    low, lower, median, upper, high = np.pad(fan["fan"].to_numpy(), ((0, 0), (1, 0)))
    ax.fill_between(years, low, high, color=look.colour, alpha=0.12, linewidth=0)
    ax.fill_between(years, lower, upper, color=look.colour, alpha=0.22, linewidth=0)
    for edge in (low, high):
        ax.plot(years, edge, color=look.colour, lw=0.7, linestyle=look.line, alpha=0.8)
    ax.plot(years, median, color=look.colour, lw=1.7, linestyle=look.line, marker=look.marker,
            ms=4, markevery=max(1, len(years) // 5), mec="white", mew=0.4)  # fmt: skip
    if int(fan["hits"].isel(year=-1)) == 0:
        bound = float(fan["bound"].isel(year=-1))
        ax.errorbar(years[-1], bound, yerr=0.3 * bound, uplims=True, fmt=look.marker,
                    color=look.colour, mfc="white", ms=4, capsize=2, clip_on=False)  # fmt: skip


def _frame(ax: Axes, years: int) -> None:
    ax.set_xlim(0, years)
    top = ax.get_ylim()[1]
    ax.set_ylim(0.0, top if top > 0 else 1.0)
    few_ticks(ax.xaxis)
    few_ticks(ax.yaxis)
    percent_axis(ax.yaxis)
    tidy(ax)


def _legend(strip: Axes, ds: xr.Dataset, structures: list[str]) -> None:
    handles, labels = structure_handles(ds, structures, lines=True, width=40)
    handles += [Patch(color="#888888", alpha=0.5), Patch(color="#888888", alpha=0.22)]
    labels += ["50 % of draws", "90 % of draws"]
    strip_legend(strip, handles, labels, min(5, len(labels)))
