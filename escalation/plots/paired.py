"""Paired differences: every structure against the reference, draw by draw."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from escalation.errors import ResultsError
from escalation.plots.estimates import (
    EVENT_TITLES,
    HIGH,
    LOW,
    Z95,
    chosen,
    need,
    over_draws,
)
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
    styled,
    tidy,
)
from escalation.results.derive import horizon_hits, ratio
from escalation.results.intervals import binomial_se, pooled_se


@styled
def paired_difference(
    ds: xr.Dataset,
    events: str | Sequence[str] = ("war", "great_power_war"),
    flashpoints: str | Sequence[str] | None = None,
) -> Figure:
    """Risk of each structure minus that of the reference, paired draw by draw.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    events
        Names of events, of `escalation.codes.EVENTS`.
    flashpoints
        Which to show; all when None.

    Returns
    -------
    Figure
        Columns are events, rows flashpoints. Marks are medians over draws of the difference
        within a draw, bars cover 50 % and 90 % of draws, the grey block the 95 % Monte Carlo
        interval. At the right stands the share of draws in which the structure is safer.

    Raises
    ------
    InputError
        Unknown flashpoint or event.
    ResultsError
        The counts are missing, or there is no other structure than the reference.
    """
    need(ds, "first_event_count")
    events, shown = chosen(ds, "event", events), chosen(ds, "flashpoint", flashpoints)
    others = compared(ds)
    height = len(shown) * (0.2 * len(others) + 0.55) + 1.9
    figure = new_figure(11.0, max(4.0, height))
    grid = figure.subplots(len(shown), len(events), squeeze=False, sharey=True)
    style = looks(ds)
    for column, event in enumerate(events):
        cells = differences(ds, event)
        for row, flashpoint in enumerate(shown):
            ax = grid[row][column]
            _panel(ax, cells.sel(flashpoint=flashpoint, structure=others), style)
            ax.set_title(
                f"{name_of(ds, 'flashpoint', flashpoint, 40)}: {EVENT_TITLES[event]}", loc="left"
            )
        grid[-1][column].set_xlabel(
            f"difference in {EVENT_TITLES[event]} within {int(ds.attrs['horizon_years'])} years, "
            "percentage points"
        )
    grid[0][0].set_yticks(
        -np.arange(len(others)), [name_of(ds, "structure", s, 34, 1) for s in others]
    )
    reference = name_of(ds, "structure", ds.attrs["reference"], 60)
    headline(figure, ds, f"Safer or more dangerous than {reference}, draw by draw")
    footnote(
        figure,
        ds,
        "Each draw is compared with itself under the reference; left of the line is safer. Marks: "
        "medians over draws. Thick and thin bars: 50 % and 90 % of draws. Grey blocks: 95 % Monte "
        "Carlo interval (that of the mean over draws), too wide if anything, because both "
        "structures use the same random numbers. Right: % of draws in which the structure is "
        "safer (ties count half).",
    )
    return figure


def compared(ds: xr.Dataset) -> list[str]:
    """Structures other than the reference.

    Raises
    ------
    ResultsError
        There is no reference, or nothing to compare with it.
    """
    structures = chosen(ds, "structure", None)
    reference = ds.attrs.get("reference")
    if reference not in structures:
        raise ResultsError("the results have no reference structure to compare with")
    if len(structures) < 2:
        raise ResultsError("the results have one structure only: nothing to compare")
    return [name for name in structures if name != reference]


def differences(ds: xr.Dataset, event: str) -> xr.Dataset:
    """Differences to the reference within each draw, their quantiles and their error.

    Returns
    -------
    Dataset
        ``difference`` (with draw), ``fan`` (quantiles 5, 25, 50, 75 and 95 %), ``error``
        (Monte Carlo standard error of the mean as if both structures had random numbers of
        their own) and ``safer`` (share of draws below zero, ties half).
    """
    trials = int(ds.attrs["trajectories"])
    hits = horizon_hits(ds, event)
    share = ratio(hits, trials)
    reference = {"structure": ds.attrs["reference"]}
    difference = share - share.sel(reference, drop=True)
    error = xr.apply_ufunc(binomial_se, hits, trials)
    both = np.hypot(error, error.sel(reference, drop=True))
    safer = (difference < 0).mean("draw") + 0.5 * (difference == 0).mean("draw")
    return xr.Dataset(
        {
            "difference": difference,
            "fan": over_draws(difference, (LOW, 0.25, 0.5, 0.75, HIGH)),
            "error": xr.apply_ufunc(pooled_se, both, input_core_dims=[["draw"]]),
            "safer": safer,
        }
    )


def _panel(ax: Axes, cells: xr.Dataset, style: dict[str, Look]) -> None:
    ax.axvline(0.0, color="black", lw=0.9, zorder=1)
    left = right = 0.0
    for row, structure in enumerate(cells["structure"].values.tolist()):
        look, cell = style[structure], cells.sel(structure=structure)
        low, lower, median, upper, high = cell["fan"].to_numpy()
        half = Z95 * float(cell["error"])
        ax.fill_between([median - half, median + half], -row - 0.36, -row + 0.36, color="#BBBBBB",
                        alpha=0.6, linewidth=0, zorder=1.5)  # fmt: skip
        ax.hlines(-row, low, high, color=look.colour, lw=1.1, zorder=2)
        ax.hlines(-row, lower, upper, color=look.colour, lw=3.2, alpha=0.8, zorder=2)
        ax.plot(median, -row, marker=look.marker, color=look.colour, ms=5.5, mec="white",
                mew=0.6, zorder=3)  # fmt: skip
        safer = f"{100 * float(cell['safer']):.0f} %"
        ax.text(1.0, -row, safer, transform=ax.get_yaxis_transform(), ha="right", va="center",
                fontsize=7.5, color=MUTED)  # fmt: skip
        left, right = min(left, low, median - half), max(right, high, median + half)
    width = (right - left) or 1e-3
    ax.set_xlim(left - 0.05 * width, right + 0.18 * width)
    ax.set_ylim(-cells.sizes["structure"] + 0.4, 0.6)
    few_ticks(ax.xaxis, 7)
    percent_axis(ax.xaxis)
    tidy(ax, "x")
    ax.tick_params(axis="y", length=0)
    ax.tick_params(labelsize=7.5)
