"""Paired experiments on the model: the same random numbers with and without a change.

A history has the same number in every experiment, so batches of histories are paired, and
the error of a difference follows from the spread of the batches' differences.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cells
import numpy as np

from escalation.contracts.codes import (
    CAUSE_INCIDENT,
    CLASH,
    EVENTS,
    NUCLEAR_USE,
    PARTY_OUTCOMES,
    WAR,
)
from escalation.contracts.tables import Tables
from escalation.contracts.tallies import Tallies
from escalation.model.draws import Draws
from escalation.parameters.registry import REGISTRY
from escalation.simulation.threads import simulate_block
from escalation.study import Study
from escalation.study.quantity import Number
from escalation.study.schema import Flashpoint, Structure

BATCHES = 24
HISTORIES = 24_000
LEVEL = 5.0
"""|t| that counts as an effect; with 23 degrees of freedom, chance does this once in 20,000."""

TAIWAN, ISLANDS = "taiwan_strait", "taiwan_outlying_islands"
SHOAL, SCARBOROUGH, SPRATLYS = "second_thomas_shoal", "scarborough_shoal", "spratlys_vietnam"
HUB, LATTICE, NATO = "hub_and_spoke", "minilateral_lattice", "asian_nato"
RETRENCHMENT = "us_retrenchment"

Measure = Callable[[Tallies], np.ndarray]
"""From tallies to one number per batch."""


def play(tables: Tables, histories: int = HISTORIES, seed: int = 7) -> Tallies:
    """Play one cell in batches; the leading axis of the result is the batch."""
    size = histories // BATCHES
    key = np.zeros(1, np.int64)
    parts = [simulate_block(tables, seed, key, b * size, size) for b in range(BATCHES)]
    return Tallies(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def edited(
    flashpoint: Flashpoint | str = TAIWAN,
    structure: Structure | str = HUB,
    study: Study | None = None,
    disputes: str | None = None,
    **values: float,
) -> Tallies:
    """Play one cell of a study at defaults but for the given parameters.

    With `disputes` "grave" or "routine" every history holds one dispute of that class.
    """
    tables = cells.compiled(flashpoint, structure, cells.defaults(**values), study=study)
    if disputes is not None:
        tables = cells.one_dispute(tables, disputes == "grave")
    return play(tables)


@cache
def trial(flashpoint: str = TAIWAN, structure: str = HUB, **values: float) -> Tallies:
    """Play ten years in a cell of the shipped study."""
    return edited(flashpoint, structure, **values)


@cache
def grave(flashpoint: str = TAIWAN, structure: str = HUB, **values: float) -> Tallies:
    """Play one grave crisis per history in a cell of the shipped study."""
    return edited(flashpoint, structure, disputes="grave", **values)


def t_of(before: Tallies, after: Tallies, measure: Measure) -> float:
    """Return the paired t statistic of `measure`, after minus before; 0 if nothing moved."""
    difference = np.asarray(measure(after), float) - np.asarray(measure(before), float)
    spread = difference.std(ddof=1) / np.sqrt(len(difference))
    return float(difference.mean() / spread) if spread > 0 else 0.0


def rises(before: Tallies, after: Tallies, measure: Measure) -> bool:
    """Return whether `measure` is higher after the change, at the stated level."""
    return t_of(before, after, measure) > LEVEL


def falls(before: Tallies, after: Tallies, measure: Measure) -> bool:
    """Return whether `measure` is lower after the change, at the stated level."""
    return t_of(before, after, measure) < -LEVEL


def disputes(t: Tallies) -> np.ndarray:
    """Disputes."""
    return t.crisis.sum(axis=(1, 2, 3, 4))


def wars(t: Tallies) -> np.ndarray:
    """Disputes that became wars."""
    return t.crisis[:, :, :, WAR:].sum(axis=(1, 2, 3, 4))


def great_power_wars(t: Tallies) -> np.ndarray:
    """Wars that the great power fought."""
    return t.crisis[:, :, :, WAR:, 1].sum(axis=(1, 2, 3))


def nuclear_uses(t: Tallies) -> np.ndarray:
    """Disputes with use of a nuclear weapon."""
    return t.crisis[:, :, :, NUCLEAR_USE:].sum(axis=(1, 2, 3, 4))


def reciprocated(t: Tallies) -> np.ndarray:
    """Disputes in which the defender matched."""
    return t.reciprocated.sum(axis=1)


def clashes(t: Tallies) -> np.ndarray:
    """Histories that reach a clash or worse."""
    return t.worst_rung[:, CLASH:].sum(axis=1)


def incidents_below_clash(t: Tallies) -> np.ndarray:
    """Steps up by incident from rungs 1 to 3."""
    return t.transition[:, CAUSE_INCIDENT, 1:4].sum(axis=(1, 2))


def ended(end: int) -> Measure:
    """Disputes that ended in a given way."""
    return lambda t: t.crisis[:, :, end].sum(axis=(1, 2, 3))


def happened(event: str) -> Measure:
    """Histories with an event."""
    return lambda t: t.first_event[:, EVENTS.index(event)].sum(axis=1)


def party(actor: str, outcome: str, flashpoint: str = TAIWAN) -> Measure:
    """Disputes in which a third party of a shipped flashpoint did something."""
    i = list(cells.shipped_study().flashpoints[flashpoint].third_parties).index(actor)
    return lambda t: t.party[:, PARTY_OUTCOMES.index(outcome), i]


def fights(actor: str, flashpoint: str = TAIWAN) -> Measure:
    """Share of wars that a third party of a shipped flashpoint fights."""
    count = party(actor, "fought", flashpoint)
    return lambda t: count(t) / np.maximum(wars(t), 1)


def supports(actor: str, flashpoint: str = TAIWAN) -> Measure:
    """Disputes in which a third party of a shipped flashpoint gives support."""
    return party(actor, "supported", flashpoint)


def total(t: Tallies, measure: Measure) -> float:
    """Return a count over all batches."""
    return float(np.sum(measure(t)))


def unlike(study: Study, kind: str, name: str, **fields: object) -> Study:
    """Return a study with fields of one actor, flashpoint or structure set anew."""
    table = dict(getattr(study, kind))
    table[name] = table[name].model_copy(update=fields)
    return study.model_copy(update={kind: table})


def with_trade(study: Study, actor: str, **shares: float) -> Study:
    """Return a study with an actor's trade dependence on partners set anew."""
    trade = {k: Number(value=v) for k, v in shares.items()}
    return unlike(study, "actors", actor,
                  trade_dependence={**study.actors[actor].trade_dependence, **trade})


def without_dependence(study: Study) -> Study:
    """Return a study in which nobody trades with the challengers."""
    for actor in study.actors:
        study = with_trade(study, actor, china=0.0)
    return study


def prior_range(name: str, *levels: float) -> np.ndarray:
    """Return quantiles of a parameter's prior in the registry."""
    return REGISTRY[name].quantile(np.array(levels))


def war_effect(draws: Draws, after: Structure | str, histories: int, seed: int = 11) -> np.ndarray:
    """Return the paired t statistic of war within ten years at Taiwan, one per draw.

    `after` is compared with hub and spoke.
    """
    key = np.zeros(draws.n, np.int64)
    blocks = [cells.compiled(TAIWAN, structure, draws) for structure in (HUB, after)]
    size = histories // BATCHES
    counts = np.array([
        [simulate_block(block, seed, key, b * size, size).first_event[:, EVENTS.index("war")].sum(1)
         for b in range(BATCHES)]
        for block in blocks
    ])
    difference = (counts[1] - counts[0]).astype(float)
    spread = difference.std(axis=0, ddof=1) / np.sqrt(BATCHES)
    mean = difference.mean(axis=0)
    return np.divide(mean, spread, out=np.zeros_like(mean), where=spread > 0)
