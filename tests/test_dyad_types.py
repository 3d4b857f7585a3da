"""Types of pairs: the filter against every path that the hidden types may take."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import records

from escalation.history.dyad_types import FLOOR, Learnt, learn_types
from escalation.history.features import Record, build_record

TYPES = tuple(product((0, 1), repeat=2))
"""(first state, second state) of a pair in alphabetical order."""
TURNOVER = np.array([0.15, 0.6])


def record_of(pair, year, reversed_, learnt) -> Record:
    n = len(pair)
    return Record(
        features=records.features(defender_power=np.ones(n)),
        cell=np.zeros(n, int),
        pair=np.array(pair),
        reversed_=np.array(reversed_, bool),
        year=np.array(year, float),
        learnt=np.array(learnt, bool),
    )


PAIR = record_of([0] * 4, [1950, 1953, 1953, 1960], [0, 1, 0, 1], [1, 1, 0, 1])
"""Reversed roles, two disputes of one year, one whose outcome must not teach."""


def likelihood(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.02, 0.9, (n, 2, 4)), rng.uniform(0.3, 3.0, (n, 2, 2))


def chance_of_step(before: int, after: int, stays: float) -> float:
    return stays * (before == after) + (1.0 - stays) * 0.5


def weight_of_path(path, record, turnover) -> float:
    """Chance that the types of both sides take a path through the disputes of one pair."""
    weight = 0.25
    for i in range(1, len(path)):
        stays = np.exp(-turnover * (record.year[i] - record.year[i - 1]))
        for side in (0, 1):
            weight *= chance_of_step(path[i - 1][side], path[i][side], stays)
    return weight


def brute_force(record, happened, onset, k, upto, outcome, taught) -> np.ndarray:
    """Sum over all paths up to dispute `upto`; returns its resolve types' weights, shape (4,).

    Every dispute in `taught` counts with its onset and outcome, and `upto` with its onset, and
    with its outcome if asked.
    """
    weights = np.zeros(4)
    for path in product(TYPES, repeat=upto + 1):
        weight = weight_of_path(path, record, TURNOVER[k])
        for i in (*taught, upto):
            one, two = path[i][::-1] if record.reversed_[i] else path[i]
            weight *= onset[i, k, one]
            if i != upto or outcome:
                weight *= happened[i, k, one + 2 * two]
        weights[one + 2 * two] += weight
    return weights


@pytest.mark.parametrize("k", [0, 1])
@pytest.mark.parametrize("i", range(4))
def test_filter_sums_over_all_paths(k, i):
    happened, onset = likelihood(4)
    found = learn_types(PAIR, happened, onset, TURNOVER)
    earlier = [j for j in range(i) if PAIR.learnt[j]]
    met, seen = (
        brute_force(PAIR, happened, onset, k, i, outcome, earlier) for outcome in (False, True)
    )
    assert found.log_chance[i, k] == pytest.approx(np.log(seen.sum() / met.sum()), abs=1e-12)
    years_before = [j for j in earlier if PAIR.year[j] < PAIR.year[i]]
    weights = brute_force(PAIR, happened, onset, k, i, False, years_before)
    np.testing.assert_allclose(found.weights[i, k], weights / weights.sum(), rtol=1e-12)


def test_roles_turnover_and_history_matter():
    happened, onset = likelihood(4)
    found = learn_types(PAIR, happened, onset, TURNOVER).log_chance
    for other in (
        replace(PAIR, reversed_=np.zeros(4, bool)),
        replace(PAIR, year=PAIR.year * [1, 1, 1, 1.001]),
        replace(PAIR, learnt=np.ones(4, bool)),
    ):
        assert np.abs(learn_types(other, happened, onset, TURNOVER).log_chance - found).max() > 1e-4


def changed_at(happened: np.ndarray, i: int) -> np.ndarray:
    other = happened.copy()
    other[i] = other[i, :, ::-1]
    return other


def affected(found: Learnt, other: Learnt) -> set[int]:
    return set(np.flatnonzero(np.abs(found.weights - other.weights).max(axis=(1, 2)) > 0).tolist())


@pytest.mark.parametrize(("i", "later"), [(0, {1, 2, 3}), (1, {3}), (2, set()), (3, set())])
def test_weights_know_strictly_earlier_years_only(i, later):
    # Dispute 1 is of the same year as 2; 2 must not teach; nothing follows 3.
    happened, onset = likelihood(4)
    found = learn_types(PAIR, happened, onset, TURNOVER)
    other = learn_types(PAIR, changed_at(happened, i), onset, TURNOVER)
    assert affected(found, other) == later


def test_pairs_are_independent():
    happened, onset = likelihood(8, seed=1)
    two = record_of(
        [0] * 4 + [1] * 4, [*PAIR.year, *PAIR.year], [*PAIR.reversed_] * 2, [*PAIR.learnt] * 2
    )
    both = learn_types(two, happened, onset, TURNOVER)
    for rows in (slice(0, 4), slice(4, 8)):
        alone = learn_types(PAIR, happened[rows], onset[rows], TURNOVER)
        assert (alone.log_chance == both.log_chance[rows]).all()
        assert (alone.weights == both.weights[rows]).all()


def test_types_fade():
    happened, onset = likelihood(2)
    happened[0] = [0.9, 0.01, 0.01, 0.01]
    onset[:] = 1.0
    for gap, most, least in ((1, 1.0, 0.5), (200, 0.26, 0.25)):
        record = record_of([0, 0], [1950, 1950 + gap], [0, 0], [1, 1])
        weight = learn_types(record, happened, onset, TURNOVER).weights[1, 0, 0]
        assert least <= weight <= most


def test_an_impossible_outcome_has_the_chance_of_the_floor():
    happened, onset = likelihood(2)
    happened[0] = 0.0
    record = record_of([0, 0], [1950, 1951], [0, 0], [1, 1])
    found = learn_types(record, happened, onset, TURNOVER)
    np.testing.assert_allclose(found.log_chance[0], np.log(FLOOR), rtol=1e-12)
    assert np.isfinite(found.log_chance).all()


def test_record_puts_pairs_together_by_year_whoever_began():
    disputes = records.table(60, seed=3)
    record, rows = build_record(disputes)
    assert (np.diff(record.pair) >= 0).all()
    same = np.diff(record.pair) == 0
    assert (np.diff(record.year)[same] >= 0).all()
    assert len(set(record.pair)) == len(set(disputes.pair)) < 60
    first = [min(disputes.challenger[r], disputes.target[r]) for r in rows]
    assert (record.reversed_ == (disputes.challenger[rows] != np.array(first))).all()
    assert 0 < record.reversed_.sum() < 60
    level, answered, joined = record.cell // 4 + 2, record.cell // 2 % 2, record.cell % 2
    assert (level == disputes.level[rows]).all()
    assert (answered == (disputes.recip[rows] | (disputes.level[rows] == 5))).all()
    assert (joined == disputes.joined[rows]).all()
