"""What ``escalation compare`` prints: paired differences, ranks, trade-offs, drivers and flips."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from escalation.analysis.comparison import CLEAR_ERRORS, CLEAR_SHARE, Comparison
from escalation.analysis.summary import Examination
from escalation.report.decision_table import share_text
from escalation.report.flips import flip_lines
from escalation.report.text import (
    WIDTH,
    counted,
    error_number,
    line_of,
    paragraph,
    safe,
    short_number,
    signed,
    wrapped_name,
)
from escalation.results.quantities import RISKS, TRADE_OFF, Quantity
from escalation.results.support import LEAST_DRAWS, LEAST_HITS, Says
from escalation.statistics.intervals import zero_upper_bound

NAME_WIDTH = 25
CELL_WIDTH = 18
PER_BLOCK = 4


def format_comparison(e: Examination, ds: xr.Dataset, width: int = WIDTH) -> str:
    """Return an examination as plain text, no line wider than `width` (at least 100).

    Parameters
    ----------
    e : Examination
    ds : Dataset
        The results that it is of.
    width : int
        Columns.
    """
    width = max(width, WIDTH)
    lines = _headline(e, ds, width)
    for place in e.flashpoints:
        lines += ["", safe(place)[:width], "=" * min(len(place), width)]
        for start in range(0, len(e.risks), PER_BLOCK):
            lines += ["", *_differences(e, place, e.risks[start : start + PER_BLOCK])]
        lines += ["", *_ranks(e, place, width)]
        lines += ["", *_trade_off(e, place, width)]
        lines += _common_numbers(e, place, width)
        lines += ["", *flip_lines(e, place, width)]
    return "\n".join([*lines, "", *_legend(e, width)])


def _headline(e: Examination, ds: xr.Dataset, width: int) -> list[str]:
    title = safe(ds.attrs.get("study_title") or ds.attrs.get("study_name") or "unnamed study")
    size = (
        f"{counted(ds.sizes['draw'], 'parameter draw')} x {int(ds.attrs['trajectories']):,} "
        f"histories of {int(ds.attrs['horizon_years'])} years per cell, the same draws and random "
        f"numbers under every structure. Reference: {safe(e.reference)}. Decision rule: "
        f"{e.rules[0].replace('_', ' ')}"
    )
    if len(e.rules) > 1:
        size += f", beside it {', '.join(r.replace('_', ' ') for r in e.rules[1:])}"
    lines = [*paragraph(title, width), *paragraph(f"{size}.", width)]
    if e.loss:
        weights = ", ".join(f"{w:g} x {name.replace('_', ' ')}" for name, w in e.loss.items())
        lines += paragraph(f"Loss per history: {weights}.", width)
    return lines


def heading_of(risk: Quantity) -> str:
    """Column heading of a risk with its unit."""
    return f"{risk.title.replace('P(', '').replace(')', '')}{'' if scale_of(risk) == 1 else ' %'}"


def scale_of(risk: Quantity) -> float:
    """Factor from the value to what is printed: per cent for probabilities."""
    return 1.0 if risk.trials == "years" or risk.risk not in RISKS else 100.0


def _differences(e: Examination, place: str, risks: tuple[Quantity, ...]) -> list[str]:
    """Table of differences to the reference, several lines per structure."""
    found = [e.at(place, risk.risk) for risk in risks]
    lines = [line_of("", [heading_of(risk) for risk in risks], NAME_WIDTH, CELL_WIDTH)]
    for s, name in enumerate(found[0].structures):
        level = [_level_text(c, s, scale_of(c.quantity)) for c in found]
        spread = [_range_text(c.low[s], c.high[s], scale_of(c.quantity)) for c in found]
        rows = [level, spread]
        labels = ["", "  5-95 % of draws"]
        if name == e.reference:
            name = f"{name} (ref)"
        else:
            rows += _against(e, place, risks, s)
            labels += ["  difference", "  5-95 % of draws", "  ratio", "  P(safer)"]
            labels += [f"   {rule.replace('_', ' ')}" for rule in e.rules[1:]]
        labels[0] = wrapped_name(name, NAME_WIDTH - 1, 1)[0]
        lines += [
            line_of(label, cells, NAME_WIDTH, CELL_WIDTH)
            for label, cells in zip(labels, rows, strict=True) if any(cells)
        ]  # fmt: skip
    return lines


def _against(e: Examination, place: str, risks: tuple[Quantity, ...], s: int) -> list[list[str]]:
    found = [e.at(place, risk.risk) for risk in risks]
    rows = [
        [_difference_text(c, s, scale_of(c.quantity)) for c in found],
        [
            _range_text(c.difference_low[s], c.difference_high[s], scale_of(c.quantity), sign=True)
            if c.verdict[s] not in ("identical", "no hits", "-") else ""
            for c in found
        ],
        [_ratio_text(c, s) for c in found],
    ]  # fmt: skip
    for rule in e.rules:
        here = [e.at(place, risk.risk, rule) for risk in risks]
        rows.append([share_text(float(c.p_safer[s]), c.draws, c.verdict[s]) for c in here])
    return rows


def _level_text(c: Comparison, s: int, scale: float) -> str:
    if not c.trials[s] > 0:
        return "-"
    bound = float(zero_upper_bound(c.trials[s]))
    if c.hits[s] == 0:
        return f"<{short_number(bound * scale)}"
    if c.quantity.trials != "years" and c.quantity.risk in RISKS and c.hits[s] == c.trials[s]:
        return f">{short_number((1.0 - bound) * scale)}"
    return f"{short_number(c.mean[s] * scale)} ±{error_number(c.mc_se[s] * scale)}"


def _difference_text(c: Comparison, s: int, scale: float) -> str:
    if not math.isfinite(c.difference[s]):
        return ""
    if c.verdict[s] == "identical":
        return "exactly 0"
    error = error_number(c.difference_mc_se[s] * scale)
    return f"{signed(c.difference[s] * scale)} ±{error}"


def _range_text(low: float, high: float, scale: float, *, sign: bool = False) -> str:
    if not (math.isfinite(low) and math.isfinite(high)) or (low == high == 0):
        return ""
    shown = signed if sign else short_number
    if low == 0 and not sign:
        return f"[≤{shown(high * scale)}]"
    return f"[{shown(low * scale)}–{shown(high * scale)}]"


def _ratio_text(c: Comparison, s: int) -> str:
    if not math.isfinite(c.ratio[s]) or c.verdict[s] == "identical":
        return ""
    low, high = short_number(c.ratio_mc_low[s]), short_number(c.ratio_mc_high[s])
    return f"{short_number(c.ratio[s])} ({low}–{high})"


def _ranks(e: Examination, place: str, width: int) -> list[str]:
    """Chance of the least risk, expected regret and the shares of variance, by structure."""
    lines = ["Chance of the least and of the most risk; expected regret"]
    for start in range(0, len(e.risks), PER_BLOCK):
        risks = e.risks[start : start + PER_BLOCK]
        found = [e.at(place, risk.risk) for risk in risks]
        lines.append(line_of("", [heading_of(r) for r in risks], NAME_WIDTH, CELL_WIDTH))
        for s, name in enumerate(found[0].structures):
            cells = [_rank_text(c, s) for c in found]
            label = wrapped_name(name, NAME_WIDTH - 1, 1)[0]
            lines.append(line_of(label, cells, NAME_WIDTH, CELL_WIDTH))
        split = [_split_text(c, list(c.structures).index(e.structure)) for c in found]
        lines.append(line_of("% of variance ignorance", split, NAME_WIDTH, CELL_WIDTH))
    return lines


def _rank_text(c: Comparison, s: int) -> str:
    if c.ranking.says < Says.VERDICT:
        return c.ranking.reason if s == 0 else ""
    least, most = c.rank_probability[s, 0], c.rank_probability[s, -1]
    return f"{_chance(least)} {_chance(most)} {short_number(c.regret[s] * scale_of(c.quantity))}"


def _chance(p: float) -> str:
    return "<.01" if p < 0.005 else f"{p:.2f}".replace("0.", ".", 1)


def _split_text(c: Comparison, s: int) -> str:
    """Share of the variance of one draw's difference that is due to the parameters."""
    known = c.difference_noise[s][np.isfinite(c.difference_noise[s])]
    noise = float(known.mean()) if known.size else math.nan
    parameter = float(c.difference_sd[s] ** 2)
    carried = c.support[s].says >= Says.DIFFERENCE
    if not (carried and math.isfinite(parameter) and math.isfinite(noise)):
        return "-"
    if parameter + noise == 0:
        return "-"
    return f"{100 * parameter / (parameter + noise):.0f}"


