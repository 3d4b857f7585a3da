"""Break-even: the value of an assumption at which the answer changes its sign.

`break_even` takes it from the draws, all other parameters averaged out
(:mod:`escalation.statistics.thresholds`). `sweep` shows the sweep of a study that asks for one: one
parameter moved, everything else at its centre.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from escalation.analysis.drivers import Gap, find_gaps
from escalation.analysis.selection import choose, focus_of
from escalation.analysis.sweep import SweepLine, sweep_lines
from escalation.errors import ResultsError
from escalation.parameters.registry import REGISTRY
from escalation.plots.grid import chosen, compared, difference_label, need, one, scaled_axis
from escalation.plots.style import (
    Look,
    few_ticks,
    footnote,
    headline,
    looks,
    name_of,
    plain,
    signed,
    strip_panels,
    structure_handles,
    styled,
    tidy,
)
from escalation.results.companion import centre_words
from escalation.results.estimates import HIGH, LOW
from escalation.results.quantities import RISKS, Quantity, chosen_risks
from escalation.statistics.curves import fitted, smooth
from escalation.statistics.design import TAILS
from escalation.statistics.intervals import Z95
from escalation.statistics.thresholds import curve_along, find_thresholds

COLUMNS = 4
SHOWN = 4
"""Parameters shown by default."""


class Line(NamedTuple):
    """A difference to the reference along one parameter.

    Attributes
    ----------
    structure : str
    x, y, low, high : array (point,)
        Sorted values of the parameter, the difference there, its 95 % Monte Carlo interval.
    flips : tuple of float
        Break-even values.
    """

    structure: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray
    high: np.ndarray
    flips: tuple[float, ...]


@styled
def break_even(
    ds: xr.Dataset,
    flashpoint: str | None = None,
    risks: str | Sequence[str] = ("war", "great_power_war"),
    parameters: str | Sequence[str] | None = None,
) -> Figure:
    """Show the focus structures minus the reference along a parameter, all others averaged out.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    flashpoint
        Which to show; the first of the study when None.
    risks
        Words of risks, of `escalation.results.quantities.RISKS`.
    parameters
        Which to show; when None those that flip an answer, the weightiest first, and then those
        that move it most.

    Returns
    -------
    Figure
        One panel per risk and parameter. Lines are expected differences, bands their 95 %
        bootstrap interval, a vertical mark with its value the break-even.

    Raises
    ------
    InputError
        Unknown flashpoint, risk or parameter.
    ResultsError
        Nothing to compare, or too few draws or events to say anything of single parameters.
    """
    need(ds, "parameter_value")
    compared(ds)
    flashpoint = one(ds, "flashpoint", flashpoint)
    wanted = chosen_risks([risks] if isinstance(risks, str) else risks)
    reference, gaps = _gaps(ds, flashpoint, wanted)
    names = _weightiest(gaps) if parameters is None else _named(gaps, parameters)
    structures = list(dict.fromkeys(structure for structure, _ in gaps))
    rows = [q for q in wanted if any(risk == q.risk for _, risk in gaps)]

    def lines(q: Quantity, name: str) -> list[Line]:
        found = (gaps.get((s, q.risk)) for s in structures)
        # A parameter that neither structure reads moves nothing: it has no line.
        return [_line(gap, name) for gap in found if gap and name in gap.design.names]

    figure = _figure(ds, rows, names, structures, lines)
    title = f"Which assumption flips the answer: difference to {_name(ds, reference)}"
    headline(figure, ds, title, name_of(ds, "flashpoint", flashpoint, 50))
    footnote(
        figure,
        ds,
        "From the draws: expected difference given the parameter, all other parameters averaged "
        "out, between its 2 and 98 % quantile. Bands: 95 % bootstrap interval over draws, which "
        "holds the Monte Carlo error. Below the zero line the structure is safer than the "
        "reference. Dotted verticals: break-even values, between values where the difference is "
        "clear of zero by two standard errors. A level line: nothing seen beyond chance. Grey: "
        "5-95 % of the draws of the parameter.",
    )
    return figure


def _name(ds: xr.Dataset, reference: str) -> str:
    return name_of(ds, "structure", reference, 50)


def _gaps(
    ds: xr.Dataset, flashpoint: str, risks: Sequence[Quantity]
) -> tuple[str, dict[tuple[str, str], Gap]]:
    """Return the reference, and differences that carry drivers, by structure and risk."""
    words = [q.risk for q in risks]
    first = choose(ds, words, loss={}, flashpoints=flashpoint)
    found: dict[tuple[str, str], Gap] = {}
    reasons: list[str] = []
    for structure in focus_of(ds, first.reference):
        for (_, risk), gap in find_gaps(ds, first._replace(structure=structure)).items():
            if isinstance(gap, Gap):
                found[structure, risk] = gap
            else:
                reasons.append(gap)
    if not found:
        raise ResultsError(reasons[0])
    return first.reference, found


def _weightiest(gaps: dict[tuple[str, str], Gap]) -> list[str]:
    """Return the parameters that flip a difference, then those whose curves swing most."""
    gains: dict[str, float] = {}
    swings: dict[str, float] = {}
    for gap in gaps.values():
        for t in find_thresholds(gap.design, gap.difference, gap.standing):
            gains[t.parameter] = max(gains.get(t.parameter, 0.0), t.gain)
        curves = fitted(gap.design, smooth(gap.design, gap.difference[None]))[:, 0]
        for name, swing in zip(gap.design.names, curves.std(axis=1), strict=True):
            if name in gap.standing:
                swings[name] = max(swings.get(name, 0.0), float(swing))
    if not swings:
        raise ResultsError("no parameter stands out from chance")
    order = sorted(swings, key=lambda name: (-gains.get(name, 0.0), -swings[name]))
    return order[: max(SHOWN, min(len(gains), 2 * COLUMNS))]


def _named(gaps: dict[tuple[str, str], Gap], wanted: str | Sequence[str]) -> list[str]:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    designs = [gap.design for gap in gaps.values()]
    for name in names:
        if not any(name in design.names for design in designs):
            designs[0].column(name)  # says which there are
    return names


def _line(gap: Gap, parameter: str) -> Line:
    x, y, many = curve_along(gap.design, gap.difference, parameter)
    low, high = np.quantile(many, TAILS, axis=0)
    flips = find_thresholds(gap.design, gap.difference, [parameter])
    return Line(gap.structure, x, y, low, high, tuple(t.value for t in flips))


@styled
def sweep(
    ds: xr.Dataset,
    flashpoint: str | None = None,
    events: str | Sequence[str] = ("war", "great_power_war"),
    parameters: str | Sequence[str] | None = None,
) -> Figure:
    """Show the structures of a sweep minus the reference, everything else at its centre.

    Parameters
    ----------
    ds : Dataset
        Results with a sweep; see `escalation.results`.
    flashpoint
        Which to show; the first of the study when None.
    events
        Names of events, of `escalation.contracts.codes.EVENTS`.
    parameters
        Swept parameters to show; all when None.

    Returns
    -------
    Figure
        One panel per event and parameter. Lines are differences, bands 95 % Monte Carlo
        intervals, a vertical mark with its value where the difference changes its sign.

    Raises
    ------
    InputError
        Unknown flashpoint, event or parameter.
    ResultsError
        The results have no sweep, or nothing but the reference in it.
    """
    need(ds, "sweep_event_count", "sweep_value", "parameter_value")
    flashpoint = one(ds, "flashpoint", flashpoint)
    names = chosen(ds, "sweep_parameter", parameters)
    rows = [RISKS[event] for event in chosen(ds, "event", events)]
    found = [x for x in sweep_lines(ds, [q.risk for q in rows]) if x.flashpoint == flashpoint]
    structures = list(dict.fromkeys(x.structure for x in found))
    if not found:
        raise ResultsError("the sweep does not hold the reference and another structure")

    def lines(q: Quantity, name: str) -> list[Line]:
        return [_swept_line(x) for x in found if (x.event, x.parameter) == (q.risk, name)]

    figure = _figure(ds, rows, names, structures, lines)
    title = f"At the centre of everything else: difference to {_name(ds, ds.attrs['reference'])}"
    headline(figure, ds, title, name_of(ds, "flashpoint", flashpoint, 50))
    footnote(
        figure,
        ds,
        f"Sweep: n = {int(ds.attrs['sweep_trajectories']):,} trajectories per point, one parameter "
        f"moved at a time, all others at {centre_words(ds)}, so these lines carry no spread over "
        "draws. Bands: 95 % Monte Carlo interval, too wide if anything, because all points use the "
        "same random numbers. Below the zero line the structure is safer than the reference. "
        "Dotted verticals: changes of sign, interpolated between points that differ from zero by "
        "more than a standard error; none where the event is too rare to compare. Grey: 5-95 % of "
        "the draws of the parameter.",
    )
    return figure


def _swept_line(found: SweepLine) -> Line:
    half = Z95 * found.errors
    y = found.differences
    flips = tuple(crossing.value for crossing in found.crossings)
    return Line(found.structure, found.values, y, y - half, y + half, flips)


def _figure(
    ds: xr.Dataset,
    rows: Sequence[Quantity],
    parameters: Sequence[str],
    structures: Sequence[str],
    lines: Callable[[Quantity, str], list[Line]],
) -> Figure:
    """Return a figure with a panel for every risk and parameter."""
    columns = len(parameters) if len(parameters) <= COLUMNS + 1 else COLUMNS
    blocks = [parameters[i : i + columns] for i in range(0, len(parameters), columns)]
    entries = structure_handles(ds, structures, lines=True, width=40)
    figure, grid = strip_panels(len(rows) * len(blocks), columns, 11.0, 2.7, entries, 4)
    strips = [(q, block) for q in rows for block in blocks]
    for strip, (q, block) in zip(grid, strips, strict=True):
        for ax, parameter in zip(strip, block, strict=False):
            _panel(ax, ds, parameter, lines(q, parameter), looks(ds))
            scaled_axis(ax.yaxis, q)
            ax.set_xlabel(_label(parameter))
        for ax in strip[len(block) :]:
            ax.set_axis_off()
        strip[0].set_ylabel(difference_label(q).replace(" in ", " in\n").replace(", ", ",\n"))
    return figure


def _panel(
    ax: Axes, ds: xr.Dataset, parameter: str, lines: Sequence[Line], style: dict[str, Look]
) -> None:
    ax.axhline(0.0, color="black", lw=0.9)
    if lines:
        _shade_draws(ax, ds, parameter, lines[0].x)
    for number, line in enumerate(lines):
        look = style[line.structure]
        dots = look.marker if len(line.x) <= 20 else ""
        ax.fill_between(line.x, line.low, line.high, color=look.colour, alpha=0.18, linewidth=0)
        ax.plot(line.x, line.y, color=look.colour, linestyle=look.line, marker=dots, ms=4.5,
                lw=1.4, mec="white", mew=0.4)  # fmt: skip
        for value in line.flips:
            _mark(ax, value, look, number)
    # Room above the lines, where the break-even values are written.
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.1 * len(lines) * (high - low))
    few_ticks(ax.xaxis, 5)
    few_ticks(ax.yaxis, 5)
    tidy(ax)


def _shade_draws(ax: Axes, ds: xr.Dataset, parameter: str, x: np.ndarray) -> None:
    """Shade where the draws of the study put the parameter, 5-95 %."""
    if ds.sizes["draw"] < 2 or parameter not in ds["parameter"].values.tolist():
        return
    low, high = np.quantile(ds["parameter_value"].sel(parameter=parameter), (LOW, HIGH))
    low, high = max(float(low), float(x[0])), min(float(high), float(x[-1]))
    if low < high:
        ax.axvspan(low, high, color="#EEEEEE", zorder=0, linewidth=0)


def _label(parameter: str) -> str:
    """Name of a parameter with its unit, where the registry knows it."""
    known = REGISTRY.get(parameter)
    unit = f" ({known.unit})" if known is not None and known.unit != "1" else ""
    return plain(parameter.replace("_", " ") + unit, 34)


def _mark(ax: Axes, value: float, look: Look, number: int) -> None:
    """Break-even value of the `number`th structure, written in its own row at the top."""
    height, above = 0.97 - 0.08 * number, ax.get_xaxis_transform()
    ax.axvline(value, color=look.colour, lw=1.0, linestyle=":")
    ax.plot(value, height, marker=look.marker, color=look.colour, ms=5, mec="white", mew=0.4,
            transform=above, clip_on=False)  # fmt: skip
    ax.text(value, height, f"  {signed(float(f'{value:.2g}'))}", transform=above, fontsize=7.5,
            va="center", ha="left")  # fmt: skip
