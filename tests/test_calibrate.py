"""Calibration from tables to a posterior file, and predictions with it; all sizes tiny."""

from __future__ import annotations

import dataclasses
import errno
import os
from pathlib import Path

import backtest_rows
import cells
import numpy as np
import pytest
import records
from click.testing import CliRunner, Result

from escalation.archive.crisis_table import Crises, read_crises
from escalation.archive.dispute_table import COLUMNS, Disputes
from escalation.cli.app import main
from escalation.errors import InputError
from escalation.history.calibrate import (
    Effort,
    FittedPosterior,
    calibrate,
    registry_draws,
    resampled,
)
from escalation.history.durations import duration_chances, single_move_chances
from escalation.history.likelihood import FITTED
from escalation.history.predict import predict_crises, predict_disputes, record_draws
from escalation.history.predictive_checks import record_checks
from escalation.history.surveys import SURVEYS, hold_against_surveys
from escalation.history.validation import LADDER, mode_predictor, variant_space
from escalation.model.draws import Draws
from escalation.parameters.posterior import load_posterior, save_posterior
from escalation.report.record_report import format_calibration, format_checks, format_surveys

TINY = Effort(walkers=6, warm_up=5, steps=10, thin=1, kept=20)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["calibrate", *map(str, arguments)])


def written(disputes: Disputes, path: Path) -> Path:
    rows = [{name: getattr(disputes, name)[i] for name in COLUMNS} for i in range(len(disputes))]
    return backtest_rows.write(path, rows)


@pytest.fixture(scope="module")
def crises(tmp_path_factory: pytest.TempPathFactory) -> Crises:
    crises = read_crises(backtest_rows.crises_file(tmp_path_factory.mktemp("c") / "c.csv", 20))
    triggers = np.array(["violent act", "non-violent military", "verbal act"], dtype=object)
    return dataclasses.replace(crises, trigger=np.resize(triggers, 20))


@pytest.fixture(scope="module")
def found(crises: Crises) -> FittedPosterior:
    return calibrate(records.table(18, seed=1), crises, effort=TINY, seed=3)


# ---------------------------------------------------------------- from tables to a file


def test_posterior_file_holds_the_draws_and_where_they_come_from(found, tmp_path):
    save_posterior(found.posterior, tmp_path / "posterior.csv")
    read = load_posterior(tmp_path / "posterior.csv")
    assert read.names == FITTED
    assert read.values.shape == (len(FITTED), 20)
    np.testing.assert_allclose(read.values, found.posterior.values, rtol=1e-5)
    assert read.provenance == found.posterior.provenance
    assert read.priors == found.posterior.priors
    assert {
        "title", "created", "escalation", "fitted_on", "crisis_weight", "aggregates", "sampler",
        "chains", "seed", "accepted", "max_r_hat", "min_bulk_ess", "log_density_at_mode",
    } <= set(read.provenance)  # fmt: skip
    assert read.provenance["fitted_on"] == "18 disputes, 20 crises"
    assert read.provenance["chains"] == "6 x 10 steps after 5"


def test_draws_are_points_of_the_sample_in_the_parameters_units(found):
    z = found.sample.thinned(20, seed=3)
    draws = found.target.space.draws(z)
    for name in ("choice_precision", "reliability", "turnover"):
        assert (found.posterior[name] == draws[name]).all()
    whole = registry_draws(found.posterior, found.target)
    assert (whole["choice_precision"] == found.posterior["choice_precision"]).all()
    assert (whole["audience_slope"] == 0.25).all()


def test_calibration_repeats_and_says_what_it_was_fitted_on(found):
    disputes = records.table(12, seed=1)
    one, two = (calibrate(disputes, aggregates=False, effort=TINY, seed=3) for _ in range(2))
    assert (one.posterior.values == two.posterior.values).all()
    assert one.posterior.provenance["aggregates"] == "none"
    assert one.posterior.provenance["fitted_on"] == "12 disputes, 0 crises"
    assert "umbrella_war" in found.posterior.provenance["aggregates"]


