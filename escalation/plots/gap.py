"""What drives the difference of one structure to the reference: the data of two figures."""

from __future__ import annotations

from typing import NamedTuple

import xarray as xr

from escalation.analysis.comparison import compare_panel
from escalation.analysis.drivers import Gap, find_gap, parameter_design
from escalation.analysis.selection import choose
from escalation.errors import InputError, ResultsError
from escalation.parameters.registry import REGISTRY
from escalation.plots.grid import compared, need, number, one, unit_of_difference
from escalation.plots.style import name_of, plain
from escalation.results.quantities import Quantity
from escalation.results.support import REASONS
from escalation.statistics.intervals import Z95


class Subject(NamedTuple):
    """A difference that carries drivers, and its comparison.

    Attributes
    ----------
    gap : Gap
    flashpoint : str
    compared : Dataset
        Of the structure with the reference, see :func:`escalation.analysis.comparison.compare`.
    """

    gap: Gap
    flashpoint: str
    compared: xr.Dataset

    @property
    def risk(self) -> Quantity:
        """The risk that differs."""
        return self.gap.whole.quantity


def find_subject(
    ds: xr.Dataset, structure: str | None, risk: str, flashpoint: str | None
) -> Subject:
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
    flashpoint = one(ds, "flashpoint", flashpoint)
    chosen = choose(ds, [risk], structure=structure, loss={}, flashpoints=flashpoint)
    try:
        design = parameter_design(ds, flashpoint, (chosen.structure, chosen.reference))
    except InputError as error:
        raise ResultsError(str(error)) from None
    gap = find_gap(ds, chosen.risks[0], flashpoint, chosen, design)
    if gap.reason:
        raise ResultsError(
            f"the difference in {gap.whole.quantity.title} between {gap.structure} and "
            f"{gap.reference}: {REASONS[gap.reason]}"
        )
    found = compare_panel(gap.whole, gap.reference).sel(structure=gap.structure)
    return Subject(gap, flashpoint, found)


def title_of(ds: xr.Dataset, subject: Subject) -> str:
    """Return what differs, for the title of a figure."""
    gap = subject.gap
    names = (name_of(ds, "structure", s, 60, 1) for s in (gap.structure, gap.reference))
    where = name_of(ds, "flashpoint", subject.flashpoint, 50, 1)
    years = int(ds.attrs["horizon_years"])
    return f"{subject.risk.title} under {' minus '.join(names)}, {where}, {years} years"


def both_uncertainties(subject: Subject) -> str:
    """Return the mean difference, its Monte Carlo error and its range over draws, in words."""
    c, risk = subject.compared, subject.risk
    names = ("difference", "difference_low", "difference_high")
    mean, low, high = (number(float(c[name]), risk) for name in names)
    half = number(Z95 * float(c["difference_monte_carlo_se"]), risk)
    return (
        f"Mean difference {mean} ± {half} {unit_of_difference(risk)} (Monte Carlo 95 %), "
        f"{low} to {high} in 5-95 % of draws (Monte Carlo part removed)."
    )


def unit(parameter: str) -> str:
    """Unit of a parameter, empty for pure numbers and parameters of the study's own."""
    known = REGISTRY.get(parameter)
    return "" if known is None or known.unit == "1" else known.unit


def words(parameter: str, width: int, lines: int = 2) -> str:
    """Name of a parameter in words."""
    return plain(parameter.replace("_", " ").strip(), width, lines)
