"""What ``escalation compare`` prints: paired differences, ranks, trade-offs, drivers and flips."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from escalation.analysis.comparison import quantity_of, rows_of
from escalation.analysis.findings import Findings
from escalation.report.cells import (
    NUMBER,
    Cell,
    cells_of,
    chance_words,
    difference_text,
    differs,
    plain_title,
    range_text,
)
from escalation.report.decision_table import share_text
from escalation.report.flips import flip_lines
from escalation.report.glossary import explained
from escalation.report.text import (
    WIDTH,
    counted,
    paragraph,
    safe,
    share_number,
    short_number,
    table,
    titled,
)
from escalation.results.quantities import QUANTITIES, RISKS, Quantity
from escalation.results.support import REASONS, Says
from escalation.statistics.intervals import Z95


def format_comparison(found: Findings, ds: xr.Dataset, width: int = WIDTH) -> str:
    """Return findings as plain text, no line wider than `width`.

    Parameters
    ----------
    found : Findings
    ds : Dataset
        The results that they are of.
    width : int
        Columns.
    """
    tables = _Tables(found, ds, width)
    lines = _headline(found.comparison, ds, width)
    for flashpoint in found.comparison["flashpoint"].values.tolist():
        lines += ["", *titled(flashpoint, width)]
        for risk in tables.risks:
            lines += [*tables.of_risk(flashpoint, risk), ""]
        lines += [*_trade_off(found.trade_offs, flashpoint, width), ""]
        lines += tables.same_numbers(flashpoint)
        lines += flip_lines(found, flashpoint, width)
    return explained(lines, width)


def _headline(found: xr.Dataset, ds: xr.Dataset, width: int) -> list[str]:
    title = safe(ds.attrs.get("study_title") or ds.attrs.get("study_name") or "unnamed study")
    rules = [str(rule).replace("_", " ") for rule in found["decision_rule"].values]
    size = (
        f"{counted(ds.sizes['draw'], 'draw')} x {int(ds.attrs['trajectories']):,} "
        f"histories of {int(ds.attrs['horizon_years'])} years each, the same under every "
        f"structure. Reference: {safe(found.attrs['reference'])}. Decision "
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


class _Tables:
    """The tables of a comparison, made of its rows."""

    def __init__(self, found: Findings, ds: xr.Dataset, width: int) -> None:
        c = found.comparison
        self.rows, self.width = rows_of(c), width
        self.rules = [str(rule) for rule in c["decision_rule"].values]
        self.structures = [str(name) for name in c["structure"].values]
        self.reference, self.structure = c.attrs["reference"], found.drivers.attrs["structure"]
        self.risks = [quantity_of(str(risk)) for risk in c["risk"].values]
        names = [risk.name for risk in self.risks if risk.name in QUANTITIES]
        self.cells = cells_of(ds, names, self.rules[0]) if names else {}

    def at(self, flashpoint: str, risk: Quantity, rule: str = "") -> dict[str, Any]:
        """Rows by structure under a decision rule, by default the first."""
        key = rule or self.rules[0]
        return {name: self.rows[key, flashpoint, risk.risk, name] for name in self.structures}

    def of_risk(self, flashpoint: str, risk: Quantity) -> list[str]:
        """Every structure on one risk, how far chance goes, and what the range is made of."""
        by_name = self.at(flashpoint, risk)
        rows = list(by_name.values())
        cells = [self.cells.get((flashpoint, name), {}).get(risk.name) for name in by_name]
        levels = list(zip(cells, rows, strict=True))
        columns: dict[str, list[str]] = {
            "median\n[5–95 %]": [_level(cell, c) for cell, c in levels],
            "difference": [difference_text(c, risk.scale) if differs(c) else "" for c in rows],
            "ratio": [short_number(c.ratio) if differs(c) else "" for c in rows],
        }
        for rule in self.rules:
            head = "P(safer)" if rule == self.rules[0] else f"P(safer),\n{rule.replace('_', ' ')}"
            columns[head] = [
                share_text(c.p_safer, c.draws, c.verdict) if c.verdict != "reference" else ""
                for c in self.at(flashpoint, risk, rule).values()
            ]
        ranked = rows[0].rank_says >= Says.VERDICT
        if ranked:
            columns["P(least)"] = [_chance(c.least) for c in rows]
            columns["P(most)"] = [_chance(c.most) for c in rows]
            columns["regret"] = [short_number(c.regret * risk.scale) for c in rows]
        names = [name + " (ref)" * (name == self.reference) for name in self.structures]
        lines = paragraph(heading_of(risk), self.width)
        across = zip(*columns.values(), strict=True)
        lines += table(list(columns), list(zip(names, across, strict=True)), self.width)
        notes = [
            chance_words(NUMBER, _errors(levels, risk.scale)),
            "" if ranked else f"No order of the structures: {REASONS[rows[0].rank_reason]}.",
            _split_words(by_name[self.structure], self.structure),
        ]
        return lines + paragraph(" ".join(note for note in notes if note), self.width)

    def same_numbers(self, flashpoint: str) -> list[str]:
        """Say what the same random numbers are worth on the first risk."""
        parts = [
            f"{safe(name)} {short_number(c.reduction)} "
            f"[{short_number(c.reduction_low)}–{short_number(c.reduction_high)}]"
            + (f", at most {short_number(c.reduction_bound)}"
               if math.isfinite(c.reduction_bound) else "")
            for name, c in self.at(flashpoint, self.risks[0]).items() if math.isfinite(c.reduction)
        ]  # fmt: skip
        text = (
            "The same random numbers under every structure divide the variance that chance gives "
            f"the difference in {plain_title(self.risks[0])}, with its 95 % interval over draws "
            f"and the most that any such coupling can reach, by: {'; '.join(parts)}."
        )
        return [*paragraph(text, self.width), ""] if parts else []


def heading_of(risk: Quantity) -> str:
    """Return a risk with its unit."""
    return f"{plain_title(risk)}{'' if risk.scale == 1 else ' %'}"


def _level(cell: Cell | None, c: Any) -> str:
    """Return the level of a structure, as in every table; of a loss the mean is known alone."""
    if cell is not None:
        return cell.text()
    return f"m {short_number(c.mean)}\n{range_text(c.low, c.high, 1.0)}".rstrip()


def _errors(
    levels: list[tuple[Cell | None, Any]], scale: float
) -> Iterator[tuple[str, float | None]]:
    """Standard errors by column, None for what is not printed."""
    for cell, c in levels:
        yield "median", c.monte_carlo_se if cell is None else cell.error()
        if differs(c):
            yield "difference", c.difference_monte_carlo_se * scale
            yield "ratio", (c.ratio_mc_high - c.ratio) / Z95 if math.isfinite(c.ratio) else None


def _chance(p: float) -> str:
    return "<.01" if p < 0.005 else share_number(p)


def _split_words(c: Any, structure: str) -> str:
    """Say how much of the variance of one draw's difference is due to what is not known."""
    parameter, whole = c.difference_sd**2, c.difference_sd**2 + c.difference_noise
    if c.says < Says.DIFFERENCE or not whole > 0:
        return ""
    return (
        f"Of the variance of one draw's difference of {safe(structure)}, "
        f"{100 * parameter / whole:.0f} % is what is not known, the rest chance."
    )


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
    text = f"Not beaten by another structure on all of {on} at once (share of draws): "
    text += f"{', '.join(texts[member])}."
    left = [RISKS[str(name)].title for name in risks[~counted_]]
    text += f" Beaten: {', '.join(texts[~member])}." if not member.all() else ""
    text += f" Left out, as the counts carry no order: {', '.join(left)}." if left else ""
    return paragraph(text, width)
