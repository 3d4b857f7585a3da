"""What the sliders of the page move: beliefs, the presets of premises, and where answers turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from escalation.analysis.drivers import Gap, find_gaps, thresholds_of
from escalation.analysis.premises import compared_beliefs
from escalation.analysis.reweighting import Moved, cell_of, unweightable
from escalation.analysis.selection import asked_over, choose, labels
from escalation.errors import InputError
from escalation.page.page_words import DELAY, question, structure_words, titles_of
from escalation.parameters.registry import Parameter
from escalation.results.companion import own_premise, under, uses_posterior
from escalation.results.estimates import panel
from escalation.results.quantities import Quantity
from escalation.study.schema import Study

MOST = 4
"""Sliders at once."""
REACH = 2.0
"""Normal scores that a slider moves a median either way."""
STEP = 0.05
USUAL = ("provocation_stake", "coverage_nonmember", "patron_realisation")
"""Beliefs that fill up what drivers leave free."""
_LEADING = 8
_NINETY = 1.6448536269514722


class Drivers(NamedTuple):
    """What moves and turns the answer of the study.

    Attributes
    ----------
    leading : tuple of str
        Parameters that move the difference in war, the largest first.
    turns : list of dict
        Break-even values at the first flashpoint, each with its risk.
    """

    leading: tuple[str, ...]
    turns: list[dict[str, Any]]


def drivers_at(ds: xr.Dataset, flashpoint: str, risks: Sequence[str]) -> Drivers:
    """Find what moves and turns the difference of the study's two structures at a flashpoint."""
    chosen = choose(ds, risks, loss={}, flashpoints=flashpoint)
    gaps = find_gaps(ds, chosen)
    first = gaps[flashpoint, risks[0]]
    leading = first.leading(_LEADING) if isinstance(first, Gap) else []
    found = thresholds_of(chosen, gaps)
    rows = zip(*(found[name].values.tolist() for name in found.data_vars), strict=True)
    turns = [dict(zip(map(str, found.data_vars), row, strict=True)) for row in rows]
    return Drivers(tuple(leading), turns)


def chosen_beliefs(
    ds: xr.Dataset, study: Study, structure: str, leading: Sequence[str],
    wanted: Sequence[str] | None,
) -> dict[str, int]:
    """Return the parameters that sliders move, each with the number of its slider.

    A delay of one structure brings those of the others, which share its slider.

    Parameters
    ----------
    ds : Dataset
        Results.
    study : Study
        Theirs.
    structure : str
        That of the study's answer.
    leading : sequence of str
        Drivers of the answer.
    wanted : sequence of str, optional
        Named by the user.

    Raises
    ------
    InputError
        One that is named cannot be weighted, or there are too many.
    """
    own = study.parameters
    if wanted:
        for name in wanted:
            why = _why_not(ds, own, name)
            if why:
                raise InputError(f"belief: {name!r} {why}")
        if len(set(wanted)) > MOST:
            raise InputError(f"belief: at most {MOST} sliders")
    usual = (USUAL[0], f"{structure}.{DELAY}", *USUAL[1:])
    names = wanted or [*(asked_over(ds) or ()), *leading, *usual]
    kept = [name for name in dict.fromkeys(names) if not _why_not(ds, own, name)][:MOST]
    found = {name: slot for slot, name in enumerate(kept)}
    for name, slot in list(found.items()):
        if owner_of(ds, name) and name.endswith(f".{DELAY}"):
            for other in labels(ds, "structure"):
                if not _why_not(ds, own, f"{other}.{DELAY}"):
                    found.setdefault(f"{other}.{DELAY}", slot)
    return found


def _why_not(ds: xr.Dataset, own: Mapping[str, Parameter], name: str) -> str:
    if name not in own or name not in labels(ds, "parameter"):
        return "is no parameter of the study"
    if not np.ptp(ds["parameter_value"].sel(parameter=name).values) > 0:
        return "does not vary"
    return unweightable(ds, own[name])


def owner_of(ds: xr.Dataset, name: str) -> str:
    """Return the structure that a parameter belongs to; empty for none."""
    first = name.split(".")[0]
    return first if "." in name and first in labels(ds, "structure") else ""


def belief_words(ds: xr.Dataset, entry: Parameter) -> dict[str, Any]:
    """Return how the page speaks of a parameter."""
    owner = owner_of(ds, entry.name)
    title = titles_of(ds, "structure").get(owner, "")
    asked, low, high = question(entry, structure_words(owner, title)[0] if owner else "")
    unit = "days" if entry.name.endswith("_days") else "" if entry.unit == "1" else entry.unit
    return {
        "name": entry.name, "owner": owner, "question": asked, "low": low, "high": high,
        "unit": unit, "meaning": entry.meaning.replace("_", " "),
    }


def slider(entry: Parameter) -> list[float]:
    """Return the medians that a slider can set, from the lowest to the highest."""
    from scipy.special import ndtr

    steps = round(2 * REACH / STEP) + 1
    return entry.prior.quantile(ndtr(np.linspace(-REACH, REACH, steps))).tolist()


def scores(ds: xr.Dataset, entry: Parameter) -> np.ndarray:
    """Return the normal scores of a parameter in every draw."""
    return entry.prior.score(ds["parameter_value"].sel(parameter=entry.name).values)


def like(own: Parameter, other: Parameter) -> Moved:
    """Return the belief that is nearest to what a premise says: its median and 90 % range."""
    low, middle, high = own.prior.score(other.prior.quantile(np.array([0.05, 0.5, 0.95])))
    spread = min(max((high - low) / (2 * _NINETY), STEP), 1.0)
    shift = min(max(middle, -REACH), REACH)
    return Moved(round(round(shift / STEP) * STEP, 2), round(spread, 2))


def presets(
    ds: xr.Dataset, study: Study, beliefs: Sequence[str], risks: Sequence[Quantity]
) -> list[dict[str, Any]]:
    """Return the premises of a study: where they put the sliders, and what the run found."""
    played = _played(ds, risks)
    found = []
    for name, premise in study.premises.items():
        moved = {
            k: like(study.parameters[k], entry)
            for k, entry in premise.parameters.items() if k in beliefs
        }
        found.append({
            "name": name, "title": premise.title, "description": premise.description,
            "source": premise.source, "moved": moved,
            "others": [k for k in premise.parameters if k not in moved],
            "played": played.get(name, {}),
        })  # fmt: skip
    return found


def _played(ds: xr.Dataset, risks: Sequence[Quantity]) -> dict[str, dict[str, Any]]:
    """Return P(safer) of every pair of structures in the smaller runs under premises."""
    source = "posterior" if uses_posterior(ds) else "prior"
    found: dict[str, dict[str, Any]] = {}
    for belief in compared_beliefs(ds)[1:]:
        if belief.source != source or belief.premise == own_premise(ds):
            continue
        small = under(ds, belief)
        cells: dict[str, Any] = {"draws": small.sizes["draw"]}
        for flashpoint in labels(small, "flashpoint"):
            for risk in risks:
                cell = cell_of(panel(small, risk, flashpoint, str(small.attrs["decision_rule"])))
                rows = cell.less.mean(axis=2).round(6).tolist()
                cells[f"{flashpoint}/{risk.risk}"] = rows
        found[belief.premise] = cells | {"structures": labels(small, "structure")}
    return found
