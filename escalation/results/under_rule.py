"""The decision rule as a dimension: one rule of a dataset, and datasets from before it was one."""

from __future__ import annotations

import numpy as np
import xarray as xr

from escalation.contracts.codes import DECISION_RULES
from escalation.errors import InputError
from escalation.results.variables import CELL, FIXED_COORDS, FORMAT_VERSION, VARIABLES

DIM = "decision_rule"
_LAST_WITHOUT = 2
"""Last format of one decision rule only."""
_LAST_OF_ONE = 4
"""Last format with one companion at most, that of the priors."""


def rules_of(ds: xr.Dataset) -> list[str]:
    """Decision rules of a dataset; the first is the headline rule."""
    if DIM in ds.coords:
        return [str(name) for name in np.atleast_1d(ds[DIM].values)]
    return [str(ds.attrs.get(DIM, DECISION_RULES[0]))]


def under_rule(ds: xr.Dataset, rule: str | None = None) -> xr.Dataset:
    """Results under one decision rule, without that dimension.

    Parameters
    ----------
    ds : Dataset
        Results; those that hold one rule without the dimension are returned as they are.
    rule : str, optional
        Which rule; the headline rule if not given.

    Returns
    -------
    Dataset
        With the name of the rule in the attribute ``decision_rule``.

    Raises
    ------
    InputError
        A rule that the results do not have.
    """
    known = rules_of(ds)
    chosen = known[0] if rule is None else rule
    if chosen not in known:
        raise InputError(f"unknown decision rule {chosen!r}; choices: {', '.join(known)}")
    if DIM in ds.dims:
        ds = ds.sel({DIM: chosen}, drop=True)
    return ds.assign_attrs({DIM: chosen})


def upgraded(ds: xr.Dataset) -> xr.Dataset:
    """Give results of an older format the dimensions of this one; others come back as they are."""
    version = ds.attrs.get("format_version", FORMAT_VERSION)
    if version <= _LAST_OF_ONE and "prior_crisis_count" in ds:
        ds = _with_companion(ds)
    return _with_rule(ds) if version <= _LAST_WITHOUT and DIM not in ds.dims else ds


def _with_companion(ds: xr.Dataset) -> xr.Dataset:
    """Call what an older file knows of its priors the first companion."""
    names = {str(n): str(n).replace("prior_", "companion_", 1) for n in ds.variables
             if str(n).startswith("prior_")}
    ds = ds.rename(names)
    wider = {n: ds[n].expand_dims("companion") for n in names.values() if n in ds.data_vars}
    coords = {
        name: ("companion", [label], VARIABLES[name].attrs())
        for name, label in (("companion", "own, prior"), ("companion_premise", "own"),
                            ("companion_source", "prior"))
    }
    attrs = dict(ds.attrs)
    attrs["companion_trajectories"] = attrs.pop("prior_trajectories", 0)
    return ds.assign(wider).assign_coords(coords).assign_attrs(attrs)


def _with_rule(ds: xr.Dataset) -> xr.Dataset:
    """Give the counts of one rule its dimension."""
    cell = [dim for dim in CELL if dim != DIM]
    wider = {
        name: ds[name].expand_dims({DIM: [DECISION_RULES[0]]})
        for name in ds.data_vars
        if list(ds[name].dims[: len(cell)]) == cell
    }
    coords = {
        name: (name, np.array(FIXED_COORDS[name]), VARIABLES[name].attrs())
        for name in ("replicate", "counted")
    }
    ds = ds.assign(wider).assign_coords(coords).assign_attrs(format_version=FORMAT_VERSION)
    ds[DIM].attrs = VARIABLES[DIM].attrs()
    return ds
