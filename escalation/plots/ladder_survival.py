"""Ladder survival: how far up the ladder disputes climb."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from escalation.contracts.codes import RUNGS, WAR
from escalation.errors import InputError
from escalation.plots.grid import chosen, need
from escalation.plots.style import (
    Look,
    footnote,
    headline,
    looks,
    name_of,
    structure_panels,
    styled,
    tidy,
)
from escalation.results.derive import peaks, reached
from escalation.results.estimates import ratio_estimates
from escalation.statistics.intervals import Z95


@styled
def ladder_survival(
    ds: xr.Dataset,
    flashpoints: str | Sequence[str] | None = None,
    structures: str | Sequence[str] | None = None,
    given: str = "dispute",
) -> Figure:
    """P(highest rung >= r), given a dispute, by structure; logarithmic.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    flashpoints, structures
        Which to show; all when None.
    given : {"dispute", "grave"}
        Per dispute of either class, or per grave crisis.

    Returns
    -------
    Figure
        One panel per flashpoint. Marks are means over draws (medians turn to zero on the way
        up, and a mixture of both need not fall), thin bars 5-95 % of draws, thick bars the
        95 % Monte Carlo interval. An open mark with an arrow is a 95 % upper bound where no
        draw reached the rung.

    Raises
    ------
    InputError
        Unknown flashpoint, structure or condition.
    ResultsError
        The counts are missing.
    """
    need(ds, "crisis_count")
    shown = chosen(ds, "flashpoint", flashpoints)
    structures = chosen(ds, "structure", structures)
    reached = reach(ds, given)
    unit = "dispute" if given == "dispute" else "grave crisis"
    figure, axes = structure_panels(
        ds, structures, len(shown), lines=True, panel_width=3.7, panel_height=3.5
    )
    style = looks(ds)
    for ax, flashpoint in zip(axes, shown, strict=True):
        cells = reached.sel(flashpoint=flashpoint, structure=structures)
        for number, structure in enumerate(structures):
            shift = 0.56 * ((number + 0.5) / len(structures) - 0.5)
            _curve(ax, cells.sel(structure=structure), style[structure], shift)
        _frame(ax, cells)
        counted = int(cells["trials"].isel(peak_rung=0).sum())
        ax.set_title(
            f"{name_of(ds, 'flashpoint', flashpoint, 40, 2)}\nn = {counted:,} {_plural(unit)}",
            loc="left",
        )
        ax.set_ylabel(f"P(highest rung ≥ r | {unit}), %")
        ax.set_xlabel("rung r")
    names = ", ".join(f"{r} {RUNGS[r]}" for r in range(1, len(RUNGS)))
    headline(figure, ds, f"How far a {unit} climbs the ladder, by structure")
    footnote(
        figure,
        ds,
        f"Rungs: {names}. "
        "Marks: means over draws. Thin bars: 5-95 % of draws, Monte Carlo part removed "
        "(cut at the lower edge where a draw saw none). Thick bars: 95 % Monte Carlo interval. "
        "Open marks with arrows: no draw reached the rung, 95 % upper bound. Marks are moved "
        "sideways within a rung. Dotted line: war begins at rung 5.",
    )
    return figure


def reach(ds: xr.Dataset, given: str = "dispute") -> xr.Dataset:
    """Summary of P(highest rung ≥ r | dispute or grave crisis), by rung from 1."""
    if given not in ("dispute", "grave"):
        raise InputError(f"unknown condition {given!r}; choices: dispute, grave")
    counts = peaks(ds, "grave" if given == "grave" else None)
    return ratio_estimates(*reached(counts)).sel(peak_rung=slice(1, None))


def _plural(unit: str) -> str:
    return "disputes" if unit == "dispute" else "grave crises"


def _curve(ax: Axes, cells: xr.Dataset, look: Look, shift: float) -> None:
    rung = cells["peak_rung"].to_numpy() + shift
    centre, hits = cells["mean"].to_numpy(), cells["hits"].to_numpy()
    seen = hits > 0
    none = (hits == 0) & (cells["trials"].to_numpy() > 0)
    low, high = cells["low"].to_numpy(), cells["high"].to_numpy()
    half = Z95 * cells["monte_carlo_se"].to_numpy()
    floor = 1e-12
    ax.plot(rung[seen], centre[seen], color=look.colour, linestyle=look.line, lw=0.9, alpha=0.55)
    ax.vlines(rung[seen], np.maximum(low, floor)[seen], np.maximum(high, floor)[seen],
              color=look.colour, lw=0.8, alpha=0.4)  # fmt: skip
    ax.vlines(rung[seen], np.maximum(centre - half, floor)[seen], (centre + half)[seen],
              color=look.colour, lw=2.6, alpha=0.6)  # fmt: skip
    ax.plot(rung[seen], centre[seen], linestyle="none", marker=look.marker, color=look.colour,
            ms=4.2, mec="white", mew=0.3)  # fmt: skip
    bound = cells["bound"].to_numpy()
    ax.errorbar(rung[none], bound[none], yerr=0.45 * bound[none], uplims=True, fmt=look.marker,
                color=look.colour, mfc="white", ms=4.2, lw=0.8, capsize=1.8)  # fmt: skip


def _frame(ax: Axes, cells: xr.Dataset) -> None:
    values = np.concatenate(
        [
            cells["mean"].where(cells["hits"] > 0).to_numpy().ravel(),
            (cells["bound"].where((cells["hits"] == 0) & (cells["trials"] > 0)) * 0.5)
            .to_numpy()
            .ravel(),
        ]
    )
    values = values[np.isfinite(values) & (values > 0)]
    bottom = values.min() / 2.5 if values.size else 1e-4
    ax.set_yscale("log")
    ax.set_ylim(bottom, 1.5)
    ax.yaxis.set_major_locator(LogLocator(10, numticks=12))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.6g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xlim(0.5, len(RUNGS) - 0.5)
    ax.set_xticks(range(1, len(RUNGS)))
    ax.axvline(WAR - 0.5, color="#888888", linestyle=":", lw=1.0)
    tidy(ax)
