"""What drives a difference between two structures, and what flips it: all from the draws at hand.

For each flashpoint and risk the difference of two structures is taken draw by draw and handed
to the sensitivity analysis (with its Monte Carlo variance), to the search for single-parameter
thresholds and for a box of reversed ranking; the value of information looks at all structures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from escalation.analysis.comparison import Comparison
from escalation.errors import InputError
from escalation.parameters.registry import REGISTRY
from escalation.results.support import DRIVER_DRAWS, Says, Support, of_drivers
from escalation.statistics.boxes import Box, find_box
from escalation.statistics.design import Design
from escalation.statistics.information import Information, value_of_information
from escalation.statistics.noise import apart
from escalation.statistics.sensitivity import Sensitivity, sensitivity
from escalation.statistics.thresholds import Threshold, find_thresholds

RECORD_CLAIM = "generic dispute"
"""Claim of the parameters that turn a row of the record into numbers; no study reads them."""


@dataclass(frozen=True)
class Drivers:
    """Drivers and flips of one difference.

    Attributes
    ----------
    structure, reference : str
        Whose difference.
    sensitivity : Sensitivity
        Of the difference.
    thresholds : tuple of Threshold
        Single-parameter flips, the weightiest first.
    box : Box or None
        Where the ranking is reversed; None where it never is.
    information : Information
        Value of knowing a parameter before choosing among all structures.
    """

    structure: str
    reference: str
    sensitivity: Sensitivity
    thresholds: tuple[Threshold, ...]
    box: Box | None
    information: Information


@dataclass(frozen=True)
class Designs:
    """Draws of the parameters that vary, prepared once for every output.

    Attributes
    ----------
    design : Design
    constant : int
        Parameters that have the same value in every draw and are left out.
    """

    design: Design
    constant: int

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters that vary."""
        return self.design.names


def designs(ds: xr.Dataset, rule: str, flashpoint: str) -> Designs:
    """Prepare the parameter draws of results for one flashpoint.

    Parameters that cannot act there are left out: those that only another decision rule or
    only disputes of the record read, and the study's own of other flashpoints.

    Raises
    ------
    InputError
        Fewer than 16 draws, or no parameter that varies.
    """
    n = ds.sizes["draw"]
    if n < DRIVER_DRAWS:
        raise InputError(
            f"{n} parameter draws say nothing about what drives a result: at least {DRIVER_DRAWS}"
        )
    names = [str(name) for name in ds["parameter"].values.tolist()]
    others = [str(name) for name in ds["flashpoint"].values.tolist() if name != flashpoint]
    values = ds["parameter_value"].transpose("draw", "parameter").values
    varies = np.ptp(values, axis=0) > 0
    acts = np.array([_may_act(name, rule, others) for name in names])
    kept = np.flatnonzero(acts & varies)
    if not len(kept):
        raise InputError("no parameter varies over the draws: nothing can drive a result")
    x, chosen = values[:, kept], [names[k] for k in kept]
    joint = _drawn_jointly(ds)
    return Designs(
        Design(x, chosen, joint=[name for name in chosen if name in joint]),
        int((acts & ~varies).sum()),
    )


def _drawn_jointly(ds: xr.Dataset) -> set[str]:
    """Parameters of a posterior, and those whose priors the study correlates."""
    names = json.loads(ds.attrs.get("posterior_names") or "[]")
    pairs = json.loads(ds.attrs.get("correlations") or "[]")
    return {*names, *(name for pair in pairs for name in pair["between"])}


def _may_act(name: str, rule: str, others: Sequence[str]) -> bool:
    """Whether a parameter can act at a flashpoint, `others` being the other ones."""
    if name in REGISTRY:
        entry = REGISTRY[name]
        return entry.rule in ("", rule) and entry.claim != RECORD_CLAIM
    return not any(name.startswith(f"{other}.") for other in others)


def drivers(found: Comparison, structure: str, made: Designs) -> Drivers | None:
    """Find what drives and what flips the difference of a structure to the reference.

    Parameters
    ----------
    found : Comparison
        Of one risk at one flashpoint.
    structure : str
        Which structure.
    made : Designs
        From `designs`, of the same results, rule and flashpoint.

    Returns
    -------
    Drivers or None
        None where the counts do not carry it, see `driver_support`.
    """
    if driver_support(found, structure, made).reason:
        return None
    s, r = found.structures.index(structure), found.structures.index(found.reference)
    d = apart(found.values[s], found.values[r])
    label = f"{structure} minus {found.reference}, {found.quantity.risk}"
    centre = apart(found.clean.centre[s], found.clean.centre[r])
    influence = sensitivity(made.design, d, known_noise(found, s), label=label)
    if influence.all_noise:
        return None
    return Drivers(
        structure,
        found.reference,
        influence,
        tuple(find_thresholds(made.design, d)),
        find_box(made.design, centre),
        value_of_information(made.design, found.clean.centre, found.structures),
    )


def driver_support(found: Comparison, structure: str, made: Designs) -> Support:
    """Return what the counts carry about the drivers of a difference; see `drivers`.

    Where they carry it, `drivers` still finds none if the difference varies by chance alone.
    """
    s, r = found.structures.index(structure), found.structures.index(found.reference)
    if found.draws != made.design.n:
        return Support(Says.VERDICT, "a draw without a value")
    return of_drivers(found.support[s], max(found.hits[s], found.hits[r]), found.draws)


def known_noise(found: Comparison, s: int) -> np.ndarray:
    """Monte Carlo variance of a difference in every draw; its mean where it is not known."""
    noise = found.difference_noise[s]
    return np.where(np.isfinite(noise), noise, np.nanmean(noise))


def chosen_structure(ds: xr.Dataset, reference: str, structure: str | None = None) -> str:
    """Structure whose difference is looked into: the one named, or the study's first in focus.

    Raises
    ------
    InputError
        Unknown, or the reference itself, or nothing to choose.
    """
    known = [str(name) for name in ds["structure"].values.tolist()]
    others = [name for name in known if name != reference]
    if structure is None:
        focus: Sequence[str] = json.loads(ds.attrs.get("focus") or "[]")
        structure = next((name for name in focus if name in others), None)
        structure = structure or (others[-1] if others else None)
    if structure is None:
        raise InputError("the results have one structure only: nothing to compare")
    if structure not in others:
        raise InputError(
            f"structure: {structure!r} cannot be compared (choices: {', '.join(others)})"
        )
    return structure
