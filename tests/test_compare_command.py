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
from escalation.analysis.comparison import compare
from escalation.analysis.drivers import parameter_design
from escalation.analysis.findings import find
from escalation.analysis.selection import unknown_numbers
from escalation.analysis.trade_offs import trade_offs, undominated
from escalation.cli.app import main
from escalation.errors import InputError
from escalation.report.answer import format_answer
from escalation.report.comparison_report import format_comparison
from escalation.report.show import format_show
from escalation.results.build import build_dataset
from escalation.results.files import open_results, save_results
from escalation.study import Study

STRUCTURES = ("us_retrenchment", "hub_and_spoke", "asian_nato")
HEADLINE = {"war", "great_power_war", "nuclear_use", "concession"}

pytestmark = pytest.mark.usefixtures("read_once")


@pytest.fixture(scope="module")
def ds(study: Study) -> xr.Dataset:
    """A small run of the kernel at the Taiwan Strait."""
    small = study.model_copy(update={
        "flashpoints": {"taiwan_strait": study.flashpoints["taiwan_strait"]},
        "structures": {name: study.structures[name] for name in STRUCTURES},
        "decision_rules": ("expected_utility",),
        "compare": study.compare.model_copy(update={"focus": ("asian_nato",), "sweep": ()}),
    })  # fmt: skip
    return escalation.run(small, draws=96, trajectories=160, seed=3, source="prior")


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
    assert set(found) == {"provenance", "comparison", "trade_offs", "drivers", "thresholds"}
    rule, flashpoint = "expected_utility", "taiwan_strait"
    c = {name: cells[rule][flashpoint] for name, cells in found["comparison"].items()}
    assert set(c["verdict"]) == HEADLINE
    for risk in HEADLINE:
        p, verdict = c["p_safer"][risk]["asian_nato"], c["verdict"][risk]["asian_nato"]
        assert f"{p:.2f} {verdict}".lstrip("0") in text
    assert c["difference"]["war"][REFERENCE] == 0
    low, value, high = (c[f"reduction{end}"]["war"]["asian_nato"] for end in ("_low", "", "_high"))
    assert low < value < high
    assert value > 1.5
    ranks = [list(row.values()) for row in c["rank_probability"]["war"].values()]
    np.testing.assert_allclose(np.sum(ranks, axis=0), 1)
    asked = found["provenance"]
    assert (asked["structure"], asked["reference"]) == ("asian_nato", REFERENCE)
    war = [t for t in found["thresholds"] if t["risk"] == "war"]
    for threshold in war[:5]:
        assert threshold["parameter"] in text
    assert found["drivers"]["evpi"][flashpoint]["war"] >= 0
    members = found["trade_offs"]["member"][rule][flashpoint]
    assert any(members.values())
    assert all(name in text for name, inside in members.items() if inside)


def test_a_comparison_is_a_dataset(ds: xr.Dataset) -> None:
    """Figures select from it, and what is saved as JSON is what it holds."""
    found = compare(ds, "war,onset", flashpoints="taiwan_strait")
    assert found["difference"].dims == ("decision_rule", "flashpoint", "risk", "structure")
    assert found["rank_probability"].dims[-1] == "rank"
    rates = found["mean"].sel(risk="onset", flashpoint="taiwan_strait", structure=REFERENCE)
    assert 0 < rates.item() < 5
    assert found["risk_title"].values.tolist() == ["P(war)", "disputes per year"]


def test_both_uncertainties_are_there(saved: Path) -> None:
    text = " ".join(compared(saved).split())
    for words in ("±", "median [5–95 %]", "P(safer)", "Of the variance of one draw", "at most"):
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
    found = compare(weighed, "war")
    assert found["risk"].values.tolist() == ["war", "loss"]
    assert json.loads(found.attrs["loss"]) == {"war": 1.0, "nuclear_use": 50.0}
    mean = found["mean"]
    assert (mean.sel(risk="loss") >= mean.sel(risk="war")).all()
    assert compare(weighed, "war", loss={})["risk"].values.tolist() == ["war"]


