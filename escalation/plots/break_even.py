"""Break-even: the value of an assumption at which the answer changes its sign."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from escalation.errors import ResultsError
from escalation.parameters.registry import REGISTRY
from escalation.plots.grid import Z95, chosen, need, one
from escalation.plots.style import (
    Look,
    few_ticks,
    footnote,
    headline,
    looks,
    name_of,
    percent_axis,
    plain,
    signed,
    strip_panels,
    structure_handles,
    styled,
    tidy,
)
from escalation.results.companion import centre_words
from escalation.results.crossings import find_crossings
from escalation.results.estimates import HIGH, LOW
from escalation.results.quantities import RISKS
from escalation.results.support import Says, of_sweep
from escalation.statistics.intervals import binomial_se

COLUMNS = 4


@styled
def break_even(
    ds: xr.Dataset,
    flashpoint: str | None = None,
    events: str | Sequence[str] = ("war", "great_power_war"),
    parameters: str | Sequence[str] | None = None,
) -> Figure:
    """Focus structures minus reference against each swept parameter, others at defaults.

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
        intervals, a vertical mark with its value the break-even.

    Raises
    ------
    InputError
        Unknown flashpoint, event or parameter.
    ResultsError
        The results have no sweep, or nothing but the reference in it.
    """
    need(ds, "sweep_event_count", "sweep_value", "parameter_value")
    flashpoint = one(ds, "flashpoint", flashpoint)
    events = chosen(ds, "event", events)
    parameters = chosen(ds, "sweep_parameter", parameters)
    structures = swept(ds)
    columns = len(parameters) if len(parameters) <= COLUMNS + 1 else COLUMNS
    blocks = [parameters[i : i + columns] for i in range(0, len(parameters), columns)]
    rows = len(events) * len(blocks)
    entries = structure_handles(ds, structures, lines=True, width=40)
    figure, grid = strip_panels(rows, columns, 11.0, 2.7, entries, 4)
    places = [(event, block) for event in events for block in blocks]
    for row, (event, block) in zip(grid, places, strict=True):
        lines = sweep_differences(ds, event).sel(flashpoint=flashpoint)
        for ax, parameter in zip(row, block, strict=False):
            _panel(ax, ds, lines.sel(sweep_parameter=parameter), structures)
            ax.set_xlabel(_label(parameter))
        for ax in row[len(block) :]:
            ax.set_axis_off()
        row[0].set_ylabel(f"difference in\n{RISKS[event].title},\npercentage points")
    reference = name_of(ds, "structure", ds.attrs["reference"], 50)
    place = name_of(ds, "flashpoint", flashpoint, 50)
    headline(figure, ds, f"Which assumption flips the answer: difference to {reference}", place)
    n = int(ds.attrs["sweep_trajectories"])
    footnote(
        figure,
        ds,
        f"Sweep: n = {n:,} trajectories per point, one parameter moved at a time, all others at "
        f"{centre_words(ds)}, so these lines carry no spread over draws. Bands: 95 % Monte Carlo "
        "interval, too wide if anything, because all points use the same random numbers. Below the "
        "zero line the structure is safer than the reference. Dotted verticals: break-even "
        "values, interpolated between points that differ from zero by more than a standard error; "
        "none where the event is too rare to compare. Grey: 5-95 % of the draws of the parameter.",
    )
    return figure


def swept(ds: xr.Dataset) -> list[str]:
    """Structures of the sweep other than the reference."""
    names = [str(name) for name in ds["sweep_structure"].values.tolist()]
    reference = ds.attrs.get("reference")
    others = [name for name in names if name != reference]
    if reference not in names or not others:
        raise ResultsError("the sweep does not hold the reference and another structure")
    return others


def sweep_differences(ds: xr.Dataset, event: str) -> xr.Dataset:
    """Risk minus that of the reference at every point of the sweep, with its error.

    Returns
    -------
    Dataset
        ``difference``, ``error`` (standard error as if the random numbers were not shared),
        ``value`` of the moved parameter, and ``carried``, whether the counts carry a comparison.
    """
    trials = int(ds.attrs["sweep_trajectories"])
    hits = ds["sweep_event_count"].sel(event=event, drop=True)
    error = xr.apply_ufunc(binomial_se, hits, trials)
    reference = {"sweep_structure": ds.attrs["reference"]}
    return xr.Dataset(
        {
            "difference": (hits - hits.sel(reference, drop=True)) / trials,
            "error": np.hypot(error, error.sel(reference, drop=True)),
            "value": ds["sweep_value"],
            "carried": _carried(hits, hits.sel(reference, drop=True), trials),
        }
    )


def _carried(hits: xr.DataArray, base: xr.DataArray, trials: int) -> xr.DataArray:
    def carried(own: np.ndarray, other: np.ndarray) -> bool:
        return of_sweep(np.stack([own, other]), trials).says >= Says.VERDICT

    return xr.apply_ufunc(
        carried, hits, base, input_core_dims=[["sweep_point"]] * 2, vectorize=True
    )


def _panel(ax: Axes, ds: xr.Dataset, lines: xr.Dataset, structures: list[str]) -> None:
    style = looks(ds)
    order = np.argsort(lines["value"].to_numpy())
    x = lines["value"].to_numpy()[order]
    ax.axhline(0.0, color="black", lw=0.9)
    _shade_prior(ax, ds, str(lines["sweep_parameter"].item()), x)
    for number, structure in enumerate(structures):
        line = lines.sel(sweep_structure=structure)
        y = line["difference"].to_numpy()[order]
        error = line["error"].to_numpy()[order]
        half = Z95 * error
        look = style[structure]
        ax.fill_between(x, y - half, y + half, color=look.colour, alpha=0.18, linewidth=0)
        ax.plot(x, y, color=look.colour, linestyle=look.line, marker=look.marker, ms=4.5, lw=1.4,
                mec="white", mew=0.4)  # fmt: skip
        if line["carried"].item():
            for crossing in find_crossings(x, y, error):
                _mark(ax, crossing.value, look, number)
    # Room above the lines, where the break-even values are written.
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.1 * len(structures) * (high - low))
    few_ticks(ax.xaxis, 5)
    few_ticks(ax.yaxis, 5)
    percent_axis(ax.yaxis)
    tidy(ax)


def _shade_prior(ax: Axes, ds: xr.Dataset, parameter: str, x: np.ndarray) -> None:
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
