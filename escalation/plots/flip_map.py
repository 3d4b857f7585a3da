"""Flip map: where in the plane of two parameters a structure is safer than the reference.

The figure of the answer is such a map of the two structures that the study compares, with what
its premises say of the two parameters marked on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from escalation.analysis.drivers import Gap
from escalation.analysis.selection import asked, asked_over
from escalation.errors import InputError, ResultsError, StudyError
from escalation.plots.gap import (
    Subject,
    both_uncertainties,
    find_subject,
    title_of,
    unit,
    words,
)
from escalation.plots.grid import difference_label
from escalation.plots.style import (
    few_ticks,
    footnote,
    headline,
    log_ticks,
    new_figure,
    plain,
    signed,
    styled,
    tidy,
)
from escalation.results.kept_study import premise_quantiles
from escalation.statistics.surrogate import Surrogate, fit_surrogate
from escalation.statistics.thresholds import Threshold, find_thresholds

GRID = 25
"""Points of the plane along each parameter."""

EDGES = (0.01, 0.99)
"""Quantiles of the draws between which the plane is shown."""

WIDE = 30.0
"""Ratio of the edges above which an axis is logarithmic."""


class Plane(NamedTuple):
    """Expected difference over the plane of two parameters, all others averaged out.

    Attributes
    ----------
    names : tuple of str
        The parameters of the horizontal and the vertical axis.
    x, y : array (point,)
        Their values.
    mean : array (point of y, point of x)
        Expected difference.
    at_draws : array (draw,)
        The same at the values of every draw.
    """

    names: tuple[str, str]
    x: np.ndarray
    y: np.ndarray
    mean: np.ndarray
    at_draws: np.ndarray


@styled
def flip_map(
    ds: xr.Dataset,
    structure: str | None = None,
    risk: str = "war",
    flashpoint: str | None = None,
    parameters: Sequence[str] | None = None,
) -> Figure:
    """Expected difference to the reference over the plane of two parameters.

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
    parameters
        Two parameters; those with the largest total indices when None.

    Returns
    -------
    Figure
        Filled contours of the expected difference, the line where it is zero, the draws with
        marks that say which of the two is safer, and thresholds of each parameter alone.

    Raises
    ------
    InputError
        Unknown structure, risk, flashpoint or parameter, the reference as the structure, or not
        two parameters.
    ResultsError
        As for `tornado`, or no parameter that is seen to move the difference.
    """
    return _map(ds, find_subject(ds, structure, risk, flashpoint), parameters)


@styled
def answer_map(ds: xr.Dataset) -> Figure:
    """Expected difference in war between the two structures of the study's answer.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.

    Returns
    -------
    Figure
        As `flip_map`, over the parameters that the study's ``compare.answer.over`` names, with a
        cross for every premise: median, and the middle half of its priors.

    Raises
    ------
    InputError, ResultsError
        As for `flip_map`.
    """
    question = asked(ds)
    names = asked_over(ds)
    subject = find_subject(question, None, "war", None)
    pair = _two(subject.gap, names)
    try:
        crosses = premise_quantiles(ds, pair, (0.25, 0.5, 0.75))
    except (ResultsError, StudyError):
        crosses = {}
    return _map(question, subject, pair, crosses, "The answer, and where it turns")


def _map(
    ds: xr.Dataset, subject: Subject, parameters: Sequence[str] | None,
    crosses: Mapping[str, np.ndarray] = MappingProxyType({}),
    title: str = "Where the answer flips",
) -> Figure:
    gap = subject.gap
    model = fit_surrogate(gap.design, gap.difference, gap.noise)
    if not model.terms:
        raise ResultsError("no parameter is seen to move the difference beyond chance")
    pair = _two(gap, parameters)
    plane = find_plane(model, pair)
    thresholds = find_thresholds(gap.design, gap.difference, pair)
    figure = new_figure(11.0, 6.2)
    ax, side = figure.subplots(1, 2, width_ratios=[2.2, 1.0])
    _plane_panel(figure, ax, subject, plane, thresholds)
    _mark_premises(ax, crosses)
    _text_panel(side, subject, plane, thresholds, premises=bool(crosses))
    headline(figure, ds, title, title_of(ds, subject))
    footnote(figure, ds, _note(subject, model))
    return figure


def _two(gap: Gap, wanted: Sequence[str] | None) -> tuple[str, str]:
    """The two parameters of the plane."""
    known = gap.design.names
    if wanted is None:
        leading = gap.leading(2)
        if len(leading) < 2:
            raise ResultsError("fewer than two parameters stand out from chance")
        return leading[0], leading[1]
    if isinstance(wanted, str) or len(set(wanted)) != 2:
        raise InputError("parameters: name two different ones")
    for name in wanted:
        if name not in known:
            raise InputError(f"unknown parameter {name!r}; choices: {', '.join(known)}")
    return wanted[0], wanted[1]


def find_plane(model: Surrogate, names: tuple[str, str]) -> Plane:
    """Evaluate a surrogate over the plane of two of its parameters."""
    draws = [model.design.values[:, model.design.column(name)] for name in names]
    x, y = (_points(values) for values in draws)
    mean = model.mean_over(*names, x, y).T
    at_draws = np.array(
        [model.mean_over(*names, a, b)[0, 0] for a, b in np.stack(draws, 1)[..., None]]
    )
    return Plane(names, x, y, mean, at_draws)


def _points(values: np.ndarray) -> np.ndarray:
    low, high = np.quantile(values, EDGES)
    return np.geomspace(low, high, GRID) if _is_wide(values) else np.linspace(low, high, GRID)


def _is_wide(values: np.ndarray) -> bool:
    low, high = np.quantile(values, EDGES)
    return bool(values.min() > 0 and high > WIDE * low)


def _plane_panel(
    figure: Figure, ax: Axes, subject: Subject, plane: Plane, thresholds: Sequence[Threshold]
) -> None:
    scale = subject.risk.scale
    size = float(np.abs(plane.mean).max()) * scale
    norm = TwoSlopeNorm(0.0, -size, size)
    filled = ax.contourf(plane.x, plane.y, scale * plane.mean, levels=_levels(size, plane, scale),
                         cmap="PuOr_r", norm=norm, alpha=0.75)  # fmt: skip
    ax.contour(plane.x, plane.y, scale * plane.mean, levels=filled.levels, colors="#555555",
               linewidths=0.6)  # fmt: skip
    _name_sides(ax, plane)
    if plane.mean.min() < 0 < plane.mean.max():
        ax.contour(plane.x, plane.y, plane.mean, levels=[0.0], colors="black", linewidths=2.4)
    _draw_marks(ax, subject.gap, plane)
    _threshold_lines(ax, plane, thresholds)
    _axes(ax, subject.gap, plane)
    bar = figure.colorbar(filled, ax=ax, pad=0.02, aspect=40)
    bar.set_label(f"expected {difference_label(subject.risk)}", fontsize=8)
    bar.ax.tick_params(labelsize=7.5)


def _name_sides(ax: Axes, plane: Plane) -> None:
    """Write what is expected into the corners that are safest and riskiest."""
    corners = plane.mean[np.ix_((0, -1), (0, -1))]
    extremes = ((int(corners.argmin()), "safer"), (int(corners.argmax()), "riskier"))
    for corner, word in extremes:
        row, column = divmod(corner, 2)
        if (corners[row, column] < 0) != (word == "safer"):
            continue
        ax.text(0.015 + 0.97 * column, 0.02 + 0.96 * row, f"{word} expected", fontsize=8.5,
                transform=ax.transAxes, ha=("left", "right")[column], va=("bottom", "top")[row],
                fontweight="bold", zorder=5,
                bbox={"fc": "white", "ec": "none", "alpha": 0.85, "pad": 2.5})  # fmt: skip


def _levels(size: float, plane: Plane, scale: float) -> np.ndarray:
    """Round levels that hold zero and all of the plane."""
    from matplotlib.ticker import MaxNLocator

    low, high = scale * float(plane.mean.min()), scale * float(plane.mean.max())
    levels = MaxNLocator(9, steps=[1, 2, 2.5, 5, 10]).tick_values(min(low, 0.0), max(high, 0.0))
    return np.asarray(levels) if len(levels) > 1 else np.array([-size, size])


def _columns(gap: Gap, plane: Plane) -> list[np.ndarray]:
    design = gap.design
    return [design.values[:, design.column(name)] for name in plane.names]


def _draw_marks(ax: Axes, gap: Gap, plane: Plane) -> None:
    x, y = _columns(gap, plane)
    riskier = gap.centre > 0
    size = 4.2 if len(x) <= 300 else 3.0
    for some, mark in ((~riskier, _SAFER), (riskier, _RISKIER)):
        ax.plot(x[some], y[some], linestyle="none", ms=size, mew=0.6, **mark)


_PREMISE = "#B2003C"
_SAFER: dict[str, Any] = {"marker": "o", "mfc": "white", "mec": "black"}
_RISKIER: dict[str, Any] = {"marker": "^", "mfc": "black", "mec": "white"}


def _mark_premises(ax: Axes, crosses: Mapping[str, np.ndarray]) -> None:
    """Draw a cross for every premise, and its name beside it; those that agree share one."""
    alike: dict[tuple[float, ...], list[str]] = {}
    for name, cross in crosses.items():
        alike.setdefault(tuple(cross.ravel().tolist()), []).append(name.replace("_", " "))
    look: dict[str, Any] = {"color": _PREMISE, "zorder": 6, "lw": 2.2, "solid_capstyle": "butt"}
    for (left, x, right, low, y, high), names in alike.items():
        ax.plot([left, right], [y, y], **look)
        ax.plot([x, x], [low, high], **look)
        ax.annotate(
            plain(", ".join(names), 40, 1), (x, y), xytext=(4, 4), zorder=7, fontsize=8.5,
            textcoords="offset points", color=_PREMISE, fontweight="bold",
            bbox={"fc": "white", "ec": "none", "alpha": 0.75, "pad": 1.2},
        )


def _threshold_lines(ax: Axes, plane: Plane, thresholds: Sequence[Threshold]) -> None:
    look: dict[str, Any] = {"color": "#006B4F", "zorder": 4, "solid_capstyle": "butt", "lw": 6.0}
    for t in thresholds:
        if t.parameter == plane.names[0]:
            ax.axvline(t.value, color="#006B4F", lw=1.6, linestyle="--")
            ax.plot([t.low, t.high], [0.0, 0.0], transform=ax.get_xaxis_transform(), **look)
        else:
            ax.axhline(t.value, color="#006B4F", lw=1.6, linestyle="--")
            ax.plot([0.0, 0.0], [t.low, t.high], transform=ax.get_yaxis_transform(), **look)


def _axes(ax: Axes, gap: Gap, plane: Plane) -> None:
    x, y = _columns(gap, plane)
    for axis, values, points, name in (
        (ax.xaxis, x, plane.x, plane.names[0]), (ax.yaxis, y, plane.y, plane.names[1])
    ):  # fmt: skip
        vertical = axis is ax.yaxis
        if _is_wide(values):
            (ax.set_yscale if vertical else ax.set_xscale)("log")
        (ax.set_ylim if vertical else ax.set_xlim)(points[0], points[-1])
        if _is_wide(values):
            log_ticks(axis, 1.0)
        else:
            few_ticks(axis, 6)
        suffix = f" ({unit(name)})" if unit(name) else ""
        axis.set_label_text(f"{words(name, 60, 1)}{suffix}", fontsize=8.5)
    tidy(ax, None)


def _text_panel(
    ax: Axes, subject: Subject, plane: Plane, thresholds: Sequence[Threshold], *, premises: bool
) -> None:
    ax.set_axis_off()
    handles, labels = _legend(plane, bool(thresholds))
    if premises:
        handles.append(Line2D([], [], color=_PREMISE, lw=2.2, marker="|", ms=11, mew=2.2))
        labels.append("premise: median and middle half\nof its priors")
    ax.legend(handles, labels, loc="upper left", fontsize=8, borderaxespad=0.0, handlelength=2.2)
    text = "\n\n".join([*_side_lines(subject, plane), *(_threshold_line(t) for t in thresholds)])
    ax.text(0.02, 0.68, text, transform=ax.transAxes, va="top", fontsize=8.5, linespacing=1.35)


def _legend(plane: Plane, any_threshold: bool) -> tuple[list[Artist], list[str]]:
    handles: list[Artist] = [
        Line2D([], [], linestyle="none", ms=5, mew=0.6, **mark) for mark in (_SAFER, _RISKIER)
    ]
    labels = ["draw in which the structure is safer", "draw in which it is riskier"]
    if plane.mean.min() < 0 < plane.mean.max():
        handles.append(Line2D([], [], color="black", lw=2.4))
        labels.append("no expected difference")
    if any_threshold:
        handles.append(Line2D([], [], color="#006B4F", lw=1.6, linestyle="--"))
        labels.append("threshold of one parameter alone\n(thick at the edge: 95 % interval)")
    return handles, labels


def side_shares(gap: Gap, plane: Plane) -> dict[str, tuple[float, float]]:
    """Share of draws on each side of the zero line, and P(safer) there.

    Returns
    -------
    dict
        By ``safer`` and ``riskier``, what the plane says.
    """
    safer = (gap.plausible < 0).mean(axis=1) + (gap.plausible == 0).mean(axis=1) / 2
    below = plane.at_draws < 0
    return {
        name: (float(some.mean()), float(safer[some].mean()) if some.any() else np.nan)
        for name, some in (("safer", below), ("riskier", ~below))
    }


def _side_lines(subject: Subject, plane: Plane) -> list[str]:
    safer = float(subject.compared["p_safer"])
    lines = [f"All draws: safer in {100 * safer:.0f} %."]
    for name, (share, chance) in side_shares(subject.gap, plane).items():
        there = f";\nsafer in {100 * chance:.0f} % of them" if share > 0 else ""
        lines.append(f"Where {name} is expected: {100 * share:.0f} % of draws{there}.")
    return lines


def _threshold_line(t: Threshold) -> str:
    value, low, high = (signed(float(f"{x:.2g}")) for x in (t.value, t.low, t.high))
    beyond = "above" if t.rises else "below"
    return (
        f"{words(t.parameter, 36, 2)}:\nriskier {beyond} {value} "
        f"[{low} to {high}] {unit(t.parameter)}".rstrip()
    )


def _note(subject: Subject, model: Surrogate) -> str:
    return (
        f"{both_uncertainties(subject)} Contours: a polynomial fitted to the draws, all other "
        f"parameters averaged out; with all of them it explains {100 * model.explained:.0f} % of "
        "the variance over parameters in draws left out. Draws do not follow the contours closely "
        "because the other parameters differ too. Marks: sign expected from the draw's value, the "
        "Monte Carlo part removed. Shares of safer draws rest on plausible values without Monte "
        "Carlo error. Dashed contours: below zero. Axes: 1 to 99 % of the draws of each parameter."
    )
