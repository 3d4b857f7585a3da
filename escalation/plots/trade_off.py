"""The trade-off plane: how often crises start against how often they become wars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from escalation.plots.estimates import Z95, chosen, need, rate_summary, summary
from escalation.plots.style import (
    Look,
    few_ticks,
    footnote,
    headline,
    looks,
    name_of,
    panels,
    percent_axis,
    structure_legend,
    styled,
    tidy,
)
from escalation.results.derive import count_disputes, simulated_years


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
        draws, thick bars the 95 % Monte Carlo interval. Grey curves join points of equal
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
    counts = count_disputes(ds)
    total = counts["grave"]
    onset = rate_summary(total, simulated_years(ds))
    war = summary(counts["grave_war"], total)

    figure, axes, blank = panels(len(shown))
    style = looks(ds)
    for ax, flashpoint in zip(axes, shown, strict=True):
        here = {"flashpoint": flashpoint}
        for structure in structures:
            cell = {**here, "structure": structure}
            _point(ax, onset.sel(cell), war.sel(cell), style[structure])
        _frame(ax, onset.sel(here), war.sel(here))
        counted = int(total.sel(here).sel(structure=structures).sum())
        ax.set_title(
            f"{name_of(ds, 'flashpoint', flashpoint, 36)}\nn = {counted:,} grave crises", loc="left"
        )
        ax.set_xlabel("grave crises per year")
        ax.set_ylabel("P(war | grave crisis), %")
    structure_legend(blank, ds, structures)
    headline(figure, ds, "How often grave crises start, and how often one becomes a war")
    footnote(
        figure,
        ds,
        "Points: medians over draws. Thin bars: 5-95 % of draws (what we do not know). Thick bars: "
        "95 % Monte Carlo interval (chance in the simulation), often hidden by the point. Open "
        "point with an arrow: no war seen, 95 % upper bound. Grey curves: equal risk, in wars "
        "from grave crises per century. Structures share their draws, so that overlapping bars "
        "do not mean equal risk: see the paired differences.",
    )
    return figure


def _point(ax: Axes, x: xr.Dataset, y: xr.Dataset, look: Look) -> None:
    if float(y["trials"]) == 0:
        return
    at_x, at_y = float(x["centre"]), float(y["centre"])
    zero = float(y["hits"]) == 0
    if zero:
        at_y = float(y["bound"])
        ax.errorbar(at_x, at_y, yerr=0.35 * at_y, uplims=True, color=look.colour, lw=0.9,
                    capsize=2)  # fmt: skip
    else:
        ax.vlines(at_x, float(y["low"]), float(y["high"]), color=look.colour, lw=0.9, alpha=0.45)
        half = Z95 * float(y["error"])
        ax.vlines(at_x, max(0.0, at_y - half), at_y + half, color=look.colour, lw=3.0, alpha=0.7)
    ax.hlines(at_y, float(x["low"]), float(x["high"]), color=look.colour, lw=0.9, alpha=0.45)
    half = Z95 * float(x["error"])
    ax.hlines(at_y, max(0.0, at_x - half), at_x + half, color=look.colour, lw=3.0, alpha=0.7)
    ax.plot(at_x, at_y, marker=look.marker, color=look.colour, ms=7.5, zorder=4, linestyle="none",
            mfc="white" if zero else look.colour,
            mec=look.colour if zero else "white", mew=1.2 if zero else 0.7)  # fmt: skip


def _frame(ax: Axes, onset: xr.Dataset, war: xr.Dataset) -> None:
    """Both axes from zero, so that distances from the corner mean something."""
    right, top = 1.06 * _far_end(onset), 1.06 * _far_end(war)
    ax.set_xlim(0.0, right if right > 0 else 1.0)
    ax.set_ylim(0.0, min(1.0, top) if top > 0 else 1.0)
    few_ticks(ax.xaxis)
    few_ticks(ax.yaxis)
    percent_axis(ax.yaxis)
    tidy(ax, None)
    _equal_risk(ax)


def _far_end(cells: xr.Dataset) -> float:
    """Largest value that any bar or bound reaches."""
    ends = (cells["high"], cells["centre"] + Z95 * cells["error"])
    bounds = cells["bound"].where((cells["hits"] == 0) & (cells["trials"] > 0))
    return float(np.nanmax([0.0, *(float(end.max()) for end in (*ends, bounds))]))


def _equal_risk(ax: Axes) -> None:
    right, top = ax.get_xlim()[1], ax.get_ylim()[1]
    steps = [step * 10.0**power for power in range(-5, 3) for step in (1.0, 2.0, 5.0)]
    inside = [step for step in steps if 0.02 < step / 100.0 / (right * top) < 0.75][-4:]
    x = np.linspace(right / 400.0, right, 400)
    for per_century in inside:
        y = per_century / 100.0 / x
        ax.plot(x[y <= top], y[y <= top], color="#BBBBBB", lw=0.8, zorder=0)
        end = per_century / 100.0 / (0.985 * right)
        ax.text(0.985 * right, end, f"{per_century:g}", fontsize=6.5, color="#888888",
                ha="right", va="bottom", zorder=0)  # fmt: skip
