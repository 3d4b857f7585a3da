"""Intervals against published values and exact sums."""

from __future__ import annotations

import numpy as np
import pytest

from escalation.errors import InputError
from escalation.statistics import intervals


def pair(found):
    return tuple(round(float(x), 4) for x in found)


def test_clopper_pearson_known_values():
    assert pair(intervals.clopper_pearson(0, 20)) == (0.0, 0.1684)
    assert pair(intervals.clopper_pearson(20, 20)) == (0.8316, 1.0)
    assert pair(intervals.clopper_pearson(10, 100)) == (0.0490, 0.1762)


def test_wilson_known_values():
    assert pair(intervals.wilson(10, 50)) == (0.1124, 0.3304)
    assert pair(intervals.wilson(0, 10)) == (0.0, 0.2775)
    assert pair(intervals.wilson(10, 10)) == (0.7225, 1.0)


def test_jeffreys_known_values():
    assert pair(intervals.jeffreys(10, 100)) == (0.0526, 0.1701)
    assert pair(intervals.jeffreys(0, 20)) == (0.0, 0.1166)


def test_clopper_pearson_tails_are_exact():
    from scipy.special import bdtr, bdtrc

    low, high = intervals.clopper_pearson(7, 40, level=0.9)
    assert bdtrc(6, 40, low) == pytest.approx(0.05)
    assert bdtr(7, 40, high) == pytest.approx(0.05)


def test_exact_interval_covers_at_least_as_stated():
    from math import comb

    hits = np.arange(31)
    ways = np.array([comb(30, k) for k in range(31)], float)
    low, high = intervals.clopper_pearson(hits, 30)
    for p in np.linspace(0.01, 0.99, 25):
        chance = ways * p**hits * (1 - p) ** (30 - hits)
        covered = chance[(low <= p) & (p <= high)].sum()
        assert covered >= 0.95


def test_no_trial_is_not_a_number():
    for interval in (intervals.clopper_pearson, intervals.wilson, intervals.jeffreys):
        low, high = interval(0, 0)
        assert np.isnan(low)
        assert np.isnan(high)


def test_zero_upper_bound():
    bound = float(intervals.zero_upper_bound(100))
    assert (1 - bound) ** 100 == pytest.approx(0.05)
    assert bound == pytest.approx(0.0295, abs=5e-5)
    assert float(intervals.zero_upper_bound(0)) == 1.0
    assert float(intervals.zero_upper_bound(10**12)) == pytest.approx(2.9957e-12, rel=1e-4)
    assert float(intervals.zero_rate_bound(10.0)) == pytest.approx(0.29957, rel=1e-4)


@pytest.mark.parametrize("arguments", [(5, 4), (-1, 4), (1, 4, 1.0), (1, 4, 0.0)])
def test_impossible_counts_and_levels_are_refused(arguments):
    for interval in (intervals.clopper_pearson, intervals.wilson, intervals.jeffreys):
        with pytest.raises(InputError):
            interval(*arguments)
