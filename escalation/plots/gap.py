"""The difference of one structure to the reference in every draw, with the draw's parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from escalation.analysis.comparison import Comparison, chosen_reference, compare_panel
from escalation.analysis.risks import chosen_risks, panel
from escalation.errors import InputError, ResultsError
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import REGISTRY
from escalation.plots.estimates import focus, need, one
from escalation.plots.grid import compared
from escalation.plots.style import plain

FEWEST_DRAWS = 16
"""Draws below which nothing can be said of single parameters."""


class Gap(NamedTuple):
    """A risk under one structure minus that under the reference, at one flashpoint.

    Attributes
    ----------
    flashpoint, structure : str
    comparison : Comparison
        Of all structures.
    place : int
        Of the structure in the comparison.
    difference, noise : array (draw,)
        The difference and its Monte Carlo variance.
    plausible : array (draw, copy)
        The difference without chance.
    names : tuple of str
        Parameters that vary.
    values : array (draw, parameter)
        In raw units.
    joint : tuple of str
        Parameters that were drawn jointly.
    """

    flashpoint: str
    structure: str
    comparison: Comparison
    place: int
    difference: np.ndarray
    noise: np.ndarray
    plausible: np.ndarray
    names: tuple[str, ...]
    values: np.ndarray
    joint: tuple[str, ...]


def find_gap(
    ds: xr.Dataset, structure: str | None, risk: str, flashpoint: str | None
) -> Gap:
    """Read a difference and the parameters off results under one decision rule.

    Parameters
    ----------
    structure
        The first in focus when None.
    risk
        Of `escalation.analysis.risks.RISKS`.
    flashpoint
        The first of the study when None.

    Raises
    ------
    InputError
        Unknown structure, risk or flashpoint, or the reference as the structure.
    ResultsError
        Nothing to compare, fewer than 16 draws, or a difference that is zero in all of them.
    """
    need(ds, "parameter_value")
    structure = chosen_structure(ds, structure)
    flashpoint = one(ds, "flashpoint", flashpoint)
    (wanted,) = chosen_risks([risk])
    whole = panel(ds, wanted, flashpoint)
    c = compare_panel(whole, chosen_reference(ds))
    if c.draws < FEWEST_DRAWS:
        raise ResultsError(
            f"{c.draws} draws say too little of single parameters; at least {FEWEST_DRAWS} "
            "are needed"
        )
    s, r = c.structures.index(structure), c.structures.index(c.reference)
    difference = c.values[s] - c.values[r]
    if not difference.any():
        raise ResultsError(f"{wanted.title} is the same under {structure} and {c.reference}")
    kept = np.isfinite(whole.values).all(axis=0)
    values = ds["parameter_value"].transpose("draw", "parameter").to_numpy()[kept]
    moves = np.ptp(values, axis=0) > 0
    names = tuple(str(name) for name in ds["parameter"].values[moves].tolist())
    return Gap(
        flashpoint, structure, c, s, difference, c.difference_noise[s],
        c.clean.plausible[s] - c.clean.plausible[r],
        names, values[:, moves], tuple(n for n in names if n in _drawn_jointly(ds.attrs)),
    )  # fmt: skip


def chosen_structure(ds: xr.Dataset, wanted: str | None) -> str:
    """Structure to set against the reference, the first in focus when None.

    Raises
    ------
    InputError
        Unknown, or the reference itself.
    ResultsError
        There is nothing to compare.
    """
    others = compared(ds)
    if wanted is None:
        stated = [s for s in _listed(ds.attrs, "focus") if s in others]
        return (stated or [s for s in focus(ds) if s in others] or others)[0]
    if wanted not in others:
        raise InputError(
            f"structure {wanted!r} cannot be set against the reference; "
            f"choices: {', '.join(others)}"
        )
    return wanted


def parameter_label(name: str, width: int = 34, lines: int = 2) -> str:
    """Name of a parameter in words."""
    return plain(name.replace("_", " ").strip(), width, lines)


def unit(name: str) -> str:
    """Unit of a parameter, empty for pure numbers and parameters of the study's own."""
    known = REGISTRY.get(name)
    return "" if known is None or known.unit == "1" or isinstance(known.prior, Fixed) else (
        f" {known.unit}"
    )


def _drawn_jointly(attrs: Mapping[str, Any]) -> set[str]:
    """Parameters of the posterior, and those with correlated priors."""
    pairs = _listed(attrs, "correlations")
    correlated = {str(word) for pair in pairs for word in _words(pair)}
    return {str(name) for name in _listed(attrs, "posterior_names")} | correlated


def _words(pair: Any) -> list[str]:
    items = list(pair.values()) if isinstance(pair, Mapping) else list(pair)
    flat = [x for item in items for x in (item if isinstance(item, list) else [item])]
    return [x for x in flat if isinstance(x, str)]


def _listed(attrs: Mapping[str, Any], name: str) -> list[Any]:
    value = attrs.get(name, "[]")
    return list(json.loads(value)) if isinstance(value, str) else list(value)