def test_short_chains_are_not_called_converged(found):
    assert not found.converged
    n = len(FITTED)
    good = dataclasses.replace(found.sample, r_hat=np.full(n, 1.01), ess=np.full(n, 500.0))
    assert dataclasses.replace(found, sample=good).converged
    slow = dataclasses.replace(good, ess=np.r_[np.full(n - 1, 500.0), 20.0])
    assert not dataclasses.replace(found, sample=slow).converged


def test_files_are_named_with_their_checksum(tmp_path):
    path = written(records.table(12, seed=1), tmp_path / "disputes.csv")
    again = calibrate(
        records.table(12, seed=1),
        aggregates=False,
        effort=dataclasses.replace(TINY, kept=3),
        files={"disputes": path, "crises": tmp_path / "none.csv"},
    ).posterior.provenance
    assert again["disputes_file"].startswith("disputes.csv sha256 ")
    assert "crises_file" not in again


def test_report_and_checks_are_text(found, crises):
    draws = registry_draws(found.posterior, found.target)
    few = Draws(draws.names, draws.values[:, :4])
    checks = record_checks(records.table(30, seed=1), crises, few)
    assert [c.low <= c.middle <= c.high for c in checks.facts] == [True] * len(checks.facts)
    assert 0.0 <= checks.share_covered <= 1.0
    text = format_calibration(found) + format_checks(checks)
    for words in (
        f"Fitted {len(FITTED)} parameters",
        "R-hat",
        "disputes that reach war",
        "umbrella",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 120


def test_checks_do_without_crises_and_umbrellas(found):
    disputes = records.table(8, seed=2)
    nobody = dataclasses.replace(
        disputes, target_has_unshared_nuclear_defender=np.zeros(8, np.int64)
    )
    draws = registry_draws(found.posterior, found.target)
    checks = record_checks(nobody, None, Draws(draws.names, draws.values[:, :2]))
    assert not any("crises" in check.name for check in checks.facts)
    assert "Fact" in format_checks(checks)


def test_rows_are_drawn_anew_by_weight(found):
    weights = np.zeros(20)
    weights[[3, 7]] = 1.0, 3.0
    drawn = resampled(found.posterior, weights, 400)
    one, two = (drawn.values[0] == found.posterior.values[0, k] for k in (3, 7))
    assert one.sum() == pytest.approx(100, abs=1)
    assert one.sum() + two.sum() == 400


def test_ladder_takes_away_coefficients_and_holds_them_at_zero():
    full = variant_space(LADDER[-1])
    bare = variant_space(LADDER[0])
    assert full.n - bare.n == len(LADDER[0].without) == 12
    draws = bare.draws(np.ones(bare.n))
    assert all((draws[name] == 0.0).all() for name in LADDER[0].without)
    assert full.fitted == FITTED


# ---------------------------------------------------------------- command line


def test_command_writes_a_posterior_and_owns_up_to_short_chains(tmp_path):
    disputes = written(records.table(10, seed=5), tmp_path / "disputes.csv")
    crises = backtest_rows.crises_file(tmp_path / "crises.csv", 10)
    output = tmp_path / "posterior.csv"
    result = call("--disputes", disputes, "--crises", crises, "-o", output, "--walkers", 6,
                  "--warm-up", 2, "--steps", 10, "--draws", 3, "--seed", 2)  # fmt: skip
    assert result.exit_code == 1, result.output
    assert "the chains have not converged: take more steps" in result.stderr
    assert str(output) in result.stdout
    posterior = load_posterior(output)
    assert posterior.n == 3
    assert posterior.provenance["seed"] == "2"
    assert posterior.provenance["crises_file"].startswith("crises.csv")


def test_a_full_disk_loses_no_posterior(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(target).parent.name == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr("escalation.contracts.whole_file.os.replace", full)
    disputes = written(records.table(10, seed=5), tmp_path / "disputes.csv")
    result = call("--disputes", disputes, "-o", tmp_path / "full" / "p.csv", "--walkers", 6,
                  "--warm-up", 2, "--steps", 10, "--draws", 3, "--seed", 2)  # fmt: skip
    assert result.exit_code == 2
    (kept,) = tmp_path.glob("p-*.csv")
    assert f"it is kept as {str(kept)!r}" in result.stderr
    assert load_posterior(kept).n == 3
    assert list((tmp_path / "full").iterdir()) == []


def bad_level(folder: Path) -> Path:
    disputes = records.table(5, seed=5)
    disputes.hostlev[3] = 7
    return written(disputes, folder / "bad.csv")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (lambda f: ("--disputes", f / "none.csv"), ["none.csv"]),
        (lambda f: ("--disputes", bad_level(f)), ["bad.csv:5", "hostlev", "7"]),
        (lambda f: ("--disputes", written(records.table(5, 1), f / "d.csv"),
                    "--crises", f / "none.csv"), ["none.csv"]),
        (lambda f: ("--disputes", f / "none.csv", "-o", f / "no" / "p.csv"), ["no"]),
        (lambda f: ("--disputes", written(records.table(5, 1), f / "d.csv"), "-o", f / "d.csv"),
         ["output: ", "is there already; --overwrite replaces it"]),
        (lambda f: ("--disputes", f / "none.csv", "--surveys", f / "study.yaml"), ["study.yaml"]),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    given = arguments(tmp_path)
    before = sorted(tmp_path.iterdir())
    result = call(*given)
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert all(word in result.stderr for word in words)
    assert result.stdout == ""
    assert sorted(tmp_path.iterdir()) == before


# ---------------------------------------------------------------- predictions


@pytest.fixture(scope="module")
def few() -> Draws:
    return record_draws(prior=True, n=4)


OUTCOMES = ("hostlev", "recip", "n_defenders_joined_target", "maxdur", "mindur")


def shuffled(disputes: Disputes, seed: int) -> Disputes:
    """Return the same disputes with each other's outcomes."""
    order = np.random.default_rng(seed).permutation(len(disputes))
    return dataclasses.replace(
        disputes, **{name: getattr(disputes, name)[order] for name in OUTCOMES}
    )


def same_pairs(n: int = 24, years: tuple[int, int] = (1970, 1990)) -> Disputes:
    disputes = records.table(n, seed=8, pairs=4)
    return dataclasses.replace(disputes, year=np.linspace(*years, n).astype(np.int64))


def test_outcomes_of_what_is_predicted_are_not_looked_at(few):
    disputes, history = same_pairs(), same_pairs(years=(1950, 1969))
    other = shuffled(disputes, 1)
    assert (other.hostlev != disputes.hostlev).any()
    for past in (None, history):
        one, two = (predict_disputes(d, past, draws=few) for d in (disputes, other))
        for name in ("level", "reciprocation", "joining", "duration"):
            assert (getattr(one, name) == getattr(two, name)).all(), name


def test_only_earlier_years_of_the_history_teach(few):
    disputes = same_pairs()
    alone = predict_disputes(disputes, None, draws=few)
    later = predict_disputes(disputes, same_pairs(years=(1990, 2010)), draws=few)
    assert (later.level == alone.level).all()
    earlier = same_pairs(years=(1950, 1969))
    taught = predict_disputes(disputes, earlier, draws=few)
    otherwise = predict_disputes(disputes, shuffled(earlier, 2), draws=few)
    assert np.abs(taught.level - alone.level).max() > 1e-3
    assert np.abs(taught.level - otherwise.level).max() > 1e-4


def test_history_of_other_pairs_is_silent(few):
    disputes, history = same_pairs(), same_pairs(years=(1950, 1969))
    strangers = dataclasses.replace(history, dyad=np.array(["1>2"] * len(history), dtype=object))
    alone = predict_disputes(disputes, None, draws=few)
    assert (predict_disputes(disputes, strangers, draws=few).level == alone.level).all()


def test_order_of_rows_does_not_matter(few):
    disputes, history = same_pairs(), same_pairs(years=(1950, 1989))
    order = np.random.default_rng(4).permutation(len(disputes))
    one = predict_disputes(disputes, history, draws=few)
    two = predict_disputes(disputes.take(order), history, draws=few)
    np.testing.assert_allclose(two.level, one.level[order], atol=1e-12)
    np.testing.assert_allclose(two.joining, one.joining[order], atol=1e-12)


def test_predictions_are_probabilities_that_agree(few):
    p = predict_disputes(same_pairs(), None, draws=few)
    np.testing.assert_allclose(p.level.sum(axis=1), 1.0)
    np.testing.assert_allclose(p.duration.sum(axis=1), 1.0)
    np.testing.assert_allclose(p.per_draw["war"].mean(axis=0), p.level[:, 3])
    np.testing.assert_allclose(p.per_draw["use"].mean(axis=0), p.level[:, 2:].sum(axis=1))
    np.testing.assert_allclose(p.per_draw["reciprocation"].mean(axis=0), p.reciprocation)
    np.testing.assert_allclose(p.per_draw["joining"].mean(axis=0), p.joining)
    assert (p.reciprocation >= p.level[:, 3]).all()
    alone = same_pairs().n_target_defenders == 0
    assert (p.joining[alone] == 0).all()
    assert (p.joining[~alone] > 0).all()


def test_one_move_is_one_day(few):
    features = records.features(defender_power=[1.0, 0.2], land=[True, False])
    single = single_move_chances(features, few).mean(axis=0)
    chances = duration_chances(features, few, (0, 2, 32, 256), trajectories=30)
    assert ((single > 0) & (single < 1)).all()
    assert (chances[:, 0] >= single).all()
    np.testing.assert_allclose(chances.sum(axis=1), 1.0)


def test_crises_are_as_violent_as_their_triggers(crises, few):
    p = predict_crises(crises, draws=few)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    assert (p[crises.trigger == "violent act", 0] == 0.0).all()
    military, verbal = (
        p[crises.trigger == t, 0].mean() for t in ("non-violent military", "verbal act")
    )
    assert 0.0 < military < verbal


def test_posterior_that_lacks_a_parameter_is_refused(found):
    short = dataclasses.replace(
        found.posterior, names=found.posterior.names[1:], values=found.posterior.values[1:]
    )
    with pytest.raises(InputError, match="lacks choice_precision"):
        record_draws(posterior=short)


# ---------------------------------------------------------------- surveys and cross-validation


def test_surveys_weight_rows_by_how_well_they_agree(found):
    study = cells.shipped_study()
    held = hold_against_surveys(found.posterior, study, 8, seed=1)
    assert (held.weights > 0).all()
    assert held.weights.sum() == pytest.approx(1.0)
    log_weights = np.zeros(20)
    for survey in SURVEYS:
        answer = held.answers[survey.name]
        assert ((answer > 0) & (answer < 1)).all()
        apart = np.log(answer / (1 - answer)) - np.log(survey.value / (1 - survey.value))
        log_weights -= apart**2 / 2
    # Weights are known up to a factor.
    np.testing.assert_allclose(np.diff(np.log(held.weights)), np.diff(log_weights), atol=1e-9)
    assert held.effective_share == pytest.approx(1 / (20 * (held.weights**2).sum()))
    assert held.posterior.n == 8
    assert "us_china_war" in held.posterior.provenance["surveys"]
    assert "Effective share of draws" in format_surveys(held)


def test_surveys_need_the_strait(found):
    study = cells.shipped_study()
    others = {name: f for name, f in study.flashpoints.items() if name != "taiwan_strait"}
    with pytest.raises(InputError, match="no flashpoint 'taiwan_strait'"):
        hold_against_surveys(found.posterior, study.model_copy(update={"flashpoints": others}))


def test_folds_are_predicted_without_their_outcomes():
    disputes = records.table(24, seed=6)
    test = np.arange(24) >= 18
    train, rows = disputes.take(~test), disputes.take(test)

    def level(train: Disputes, rows: Disputes, history: Disputes) -> np.ndarray:
        # Without types of pairs nothing but the training rows can teach.
        return mode_predictor(history, None, LADDER[1])(train, rows).level

    found = level(train, rows, disputes)
    assert (level(train, shuffled(rows, 1), shuffled(disputes, 3)) == found).all()
    assert (level(shuffled(train, 2), rows, disputes) != found).any()
