"""What drives the difference of one structure to the reference: the data of two figures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from escalation.analysis.comparison import Comparison, chosen_reference, compare_panel
from escalation.analysis.drivers import (
    Designs,
    chosen_structure,
    designs,
    driver_support,
    known_noise,
)
from escalation.errors import ResultsError
from escalation.parameters.registry import REGISTRY
from escalation.plots.grid import compared, number, unit_of_difference
from escalation.plots.ranges import Z95, need, one
from escalation.plots.style import name_of, plain
from escalation.results.estimates import panel
from escalation.results.quantities import Quantity, chosen_risks
from escalation.results.support import DRIVER_DRAWS
from escalation.results.under_rule import rules_of
from escalation.statistics.noise import apart
from escalation.statistics.sensitivity import Sensitivity, sensitivity


class Gap(NamedTuple):
    """A risk under one structure minus that under the reference, at one flashpoint.

    Attributes
    ----------
    flashpoint, structure : str
    comparison : Comparison
        Of all structures.
    place : int
        Of the structure in the comparison.
    difference : array (draw,)
        The difference in every draw.
    plausible : array (draw, copy)
        The same without chance, see :mod:`escalation.statistics.noise`.
    designs : Designs
        The parameters of the draws.
    influence : Sensitivity
        Of the difference.
    """

    flashpoint: str
    structure: str
    comparison: Comparison
    place: int
    difference: np.ndarray
    plausible: np.ndarray
    designs: Designs
    influence: Sensitivity

    @property
    def risk(self) -> Quantity:
        """The risk that differs."""
        return self.comparison.quantity


def find_gap(ds: xr.Dataset, structure: str | None, risk: str, flashpoint: str | None) -> Gap:
    """Take a difference and its drivers from results under one decision rule.

    Parameters
    ----------
    ds : Dataset
        Results.
    structure
        The first in focus when None.
    risk
        Of `escalation.results.quantities.RISKS`.
    flashpoint
        The first of the study when None.

    Raises
    ------
    InputError
        Unknown structure, risk or flashpoint, or the reference as the structure.
    ResultsError
        Nothing to compare, too few draws or events, or nothing but Monte Carlo error.
    """
    need(ds, "parameter_value")
    compared(ds)
    reference = chosen_reference(ds)
    structure = chosen_structure(ds, reference, structure)
    flashpoint = one(ds, "flashpoint", flashpoint)
    (wanted,) = chosen_risks([risk])
    c = compare_panel(panel(ds, wanted, flashpoint), reference)
    s, r = c.structures.index(structure), c.structures.index(reference)
    _check(ds, c)
    (rule,) = rules_of(ds)
    made, d = designs(ds, rule, flashpoint), apart(c.values[s], c.values[r])
    carried = driver_support(c, structure, made)
    if carried.reason:
        raise ResultsError(f"{_what(c, s)}: {carried.words}")
    influence = sensitivity(made.design, d, known_noise(c, s), label=wanted.risk)
    if influence.all_noise:
        raise ResultsError(f"{_what(c, s)} varies over draws by no more than Monte Carlo error")
    plausible = apart(c.clean.plausible[s], c.clean.plausible[r])
    return Gap(flashpoint, structure, c, s, d, plausible, made, influence)


def _check(ds: xr.Dataset, c: Comparison) -> None:
    """Refuse results that say nothing of single parameters."""
    n = ds.sizes["draw"]
    if n < DRIVER_DRAWS:
        raise ResultsError(
            f"{n} parameter draws say nothing of single parameters: at least {DRIVER_DRAWS} "
            "are needed"
        )
    if c.draws < n:
        raise ResultsError(f"{c.quantity.title} has no value in {n - c.draws} of {n} draws")
    values = ds["parameter_value"].transpose("draw", "parameter").to_numpy()
    if not np.ptp(values, axis=0).any():
        raise ResultsError("no parameter varies over the draws")


def _what(c: Comparison, s: int) -> str:
    return f"the difference in {c.quantity.title} between {c.structures[s]} and {c.reference}"


def subject(ds: xr.Dataset, gap: Gap) -> str:
    """What differs, for the title of a figure."""
    names = (name_of(ds, "structure", s, 60, 1) for s in (gap.structure, gap.comparison.reference))
    place = name_of(ds, "flashpoint", gap.flashpoint, 50, 1)
    years = int(ds.attrs["horizon_years"])
    return f"{gap.risk.title} under {' minus '.join(names)}, {place}, {years} years"


def both_uncertainties(gap: Gap) -> str:
    """The mean difference with its Monte Carlo error and its range over draws, in words."""
    c, s = gap.comparison, gap.place
    show = [number(float(x[s]), c.quantity) for x in (
        c.difference, c.difference_low, c.difference_high)]  # fmt: skip
    half = number(Z95 * float(c.difference_mc_se[s]), c.quantity)
    return (
        f"Mean difference {show[0]} ± {half} {unit_of_difference(c.quantity)} (Monte Carlo 95 %), "
        f"{show[1]} to {show[2]} in 5-95 % of draws (Monte Carlo part removed)."
    )


def unit(parameter: str) -> str:
    """Unit of a parameter, empty for pure numbers and parameters of the study's own."""
    known = REGISTRY.get(parameter)
    return "" if known is None or known.unit == "1" else known.unit


def words(parameter: str, width: int, lines: int = 2) -> str:
    """Name of a parameter in words."""
    return plain(parameter.replace("_", " ").strip(), width, lines)
