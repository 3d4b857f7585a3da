"""Draws that the bounds of their place cut off: some are told, most refuse the study.

A bound is there for what nobody would defend. A prior that lies beyond it in many draws is then no
longer the prior that was written, and the answer is that of the bound.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from escalation.errors import InputError
from escalation.model.draws import Draws
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import REGISTRY, Parameter
from escalation.study.base import parts_of
from escalation.study.quantity import ParameterRef
from escalation.study.schema import Study

TOLD, REFUSED = 0.05, 0.5
"""Share of draws beyond the bounds from which it is told, and beyond which it is refused."""
_PROBED = (np.arange(1_000) + 0.5) / 1_000


def cut_off(study: Study, values: Draws | None, fitted: Collection[str] = ()) -> list[str]:
    """Return a line for everything of a study that its bounds cut off in many draws.

    Parameters
    ----------
    study : Study
        With the priors as it states them; the registry's own keep within their bounds.
    values : Draws or None
        What is played; None looks at the priors alone, before anything is drawn.
    fitted : collection of str
        Parameters whose values do not come from their priors.

    Raises
    ------
    InputError
        Something is cut off in more than half of the draws.
    """
    found = list(_priors(study.parameters, fitted))
    if values is not None:
        found += _places(study, values)
    for share, line in found:
        if share > REFUSED:
            raise InputError(line)
    return list(dict.fromkeys(line for share, line in found if share >= TOLD))


def _priors(
    parameters: Mapping[str, Parameter], fitted: Collection[str]
) -> Iterator[tuple[float, str]]:
    for name, entry in parameters.items():
        if entry == REGISTRY.get(name) or name in fitted or isinstance(entry.prior, Fixed):
            continue
        with np.errstate(all="ignore"):
            probed = entry.prior.quantile(_PROBED)
        share = _outside(probed, entry.low, entry.high)
        yield share, (
            f"parameter {name}: its prior {entry.prior.describe()} puts {100 * share:.0f} % of "
            f"draws outside {entry.low:g} to {entry.high:g}, where they are cut off"
        )


def _places(study: Study, values: Draws) -> Iterator[tuple[float, str]]:
    for place in parts_of(study, ParameterRef):
        with np.errstate(all="ignore"):
            share = _outside(values[place.parameter] * place.scale, place.low, place.high)
        yield share, (
            f"parameter {place.parameter} times {place.scale:g} lies outside {place.low:g} to "
            f"{place.high:g}, the bounds of its place, in {100 * share:.0f} % of draws, where it "
            "is cut off"
        )


def _outside(values: np.ndarray, low: float, high: float) -> float:
    return float(((values < low) | (values > high)).mean())
