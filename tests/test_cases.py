"""The historical cases: files, facts, and the arithmetic of where an outcome fell."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from cells import CONFIGS
from click.testing import CliRunner
from synthetic import synthetic_dataset

from escalation.cli.app import main
from escalation.cli.cases_command import cases as cases_command
from escalation.contracts import codes
from escalation.errors import InputError
from escalation.history.case_outcomes import Outcome, read_outcomes
from escalation.history.case_scores import (
    duration_bin,
    forecast,
    in_central,
    percentile,
    predicted,
    scored,
)
from escalation.history.cases import LEVEL_REFERENCES, _known, load_cases, only, run_cases, summary
from escalation.report.case_report import _sample, format_cases
from escalation.report.text import WIDTH
from escalation.results.derive import with_probabilities
from escalation.study import Study, load_study
from escalation.study.quantity import InlinePrior

FOLDER = CONFIGS / "cases"
CINC = CONFIGS.parent.parent / "shared/data/history/cinc_14plus2_1946_2022.csv"
ISO = {
    "china": "CHN", "taiwan": "TWN", "united_states": "USA", "japan": "JPN", "vietnam": "VNM",
    "south_korea": "KOR", "philippines": "PHL", "australia": "AUS", "soviet_union": "RUS",
    "south_vietnam": "VNM",  # the North stands in for the South
}  # fmt: skip

if "cases" not in main.commands:
    main.add_command(cases_command)


@cache
def shipped() -> tuple[dict[str, Study], dict[str, Outcome]]:
    return load_cases(FOLDER)


def _powers(study: Study) -> dict[str, InlinePrior]:
    """Powers that were set by the rule in base.yaml, by actor."""
    (place,) = study.flashpoints.values()
    found = {place.defender: place.defender_power}
    found |= {name: party.power for name, party in place.third_parties.items()}
    return {
        name: power for name, power in found.items()
        if isinstance(power, InlinePrior) and "CINC ratio" in power.source
    }  # fmt: skip


# ------------------------------------------------------------------------------- the files


def test_every_study_has_an_outcome_and_every_outcome_a_study():
    studies, outcomes = shipped()
    files = {path.stem for path in FOLDER.glob("*.yaml")} - {"base", "outcomes"}
    assert set(studies) == set(outcomes) == files
    assert len(files) == 12
    assert all(study.name == name and study.description for name, study in studies.items())


def test_every_case_is_one_place_under_one_structure_for_one_year():
    for study in shipped()[0].values():
        assert (len(study.flashpoints), len(study.structures), study.horizon_years) == (1, 1, 1)


def test_facts_have_sources_and_the_great_power_is_scored_where_it_is_a_third_party():
    studies, outcomes = shipped()
    for name, outcome in outcomes.items():
        facts = [fact for _, fact in outcome if fact is not None]
        assert all(fact.source.strip() and fact.value not in fact.also for fact in facts)
        (place,) = studies[name].flashpoints.values()
        third = studies[name].great_power in place.third_parties
        assert (outcome.great_power_supported is not None) == third == (name != "ep3_2001")
        assert (outcome.great_power_fought is not None) == third


def test_states_and_treaties_are_those_of_the_time():
    studies, _ = shipped()

    def bound(name: str, actor: str) -> float:
        (structure,) = studies[name].structures.values()
        (place,) = studies[name].flashpoints.values()
        return structure.commitment(actor, place.theatre).at(studies[name].defaults())

    assert bound("taiwan_strait_1958", "united_states") > bound(
        "taiwan_strait_1995", "united_states"
    )
    assert bound("paracels_1974", "united_states") < bound("mischief_reef_1995", "united_states")
    assert bound("oil_rig_2014", "united_states") == 0
    before_the_bomb = ("taiwan_strait_1954", "taiwan_strait_1958", "taiwan_strait_1962")
    for name, study in studies.items():
        assert study.actors["china"].nuclear == (name not in before_the_bomb)


def test_powers_follow_the_stated_rule():
    checked = 0
    for study in shipped()[0].values():
        for actor, power in _powers(study).items():
            (ratio,) = re.findall(r"CINC ratio ([\d.]+)", power.source)
            value = float(ratio)
            for sign, factor in re.findall(r" ([x/]) ([\d.]+)", power.source):
                value = value * float(factor) if sign == "x" else value / float(factor)
            assert power.default_value == pytest.approx(value, rel=0.03), (study.name, actor)
            checked += 1
    assert checked >= 18


@pytest.mark.skipif(not CINC.exists(), reason="needs the shared data")
def test_capability_ratios_are_those_of_the_data():
    with CINC.open() as file:
        share = {(r["iso3"], r["year"]): float(r["cinc"] or "nan") for r in csv.DictReader(file)}
    for study in shipped()[0].values():
        for actor, power in _powers(study).items():
            ratio, year = re.findall(r"CINC ratio ([\d.]+).*? in (\d{4})", power.source)[0]
            expected = share[ISO[actor], year] / share["CHN", year]
            assert float(ratio) == pytest.approx(expected, rel=0.006), (study.name, actor)


# -------------------------------------------------------------------------- the arithmetic


def test_percentile_is_one_half_on_average_if_the_prediction_is_right():
    p = np.random.default_rng(1).dirichlet(np.ones(7))
    assert sum(p[k] * percentile(p, k) for k in range(7)) == pytest.approx(0.5, abs=1e-12)
    assert percentile(np.array([0.0, 0.0, 1.0]), 2) == 0.5
    assert percentile(np.array([0.9, 0.1]), 1) == pytest.approx(0.95)


def test_central_interval_leaves_out_the_tails_only():
    assert [in_central(np.full(40, 1 / 40), k) for k in (0, 1, 37, 38)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert in_central(np.array([0.0, 1.0, 0.0]), 1)
    assert not in_central(np.array([0.0, 1.0, 0.0]), 2)


def test_duration_bins_hold_their_lower_edge():
    edges = codes.DURATION_EDGES_DAYS
    assert [duration_bin(days) for days in edges] == list(range(len(edges)))
    assert duration_bin(63) == edges.index(32)


def _synthetic(draws: int = 4):
    return with_probabilities(
        synthetic_dataset(2, flashpoints=1, structures=1, draws=draws, sweep=False)
    )


def test_forecast_reads_the_shares_of_one_class():
    ds = _synthetic()
    found = forecast(ds, "grave")
    cell = ds["crisis_count"].isel(decision_rule=0, flashpoint=0, structure=0)
    crises = cell.sel(dispute_class="grave")
    assert found.n == int(crises.sum())
    np.testing.assert_allclose(found.war, ds["p_war_given_grave"].values[0, 0, 0])
    for shares in (found.rung, found.level, found.end, found.duration):
        np.testing.assert_allclose(shares.sum(axis=1), 1)
    routine = forecast(ds, "routine")
    assert routine.n != found.n
    assert not np.allclose(routine.war, found.war)


def test_a_draw_without_a_crisis_is_left_out_of_the_mean():
    ds = _synthetic(draws=2)
    whole = predicted(forecast(ds.isel(draw=[0]), "grave"))
    for name in ("crisis_count", "duration_count", "reciprocated_count"):
        ds[name].values[:, :, :, 1] = 0
    found = predicted(forecast(ds, "grave"))
    assert found["war"]["mean"] == pytest.approx(whole["war"]["mean"])
    assert found["mid_level"]["mean"] == pytest.approx(whole["mid_level"]["mean"])


def test_scores_see_the_outcome_and_its_other_codings():
    found = predicted(forecast(_synthetic(), "grave"))
    outcome = shipped()[1]["mischief_reef_1995"]  # rung 3, arguably 4: both level 4
    score = scored(found, outcome)
    mean = found["peak_rung"]["mean"]
    assert score["peak_rung"]["p"] == pytest.approx(mean[3])
    assert score["peak_rung"]["also"] == pytest.approx([math.log(mean[4])])
    assert score["mid_level"]["also"] == [score["mid_level"]["log_score"]]
    assert score["peak_rung"]["percentile"] == pytest.approx(sum(mean[:3]) + mean[3] / 2)
    other = scored(found, shipped()[1]["taiwan_strait_1995"])
    assert other["peak_rung"]["p"] == pytest.approx(mean[2])
    assert other["end_state"]["p"] != score["end_state"]["p"]


def test_summary_sets_the_mean_against_the_references():
    found = predicted(forecast(_synthetic(), "grave"))
    cases = {}
    for name in ("taiwan_strait_1958", "taiwan_strait_1995"):
        outcome = shipped()[1][name]
        actual = {**outcome.model_dump(mode="json"), "mid_level": outcome.mid_level}
        cases[name] = {
            "actual": actual,
            "grave": {"predicted": found, "score": scored(found, outcome)},
        }
    result = summary(cases, "grave")
    level = found["mid_level"]["mean"]
    mean = (math.log(level[2]) + math.log(level[1])) / 2  # levels 4 and 3 happened
    assert result["log_score"]["mid_level"]["model"] == pytest.approx(mean)
    mid = LEVEL_REFERENCES["mid"]
    reference = (math.log(mid[2]) + math.log(mid[1])) / 2
    entry = result["log_score"]["mid_level"]["mid"]
    assert entry["difference"] == pytest.approx(mean - reference)
    assert result["counts"]["war"] == pytest.approx(
        {"n": 2, "expected": 2 * found["war"]["mean"], "observed": 0}
    )
    assert result["counts"]["great_power_supported"]["observed"] == 2
    for shares in LEVEL_REFERENCES.values():
        assert sum(shares) == pytest.approx(1, abs=2e-4)


# --------------------------------------------------------------------------------- playing


def test_one_case_from_files_to_page_and_json(tmp_path):
    folder = _copy(tmp_path)
    output = tmp_path / "cases.json"
    arguments = ["cases", str(folder), "--json", str(output), "--prior"]
    answer = CliRunner().invoke(main, [*arguments, "--draws", "2", "--trajectories", "200"])
    assert answer.exit_code == 0, answer.output
    result = json.loads(output.read_text())
    case = result["cases"]["taiwan_strait_1958"]
    for name in codes.DISPUTE_CLASSES:
        assert sum(case[name]["predicted"]["end_state"]["mean"]) == pytest.approx(1)
    assert result["used_for_fitting"] == []
    assert "Taiwan Strait 1958" in answer.output
    assert "No case was used for fitting" in answer.output
    assert all(len(line) <= WIDTH for line in format_cases(result).splitlines())


def test_cases_that_the_posterior_knows_are_named(monkeypatch):
    outcomes = shipped()[1]
    names = set(_known(outcomes))
    assert {"taiwan_strait_1958", "paracels_1974", "oil_rig_2014"} < names
    assert not names & {"taiwan_strait_1954", "ep3_2001", "second_thomas_2023"}
    titles = {name: {"title": name} for name in outcomes}
    page = {"cases": titles, "used_for_fitting": sorted(names)}
    assert "8 of the 12 cases" in _sample(page)
    assert "taiwan_strait_1958" in _sample(page)
    assert "out of sample" not in _sample(page)
    monkeypatch.setattr("escalation.history.cases.shipped_posterior", lambda: None)
    assert _known(outcomes) == []


def test_pinning_the_class_leaves_no_other():
    from escalation.simulation.run import run

    study = shipped()[0]["ep3_2001"]
    for name, other in (codes.DISPUTE_CLASSES, codes.DISPUTE_CLASSES[::-1]):
        ds = run(only(study, name), trajectories=100, draws=2, sweep=False)
        by_class = ds["crisis_count"].sum(("end_state", "peak_rung", "us_fought", "draw"))
        assert int(by_class.sel(dispute_class=name).sum()) > 100
        assert int(by_class.sel(dispute_class=other).sum()) == 0


def test_a_study_of_several_places_is_no_case():
    study = load_study(CONFIGS / "asian_nato.yaml")
    with pytest.raises(InputError, match="5 flashpoints and 8 structures"):
        run_cases({"all": study}, {"all": shipped()[1]["ep3_2001"]})


# ------------------------------------------------------------------------------- bad input


def _copy(tmp_path: Path, old: str = "", new: str = "") -> Path:
    """Copy one case to a folder of its own, its outcome edited."""
    folder = tmp_path / "cases"
    folder.mkdir()
    for name in ("base.yaml", "taiwan_strait_1958.yaml"):
        shutil.copy(FOLDER / name, folder)
    text = (FOLDER / "outcomes.yaml").read_text()
    block = re.search(r"^taiwan_strait_1958:\n(?:  .*\n)+", text, re.MULTILINE)
    assert block is not None
    assert old in block[0]
    (folder / "outcomes.yaml").write_text(block[0].replace(old, new, 1) if old else block[0])
    return folder


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("value: settlement", "value: setlement", "did you mean 'settlement'?"),
        ("{value: 4,", "{value: 10,", "10 is out of range: must be at most 9"),
        ("{value: 98,", "{value: soon,", "expected a whole number, found 'soon'"),
        ("  reciprocated:", "  reciprocate:", "unknown key 'reciprocate'"),
        ("{value: true, mark: read,", "{value: true,", "missing key 'mark'"),
        ("taiwan_strait_1958:", "taiwan_strait_1959:", "no study 'taiwan_strait_1959.yaml'"),
    ],
)
def test_a_wrong_outcome_gives_its_place_and_the_choices(tmp_path, old, new, expected):
    folder = _copy(tmp_path, old, new)
    answer = CliRunner().invoke(main, ["cases", str(folder)])
    assert answer.exit_code == 2
    lines = answer.output.strip().splitlines()
    assert any(re.search(r"outcomes\.yaml:\d+:\d+: ", ln) and expected in ln for ln in lines), lines
    # A mistyped key is also missing under its own name.
    assert len(lines) == (2 if "reciprocate:" in new else 1)


def test_missing_folder_empty_file_and_bad_target_are_one_line_each(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "outcomes.yaml").write_text("# nothing\n")
    for arguments, expected in (
        ([str(tmp_path / "none")], "cannot read"),
        ([str(empty)], "names no case"),
        ([str(FOLDER), "--json", str(tmp_path / "no" / "a.json")], "does not exist"),
        ([str(_copy(tmp_path)), "--draws", "0"], "draws: 0 is not a whole number"),
    ):
        answer = CliRunner().invoke(main, ["cases", *arguments])
        assert answer.exit_code == 2
        assert expected in answer.output
        assert len(answer.output.strip().splitlines()) == 1
    assert not list(tmp_path.glob("**/*.json"))


def test_a_file_without_mistakes_is_read(tmp_path):
    assert list(read_outcomes(_copy(tmp_path))) == ["taiwan_strait_1958"]
