"""Paired differences: a forest plot of every structure against the reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from escalation.analysis.comparison import quantity_of
from escalation.analysis.selection import asked
from escalation.plots.grid import (
    beside,
    comparisons,
    empty,
    risk_grid,
    scaled_axis,
    seen,
    unit_of_difference,
)
from escalation.plots.style import (
    Look,
    few_ticks,
    footnote,
    headline,
    looks,
    name_of,
    styled,
)
from escalation.results.quantities import Quantity
from escalation.results.support import LEAST_DRAWS, LEAST_HITS
from escalation.statistics.intervals import Z95

CLEAR = ("safer", "riskier")
"""Verdicts that are printed in bold."""


@styled
def paired_difference(
    ds: xr.Dataset,
    risks: str | Sequence[str] | None = None,
    flashpoints: str | Sequence[str] | None = None,
) -> Figure:
    """Quantity of each structure minus that of the reference, paired draw by draw.

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
        Columns are risks, rows flashpoints. Marks are mean differences, thick bars their 95 %
        Monte Carlo interval, thin bars 5-95 % of draws with the Monte Carlo part removed. At
        the right stands the chance that the structure is safer.

    Raises
    ------
    InputError
        Unknown flashpoint or risk.
    ResultsError
        The counts are missing, or there is no other structure than the reference.
    """
    found = comparisons(ds, risks, flashpoints)
    first = next(iter(found.values()))
    reference = first.attrs["reference"]
    others = [s for s in first["structure"].values.tolist() if s != reference]
    shown = [quantity_of(risk) for risk in dict.fromkeys(risk for _, risk in found)]
    rows = list(dict.fromkeys(flashpoint for flashpoint, _ in found))
    figure, axes = risk_grid(ds, rows, shown, others, _legend())
    style = looks(ds)
    for (flashpoint, risk), c in found.items():
        ax, c = axes[flashpoint, risk], c.sel(structure=others)
        _panel(ax, c, quantity_of(risk), style)
        if flashpoint == rows[-1] and np.isfinite(c["difference"]).any():
            ax.set_xlabel(f"difference, {unit_of_difference(quantity_of(risk))}", fontsize=8)
    name = name_of(ds, "structure", reference, 60)
    years = int(ds.attrs["horizon_years"])
    headline(figure, ds, f"Safer or riskier than {name}, draw by draw, within {years} years")
    footnote(figure, ds, _note(ds, int(first["draws"])))
    return figure


def answer_difference(ds: xr.Dataset) -> Figure:
    """Every structure against the alternative of the study's answer, at the first flashpoint.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.

    Returns
    -------
    Figure
        As `paired_difference`.
    """
    return paired_difference(asked(ds), flashpoints=str(ds["flashpoint"].values[0]))


def _legend() -> tuple[list[Artist], list[str]]:
    grey = "#555555"
    handles: list[Artist] = [
        Line2D([], [], color=grey, marker="o", ms=5, mec="white", linestyle="none"),
        Line2D([], [], color=grey, lw=6.0, alpha=0.45),
        Line2D([], [], color=grey, lw=1.1),
    ]
    return handles, [
        "mean difference to the reference",
        "its 95 % Monte Carlo interval",
        "5-95 % of draws, Monte Carlo part removed",
    ]


def _note(ds: xr.Dataset, draws: int) -> str:
    coupled = "replicate_count" in ds
    error = (
        "Monte Carlo errors are measured between replicates and know that structures share their "
        "random numbers."
        if coupled
        else "The results hold no replicates: Monte Carlo errors are those of separate random "
        "numbers, too wide if anything, and stay in the 5-95 % ranges."
    )
    half = 100 * Z95 * 0.5 / np.sqrt(max(draws, 1))
    return (
        "Left of the black line the structure is safer. Each panel has its own scale. "
        f"{error} Right: chance in % that the structure is safer, given what the draws leave open "
        f"(95 % interval at most ± {half:.0f}); bold: at least 80 or at most 20 %, and the mean "
        "more than two Monte Carlo errors from zero. same: no history differs. rare: fewer "
        f"than {LEAST_HITS} events under both. none: no event under either. few: too few "
        f"histories per draw. draws: fewer than {LEAST_DRAWS} draws."
    )


def _panel(ax: Axes, c: xr.Dataset, risk: Quantity, style: dict[str, Look]) -> None:
    if not np.isfinite(c["difference"]).any():
        most = c.isel(structure=int(np.argmax(c["says"].values)))
        return empty(ax, seen(most["says"], most["reason"]))
    ax.axvline(0.0, color="black", lw=0.9, zorder=1)
    beside(ax, 0.72, "safer, %")
    ends = [0.0]
    for row, structure in enumerate(c["structure"].values.tolist()):
        here = c.sel(structure=structure)
        if np.isfinite(here["difference"]):
            ends += _marks(ax, here, -row, style[structure])
        beside(ax, -row, _chance(here), bold=here["verdict"].item() in CLEAR)
    left, right = min(ends), max(ends)
    room = 0.06 * ((right - left) or 1e-3)
    ax.set_xlim(left - room, right + room)
    few_ticks(ax.xaxis, 4)
    scaled_axis(ax.xaxis, risk)


def _marks(ax: Axes, c: xr.Dataset, y: float, look: Look) -> list[float]:
    """Draw one structure; returns the ends of what was drawn."""
    mean, half = float(c["difference"]), Z95 * float(c["difference_monte_carlo_se"])
    low, high = float(c["difference_low"]), float(c["difference_high"])
    ends = [mean]
    if np.isfinite(low):
        ax.hlines(y, low, high, color=look.colour, lw=1.1, zorder=2)
        ends += [low, high]
    if np.isfinite(half):
        ax.hlines(y, mean - half, mean + half, color=look.colour, lw=6.0, alpha=0.45, zorder=2)
        ends += [mean - half, mean + half]
    ax.plot(mean, y, marker=look.marker, color=look.colour, ms=4.2, mec="white",
            mew=0.4, zorder=3)  # fmt: skip
    return ends


_WORDS = {
    "identical": "same", "no hits": "none", "too rare": "rare", "-": "none",
    "too few histories": "few", "too few draws": "draws",
}  # fmt: skip


def _chance(c: xr.Dataset) -> str:
    """P(safer) in per cent, or why there is none."""
    if c["reason"].item():
        return _WORDS[c["reason"].item()]
    chance = 100 * float(c["p_safer"])
    if 0 < chance < 0.5:
        return "< 1"
    return "> 99" if 99.5 < chance < 100 else f"{chance:.0f}"
