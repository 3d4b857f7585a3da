"""An examination as plain data for JSON: every number with its two uncertainties.

Shares are fractions and differences are structure minus reference. What is not known is null.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from escalation.analysis.comparison import Comparison
from escalation.analysis.drivers import Drivers
from escalation.analysis.summary import Examination
from escalation.statistics.boxes import Box
from escalation.statistics.thresholds import Threshold

Json = dict[str, Any]
_INFLUENTIAL = 15


def as_json(e: Examination, ds: xr.Dataset) -> Json:
    """Return the examination as nested dictionaries.

    Parameters
    ----------
    e : Examination
    ds : Dataset
        The results that it is of, for the provenance.

    Returns
    -------
    dict
        ``comparison``, ``probability_safer``, ``variance_reduction``, ``rank_probability``,
        ``regret`` and ``dominance`` by decision rule, flashpoint, risk and structure;
        ``trade_off`` by rule and flashpoint; ``flip``, ``sensitivity`` and
        ``value_of_information`` by flashpoint and risk. What the counts do not carry is null;
        ``unsupported`` says why there is no rank (by rule, flashpoint and risk) and no driver
        (by flashpoint and risk), and a cell's ``reason`` why no difference or verdict.
    """
    return {
        "provenance": _provenance(e, ds),
        "comparison": _by_place(e, _cell),
        "probability_safer": _by_place(e, lambda c, s: _interval(c, s, "p_safer")),
        "variance_reduction": _by_place(e, _reduction),
        "rank_probability": _by_place(e, lambda c, s: [_plain(x) for x in c.rank_probability[s]]),
        "regret": _by_place(
            e, lambda c, s: {"mean": _plain(c.regret[s]), "mc_se": _plain(c.regret_mc_se[s])}
        ),
        "dominance": _by_place(
            e,
            lambda c, s: {
                "first_order_against": _plain(c.dominance_first[s]),
                "second_order_against": _plain(c.dominance_second[s]),
            },
        ),
        "trade_off": _trade_offs(e),
        "flip": _by_risk(e, _flip),
        "sensitivity": _by_risk(e, _sensitivity),
        "value_of_information": _by_risk(e, _information),
        "no_drivers": e.no_drivers or None,
        "unsupported": _unsupported(e),
    }


def _provenance(e: Examination, ds: xr.Dataset) -> Json:
    kept = ("study_name", "study_sha256", "seed", "trajectories", "horizon_years",
            "table_checksum", "parameter_source", "design")  # fmt: skip
    return {
        **{name: ds.attrs[name] for name in kept if name in ds.attrs},
        "draws": ds.sizes["draw"],
        "reference": e.reference,
        "structure": e.structure,
        "decision_rules": list(e.rules),
        "risks": {risk.risk: risk.title for risk in e.risks},
        "loss": e.loss or None,
        "constant_parameters": e.constant,
    }


def _by_place(e: Examination, cell: Any) -> Json:
    """Nest by rule, flashpoint, risk and structure."""
    return {
        rule: {
            place: {
                risk.risk: {
                    name: cell(e.at(place, risk.risk, rule), s)
                    for s, name in enumerate(e.at(place, risk.risk, rule).structures)
                }
                for risk in e.risks
            }
            for place in e.flashpoints
        }
        for rule in e.rules
    }


def _by_risk(e: Examination, part: Any) -> Json:
    found: Json = {}
    for (place, risk), influence in e.drivers.items():
        found.setdefault(place, {})[risk] = None if influence is None else part(influence)
    return found


def _cell(c: Comparison, s: int) -> Json:
    return {
        "hits": _plain(c.hits[s]), "trials": _plain(c.trials[s]), "draws": c.draws,
        "mean": _plain(c.mean[s]), "mc_se": _plain(c.mc_se[s]),
        "parameter_sd": _plain(c.parameter_sd[s]),
        "draws_5_95": [_plain(c.low[s]), _plain(c.high[s])],
        "difference": _plain(c.difference[s]), "difference_mc_se": _plain(c.difference_mc_se[s]),
        "difference_parameter_sd": _plain(c.difference_sd[s]),
        "difference_draws_5_95": [_plain(c.difference_low[s]), _plain(c.difference_high[s])],
        "ratio": _plain(c.ratio[s]),
        "ratio_mc_95": [_plain(c.ratio_mc_low[s]), _plain(c.ratio_mc_high[s])],
        "ratio_draws_5_95": [_plain(c.ratio_low[s]), _plain(c.ratio_high[s])],
        "verdict": c.verdict[s], "reason": c.support[s].words or None,
    }  # fmt: skip


def _interval(c: Comparison, s: int, name: str) -> Json:
    low, high = getattr(c, f"{name}_low")[s], getattr(c, f"{name}_high")[s]
    return {"value": _plain(getattr(c, name)[s]), "interval_95": [_plain(low), _plain(high)]}


def _reduction(c: Comparison, s: int) -> Json:
    return {**_interval(c, s, "reduction"), "largest_possible": _plain(c.reduction_bound[s])}


def _trade_offs(e: Examination) -> Json:
    found: Json = {}
    for (rule, place), pareto in e.trade_offs.items():
        if pareto is None:
            found.setdefault(rule, {})[place] = None
            continue
        found.setdefault(rule, {})[place] = {
            "risks": list(pareto.risks),
            "members": list(pareto.members),
            "probability": {
                name: _plain(p)
                for name, p in zip(pareto.structures, pareto.probability, strict=True)
            },
        }
    return found


def _unsupported(e: Examination) -> Json:
    ranks: Json = {}
    for rule in e.rules:
        for place in e.flashpoints:
            for risk in e.risks:
                ranking = e.at(place, risk.risk, rule).ranking
                if ranking.reason:
                    where = ranks.setdefault(rule, {}).setdefault(place, {})
                    where[risk.risk] = ranking.words
    drivers: Json = {}
    for (place, name), reason in e.reasons.items():
        drivers.setdefault(place, {})[name] = reason
    return {"ranks": ranks, "drivers": drivers}


def _flip(d: Drivers) -> Json:
    return {
        "structure": d.structure,
        "reference": d.reference,
        "thresholds": [_threshold(t) for t in d.thresholds],
        "box": None if d.box is None else _box(d.box),
    }


def _threshold(t: Threshold) -> Json:
    return {
        "parameter": t.parameter, "value": _plain(t.value),
        "interval_95": [_plain(t.low), _plain(t.high)],
        "riskier": "above" if t.rises else "below",
        "share_of_draws_beyond": _plain(t.share_beyond), "gain": _plain(t.gain),
    }  # fmt: skip


def _box(b: Box) -> Json:
    return {
        "limits": {
            name: [_plain(low), _plain(high)]
            for name, low, high in zip(b.parameters, b.low, b.high, strict=True)
        },
        "coverage": _plain(b.coverage), "density": _plain(b.density),
        "support": _plain(b.support), "base_rate": _plain(b.base_rate),
        "cross_validated_coverage": _plain(b.cv_coverage),
        "cross_validated_density": _plain(b.cv_density),
    }  # fmt: skip


def _sensitivity(d: Drivers) -> Json:
    s = d.sensitivity
    order = np.argsort(-s.total, kind="stable")[:_INFLUENTIAL]
    return {
        "explained": _plain(s.explained), "all_noise": bool(s.all_noise),
        "parameter_variance": _plain(s.parameter_variance),
        "noise_variance": _plain(s.noise_variance),
        "indices": {
            s.names[k]: {
                "first": _plain(s.first[k]),
                "first_95": [_plain(s.first_low[k]), _plain(s.first_high[k])],
                "total": _plain(s.total[k]),
                "total_95": [_plain(s.total_low[k]), _plain(s.total_high[k])],
            }
            for k in order
        },
    }  # fmt: skip


def _information(d: Drivers) -> Json:
    i = d.information
    order = np.argsort(-i.evppi, kind="stable")[:_INFLUENTIAL]
    return {
        "best": i.best, "evpi": _plain(i.evpi),
        "evpi_95": [_plain(i.evpi_low), _plain(i.evpi_high)],
        "evppi": {
            i.names[k]: {"value": _plain(i.evppi[k]), "interval_95": [_plain(i.low[k]),
                                                                       _plain(i.high[k])]}
            for k in order if i.evppi[k] > 0
        },
    }  # fmt: skip


def _plain(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
