r"""What follows for those who believe otherwise, and what the fit to history changed about it.

A premise is a set of priors. A run holds a companion for each: the reference and the structures in
focus at the same random numbers, with the posterior and from the priors alone. What no run has
played, a premise of the reader's own, is reached by weighting the draws at hand: with :math:`p` the
prior of the run and :math:`p'` that of the premise for each parameter that it speaks of, draw
:math:`j` gets

.. math:: w_j \propto \prod_k p'_k(\theta_{jk}) / p_k(\theta_{jk}),

and as good as :math:`(\sum w)^2 / \sum w^2` draws are left (Kish 1965, Survey Sampling). Below
`LEAST_EFFECTIVE` of them nothing is said. Parameters that the run took from a posterior cannot be
weighted like this, and are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from escalation.analysis.comparison import compare, plausible_values
from escalation.analysis.selection import choose, labels
from escalation.errors import InputError
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import Parameter
from escalation.results.companion import Belief, beliefs, under
from escalation.results.estimates import panel

LEAST_EFFECTIVE = 64
"""Draws, effectively, below which weighted ones say nothing."""
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
) -> xr.Dataset:
    """Compare structures with a reference under every premise, with and without the posterior.

    Parameters
    ----------
    ds : Dataset
        Results.
    on, reference, loss, flashpoints
        What to compare, see :func:`escalation.compare`.

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
    chosen = choose(ds, on, reference=reference, loss=loss, flashpoints=flashpoints)
    held = compared_beliefs(ds)
    shown = labels(ds, "structure" if len(held) == 1 else "companion_structure")
    found = []
    for belief in held:
        own = compare(
            under(ds, belief), [q.risk for q in chosen.risks if q.risk != "loss"],
            reference=chosen.reference, loss=chosen.loss, flashpoints=list(chosen.flashpoints),
        )  # fmt: skip
        own = own.isel(decision_rule=0, drop=True).drop_dims("rank")
        found.append(own[[*SAID]].sel(structure=shown))
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


def weights(ds: xr.Dataset, own: Mapping[str, Parameter], other: Mapping[str, Parameter]
            ) -> np.ndarray:
    """Return the weight of every draw of a run under other priors; they add up to one.

    Parameters
    ----------
    ds : Dataset
        Results.
    own, other : mapping of str to Parameter
        The parameters of the study, and those that a premise changes.

    Returns
    -------
    float array, shape (draw,)

    Raises
    ------
    InputError
        A parameter is fixed, or was taken from a posterior, or hardly a draw is left.
    """
    fitted = set(json.loads(ds.attrs.get("posterior_names") or "[]"))
    pinned = set(json.loads(ds.attrs.get("pinned") or "{}"))
    total = np.zeros(ds.sizes["draw"])
    for name, entry in other.items():
        why = ("is fixed" if isinstance(own[name].prior, Fixed) or isinstance(entry.prior, Fixed)
               else "was taken from the posterior" if name in fitted
               else "was set to a number" if name in pinned else "")
        if why:
            raise InputError(f"premise: parameter {name} {why}, so draws cannot be weighted: run "
                             "the study with this premise among its `premises`")
        drawn = ds["parameter_value"].sel(parameter=name).values
        total += entry.prior.log_density(drawn) - own[name].prior.log_density(drawn)
    found = np.exp(total - total.max())
    found /= found.sum()
    left = effective(found)
    if not left >= LEAST_EFFECTIVE:
        raise InputError(
            f"premise: the draws at hand are worth {left:.0f} under it, fewer than "
            f"{LEAST_EFFECTIVE}: run the study with this premise among its `premises`"
        )
    return found


def effective(found: np.ndarray) -> float:
    """Return how many draws weighted ones are worth (Kish 1965).

    Examples
    --------
    >>> effective(np.array([0.5, 0.5, 0.0]))
    2.0
    """
    return float(found.sum() ** 2 / (found**2).sum())


def weighted_p_safer(
    ds: xr.Dataset, weight: np.ndarray, risk: str, flashpoint: str, structure: str
) -> tuple[float, float]:
    """Return P(safer) of a structure in weighted draws, and its standard error.

    Parameters
    ----------
    ds : Dataset
        Results.
    weight : float array, shape (draw,)
        From `weights`.
    risk, flashpoint, structure : str
        Names; compared with the reference of the results, under the headline rule.

    Raises
    ------
    InputError
        Unknown name.
    """
    chosen = choose(ds, risk, structure=structure, loss={}, flashpoints=flashpoint)
    whole = panel(ds, chosen.risks[0], flashpoint, chosen.rules[0], chosen.loss)
    values = plausible_values(whole)
    mine = values[whole.structures.index(structure)]
    base = values[whole.structures.index(chosen.reference)]
    less = ((mine < base) + 0.5 * (mine == base)).mean(axis=-1)
    p = float(weight @ less)
    return p, float(np.sqrt((weight**2 * (less - p) ** 2).sum()))
