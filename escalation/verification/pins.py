"""Drivers and break-even values put to the test: each parameter pinned, and the study run again.

What drives a difference is read off draws in which everything varies. Here one parameter is set to
a number in all of them, low and high, with the same draws of all others and the same random
numbers: a threshold is confirmed if the difference has the sign on either side that it says, a
driver if the difference moves, by more than chance in the draws.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr

from escalation.analysis.drivers import Gap, find_gaps
from escalation.analysis.selection import Choice, asked, choose
from escalation.contracts.codes import EVENTS
from escalation.errors import EscalationError, InputError
from escalation.model.draws import Draws
from escalation.results.kept_study import kept_study
from escalation.results.quantities import RISKS
from escalation.results.support import DRIVER_DRAWS
from escalation.simulation.accumulate import Counts
from escalation.simulation.plan import COMPANION_DRAWS
from escalation.simulation.simulator import LocalSimulator
from escalation.simulation.workload import blocks_of
from escalation.statistics.noise import apart
from escalation.statistics.thresholds import find_thresholds
from escalation.study.schema import Study

MOST = 3
"""Thresholds, and drivers, of one difference that are looked into."""
SURE = 1.645
"""Standard errors by which a side of a threshold differs from zero, one-sided 5 %."""
MOVED = 2.576
"""Standard errors by which a driver moves the difference, 1 %."""
_ENDS = (0.05, 0.95)


Progress = Callable[[int, int], None]


class _Pin(NamedTuple):
    """A parameter, and the two numbers that it is pinned to.

    `rises` says of a threshold whether the structure is riskier above it; NaN stands for a driver.
    """

    parameter: str
    value: float
    rises: float
    low: float
    high: float


def confirm(
    ds: xr.Dataset,
    on: str = "war",
    *,
    structure: str | None = None,
    flashpoint: str | None = None,
    draws: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Pin each driver and each break-even value of a difference, and run the study again.

    Parameters
    ----------
    ds : Dataset
        Results of a run whose study can be read from its text.
    on : str
        Word of an event: war, great_power_war, ...
    structure : str, optional
        The study's first in focus if not given; compared with the reference of the results.
    flashpoint : str, optional
        The first one if not given.
    draws : int, optional
        Use only so many of the draws; all of them if not given.
    threads : int, optional
        Threads, all by default.
    progress : callable, optional
        Called with (pins done, pins in all).

    Returns
    -------
    Dataset
        One entry along ``pin``: ``parameter``, ``kind`` (threshold or driver), ``value`` of a
        threshold, ``low_value`` and ``high_value`` that it was pinned to (medians of the draws on
        either side of a threshold, 5 and 95 % of those of a driver), the difference at either
        (``low_difference``, ``high_difference``, with ``_error`` over draws), and whether it is
        ``confirmed``. Empty where nothing stands out from chance.

    Raises
    ------
    InputError
        Unknown name, too few or too many draws, or a risk that is no event of a history.
    ResultsError
        The study cannot be read, there is nothing to compare, or counts are missing.

    Examples
    --------
    >>> found = confirm(ds)  # doctest: +SKIP
    >>> found.sel(pin=0)["confirmed"].item()  # doctest: +SKIP
    True
    """
    if draws is not None and not DRIVER_DRAWS <= draws <= ds.sizes["draw"]:
        raise InputError(
            f"draws: {draws} is not from {DRIVER_DRAWS} to the {ds.sizes['draw']} of the results"
        )
    place = str(ds["flashpoint"].values[0]) if flashpoint is None else flashpoint
    chosen = choose(ds, on, structure=structure, loss={}, flashpoints=place)
    if len(chosen.risks) != 1 or RISKS[on].trials != "trajectories":
        raise InputError(f"confirm: {on!r} is no event of a history")
    gap = find_gaps(ds, chosen)[place, on]
    pins = list(_pins(gap)) if isinstance(gap, Gap) else []
    # A study of other results is refused before anything is simulated.
    study = _pair(kept_study(ds, place, (chosen.structure, chosen.reference)), place, chosen)
    ds = ds.isel(draw=slice(draws))
    found = []
    for pin in pins:
        found.append(_held(ds, study, chosen, on, pin, threads))
        if progress is not None:
            progress(len(found), len(pins))
    return xr.Dataset(
        {
            name: ("pin", np.array([row[name] for row in found], dtype))
            for name, dtype in _COLUMNS.items()
        },
        attrs={
            "flashpoint": place, "risk": on, "structure": chosen.structure,
            "reference": chosen.reference,
        },
    )  # fmt: skip


