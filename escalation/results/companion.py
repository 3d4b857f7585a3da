"""What a run that takes its parameters from a posterior holds besides: its prior companion.

The companion is a smaller run of the reference and the structures in focus, with every
parameter drawn from its prior, at the same random numbers. It shows what the fit to history
changed.
"""

from __future__ import annotations

import xarray as xr

from escalation.errors import ResultsError
from escalation.results.variables import COMPANION_COUNTS, COMPANION_DIMS


def uses_posterior(ds: xr.Dataset) -> bool:
    """Whether parameters came from a posterior; results that do not say used priors."""
    return ds.attrs.get("parameter_source", "prior") == "posterior"


def centre_words(ds: xr.Dataset) -> str:
    """Where a parameter stands that is not moved, in words."""
    if uses_posterior(ds):
        return "their medians in the posterior (where it has none, their defaults)"
    return "their defaults"


def has_companion(ds: xr.Dataset) -> bool:
    """Whether the results hold a prior companion."""
    return "prior_crisis_count" in ds.variables


def prior_companion(ds: xr.Dataset) -> xr.Dataset:
    """Return the prior companion as a dataset of its own, named like that of a run.

    Returns
    -------
    Dataset
        The counts of `COMPANION_COUNTS` (flashpoint, structure, draw, ...), the titles, and
        the attributes of the run with the companion's number of trajectories.

    Raises
    ------
    ResultsError
        The results hold no prior companion.
    """
    if not has_companion(ds):
        raise ResultsError("the results hold no prior companion: no posterior was used")
    counts = {name: ds[f"prior_{name}"] for name in COMPANION_COUNTS}
    renamed = {new: old for old, new in COMPANION_DIMS.items()}
    prior = xr.Dataset(counts, attrs=ds.attrs).rename(renamed)
    titles = {
        f"{dim}_title": (dim, ds[f"{dim}_title"].sel({dim: prior[dim].values}).values)
        for dim in ("flashpoint", "structure")
        if f"{dim}_title" in ds.coords
    }
    return prior.assign_coords(titles).assign_attrs(
        trajectories=int(ds.attrs["prior_trajectories"]), parameter_source="prior"
    )
