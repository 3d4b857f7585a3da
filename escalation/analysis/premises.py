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
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from escalation.analysis.comparison import compare, plausible_values
from escalation.analysis.selection import Choice, choose, labels
from escalation.errors import InputError
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import Parameter
from escalation.results.companion import Belief, beliefs, under
from escalation.results.estimates import panel
from escalation.results.kept_study import kept_with_premise
from escalation.results.quantities import Quantity
from escalation.results.support import Says

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
    if not other:
        raise InputError("premise: it says nothing of any parameter of the study")
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
    try:
        text = Path(premise).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise InputError(f"premise: cannot read {os.fspath(premise)!r}: {reason}") from None
    study, read = kept_with_premise(ds, text)
    weight = weights(ds, study.parameters, read.parameters)
    chosen = choose(ds, on, reference=reference, loss={}, flashpoints=flashpoints)
    own = compare(ds, on, reference=reference, loss={}, flashpoints=flashpoints)
    own = own.isel(decision_rule=0, drop=True)[["p_safer", "verdict", "says"]]
    found = np.array([
        [_safer(chosen, ds, f, q, weight) for q in chosen.risks] for f in chosen.flashpoints
    ])  # fmt: skip
    dims = ("flashpoint", "risk", "structure")
    carried = own["says"].transpose(*dims) >= Says.VERDICT
    return own.rename(p_safer="p_safer_own").assign(
        p_safer=(dims, np.where(carried, found[..., 0], np.nan)),
        p_safer_error=(dims, np.where(carried, found[..., 1], np.nan)),
    ).assign_attrs(
        premise=read.title, reference=chosen.reference, effective=effective(weight)
    )  # fmt: skip


def _safer(
    chosen: Choice, ds: xr.Dataset, flashpoint: str, quantity: Quantity, weight: np.ndarray
) -> np.ndarray:
    """Return P(safer) of every structure and its standard error, shape (structure, 2)."""
    whole = panel(ds, quantity, flashpoint, chosen.rules[0])
    values = plausible_values(whole)
    base = values[whole.structures.index(chosen.reference)]
    less = ((values < base) + 0.5 * (values == base)).mean(axis=-1)
    known = np.isfinite(values).all(axis=(0, 2))
    weight = np.where(known, weight, 0.0)
    weight = weight / max(weight.sum(), 1e-300)
    p = less @ weight
    error = np.sqrt(((less - p[:, None]) ** 2) @ weight**2)
    return np.stack([p, error], axis=1)
