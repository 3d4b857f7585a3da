"""Third parties: who supported, who fought, who was entrapped, who abandoned an ally."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from escalation.errors import ResultsError
from escalation.plots.grid import chosen, need, one
from escalation.plots.style import (
    Look,
    few_ticks,
    footnote,
    headline,
    looks,
    name_of,
    percent_axis,
    strip_panels,
    structure_handles,
    styled,
    tidy,
)
from escalation.results.estimates import ratio_estimates
from escalation.results.tally import count
from escalation.statistics.intervals import Z95

OUTCOMES = {
    "supported": ("disputes", "Supported", "% of disputes"),
    "fought": ("wars", "Fought", "% of wars"),
    "entrapped": (
        "fought_count", "Entrapped: fought only\nfor its commitment", "% of its wars fought"
    ),
    "abandoned": ("wars", "Abandoned: bound, but\nstayed out of the war", "% of wars"),
}
"""Outcome: what it is a share of, title, unit."""


@styled
def participation(
    ds: xr.Dataset,
    flashpoint: str | None = None,
    structures: str | Sequence[str] | None = None,
) -> Figure:
    """Share of disputes or wars in which each third party took part, by structure.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    flashpoint
        Which to show; the first of the study when None.
    structures
        Which to show; all when None.

    Returns
    -------
    Figure
        One panel per outcome, rows are third parties. Marks are medians over draws (means
        where most draws saw few), thin bars 5-95 % of draws, thick bars the 95 % Monte Carlo
        interval; open marks with arrows are 95 % upper bounds.

    Raises
    ------
    InputError
        Unknown flashpoint or structure.
    ResultsError
        The counts are missing.
    """
    need(ds, "crisis_count", "is_third_party", *(f"{name}_count" for name in OUTCOMES))
    flashpoint = one(ds, "flashpoint", flashpoint)
    structures = chosen(ds, "structure", structures)
    third = ds["is_third_party"].sel(flashpoint=flashpoint)
    actors = ds["actor"].values[third.to_numpy()].tolist()
    if not actors:
        raise ResultsError(f"{flashpoint} has no third parties")
    per_actor = max(0.45, 0.085 * len(structures) + 0.1)
    height = max(1.6, per_actor * len(actors) + 0.9)
    entries = structure_handles(ds, structures, lines=False)
    figure, grid = strip_panels(1, len(OUTCOMES), 11.0, height, entries, 4)
    for ax, outcome in zip(grid[0], OUTCOMES, strict=True):
        here = ds.sel(flashpoint=flashpoint, actor=actors, structure=structures)
        cells = shares(here, outcome)
        if outcome == "abandoned":
            # Counts do not say who was bound: never seen may mean that nobody was.
            cells = cells.where(cells["hits"] > 0)
        _panel(ax, cells, looks(ds))
        _, title, unit = OUTCOMES[outcome]
        ax.set_title(f"{title}", loc="left")
        ax.set_xlabel(unit)
        ax.set_yticks(-np.arange(len(actors)), [""] * len(actors))
    grid[0][0].set_yticks(-np.arange(len(actors)), [name_of(ds, "actor", a, 18) for a in actors])
    place = name_of(ds, "flashpoint", flashpoint, 60)
    headline(figure, ds, "What third parties did, by structure", place)
    footnote(figure, ds, _note(ds, flashpoint, structures))
    return figure


def shares(ds: xr.Dataset, outcome: str) -> xr.Dataset:
    """Summary of an outcome of `OUTCOMES`, by actor; NaN for those that are no third party."""
    base = OUTCOMES[outcome][0]
    trials = ds[base] if base in ds else count(ds, base)
    third = ds["is_third_party"]
    return ratio_estimates(ds[f"{outcome}_count"].where(third, 0), trials.where(third, 0))


def _note(ds: xr.Dataset, flashpoint: str, structures: list[str]) -> str:
    disputes, wars = (
        count(ds, name).sel(flashpoint=flashpoint, structure=structures).sum("draw")
        for name in ("disputes", "wars")
    )
    return (
        f"Per structure {_between(disputes)} disputes and {_between(wars)} wars in all draws. "
        "Marks: medians over draws, or means where most draws saw fewer than 10. Thin bars: 5-95 % "
        "of draws, Monte Carlo part removed. Thick bars: 95 % Monte Carlo interval. Open marks "
        "with arrows: never seen, 95 % upper bound. Bound: commitment of one half or more. No "
        "mark: nothing to count, such as an actor that never fought or is not bound."
    )


def _between(counts: xr.DataArray) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _panel(ax: Axes, cells: xr.Dataset, style: dict[str, Look]) -> None:
    structures = cells["structure"].values.tolist()
    rows = -np.arange(cells.sizes["actor"])
    for row in rows[1::2]:
        ax.axhspan(row - 0.5, row + 0.5, color="#F3F3F3", zorder=0, linewidth=0)
    for number, structure in enumerate(structures):
        shift = 0.76 * (0.5 - (number + 0.5) / len(structures))
        _marks(ax, cells.sel(structure=structure), style[structure], rows + shift)
    ax.set_ylim(-len(rows) + 0.5, 0.5)
    bounds = cells["bound"].where((cells["hits"] == 0) & (cells["trials"] > 0))
    ends = (cells["high"], cells["centre"], cells["centre"] + Z95 * cells["monte_carlo_se"], bounds)
    right = max(float(end.fillna(0.0).max()) for end in ends)
    ax.set_xlim(0.0, min(1.02, 1.06 * right) if right > 0 else 1.02)
    few_ticks(ax.xaxis)
    percent_axis(ax.xaxis)
    tidy(ax, "x")
    ax.tick_params(axis="y", length=0)


def _marks(ax: Axes, cells: xr.Dataset, look: Look, y: np.ndarray) -> None:
    centre, trials = cells["centre"].to_numpy(), cells["trials"].to_numpy()
    none = (cells["hits"].to_numpy() == 0) & (trials > 0)
    seen = (trials > 0) & ~none
    half = Z95 * cells["monte_carlo_se"].to_numpy()
    low, high = cells["low"].to_numpy(), cells["high"].to_numpy()
    ax.hlines(y[seen], low[seen], high[seen], color=look.colour, lw=0.8, alpha=0.55)
    ax.hlines(y[seen], np.maximum(centre - half, 0.0)[seen], (centre + half)[seen],
              color=look.colour, lw=2.6, alpha=0.6)  # fmt: skip
    # An empty line that is not clipped would count as a point in the corner of the figure.
    if seen.any():
        ax.plot(centre[seen], y[seen], linestyle="none", marker=look.marker, color=look.colour,
                ms=4.6, mec="white", mew=0.4, clip_on=False, zorder=3)  # fmt: skip
    bound = cells["bound"].to_numpy()
    ax.errorbar(bound[none], y[none], xerr=0.5 * bound[none], xuplims=True, fmt=look.marker,
                color=look.colour, mfc="white", ms=4.2, lw=0.8, capsize=1.8)  # fmt: skip
