"""Plain arrays of counts in, annotated and checked dataset out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from escalation.contracts import codes
from escalation.errors import ResultsError
from escalation.results.check import check_dataset
from escalation.results.variables import (
    ATTRIBUTES,
    FIXED_COORDS,
    FORMAT_VERSION,
    VARIABLES,
    Variable,
    names,
)

__all__ = ["build_dataset", "check_dataset", "empty_dataset", "plain_attrs"]


def build_dataset(
    arrays: Mapping[str, np.ndarray],
    coords: Mapping[str, Any],
    attrs: Mapping[str, Any],
) -> xr.Dataset:
    """Annotate counts with dimensions, coordinates, units and definitions, and check them.

    Parameters
    ----------
    arrays : mapping
        Every stored variable of the registry by name, with the registered dimensions in
        the registered order. Those of the sweep all or none; with them may come
        ``sweep_trajectories``, which becomes an attribute. Those of companions all or none.
    coords : mapping
        Values of ``flashpoint``, ``structure``, ``actor`` and ``parameter``, and
        ``sweep_parameter`` and ``sweep_structure``, which are ignored without a sweep, and
        those of companions, which are ignored without any.
        ``decision_rule`` is expected utility if left out. ``draw`` and ``year`` count up if
        left out, or may be given as ``n_draws`` and ``n_years``. ``is_third_party`` may stand
        here as well as among the arrays. Optional: ``flashpoint_title``, ``structure_title``
        and ``actor_title``, in the order of the names. All other coordinates are fixed.
    attrs : mapping
        Attributes. Mappings and sequences are stored as JSON text, None as empty text; whole
        numbers may come as text.

    Returns
    -------
    Dataset
        Counts only, see :func:`escalation.results.derive.with_probabilities`.

    Raises
    ------
    ResultsError
        Something is missing, unknown, of the wrong shape or type, or does not add up; the
        message names the variable and the cell.
    """
    arrays, coords, attrs = _sorted_out(arrays, coords, attrs)
    _refuse_unknown(arrays, coords)
    ds = _assemble(arrays, _all_coords(arrays, coords, attrs), plain_attrs(attrs))
    check_dataset(ds)
    return ds


def empty_dataset(coords: Mapping[str, Any], attrs: Mapping[str, Any]) -> xr.Dataset:
    """All stored variables of a run without a sweep, filled with zeros; not checked.

    Parameters
    ----------
    coords, attrs : mapping
        As in `build_dataset`; ``draw`` is needed.
    """
    _, coords, attrs = _sorted_out({}, coords, attrs)
    values = _all_coords({}, coords, attrs)
    values["coalition_size"] = np.arange(len(values["actor"]) + 1)
    arrays = {}
    for name in names("stored"):
        variable = VARIABLES[name]
        if variable.optional:
            continue
        shape = tuple(len(values[dim]) for dim in variable.dims)
        arrays[name] = np.zeros(shape, variable.dtype)
    return _assemble(arrays, values, plain_attrs(attrs))


def plain_attrs(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as text, int, float and (where registered) bool, so that a file can hold them.

    Raises
    ------
    ResultsError
        A value of the wrong type for its name, or one that no file can hold.
    """
    found = {str(name): _plain_attr(str(name), value) for name, value in attrs.items()}
    found.setdefault("format_version", FORMAT_VERSION)
    return found


