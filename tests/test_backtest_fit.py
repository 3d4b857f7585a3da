"""In sample or out of fold: what the backtest says about rows that the posterior knows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import public_data
import pytest
from backtest_rows import FakePredictor, crises_file, prediction, synthetic, synthetic_rows, write
from click.testing import CliRunner

from escalation.archive.crisis_table import read_crises
from escalation.archive.dispute_table import Disputes, read_disputes
from escalation.archive.public_disputes import load_disputes
from escalation.cli.app import main
from escalation.history import backtest as module
from escalation.history import validation
from escalation.history.backtest import run_backtest
from escalation.history.fitted import KEYS, fitted_notes, in_fit
from escalation.parameters.posterior import shipped_posterior
from escalation.report.record_report import format_backtest


class Fitted(FakePredictor):
    """Was fitted to some disputes and crises."""

    def __init__(self, disputes: Disputes, crises=None) -> None:
        super().__init__()
        self.notes = fitted_notes(disputes, crises)

    def provenance(self, *, prior):
        return {"parameters": "priors"} if prior else {"fitted_on": "some"} | self.notes


@pytest.fixture(scope="module")
def disputes() -> Disputes:
    return synthetic(300, seed=1)


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_scored_disputes_that_were_in_the_fit_are_counted_and_said(disputes, tmp_path):
    crises = read_crises(crises_file(tmp_path / "c.csv"))
    half = disputes.take(np.arange(0, 300, 2))
    model = Fitted(half, crises.take(np.arange(10)))
    found = run_backtest(disputes, None, crises, predictor=model)
    assert found["in_fit"]["disputes"] == 150
    assert found["in_fit"]["crises"] == 10
    assert not set(KEYS) & set(found["provenance"]["model"])
    json.dumps(found, allow_nan=False)
    text = one_line(format_backtest(found))
    assert "150 of the 300 disputes were in that fit." in text
    assert "(model in sample for 150 of 300, baselines out of fold)" in text
    assert "Crises: violence category (model in sample for 10 of 40, baselines out of fold)" in text
    assert "The same for the 150 disputes that the fit did not use" in text


def test_disputes_outside_the_fit_are_scored_by_themselves(disputes):
    rest = np.arange(300) % 2 == 1
    found = run_backtest(disputes, predictor=Fitted(disputes.take(~rest)))
    outside = found["in_fit"]["outside"]
    assert outside["n_scored"]["max_level"] == 150
    recip = disputes.recip[rest]
    assert outside["log_score"]["reciprocation"]["model"] == pytest.approx(np.log(0.5))
    share = found["log_score"]["reciprocation"]["base_rate"]
    assert outside["log_score"]["reciprocation"]["base_rate"] != pytest.approx(share, abs=1e-9)
    assert 0 < recip.mean() < 1


@pytest.mark.parametrize(
    ("fitted", "prior", "said", "unsaid"),
    [
        (300, False, "300 of the 300 disputes were in that fit.", "The same for"),
        (0, False, "None of the disputes was in that fit.", "in sample"),
        (300, True, "Parameters: prior", "in that fit"),
        (None, False, "does not say which disputes it was fitted to", "The same for"),
    ],
)
def test_every_state_of_knowledge_has_its_words(disputes, fitted, prior, said, unsaid):
    model = FakePredictor() if fitted is None else Fitted(disputes.take(np.arange(fitted)))
    text = one_line(format_backtest(run_backtest(disputes, predictor=model, prior=prior)))
    assert said in text
    assert unsaid not in text


def test_baselines_of_a_history_are_out_of_sample_not_of_fold(disputes):
    history = synthetic(400, seed=2, first=10_000)
    text = format_backtest(run_backtest(disputes, history, predictor=Fitted(disputes)))
    assert "(model in sample, baselines out of sample)" in text


def test_a_history_too_short_to_train_on_is_said(disputes):
    history = synthetic(60, seed=2, first=10_000)
    text = one_line(format_backtest(run_backtest(disputes, history, predictor=Fitted(disputes))))
    assert "(the history has only 60 rows that are not scored themselves)" in text
    assert "(model in sample, baselines out of fold)" in text


def test_rows_whose_contiguity_differs_from_the_fit_are_named(disputes):
    other = disputes.take(np.arange(300))
    was = int(other.contiguity[4])
    other.contiguity[4] = 0
    found = run_backtest(disputes, predictor=Fitted(other))
    assert found["in_fit"]["disputes"] == 300
    assert [row["dispnum"] for row in found["in_fit"]["other_contiguity"]] == [disputes.dispnum[4]]
    text = one_line(format_backtest(found))
    assert (
        f"differs from that in the fit for 1 dispute: {disputes.dispnum[4]} ({disputes.dyad[4]} "
        f"in {disputes.year[4]}: {was} for 0)."
    ) in text


def test_digests_know_rows_and_no_others(disputes):
    notes = fitted_notes(disputes, None)
    again = in_fit(notes, disputes, None)
    assert again.disputes.all()
    np.testing.assert_array_equal(again.contiguity, disputes.contiguity)
    strangers = synthetic(300, seed=9, first=5_000)
    assert not in_fit(notes, strangers, None).disputes.any()
    assert in_fit({}, disputes, None) is None
    for text in (notes["fitted_disputes"], shipped_posterior().provenance["fitted_disputes"]):
        assert all(len(word) == 8 for word in text.split())


def test_refitting_in_folds_is_printed_as_such(tmp_path, monkeypatch):
    fitted = []

    def predictor(disputes, counts, *_):
        return lambda train, test: fitted.append(len(train)) or prediction(test)

    monkeypatch.setattr(validation, "mode_predictor", predictor)
    path = write(tmp_path / "d.csv", synthetic_rows(40, seed=4))
    out = tmp_path / "out.json"
    result = CliRunner().invoke(
        main, ["backtest", "--disputes", str(path), "--refit", "--json", str(out)]
    )
    assert result.exit_code == 0, result.output
    text = one_line(result.stdout)
    assert "fitted anew in 5 folds that keep a pair of states together: all out of fold." in text
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert len(fitted) == 5
    assert max(fitted) < 40
    found = json.loads(out.read_text())
    assert found["log_score"]["reciprocation"]["model"] == pytest.approx(np.log(0.5))
    assert f"{found['log_score']['max_level']['model']:.4f}" in result.stdout
    assert found["difference"]["max_level"]["logit"]["mean"] == pytest.approx(
        found["log_score"]["max_level"]["model"] - found["log_score"]["max_level"]["logit"]
    )


@pytest.mark.parametrize("more", [["--prior"], ["--history", "h.csv"]])
def test_refitting_goes_with_neither_prior_nor_history(tmp_path, more):
    path = write(tmp_path / "d.csv", synthetic_rows(40, seed=4))
    result = CliRunner().invoke(main, ["backtest", "--disputes", str(path), "--refit", *more])
    assert result.exit_code == 2
    assert "refit: goes with neither prior nor history" in result.stderr


def test_command_prints_what_was_left_out_and_what_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(module.importlib, "import_module", lambda name: FakePredictor())
    folder = public_data.unpacked(tmp_path / "d", public_data.world(60))
    result = CliRunner().invoke(main, ["backtest", "--disputes", str(folder)])
    assert result.exit_code == 0, result.output
    assert "60 of 120 disputes used; left out: 20 before 1946" in one_line(result.stdout)


# ---------------------------------------------------------------- the data that were fitted

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "history"
TRAINING = SHARED / "mid_disputes_training.csv"
needs_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the historical tables are not in the repository"
)


@needs_data
def test_the_shipped_posterior_knows_its_rows():
    disputes = read_disputes(TRAINING)
    crises = read_crises(SHARED / "icb_crises_training.csv")
    found = in_fit(shipped_posterior().provenance, disputes, crises)
    assert found.disputes.sum() == 1212
    assert found.crises.sum() == 264
    np.testing.assert_array_equal(found.contiguity, disputes.contiguity)


@needs_data
def test_official_zips_with_the_fitted_disputes_give_back_the_training_rows(tmp_path):
    """Disputes, sides, lengths, nuclear weapons; and contiguity between two, but where the fit
    lacked a border."""
    with open(TRAINING, newline="") as file:
        rows = list(csv.DictReader(file))
    files = _as_downloaded(rows)
    folder = public_data.put(tmp_path, public_data.downloads(files))
    wanted = read_disputes(TRAINING)
    found = load_disputes(folder, list)
    for name in (
        "dispnum", "year", "hostlev", "recip", "mindur", "maxdur", "fatality", "outcome",
        "n_side_a", "n_side_b", "n_joined_target", "n_joined_initiator", "initiator_nuclear",
        "target_nuclear", "china_initiator", "dyad",
    ):  # fmt: skip
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name), name)
    two = np.array(["-" not in dyad for dyad in wanted.dyad])
    assert two.sum() > 1100
    differs = np.flatnonzero(two & (found.contiguity != wanted.contiguity))
    assert found.dispnum[differs].tolist() == [606]
    know = in_fit(shipped_posterior().provenance, found, None)
    assert know.disputes.sum() == 1212
    assert (found.contiguity[differs], know.contiguity[differs]) == (1, 0)


def _as_downloaded(rows: list[dict[str, str]]) -> dict[str, str]:
    """Public files that hold the rows of the training table; 606 has a border there."""
    midb, contiguity = [], []
    for row in rows:
        sides = [side.split("-") for side in row["dyad"].split(">")]
        for states, side, total in zip(sides, (1, 0), ("n_side_a", "n_side_b"), strict=True):
            joined = [str(900 + i) for i in range(int(row[total]) - len(states))]
            midb += [{"dispnum": row["dispnum"], "ccode": state, "sidea": side,
                      "orig": int(state in states)} for state in states + joined]  # fmt: skip
        kind = "1" if row["dispnum"] == "606" else row["contiguity"]
        if kind != "6" and "-" not in row["dyad"]:
            contiguity.append({"state1no": sides[0][0], "state2no": sides[1][0],
                               "year": row["year"], "conttype": kind})  # fmt: skip
    mida = [row | {"styear": row["year"]} for row in rows]
    kept = public_data.MIDA.split()
    return {
        "mida": public_data.text_of(
            public_data.MIDA, [{k: row[k] for k in kept if k in row} for row in mida]
        ),
        "midb": public_data.text_of(public_data.MIDB, midb),
        "contiguity": public_data.text_of(public_data.CONTIGUITY, contiguity),
        "nmc": public_data.text_of(
            public_data.NMC, [{"ccode": 2, "year": year, "cinc": 0.2} for year in (1946, 2014)]
        ),
        "atop": public_data.text_of(
            public_data.ATOP,
            [{"stateA": 900, "stateB": 901, "year": y, "defense": 0} for y in (1946, 2014)],
        ),
    }
