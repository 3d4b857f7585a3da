"""The answer of a run on one screen: in words, with what it hangs on, and a table.

It speaks of the first flashpoint and of the two structures that the study's `compare.answer` names:
in how many of 100 worlds the one has fewer wars than the other, for whom that is otherwise, how bad
it may get, what a wrong choice costs, and which assumptions turn it. Nothing is said that the
counts do not carry (:mod:`escalation.results.support`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from escalation.analysis.comparison import compare, rows_of
from escalation.analysis.drivers import Gap, drivers_of, find_gaps, thresholds_of
from escalation.analysis.reweighting import cell_of
from escalation.analysis.selection import (
    also_asked,
    asked,
    choose,
    chosen_reference,
    chosen_structure,
    focus_of,
    unknown_numbers,
)
from escalation.contracts.codes import CAUSES, NUCLEAR_USE
from escalation.errors import EscalationError
from escalation.report.beliefs_table import beliefs_on_war, history_words, premises_words
from escalation.report.cells import Cell, cells_of
from escalation.report.flips import largest, threshold_rows
from escalation.report.text import (
    WIDTH,
    Row,
    of_100,
    paragraph,
    plain_number,
    safe,
    short_number,
    short_title,
    table,
)
from escalation.results.quantities import HEADLINE
from escalation.results.support import REASONS, Says
from escalation.results.under_rule import under_rule
from escalation.statistics.intervals import Z95

ASSUMPTIONS = 2
"""Assumptions that the answer names at most."""
MOST_ROWS = 8
_COLUMNS = {
    "p_war": "war %", "p_great_power_war": "great-power %", "p_nuclear_use": "nuclear %",
}  # fmt: skip
_RISK_WORDS = {"great_power_war": "great-power war", "nuclear_use": "nuclear use"}
_LABEL = 9


def format_answer(
    ds: xr.Dataset, width: int = WIDTH, *, scenarios: Sequence[xr.Dataset] = ()
) -> str:
    """Return the answer; empty where the results have nothing to compare.

    Parameters
    ----------
    ds : Dataset
        Results.
    width : int
        Columns, at least 80.
    scenarios : sequence of Dataset
        Results of the study's scenarios, which are told too.

    Examples
    --------
    >>> format_answer(ds).split(":")[0]
    'taiwan strait, 10 years'
    """
    flashpoint = str(ds["flashpoint"].values[0])
    ds = asked(ds)
    try:
        base = chosen_reference(ds)
        structure = chosen_structure(ds, base)
    except EscalationError:
        return ""
    found = compare(ds, HEADLINE, loss={}, flashpoints=flashpoint)
    rows = rows_of(found)
    rule, *others = found["decision_rule"].values.tolist()
    here = {risk: rows[rule, flashpoint, risk, structure] for risk in HEADLINE[:3]}
    name, alternative = _title(ds, "structure", structure), _title(ds, "structure", base)
    held = beliefs_on_war(ds, flashpoint)
    lines = paragraph(
        f"{_title(ds, 'flashpoint', flashpoint)}, {int(ds.attrs['horizon_years'])} years: "
        f"{name}, or {alternative}?", width,
    )  # fmt: skip
    lines += paragraph(_verdict(ds, here["war"], name, premises_words(held)), width)
    for label, text in (
        ("what if", _what_if(ds, scenarios, flashpoint, structure)),
        ("turns", _hangs_on(ds, flashpoint)),
        ("war", _level(here["war"], rows[rule, flashpoint, "war", base])),
        ("if wrong", _regret(ds, flashpoint, structure, base)),
        ("also", _others(ds, here, {other: rows[other, flashpoint, "war", structure]
                                    for other in others}, flashpoint, structure)),
        ("history", "; ".join(filter(None, (history_words(held), _accidents(ds, flashpoint))))),
    ):  # fmt: skip
        if text:
            lines += paragraph(text, width, label.ljust(_LABEL), " " * _LABEL)
    war = {s: rows[rule, flashpoint, "war", s] for s in found["structure"].values.tolist()}
    return "\n".join([*lines, *_table(ds, war, flashpoint, width)])


def _title(ds: xr.Dataset, dim: str, key: str) -> str:
    titles = ds.coords.get(f"{dim}_title")
    return short_title(str(titles.sel({dim: key}).item()) if titles is not None else "", key)


def _verdict(ds: xr.Dataset, war: Any, name: str, beliefs: str) -> str:
    """In how many worlds there are fewer wars, and in how many for those who believe otherwise."""
    if war.says < Says.VERDICT:
        return f"War: {REASONS[war.reason]}."
    unsure = ", though the means differ by chance at most" if _by_chance_at_most(war) else ""
    said = f": {beliefs}; nobody knows which" if beliefs else ""
    return (
        f"Of 100 worlds (draws of the {unknown_numbers(ds)} numbers that nobody knows; "
        f"{ds.sizes['draw']:,} were simulated) {of_100(war.p_safer)} have fewer wars under "
        f"{name}{unsure}{said}."
    )


def _by_chance_at_most(c: Any) -> bool:
    return bool(max(c.p_safer, 1 - c.p_safer) >= 0.8 and c.verdict == "undecided")


def _level(c: Any, base: Any) -> str:
    """Mean and bad tail of both."""
    if c.says < Says.LEVEL and base.says < Says.LEVEL:
        return ""
    text = f"{_mean(c)} % against {_mean(base)}"
    if np.isfinite(c.high) and np.isfinite(base.high):
        text += f"; in the worst 5 worlds of 100 over {_percent(c.high)} against " \
                f"{_percent(base.high)}"
    return text


def _mean(c: Any) -> str:
    """Mean in per cent; a bound where nothing was seen, or nothing else."""
    if c.hits == 0:
        return f"under {_percent(c.bound)}"
    return f"over {_percent(1 - c.bound)}" if c.full else _percent(c.mean)


def _percent(share: float) -> str:
    return plain_number(100 * share)


def _regret(ds: xr.Dataset, flashpoint: str, structure: str, base: str) -> str:
    """What it costs on average to choose one of the two for good."""
    pair = ds.sel(structure=[structure, base])
    rows = rows_of(compare(pair, "war", loss={}, flashpoints=flashpoint).isel(decision_rule=[0]))
    mine, other = (c.regret for c in rows.values())
    if not (np.isfinite(mine) and np.isfinite(other)):
        return ""
    return (
        f"{_percent(mine)} points of war on average (regret); "
        f"{_title(ds, 'structure', base)} {_percent(other)}"
    )


def _others(
    ds: xr.Dataset, here: dict[str, Any], by_rule: dict[str, Any], flashpoint: str, structure: str
) -> str:
    """The same share for the other risks, decision rules, and a third structure."""
    parts = [
        f"{_RISK_WORDS[risk]} {of_100(c.p_safer)}"
        for risk, c in here.items() if risk != "war" and c.says >= Says.VERDICT
    ]
    parts += [
        f"{rule.replace('_', ' ')} {of_100(c.p_safer)}"
        for rule, c in by_rule.items() if c.says >= Says.VERDICT
    ]
    third = also_asked(ds)
    if third is not None:
        found = compare(ds, "war", reference=third, loss={}, flashpoints=flashpoint)
        c = next(iter(rows_of(found.sel(structure=[structure]).isel(decision_rule=[0])).values()))
        if c.says >= Says.VERDICT:
            parts.append(f"against {_title(ds, 'structure', third)} {of_100(c.p_safer)}")
    return f"of 100: {', '.join(parts)}" if parts else ""


def _what_if(
    ds: xr.Dataset, scenarios: Sequence[xr.Dataset], flashpoint: str, structure: str
) -> str:
    """The same share of worlds in every scenario."""
    base, title = chosen_reference(ds), str(ds.attrs.get("study_title") or "")
    told = []
    for other in scenarios:
        found = compare(other, "war", reference=base, loss={}, flashpoints=flashpoint)
        (c,) = rows_of(found.sel(structure=[structure]).isel(decision_rule=[0])).values()
        name = str(other.attrs.get("study_title") or "").removeprefix(title).removeprefix(": ")
        share = of_100(c.p_safer) if c.says >= Says.VERDICT else REASONS[c.reason]
        told.append(f"{share} if {safe(name)}")
    return "; ".join(told)


def _hangs_on(ds: xr.Dataset, flashpoint: str) -> str:
    """Name the assumptions behind the difference in war: those that turn it, else what moves it."""
    chosen = choose(ds, "war", loss={}, flashpoints=flashpoint)
    gaps = find_gaps(ds, chosen)
    d = drivers_of(ds, chosen, gaps).sel(flashpoint=flashpoint, risk="war")
    gap = gaps[flashpoint, "war"]
    if d["reason"].item() or not isinstance(gap, Gap):
        return ""
    moving = [name for name in largest(d, "total", 3) if d["total"].sel(parameter=name) > 0]
    flips = {t.parameter: t for t in threshold_rows(thresholds_of(chosen, gaps), flashpoint, "war")}
    pinned = _confirmed(ds)
    if pinned is not None:
        flips = {name: t for name, t in flips.items() if (name, "threshold") in pinned}
        moving = [name for name in moving if (name, "driver") in pinned]
    turning = sorted(flips, key=lambda name: moving.index(name) if name in moving else len(moving))
    if turning:
        less = cell_of(gap.whole).less[gap.s, gap.r]
        parts = [_assumption(gap, flips[name], less) for name in turning[:ASSUMPTIONS]]
        return f"of 100: {', '.join(parts)}"
    if not moving:
        return "no single assumption stands out from chance"
    return f"no single assumption; what moves it most is {', '.join(map(safe, moving))}"


def _confirmed(ds: xr.Dataset) -> set[tuple[str, str]] | None:
    """Return parameter and kind of what pinning confirmed; None where nothing was pinned."""
    text = ds.attrs.get("confirmed")
    if text is None:
        return None
    return {(row["parameter"], row["kind"]) for row in json.loads(text) if row["confirmed"]}


def _assumption(gap: Gap, flip: Any, less: np.ndarray) -> str:
    """A threshold, and in how many worlds beyond it there are fewer wars all the same.

    `less` is, by draw, how far the structure has less of the risk.
    """
    values = gap.design.values[:, gap.design.column(flip.parameter)]
    beyond = values > flip.value if flip.rises else values < flip.value
    sign = ">" if flip.rises else "<"
    return (
        f"{of_100(float(less[beyond].mean()))} where {safe(flip.parameter)} {sign} "
        f"{plain_number(flip.value)} ({plain_number(flip.low)} to {plain_number(flip.high)})"
    )


def _accidents(ds: xr.Dataset, flashpoint: str) -> str:
    """Share of nuclear use that begins with an accident, under all structures together."""
    if "transition_count" not in ds:
        return ""
    steps = under_rule(ds)["transition_count"].sel(flashpoint=flashpoint)
    crossed = steps.sel(
        from_rung=slice(None, NUCLEAR_USE - 1), to_rung=slice(NUCLEAR_USE, None)
    ).sum([dim for dim in steps.dims if dim != "cause"])
    total = int(crossed.sum())
    if not total:
        return ""
    share = int(crossed.sel(cause=CAUSES[0])) / total
    return f"nuclear use: {of_100(share)} % accidents"


def _table(ds: xr.Dataset, war: dict[str, Any], flashpoint: str, width: int) -> list[str]:
    """Return a row for each structure: three risks, and the share of worlds with fewer wars."""
    cells = cells_of(ds, list(_COLUMNS))
    names, base = _shown(ds), chosen_reference(ds)
    rows: list[Row] = []
    for name in names:
        row = cells[flashpoint, name]
        fewer = "" if name == base else _share_text(war[name])
        rows.append((safe(name), [*(row[q].text() for q in _COLUMNS), fewer]))
    chances = [_chance([cells[flashpoint, name][q] for name in names]) for q in _COLUMNS]
    errors = ", ".join(short_number(100 * error) for error in chances if np.isfinite(error))
    left = ds.sizes["structure"] - len(names)
    note = (
        "median [5-95 % of worlds], m: mean; fewer: worlds of 100 with fewer wars than "
        f"{safe(base)}"
        + (f"; by chance at most ±{errors}" if errors else "")
        + (f"; {left} more structures: escalation show" if left else "")
    )
    return [*table([*_COLUMNS.values(), "fewer"], rows, width), *paragraph(note, width)]


def _shown(ds: xr.Dataset) -> list[str]:
    """Return the structures of the table in the order of the study, at most `MOST_ROWS`."""
    names = [str(name) for name in ds["structure"].values]
    base = chosen_reference(ds)
    first = dict.fromkeys([base, *focus_of(ds, base), *names])
    kept = set(list(first)[:MOST_ROWS])
    return [name for name in names if name in kept]


def _share_text(c: Any) -> str:
    if c.says < Says.VERDICT:
        return "-"
    return of_100(c.p_safer).replace("over ", ">").replace("under ", "<")


def _chance(cells: list[Cell]) -> float:
    """Return the largest half-width of a 95 % interval by chance."""
    errors = [Z95 * cell.monte_carlo_se for cell in cells if np.isfinite(cell.monte_carlo_se)]
    return max(errors) if errors else float("nan")
