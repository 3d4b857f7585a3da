"""Sampling is right: one dispute's distribution against its exact enumeration.

Every test at level 1e-4, with fixed seeds; at that level thresholds 1 % off must be caught.
"""

from __future__ import annotations

from functools import cache

import cells
import numpy as np
import pytest

from escalation.contracts.tables import Tables, one_cell
from escalation.model.draws import Draws
from escalation.verification.disputes import solve_disputes
from escalation.verification.worlds import coarse

LEVEL = 1e-4
N = 1_000_000


def of_one_type(tables: Tables) -> Tables:
    """Return tables without staunch parties; of use where the types do not differ."""
    return tables._replace(staunch=np.zeros_like(tables.staunch))


def alone() -> Tables:
    """The great power alone: beliefs move, coercion, vetoes, nuclear rungs, every opening.

    At defaults but for what makes the rare frequent, and in a draw from the priors.
    """
    lively = {
        "double_step": 0.2, "spiral_scale": 3.0, "inadvertent_scale": 3.0, "veto_scale": 2.0,
        "nuclear_authorisation": 0.7, "settlement_scale": 0.25, "war_termination_scale": 4.0,
        "challenger_war_cost": 0.05, "nuclear_shadow": 0.1, "choice_precision": 4.0,
        "wedge_probability": 0.5, "opening_threat": 0.4, "opening_force": 0.5,
        "opening_resolve": 0.5,
    }
    drawn = cells.sampled(1, seed=3)
    draws = Draws(drawn.names, np.hstack([cells.defaults().values, drawn.values]))
    place = cells.shipped_study().flashpoints["taiwan_strait"]
    tables = cells.compiled(
        cells.with_parties(place, "united_states"), "asian_nato",
        cells.pinned(draws, **lively), study=cells.first_year(),
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
    return solve_disputes(one_cell(case(name, grave), cell)).crisis[int(grave)]


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
    assert probability.sum() == pytest.approx(1.0, abs=1e-11)
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
    """Return a copy with some thresholds (of every draw) one per cent higher."""
    changed = array.copy()
    changed[(slice(None), *place)] = np.round(changed[(slice(None), *place)] * 1.01)
    return changed


def planted(tables: Tables) -> dict[str, Tables]:
    """Return tables with one kind of threshold one per cent off."""
    below_war, at_war = slice(1, 5), slice(5, 9)
    return {
        "settlement": tables._replace(ending=off(tables.ending, ..., below_war)),
        "challenger's revision": tables._replace(revision=off(tables.revision, 0)),
        "withdrawal": tables._replace(challenger=off(tables.challenger, ..., 0)),
        "great power's decisions": tables._replace(
            decision=off(tables.decision, ..., 0, slice(0, 2))
        ),
        "opening rung": tables._replace(opening=off(tables.opening)),
        "challenger's victory": tables._replace(victory=off(tables.victory, slice(None))),
        "war's end": tables._replace(ending=off(tables.ending, ..., at_war)),
    }


SOON = {"great power's decisions": 2, "opening rung": 2, "challenger's victory": 2}
"""Biases that show in so many million disputes (p below 1e-8); the others need six."""


@pytest.mark.parametrize("what", list(planted(alone())))
def test_a_planted_bias_of_one_per_cent_is_caught(what: str) -> None:
    """Negative control: one kind of threshold is 1 % too high, 2e6 or 6e6 disputes."""
    tables = cells.chosen(planted(case("alone", True))[what], 0)
    seen = cells.count(tables, SOON.get(what, 6) * N, seed=2026).crisis[0, 1]
    assert cells.p_value(seen, expected("alone", True, 0)) < LEVEL


def test_six_times_as_many_disputes_without_bias_pass() -> None:
    """The control's control: at 6e6 disputes the unbiased kernel still passes, level 1e-4."""
    seen = cells.count(cells.chosen(case("alone", True), 0), 6 * N, seed=2026).crisis[0, 1]
    assert cells.p_value(seen, expected("alone", True, 0)) > LEVEL


def opened(tables: Tables, rung: int, kind: int) -> Tables:
    """Return tables under which disputes open at one rung if the challenger is of one type."""
    opening = tables.opening.copy()
    opening[:, kind] = [2**16 * (rung == 3), 2**16 * (rung >= 2)]
    return tables._replace(opening=opening)


@pytest.mark.parametrize("kind", [0, 1])
def test_each_type_opens_by_its_own_row(kind: int) -> None:
    """Half of all challengers are of a type: pin its opening, and that half opens there."""
    tables = cells.chosen(case("alone", True), 0)
    for rung in (1, 2, 3):
        pinned = opened(opened(tables, rung, kind), 1, 1 - kind)
        peaceful = pinned._replace(
            ending=np.full_like(tables.ending, 2**30), incident=np.zeros_like(tables.incident)
        )
        peaks = cells.count(peaceful, 10_000, seed=1).crisis[0, 1].sum(axis=(0, 2))
        assert peaks[rung] == 10_000 if rung == 1 else 4_700 < peaks[rung] < 5_300
        assert peaks[1] + peaks[rung] * (rung > 1) == 10_000