def _trade_off(e: Examination, place: str, width: int) -> list[str]:
    pareto = e.trade_offs[e.rules[0], place]
    if pareto is None:
        return ["Too few risks whose counts carry an order of the structures: no trade-off."]
    chances = dict(zip(pareto.structures, pareto.probability, strict=True))
    risks = ", ".join(name.replace("_", " ") for name in pareto.risks)
    inside = ", ".join(f"{safe(s)} ({_chance(chances[s])})" for s in pareto.members)
    out = ", ".join(
        f"{safe(s)} ({_chance(chances[s])})" for s in pareto.structures if s not in pareto.members
    )
    text = f"Not beaten on all of {risks} at once (share of draws): {inside}."
    left = [RISKS[name].title for name in TRADE_OFF if name not in pareto.risks]
    text += f" Beaten: {out}." if out else ""
    text += f" Left out, as the counts carry no order: {', '.join(left)}." if left else ""
    return paragraph(text, width)


def _common_numbers(e: Examination, place: str, width: int) -> list[str]:
    """Variance reduction for the first risk that has one."""
    c = e.at(place, e.risks[0].risk)
    parts = [
        f"{safe(name)} {short_number(c.reduction[s])} ({short_number(c.reduction_low[s])}–"
        f"{short_number(c.reduction_high[s])}"
        + (f"; at most {short_number(c.reduction_bound[s])}"
           if math.isfinite(c.reduction_bound[s]) else "") + ")"
        for s, name in enumerate(c.structures) if math.isfinite(c.reduction[s])
    ]  # fmt: skip
    if not parts:
        return []
    text = (
        f"Common random numbers divide the Monte Carlo variance of the difference in "
        f"{c.quantity.risk.replace('_', ' ')} by: {', '.join(parts)}."
    )
    return ["", *paragraph(text, width)]


