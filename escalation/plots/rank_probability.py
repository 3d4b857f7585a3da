"""Rank probabilities: how sure the order of the structures is."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator

from escalation.analysis.comparison import quantity_of
from escalation.plots.grid import beside, comparisons, empty, risk_grid, seen
from escalation.plots.style import footnote, headline, percent_axis, styled
from escalation.results.support import Says
from escalation.statistics.intervals import Z95

NARROW = 0.085
"""Share below which a segment has no room for its number."""


@styled
def rank_probability(
    ds: xr.Dataset,
    risks: str | Sequence[str] | None = None,
    flashpoints: str | Sequence[str] | None = None,
) -> Figure:
    """Chance of every rank of every structure; rank 1 has the least risk.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    risks
        Names of risks, of `escalation.results.quantities.RISKS`; war, great-power war, nuclear
        use and concession when None.
    flashpoints
        Which to show; all when None.

    Returns
    -------
    Figure
        Columns are risks, rows flashpoints. A bar is divided by the chances of the ranks, from
        rank 1 at the left, each with its number; the mean rank stands at the right.

    Raises
    ------
    InputError
        Unknown flashpoint or risk.
    ResultsError
        The counts are missing, or there is one structure only.
    """
    found = comparisons(ds, risks, flashpoints)
    first = next(iter(found.values()))
    structures = first["structure"].values.tolist()
    shown = [quantity_of(risk) for risk in dict.fromkeys(risk for _, risk in found)]
    rows = list(dict.fromkeys(flashpoint for flashpoint, _ in found))
    colours = _colours(len(structures))
    figure, axes = risk_grid(ds, rows, shown, structures, _legend(colours))
    for key, c in found.items():
        _panel(axes[key], c, colours)
        if key[0] == rows[-1] and c["rank_says"] >= Says.VERDICT:
            axes[key].set_xlabel("chance of the rank, %", fontsize=8)
    years = int(ds.attrs["horizon_years"])
    headline(figure, ds, f"How sure the order of the structures is, within {years} years")
    half = 100 * Z95 * 0.5 / np.sqrt(max(int(first["draws"]), 1))
    footnote(
        figure,
        ds,
        "Ranks are taken draw by draw, with the Monte Carlo part of the spread over draws removed "
        "and the Monte Carlo error of the means added; ties share. A chance has a 95 % interval of "
        f"at most ± {half:.0f} points, from the number of draws. Numbers in the bars: ranks, "
        f"where there is room. Right: mean rank; {(1 + len(structures)) / 2:g} for all "
        "structures would mean that nothing is known.",
    )
    return figure


def _colours(n: int) -> np.ndarray:
    """Pale for rank 1, dark for the last: in grey too."""
    return matplotlib.colormaps["cividis_r"](np.linspace(0.03, 0.97, n))


def _legend(colours: np.ndarray) -> tuple[list[Artist], list[str]]:
    n = len(colours)
    ends = {1: "rank 1: least risk", n: f"rank {n}: most"}
    handles: list[Artist] = [Patch(facecolor=c, edgecolor="#777777", lw=0.4) for c in colours]
    return handles, [ends.get(rank, str(rank)) for rank in range(1, n + 1)]


def _panel(ax: Axes, c: xr.Dataset, colours: np.ndarray) -> None:
    if c["rank_says"] < Says.VERDICT:
        return empty(ax, seen(c["rank_says"], c["rank_reason"]))
    ax.set_xlim(0.0, 1.0)
    ax.xaxis.set_major_locator(FixedLocator([0.0, 0.25, 0.5, 0.75, 1.0]))
    percent_axis(ax.xaxis)
    beside(ax, 0.72, "mean rank")
    ranks = c["rank"].values
    for row, chances in enumerate(c["rank_probability"].values):
        _bar(ax, -row, chances, colours)
        beside(ax, -row, f"{float(chances @ ranks):.1f}")


def _bar(ax: Axes, y: float, chances: np.ndarray, colours: np.ndarray) -> None:
    starts = np.cumsum(chances) - chances
    ax.barh(y, chances, left=starts, height=0.8, color=colours, edgecolor="white", linewidth=0.4)
    for k, (start, chance) in enumerate(zip(starts, chances, strict=True)):
        if chance >= NARROW:
            dark = 2 * k > len(chances) - 1
            ax.text(start + chance / 2, y, str(k + 1), ha="center", va="center", fontsize=6.5,
                    color="white" if dark else "black")  # fmt: skip
