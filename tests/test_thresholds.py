"""Thresholds of known curves, and none where there is nothing to find."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from escalation.errors import InputError
from escalation.statistics.design import Design
from escalation.statistics.information import value_of_information
from escalation.statistics.polynomials import normal_scores
from escalation.statistics.thresholds import _resampled, find_thresholds

LEVEL = 1e-3
ROOT = 0.7


def linear_case(seed, n=512, d=8):
    """The difference turns at exp(ROOT) along p0, a lognormal, and far out along p1."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, d))
    x = np.where(np.arange(d) == 0, np.exp(z), z)
    difference = z[:, 0] + 0.1 * z[:, 1] - ROOT + rng.standard_normal(n)
    return Design(x, [f"p{i}" for i in range(d)], seed=seed), difference


@pytest.fixture(scope="module")
def wide():
    return linear_case(1, d=61)


def test_known_threshold_among_sixty_others(wide):
    (found,) = find_thresholds(*wide)
    assert found.parameter == "p0"
    assert found.rises
    assert found.low <= np.exp(ROOT) <= found.high
    assert found.value == pytest.approx(np.exp(ROOT), rel=0.2)
    assert found.high - found.low < 1.0
    assert found.share_beyond == pytest.approx(norm.sf(ROOT), abs=0.06)


def test_gain_is_the_value_of_the_parameter(wide):
    design, d = wide
    (found,) = find_thresholds(design, d)
    known = value_of_information(design, np.stack([np.zeros_like(d), d]), ["b", "a"])
    assert found.gain == pytest.approx(known.evppi[0])


def test_opposite_sign_falls_at_the_same_place(wide):
    design, d = wide
    (up,), (down,) = find_thresholds(design, d), find_thresholds(design, -d)
    assert not down.rises
    assert (down.value, down.low, down.high) == pytest.approx((up.value, up.low, up.high))
    assert (down.share_beyond, down.gain) == pytest.approx((up.share_beyond, up.gain))


def test_curve_that_turns_twice_has_two_thresholds_largest_gain_first():
    x = np.random.default_rng(2).standard_normal((800, 3))
    d = 0.8 + 0.4 * x[:, 1] - x[:, 1] ** 2 + 0.05 * x[:, 2]
    left, right = 0.2 - 0.84**0.5, 0.2 + 0.84**0.5
    found = find_thresholds(Design(x, ["a", "b", "c"]), d)
    assert [t.parameter for t in found] == ["b", "b"]
    assert [t.rises for t in found] == [True, False]
    assert [t.value for t in found] == pytest.approx([left, right], abs=0.1)
    # The mean is negative; between the thresholds the structure is riskier.
    assert d.mean() < 0
    inside = norm.cdf(right) - norm.cdf(left)
    assert [t.share_beyond for t in found] == pytest.approx([inside, inside], abs=0.05)
    other = find_thresholds(Design(x, ["a", "b", "c"]), d + 0.5)
    assert [t.rises for t in other] == [True, False]
    assert other[0].gain > other[1].gain
    assert other[0].share_beyond == pytest.approx(norm.cdf(other[0].value), abs=0.05)


def test_ranking_that_never_turns_has_none(wide):
    design, d = wide
    assert find_thresholds(design, d + 5.0) == []
    assert find_thresholds(design, np.zeros_like(d)) == []
    assert find_thresholds(design, d, []) == []
    assert [t.parameter for t in find_thresholds(design, d, ["p3", "p0"])] == ["p0"]


def test_permuted_differences_have_none(wide):
    design, d = wide
    rng = np.random.default_rng(3)
    some = sum(bool(find_thresholds(design, rng.permutation(d) + ROOT)) for _ in range(30))
    assert binom.sf(some - 1, 30, 0.1) > LEVEL
    # Control: not permuted they fail the same test.
    kept = sum(bool(find_thresholds(*linear_case(seed))) for seed in range(8))
    assert binom.sf(kept - 1, 8, 0.1) < LEVEL


def test_switch_between_two_values():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((200, 2))
    x[:, 0] = x[:, 0] > 0.5
    d = np.where(x[:, 0] > 0, 1.0, -1.0) + 0.5 * rng.standard_normal(200)
    (found,) = find_thresholds(Design(x, ["switch", "other"]), d)
    assert 0 < found.low <= found.value <= found.high < 1
    assert found.rises
    assert found.share_beyond == x[:, 0].mean()


@pytest.mark.parametrize("tied", [False, True])
def test_resampled_curve_is_a_regression_on_the_resample(tied):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((60, 1))
    x = np.round(x, 1) if tied else x
    d = x[:, 0] ** 2 + rng.standard_normal(60)
    design = Design(x, ["a"])
    many = _resampled(design, 0, d, 2)
    distinct = np.unique(x)
    for b in (0, 7, 199):
        copies = np.repeat(np.arange(60), np.rint(60 * design.weights[b]).astype(int))
        z = normal_scores(x[copies, 0])
        fit = np.polyval(np.polyfit(z, d[copies], 2), z)
        where = np.searchsorted(distinct, x[copies, 0])
        assert many[b, where] == pytest.approx(fit, abs=1e-6)


def coverage(seeds, root=ROOT):
    hits = n = 0
    for seed in seeds:
        found = [t for t in find_thresholds(*linear_case(seed, 256, 3)) if t.parameter == "p0"]
        hits += sum(t.low <= np.exp(root) <= t.high for t in found)
        n += len(found)
    return hits, n


def test_intervals_cover_at_least_nine_in_ten():
    hits, n = coverage(range(100, 180))
    assert n == 80
    assert binom.cdf(hits, n, 0.9) > LEVEL
    # Control: a root elsewhere is not covered.
    assert binom.cdf(coverage(range(100, 180), 0.2)[0], n, 0.9) < LEVEL


@pytest.mark.slow
def test_intervals_cover_close_to_what_they_state():
    hits, n = coverage(range(1000, 1600))
    assert n > 590
    assert binom.cdf(hits, n, 0.92) > LEVEL


def test_bad_arguments_are_refused(wide):
    design, d = wide
    with pytest.raises(InputError, match=r"unknown parameter 'stake' \(choices: p0, "):
        find_thresholds(design, d, ["stake"])
    with pytest.raises(InputError, match="difference: inf in draw 0"):
        find_thresholds(design, np.r_[np.inf, d[1:]])
