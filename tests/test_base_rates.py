"""Published base rates lie inside the prior predictive range.

The range is 5 to 95 % over 64 draws from the priors, 1,500 histories of ten years each, under
the structure of today, pooled over the flashpoints that a figure speaks of. The figures are
computed from public data, each with its source beside it.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cells
import numpy as np
import pytest
from claim_tools import HUB, ISLANDS, SCARBOROUGH, SHOAL, SPRATLYS, TAIWAN, play

from escalation.contracts.codes import GRAVE, WAR
from escalation.contracts.tables import ONE30, Tables
from escalation.contracts.tallies import TOTAL_MONTHS, Tallies
from escalation.simulation.threads import simulate_block
from escalation.study import Study

DRAWS, HISTORIES, SEED = 64, 1_500, 17
TAIWAN_POINTS = (TAIWAN, ISLANDS)
SHOALS = (SHOAL, SCARBOROUGH)
AT_SEA = (*SHOALS, SPRATLYS)
EVERYWHERE = (*TAIWAN_POINTS, *AT_SEA)


class Figure(NamedTuple):
    """A published number, and its name in the table of reference figures."""

    value: float
    name: str
    source: str


RECIPROCATED = Figure(0.50, "MIDs reciprocated 1946-2014", "COW MID 5.0")
DISPUTES_TO_WAR = Figure(0.017, "MIDs reaching war 1946-2014", "COW MID 5.0")
CRISES_TO_WAR = Figure(0.167, "ICB crises with full-scale war 1946-2017", "ICB v14")
ONSETS = {
    TAIWAN_POINTS: Figure(0.47, "China-Taiwan dispute onsets per year 2000-2014", "COW MID 5.0"),
    SHOALS: Figure(0.27, "China-Philippines dispute onsets per year 2000-2014", "COW MID 5.0"),
    (SPRATLYS,): Figure(0.47, "China-Vietnam dispute onsets per year 2000-2014", "COW MID 5.0"),
}


class NoWar(NamedTuple):
    """Disputes without a single war, and the published upper bound on the chance of war."""

    disputes: int
    upper: float
    name: str
    source: str


NO_WAR = {
    TAIWAN_POINTS: NoWar(27, 0.088, "China-Taiwan disputes reaching war 1949-2014",
                         "COW MID 5.0 (0 of 27)"),
    AT_SEA: NoWar(32, 0.075, "China maritime disputes reaching war", "COW MID 5.0 (0 of 32)"),
}


class Counts(NamedTuple):
    """Counts pooled over flashpoints, one per draw."""

    disputes: np.ndarray
    wars: np.ndarray
    grave: np.ndarray
    grave_wars: np.ndarray
    reciprocated: np.ndarray


def faster(tables: Tables, factor: float) -> Tables:
    """Return tables with a planted factor on onset."""
    onset = np.minimum(tables.onset * factor, np.iinfo(np.int32).max)
    return tables._replace(onset=onset.astype(np.int32))


@cache
def played(flashpoint: str, onset_factor: float = 1.0, reckless: bool = False) -> Tallies:
    """Play a flashpoint under the structure of today in draws from the priors.

    If `reckless` is planted, war costs the challenger nothing and no brink holds.
    """
    draws = cells.sampled(DRAWS, SEED)
    if reckless:
        free = dict.fromkeys(("challenger_war_cost", "nuclear_shadow", "trade_loss"), 0.0)
        draws = cells.pinned(draws, **free)
    tables = faster(cells.compiled(flashpoint, HUB, draws), onset_factor)
    if reckless:
        tables = tables._replace(brink=np.full_like(tables.brink, ONE30))
    return simulate_block(tables, SEED, np.arange(DRAWS), 0, HISTORIES)


def pooled(flashpoints: tuple[str, ...], **planted: float | bool) -> Counts:
    """Return the counts of several flashpoints together."""
    parts = []
    for flashpoint in flashpoints:
        t = played(flashpoint, **planted)
        everything, war = t.crisis.sum(axis=(2, 3, 4)), t.crisis[:, :, :, WAR:].sum(axis=(2, 3, 4))
        parts.append(Counts(everything.sum(axis=1), war.sum(axis=1), everything[:, GRAVE],
                            war[:, GRAVE], t.reciprocated.sum(axis=1)))
    return Counts(*(sum(part) for part in zip(*parts, strict=True)))


def inside(value: float, predicted: np.ndarray) -> bool:
    """Return whether a value lies between 5 and 95 % of the draws."""
    low, high = np.quantile(predicted, [0.05, 0.95])
    print(f"{value:g} in [{low:.4g}, {high:.4g}]?")
    return bool(low <= value <= high)


def onsets_per_year(flashpoints: tuple[str, ...], **planted: float | bool) -> np.ndarray:
    """Return disputes per calendar year."""
    years = cells.shipped_study().horizon_years
    return pooled(flashpoints, **planted).disputes / (HISTORIES * years)


def chance_of_no_war(flashpoints: tuple[str, ...], n: int, **planted: float | bool) -> float:
    """Return the prior predictive chance that `n` disputes pass without a war."""
    counts = pooled(flashpoints, **planted)
    return float(np.mean((1.0 - counts.wars / counts.disputes) ** n))


def test_half_of_all_disputes_are_reciprocated() -> None:
    counts = pooled(EVERYWHERE)
    assert inside(RECIPROCATED.value, counts.reciprocated / counts.disputes)


def test_one_dispute_in_sixty_reaches_war() -> None:
    counts = pooled(EVERYWHERE)
    assert inside(DISPUTES_TO_WAR.value, counts.wars / counts.disputes)


def test_one_crisis_in_six_reaches_war() -> None:
    # Crises of the data set threaten basic values: the grave ones, over Taiwan.
    counts = pooled((TAIWAN,))
    assert inside(CRISES_TO_WAR.value, counts.grave_wars / counts.grave)


@pytest.mark.parametrize("flashpoints", ONSETS, ids="+".join)
def test_disputes_start_as_often_as_observed(flashpoints: tuple[str, ...]) -> None:
    observed = ONSETS[flashpoints].value
    assert inside(observed, onsets_per_year(flashpoints))
    assert not inside(observed, onsets_per_year(flashpoints, onset_factor=3.0))


@pytest.mark.parametrize("flashpoints", NO_WAR, ids="+".join)
def test_decades_without_war_are_no_surprise(flashpoints: tuple[str, ...]) -> None:
    record = NO_WAR[flashpoints]
    counts = pooled(flashpoints)
    # Most draws respect the published bound, and among so many disputes no war at all is
    # within 5 to 95 % of the counts that the priors predict.
    assert np.quantile(counts.wars / counts.disputes, 0.95) < record.upper
    assert chance_of_no_war(flashpoints, record.disputes) > 0.05


def test_rate_per_crisis_is_told_from_rate_per_dispute() -> None:
    counts = pooled((TAIWAN,))
    assert not inside(CRISES_TO_WAR.value, counts.wars / counts.disputes)


def test_reckless_war_is_noticed() -> None:
    counts = pooled(EVERYWHERE, reckless=True)
    assert not inside(DISPUTES_TO_WAR.value, counts.wars / counts.disputes)
    # Some thirty disputes without war say little: even this would not be ruled out by them.
    for flashpoints, record in NO_WAR.items():
        chance = chance_of_no_war(flashpoints, record.disputes, reckless=True)
        assert chance < 0.6 * chance_of_no_war(flashpoints, record.disputes)


def rate_at_peace(t: Tallies) -> float:
    """Return disputes per year at peace.

    Exposure is counted in whole months, so the month of a dispute counts by half.
    """
    months = t.total[:, TOTAL_MONTHS].sum() + 0.5 * t.crisis.sum()
    return float(12.0 * t.crisis.sum() / months)


@pytest.mark.parametrize("flashpoint", EVERYWHERE)
def test_first_year_has_the_observed_onset_rate(study: Study, flashpoint: str) -> None:
    """With tension off, defaults and today's structure, onset is what the study says.

    Only nearly: the anchor averages over resolve types and over errors about the great power,
    at the mean belief about everybody else, and types have not turned over yet. The Monte Carlo
    error is below 1 %.
    """
    values = cells.defaults(aftershock_branching=0.0)
    rate, grave_share = values[f"{flashpoint}.onset_rate"][0], values["grave_share"][0]
    tables = cells.compiled(flashpoint, HUB, values, study=cells.first_year(study))
    t = play(tables, 192_000)
    assert rate_at_peace(t) == pytest.approx(rate, rel=0.03)
    assert t.crisis[:, GRAVE].sum() / t.crisis.sum() == pytest.approx(grave_share, rel=0.06)
    assert rate_at_peace(play(faster(tables, 1.1), 192_000)) != pytest.approx(rate, rel=0.03)


TABLE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "figures.csv"


@pytest.mark.skipif(not TABLE.exists(), reason="the table of reference figures is not here")
def test_figures_agree_with_the_reference_table() -> None:
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = {row["quantity"]: row for row in csv.DictReader(file)}
    for figure in (RECIPROCATED, DISPUTES_TO_WAR, CRISES_TO_WAR, *ONSETS.values()):
        assert float(rows[figure.name]["value"]) == figure.value
        assert rows[figure.name]["source"] == figure.source
    for record in NO_WAR.values():
        row = rows[record.name]
        assert float(row["value"]) == 0.0
        assert float(row["high"]) == record.upper
        assert row["source"] == record.source
