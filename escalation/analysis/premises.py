"""What follows for those who believe otherwise, and what the fit to history changed about it.

A premise is a set of priors. A run holds a companion for each: the reference and the structures in
focus at the same random numbers, with the posterior and from the priors alone. What no run has
played, a premise of the reader's own, is reached by weighting the draws at hand
(:mod:`escalation.analysis.reweighting`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

import xarray as xr

from escalation.analysis.comparison import compare
from escalation.analysis.reweighting import reweight
from escalation.analysis.selection import labels
from escalation.results.companion import Belief, beliefs, under

SAID = (
    "mean", "difference", "difference_monte_carlo_se", "difference_low", "difference_high",
    "p_safer", "p_safer_low", "p_safer_high", "verdict", "says", "reason",
)  # fmt: skip
"""Variables of a comparison that are told for every premise."""


def premises(
    ds: xr.Dataset,
    on: str | Sequence[str] | None = None,
    *,
    reference: str | None = None,
    loss: Mapping[str, float] | None = None,
    flashpoints: str | Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Compare structures with a reference under every premise, with and without the posterior.

    Parameters
    ----------
    ds : Dataset
        Results.
    on, reference, loss, flashpoints
        What to compare, see :func:`escalation.compare`.
    progress : callable, optional
        Called with (premises done, premises in all), with and without the posterior.

    Returns
    -------
    Dataset
        By ``belief``, ``flashpoint``, ``risk`` and ``structure``, under the headline decision
        rule, the variables of :func:`escalation.compare` that `SAID` names. The coordinates
        ``premise`` and ``source`` (posterior or prior) of a belief say what it is, ``draws`` how
        many it rests on; the first is the run itself. Structures are those of the companions.

    Raises
    ------
    InputError
        Unknown name.
    ResultsError
        No reference, one structure only, or counts are missing.

    Examples
    --------
    >>> found = premises(ds, "war")
    >>> found["premise"].values.tolist(), found["source"].values.tolist()
    (['own'], ['prior'])
    """
    held = compared_beliefs(ds)
    shown = labels(ds, "structure" if len(held) == 1 else "companion_structure")
    found = []
    for belief in held:
        compared = compare(
            under(ds, belief), on, reference=reference, loss=loss, flashpoints=flashpoints
        )
        told = compared.isel(decision_rule=0, drop=True).drop_dims("rank")[[*SAID]]
        found.append(told.sel(structure=shown))
        if progress is not None:
            progress(len(found), len(held))
    whole = xr.concat(found, "belief", join="exact", combine_attrs="override")
    return whole.assign_coords(
        premise=("belief", [belief.premise for belief in held]),
        source=("belief", [belief.source for belief in held]),
        draws=("belief", [under(ds, belief).sizes["draw"] for belief in held]),
    )


def compared_beliefs(ds: xr.Dataset) -> list[Belief]:
    """Return the beliefs under which there is more than the reference, the run itself first."""
    held = beliefs(ds)
    return held if ds.sizes.get("companion_structure", 0) > 1 else held[:1]


def weighted(
    ds: xr.Dataset,
    premise: str | os.PathLike[str],
    on: str | Sequence[str] | None = None,
    *,
    reference: str | None = None,
    flashpoints: str | Sequence[str] | None = None,
) -> xr.Dataset:
    """Compare structures with a reference under a premise of the reader's own, without a new run.

    Parameters
    ----------
    ds : Dataset
        Results of a study read from files.
    premise : path
        File of the premise, as in ``configs/premises/``.
    on, reference, flashpoints
        What to compare, see :func:`escalation.compare`.

    Returns
    -------
    Dataset
        By ``flashpoint``, ``risk`` and ``structure``, under the headline decision rule: ``p_safer``
        with its standard error ``p_safer_error`` over weighted draws, and of the run as it is
        ``p_safer_own``, ``verdict`` and ``says``; NaN where the counts carry no comparison.
        Attributes ``premise``, ``reference`` and ``effective`` (draws).

    Raises
    ------
    InputError
        The file cannot be read or is no premise, it speaks of a parameter that draws cannot be
        weighted for, or hardly a draw is left.
    ResultsError
        The study cannot be read, there is nothing to compare, or counts are missing.
    """
    found = reweight(ds, premise, on, reference=reference, flashpoints=flashpoints)
    own = compare(ds, on, reference=reference, loss={}, flashpoints=flashpoints)
    own = own.isel(decision_rule=0, drop=True)[["p_safer", "verdict", "says"]]
    return own.rename(p_safer="p_safer_own").assign(
        {name: found[name] for name in ("p_safer", "p_safer_error")}
    ).assign_attrs({name: found.attrs[name] for name in ("premise", "reference", "effective")})