def _legend(e: Examination, width: int) -> list[str]:
    text = (
        "Per structure: mean over draws ± Monte Carlo standard error; [5-95 % of draws], what is "
        "not known about parameters, Monte Carlo part removed; difference to the reference in the "
        "same draws (per cent points; rates: per year; loss: per history); ratio of the means "
        "(95 % Monte Carlo interval); P(safer): chance over draws of a lower risk, ties half, "
        "below it the same under other decision rules. safer, riskier: in "
        f"{100 * CLEAR_SHARE:.0f} % of draws or more, and the mean difference beyond "
        f"{CLEAR_ERRORS:g} errors the same way; undecided: otherwise. <x: no hit, upper bound "
        "(95 %); >x: nothing but hits; ±?: too few histories per draw to know. too rare: fewer "
        f"than {LEAST_HITS} hits under all that are compared; too few draws: fewer than "
        f"{LEAST_DRAWS}. "
        "Regret: mean risk above that of the best structure in the same draw. % of "
        f"variance ignorance: of one draw's difference of {safe(e.structure)}, the share due to "
        "parameters; the rest is chance. Common random numbers: measured over replicates, 95 % "
        "over draws; at most: no coupling with these probabilities can do better.",
        "Total and first: share of the variance of the difference over parameters that a "
        "parameter takes part in, and that it explains alone, simulation noise removed (95 %). "
        "flips where x > v: above v the structure has more of the risk on average over all other "
        "parameters (95 % interval). The box: inside it the ranking is mostly reversed; coverage: "
        "share of all reversed draws inside; density: share of draws inside that are reversed. "
        "Knowing: expected fall of the risk if the parameter were known before choosing "
        "(perfect information).",
    )
    return [line for part in text for line in paragraph(part, width)]
