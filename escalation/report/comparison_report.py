"""What ``escalation compare`` prints: paired differences, ranks, trade-offs, drivers and flips."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from escalation.analysis.comparison import CLEAR_ERRORS, CLEAR_SHARE, quantity_of, rows_of
from escalation.analysis.findings import Findings
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
from escalation.results.quantities import RISKS, Quantity
from escalation.results.support import LEAST_DRAWS, LEAST_HITS, Says

NAME_WIDTH = 25
CELL_WIDTH = 18
PER_BLOCK = 4


def format_comparison(found: Findings, ds: xr.Dataset, width: int = WIDTH) -> str:
    """Return findings as plain text, no line wider than `width` (at least 100).

    Parameters
    ----------
    found : Findings
    ds : Dataset
        The results that they are of.
    width : int
        Columns.
    """
    width = max(width, WIDTH)
    tables = _Tables(found)
    lines = _headline(found.comparison, ds, width)
    for flashpoint in found.comparison["flashpoint"].values.tolist():
        lines += ["", safe(flashpoint)[:width], "=" * min(len(flashpoint), width)]
        for risks in tables.blocks:
            lines += ["", *tables.differences(flashpoint, risks)]
        lines += ["", *tables.ranks(flashpoint)]
        lines += ["", *_trade_off(found.trade_offs, flashpoint, width)]
        lines += tables.common_numbers(flashpoint, width)
        lines += ["", *flip_lines(found, flashpoint, width)]
    return "\n".join([*lines, "", *_legend(found.drivers.attrs["structure"], width)])


def _headline(found: xr.Dataset, ds: xr.Dataset, width: int) -> list[str]:
    title = safe(ds.attrs.get("study_title") or ds.attrs.get("study_name") or "unnamed study")
    rules = [str(rule).replace("_", " ") for rule in found["decision_rule"].values]
    size = (
        f"{counted(ds.sizes['draw'], 'parameter draw')} x {int(ds.attrs['trajectories']):,} "
        f"histories of {int(ds.attrs['horizon_years'])} years per cell, the same draws and random "
        f"numbers under every structure. Reference: {safe(found.attrs['reference'])}. Decision "
        f"rule: {rules[0]}"
    )
    if len(rules) > 1:
        size += f", beside it {', '.join(rules[1:])}"
    lines = [*paragraph(title, width), *paragraph(f"{size}.", width)]
    loss = json.loads(found.attrs["loss"])
    if loss:
        weights = ", ".join(f"{w:g} x {name.replace('_', ' ')}" for name, w in loss.items())
        lines += paragraph(f"Loss per history: {weights}.", width)
    return lines


def heading_of(risk: Quantity) -> str:
    """Return the column heading of a risk with its unit."""
    return f"{risk.title.replace('P(', '').replace(')', '')}{'' if risk.scale == 1 else ' %'}"


class _Tables:
    """The tables of a comparison, made of its rows."""

    def __init__(self, found: Findings) -> None:
        c = found.comparison
        self.rows = rows_of(c)
        self.rules = [str(rule) for rule in c["decision_rule"].values]
        self.structures = [str(name) for name in c["structure"].values]
        self.reference, self.structure = c.attrs["reference"], found.drivers.attrs["structure"]
        risks = [quantity_of(str(risk)) for risk in c["risk"].values]
        self.blocks = [risks[k : k + PER_BLOCK] for k in range(0, len(risks), PER_BLOCK)]

    def across(
        self, flashpoint: str, risks: Sequence[Quantity], structure: str, rule: str = ""
    ) -> list[Any]:
        """Rows of one structure, a risk each."""
        key = rule or self.rules[0]
        return [self.rows[key, flashpoint, risk.risk, structure] for risk in risks]

    def differences(self, flashpoint: str, risks: Sequence[Quantity]) -> list[str]:
        """Table of differences to the reference, several lines per structure."""
        lines = [line_of("", [heading_of(risk) for risk in risks], NAME_WIDTH, CELL_WIDTH)]
        for name in self.structures:
            here = self.across(flashpoint, risks, name)
            pairs = list(zip(here, risks, strict=True))
            cells = {
                wrapped_name(f"{name} (ref)" if name == self.reference else name,
                             NAME_WIDTH - 1, 1)[0]: [_level_text(c, q) for c, q in pairs],
                "  5-95 % of draws": [_range_text(c.low, c.high, q.scale) for c, q in pairs],
            }  # fmt: skip
            lines += _lines(cells)
            if name != self.reference:
                lines += _lines(self._against(flashpoint, risks, name))
        return lines

    def _against(
        self, flashpoint: str, risks: Sequence[Quantity], name: str
    ) -> dict[str, list[str]]:
        here = self.across(flashpoint, risks, name)
        pairs = list(zip(here, risks, strict=True))
        found = {
            "  difference": [_difference_text(c, q.scale) for c, q in pairs],
            "  5-95 % of draws ": [
                _range_text(c.difference_low, c.difference_high, q.scale, sign=True)
                if c.verdict not in ("identical", "no hits", "-") else ""
                for c, q in pairs
            ],
            "  ratio": [_ratio_text(c) for c in here],
        }  # fmt: skip
        for rule in self.rules:
            label = "  P(safer)" if rule == self.rules[0] else f"   {rule.replace('_', ' ')}"
            found[label] = [
                share_text(c.p_safer, c.draws, c.verdict)
                for c in self.across(flashpoint, risks, name, rule)
            ]
        return found

    def ranks(self, flashpoint: str) -> list[str]:
        """Chance of the least risk, expected regret and the shares of variance, by structure."""
        lines = ["Chance of the least and of the most risk; expected regret"]
        for risks in self.blocks:
            lines.append(line_of("", [heading_of(q) for q in risks], NAME_WIDTH, CELL_WIDTH))
            for s, name in enumerate(self.structures):
                pairs = zip(self.across(flashpoint, risks, name), risks, strict=True)
                cells = [_rank_text(c, q.scale, s == 0) for c, q in pairs]
                label = wrapped_name(name, NAME_WIDTH - 1, 1)[0]
                lines.append(line_of(label, cells, NAME_WIDTH, CELL_WIDTH))
            split = [_split_text(c) for c in self.across(flashpoint, risks, self.structure)]
            lines.append(line_of("% of variance ignorance", split, NAME_WIDTH, CELL_WIDTH))
        return lines

    def common_numbers(self, flashpoint: str, width: int) -> list[str]:
        """Variance reduction for the first risk."""
        risk = self.blocks[0][0]
        parts = []
        for name in self.structures:
            (c,) = self.across(flashpoint, [risk], name)
            if not math.isfinite(c.reduction):
                continue
            most = f"; at most {short_number(c.reduction_bound)}"
            parts.append(
                f"{safe(name)} {short_number(c.reduction)} ({short_number(c.reduction_low)}–"
                f"{short_number(c.reduction_high)}"
                f"{most if math.isfinite(c.reduction_bound) else ''})"
            )
        if not parts:
            return []
        text = (
            f"Common random numbers divide the Monte Carlo variance of the difference in "
            f"{risk.risk.replace('_', ' ')} by: {', '.join(parts)}."
        )
        return ["", *paragraph(text, width)]


def _lines(cells: dict[str, list[str]]) -> list[str]:
    """Lines of a table by their label, without those that say nothing."""
    return [
        line_of(label.rstrip(), row, NAME_WIDTH, CELL_WIDTH)
        for label, row in cells.items() if any(row)
    ]  # fmt: skip


def _level_text(c: Any, q: Quantity) -> str:
    if not c.trials > 0:
        return "-"
    if c.hits == 0:
        return f"<{short_number(c.bound * q.scale)}"
    if c.full:
        return f">{short_number((1.0 - c.bound) * q.scale)}"
    return f"{short_number(c.mean * q.scale)} ±{error_number(c.monte_carlo_se * q.scale)}"


def _difference_text(c: Any, scale: float) -> str:
    if not math.isfinite(c.difference):
        return ""
    if c.verdict == "identical":
        return "exactly 0"
    error = error_number(c.difference_monte_carlo_se * scale)
    return f"{signed(c.difference * scale)} ±{error}"


def _range_text(low: float, high: float, scale: float, *, sign: bool = False) -> str:
    if not (math.isfinite(low) and math.isfinite(high)) or (low == high == 0):
        return ""
    shown = signed if sign else short_number
    if low == 0 and not sign:
        return f"[≤{shown(high * scale)}]"
    return f"[{shown(low * scale)}–{shown(high * scale)}]"


def _ratio_text(c: Any) -> str:
    if not math.isfinite(c.ratio) or c.verdict == "identical":
        return ""
    low, high = short_number(c.ratio_mc_low), short_number(c.ratio_mc_high)
    return f"{short_number(c.ratio)} ({low}–{high})"


def _rank_text(c: Any, scale: float, first: bool) -> str:
    if c.rank_says < Says.VERDICT:
        return str(c.rank_reason) if first else ""
    return f"{_chance(c.least)} {_chance(c.most)} {short_number(c.regret * scale)}"


def _chance(p: float) -> str:
    return "<.01" if p < 0.005 else f"{p:.2f}".replace("0.", ".", 1)


def _split_text(c: Any) -> str:
    """Share of the variance of one draw's difference that is due to the parameters."""
    parameter, whole = c.difference_sd**2, c.difference_sd**2 + c.difference_noise
    if c.says < Says.DIFFERENCE or not whole > 0:
        return "-"
    return f"{100 * parameter / whole:.0f}"


def _trade_off(found: xr.Dataset, flashpoint: str, width: int) -> list[str]:
    """Who is not beaten, under the headline rule."""
    here = found.isel(decision_rule=0).sel(flashpoint=flashpoint)
    counted_ = here["counted"].values
    if counted_.sum() < 2:
        return ["Too few risks whose counts carry an order of the structures: no trade-off."]
    names, risks = here["structure"].values, here["risk"].values
    texts = np.array([
        f"{safe(name)} ({_chance(p)})"
        for name, p in zip(names, here["probability"].values, strict=True)
    ])  # fmt: skip
    member = here["member"].values
    on = ", ".join(str(name).replace("_", " ") for name in risks[counted_])
    text = f"Not beaten on all of {on} at once (share of draws): {', '.join(texts[member])}."
    left = [RISKS[str(name)].title for name in risks[~counted_]]
    text += f" Beaten: {', '.join(texts[~member])}." if not member.all() else ""
    text += f" Left out, as the counts carry no order: {', '.join(left)}." if left else ""
    return paragraph(text, width)


def _legend(structure: str, width: int) -> list[str]:
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
        f"variance ignorance: of one draw's difference of {safe(structure)}, the share due to "
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
