"""What a run holds besides its own counts: its companions.

A companion is a smaller run of the reference and the structures in focus at the same random
numbers, from other parameters: the priors alone, where the run used a posterior, or the priors of a
premise. The first shows what the fit to history changed, the others what follows for those who
believe otherwise.
"""

from __future__ import annotations

from typing import NamedTuple

import xarray as xr

from escalation.errors import InputError, ResultsError
from escalation.results.under_rule import rules_of
from escalation.results.variables import COMPANION_COUNTS, COMPANION_DIMS


class Belief(NamedTuple):
    """Where parameters come from: the priors of a premise, with a posterior or without."""

    premise: str
    source: str


def uses_posterior(ds: xr.Dataset) -> bool:
    """Whether parameters came from a posterior; results that do not say used priors."""
    return ds.attrs.get("parameter_source", "prior") == "posterior"


def own_premise(ds: xr.Dataset) -> str:
    """Name of the study's own priors."""
    return str(ds.attrs.get("premise") or "own")


def centre_words(ds: xr.Dataset) -> str:
    """Where a parameter stands that is not moved, in words."""
    if uses_posterior(ds):
        return "their medians in the posterior (where it has none, their defaults)"
    return "their defaults"


def beliefs(ds: xr.Dataset) -> list[Belief]:
    """Return what the results can be read under, the run itself first."""
    own = Belief(own_premise(ds), "posterior" if uses_posterior(ds) else "prior")
    if "companion" not in ds.coords:
        return [own]
    names = (ds[name].values.tolist() for name in ("companion_premise", "companion_source"))
    return [own, *(Belief(str(p), str(s)) for p, s in zip(*names, strict=True))]


def has_companion(ds: xr.Dataset) -> bool:
    """Whether the results show what the priors alone say, beside a posterior."""
    return Belief(own_premise(ds), "prior") in beliefs(ds)[1:]


def prior_companion(ds: xr.Dataset) -> xr.Dataset:
    """Return the companion under the study's own priors, as a dataset named like that of a run.

    Raises
    ------
    ResultsError
        The results hold none.
    """
    if not has_companion(ds):
        raise ResultsError("the results hold no prior companion: no posterior was used")
    return under(ds, Belief(own_premise(ds), "prior"))


def under(ds: xr.Dataset, belief: Belief) -> xr.Dataset:
    """Return results under a belief: the run itself, or a companion named like a run.

    Returns
    -------
    Dataset
        Of a companion the counts of `COMPANION_COUNTS` (flashpoint, structure, draw, ...), the
        titles, and the attributes of the run with the companion's number of trajectories.

    Raises
    ------
    InputError
        The results do not hold it.
    """
    known = beliefs(ds)
    if belief not in known:
        held = "; ".join(f"{one.premise} from the {one.source}" for one in known)
        raise InputError(f"premise: no results under {belief.premise!r} from the {belief.source} "
                         f"(choices: {held})")
    k = known.index(belief)
    return ds if k == 0 else _companion(ds, k - 1, belief)


def _companion(ds: xr.Dataset, k: int, belief: Belief) -> xr.Dataset:
    counts = {
        name: ds[f"companion_{name}"].isel(companion=k, drop=True).reset_coords(drop=True)
        for name in COMPANION_COUNTS if f"companion_{name}" in ds
    }
    renamed = {new: old for old, new in COMPANION_DIMS.items()}
    found = xr.Dataset(counts, attrs=ds.attrs).rename(renamed)
    titles = {
        f"{dim}_title": (dim, ds[f"{dim}_title"].sel({dim: found[dim].values}).values)
        for dim in ("flashpoint", "structure")
        if f"{dim}_title" in ds.coords
    }
    return found.assign_coords(titles).assign_attrs(
        trajectories=int(ds.attrs["companion_trajectories"]), parameter_source=belief.source,
        premise=belief.premise, decision_rule=rules_of(ds)[0],
    )
