"""What drives a difference between two structures, and what flips it: all from the draws at hand.

For each flashpoint and risk the difference of two structures is taken draw by draw and handed
to the sensitivity analysis (with its Monte Carlo variance), to the search for single-parameter
thresholds and for a box of reversed ranking; the value of information looks at all structures.
All of it stands under the headline decision rule, and only of parameters whose effect stands out
from chance when all are tested together (:mod:`escalation.statistics.screening`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from escalation.analysis.comparison import plausible_values
from escalation.analysis.selection import Choice, choose, labels
from escalation.errors import InputError
from escalation.parameters.registry import REGISTRY
from escalation.results.estimates import Panel, panel
from escalation.results.quantities import Quantity
from escalation.results.support import (
    DRIVER_DRAWS,
    REASONS,
    Says,
    Support,
    of_difference,
    of_drivers,
)
from escalation.results.under_rule import rules_of
from escalation.statistics.boxes import find_box
from escalation.statistics.design import Design
from escalation.statistics.information import value_of_information
from escalation.statistics.noise import apart
from escalation.statistics.screening import standing
from escalation.statistics.sensitivity import Sensitivity, sensitivity
from escalation.statistics.thresholds import Threshold, find_thresholds

RECORD_CLAIM = "generic dispute"
"""Claim of the parameters that turn a row of the record into numbers; no study reads them."""


@dataclass(frozen=True)
class Gap:
    """A risk under one structure minus that under the reference, at one flashpoint.

    Attributes
    ----------
    whole : Panel
        The risk under all structures.
    structure, reference : str
    design : Design
        Draws of the parameters that vary and can act there.
    """

    whole: Panel
    structure: str
    reference: str
    design: Design

    @property
    def s(self) -> int:
        """Position of the structure."""
        return self.whole.structures.index(self.structure)

    @property
    def r(self) -> int:
        """Position of the reference."""
        return self.whole.structures.index(self.reference)

    @property
    def difference(self) -> np.ndarray:
        """The difference in every draw."""
        return apart(self.whole.values[self.s], self.whole.values[self.r])

    @property
    def noise(self) -> np.ndarray:
        """Its Monte Carlo variance in every draw; the mean where it is not known."""
        found = ((self.whole.errors[self.s] - self.whole.errors[self.r]) ** 2).sum(axis=1)
        return np.where(np.isfinite(found), found, np.nanmean(found))

    @property
    def plausible(self) -> np.ndarray:
        """Plausible values of the difference, shape (draw, copy)."""
        values = plausible_values(self.whole)
        return apart(values[self.s], values[self.r])

    @property
    def centres(self) -> np.ndarray:
        """What is expected of every structure in each draw given its value."""
        return self.whole.cleaned().centre if self.whole.coupled else self.whole.values

    @property
    def centre(self) -> np.ndarray:
        """What is expected of the difference in each draw."""
        return apart(self.centres[self.s], self.centres[self.r])

    @cached_property
    def influence(self) -> Sensitivity:
        """Shares of the variance of the difference."""
        label = f"{self.structure} minus {self.reference}, {self.whole.quantity.title}"
        return sensitivity(self.design, self.difference, self.noise, label=label)

    @cached_property
    def standing(self) -> tuple[str, ...]:
        """Parameters whose effect stands out from chance; nothing is said of the others."""
        return standing(self.design, self.difference)

    def leading(self, most: int) -> list[str]:
        """Return the parameters that stand out and have a share, the largest first."""
        share = dict(zip(self.influence.names, self.influence.total.tolist(), strict=True))
        order = self.influence.ranked()
        return [name for name in order if name in self.standing and share[name] > 0][:most]

    @property
    def reason(self) -> str:
        """Why nothing is said of single parameters, a key of REASONS; empty if something is."""
        reason = self.support.reason
        chance = not reason and self.difference.var(ddof=1) <= self.noise.mean()
        return "no more than chance" if chance else reason

    @property
    def support(self) -> Support:
        """What the counts carry about single parameters."""
        p, pair = self.whole, [self.s, self.r]
        if not np.isfinite(p.values).all():
            return Support(Says.VERDICT, "a draw without a value")
        compared = of_difference(
            p.hits[pair], p.trials[pair], p.freedom[pair], either_or=p.either_or
        )
        return of_drivers(compared, p.hits[pair].sum(axis=1).max(), p.values.shape[1])


Gaps = dict[tuple[str, str], Gap | str]
"""By flashpoint and word of the risk: a difference that carries drivers, or in words why not."""


def drivers(
    ds: xr.Dataset,
    on: str | Sequence[str] | None = None,
    *,
    structure: str | None = None,
    reference: str | None = None,
    loss: Mapping[str, float] | None = None,
    flashpoints: str | Sequence[str] | None = None,
) -> xr.Dataset:
    """Find which parameters drive the difference of a structure to the reference.

    Parameters
    ----------
    ds : Dataset
        Results.
    on, structure, reference, loss, flashpoints
        Which difference, see :func:`escalation.analysis.selection.choose`.

    Returns
    -------
    Dataset
        By ``flashpoint`` and ``risk``, under the headline decision rule:

        total, first (each with _low and _high; by ``parameter``)
            shares of the variance over parameters, :mod:`escalation.statistics.sensitivity`;
        explained, parameter_variance, noise_variance
            cross-validated share that the polynomial behind them explains; the two variances;
        evppi (with _low and _high; by ``parameter``), evpi (with _low and _high), best
            value of information for the choice between the structure and the reference,
            :mod:`escalation.statistics.information`;
        box_low, box_high (by ``parameter``), box_coverage, box_density, box_cv_density, ...
            where the ranking is mostly reversed, :mod:`escalation.statistics.boxes`; limits
            are NaN where there is none;
        reason
            in words, why nothing is said; empty if something is;
        constant (by ``flashpoint`` only)
            how many parameters could act but have the same value in every draw.

        Parameters that cannot act at a flashpoint, or whose effect there does not stand out from
    chance, are NaN.

    Raises
    ------
    InputError
        Unknown name.
    ResultsError
        No reference, one structure only, or counts are missing.

    Examples
    --------
    >>> found = drivers(ds, "war")
    >>> str(found["reason"].sel(flashpoint="taiwan_strait", risk="war").item())
    '12 parameter draws say nothing about what drives a result: at least 16'
    """
    chosen = choose(
        ds, on, structure=structure, reference=reference, loss=loss, flashpoints=flashpoints
    )
    return drivers_of(ds, chosen, find_gaps(ds, chosen))


def thresholds(
    ds: xr.Dataset,
    on: str | Sequence[str] | None = None,
    *,
    structure: str | None = None,
    reference: str | None = None,
    loss: Mapping[str, float] | None = None,
    flashpoints: str | Sequence[str] | None = None,
) -> xr.Dataset:
    """Find the break-even values: where one parameter turns a difference, the others averaged out.

    Parameters
    ----------
    ds : Dataset
        Results.
    on, structure, reference, loss, flashpoints
        Which difference, see :func:`escalation.analysis.selection.choose`.

    Returns
    -------
    Dataset
        One entry along ``threshold`` for every break-even value, those of a flashpoint and risk
        together, the weightiest first: ``flashpoint``, ``risk``, ``parameter``, and of
        :class:`escalation.statistics.thresholds.Threshold` ``value``, ``low``, ``high`` (95 %),
        ``rises`` (whether the structure has more of the risk above the value),
        ``share_beyond`` and ``gain``.

    Raises
    ------
    InputError
        Unknown name.
    ResultsError
        No reference, one structure only, or counts are missing.

    Examples
    --------
    >>> thresholds(ds, "war").sizes["threshold"]  # too few draws
    0
    """
    chosen = choose(
        ds, on, structure=structure, reference=reference, loss=loss, flashpoints=flashpoints
    )
    return thresholds_of(chosen, find_gaps(ds, chosen))


def parameter_design(
    ds: xr.Dataset, flashpoint: str, structures: Sequence[str] | None = None
) -> Design:
    """Prepare the parameter draws of results for one flashpoint, under the headline rule.

    Parameters that cannot act there are left out: those that only another decision rule reads,
    and those that the tables of none of these `structures` (all of them if not given) depend on.

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
    acting = _acting(ds, flashpoint, structures)
    names = [name for name in acting if np.ptp(acting[name]) > 0]
    if not names:
        raise InputError("no parameter varies over the draws: nothing can drive a result")
    joint = _drawn_jointly(ds)
    return Design(
        np.stack([acting[name] for name in names], axis=1),
        names,
        joint=[name for name in names if name in joint],
    )


