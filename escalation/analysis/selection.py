"""What a question about results names, resolved once: risks, reference, structure, flashpoints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import xarray as xr

from escalation.errors import InputError, ResultsError
from escalation.results.quantities import LOSS, LOSS_EVENTS, Quantity, chosen_risks
from escalation.results.under_rule import rules_of


class Choice(NamedTuple):
    """What is compared with what, checked against the results.

    Attributes
    ----------
    risks : tuple of Quantity
        The weighted loss is the last one, if there is one.
    reference : str
    structure : str
        Structure whose difference to the reference is looked into; empty where there is none.
    flashpoints : tuple of str
    rules : tuple of str
        The headline rule first.
    loss : dict of str to float
        Weights of events; empty for none.
    """

    risks: tuple[Quantity, ...]
    reference: str
    structure: str
    flashpoints: tuple[str, ...]
    rules: tuple[str, ...]
    loss: dict[str, float]


def choose(
    ds: xr.Dataset,
    on: str | Sequence[str] | None = None,
    *,
    reference: str | None = None,
    structure: str | None = None,
    loss: Mapping[str, float] | None = None,
    flashpoints: str | Sequence[str] | None = None,
) -> Choice:
    """Resolve the options that all questions share.

    Parameters
    ----------
    ds : Dataset
        Results.
    on : str or sequence of str, optional
        Words of risks, of `escalation.results.quantities.RISKS`; the headline risks if not given.
    reference : str, optional
        Structure to compare with; that of the study if not given.
    structure : str, optional
        Whose difference to look into; the study's first in focus if not given.
    loss : mapping of str to float, optional
        Weights of events; those of the study if not given, none if empty. They add the risk
        ``loss``.
    flashpoints : str or sequence of str, optional
        Only these.

    Raises
    ------
    InputError
        Unknown name.
    ResultsError
        No reference, or one structure only.
    """
    base = chosen_reference(ds, reference)
    weights = stated_loss(ds) if loss is None else dict(loss)
    risks = tuple(chosen_risks(on))
    return Choice(
        (*risks, LOSS) if weights else risks,
        base,
        chosen_structure(ds, base, structure),
        _chosen_flashpoints(ds, flashpoints),
        tuple(rules_of(ds)),
        weights,
    )


def labels(ds: xr.Dataset, dim: str) -> list[str]:
    """Return the labels of a dimension as text."""
    return [str(name) for name in ds[dim].values.tolist()]


def chosen_reference(ds: xr.Dataset, reference: str | None = None) -> str:
    """Return the structure that the others are compared with.

    Raises
    ------
    InputError
        One was named that the results do not have.
    ResultsError
        None was named, and the results know none.
    """
    known = labels(ds, "structure")
    if reference is None:
        reference = str(ds.attrs.get("reference", ""))
        if reference not in known:
            raise ResultsError("the results have no reference structure: name one")
    if reference not in known:
        raise InputError(
            f"reference: unknown structure {reference!r} (choices: {', '.join(known)})"
        )
    return reference


def chosen_structure(ds: xr.Dataset, reference: str, structure: str | None = None) -> str:
    """Return the structure whose difference is looked into: named, or the study's first in focus.

    Raises
    ------
    InputError
        Unknown, or the reference itself, or nothing to choose.
    """
    others = [name for name in labels(ds, "structure") if name != reference]
    if not others:
        raise InputError("the results have one structure only: nothing to compare")
    if structure is None:
        focus: Sequence[str] = json.loads(ds.attrs.get("focus") or "[]")
        structure = next((name for name in focus if name in others), others[-1])
    if structure not in others:
        raise InputError(
            f"structure: {structure!r} cannot be compared (choices: {', '.join(others)})"
        )
    return structure


def asked(ds: xr.Dataset) -> xr.Dataset:
    """Return results whose reference and first focus are what the study's answer compares.

    Parameters
    ----------
    ds : Dataset
        Results; those that do not say, or lack a structure that they name, come back as they are.

    Examples
    --------
    >>> asked(ds.assign_attrs(answer='{"structure": "asian_nato", "against": "quad"}')).reference
    'quad'
    """
    answer: Mapping[str, str] = json.loads(ds.attrs.get("answer") or "{}")
    known = labels(ds, "structure")
    structure, against = answer.get("structure"), answer.get("against")
    if structure not in known or against not in known or structure == against:
        return ds
    focus = [structure, *json.loads(ds.attrs.get("focus") or "[]")]
    return ds.assign_attrs(reference=against, focus=json.dumps(list(dict.fromkeys(focus))))


def also_asked(ds: xr.Dataset) -> str | None:
    """Return the third structure of the study's answer, if it names one."""
    also = json.loads(ds.attrs.get("answer") or "{}").get("also")
    return also if also in labels(ds, "structure") else None


def asked_over(ds: xr.Dataset) -> tuple[str, str] | None:
    """Return the two parameters over which the study wants its answer drawn, if it says."""
    names = json.loads(ds.attrs.get("answer") or "{}").get("over") or []
    known = labels(ds, "parameter")
    return (names[0], names[1]) if len(names) == 2 and set(names) <= set(known) else None


def unknown_numbers(ds: xr.Dataset) -> int:
    """Return how many parameters vary over draws and act in some cell of the results.

    Results of older files do not say which act; all that vary count there.
    """
    values = ds["parameter_value"].transpose("parameter", "draw")
    varies = (values != values.isel(draw=0)).any("draw").values
    if "parameter_acts" in ds:
        acts = ds["parameter_acts"].transpose(..., "parameter").values
        varies = varies & acts.reshape(-1, acts.shape[-1]).any(axis=0)
    return int(varies.sum())


def focus_of(ds: xr.Dataset, reference: str) -> list[str]:
    """Return the structures in focus other than the reference, or the one that stands for them.

    Raises
    ------
    InputError
        There is nothing to choose.
    """
    others = [name for name in labels(ds, "structure") if name != reference]
    focus: Sequence[str] = json.loads(ds.attrs.get("focus") or "[]")
    return [n for n in focus if n in others] or [chosen_structure(ds, reference)]


def _chosen_flashpoints(ds: xr.Dataset, wanted: str | Sequence[str] | None) -> tuple[str, ...]:
    known = labels(ds, "flashpoint")
    if wanted is None:
        return tuple(known)
    names = [wanted] if isinstance(wanted, str) else list(dict.fromkeys(wanted))
    for name in names:
        if name not in known:
            raise InputError(f"unknown flashpoint {name!r} (choices: {', '.join(known)})")
    return tuple(names)


def stated_loss(ds: xr.Dataset) -> dict[str, float]:
    """Return the weights of events that the study states; empty for none."""
    weights = json.loads(ds.attrs.get("loss") or "{}")
    return {str(k): float(v) for k, v in weights.items() if k in LOSS_EVENTS}
