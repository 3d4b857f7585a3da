"""Probabilities and rates from counts, one value per draw, made when they are asked for.

Every derived variable is a ratio of counts; 0 / 0 is NaN, never 0. What is known of it over draws,
and how much of that is chance, is for :mod:`escalation.results.estimates` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from escalation.errors import ResultsError
from escalation.results.quantities import QUANTITIES, Quantity
from escalation.results.tally import count, histories, ratio
from escalation.results.variables import VARIABLES, names


def with_probabilities(ds: xr.Dataset) -> xr.Dataset:
    """Add every derived variable of the registry to a dataset of counts.

    Parameters
    ----------
    ds : Dataset
        Counts, as `build_dataset` makes them. Derived variables that are already there are made
        anew.

    Returns
    -------
    Dataset
        The derived variables, each with its definition in its attributes, and the counts. A
        derived variable takes no time and no memory until its values are asked for.

    Raises
    ------
    ResultsError
        A count is missing.
    """
    ds = without_probabilities(ds)
    needed = [name for name in names("stored") if not VARIABLES[name].optional]
    missing = [name for name in needed if name not in ds.variables]
    if missing:
        raise ResultsError(f"missing from the results: {', '.join(missing)}")
    found = {name: _lazy(ds, name) for name in names("derived")}
    return xr.Dataset({**found, **ds.data_vars}, ds.coords, ds.attrs)


def without_probabilities(ds: xr.Dataset) -> xr.Dataset:
    """Drop the derived variables."""
    return ds.drop_vars([name for name in names("derived") if name in ds.variables])


def _lazy(ds: xr.Dataset, name: str) -> xr.Variable:
    data: Any = indexing.LazilyIndexedArray(_Derived(ds, name))
    # Without the copy on write nothing could be assigned to a part of the variable.
    return xr.Variable(
        VARIABLES[name].dims, indexing.CopyOnWriteArray(data), VARIABLES[name].attrs()
    )


class _Derived(BackendArray):
    """Values of a derived variable: computed once, at the first look."""

    def __init__(self, counts: xr.Dataset, name: str) -> None:
        self._counts, self._name = counts, name
        self.shape = tuple(counts.sizes[dim] for dim in VARIABLES[name].dims)
        self.dtype = np.dtype(np.float64)

    @cached_property
    def _values(self) -> np.ndarray:
        found = _FORMULAS[self._name](self._counts)
        return found.transpose(*VARIABLES[self._name].dims).values.astype(np.float64)

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._part
        )

    def _part(self, at: tuple[Any, ...]) -> np.ndarray:
        """Return a copy, so that nobody writes into what others see."""
        return np.array(self._values[at])


def _quantity(q: Quantity, ds: xr.Dataset) -> xr.DataArray:
    return ratio(count(ds, q.hits), count(ds, q.trials))


def _at_least(counts: xr.DataArray, rung: str) -> xr.DataArray:
    """Counts at this rung or above."""
    reverse = {rung: slice(None, None, -1)}
    return counts.isel(reverse).cumsum(rung).isel(reverse)


def peaks(ds: xr.Dataset, dispute_class: str | None = None) -> xr.DataArray:
    """Disputes of a class, or of both, by their highest rung."""
    crises = ds["crisis_count"].sum(("end_state", "us_fought"))
    if dispute_class is None:
        return crises.sum("dispute_class")
    return crises.sel(dispute_class=dispute_class, drop=True)


def reached(peaks: xr.DataArray, rung: str = "peak_rung") -> tuple[xr.DataArray, xr.DataArray]:
    """Counts that reached each rung, out of how many."""
    return _at_least(peaks, rung), peaks.sum(rung)


def _per(hits: str, trials: str, ds: xr.Dataset) -> xr.DataArray:
    """Share of an outcome of third parties; NaN for actors that are none."""
    among = ds[trials] if trials in ds else count(ds, trials)
    return ratio(ds[hits], among).where(ds["is_third_party"])


def _by_class(ds: xr.Dataset) -> xr.DataArray:
    crises = ds["crisis_count"].sum(("end_state", "peak_rung", "us_fought"))
    return ratio(ds["duration_days"], crises)


_FORMULAS: Mapping[str, Callable[[xr.Dataset], xr.DataArray]] = MappingProxyType({
    **{name: partial(_quantity, q) for name, q in QUANTITIES.items()},
    "cumulative_risk": lambda ds: ratio(ds["first_event_count"].cumsum("year"), histories(ds)),
    "p_reach_rung": lambda ds: ratio(*reached(ds["worst_rung_count"], "worst_rung")),
    "p_reach_rung_given_dispute": lambda ds: ratio(*reached(peaks(ds))),
    "p_reach_rung_given_grave": lambda ds: ratio(*reached(peaks(ds, "grave"))),
    "supported_per_dispute": partial(_per, "supported_count", "disputes"),
    "fought_per_war": partial(_per, "fought_count", "wars"),
    "entrapped_per_fought": partial(_per, "entrapped_count", "fought_count"),
    "abandoned_per_war": partial(_per, "abandoned_count", "wars"),
    "exited_per_trajectory": partial(_per, "exited_count", "trajectories"),
    "mean_duration_days_by_class": _by_class,
})
"""How every derived variable comes from counts."""
