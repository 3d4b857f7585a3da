"""Counts by name, summed from what a dataset stores.

=====================  ==========================================================================
name                   what is counted
=====================  ==========================================================================
trajectories, years    histories of the cell; calendar years of the horizon in all of them
an event of `EVENTS`   histories with the event within the horizon
disputes, wars         disputes of either class; those that became war
grave_crises           disputes with high stakes
grave_wars             grave crises that became war
grave_concessions      grave crises in which the defender conceded
grave_failures         grave crises in which the defender conceded, or that became war, or both
great_power_wars       wars in which the great power fought
reciprocated, days     disputes in which the defender matched; days of all disputes
=====================  ==========================================================================

Rates are unconditional, per calendar year of the horizon, like published onset rates. (The
time at peace and under observation, in which alone a dispute can begin, is stored as
``exposure_months``.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import xarray as xr

from escalation.contracts.codes import EVENTS, REPLICATED, WAR
from escalation.errors import ResultsError

Count = Callable[[xr.Dataset], xr.DataArray]


_AT_WAR = slice(WAR, None)


def _stored(ds: xr.Dataset, name: str) -> xr.DataArray:
    if name not in ds:
        raise ResultsError(f"missing from the results: {name}")
    return ds[name]


def _crises(ds: xr.Dataset, **where: object) -> xr.DataArray:
    """Disputes where the axes that are named have these labels."""
    crises = _stored(ds, "crisis_count").sel(where, drop=True)
    axes = ("dispute_class", "end_state", "peak_rung", "us_fought")
    return crises.sum([dim for dim in axes if dim in crises.dims])


def _failures(ds: xr.Dataset) -> xr.DataArray:
    """Count a crisis once that ends in a concession and was a war as well."""
    conceded = _crises(
        ds, dispute_class="grave", end_state="defender_concedes", peak_rung=slice(0, WAR - 1)
    )
    return _crises(ds, dispute_class="grave", peak_rung=_AT_WAR) + conceded


def _first_event(event: str) -> Count:
    return lambda ds: _stored(ds, "first_event_count").sel(event=event, drop=True).sum("year")


def _constant(ds: xr.Dataset, value: int) -> xr.DataArray:
    found = xr.full_like(_stored(ds, "exposure_months"), value)
    found.attrs = {}
    return found


_COUNTS: Mapping[str, Count] = MappingProxyType({
    "trajectories": lambda ds: _constant(ds, histories(ds)),
    "years": lambda ds: _constant(ds, histories(ds) * int(ds.attrs["horizon_years"])),
    **{event: _first_event(event) for event in EVENTS},
    "disputes": _crises,
    "wars": lambda ds: _crises(ds, peak_rung=_AT_WAR),
    "grave_crises": lambda ds: _crises(ds, dispute_class="grave"),
    "grave_wars": lambda ds: _crises(ds, dispute_class="grave", peak_rung=_AT_WAR),
    "grave_concessions": lambda ds: _crises(
        ds, dispute_class="grave", end_state="defender_concedes"
    ),
    "grave_failures": _failures,
    "great_power_wars": lambda ds: _crises(ds, peak_rung=_AT_WAR, us_fought=1),
    "reciprocated": lambda ds: _stored(ds, "reciprocated_count").sum("dispute_class"),
    "days": lambda ds: _stored(ds, "duration_days").sum("dispute_class"),
})


def histories(ds: xr.Dataset) -> int:
    """Return the trajectories of every cell."""
    return int(ds.attrs["trajectories"])


def count(ds: xr.Dataset, name: str) -> xr.DataArray:
    """Return a count by cell.

    Parameters
    ----------
    ds : Dataset
        Counts.
    name : str
        See the module.

    Returns
    -------
    DataArray
        With the dimensions of a cell that the dataset has: decision rule (if there is one),
        flashpoint, structure and draw.

    Raises
    ------
    ResultsError
        The dataset does not hold what it is summed from.
    """
    return _COUNTS[name](ds)


def by_replicate(ds: xr.Dataset, name: str) -> xr.DataArray | None:
    """Return a count by cell and replicate; None where the results do not tell it.

    Those of older files do not, nor is everything counted by replicate.
    """
    if "replicate_count" not in ds or name not in (*REPLICATED, "trajectories", "years"):
        return None
    if name in REPLICATED:
        return ds["replicate_count"].sel(counted=name, drop=True)
    n, size = histories(ds), ds.sizes["replicate"]
    sizes = np.array([len(range(b, n, size)) for b in range(size)])
    if name == "years":
        sizes = sizes * int(ds.attrs["horizon_years"])
    return xr.DataArray(sizes, dims="replicate") + xr.zeros_like(
        ds["replicate_count"].isel(counted=0, drop=True)
    )


def ratio(hits: xr.DataArray, trials: xr.DataArray | int) -> xr.DataArray:
    """Return hits by trials; NaN where there was no trial, never 0."""
    if isinstance(trials, int):
        return hits / (trials if trials > 0 else np.nan)
    return hits / trials.where(trials > 0)
