"""The backtest as a whole: folds, overlap, group coverage, JSON, command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from backtest_rows import (
    FakePredictor,
    crises_file,
    dispute,
    prediction,
    synthetic,
    synthetic_rows,
    write,
)
from click.testing import CliRunner

from escalation.archive.crisis_table import read_crises
from escalation.archive.dispute_table import read_disputes
from escalation.cli.backtest_command import backtest as command
from escalation.errors import InputError
from escalation.history import backtest as module
from escalation.history.backtest import cross_validate, fold_numbers, run_backtest
from escalation.history.targets import group_rates
from escalation.report.record_report import format_backtest


@pytest.fixture(scope="module")
def tables():
    return synthetic(300, seed=1), synthetic(400, seed=2, first=10_000)


def test_result_has_every_score_and_is_json(tables, tmp_path):
    disputes, history = tables
    crises = read_crises(crises_file(tmp_path / "c.csv"))
    model = FakePredictor()
    found = run_backtest(disputes, history, crises, predictor=model, prior=True)
    json.dumps(found, allow_nan=False)
    assert model.asked == {"history": history, "prior": True}
    for score in ("log_score", "brier"):
        for target in ("max_level", "reciprocation", "joining", "duration"):
            assert all(isinstance(v, float) for v in found[score][target].values())
            assert set(found[score][target]) == {"model", "base_rate", "logit", "logit_history"}
    assert set(found["rps"]) == {"max_level", "duration"}
    scores = found["log_score"]["reciprocation"]
    assert scores["model"] == pytest.approx(np.log(0.5))
    difference = found["difference"]["reciprocation"]["logit"]
    assert difference["mean"] == pytest.approx(scores["model"] - scores["logit"])
    assert difference["mean"] + 2 * difference["se"] < 0  # the logit knows land and period
    assert found["crises"]["log_score"]["model"] == pytest.approx(np.log(0.25))
    assert found["n"] == {"disputes": 300, "history": 400, "crises": 40}
    assert found["provenance"]["parameters"] == "prior"
    assert found["provenance"]["model"] == {"fitted_on": "nothing"}
    assert found["provenance"]["baselines"]["trained_on"] == "400 rows of the history"
    assert sum(found["calibration"]["war"]["n"]) == 300
    text = format_backtest(found)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "fitted on nothing" in text


def test_rows_that_are_scored_never_train_a_baseline(tables, monkeypatch):
    disputes, history = tables
    seen = []
    real = module.predict_baselines

    def spy(train, test, past):
        seen.append((set(train.dispnum.tolist()), set(test.dispnum.tolist()), past))
        return real(train, test, past)

    monkeypatch.setattr(module, "predict_baselines", spy)
    overlapping = history.take(np.arange(50))
    found = run_backtest(overlapping, history, predictor=FakePredictor())
    words = found["provenance"]["baselines"]["trained_on"]
    assert words.startswith("350 rows of the history (50 others are among the disputes")
    run_backtest(history, history, predictor=FakePredictor())
    found = run_backtest(disputes, None, predictor=FakePredictor())
    assert found["provenance"]["baselines"]["trained_on"].startswith("5 folds")
    assert found["log_score"]["max_level"]["logit_history"] is None
    assert len(seen) == 11
    assert all(not train & test for train, test, _ in seen)
    assert all(past is history for *_, past in seen[:6])
    assert "logit + history" in format_backtest(found)


def test_folds_keep_pairs_together_and_are_even(tables):
    disputes, _ = tables
    fold = fold_numbers(disputes, "dyad", 5, seed=3)
    for pair in np.unique(disputes.pair.astype(str)):
        assert len(set(fold[disputes.pair == pair])) == 1
    sizes = np.bincount(fold_numbers(disputes, "random", 5, seed=3))
    assert sizes.tolist() == [60] * 5
    assert np.any(fold != fold_numbers(disputes, "dyad", 5, seed=4))
    with pytest.raises(InputError, match="neither 'dyad' nor 'random'"):
        fold_numbers(disputes, "year", 5, 0)
    with pytest.raises(InputError, match="1 pairs of states are too few for 5 folds"):
        run_backtest(disputes.take(np.arange(1)), predictor=FakePredictor())


@pytest.mark.parametrize("folds", ["dyad", "random"])
def test_cross_validation_puts_every_row_back_in_its_place(tables, folds):
    disputes, _ = tables
    tests = []

    def oracle(train, test):
        """Knows the outcome: only rows out of place could score less than log 0.9."""
        assert not set(train.dispnum.tolist()) & set(test.dispnum.tolist())
        tests.append(len(test))
        return prediction(test, np.where(test.recip == 1, 0.9, 0.1))

    found = cross_validate(disputes, oracle, folds)
    assert sum(tests) == 300
    assert found["log_score"]["reciprocation"]["model"] == pytest.approx(np.log(0.9))
    assert found["log_score"]["reciprocation"]["logit_history"] is not None
    alone = cross_validate(disputes, None, folds)
    assert alone["log_score"]["max_level"]["model"] is None
    assert alone["log_score"]["max_level"]["logit"] == found["log_score"]["max_level"]["logit"]


def test_group_intervals_cover_a_true_model_and_not_a_false_one():
    """40 tables of 300 disputes, war and reciprocation of 8 groups, intervals of 90 %.

    Groups overlap, so the share covered has a standard error of about 0.02; 0.82 to 0.97 is
    four of them. A model that is off by 0.2 must miss most of the time.
    """
    rng = np.random.default_rng(5)
    disputes = synthetic(300, seed=9)
    right, wrong = [], []
    for _ in range(40):
        p = rng.uniform(0.3, 0.6, 300)
        disputes.recip[:] = rng.random(300) < p
        for kept, chance in ((right, p), (wrong, p + 0.2)):
            rates = group_rates(disputes, prediction(disputes, chance))["rates"]
            kept += [cells["reciprocation"]["covered"] for cells in rates.values()]
    assert 0.82 < np.mean(right) < 0.97
    assert np.mean(wrong) < 0.4


def test_group_intervals_widen_with_ignorance():
    disputes = synthetic(300, seed=9)
    known = prediction(disputes, 0.5)
    unsure = prediction(disputes, 0.5)
    shift = np.linspace(-0.3, 0.3, 20)[:, None]
    unsure.per_draw["reciprocation"] = unsure.per_draw["reciprocation"] + shift

    def width(found):
        cell = found["rates"]["before 1990"]["reciprocation"]
        return cell["high"] - cell["low"]

    assert width(group_rates(disputes, unsure)) > 3 * width(group_rates(disputes, known))
    chance = group_rates(disputes, prediction(disputes, 0.5, draws=None))
    assert chance["interval"] == "chance only"


class _Model(FakePredictor):
    pass


@pytest.fixture
def shell(monkeypatch):
    """Call the command with the fake model in place of the package's."""
    monkeypatch.setattr(module.importlib, "import_module", lambda name: _Model())
    return lambda *arguments: CliRunner().invoke(command, [str(a) for a in arguments])


