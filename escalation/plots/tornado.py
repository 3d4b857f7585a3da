r"""Tornado: which parameters move the difference between a structure and the reference.

A bar runs from :math:`E[d \mid x_i = q_{5}]` to :math:`E[d \mid x_i = q_{95}]`, with q the
quantiles of the parameter over the draws and all others averaged out
(:mod:`escalation.statistics.curves`); whiskers are 95 % bootstrap intervals of the ends.
Parameters are ordered by their total index (:mod:`escalation.statistics.sensitivity`), which also
counts what acts in combination and leaves no bar.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator

from escalation.analysis.selection import asked
from escalation.errors import ResultsError
from escalation.plots.gap import (
    Subject,
    both_uncertainties,
    find_subject,
    title_of,
    unit,
    words,
)
from escalation.plots.grid import beside, difference_label, number, scaled_axis
from escalation.plots.style import (
    few_ticks,
    footnote,
    headline,
    percent_axis,
    signed,
    strip_panels,
    styled,
    tidy,
)
from escalation.results.estimates import HIGH, LOW
from escalation.statistics.curves import Fit, curve, refit, smooth
from escalation.statistics.design import TAILS, Design
from escalation.statistics.intervals import Z95
from escalation.statistics.sensitivity import Sensitivity

SHOWN = 10
"""Most parameters shown by default, and least, though nothing was found of some."""

ENDS = {"low": ("#0072B2", ""), "high": ("#E69F00", "/////")}
"""Colour and hatch of the two ends of a parameter."""


class Swing(NamedTuple):
    """How the expected difference moves with one parameter.

    Attributes
    ----------
    at : array (2,)
        The 5 and 95 % quantile of the parameter.
    ends : array (2,)
        Expected difference there.
    interval : array (2, 2)
        Their 95 % bootstrap intervals: ends, then low and high.
    seen : bool
        Whether the parameter alone moves the difference beyond chance; if not, the ends are the
        mean.
    """

    at: np.ndarray
    ends: np.ndarray
    interval: np.ndarray
    seen: bool


@styled
def tornado(
    ds: xr.Dataset,
    structure: str | None = None,
    risk: str = "war",
    flashpoint: str | None = None,
    n_parameters: int = SHOWN,
) -> Figure:
    """Most influential parameters of a difference: swing and sensitivity indices.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    structure
        Which to set against the reference; the first in focus when None.
    risk
        Name of a risk, of `escalation.results.quantities.RISKS`.
    flashpoint
        Which; the first of the study when None.
    n_parameters : int
        How many parameters to show at most. Those of which nothing was found are left out, beyond
        the first five.

    Returns
    -------
    Figure
        Left: expected difference at the 5 % and the 95 % quantile of each parameter. Right:
        total and first-order indices with 95 % intervals. The first row holds all parameters
        together: mean, its Monte Carlo interval, and the range over draws.

    Raises
    ------
    InputError
        Unknown structure, risk or flashpoint, or the reference as the structure.
    ResultsError
        Nothing to compare, fewer than 16 draws, too few events, or differences that are Monte
        Carlo error alone.
    """
    subject = find_subject(ds, structure, risk, flashpoint)
    gap = subject.gap
    shown = gap.leading(n_parameters)
    if not shown:
        raise ResultsError("no parameter stands out from chance")
    figure, grid = strip_panels(1, 5, 11.0, 0.37 * (len(shown) + 1) + 0.6, _legend(), 4)
    left, right = _two(figure, grid[0])
    swings = find_swings(gap.design, gap.difference, shown)
    _swing_panel(left, subject, swings)
    _index_panel(right, gap.influence, shown)
    rows = [_label(name, swings[name]) for name in shown]
    rows = ["all parameters together\n(5-95 % of draws)", *rows]
    left.set_yticks(-np.arange(len(rows)), rows)
    headline(figure, ds, "What moves the difference, parameter by parameter", title_of(ds, subject))
    footnote(figure, ds, _note(subject, shown))
    return figure


def answer_drivers(ds: xr.Dataset) -> Figure:
    """Most influential parameters of the difference in war of the study's answer.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.

    Returns
    -------
    Figure
        As `tornado`.
    """
    return tornado(asked(ds))


def _two(figure: Figure, row: list[Axes]) -> tuple[Axes, Axes]:
    """One wide and one narrow panel in place of five."""
    spec = row[0].get_subplotspec()
    assert spec is not None
    grid = spec.get_gridspec()
    for ax in row:
        ax.remove()
    return figure.add_subplot(grid[1, :3]), figure.add_subplot(grid[1, 3:])


def find_swings(design: Design, difference: np.ndarray, names: list[str]) -> dict[str, Swing]:
    """Expected difference at both ends of parameters, all others averaged out.

    Parameters
    ----------
    design : Design
        Draws of the parameters.
    difference : array (draw,)
    names : list of str
        Which parameters.
    """
    fit = smooth(design, difference[None])
    many = refit(design, difference[None], fit.degree)
    found = {}
    for name in names:
        i = design.column(name)
        at = np.quantile(design.values[:, i], (LOW, HIGH))
        ends = curve(design, fit, name, at)[0]
        seen = bool(fit.degree[i, 0] > 0)
        again = np.array([curve(design, Fit(fit.degree, one), name, at)[0] for one in many])
        interval = np.quantile(again, TAILS, axis=0).T if seen else np.full((2, 2), np.nan)
        found[name] = Swing(at, ends, interval, seen)
    return found


def _legend() -> tuple[list[Artist], list[str]]:
    handles: list[Artist] = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="#333333", lw=0.5)
        for colour, hatch in ENDS.values()
    ]
    handles += [_diamond(), _circle()]
    return handles, [
        "parameter at its 5 % quantile",
        "parameter at its 95 % quantile",
        "total index T (95 %)",
        "first-order index S (95 %)",
    ]


def _diamond() -> Line2D:
    return Line2D([], [], marker="D", color="black", ms=4.5, lw=1.4)


def _circle() -> Line2D:
    return Line2D([], [], marker="o", color="#777777", mfc="white", ms=4.5, lw=1.0)


def _swing_panel(ax: Axes, subject: Subject, swings: dict[str, Swing]) -> None:
    c = subject.compared
    mean, half = float(c["difference"]), Z95 * float(c["difference_monte_carlo_se"])
    low, high = float(c["difference_low"]), float(c["difference_high"])
    ax.axvline(0.0, color="black", lw=1.2, zorder=1)
    ax.axvspan(mean - half, mean + half, color="#BBBBBB", alpha=0.6, lw=0, zorder=0.6)
    ax.axvline(mean, color="#777777", lw=0.9, linestyle="--", zorder=0.8)
    ax.hlines(0, low, high, color="black", lw=1.2)
    ax.hlines(0, mean - half, mean + half, color="black", lw=6.0, alpha=0.4)
    ax.plot(mean, 0, marker="o", color="black", ms=4.5)
    reach = [0.0, low, high, mean]
    for row, swing in enumerate(swings.values(), 1):
        reach += _swing_bar(ax, swing, mean, -row)
    room = 0.05 * (max(reach) - min(reach))
    ax.set_xlim(min(reach) - room, max(reach) + room)
    ax.set_ylim(-len(swings) - 0.6, 0.6)
    _name_sides(ax)
    ax.set_xlabel(difference_label(subject.risk))
    few_ticks(ax.xaxis, 7)
    scaled_axis(ax.xaxis, subject.risk)
    tidy(ax, "x")
    ax.tick_params(axis="y", length=0, labelsize=7.5)
    for row, swing in enumerate(swings.values(), 1):
        text = f"{number(swing.ends[0], subject.risk)} → {number(swing.ends[1], subject.risk)}"
        beside(ax, -row, text if swing.seen else "no trend")
    beside(ax, -0.25, "5 % → 95 %")


def _name_sides(ax: Axes) -> None:
    """Say above the panel which side of zero is which, where that side is wide enough."""
    left, right = ax.get_xlim()
    for part, text, side in ((-left, "← safer ", "right"), (right, " riskier →", "left")):
        if part > 0.12 * (right - left):
            ax.text(0.0, 1.02, text, transform=ax.get_xaxis_transform(), ha=side, fontsize=8.5)


def _swing_bar(ax: Axes, swing: Swing, mean: float, y: float) -> list[float]:
    """Draw one parameter; returns the ends of what was drawn."""
    if not swing.seen:
        return []
    pairs = zip(ENDS.values(), swing.ends, swing.interval, strict=True)
    # Where both ends lie on one side of the mean the shorter bar must stay visible.
    for (colour, hatch), end, interval in sorted(pairs, key=lambda p: -abs(p[1] - mean)):
        ax.barh(y, end - mean, left=mean, height=0.56, facecolor=colour, hatch=hatch,
                edgecolor="#333333", linewidth=0.5, zorder=2)  # fmt: skip
        ax.hlines(y, *interval, color="black", lw=0.9, zorder=3)
        ax.vlines(interval, y - 0.1, y + 0.1, color="black", lw=0.9, zorder=3)
    return [*swing.interval.ravel().tolist(), *swing.ends.tolist()]


def _index_panel(ax: Axes, found: Sensitivity, shown: list[str]) -> None:
    for row, name in enumerate(shown, 1):
        k = found.names.index(name)
        ax.hlines(-row + 0.13, found.total_low[k], found.total_high[k], color="black", lw=1.4)
        ax.plot(found.total[k], -row + 0.13, marker="D", color="black", ms=4.5, clip_on=False)
        ax.hlines(-row - 0.15, found.first_low[k], found.first_high[k], color="#777777", lw=1.0)
        ax.plot(found.first[k], -row - 0.15, marker="o", color="#777777", mfc="white", ms=4.5,
                clip_on=False)  # fmt: skip
        beside(ax, -row, f"{_share(found.total[k])} · {_share(found.first[k])}")
    beside(ax, -0.25, "T · S")
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(-len(shown) - 0.6, 0.6)
    ax.set_yticks([])
    ax.set_title("share of the variance over parameters", loc="left", fontsize=8.5)
    ax.set_xlabel("index, % of the variance")
    ax.xaxis.set_major_locator(FixedLocator([0.0, 0.25, 0.5, 0.75, 1.0]))
    percent_axis(ax.xaxis)
    tidy(ax, "x")


def _share(value: float) -> str:
    return f"{100 * value:.0f}"


def _label(name: str, swing: Swing) -> str:
    """Name of a parameter, and below it its 5 and 95 % quantile."""
    low, high = (signed(float(f"{x:.2g}")) for x in swing.at)
    return f"{words(name, 38, 1)}\n{low} to {high} {unit(name)}".rstrip()


def _note(subject: Subject, shown: list[str]) -> str:
    found = subject.gap.influence
    others = np.array([name not in shown for name in found.names])
    rest = ""
    if others.any():
        rest = (
            f" Not shown: {others.sum()} parameters with T of at most "
            f"{_share(found.total[others].max())} % (upper ends of intervals: at most "
            f"{_share(found.total_high[others].max())} %)."
        )
    return (
        f"{both_uncertainties(subject)} Bars: expected difference at the 5 % and the 95 % quantile "
        "of the parameter (below its name), all others averaged out; whiskers: 95 % bootstrap "
        "intervals. Dashed line and grey band: mean over all draws and its Monte Carlo interval. "
        "no trend: none beyond chance. T: share of the variance of the difference over parameters "
        "(Monte Carlo variance removed) that is left once all other parameters are known; S: share "
        "explained by the parameter alone; T above S: it acts together with others. The "
        f"polynomial behind T and S explains {100 * found.explained:.0f} % of that variance in "
        f"draws left out; what it misses may belong to any parameter.{rest}"
    )
