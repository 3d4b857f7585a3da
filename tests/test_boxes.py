"""Boxes that are there are found, and none where there is none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binom, ks_2samp, ttest_1samp

from escalation.errors import InputError
from escalation.statistics import boxes
from escalation.statistics.boxes import find_box, limits_text
from escalation.statistics.design import Design

LEVEL = 1e-3
N, D = 512, 60
NAMES = [f"p{i}" for i in range(D)]


def corner_case(seed):
    """Mostly reversed where p0 > 0.5 and p1 < 0.6, hardly elsewhere."""
    rng = np.random.default_rng(seed)
    x = rng.random((N, D))
    corner = (x[:, 0] > 0.5) & (x[:, 1] < 0.6)
    reversed_ = rng.random(N) < np.where(corner, 0.85, 0.05)
    return Design(x, NAMES, seed=seed), np.where(reversed_, 0.1, -0.1) * rng.random(N)


@pytest.fixture(scope="module")
def corner():
    return corner_case(1)


@pytest.fixture(scope="module")
def box(corner):
    return find_box(*corner)


def test_corner_is_recovered_among_sixty(box):
    assert box.parameters == ("p0", "p1")
    assert box.low == pytest.approx([0.5, -np.inf], abs=0.05)
    assert box.high == pytest.approx([np.inf, 0.6], abs=0.05)
    assert box.density == pytest.approx(0.85, abs=0.1)
    assert box.coverage == pytest.approx(0.3 * 0.85 / (0.3 * 0.85 + 0.7 * 0.05), abs=0.1)
    assert box.text() == f"p0 > {box.low[0]:.3g} and p1 < {box.high[1]:.3g}"
    assert (np.nan_to_num(box.p_values) < 1e-6).all()
    assert np.isnan(box.p_values).tolist() == [[False, True], [True, False]]


def test_figures_are_counts_of_draws(corner, box):
    design, d = corner
    inside = (design.values[:, 0] > box.low[0]) & (design.values[:, 1] < box.high[1])
    assert d.mean() < 0
    assert box.base_rate == (d > 0).mean()
    assert box.support == inside.mean()
    assert box.density == (d[inside] > 0).mean()
    assert box.coverage == (inside & (d > 0)).sum() / (d > 0).sum()


def test_cross_validation_holds_in_a_true_corner(box):
    assert box.cv_density == pytest.approx(box.density, abs=0.1)
    assert box.cv_coverage == pytest.approx(box.coverage, abs=0.1)
    assert box.cv_density > 2 * box.base_rate


def test_opposite_ranking_gives_the_same_box(corner, box):
    design, d = corner
    other = find_box(design, -d)
    assert other.text() == box.text()
    assert other.base_rate == box.base_rate


def test_trajectory_trades_coverage_for_density(box):
    first, last = box.trajectory[0], box.trajectory[-1]
    assert (first.coverage, first.support) == (1.0, 1.0)
    assert first.density == box.base_rate
    assert last.support >= boxes.MIN_SHARE
    supports = [peel.support for peel in box.trajectory]
    assert (np.diff(supports) < 0).all()
    # Each peel takes a twentieth, rounded down.
    assert min(b / a for a, b in pairwise(supports)) >= 1 - boxes.PEEL
    best = max(p.density for p in box.trajectory)
    assert best > box.density
    assert len(box.candidates) == len(first.low)


def test_one_cut_against_trying_them_all(corner):
    design, d = corner
    x, interest = design.values[:100, :5], d[:100] > 0
    column, upper, limit = boxes._best_cut(x, interest, np.arange(5), 10)
    densities = {}
    for i in range(5):
        ranked = np.argsort(x[:, i])
        for side, left in ((False, ranked[5:]), (True, ranked[:-5])):
            densities[i, side] = interest[left].mean()
    assert densities[column, upper] == max(densities.values())
    kept = x[:, column] < limit if upper else x[:, column] > limit
    assert kept.sum() == 95
    assert interest[kept].mean() == densities[column, upper]


def test_screening_against_scipy(corner):
    design, d = corner
    x = np.round(design.values, 1)
    taken = boxes._screened(x, d > 0)
    exact = [ks_2samp(c[d > 0], c[d <= 0], method="asymp").statistic for c in x.T]
    assert list(taken[:2]) == list(np.argsort(exact)[::-1][:2])
    p = [ks_2samp(c[d > 0], c[d <= 0], method="exact").pvalue for c in x.T]
    assert set(np.flatnonzero(np.array(p) < 0.2 * boxes.LEVEL / D)) <= set(taken)


def test_quasi_p_is_a_binomial_tail(corner):
    design, d = corner
    x, interest = design.values[:, :2], d > 0
    low, high = np.array([0.4, -np.inf]), np.array([np.inf, 0.7])
    without = x[:, 1] < 0.7
    inside = without & (x[:, 0] > 0.4)
    hits, n = int(interest[inside].sum()), int(inside.sum())
    k, q = np.arange(hits, n + 1), interest[without].mean()
    assert boxes._quasi_p(x, interest, low, high)[0, 0] == pytest.approx(binom.pmf(k, n, q).sum())


def test_idle_limits_are_dropped(corner):
    design, d = corner
    x, interest = design.values[:, [0, 1, 30]], d > 0
    low, high = np.array([0.5, -np.inf, 0.1]), np.array([np.inf, 0.6, np.inf])
    kept_low, kept_high = boxes._pruned(x, interest, low, high)
    assert kept_low.tolist() == [0.5, -np.inf, -np.inf]
    assert kept_high.tolist() == [np.inf, 0.6, np.inf]


def test_band_in_the_middle_and_whole_numbers():
    rng = np.random.default_rng(6)
    x = np.stack([rng.integers(0, 10, N).astype(float), rng.random(N)], axis=1)
    band = (x[:, 0] >= 6) & (x[:, 0] <= 8)
    found = find_box(Design(x, ["days", "other"]), np.where(band, 1.0, -1.0))
    assert found.text() == "5.5 < days < 8.5"
    assert (found.coverage, found.density) == (1.0, 1.0)
    assert (found.cv_coverage, found.cv_density) == (1.0, 1.0)


def test_at_most_four_parameters():
    rng = np.random.default_rng(7)
    x = rng.random((1000, 6))
    reversed_ = (x > 0.25).all(axis=1)
    found = find_box(Design(x, list("abcdef")), np.where(reversed_, 1.0, -1.0), "abcdef")
    assert len(found.parameters) == boxes.MAX_RESTRICTED
    assert all(np.isfinite(p.low).sum() <= boxes.MAX_RESTRICTED for p in found.trajectory)


def test_candidates_limit_the_search(corner, box):
    design, d = corner
    found = find_box(design, d, ["p1", "p7", "p1"])
    assert found.candidates == ("p1", "p7")
    assert found.parameters == ("p1",)
    assert found.density < box.density
    assert find_box(design, d, []) is None


def test_permuted_differences_have_no_box(corner):
    design, d = corner
    rng = np.random.default_rng(8)
    some = sum(find_box(design, rng.permutation(d)) is not None for _ in range(40))
    assert binom.sf(some - 1, 40, 0.05) > LEVEL
    # Control: not permuted they fail the same test.
    kept = sum(find_box(*corner_case(seed)) is not None for seed in range(4))
    assert binom.sf(kept - 1, 4, 0.05) < LEVEL


def test_boxes_of_chance_are_dense_only_on_their_own_draws():
    """Few draws, forced on all candidates: what is found by chance does not hold elsewhere."""
    own, unseen = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, interest = rng.random((120, 20)), rng.permutation(120) < 12
        found = boxes._discover(x, interest, range(20))
        if found is not None:
            own.append(boxes._judged(x, interest, *found[2:]).density)
        unseen.append(boxes._cross_validated(x, interest, range(20), seed)[1])
    own, unseen = np.array(own), np.array(unseen)
    unseen = unseen[~np.isnan(unseen)]
    assert ttest_1samp(unseen, 0.1, alternative="greater").pvalue > LEVEL
    # Control: on their own draws the boxes fail the same test.
    assert ttest_1samp(own, 0.1, alternative="greater").pvalue < LEVEL


def test_ranking_that_never_changes_has_no_box(corner):
    design, d = corner
    assert find_box(design, -np.abs(d) - 0.1) is None
    assert find_box(design, np.zeros(N)) is None


def test_limits_in_words():
    none = np.array([-np.inf]), np.array([np.inf])
    assert limits_text(["a"], *none) == "everywhere"
    low, high = np.array([0.1234, -1e-5]), np.array([np.inf, 12345.6])
    assert limits_text(["a", "b"], low, high) == "a > 0.123 and -1e-05 < b < 12346"


def test_bad_arguments_are_refused(corner):
    design, d = corner
    with pytest.raises(InputError, match=r"unknown parameter 'stake' \(choices: p0, "):
        find_box(design, d, ["stake"])
    with pytest.raises(InputError, match="difference: nan in draw 511"):
        find_box(design, np.r_[d[:-1], np.nan])