def test_command_prints_a_table_and_writes_json(shell, tmp_path):
    disputes = write(tmp_path / "d.csv", synthetic_rows(120, seed=4))
    history = write(tmp_path / "h.csv", synthetic_rows(150, seed=5, first=900))
    crises = crises_file(tmp_path / "c.csv")
    out = tmp_path / "out.json"
    result = shell("--disputes", disputes, "--history", history, "--crises", crises, "--json", out)
    assert result.exit_code == 0, result.output
    for words in ("Log score", "max level", "logit + history", "umbrella", "Covered", "Crises"):
        assert words in result.output
    found = json.loads(out.read_text())
    assert found["provenance"]["files"]["history"] == str(history)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.csv", "d.csv", "h.csv", "out.json"]
    assert shell("--disputes", disputes).exit_code == 0


@pytest.mark.parametrize(
    ("output", "words"),
    [("", "is a folder"), ("none/out.json", "does not exist")],
)
def test_command_refuses_a_bad_output_before_any_work(shell, tmp_path, output, words):
    result = shell("--disputes", tmp_path / "d.csv", "--json", tmp_path / output)
    assert isinstance(result.exception, InputError)
    assert words in str(result.exception)


def test_file_alone_is_read_by_the_command(shell, tmp_path):
    path = write(tmp_path / "d.csv", [dispute(hostlev=9)])
    result = shell("--disputes", path)
    assert isinstance(result.exception, InputError)
    assert "d.csv:2: hostlev" in str(result.exception)
    assert read_disputes(write(path, [dispute()])).hostlev.tolist() == [4]


SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "history"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the historical tables are not in the repository")
def test_baselines_on_the_training_rows():
    """Logit beats the base rate, history beats logit: level and reciprocation, pairs apart."""
    disputes = read_disputes(SHARED / "mid_disputes_training.csv")
    crises = read_crises(SHARED / "icb_crises_training.csv")
    assert (len(disputes), len(crises)) == (1212, 264)
    assert (disputes.level == 5).sum() == 21
    found = cross_validate(disputes, None, "dyad")
    for target in ("max_level", "reciprocation"):
        scores = found["log_score"][target]
        assert scores["base_rate"] < scores["logit"] < scores["logit_history"]