def with_confirmation(
    ds: xr.Dataset, threads: int | None = None, *, progress: Progress | None = None
) -> xr.Dataset:
    """Return results that say, as attribute ``confirmed``, what of their answer pinning confirms.

    They come back as they are where nothing can be asked: one structure, no text of the study.
    """
    try:
        draws = min(COMPANION_DRAWS, ds.sizes["draw"])
        found = confirm(asked(ds), draws=draws, threads=threads, progress=progress)
    except EscalationError:
        return ds
    rows = found.to_dataframe().replace({np.nan: None}).to_dict("records")
    return ds.assign_attrs(confirmed=json.dumps(rows))


_COLUMNS: dict[str, type] = {
    "parameter": str, "kind": str, "value": float, "low_value": float, "high_value": float,
    "low_difference": float, "low_difference_error": float, "high_difference": float,
    "high_difference_error": float, "confirmed": bool,
}  # fmt: skip


def _pins(gap: Gap) -> Iterator[_Pin]:
    found = find_thresholds(gap.design, gap.difference, gap.standing)[:MOST]
    for t in found:
        x = gap.design.values[:, gap.design.column(t.parameter)]
        low, high = np.median(x[x <= t.value]), np.median(x[x > t.value])
        yield _Pin(t.parameter, t.value, float(t.rises), float(low), float(high))
    for name in gap.leading(MOST):
        x = gap.design.values[:, gap.design.column(name)]
        yield _Pin(name, np.nan, np.nan, *(float(q) for q in np.quantile(x, _ENDS)))


def _pair(study: Study, flashpoint: str, chosen: Choice) -> Study:
    """Return the study of one flashpoint and two structures, under the headline rule.

    The structure under which onset rates were observed stays, behind the two.
    """
    names = dict.fromkeys((chosen.structure, chosen.reference, study.reference))
    return study.model_copy(update={
        "flashpoints": {flashpoint: study.flashpoints[flashpoint]},
        "structures": {name: study.structures[name] for name in names},
        "decision_rules": chosen.rules[:1],
    })  # fmt: skip


def _held(
    ds: xr.Dataset, study: Study, chosen: Choice, on: str, pin: _Pin, threads: int | None
) -> dict[str, object]:
    low, high = (
        _difference(ds, study, chosen, on, pin.parameter, at, threads) for at in (pin.low, pin.high)
    )
    (d_low, e_low), (d_high, e_high) = _mean(low), _mean(high)
    if np.isnan(pin.rises):
        moved, error = _mean(high - low)
        confirmed = abs(moved) > MOVED * error
    else:
        sign = 1.0 if pin.rises else -1.0
        confirmed = sign * d_high > SURE * e_high and -sign * d_low > SURE * e_low
    return {
        "parameter": pin.parameter, "kind": "driver" if np.isnan(pin.rises) else "threshold",
        "value": pin.value, "low_value": pin.low, "high_value": pin.high,
        "low_difference": d_low, "low_difference_error": e_low,
        "high_difference": d_high, "high_difference_error": e_high, "confirmed": bool(confirmed),
    }  # fmt: skip


def _mean(values: np.ndarray) -> tuple[float, float]:
    """Return the mean over draws, and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _difference(
    ds: xr.Dataset, study: Study, chosen: Choice, on: str, name: str, at: float,
    threads: int | None,
) -> np.ndarray:
    """Return the difference in every draw, one parameter being pinned."""
    draws, trajectories = ds.sizes["draw"], int(ds.attrs["trajectories"])
    names = tuple(str(n) for n in ds["parameter"].values)
    values = Draws(names, ds["parameter_value"].transpose("parameter", "draw").values)
    pinned = values.replaced(name, np.full(draws, at))
    simulator = LocalSimulator(study, pinned, int(ds.attrs["seed"]), threads=threads)
    counts = Counts(study, draws)
    blocks = blocks_of(study, (0, draws), (0, trajectories))
    pair = (chosen.structure, chosen.reference)
    for block, found in simulator.simulate_all(b for b in blocks if b.structure in pair):
        counts.add(block, found)
    hits = counts.arrays["first_event_count"][0, 0, :, :, EVENTS.index(on)].sum(axis=-1)
    share = hits / trajectories
    return apart(share[0], share[1])