def test_too_few_draws_are_compared_without_drivers() -> None:
    few = synthetic_dataset(1, flashpoints=1, structures=3, draws=4, trajectories=60)
    found = find(few, structure="quad")
    assert all("at least 16" in reason for reason in found.drivers["reason"].values.ravel())
    assert found.thresholds.sizes["threshold"] == 0
    text = format_comparison(found, few)
    assert "say nothing about what drives a result" in " ".join(text.split())
    assert widest(text) <= 100


def test_parameters_of_another_rule_and_constant_ones_are_left_out(ds: xr.Dataset) -> None:
    made = parameter_design(ds, "taiwan_strait")
    assert "taiwan_strait.onset_rate" in made.names
    for name in ("loss_aversion", "round_days_2", "stake_land"):
        assert name not in made.names, name
    elsewhere = parameter_design(ds.assign_coords(flashpoint=["x"]), "x")
    assert "taiwan_strait.onset_rate" in elsewhere.names, "not known to be another flashpoint's"
    two = synthetic_dataset(0, flashpoints=2, draws=20)
    named = two.assign_coords(
        parameter=["taiwan_strait.x", "taiwan_outlying_islands.x", "provocation_stake"]
    )
    assert parameter_design(named, "taiwan_strait").names == (
        "taiwan_strait.x", "provocation_stake",
    )
    assert find(ds, "war").drivers["constant"].values[0] >= 9, "lengths of rounds and a unit"
    same = ds.isel(draw=np.zeros(20, int)).assign_coords(draw=np.arange(20))
    with pytest.raises(InputError, match="no parameter varies"):
        parameter_design(same, "taiwan_strait")


def test_pareto_set() -> None:
    risks = np.array([[1.0, 2.0, 2.0, 1.0], [2.0, 1.0, 2.0, 2.0]])[..., None]
    assert undominated(risks)[:, 0].tolist() == [True, True, False, True], "ties do not beat"
    results = synthetic_dataset(2, flashpoints=1, structures=4)
    found = trade_offs(results).squeeze(drop=True)
    assert found["counted"].all()
    assert found["member"].any()
    assert ((found["probability"] > 0) & (found["probability"] <= 1)).any()
    alone = trade_offs(results, ["war"])
    assert not alone["member"].any(), "one risk is no trade-off"
    assert np.isnan(alone["probability"]).all()


def test_the_answer_in_words(ds: xr.Dataset) -> None:
    text = format_answer(ds, 80)
    assert widest(text) <= 80
    assert len(text.splitlines()) <= 23
    flat = " ".join(text.split())
    assert flat.startswith("Taiwan Strait, 10 years: Asian NATO, or Hub and spoke?")
    for words in ("Of 100 worlds (draws of ", "(regret)", "also of 100: great-power war ",
                  "by chance"):  # fmt: skip
        assert words in flat, words
    found = find(ds)
    total = found.drivers["total"].sel(flashpoint="taiwan_strait", risk="war")
    leading = str(total["parameter"][int(np.argmax(total.values))].item())
    flips = found.thresholds
    flipping = flips["parameter"].values[flips["risk"].values == "war"].tolist()
    first = leading if leading in flipping else flipping[0] if flipping else ""
    assert (f" where {first} " in flat) == bool(flipping)
    assert format_show(ds, 80).endswith(text)


def test_the_numbers_that_nobody_knows_vary_and_act(ds: xr.Dataset) -> None:
    known = unknown_numbers(ds)
    answer = " ".join(format_answer(ds).split())
    assert f"(draws of the {known} numbers that nobody knows;" in answer
    frame = ds["parameter_value"].to_pandas()
    varying = set(frame.index[frame.nunique(axis=1) > 1])
    acting = ds["parameter_acts"].any(("flashpoint", "structure")).to_pandas()
    assert known == len(varying & set(acting.index[acting])) < len(varying) < ds.sizes["parameter"]
    assert unknown_numbers(ds.drop_vars("parameter_acts")) == len(varying)


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
    found = find(open_results(path))
    for text in (format_comparison(found, hostile), format_answer(hostile)):
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
