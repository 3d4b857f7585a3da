"""Sampling is right: one dispute's distribution against its exact enumeration.

Every test at level 1e-4, with fixed seeds; at that level a threshold 1 % off must be caught.
"""

from __future__ import annotations

from functools import cache

import cells
import exact
import numpy as np
import pytest

from escalation.tables import SCALAR_OPENING_SHOW, Tables

LEVEL = 1e-4
N = 1_000_000


def coarse(tables: Tables, frailties: int, errors: int) -> Tables:
    """Return tables with few different frailties and first beliefs, in equal parts."""
    ending, error = tables.ending.copy(), tables.belief_error.copy()
    for values, classes, kept in ((ending, 64, frailties), (error, 256, errors)):
        each = classes // kept
        for k in range(kept):
            values[:, k * each : (k + 1) * each] = values[:, k * each + each // 2, None]
    return tables._replace(ending=ending, belief_error=error)


def of_one_type(tables: Tables) -> Tables:
    """Return tables without staunch parties; of use where the types do not differ."""
    return tables._replace(staunch=np.zeros_like(tables.staunch))


def alone() -> Tables:
    """The great power alone, in two draws: beliefs move, coercion, vetoes, nuclear rungs."""
    lively = {
        "double_step": 0.2, "spiral_scale": 3.0, "incident_scale": 3.0, "inadvertent_scale": 3.0,
        "veto_scale": 2.0, "nuclear_authorisation": 0.7,
    }
    place = cells.shipped_study().flashpoints["taiwan_strait"]
    tables = cells.compiled(
        cells.with_parties(place, "united_states"), "asian_nato",
        cells.pinned(cells.sampled(2, seed=3), **lively), study=cells.first_year(),
    )
    return coarse(tables, frailties=4, errors=2)


def with_host() -> Tables:
    """The great power and its host: already in, base access, gates; types do not differ."""
    place = cells.shipped_study().flashpoints["taiwan_strait"]
    tables = cells.compiled(
        cells.with_parties(place, "japan", "united_states"), "hub_and_spoke",
        cells.defaults(type_gap=0.0, joining_intercept=0.0, incident_scale=3.0),
        study=cells.first_year(),
    )
    return coarse(of_one_type(tables), frailties=4, errors=1)


def without_host() -> Tables:
    """Two third parties, none of them the great power: no rung beyond 6."""
    place = cells.shipped_study().flashpoints["scarborough_shoal"]
    tables = cells.compiled(
        cells.with_parties(place, "japan", "australia"), "asian_nato",
        cells.defaults(type_gap=0.0, joining_intercept=1.0), study=cells.first_year(),
    )
    return coarse(of_one_type(tables), frailties=2, errors=1)


BLOCKS = {"alone": alone, "with_host": with_host, "without_host": without_host}


@cache
def case(name: str, grave: bool) -> Tables:
    return cells.one_dispute(BLOCKS[name](), grave)


@cache
def expected(name: str, grave: bool, cell: int) -> np.ndarray:
    return exact.distribution(case(name, grave), cell, int(grave))


CASES = [
    ("alone", True, 0), ("alone", False, 0), ("with_host", True, 0),
    pytest.param("alone", True, 1, marks=pytest.mark.slow),
    ("with_host", False, 0), ("without_host", True, 0),
]


@pytest.mark.parametrize(("name", "grave", "cell"), CASES)
def test_kernel_samples_the_exact_distribution(name: str, grave: bool, cell: int) -> None:
    """End state x peak rung x great power fights; chi-square, level 1e-4, 1e6 disputes."""
    counts = cells.count(cells.chosen(case(name, grave), cell), N, seed=2026)
    seen = counts.crisis[0, int(grave)]
    probability = expected(name, grave, cell)
    assert probability.min() >= 0.0
    assert probability.sum() == pytest.approx(1.0, abs=1e-12)
    assert seen.sum() == counts.crisis.sum() == N
    assert cells.p_value(seen, probability) > LEVEL


def test_the_rare_is_part_of_it() -> None:
    """The cases reach general exchange and both outcomes of war, with and without the US."""
    p = expected("alone", True, 0)
    assert p[5, 9, 1] * N > 10
    assert p[3, 5, 0] * N > 10
    assert p[4, 7, 1] * N > 10
    assert expected("without_host", True, 0)[:, 7:].sum() == 0.0


def off(array: np.ndarray, *place: object) -> np.ndarray:
    """Return a copy with one threshold (of every draw) one per cent higher."""
    changed = array.copy()
    changed[(slice(None), *place)] = np.round(changed[(slice(None), *place)] * 1.01)
    return changed


def planted(tables: Tables) -> dict[str, Tables]:
    """Return tables with one threshold one per cent off."""
    up = off(tables.challenger, slice(None), 4, ..., 0)
    return {
        "settlement at rung 1": tables._replace(ending=off(tables.ending, ..., 1)),
        "challenger's revision at rung 2": tables._replace(revision=off(tables.revision, 0, 2)),
        "withdrawal at rung 4": tables._replace(challenger=up),
        "great power's decisions": tables._replace(
            decision=off(tables.decision, ..., 0, slice(0, 2))
        ),
        "opening rung": tables._replace(scalar=off(tables.scalar, SCALAR_OPENING_SHOW)),
        "challenger's victory": tables._replace(victory=off(tables.victory, slice(None))),
        "war's end at rung 5": tables._replace(ending=off(tables.ending, ..., 5)),
    }


@pytest.mark.parametrize("what", list(planted(alone())))
def test_a_planted_bias_of_one_per_cent_is_caught(what: str) -> None:
    """Negative control: one threshold is 1 % too high, 6e6 disputes."""
    tables = cells.chosen(planted(case("alone", True))[what], 0)
    seen = cells.count(tables, 6 * N, seed=2026).crisis[0, 1]
    assert cells.p_value(seen, expected("alone", True, 0)) < LEVEL


def test_six_times_as_many_disputes_without_bias_pass() -> None:
    """The control's control: at 6e6 disputes the unbiased kernel still passes, level 1e-4."""
    seen = cells.count(cells.chosen(case("alone", True), 0), 6 * N, seed=2026).crisis[0, 1]
    assert cells.p_value(seen, expected("alone", True, 0)) > LEVEL