def _acting(
    ds: xr.Dataset, flashpoint: str, structures: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Draws of the parameters that can act at a flashpoint."""
    others = [name for name in labels(ds, "flashpoint") if name != flashpoint]
    rule = rules_of(ds)[0]
    values = ds["parameter_value"].transpose("parameter", "draw").values
    names = labels(ds, "parameter")
    if "parameter_acts" in ds:
        here = ds["parameter_acts"].sel(flashpoint=flashpoint)
        if structures is not None:
            here = here.sel(structure=list(structures))
        acts = here.transpose("parameter", "structure").values.any(axis=1)
        read = dict(zip(names, np.atleast_1d(acts).tolist(), strict=True))
    else:  # results of older versions, which do not say
        read = {name: _may_act(name, others) for name in names}
    return {
        name: row for name, row in zip(names, values, strict=True)
        if read[name] and (name not in REGISTRY or REGISTRY[name].rule in ("", rule))
    }


def _may_act(name: str, others: Sequence[str]) -> bool:
    """Whether a parameter may act at a flashpoint by its name, `others` being the other ones."""
    if name in REGISTRY:
        return REGISTRY[name].claim != RECORD_CLAIM
    return not any(name.startswith(f"{other}.") for other in others)


def _drawn_jointly(ds: xr.Dataset) -> set[str]:
    """Parameters of a posterior, and those whose priors the study correlates."""
    names = json.loads(ds.attrs.get("posterior_names") or "[]")
    pairs = json.loads(ds.attrs.get("correlations") or "[]")
    return {*names, *(name for pair in pairs for name in pair["between"])}


def find_gap(
    ds: xr.Dataset, quantity: Quantity, flashpoint: str, chosen: Choice, design: Design
) -> Gap:
    """Return one difference under the headline rule; ask its `reason` before its drivers."""
    whole = panel(ds, quantity, flashpoint, chosen.rules[0], chosen.loss)
    return Gap(whole, chosen.structure, chosen.reference, design)


def find_gaps(ds: xr.Dataset, chosen: Choice) -> Gaps:
    """Return all differences that were asked for, or why nothing is said of them."""
    found: Gaps = {}
    for flashpoint in chosen.flashpoints:
        try:
            pair = (chosen.structure, chosen.reference)
            design = parameter_design(ds, flashpoint, pair)
        except InputError as error:
            return {(f, q.risk): str(error) for f in chosen.flashpoints for q in chosen.risks}
        for q in chosen.risks:
            gap = find_gap(ds, q, flashpoint, chosen, design)
            found[flashpoint, q.risk] = REASONS[gap.reason] if gap.reason else gap
    return found


_SHARES = ("total", "total_low", "total_high", "first", "first_low", "first_high")
_WORTH = ("evppi", "evppi_low", "evppi_high")
_WHOLE = ("explained", "parameter_variance", "noise_variance", "evpi", "evpi_low", "evpi_high")
_BOX = ("coverage", "density", "support", "base_rate", "cv_coverage", "cv_density")
Cell = dict[str, Any]


def drivers_of(
    ds: xr.Dataset,
    chosen: Choice,
    gaps: Gaps,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Return what `drivers` returns, of differences that are at hand.

    `progress` is called with (differences done, differences in all).
    """
    cells: dict[tuple[str, str], Cell] = {}
    for key, gap in gaps.items():
        cells[key] = _driver(gap) if isinstance(gap, Gap) else {}
        if progress is not None:
            progress(len(cells), len(gaps))
    risks = [q.risk for q in chosen.risks]
    seen = {name for cell in cells.values() for name in cell.get("total", {})}
    names = [name for name in labels(ds, "parameter") if name in seen]

    def table(name: str, missing: object = np.nan) -> np.ndarray:
        rows = [[cells[f, r].get(name, missing) for r in risks] for f in chosen.flashpoints]
        return np.array(rows)

    def by_parameter(name: str) -> np.ndarray:
        rows = table(name, {})
        return np.array([[[cell.get(n, np.nan) for n in names] for cell in row] for row in rows])

    dims = ("flashpoint", "risk")
    wide = (*_SHARES, *_WORTH, "box_low", "box_high")
    return xr.Dataset(
        {
            **{name: ((*dims, "parameter"), by_parameter(name)) for name in wide},
            **{name: (dims, table(name)) for name in (*_WHOLE, *(f"box_{n}" for n in _BOX))},
            "best": (dims, table("best", "")),
            "reason": (dims, np.array([
                [g if isinstance(g := gaps[f, r], str) else "" for r in risks]
                for f in chosen.flashpoints
            ])),
            "constant": ("flashpoint", [
                sum(np.ptp(row) == 0 for row in _acting(ds, f).values())
                for f in chosen.flashpoints
            ]),
        },
        {"flashpoint": list(chosen.flashpoints), "risk": risks, "parameter": names},
        {"structure": chosen.structure, "reference": chosen.reference},
    )  # fmt: skip


def _driver(gap: Gap) -> Cell:
    """Drivers of one difference; what is by parameter is a mapping by its name."""
    s, design = gap.influence, gap.design
    pair = [gap.s, gap.r]
    known = value_of_information(design, gap.centres[pair], (gap.structure, gap.reference))
    arrays = {name: getattr(s, name) for name in _SHARES}
    arrays |= dict(zip(_WORTH, (known.evppi, known.low, known.high), strict=True))
    found: Cell = {
        name: {k: x for k, x in zip(design.names, row, strict=True) if k in gap.standing}
        for name, row in arrays.items()
    }
    found |= {name: getattr(s if hasattr(s, name) else known, name) for name in _WHOLE}
    found["best"] = known.best
    box = find_box(design.only(gap.standing), gap.centre) if gap.standing else None
    if box is not None:
        found["box_low"] = dict(zip(box.parameters, box.low, strict=True))
        found["box_high"] = dict(zip(box.parameters, box.high, strict=True))
        found |= {f"box_{name}": getattr(box, name) for name in _BOX}
    return found


def thresholds_of(chosen: Choice, gaps: Gaps) -> xr.Dataset:
    """Return what `thresholds` returns, of differences that are at hand."""
    rows = [
        (flashpoint, risk, threshold)
        for (flashpoint, risk), gap in gaps.items()
        if isinstance(gap, Gap)
        for threshold in find_thresholds(gap.design, gap.difference, gap.standing)
    ]
    dim = "threshold"
    names = [field.name for field in fields(Threshold)]
    columns = {name: [getattr(t, name) for *_, t in rows] for name in names}
    words = {"flashpoint": [f for f, *_ in rows], "risk": [r for _, r, _ in rows]}
    words["parameter"] = columns.pop("parameter")
    kinds = {"rises": bool}
    return xr.Dataset(
        {
            **{name: (dim, np.array(column, str)) for name, column in words.items()},
            **{k: (dim, np.array(column, kinds.get(k, float))) for k, column in columns.items()},
        },
        attrs={"structure": chosen.structure, "reference": chosen.reference},
    )
