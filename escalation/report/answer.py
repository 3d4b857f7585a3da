"""The answer of a run in one paragraph of words, with its confidence and what it hangs on.

It speaks of the first flashpoint and the first structure in focus. Confidence is the chance
over draws that the structure has less of a risk than the reference; the assumptions are the
parameters that flip the difference in war by themselves, those that take the largest part in it
first. Nothing is said that the counts do not carry (:mod:`escalation.results.support`).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from escalation.analysis.comparison import compare, rows_of
from escalation.analysis.drivers import drivers_of, find_gaps, thresholds_of
from escalation.analysis.selection import choose, chosen_reference, chosen_structure
from escalation.errors import EscalationError
from escalation.report.beliefs_table import premises_words
from escalation.report.flips import largest, threshold_rows
from escalation.report.text import WIDTH, error_number, paragraph, plain_number, safe
from escalation.results.quantities import HEADLINE
from escalation.results.support import REASONS, Says, stands_out

ASSUMPTIONS = 3
_CERTAIN, _LIKELY, _LEANING = 0.95, 0.8, 0.6


def format_answer(ds: xr.Dataset, width: int = WIDTH) -> str:
    """Return the paragraph; empty where the results have nothing to compare.

    Parameters
    ----------
    ds : Dataset
        Results.
    width : int
        Columns.

    Examples
    --------
    >>> format_answer(ds).split(":")[0]
    'taiwan strait, 10 years'
    """
    flashpoint = str(ds["flashpoint"].values[0])
    try:
        base = chosen_reference(ds)
        structure = chosen_structure(ds, base)
    except EscalationError:
        return ""
    found = compare(ds, HEADLINE, loss={}, flashpoints=flashpoint)
    rows = rows_of(found)
    rule, *others = found["decision_rule"].values.tolist()
    sentences = [
        f"{_title(ds, 'flashpoint', flashpoint)}, {int(ds.attrs['horizon_years'])} years: "
        f"{_title(ds, 'structure', structure)} against {_title(ds, 'structure', base)}."
    ]
    sentences += [
        _sentence(risk, rows[rule, flashpoint, risk, structure], rows[rule, flashpoint, risk, base])
        for risk in HEADLINE[:3]
    ]
    sentences.append(_best(ds, {
        risk: {s: row for (r, _, q, s), row in rows.items() if (r, q) == (rule, risk)}
        for risk in ("war", "great_power_war")
    }))  # fmt: skip
    if others:
        other = {name: rows[name, flashpoint, "war", structure] for name in others}
        sentences.append(_other_rules(rule, other))
    sentences.append(_hangs_on(ds, flashpoint))
    sentences.append(premises_words(ds, flashpoint))
    return "\n".join(paragraph(" ".join(s for s in sentences if s), width))


def _title(ds: xr.Dataset, dim: str, key: str) -> str:
    titles = ds.coords.get(f"{dim}_title")
    title = str(titles.sel({dim: key}).item()) if titles is not None else ""
    return safe(title.split(" (")[0] or key.replace("_", " "))


def _sentence(risk: str, c: Any, base: Any) -> str:
    """One risk: how sure, and how large, as far as the counts carry it."""
    if c.says < Says.DIFFERENCE:
        return f"{_words(risk)}: {_chance(c)}."
    size = error_number(100 * c.difference_monte_carlo_se)
    error = f"±{size.replace('.', '0.', 1) if size.startswith('.') else size} by chance"
    if np.isfinite(c.difference_low):
        low, high = _points(c.difference_low), _points(c.difference_high)
        error = f"{low} to {high} over what is not known, {error}"
    return (
        f"{_words(risk)}: {_chance(c)}; on average {_level(c)} % against {_level(base)} %, "
        f"a difference of {_points(c.difference)} points ({error})."
    )


def _level(c: Any) -> str:
    """Mean in per cent; a bound where nothing was seen, or nothing else."""
    if c.hits == 0:
        return f"under {plain_number(100 * c.bound)}"
    if c.full:
        return f"over {plain_number(100 * (1 - c.bound))}"
    return plain_number(100 * c.mean)


def _chance(c: Any) -> str:
    """How sure it is that a structure has less of a risk, or why nothing is said of it."""
    if c.says < Says.VERDICT:
        return REASONS[c.reason]
    return _confidence(float(c.p_safer), c.verdict)


def _points(value: float) -> str:
    text = plain_number(100 * value)
    return f"+{text}" if value > 0 else text


def _words(risk: str) -> str:
    name = risk.replace("_", " ").replace("great power", "great-power")
    return name[0].upper() + name[1:]


def _confidence(p: float, verdict: str) -> str:
    """Chance of less of the risk, in words and as a number."""
    less, chance = p >= 0.5, max(p, 1 - p)
    side = "less" if less else "more"
    number = f"{chance:.2f}" if chance < 0.995 else "over 0.99"
    if chance >= _LIKELY and verdict == "undecided":
        return f"undecided ({side} in {number} of draws, but the mean differs by chance at most)"
    if chance >= _CERTAIN:
        return f"almost surely {side} ({number} of draws)"
    if chance >= _LIKELY:
        return f"likely {side} ({number} of draws)"
    if chance >= _LEANING:
        return f"leaning to {side} ({number} of draws)"
    return f"a coin toss ({side} in {number} of draws)"


def _best(ds: xr.Dataset, risks: dict[str, dict[str, Any]]) -> str:
    """Which structure has the least war and great-power war most often, if one stands out."""
    text = "; ".join(part for risk in risks if (part := _least(ds, risk, risks[risk])))
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _least(ds: xr.Dataset, risk: str, rows: dict[str, Any]) -> str:
    """Which structure, or which that are alike, most often has the least of a risk."""
    first = next(iter(rows.values()))
    if first.rank_says < Says.VERDICT:
        return ""
    chances: dict[int, float] = {}
    for row in rows.values():
        chances[row.twin] = chances.get(row.twin, 0.0) + float(row.least)
    if not stands_out(list(chances.values()), first.draws):
        return ""
    best = max(chances, key=lambda twin: chances[twin])
    names = [_title(ds, "structure", name) for name, row in rows.items() if row.twin == best]
    alike = ", which are alike" if len(names) > 1 else ""
    share = f"{100 * chances[best]:.0f} % of draws"
    return f"least {_words(risk).lower()} most often under {' or '.join(names)}{alike} ({share})"


def _other_rules(rule: str, others: dict[str, Any]) -> str:
    """Whether the answer on war changes with the decision rule."""
    parts = []
    for other, c in others.items():
        said = f"war is {_chance(c)}"
        if c.says < Says.VERDICT:
            said = f"no order is said of war: {_chance(c)}"
        parts.append(
            f"with {other.replace('_', ' ')} in place of {rule.replace('_', ' ')}, {said}"
        )
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _hangs_on(ds: xr.Dataset, flashpoint: str) -> str:
    """Name the assumptions behind the difference in war: those that flip it, else what moves it."""
    chosen = choose(ds, "war", loss={}, flashpoints=flashpoint)
    gaps = find_gaps(ds, chosen)
    d = drivers_of(ds, chosen, gaps).sel(flashpoint=flashpoint, risk="war")
    if d["reason"].item():
        return ""
    moving = [
        name for name in largest(d, "total", ASSUMPTIONS) if d["total"].sel(parameter=name) > 0
    ]
    flips = {t.parameter: t for t in threshold_rows(thresholds_of(chosen, gaps), flashpoint, "war")}
    pinned = _confirmed(ds)
    if pinned is not None:
        flips = {name: t for name, t in flips.items() if (name, "threshold") in pinned}
        moving = [name for name in moving if (name, "driver") in pinned]
    flipping = sorted(flips, key=lambda name: _order_in(moving, name))
    if flipping:
        parts = [_assumption(flips[name]) for name in flipping[:ASSUMPTIONS]]
        return f"On war the answer hangs on {', '.join(parts)}."
    if not moving:
        return "No single assumption stands out from chance in these draws."
    names = ", ".join(safe(name) for name in moving)
    return f"On war no single assumption flips the answer; what moves it most is {names}."


def _confirmed(ds: xr.Dataset) -> set[tuple[str, str]] | None:
    """Return parameter and kind of what pinning confirmed; None where nothing was pinned."""
    text = ds.attrs.get("confirmed")
    if text is None:
        return None
    return {(row["parameter"], row["kind"]) for row in json.loads(text) if row["confirmed"]}


def _order_in(names: list[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def _assumption(flip: Any) -> str:
    side = "above" if flip.rises else "below"
    return (
        f"{safe(flip.parameter)} (more war {side} {plain_number(flip.value)}, give or take "
        f"{plain_number(flip.low)} to {plain_number(flip.high)})"
    )
