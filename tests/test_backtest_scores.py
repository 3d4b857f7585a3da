"""Scores by hand, propriety, standard errors against simulation, calibration coverage."""

from __future__ import annotations

import numpy as np
import pytest

from escalation.statistics.scores import (
    FLOOR,
    brier_scores,
    calibration,
    log_scores,
    paired_difference,
    ranked_probability_scores,
)

SCORES = {
    "log": lambda p, y: -log_scores(p, y),
    "brier": brier_scores,
    "rps": ranked_probability_scores,
}


def test_scores_agree_with_hand_computation():
    p = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    y = np.array([1, 2])
    assert log_scores(p, y) == pytest.approx([np.log(0.3), np.log(FLOOR)])
    assert brier_scores(p, y) == pytest.approx([0.04 + 0.49 + 0.25, 2.0])
    assert ranked_probability_scores(p, y) == pytest.approx([(0.04 + 0.25) / 2, 1.0])


@pytest.mark.parametrize("name", SCORES)
def test_a_score_is_best_where_the_truth_is_told(name):
    """Expected scores under the truth, over all outcomes: no other forecast does better."""
    truth = np.array([0.1, 0.25, 0.6, 0.05])
    rng = np.random.default_rng(0)

    def expected(p):
        return float(truth @ SCORES[name](np.tile(p, (4, 1)), np.arange(4)))

    others = rng.dirichlet(truth * 20 + 0.5, 200)
    assert min(expected(p) for p in others) > expected(truth)


def test_difference_and_its_plain_error():
    first, second = np.array([0.0, 1.0, 2.0, 5.0]), np.array([0.0, 0.0, 0.0, 0.0])
    found = paired_difference(first, second, np.arange(4))
    assert found["mean"] == 2.0
    assert found["se"] == pytest.approx(np.std([0, 1, 2, 5], ddof=1) / 2)
    assert found["se_clustered"] == pytest.approx(found["se"])
    assert paired_difference(first[:1], second[:1], np.arange(1))["se"] is None


def test_clustered_error_is_the_true_spread_where_rows_are_alike():
    """400 samples of 60 pairs with 5 like rows each; the plain error must miss by half."""
    rng = np.random.default_rng(1)
    pair = np.repeat(np.arange(60), 5)
    found = []
    for _ in range(400):
        d = rng.normal(size=60)[pair] + 0.3 * rng.normal(size=300)
        found.append(paired_difference(d, np.zeros(300), pair))
    spread = np.std([f["mean"] for f in found])
    clustered = np.mean([f["se_clustered"] for f in found])
    plain = np.mean([f["se"] for f in found])
    # the spread of 400 means has a relative error of 3.5 %
    assert abs(clustered / spread - 1) < 0.12
    assert plain / spread < 0.6


def test_calibration_bins_hold_equal_counts_and_ties_stay_together():
    p = np.concatenate((np.zeros(50), np.linspace(0.1, 0.9, 50)))
    curve = calibration(p, np.zeros(100, bool), bins=10)
    assert curve.n.sum() == 100
    assert curve.n[0] == 50
    assert np.all(curve.n[1:] <= 11)
    one = calibration(np.full(20, 0.3), np.arange(20) < 6)
    assert one.n.tolist() == [20]
    assert one.observed[0] == pytest.approx(0.3)
    assert one.low[0] < 0.3 < one.high[0]


def test_calibration_intervals_cover_the_truth_and_miss_a_wrong_forecast():
    """90 % intervals of 200 x 5 bins: cover 0.86 to 0.94 of the time (4 standard errors)."""
    rng = np.random.default_rng(2)
    hit, hit_wrong = [], []
    for _ in range(200):
        p = rng.uniform(0.2, 0.8, 400)
        happened = rng.random(400) < p
        for truth, forecast in ((hit, p), (hit_wrong, np.clip(p + 0.15, 0, 1))):
            curve = calibration(forecast, happened, bins=5)
            truth += list((curve.low <= curve.predicted) & (curve.predicted <= curve.high))
    assert 0.86 < np.mean(hit) < 0.94
    assert np.mean(hit_wrong) < 0.3
