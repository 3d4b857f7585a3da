"""The answer of a run in one paragraph of words, with its confidence and what it hangs on.

It speaks of the first flashpoint and the first structure in focus. Confidence is the chance
over draws that the structure has less of a risk than the reference; the assumptions are the
parameters that take the largest part in the difference in war, from the draws at hand where
there are enough, else from the one-at-a-time sweep.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from escalation.analysis.comparison import Comparison, chosen_reference
from escalation.analysis.drivers import LEAST_DRAWS, Drivers, chosen_structure
from escalation.analysis.examination import Examination, examine
from escalation.analysis.risks import HEADLINE, RISKS
from escalation.analysis.thresholds import Threshold
from escalation.errors import EscalationError
from escalation.report.text import WIDTH, paragraph, plain_number, safe

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
    """
    place = str(ds["flashpoint"].values[0])
    try:
        base = chosen_reference(ds)
        chosen_structure(ds, base)
    except EscalationError:
        return ""
    e = examine(ds, [RISKS[name] for name in HEADLINE], flashpoints=[place])
    sentences = [
        f"{_title(ds, 'flashpoint', place)}, {int(ds.attrs['horizon_years'])} years: "
        f"{_title(ds, 'structure', e.structure)} against {_title(ds, 'structure', base)}."
    ]
    sentences += [_sentence(e.at(place, name), e.structure) for name in HEADLINE[:3]]
    sentences.append(_best(ds, e, place))
    if len(e.rules) > 1:
        sentences.append(_other_rules(e, place))
    if ds.sizes["draw"] >= LEAST_DRAWS:
        sentences.append(_hangs_on(e.drivers.get((place, "war"))))
    return "\n".join(paragraph(" ".join(s for s in sentences if s), width))


def _title(ds: xr.Dataset, dim: str, key: str) -> str:
    titles = ds.coords.get(f"{dim}_title")
    title = str(titles.sel({dim: key}).item()) if titles is not None else ""
    return safe(title.split(" (")[0] or key.replace("_", " "))


def _sentence(c: Comparison, structure: str) -> str:
    """One risk: how sure, and how large."""
    s, r = c.structures.index(structure), c.structures.index(c.reference)
    name = _words(c)
    if c.verdict[s] in ("no hits", "-"):
        return f"{name}: never seen under either."
    if c.verdict[s] == "too rare":
        return f"{name}: too rare to compare."
    if c.verdict[s] == "identical":
        return f"{name}: exactly the same."
    sure = _confidence(float(c.p_safer[s]))
    if c.draws < 2:
        sure = "one draw only"
    low, high = _points(c.difference_low[s]), _points(c.difference_high[s])
    return (
        f"{name}: {sure}; on average {plain_number(100 * c.mean[s])} % against "
        f"{plain_number(100 * c.mean[r])} %, a difference of {_points(c.difference[s])} points "
        f"({low} to {high} over what is not known, ±{plain_number(100 * c.difference_mc_se[s])} by "
        "chance)."
    )


def _points(value: float) -> str:
    text = plain_number(100 * value)
    return f"+{text}" if value > 0 else text


def _words(c: Comparison) -> str:
    name = c.risk.name.replace("_", " ").replace("great power", "great-power")
    return name[0].upper() + name[1:]


def _confidence(p: float) -> str:
    """Chance of less of the risk, in words and as a number."""
    less, chance = p >= 0.5, max(p, 1 - p)
    side = "less" if less else "more"
    number = f"{chance:.2f}" if chance < 0.995 else "over 0.99"
    if chance >= _CERTAIN:
        return f"almost surely {side} ({number} of draws)"
    if chance >= _LIKELY:
        return f"likely {side} ({number} of draws)"
    if chance >= _LEANING:
        return f"leaning to {side} ({number} of draws)"
    return f"a coin toss ({side} in {number} of draws)"


def _best(ds: xr.Dataset, e: Examination, place: str) -> str:
    """Which structure has the least war and great-power war most often."""
    parts = []
    for name in ("war", "great_power_war"):
        c = e.at(place, name)
        if not c.hits.any() or c.draws < 2:
            continue
        s = int(np.argmax(c.rank_probability[:, 0]))
        share = f"{100 * c.rank_probability[s, 0]:.0f} % of draws"
        where = _title(ds, "structure", c.structures[s])
        parts.append(f"least {_words(c).lower()} most often under {where} ({share})")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _other_rules(e: Examination, place: str) -> str:
    """Whether the answer on war changes with the decision rule."""
    parts = []
    for rule in e.rules[1:]:
        c = e.at(place, "war", rule)
        p = float(c.p_safer[c.structures.index(e.structure)])
        parts.append(f"with {rule.replace('_', ' ')} in place of "
                     f"{e.rules[0].replace('_', ' ')}, war is {_confidence(p)}")  # fmt: skip
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _hangs_on(d: Drivers | None) -> str:
    """Name the assumptions behind the difference in war."""
    if d is None or d.sensitivity.all_noise:
        return ""
    s = d.sensitivity
    order = np.argsort(-s.total, kind="stable")[:ASSUMPTIONS]
    flips = {t.parameter: t for t in d.thresholds}
    weighty = [s.names[k] for k in order if s.total[k] > 0]
    for name in flips:
        if len(weighty) < ASSUMPTIONS and name not in weighty:
            weighty.append(name)
    if not weighty:
        return "No single assumption stands out from chance in these draws."
    parts = [_assumption(name, flips.get(name)) for name in weighty[:ASSUMPTIONS]]
    return f"On war the answer hangs on {', '.join(parts)}."


def _assumption(name: str, flip: Threshold | None) -> str:
    if flip is None:
        return f"{safe(name)} (by itself it flips nothing)"
    side = "above" if flip.rises else "below"
    return (
        f"{safe(name)} (more war {side} {plain_number(flip.value)}, give or take "
        f"{plain_number(flip.low)} to {plain_number(flip.high)})"
    )
