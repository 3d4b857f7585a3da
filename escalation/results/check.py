"""Whether the counts of a dataset are complete and add up."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from reprlib import repr as brief
from typing import Any

import numpy as np
import xarray as xr

from escalation.contracts.codes import NUCLEAR_USE, WAR
from escalation.errors import ResultsError
from escalation.results.companion import beliefs
from escalation.results.variables import (
    ATTRIBUTES,
    CELL,
    COMPANION_COUNTS,
    COMPANION_DIMS,
    FIXED_COORDS,
    VARIABLES,
    names,
)

MONTHS = 12


def check_dataset(ds: xr.Dataset) -> None:
    """Refuse a dataset of counts that is incomplete or contradicts itself.

    Parameters
    ----------
    ds : Dataset
        As `build_dataset` makes it; derived variables are not looked at.

    Raises
    ------
    ResultsError
        Names the variable, and the first cell where it is wrong.
    """
    _check_attrs(ds)
    _check_presence(ds)
    counts = _Counts(
        {str(name): variable for name, variable in ds.variables.items()},
        {str(name): ds.variables[name].values for name in ds.dims if name in ds.variables},
        ds.attrs,
    )
    for name in names("coordinate", "stored", "sweep", "companion"):
        if name in ds.variables:
            _check_form(counts, name)
    _check_labels(ds)
    _check_trajectories(counts)
    _check_disputes(counts)
    _check_replicates(counts)
    _check_parties(counts)
    _check_sweep(counts)
    _check_companions(ds, counts)


@dataclass(frozen=True)
class _Counts:
    """Arrays without their coordinates, which need not be aligned again at every step.

    Attributes
    ----------
    arrays : mapping
        Variables by name.
    labels : mapping
        Labels by dimension.
    attrs : mapping
        Attributes of the dataset.
    """

    arrays: Mapping[str, xr.Variable]
    labels: Mapping[str, np.ndarray]
    attrs: Mapping[Any, Any]

    def __getitem__(self, name: str) -> xr.Variable:
        return self.arrays[name]

    def refuse(self, name: str, wrong: xr.Variable, what: str, value: xr.Variable) -> None:
        """Raise for the first True of `wrong`, naming its cell and the value there."""
        if not wrong.values.any():
            return
        value = value.transpose(*_order(value.dims))
        wrong = wrong.transpose(*_order(wrong.dims))
        index = dict(zip(wrong.dims, np.unravel_index(int(wrong.values.argmax()), wrong.shape),
                         strict=True))
        where = ", ".join(f"{dim}={self._label(str(dim), i)}" for dim, i in index.items())
        found = value.isel({dim: i for dim, i in index.items() if dim in value.dims}).values
        raise ResultsError(f"{name} at {where}: {what} (found {found})")

    def _label(self, dim: str, index: Any) -> str:
        """Label along a dimension, harmless in a terminal."""
        label = str(self.labels[dim][index]) if dim in self.labels else str(index)
        return label if label.isprintable() and len(label) < 64 else brief(label)


def _at(array: xr.Variable, **labels: str) -> xr.Variable:
    """Return the part of an array at labels of this version."""
    return array.isel({dim: FIXED_COORDS[dim].index(label) for dim, label in labels.items()})


def _from(array: xr.Variable, rung: int, dim: str = "peak_rung") -> xr.Variable:
    """Return the part of an array from a rung on."""
    return array.isel({dim: slice(rung, None)})


def _renamed(array: xr.Variable, dims: Mapping[str, str]) -> xr.Variable:
    """Return an array with other names of dimensions."""
    return xr.Variable([dims.get(str(dim), dim) for dim in array.dims], array.values)


def _check_attrs(ds: xr.Dataset) -> None:
    for name, attribute in ATTRIBUTES.items():
        if name not in ds.attrs:
            if attribute.required:
                raise ResultsError(f"attribute {name} is missing ({attribute.meaning})")
            continue
        value = ds.attrs[name]
        right = isinstance(value, attribute.type) and not (
            attribute.type is int and isinstance(value, bool)
        )
        if not right:
            raise ResultsError(f"attribute {name}: {brief(value)} is no {attribute.type.__name__}")
        if name in _JSON and value and not _JSON[name](_parsed(value)):
            raise ResultsError(f"attribute {name}: {brief(value)} is not {attribute.meaning}")
    for name, least, most in (
        ("trajectories", 1, 2**53), ("horizon_years", 1, 2**53), ("seed", 0, 2**64 - 1),
    ):
        if not least <= ds.attrs[name] <= most:
            raise ResultsError(f"attribute {name}: {ds.attrs[name]} is not {least} to {most}")
    if ds.attrs.get("parameter_source") == "posterior":
        for name in ("posterior_title", "posterior_sha256", "posterior_names"):
            if name not in ds.attrs:
                raise ResultsError(f"attribute {name} is missing although a posterior was used")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _are_weights(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(weight, (int, float)) and math.isfinite(weight) for weight in value.values()
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(text, str) or _are_names(text) for text in value.values()
    )


def _are_correlations(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(pair, dict) and _are_names(pair.get("between")) for pair in value
    )


def _are_pins(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(row, dict) and isinstance(row.get("parameter"), str)
        and row.get("kind") in ("driver", "threshold") and isinstance(row.get("confirmed"), bool)
        for row in value
    )


_JSON: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        ("focus", "until", "until_unmet", "posterior_names", "posterior_overridden"), _are_names
    ),
    **dict.fromkeys(("correlations", "correlations_overruled"), _are_correlations),
    "loss": _are_weights,
    "answer": _are_texts,
    "confirmed": _are_pins,
}
"""What the attributes that hold JSON must be; empty text stands for nothing."""


def _check_presence(ds: xr.Dataset) -> None:
    missing = [
        name
        for name in names("coordinate", "stored")
        if name not in ds.variables and not VARIABLES[name].optional
    ]
    if missing:
        raise ResultsError(f"missing from the results: {', '.join(missing)}")
    for what, together in (
        ("the sweep", names("sweep")), ("the companions", names("companion")),
    ):
        # A file of format 4 counted nothing by replicate in its companion.
        absent = [
            name for name in together
            if name not in ds.variables and name != "companion_replicate_count"
        ]
        if absent and any(name in ds.variables for name in together):
            raise ResultsError(f"{what}: incomplete, missing {', '.join(absent)}")


def _check_form(ds: _Counts, name: str) -> None:
    variable, found = VARIABLES[name], ds[name]
    if found.dims != variable.dims:
        raise ResultsError(f"{name}: dimensions {found.dims}, not {variable.dims}")
    fits = found.dtype.kind == "U" if variable.dtype == "str" else found.dtype == variable.dtype
    if not fits:
        raise ResultsError(f"{name}: type {found.dtype}, not {variable.dtype}")
    if variable.role != "coordinate" and variable.dtype == "int64":
        ds.refuse(name, found < 0, "negative count", found)
    if variable.dtype == "float64":
        ds.refuse(
            name, xr.Variable(found.dims, ~np.isfinite(found.values)), "not finite", found
        )


def _check_labels(ds: xr.Dataset) -> None:
    for name in ds.dims:
        if len(set(ds[name].values.tolist())) != ds.sizes[name]:
            raise ResultsError(f"{name}: a label occurs twice")
        if ds.sizes[name] == 0 and name != "parameter":
            raise ResultsError(f"{name}: empty")
    for name, values in FIXED_COORDS.items():
        if tuple(ds[name].values.tolist()) != values:
            raise ResultsError(f"{name}: not the labels of this version")
    if ds.sizes["year"] != ds.attrs["horizon_years"]:
        raise ResultsError(
            f"year: {ds.sizes['year']} years, but a horizon of {ds.attrs['horizon_years']}"
        )


def _check_trajectories(ds: _Counts) -> None:
    n = ds.attrs["trajectories"]
    worst = ds["worst_rung_count"]
    for name, dim in (
        ("worst_rung_count", "worst_rung"), ("trajectory_end_count", "trajectory_end"),
    ):
        total = ds[name].sum(dim)
        ds.refuse(name, total != n, f"does not sum to the {n} trajectories", total)
    first = ds["first_event_count"].sum("year")
    for event, rung in (("dispute", 1), ("war", WAR), ("nuclear_use", NUCLEAR_USE)):
        reached = _from(worst, rung, "worst_rung").sum("worst_rung")
        seen = _at(first, event=event)
        ds.refuse(
            "first_event_count", seen != reached,
            f"event {event} differs from the trajectories with a worst rung >= {rung}", seen,
        )
    for rare, common in (
        ("grave_crisis", "dispute"), ("concession", "grave_crisis"), ("great_power_war", "war"),
    ):
        more = _at(first, event=rare)
        less = _at(first, event=common)
        ds.refuse("first_event_count", more > less, f"more {rare} than {common}", more)
    limit = n * ds.attrs["horizon_years"] * MONTHS
    months = ds["exposure_months"]
    ds.refuse("exposure_months", months > limit, f"more than {limit} months", months)


def _check_disputes(ds: _Counts) -> None:
    crises = ds["crisis_count"]
    by_class = crises.sum(("end_state", "peak_rung", "us_fought"))
    durations = ds["duration_count"].sum("duration_bin")
    ds.refuse(
        "duration_count", durations != by_class, "sum differs from crisis_count", durations
    )
    answered = ds["reciprocated_count"]
    ds.refuse("reciprocated_count", answered > by_class, "more than disputes", answered)
    grave = _at(by_class, dispute_class="grave")
    ds.refuse("wedge_count", ds["wedge_count"] > grave, "more than grave crises", ds["wedge_count"])

    by_peak = crises.sum(("dispute_class", "end_state", "us_fought"))
    worst = _renamed(ds["worst_rung_count"], {"worst_rung": "peak_rung"})
    above = xr.Variable("peak_rung", np.array(FIXED_COORDS["peak_rung"]) > 0)
    ds.refuse(
        "crisis_count", (by_peak < worst) & above,
        "fewer disputes with this highest rung than trajectories with this worst rung", by_peak,
    )
    ds.refuse(
        "crisis_count", by_peak.isel(peak_rung=0) > 0, "a dispute that never left rung 0",
        by_peak.isel(peak_rung=0),
    )
    _check_first_events(ds, by_class)
    wars = _from(by_peak, WAR).sum("peak_rung")
    sizes = ds["coalition_size_count"].sum("coalition_size")
    ds.refuse("coalition_size_count", sizes != wars, "sum differs from the wars", sizes)


def _check_first_events(ds: _Counts, by_class: xr.Variable) -> None:
    """Every event of a trajectory has at least one dispute behind it, and the reverse."""
    first = ds["first_event_count"].sum("year")
    crises = ds["crisis_count"].sum("end_state")
    war = _from(crises, WAR).sum(("peak_rung", "dispute_class"))
    conceded = _at(
        ds["crisis_count"], dispute_class="grave", end_state="defender_concedes"
    )
    disputes = {
        "dispute": by_class.sum("dispute_class"),
        "grave_crisis": _at(by_class, dispute_class="grave"),
        "concession": conceded.sum(("peak_rung", "us_fought")),
        "war": war.sum("us_fought"),
        "great_power_war": war.isel(us_fought=1),
        "nuclear_use": _from(crises, NUCLEAR_USE).sum(("peak_rung", "dispute_class", "us_fought")),
    }
    for event, count in disputes.items():
        seen = _at(first, event=event)
        ds.refuse(
            "first_event_count", (seen > count) | ((seen == 0) & (count > 0)),
            f"event {event} does not fit crisis_count", seen,
        )


def _check_replicates(ds: _Counts) -> None:
    """Replicates add up to the counts that are not split by replicate."""
    if "replicate_count" not in ds.arrays:
        return
    crises = ds["crisis_count"].sum("end_state")
    grave = _at(crises, dispute_class="grave").sum("us_fought")
    totals = {
        "disputes": crises.sum(("dispute_class", "peak_rung", "us_fought")),
        "grave_crises": grave.sum("peak_rung"),
        "grave_wars": _from(grave, WAR).sum("peak_rung"),
    }
    first = ds["first_event_count"].sum("year")
    for event in FIXED_COORDS["event"]:
        totals[event] = _at(first, event=event)
    counted = ds["replicate_count"].sum("replicate")
    for name, total in totals.items():
        found = _at(counted, counted=name)
        ds.refuse("replicate_count", found != total, f"{name} differ from the whole cell", found)


def _check_parties(ds: _Counts) -> None:
    third = ds["is_third_party"]
    crises = ds["crisis_count"].sum(("dispute_class", "end_state", "us_fought"))
    disputes = crises.sum("peak_rung")
    wars = _from(crises, WAR).sum("peak_rung")
    fought, out = ds["fought_count"], ds["stayed_out_count"]
    ds.refuse(
        "stayed_out_count", third & (fought + out != wars), "with fought_count not all wars", out
    )
    limits: dict[str, xr.Variable | int] = {
        "supported": disputes, "vetoed": disputes, "fought": wars, "stayed_out": wars,
        "entrapped": fought, "abandoned": out, "exited": ds.attrs["trajectories"],
    }
    for outcome, limit in limits.items():
        name = f"{outcome}_count"
        ds.refuse(name, ds[name] > limit, "more than there can be", ds[name])
        ds.refuse(name, ~third & (ds[name] > 0), "counted for an actor that is no third party",
                ds[name])
    _check_great_power(ds, fought)


def _check_great_power(ds: _Counts, fought: xr.Variable) -> None:
    actor, actors = ds.attrs.get("great_power", ""), ds.labels["actor"].tolist()
    if actor not in actors:
        return
    crises = _from(ds["crisis_count"].isel(us_fought=1), WAR)
    joint = crises.sum(("dispute_class", "end_state", "peak_rung"))
    one = {"actor": actors.index(actor)}
    counted, here = fought.isel(one), ds["is_third_party"].isel(one)
    ds.refuse(
        "fought_count", here & (counted != joint),
        f"{actor} differs from crisis_count with us_fought = 1", counted,
    )


def _check_sweep(ds: _Counts) -> None:
    if "sweep_event_count" not in ds.arrays:
        return
    n = ds.attrs.get("sweep_trajectories", 0)
    if n < 1:
        raise ResultsError("attribute sweep_trajectories is missing although there is a sweep")
    count = ds["sweep_event_count"]
    ds.refuse("sweep_event_count", count > n, f"more than the {n} trajectories", count)


def _check_companions(ds: xr.Dataset, counts: _Counts) -> None:
    """A companion holds disputes and first events that fit together, as the run does."""
    if "companion_crisis_count" not in ds:
        return
    if ds.attrs.get("companion_trajectories", 0) < 1:
        raise ResultsError(
            "attribute companion_trajectories is missing although there are companions"
        )
    structures = set(ds["structure"].values.tolist())
    strange = set(ds["companion_structure"].values.tolist()) - structures
    if strange:
        raise ResultsError(f"companion_structure: {brief(min(strange))} is no structure of the run")
    held = beliefs(ds)
    if len(set(held)) < len(held):
        raise ResultsError("companion: two are of the same premise and source")
    for k, belief in enumerate(held[1:]):
        try:
            found = _companion(counts, k)
            by_class = found["crisis_count"].sum(("end_state", "peak_rung", "us_fought"))
            answered = found["reciprocated_count"]
            found.refuse("reciprocated_count", answered > by_class, "more than disputes", answered)
            _check_first_events(found, by_class)
        except ResultsError as error:
            label = f"companion {brief(belief.premise)} from the {brief(belief.source)}"
            raise ResultsError(f"{label}: {error}") from None


def _companion(counts: _Counts, k: int) -> _Counts:
    """Return the counts of a companion, named like those of a run."""
    renamed = {new: old for old, new in COMPANION_DIMS.items()}
    arrays = {
        name: _renamed(counts[f"companion_{name}"].isel(companion=k), renamed)
        for name in COMPANION_COUNTS if f"companion_{name}" in counts.arrays
    }
    labels = {
        **counts.labels,
        **{old: counts.labels[new] for new, old in renamed.items() if new in counts.labels},
    }
    return _Counts(arrays, labels, counts.attrs)


def _order(dims: Iterable[object]) -> list[object]:
    """Put the dimensions of the cell first, so that the first wrong cell is named."""
    present = list(dims)
    return [d for d in CELL if d in present] + [d for d in present if d not in CELL]
