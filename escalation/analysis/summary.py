"""Everything that ``escalation compare`` knows: comparisons, trade-offs, drivers and flips."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import xarray as xr

from escalation.analysis.comparison import Comparison, chosen_reference, compare
from escalation.analysis.drivers import (
    Drivers,
    chosen_structure,
    designs,
    driver_support,
    drivers,
)
from escalation.analysis.trade_offs import ParetoSet, pareto_set
from escalation.errors import InputError
from escalation.results.quantities import LOSS, LOSS_EVENTS, RISKS, TRADE_OFF, Quantity
from escalation.results.support import REASONS, Says
from escalation.results.under_rule import rules_of

Place = tuple[str, str, str]
"""Decision rule, flashpoint and risk."""


@dataclass(frozen=True)
class Examination:
    """Results, compared.

    Attributes
    ----------
    reference : str
        Structure that all are compared with.
    structure : str
        Structure whose difference to the reference is looked into.
    rules, flashpoints, risks : tuple
        What was compared, the headline rule first; ``loss`` is the last risk if there is one.
    loss : dict of str to float
        Weights; empty for none.
    comparisons : dict
        By decision rule, flashpoint and risk; those of the trade-off are among them.
    trade_offs : dict
        By decision rule and flashpoint, over the risks whose counts carry an order; None where
        fewer than two do.
    drivers : dict
        By flashpoint and risk under the headline rule; None where the counts carry none.
    reasons : dict of str to str
        Why there are none, by the same keys.
    no_drivers : str
        Why there are none at all; empty if there are.
    constant : int
        Parameters that do not vary.
    """

    reference: str
    structure: str
    rules: tuple[str, ...]
    flashpoints: tuple[str, ...]
    risks: tuple[Quantity, ...]
    loss: dict[str, float]
    comparisons: dict[Place, Comparison]
    trade_offs: dict[tuple[str, str], ParetoSet | None]
    drivers: dict[tuple[str, str], Drivers | None]
    reasons: dict[tuple[str, str], str]
    no_drivers: str
    constant: int

    def at(self, flashpoint: str, risk: str, rule: str | None = None) -> Comparison:
        """Comparison of one risk at one flashpoint, under the headline rule if none is named."""
        return self.comparisons[rule or self.rules[0], flashpoint, risk]


def examine(
    ds: xr.Dataset,
    risks: Sequence[Quantity],
    *,
    reference: str | None = None,
    structure: str | None = None,
    loss: Mapping[str, float] | None = None,
    flashpoints: Sequence[str] | None = None,
) -> Examination:
    """Compare all structures, and find what drives and flips one difference.

    Parameters
    ----------
    ds : Dataset
        Results.
    risks : sequence of Quantity
        Risks to compare on.
    reference : str, optional
        That of the study if not given.
    structure : str, optional
        Whose difference to look into; the study's first structure in focus if not given.
    loss : mapping of str to float, optional
        Weights of events; those of the study if not given.
    flashpoints : sequence of str, optional
        Only these.

    Raises
    ------
    InputError
        Unknown name.
    ResultsError
        Counts are missing, or there is no reference.
    """
    base = chosen_reference(ds, reference)
    chosen = chosen_structure(ds, base, structure)
    whole = ds
    if flashpoints is not None:
        ds = _only(ds, flashpoints)
    weights = dict(loss) if loss is not None else stated_loss(ds)
    names = [risk.risk for risk in risks]
    more = [RISKS[name] for name in TRADE_OFF if name not in names]
    found = compare(ds, [*risks, *more], reference=base, loss=weights or None)
    rules, places = rules_of(ds), [str(name) for name in ds["flashpoint"].values.tolist()]
    shown = (*risks, LOSS) if weights else tuple(risks)
    influences, reasons, why, constant = _drivers(
        whole, found, chosen, rules[0], places, shown
    )
    return Examination(
        base, chosen, tuple(rules), tuple(places), shown, weights, found,
        {(r, f): _trade_off([found[r, f, name] for name in TRADE_OFF])
         for r in rules for f in places},
        influences, reasons, why, constant,
    )  # fmt: skip


def _trade_off(comparisons: Sequence[Comparison]) -> ParetoSet | None:
    ranked = [c for c in comparisons if c.ranking.says is Says.VERDICT]
    return pareto_set(ranked) if len(ranked) > 1 else None


def _only(ds: xr.Dataset, flashpoints: Sequence[str]) -> xr.Dataset:
    known = [str(name) for name in ds["flashpoint"].values.tolist()]
    for name in flashpoints:
        if name not in known:
            raise InputError(f"unknown flashpoint {name!r} (choices: {', '.join(known)})")
    return ds.sel(flashpoint=list(dict.fromkeys(flashpoints)))


def stated_loss(ds: xr.Dataset) -> dict[str, float]:
    """Weights of events that the study states; empty for none."""
    weights = json.loads(ds.attrs.get("loss") or "{}")
    return {str(k): float(v) for k, v in weights.items() if k in LOSS_EVENTS}


def _drivers(
    ds: xr.Dataset, found: dict[Place, Comparison], structure: str, rule: str,
    places: Sequence[str], risks: Sequence[Quantity],
) -> tuple[dict[tuple[str, str], Drivers | None], dict[tuple[str, str], str], str, int]:
    """Drivers under the headline rule, or why there are none."""
    influences: dict[tuple[str, str], Drivers | None] = {}
    reasons: dict[tuple[str, str], str] = {}
    constant = 0
    for place in places:
        try:
            made = designs(ds, rule, place)
        except InputError as error:
            return {}, {}, str(error), 0
        constant = made.constant
        for risk in risks:
            key = (place, risk.risk)
            here = found[rule, *key]
            influences[key] = drivers(here, structure, made)
            if influences[key] is None:
                carried = driver_support(here, structure, made).reason
                reasons[key] = REASONS[carried or "no more than chance"]
    return influences, reasons, "", constant
