"""The trade-off plane: how often crises start against how often they become wars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from escalation.plots.grid import chosen, need
from escalation.plots.style import (
    Look,
    footnote,
    headline,
    log_ticks,
    looks,
    name_of,
    structure_panels,
    styled,
    tidy,
)
from escalation.results.estimates import estimates
from escalation.results.tally import count
from escalation.statistics.intervals import Z95

TINY = 1e-12
"""Stands for zero on a logarithmic axis, far below its end."""


@styled
def trade_off(
    ds: xr.Dataset,
    flashpoints: str | Sequence[str] | None = None,
    structures: str | Sequence[str] | None = None,
) -> Figure:
    """Onset of grave crises against P(war | grave crisis), one point per structure.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    flashpoints, structures
        Which to show; all when None.

    Returns
    -------
    Figure
        One panel per flashpoint. Points are medians over draws; thin bars span 5-95 % of
        draws, thick bars the 95 % Monte Carlo interval. Grey lines join points of equal
        risk, in wars from grave crises per century.

    Raises
    ------
    InputError
        Unknown flashpoint or structure.
    ResultsError
        The counts are missing.
    """
    need(ds, "crisis_count", "exposure_months")
    shown = chosen(ds, "flashpoint", flashpoints)
    structures = chosen(ds, "structure", structures)
    total = count(ds, "grave_crises")
    found = estimates(ds, ("grave_crises_per_year", "p_war_given_grave"))
    onset, war = (found.isel(quantity=q) for q in (0, 1))
    figure, axes = structure_panels(ds, structures, len(shown))
    style = looks(ds)
    for ax, flashpoint in zip(axes, shown, strict=True):
        here = {"flashpoint": flashpoint}
        for structure in structures:
            cell = {**here, "structure": structure}
            _point(ax, onset.sel(cell), war.sel(cell), style[structure])
        _frame(ax, onset.sel(here), war.sel(here))
        counted = int(total.sel(here).sel(structure=structures).sum())
        ax.set_title(
            f"{name_of(ds, 'flashpoint', flashpoint, 40, 2)}\nn = {counted:,} grave crises",
            loc="left",
        )
        ax.set_xlabel("grave crises per year")
        ax.set_ylabel("P(war | grave crisis), %")
    headline(figure, ds, "How often grave crises start, and how often one becomes a war")
    footnote(
        figure,
        ds,
        "Points: medians over draws. Thin bars: 5-95 % of draws with the Monte Carlo part removed "
        "(what we do not know). Thick bars: 95 % Monte Carlo interval of the mean (chance in the "
        "simulation), often hidden by the point. Open point with an arrow: no war seen, 95 % upper "
        "bound. Grey lines: equal risk, in wars from grave crises per century. Both axes are "
        "logarithmic. Structures share their draws, so that overlapping bars do not mean equal "
        "risk: see the paired differences.",
    )
    return figure


def _point(ax: Axes, x: xr.Dataset, y: xr.Dataset, look: Look) -> None:
    if float(x["hits"]) == 0:
        return
    at_x, at_y = float(x["centre"]), float(y["centre"])
    zero = float(y["hits"]) == 0
    if zero:
        at_y = float(y["bound"])
        ax.errorbar(at_x, at_y, yerr=0.4 * at_y, uplims=True, color=look.colour, lw=0.9,
                    capsize=2)  # fmt: skip
    else:
        ax.vlines(
            at_x,
            max(TINY, float(y["low"])),
            float(y["high"]),
            color=look.colour,
            lw=0.9,
            alpha=0.45,
        )
        half = Z95 * float(y["monte_carlo_se"])
        ax.vlines(at_x, max(TINY, at_y - half), at_y + half, color=look.colour, lw=3.0, alpha=0.7)
    ax.hlines(
        at_y, max(TINY, float(x["low"])), float(x["high"]), color=look.colour, lw=0.9, alpha=0.45
    )
    half = Z95 * float(x["monte_carlo_se"])
    ax.hlines(at_y, max(TINY, at_x - half), at_x + half, color=look.colour, lw=3.0, alpha=0.7)
    ax.plot(at_x, at_y, marker=look.marker, color=look.colour, ms=7.5, zorder=4, linestyle="none",
            mfc="white" if zero else look.colour,
            mec=look.colour if zero else "white", mew=1.2 if zero else 0.7)  # fmt: skip


def _frame(ax: Axes, onset: xr.Dataset, war: xr.Dataset) -> None:
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(_ends(onset))
    low, high = _ends(war)
    ax.set_ylim(low, min(1.05, high))
    log_ticks(ax.xaxis, 1.0)
    log_ticks(ax.yaxis, 100.0)
    tidy(ax, None)
    _equal_risk(ax)


def _ends(cells: xr.Dataset) -> tuple[float, float]:
    """Ends of a logarithmic axis for all marks and upper ends of bars.

    Lower ends of bars may reach zero; they are cut off a decade below the lowest mark.
    """
    bound = cells["bound"].where((cells["hits"] == 0) & (cells["trials"] > 0))
    marks = xr.where(cells["hits"] > 0, cells["centre"], 0.6 * bound)
    tops = (marks, cells["high"], cells["centre"] + Z95 * cells["monte_carlo_se"], bound)
    lowest = float(marks.min())
    if not lowest > 0:
        return 1e-3, 1.0
    highest = max(float(top.fillna(0.0).max()) for top in tops)
    bars = cells["low"].where(cells["low"] > lowest / 10.0, lowest / 10.0).where(marks.notnull())
    low, high = min(lowest, float(bars.min())) / 1.2, highest * 1.2
    stretch = max(1.0, 4.0 * low / high) ** 0.5
    return low / stretch, high * stretch


def _equal_risk(ax: Axes) -> None:
    """Straight lines of equal product of the axes, in events per century."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    x = np.array([left, right])
    for power in range(-8, 4):
        per_century = 10.0**power
        y = per_century / 100.0 / x
        if not (y[1] < top and y[0] > bottom):
            continue
        ax.plot(x, y, color="#BBBBBB", lw=0.8, zorder=0)
        # The label sits where the line leaves the panel: at the right end or at the bottom.
        at_x = min(right, per_century / 100.0 / (bottom * 1.3))
        if np.log(at_x / left) > 0.4 * np.log(right / left):
            ax.text(at_x, per_century / 100.0 / at_x, f"{per_century:g} / century ", fontsize=6.5,
                    color="#777777", ha="right", va="bottom", zorder=0)  # fmt: skip