def _plain_attr(name: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        value = ""
    if isinstance(value, (Mapping, list, tuple)):
        plain = dict(value) if isinstance(value, Mapping) else list(value)
        value = json.dumps(plain, ensure_ascii=False, default=str)
    wanted = ATTRIBUTES[name].type if name in ATTRIBUTES else None
    if isinstance(value, bool):
        value = value if wanted is bool else int(value)
    elif wanted is bool and value in (0, 1):
        value = bool(value)
    elif wanted is int and isinstance(value, str) and value.isdecimal():
        value = int(value)
    if wanted is not None and not isinstance(value, wanted):
        raise ResultsError(f"attribute {name}: {value!r} is no {wanted.__name__}")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise ResultsError(f"attribute {name}: {value} does not fit into 64 bits")
    if not isinstance(value, (str, bool, int, float)):
        raise ResultsError(f"attribute {name}: cannot store a {type(value).__name__}")
    return value


def _sorted_out(
    arrays: Mapping[str, Any], coords: Mapping[str, Any], attrs: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Put everything where it belongs, whichever of the permitted places it came from."""
    arrays, coords, attrs = dict(arrays), dict(coords), dict(attrs)
    if "sweep_trajectories" in arrays:
        attrs["sweep_trajectories"] = int(arrays.pop("sweep_trajectories"))
    if "is_third_party" in coords:
        arrays["is_third_party"] = coords.pop("is_third_party")
    for dim, size, first in (("draw", "n_draws", 0), ("year", "n_years", 1)):
        if size in coords:
            coords.setdefault(dim, np.arange(first, first + int(coords.pop(size))))
    if not any(name in arrays for name in ("sweep_value", "sweep_event_count")):
        coords = {name: value for name, value in coords.items() if not name.startswith("sweep_")}
    if "companion_crisis_count" not in arrays:
        coords = {k: value for k, value in coords.items() if not k.startswith("companion")}
    return arrays, coords, attrs


def _refuse_unknown(arrays: Mapping[str, Any], coords: Mapping[str, Any]) -> None:
    known = set(names("stored", "sweep", "companion"))
    unknown = sorted(set(arrays) - known)
    if unknown:
        raise ResultsError(f"unknown variables: {', '.join(unknown)}")
    unknown = sorted(set(coords) - set(names("coordinate", "sweep", "companion")))
    if unknown:
        raise ResultsError(f"unknown coordinates: {', '.join(unknown)}")


def _all_coords(
    arrays: Mapping[str, np.ndarray], coords: Mapping[str, Any], attrs: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    values: dict[str, Any] = dict(FIXED_COORDS)
    values["decision_rule"] = codes.DECISION_RULES[:1]
    values["duration_from_days"] = codes.DURATION_EDGES_DAYS
    values |= coords
    values.setdefault("year", np.arange(1, int(attrs.get("horizon_years", 0)) + 1))
    if "coalition_size_count" in arrays:
        values["coalition_size"] = np.arange(np.shape(arrays["coalition_size_count"])[-1])
    if "worst_rung_count" in arrays and np.ndim(arrays["worst_rung_count"]) == 5:
        values.setdefault("draw", np.arange(np.shape(arrays["worst_rung_count"])[3]))
    if "sweep_value" in arrays:
        values.setdefault("sweep_point", np.arange(np.shape(arrays["sweep_value"])[-1]))
    if "companion_crisis_count" in arrays:
        size = np.shape(arrays["companion_crisis_count"])[3]
        values.setdefault("companion_draw", np.arange(size))
    return {name: _typed(VARIABLES[name], value) for name, value in values.items()}


def _typed(variable: Variable, value: Any) -> np.ndarray:
    array = np.asarray(value)
    if variable.dtype == "str":
        return array.astype(str)
    if variable.dtype == "float64" and array.dtype.kind in "iuf":
        return array.astype(np.float64)
    if variable.dtype == "int64" and array.dtype.kind in "iu":
        return array.astype(np.int64)
    return array


def _assemble(
    arrays: Mapping[str, np.ndarray], coords: Mapping[str, np.ndarray], attrs: dict[str, Any]
) -> xr.Dataset:
    data = {}
    sizes = {name: value.size for name, value in coords.items()}
    for name, array in arrays.items():
        variable = VARIABLES[name]
        data[name] = (variable.dims, _shaped(variable, np.asarray(array), sizes), variable.attrs())
    labels = {
        name: (VARIABLES[name].dims, value, VARIABLES[name].attrs())
        for name, value in coords.items()
    }
    try:
        return xr.Dataset(data, labels, attrs)
    except ValueError as error:
        raise ResultsError(f"the coordinates do not fit together: {error}") from None


def _shaped(variable: Variable, array: np.ndarray, sizes: Mapping[str, int]) -> np.ndarray:
    """Return the array if it has the registered dimensions and can hold the registered type."""
    wanted = tuple(sizes.get(dim) for dim in variable.dims)
    if array.shape != wanted:
        raise ResultsError(
            f"{variable.name}: shape {array.shape}, but dimensions {variable.dims} "
            f"are {wanted} long"
        )
    return _typed(variable, array)
