"""Baselines: the fit is the optimum, recovers what made the data, and looks at no future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from backtest_rows import WEIGHTS, dispute, synthetic, write

from escalation.archive.dispute_table import read_disputes
from escalation.history.baselines import (
    FEATURES,
    base_rate,
    features_of,
    fit_logit,
    history_features_of,
    predict_baselines,
)
from escalation.history.targets import TARGETS, outcomes_of
from escalation.statistics.scores import log_scores


def data(n=2000, seed=0):
    """Three categories from known coefficients."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    true = np.array([[0.0, 0.5, -1.0], [0.0, 1.0, 0.0], [0.0, 0.0, -0.8]])
    scores = np.column_stack((np.ones(n), x)) @ true
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    y = (rng.random(n)[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
    return x, y, p


def test_base_rate_is_the_share_and_never_zero():
    y = np.repeat([0, 1, 2], [100, 300, 600])
    assert base_rate(y, 4) == pytest.approx([0.1, 0.3, 0.6, 0.0], abs=1e-3)
    assert base_rate(y, 4).sum() == pytest.approx(1)
    assert base_rate(y, 4)[3] > 0


def test_logit_recovers_probabilities():
    """2,000 rows, 6 coefficients: root mean square error of P near sqrt(3/2000)/2 = 0.02."""
    x, y, p = data()
    found = fit_logit(x, y, 3).probabilities(x)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(x)))
    assert np.sqrt(np.mean((found - p) ** 2)) < 0.03
    assert np.sqrt(np.mean((base_rate(y, 3) - p) ** 2)) > 0.1


def test_logit_is_the_optimum_of_its_penalised_likelihood():
    x, y, _ = data(300)
    fitted = fit_logit(x, y, 3)

    def loss(weights):
        p = replace(fitted, weights=weights).probabilities(x)
        return -np.log(p[np.arange(300), y]).sum() + 2.5 * np.sum(weights[1:] ** 2)

    best = loss(fitted.weights)
    rng = np.random.default_rng(3)
    for _ in range(50):
        step = rng.normal(size=fitted.weights.shape) * [0, 1, 1]
        assert loss(fitted.weights + 0.02 * step) > best


def test_logit_survives_categories_and_features_without_variation():
    x, y, _ = data(200)
    fitted = fit_logit(np.column_stack((x, np.ones(200))), np.minimum(y, 1), 4)
    p = fitted.probabilities(np.column_stack((x, np.full(200, 2.0))))
    assert np.all(np.isfinite(p))
    assert np.all(p[:, 2:] > 0)
    assert p[:, 2:].max() < 0.05


def test_features_take_contiguity_zero_as_unknown_and_clip_the_ratio(tmp_path):
    rows = [
        dispute(contiguity=0, initiator_cinc=0.5, target_cinc=1e-6),
        dispute(dispnum=2, target_cinc="NA"),
        dispute(dispnum=3, contiguity=5),
    ]
    x = features_of(read_disputes(write(tmp_path / "d.csv", rows)))
    assert x.shape == (3, len(FEATURES))
    assert x[:, 0] == pytest.approx([6.0, 0.0, np.log(2)])
    assert x[:, 1].tolist() == [0, 1, 0]
    assert x[:, 2].tolist() == [0, 0, 1]


def test_history_features_pool_and_ignore_the_future(tmp_path):
    past = [
        dispute(dispnum=10, year=1950, hostlev=5, recip=1),
        dispute(dispnum=11, year=1951, hostlev=4, recip=1, dyad="365>2"),
        dispute(dispnum=12, year=1970, hostlev=2, recip=0),
    ]
    rows = read_disputes(write(tmp_path / "d.csv", [dispute(), dispute(dispnum=2, dyad="20>365")]))
    history = read_disputes(write(tmp_path / "h.csv", past))
    found = history_features_of(rows, history, (3.5, 0.5))
    assert found[0] == pytest.approx([(1.5 + 0.5) / 4, (0.5 + 0.5) / 4])
    assert found[1].tolist() == [0, 0]
    assert history_features_of(rows, None, (3.5, 0.5)).any() == np.False_


def test_logit_beats_the_base_rate_where_features_matter_and_not_where_they_do_not():
    """800 rows to fit, 800 to test; reciprocation depends on land and period, level on nothing."""
    train, test = synthetic(800, seed=1), synthetic(800, seed=2, first=10_000)
    found = predict_baselines(train, test, None)
    assert set(found) == {"base_rate", "logit"}
    truth = outcomes_of(test)

    def gain(target):
        logit, rate = (log_scores(found[n][target], truth[target]) for n in ("logit", "base_rate"))
        d = logit - rate
        return d.mean(), d.std() / np.sqrt(len(d))

    mean, error = gain("reciprocation")
    assert mean > 3 * error  # the weights of `WEIGHTS` are worth about 0.06
    assert abs(WEIGHTS["land"]) > 1
    mean, error = gain("max_level")
    assert mean < 2 * error
    for forecast in found.values():
        for target, categories in TARGETS.items():
            assert forecast[target].shape == (800, categories)
            assert forecast[target].sum(axis=1) == pytest.approx(np.ones(800))


def test_nobody_joins_without_a_defender():
    train, test = synthetic(300, seed=1), synthetic(100, seed=2)
    joining = predict_baselines(train, test, None)["logit"]["joining"][:, 1]
    alone = test.n_target_defenders == 0
    assert alone.any()
    assert np.all(joining[alone] == 0)
    assert np.all(joining[~alone] > 0)
