"""Whether the counts of a dataset are complete and add up."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from reprlib import repr as brief
from typing import Any

import numpy as np
import xarray as xr

from escalation.contracts.codes import NUCLEAR_USE, WAR
from escalation.errors import ResultsError
from escalation.results.companion import beliefs, under
from escalation.results.variables import ATTRIBUTES, CELL, FIXED_COORDS, VARIABLES, names

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
    for name in names("coordinate", "stored", "sweep", "companion"):
        if name in ds.variables:
            _check_form(ds, name)
    _check_labels(ds)
    _check_trajectories(ds)
    _check_disputes(ds)
    _check_replicates(ds)
    _check_parties(ds)
    _check_sweep(ds)
    _check_companions(ds)


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


def _check_form(ds: xr.Dataset, name: str) -> None:
    variable, found = VARIABLES[name], ds[name]
    if found.dims != variable.dims:
        raise ResultsError(f"{name}: dimensions {found.dims}, not {variable.dims}")
    fits = found.dtype.kind == "U" if variable.dtype == "str" else found.dtype == variable.dtype
    if not fits:
        raise ResultsError(f"{name}: type {found.dtype}, not {variable.dtype}")
    if variable.role != "coordinate" and variable.dtype == "int64":
        _refuse(name, found < 0, "negative count", found)
    if variable.dtype == "float64":
        _refuse(name, xr.apply_ufunc(np.isinf, found) | found.isnull(), "not finite", found)


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


def _check_trajectories(ds: xr.Dataset) -> None:
    n = ds.attrs["trajectories"]
    worst = ds["worst_rung_count"]
    for name, dim in (
        ("worst_rung_count", "worst_rung"), ("trajectory_end_count", "trajectory_end"),
    ):
        total = ds[name].sum(dim)
        _refuse(name, total != n, f"does not sum to the {n} trajectories", total)
    first = ds["first_event_count"].sum("year")
    for event, rung in (("dispute", 1), ("war", WAR), ("nuclear_use", NUCLEAR_USE)):
        reached = worst.sel(worst_rung=slice(rung, None)).sum("worst_rung")
        seen = first.sel(event=event, drop=True)
        _refuse(
            "first_event_count", seen != reached,
            f"event {event} differs from the trajectories with a worst rung >= {rung}", seen,
        )
    for rare, common in (
        ("grave_crisis", "dispute"), ("concession", "grave_crisis"), ("great_power_war", "war"),
    ):
        more = first.sel(event=rare, drop=True)
        less = first.sel(event=common, drop=True)
        _refuse("first_event_count", more > less, f"more {rare} than {common}", more)
    limit = n * ds.attrs["horizon_years"] * MONTHS
    months = ds["exposure_months"]
    _refuse("exposure_months", months > limit, f"more than {limit} months", months)


def _check_disputes(ds: xr.Dataset) -> None:
    crises = ds["crisis_count"]
    by_class = crises.sum(("end_state", "peak_rung", "us_fought"))
    durations = ds["duration_count"].sum("duration_bin")
    _refuse(
        "duration_count", durations != by_class, "sum differs from crisis_count", durations
    )
    answered = ds["reciprocated_count"]
    _refuse("reciprocated_count", answered > by_class, "more than disputes", answered)
    grave = by_class.sel(dispute_class="grave", drop=True)
    _refuse("wedge_count", ds["wedge_count"] > grave, "more than grave crises", ds["wedge_count"])

    by_peak = crises.sum(("dispute_class", "end_state", "us_fought"))
    worst = ds["worst_rung_count"].rename(worst_rung="peak_rung").isel(peak_rung=slice(1, None))
    disputes = by_peak.isel(peak_rung=slice(1, None))
    _refuse(
        "crisis_count", disputes < worst,
        "fewer disputes with this highest rung than trajectories with this worst rung", disputes,
    )
    _refuse(
        "crisis_count", by_peak.isel(peak_rung=0) > 0, "a dispute that never left rung 0",
        by_peak.isel(peak_rung=0),
    )
    _check_first_events(ds, by_class)
    wars = by_peak.sel(peak_rung=slice(WAR, None)).sum("peak_rung")
    sizes = ds["coalition_size_count"].sum("coalition_size")
    _refuse("coalition_size_count", sizes != wars, "sum differs from the wars", sizes)


def _check_first_events(ds: xr.Dataset, by_class: xr.DataArray) -> None:
    """Every event of a trajectory has at least one dispute behind it, and the reverse."""
    first = ds["first_event_count"].sum("year")
    crises = ds["crisis_count"].sum("end_state")
    war = crises.sel(peak_rung=slice(WAR, None)).sum(("peak_rung", "dispute_class"))
    conceded = ds["crisis_count"].sel(dispute_class="grave", end_state="defender_concedes")
    disputes = {
        "dispute": by_class.sum("dispute_class"),
        "grave_crisis": by_class.sel(dispute_class="grave", drop=True),
        "concession": conceded.sum(("peak_rung", "us_fought")).drop_vars(
            ["dispute_class", "end_state"]
        ),
        "war": war.sum("us_fought"),
        "great_power_war": war.sel(us_fought=1, drop=True),
        "nuclear_use": crises.sel(peak_rung=slice(NUCLEAR_USE, None)).sum(
            ("peak_rung", "dispute_class", "us_fought")
        ),
    }
    for event, count in disputes.items():
        seen = first.sel(event=event, drop=True)
        _refuse(
            "first_event_count", (seen > count) | ((seen == 0) & (count > 0)),
            f"event {event} does not fit crisis_count", seen,
        )


def _check_replicates(ds: xr.Dataset) -> None:
    """Replicates add up to the counts that are not split by replicate."""
    if "replicate_count" not in ds:
        return
    crises = ds["crisis_count"].sum("end_state")
    grave = crises.sel(dispute_class="grave", drop=True).sum("us_fought")
    totals = {
        "disputes": crises.sum(("dispute_class", "peak_rung", "us_fought")),
        "grave_crises": grave.sum("peak_rung"),
        "grave_wars": grave.sel(peak_rung=slice(WAR, None)).sum("peak_rung"),
    }
    first = ds["first_event_count"].sum("year")
    for event in first["event"].values.tolist():
        totals[event] = first.sel(event=event, drop=True)
    counted = ds["replicate_count"].sum("replicate")
    for name, total in totals.items():
        found = counted.sel(counted=name, drop=True)
        _refuse("replicate_count", found != total, f"{name} differ from the whole cell", found)


def _check_parties(ds: xr.Dataset) -> None:
    third = ds["is_third_party"]
    crises = ds["crisis_count"].sum(("dispute_class", "end_state", "us_fought"))
    disputes = crises.sum("peak_rung")
    wars = crises.sel(peak_rung=slice(WAR, None)).sum("peak_rung")
    fought, out = ds["fought_count"], ds["stayed_out_count"]
    _refuse(
        "stayed_out_count", third & (fought + out != wars), "with fought_count not all wars", out
    )
    limits = {
        "supported": disputes, "vetoed": disputes, "fought": wars, "stayed_out": wars,
        "entrapped": fought, "abandoned": out, "exited": ds.attrs["trajectories"],
    }
    for outcome, limit in limits.items():
        name = f"{outcome}_count"
        _refuse(name, ds[name] > limit, "more than there can be", ds[name])
        _refuse(name, ~third & (ds[name] > 0), "counted for an actor that is no third party",
                ds[name])
    _check_great_power(ds, fought)


def _check_great_power(ds: xr.Dataset, fought: xr.DataArray) -> None:
    actor = ds.attrs.get("great_power", "")
    if actor not in ds["actor"].values:
        return
    crises = ds["crisis_count"].sel(us_fought=1, peak_rung=slice(WAR, None), drop=True)
    joint = crises.sum(("dispute_class", "end_state", "peak_rung"))
    counted = fought.sel(actor=actor, drop=True)
    here = ds["is_third_party"].sel(actor=actor, drop=True)
    _refuse(
        "fought_count", here & (counted != joint),
        f"{actor} differs from crisis_count with us_fought = 1", counted,
    )


def _check_sweep(ds: xr.Dataset) -> None:
    if "sweep_event_count" not in ds:
        return
    n = ds.attrs.get("sweep_trajectories", 0)
    if n < 1:
        raise ResultsError("attribute sweep_trajectories is missing although there is a sweep")
    count = ds["sweep_event_count"]
    _refuse("sweep_event_count", count > n, f"more than the {n} trajectories", count)


def _check_companions(ds: xr.Dataset) -> None:
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
    for belief in held[1:]:
        try:
            found = under(ds, belief)
            by_class = found["crisis_count"].sum(("end_state", "peak_rung", "us_fought"))
            answered = found["reciprocated_count"]
            _refuse("reciprocated_count", answered > by_class, "more than disputes", answered)
            _check_first_events(found, by_class)
        except ResultsError as error:
            label = f"companion {brief(belief.premise)} from the {brief(belief.source)}"
            raise ResultsError(f"{label}: {error}") from None


def _refuse(name: str, wrong: xr.DataArray, what: str, value: xr.DataArray) -> None:
    """Raise for the first True of `wrong`, naming its cell and the value there."""
    if not bool(wrong.any()):
        return
    value = value.transpose(*_order(value.dims))
    wrong = wrong.transpose(*_order(wrong.dims))
    index = dict(zip(wrong.dims, np.unravel_index(int(wrong.values.argmax()), wrong.shape),
                     strict=True))
    where = ", ".join(
        f"{dim}={_label(wrong, dim, i)}" for dim, i in index.items()
    )
    found = value.isel({dim: i for dim, i in index.items() if dim in value.dims}).values
    raise ResultsError(f"{name} at {where}: {what} (found {found})")


def _label(array: xr.DataArray, dim: object, index: Any) -> str:
    """Label along a dimension, harmless in a terminal."""
    label = str(array[dim].values[index]) if dim in array.coords else str(index)
    return label if label.isprintable() and len(label) < 64 else brief(label)


def _order(dims: Iterable[object]) -> list[object]:
    """Put the dimensions of the cell first, so that the first wrong cell is named."""
    present = list(dims)
    return [d for d in CELL if d in present] + [d for d in present if d not in CELL]
