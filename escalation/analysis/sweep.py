r"""A sweep of one parameter at a time, at the centre of everything else.

At every point of a sweep the difference d = (hits under the structure - hits under the
reference) / trajectories has a Monte Carlo error of at most that of independent samples,
because both sides use the same random numbers. A point is *clear* if d differs from zero by more
than one standard error. A crossing is counted only between two neighbouring clear points of
opposite sign (points that are not clear may lie between them) and placed by linear interpolation,

.. math:: x_0 = \frac{x_1 d_2 - x_2 d_1}{d_2 - d_1},

with the error that follows from those of both d by the delta method. Break-even values proper
average over all other parameters (:mod:`escalation.statistics.thresholds`); where parameters
interact the two differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from escalation.analysis.selection import labels
from escalation.errors import InputError
from escalation.results.support import Says, Support, of_sweep
from escalation.statistics.intervals import binomial_se

EVENTS = ("war", "great_power_war")
CLEAR_ERRORS = 1.0


@dataclass(frozen=True)
class Crossing:
    """A value at which the difference changes sign.

    Attributes
    ----------
    value, error : float
        Interpolated value of the parameter and its standard error (an upper bound).
    rises : bool
        Whether the structure has more of the event than the reference above the value.
    """

    value: float
    error: float
    rises: bool


def find_crossings(
    values: np.ndarray, differences: np.ndarray, errors: np.ndarray
) -> tuple[Crossing, ...]:
    """Find the clear changes of sign of a sorted sweep; all arrays are (point,)."""
    clear = np.abs(differences) > CLEAR_ERRORS * errors
    x, d, s = values[clear], differences[clear], errors[clear]
    found = []
    for i in range(len(x) - 1):
        if (d[i] < 0) == (d[i + 1] < 0):
            continue
        step, rise = x[i + 1] - x[i], d[i + 1] - d[i]
        value = (x[i] * d[i + 1] - x[i + 1] * d[i]) / rise
        error = abs(step) / rise**2 * np.hypot(d[i + 1] * s[i], d[i] * s[i + 1])
        found.append(Crossing(float(value), float(error), bool(rise > 0)))
    return tuple(found)


@dataclass(frozen=True)
class SweepLine:
    """One structure against the reference along one parameter.

    Attributes
    ----------
    flashpoint, structure, reference, event, parameter : str
        What is compared.
    values, differences, errors : array (point,)
        Sorted values of the parameter, difference in probability there (structure minus
        reference) and its standard error (an upper bound).
    crossings : tuple of Crossing
        Clear changes of sign; none where the counts carry no comparison.
    verdict : str
        ``flips``, ``always more``, ``always less`` (at least half of the points are clear and
        all of those agree), ``identical``, ``no clear crossing`` (fewer are), ``too rare`` or
        ``no hits``.
    """

    flashpoint: str
    structure: str
    reference: str
    event: str
    parameter: str
    values: np.ndarray
    differences: np.ndarray
    errors: np.ndarray
    crossings: tuple[Crossing, ...]
    verdict: str


def has_sweep(ds: xr.Dataset) -> bool:
    """Whether the results hold a sweep with something to compare."""
    return "sweep_event_count" in ds and "sweep_value" in ds


def sweep_lines(
    ds: xr.Dataset,
    events: Sequence[str] = EVENTS,
) -> list[SweepLine]:
    """Changes of sign of every flashpoint, structure, event and swept parameter.

    Parameters
    ----------
    ds : Dataset
        Results; an empty list comes back if they hold no sweep or no reference in it.
    events : sequence of str
        Which events.

    Raises
    ------
    InputError
        Unknown event.
    """
    if not has_sweep(ds):
        return []
    known = labels(ds, "event")
    for event in events:
        if event not in known:
            raise InputError(f"unknown event {event!r} (choices: {', '.join(known)})")
    base = str(ds.attrs.get("reference", ""))
    structures = labels(ds, "sweep_structure")
    if base not in structures:
        return []
    return [
        _line(ds, flashpoint, structure, base, event, parameter)
        for flashpoint in labels(ds, "flashpoint")
        for structure in structures
        if structure != base
        for event in events
        for parameter in labels(ds, "sweep_parameter")
    ]


def _line(
    ds: xr.Dataset, flashpoint: str, structure: str, base: str, event: str, parameter: str
) -> SweepLine:
    n = int(ds.attrs["sweep_trajectories"])
    values = ds["sweep_value"].sel(sweep_parameter=parameter).values.astype(float)
    counts = ds["sweep_event_count"].sel(
        flashpoint=flashpoint, sweep_parameter=parameter, event=event
    )
    order = np.argsort(values, kind="stable")
    hits = counts.sel(sweep_structure=structure).values.astype(float)[order]
    base_hits = counts.sel(sweep_structure=base).values.astype(float)[order]
    differences = (hits - base_hits) / n
    errors = np.hypot(binomial_se(hits, n), binomial_se(base_hits, n))
    carried = of_sweep(np.stack([hits, base_hits]), n)
    crossings: tuple[Crossing, ...] = ()
    if carried.says is Says.VERDICT:
        crossings = find_crossings(values[order], differences, errors)
    return SweepLine(
        flashpoint,
        structure,
        base,
        event,
        parameter,
        values[order],
        differences,
        errors,
        crossings,
        _verdict(carried, differences, errors, crossings),
    )


def _verdict(
    carried: Support,
    differences: np.ndarray,
    errors: np.ndarray,
    crossings: tuple[Crossing, ...],
) -> str:
    if crossings:
        return "flips"
    if carried.reason:
        return carried.reason
    clear = differences[np.abs(differences) > CLEAR_ERRORS * errors]
    if len(clear) < len(differences) / 2:
        return "no clear crossing"
    return "always more" if clear[0] > 0 else "always less"
