"""The answer of a run in one paragraph of words, with its confidence and what it hangs on.

It speaks of the first flashpoint and the first structure in focus. Confidence is the chance
over draws that the structure has less of a risk than the reference; the assumptions are the
parameters that flip the difference in war by themselves, those that take the largest part in it
first. Nothing is said that the counts do not carry (:mod:`escalation.results.support`).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from escalation.analysis.comparison import Comparison, chosen_reference
from escalation.analysis.drivers import Drivers, chosen_structure
from escalation.analysis.summary import Examination, examine
from escalation.errors import EscalationError
from escalation.report.text import WIDTH, error_number, paragraph, plain_number, safe
from escalation.results.quantities import HEADLINE, RISKS
from escalation.results.support import Says, stands_out
from escalation.statistics.intervals import zero_upper_bound
from escalation.statistics.thresholds import Threshold

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
    sentences.append(_hangs_on(e.drivers.get((place, "war"))))
    return "\n".join(paragraph(" ".join(s for s in sentences if s), width))


def _title(ds: xr.Dataset, dim: str, key: str) -> str:
    titles = ds.coords.get(f"{dim}_title")
    title = str(titles.sel({dim: key}).item()) if titles is not None else ""
    return safe(title.split(" (")[0] or key.replace("_", " "))


def _sentence(c: Comparison, structure: str) -> str:
    """One risk: how sure, and how large, as far as the counts carry it."""
    s, r = c.structures.index(structure), c.structures.index(c.reference)
    if c.support[s].says < Says.DIFFERENCE:
        return f"{_words(c)}: {_chance(c, s)}."
    size = error_number(100 * c.difference_mc_se[s])
    error = f"±{size.replace('.', '0.', 1) if size.startswith('.') else size} by chance"
    if np.isfinite(c.difference_low[s]):
        low, high = _points(c.difference_low[s]), _points(c.difference_high[s])
        error = f"{low} to {high} over what is not known, {error}"
    return (
        f"{_words(c)}: {_chance(c, s)}; on average {_level(c, s)} % against {_level(c, r)} %, "
        f"a difference of {_points(c.difference[s])} points ({error})."
    )


def _level(c: Comparison, s: int) -> str:
    """Mean in per cent; a bound where nothing was seen, or nothing else."""
    bound = float(zero_upper_bound(c.trials[s]))
    if c.hits[s] == 0:
        return f"under {plain_number(100 * bound)}"
    if c.hits[s] == c.trials[s]:
        return f"over {plain_number(100 * (1 - bound))}"
    return plain_number(100 * c.mean[s])


def _chance(c: Comparison, s: int) -> str:
    """How sure it is that a structure has less of a risk, or why nothing is said of it."""
    if c.support[s].says < Says.VERDICT:
        return c.support[s].words
    return _confidence(float(c.p_safer[s]), c.verdict[s])


def _points(value: float) -> str:
    text = plain_number(100 * value)
    return f"+{text}" if value > 0 else text


def _words(c: Comparison) -> str:
    name = c.quantity.risk.replace("_", " ").replace("great power", "great-power")
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


def _best(ds: xr.Dataset, e: Examination, place: str) -> str:
    """Which structure has the least war and great-power war most often, if one stands out."""
    parts = [
        text for name in ("war", "great_power_war") if (text := _least(ds, e.at(place, name)))
    ]
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _least(ds: xr.Dataset, c: Comparison) -> str:
    """Which structure, or which that are alike, most often has the least of a risk."""
    if c.ranking.says < Says.VERDICT:
        return ""
    groups = _alike(c)
    chances = [float(sum(c.rank_probability[s, 0] for s in group)) for group in groups]
    best = int(np.argmax(chances))
    if not stands_out(chances, c.draws):
        return ""
    where = " or ".join(_title(ds, "structure", c.structures[s]) for s in groups[best])
    alike = ", which are alike" if len(groups[best]) > 1 else ""
    share = f"{100 * chances[best]:.0f} % of draws"
    return f"least {_words(c).lower()} most often under {where}{alike} ({share})"


def _alike(c: Comparison) -> list[list[int]]:
    """Structures with the same values in every draw, together."""
    groups: list[list[int]] = []
    for s in range(len(c.structures)):
        for group in groups:
            if np.array_equal(c.values[s], c.values[group[0]]):
                group.append(s)
                break
        else:
            groups.append([s])
    return groups


def _other_rules(e: Examination, place: str) -> str:
    """Whether the answer on war changes with the decision rule."""
    parts = []
    for rule in e.rules[1:]:
        c = e.at(place, "war", rule)
        s = c.structures.index(e.structure)
        if c.support[s].says < Says.VERDICT:
            said = f"no order is said of war: {c.support[s].words}"
        else:
            said = f"war is {_chance(c, s)}"
        parts.append(f"with {rule.replace('_', ' ')} in place of "
                     f"{e.rules[0].replace('_', ' ')}, {said}")  # fmt: skip
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _hangs_on(d: Drivers | None) -> str:
    """Name the assumptions behind the difference in war: those that flip it, else what moves it."""
    if d is None:
        return ""
    s = d.sensitivity
    order = np.argsort(-s.total, kind="stable")[:ASSUMPTIONS]
    moving = [s.names[k] for k in order if s.total[k] > 0]
    flips = {t.parameter: t for t in d.thresholds}
    flipping = sorted(flips, key=lambda name: moving.index(name) if name in moving else len(moving))
    if flipping:
        parts = [_assumption(flips[name]) for name in flipping[:ASSUMPTIONS]]
        return f"On war the answer hangs on {', '.join(parts)}."
    if not moving:
        return "No single assumption stands out from chance in these draws."
    names = ", ".join(safe(name) for name in moving)
    return f"On war no single assumption flips the answer; what moves it most is {names}."


def _assumption(flip: Threshold) -> str:
    side = "above" if flip.rises else "below"
    return (
        f"{safe(flip.parameter)} (more war {side} {plain_number(flip.value)}, give or take "
        f"{plain_number(flip.low)} to {plain_number(flip.high)})"
    )
