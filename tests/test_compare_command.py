"""`escalation compare` and the answer in words: from saved results to text and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from synthetic import REFERENCE, synthetic_dataset, synthetic_parts

import escalation
from escalation.analysis.drivers import designs
from escalation.analysis.summary import examine
from escalation.analysis.trade_offs import pareto_set, undominated
from escalation.cli.app import main
from escalation.errors import InputError
from escalation.report.answer import format_answer
from escalation.report.comparison_report import format_comparison
from escalation.report.show import format_show
from escalation.results.build import build_dataset
from escalation.results.files import open_results, save_results
from escalation.results.quantities import chosen_risks
from escalation.results.support import stands_out
from escalation.study import Study

STRUCTURES = ("us_retrenchment", "hub_and_spoke", "asian_nato")
HEADLINE = {"war", "great_power_war", "nuclear_use", "concession"}


@pytest.fixture(scope="module")
def ds(study: Study) -> xr.Dataset:
    """A small run of the kernel at the Taiwan Strait."""
    small = study.model_copy(update={
        "flashpoints": {"taiwan_strait": study.flashpoints["taiwan_strait"]},
        "structures": {name: study.structures[name] for name in STRUCTURES},
        "decision_rules": ("expected_utility",),
        "compare": study.compare.model_copy(update={"focus": ("asian_nato",), "sweep": ()}),
    })  # fmt: skip
    return escalation.run(small, draws=96, trajectories=160, seed=3, prior=True)


@pytest.fixture(scope="module")
def saved(ds: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_results(ds, tmp_path_factory.mktemp("compare") / "results.nc")


def compared(saved: Path, *options: str) -> str:
    done = CliRunner().invoke(main, ["compare", str(saved), *options])
    assert done.exit_code == 0, done.output
    return done.output


def widest(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def test_text_and_json_say_the_same(saved: Path, tmp_path: Path) -> None:
    file = tmp_path / "compare.json"
    text = compared(saved, "--json", str(file))
    assert widest(text.replace(str(file), "")) <= 100
    found = json.loads(file.read_text())
    assert {"probability_safer", "variance_reduction", "flip"} <= set(found)
    rule, place = "expected_utility", "taiwan_strait"
    assert set(found["comparison"][rule][place]) == HEADLINE
    for risk in HEADLINE:
        p = found["probability_safer"][rule][place][risk]["asian_nato"]["value"]
        verdict = found["comparison"][rule][place][risk]["asian_nato"]["verdict"]
        assert f"{p:.2f} {verdict}".lstrip("0") in text
    assert found["comparison"][rule][place]["war"][REFERENCE]["difference"] == 0
    reduction = found["variance_reduction"][rule][place]["war"]["asian_nato"]
    assert reduction["interval_95"][0] < reduction["value"] < reduction["interval_95"][1]
    assert reduction["value"] > 1.5
    ranks = found["rank_probability"][rule][place]["war"]
    np.testing.assert_allclose(np.sum(list(ranks.values()), axis=0), 1)
    flip = found["flip"][place]["war"]
    assert (flip["structure"], flip["reference"]) == ("asian_nato", REFERENCE)
    for threshold in flip["thresholds"][:5]:
        assert threshold["parameter"] in text
    assert found["value_of_information"][place]["war"]["evpi"] >= 0
    members = found["trade_off"][rule][place]["members"]
    assert members
    assert all(name in text for name in members)


def test_both_uncertainties_are_there(saved: Path) -> None:
    text = compared(saved)
    for words in ("±", "5-95 % of draws", "P(safer)", "% of variance ignorance", "at most"):
        assert words in text, words


def test_options(saved: Path) -> None:
    text = compared(saved, "--reference", "us_retrenchment", "--structure", "hub_and_spoke",
                    "--on", "war,onset", "--loss", "war=1,concession=0.2")  # fmt: skip
    assert "us_retrenchment (ref)" in text
    assert "hub_and_spoke against us_retrenchment" in text
    assert "disputes per year" in text
    assert "Loss per history: 1 x war, 0.2 x concession." in text
    assert "nuclear use %" not in text


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--reference", "nato"], "reference: unknown structure 'nato' (choices: us_retrenchment"),
        (["--on", "peace"], "on: unknown risk 'peace' (choices: onset"),
        (["--structure", "hub_and_spoke"], "structure: 'hub_and_spoke' cannot be compared"),
        (["--flashpoint", "berlin"], "unknown flashpoint 'berlin' (choices: taiwan_strait)"),
        (["--loss", "war=-1"], "loss: weight of war: '-1' is no number from 0 to 1e+12"),
        (["--loss", "war=1e160"], "loss: weight of war: '1e160' is no number from 0 to 1e+12"),
        (["--json", "/dev/null"], "json: '/dev/null' is a link or a device"),
        (["--json", "no/such/folder.json"], "json: folder 'no/such' does not exist"),
    ],
)
def test_bad_options_get_one_line(saved: Path, options: list[str], what: str) -> None:
    before = sorted(saved.parent.iterdir())
    done = CliRunner().invoke(main, ["compare", str(saved), *options])
    assert done.exit_code == 2
    assert what in done.output
    assert len(done.output.strip().splitlines()) == 1
    assert sorted(saved.parent.iterdir()) == before


def test_a_study_may_state_its_loss(ds: xr.Dataset) -> None:
    weighed = ds.assign_attrs(loss='{"war": 1.0, "nuclear_use": 50.0}')
    e = examine(weighed, chosen_risks("war"))
    assert [risk.risk for risk in e.risks] == ["war", "loss"]
    assert e.loss == {"war": 1.0, "nuclear_use": 50.0}
    war = e.at("taiwan_strait", "war").mean
    assert (e.at("taiwan_strait", "loss").mean >= war).all()


def test_too_few_draws_are_compared_without_drivers() -> None:
    few = synthetic_dataset(1, flashpoints=1, structures=3, draws=4, trajectories=60)
    e = examine(few, chosen_risks(None), structure="quad")
    assert "at least 16" in e.no_drivers
    text = format_comparison(e, few)
    assert "say nothing about what drives a result" in " ".join(text.split())
    assert widest(text) <= 100


def test_parameters_of_another_rule_and_constant_ones_are_left_out(ds: xr.Dataset) -> None:
    made = designs(ds, "expected_utility", "taiwan_strait")
    assert "taiwan_strait.onset_rate" in made.names
    for name in ("loss_aversion", "incident_reciprocated", "stake_land"):
        assert name not in made.names, name
    elsewhere = designs(ds.assign_coords(flashpoint=["x"]), "expected_utility", "x")
    assert "taiwan_strait.onset_rate" in elsewhere.names, "not known to be another flashpoint's"
    two = synthetic_dataset(0, flashpoints=2, draws=20)
    named = two.assign_coords(
        parameter=["taiwan_strait.x", "taiwan_outlying_islands.x", "provocation_stake"]
    )
    assert designs(named, "expected_utility", "taiwan_strait").names == (
        "taiwan_strait.x", "provocation_stake",
    )
    assert made.constant > 20
    same = ds.isel(draw=np.zeros(20, int)).assign_coords(draw=np.arange(20))
    with pytest.raises(InputError, match="no parameter varies"):
        designs(same, "expected_utility", "taiwan_strait")


def test_pareto_set() -> None:
    risks = np.array([[1.0, 2.0, 2.0, 1.0], [2.0, 1.0, 2.0, 2.0]])[..., None]
    assert undominated(risks)[:, 0].tolist() == [True, True, False, True], "ties do not beat"
    e = examine(synthetic_dataset(2, flashpoints=1, structures=4), chosen_risks(None),
                structure="quad")  # fmt: skip
    pareto = e.trade_offs["expected_utility", "taiwan_strait"]
    assert pareto.members
    assert ((pareto.probability > 0) & (pareto.probability <= 1)).any()
    with pytest.raises(InputError, match="at least two"):
        pareto_set([e.at("taiwan_strait", "war")])


def test_the_answer_in_words(ds: xr.Dataset) -> None:
    text = format_answer(ds)
    assert widest(text) <= 100
    flat = " ".join(text.split())
    assert flat.startswith("Taiwan Strait, 10 years: Asian NATO against Hub and spoke.")
    for words in ("War: ", "Great-power war: ", "of draws", "by chance"):
        assert words in flat, words
    e = examine(ds, chosen_risks(None))
    war = e.drivers["taiwan_strait", "war"]
    assert war is not None
    leading = war.sensitivity.names[int(np.argmax(war.sensitivity.total))]
    flipping = [t.parameter for t in war.thresholds]
    assert "by itself it flips nothing" not in flat
    if flipping:
        assert f"hangs on {leading if leading in flipping else flipping[0]}" in flat
    least = e.at("taiwan_strait", "war").rank_probability[:, 0]
    assert ("Least war most often" in flat) == stands_out(least, 96)
    assert "The answer in words" in format_show(ds)


def test_the_answer_keeps_silent_where_there_is_nothing_to_compare() -> None:
    one = synthetic_dataset(0, flashpoints=1, structures=1, draws=3, trajectories=20)
    assert format_answer(one) == ""
    assert format_answer(one.assign_attrs(reference="gone")) == ""


def test_hostile_names_keep_the_form(tmp_path: Path) -> None:
    names = ["<img onerror=x>", "$\\undefined{x}$", "x" * 140]
    arrays, coords, attrs = synthetic_parts(
        0, flashpoints=1, structures=3, draws=20, trajectories=60, sweep=False
    )
    attrs |= {"reference": names[0], "focus": names[1:], "study_title": "a\x1b[31m"}
    hostile = build_dataset(arrays, coords | {"structure": names, "flashpoint": names[2:]}, attrs)
    path = save_results(hostile, tmp_path / "r.nc")
    e = examine(open_results(path), chosen_risks(None))
    for text in (format_comparison(e, hostile), format_answer(hostile)):
        assert widest(text) <= 100
        assert all(c == "\n" or c.isprintable() for c in text)


def test_json_replaces_json_and_nothing_else(saved: Path, tmp_path: Path) -> None:
    """Neither the results that are compared, nor any other file that holds something else."""
    before = saved.read_bytes()
    done = CliRunner().invoke(main, ["compare", str(saved), "--json", str(saved)])
    assert done.exit_code == 2
    assert "is there already and holds something else" in done.output
    assert saved.read_bytes() == before
    target = tmp_path / "out.json"
    for _ in range(2):
        options = ["--on", "war", "--json", str(target)]
        done = CliRunner().invoke(main, ["compare", str(saved), *options])
        assert done.exit_code == 0, done.output
    link = tmp_path / "link.json"
    link.symlink_to(target)
    done = CliRunner().invoke(main, ["compare", str(saved), "--json", str(link)])
    assert "is a link or a device" in done.output
    assert link.is_symlink()


def test_a_flashpoint_named_twice_is_one(saved: Path) -> None:
    once, twice = (
        CliRunner().invoke(main, ["compare", str(saved), *["--flashpoint", "taiwan_strait"] * n])
        for n in (1, 2)
    )
    assert twice.exit_code == 0, twice.output
    assert once.output == twice.output
