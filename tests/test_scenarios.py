"""What a study would be if some of its values were others: patched by path, on the same draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

import escalation
from escalation.analysis.changes import changes
from escalation.cli.app import main
from escalation.errors import InputError, StudyError, StudyWarning
from escalation.parameters.priors import Beta, Elicited, Fixed
from escalation.study import Study, load_study, parse_study, study_from_text

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
STUDY = CONFIGS / "asian_nato.yaml"


def scenario(**values: Any) -> Study:
    """The shipped study with values at paths, whose dots are written as two underscores."""
    asked = {path.replace("__", "."): value for path, value in values.items()}
    return load_study(STUDY, asked).scenarios["what_if"]


def moved(study: Study, other: Study) -> set[str]:
    """Names of the parameters that differ."""
    names = study.parameters.keys() | other.parameters.keys()
    return {n for n in names if study.parameters.get(n) != other.parameters.get(n)}


def test_a_parameter_is_set_by_its_name_and_nothing_else(study: Study) -> None:
    other = scenario(japan__domestic_veto=0.6, patron_realisation="beta(2, 6)",
                     provocation_stake={"median": 0.1, "range": [0.0, 0.3]})  # fmt: skip
    assert moved(study, other) == {"japan.domestic_veto", "patron_realisation", "provocation_stake"}
    assert other.parameters["japan.domestic_veto"].prior == Fixed()
    assert other.parameters["japan.domestic_veto"].default == 0.6
    assert other.parameters["patron_realisation"].prior == Beta(a=2, b=6)
    assert isinstance(other.parameters["provocation_stake"].prior, Elicited)
    assert other.structures == study.structures
    assert other.flashpoints == study.flashpoints
    assert not study.model_copy(update={"scenarios": {}}).scenarios


def test_anything_is_patched_by_its_path(study: Study) -> None:
    other = scenario(
        taiwan_strait__base_host=None, great_power="japan", actors__japan__staunch_logit=0.5,
        asian_nato__pact__members__vietnam={"bindingness": {"median": 0.3, "range": [0.1, 0.5]}},
        structures__us_retrenchment__actors__japan__stake_scale=0.5,
    )  # fmt: skip
    assert other.flashpoints["taiwan_strait"].base_host is None
    assert other.great_power == "japan"
    assert other.actors["japan"].staunch_logit.at({}) == 0.5
    assert "vietnam" in other.structures["asian_nato"].pacts[0].members
    assert "vietnam" not in study.structures["asian_nato"].pacts[0].members
    assert other.structures["us_retrenchment"].actors["japan"].stake_scale.at({}) == 0.5
    assert moved(study, other) == {"asian_nato.members.vietnam.bindingness"}


def test_a_pact_is_entered_by_its_name(study: Study) -> None:
    name = next(s for s in study.structures.values() if len(s.pacts) > 1)
    pact, member = name.pacts[1].name, next(iter(name.pacts[1].members))
    path = f"{name.name}.pacts.{pact}.members.{member}.bindingness"
    other = load_study(STUDY, {path: 0.123}).scenarios["what_if"]
    assert other.structures[name.name].pacts[1].members[member].bindingness.at({}) == 0.123
    assert other.structures[name.name].pacts[0] == name.pacts[0]


WRONG = {
    "path that leads nowhere": ({"japon.domestic_veto": 1}, "did you mean 'japan.domestic_veto'"),
    "key that an actor has not": ({"japan.domestik_veto": 1}, "did you mean 'domestic_veto'"),
    "pact that a structure has not": ({"asian_nato.pacts.quod.members.india": 1}, "no pact is"),
    "value out of range": ({"japan.domestic_veto": 7}, "out of range"),
    "a whole group": ({"actors": {}}, "no parameter and no entry"),
    "the plan": ({"plan.draws": 7}, "use --draws and --trajectories"),
    "another horizon": ({"horizon_years": 5}, "do not match draw by draw"),
    "another reference": ({"reference": "trilateral"}, "do not match draw by draw"),
    "other rules": ({"decision_rules": ["prospect_theory"]}, "do not match draw by draw"),
    "the premises": ({"premises": []}, "leaves premises alone"),
    "text for a number": ({"patron_realisation": "much"}, "found 'much'"),
    "prior with a number too many": ({"patron_realisation": "beta(1, 2, 3)"}, "beta(1, 2, 3)"),
    "unknown actor": ({"great_power": "mars"}, "unknown actor 'mars'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_change_is_one_line(case: str) -> None:
    asked, words = WRONG[case]
    with pytest.raises(StudyError) as caught:
        load_study(STUDY, asked)
    (problem,) = caught.value.problems
    assert problem.file == "--set"
    assert words in str(problem)


def test_a_change_without_effect_is_told() -> None:
    with pytest.warns(StudyWarning, match=r"--set:.*stake_sea: has no effect"):
        load_study(STUDY, {"stake_sea": 0.5})


def block(*scenarios: dict[str, Any]) -> Study:
    return parse_study({"name": "child", "extends": "asian_nato.yaml",
                        "scenarios": list(scenarios)}, CONFIGS)  # fmt: skip


def test_a_question_is_inherited_while_its_structures_are_there(study: Study) -> None:
    assert block({"name": "veto", "set": {"japan.domestic_veto": 0.9}}).compare == study.compare
    fewer = parse_study({
        "name": "child", "extends": "asian_nato.yaml", "compare": {"focus": ["trilateral"]},
        "structures": ["structures/hub_and_spoke.yaml", "structures/trilateral.yaml"],
    }, CONFIGS)  # fmt: skip
    assert fewer.compare.answer is None


def test_a_study_names_its_scenarios(study: Study) -> None:
    found = block(
        {"name": "veto", "title": "Tokyo says no", "set": {"japan.domestic_veto": 0.9}},
        {"name": "doubt", "set": {"patron_realisation": 0.2}},
    )  # fmt: skip
    assert list(found.scenarios) == ["veto", "doubt"]
    assert found.scenarios["veto"].title.endswith(": Tokyo says no")
    assert moved(found, found.scenarios["doubt"]) == {"patron_realisation"}
    assert moved(found, study) == set(), "the study itself stays as it is"
    assert study_from_text(found.text).scenarios == found.scenarios
    for one in found.scenarios.values():
        assert study_from_text(one.text) == one
        assert one.as_read


@pytest.mark.parametrize(("wrong", "words"), [
    ({"name": "empty"}, "sets nothing"),
    ({"name": "old", "parameters": {"patron_realisation": 0.2}}, "unknown key 'parameters'"),
    ({"name": "list", "set": [1]}, "sets nothing"),
])
def test_a_scenario_that_says_nothing_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError, match=words):
        block(wrong)


SIZE: dict[str, Any] = {"draws": 16, "trajectories": 200, "seed": 4}


@pytest.fixture(scope="module")
def pair() -> tuple[Any, Any]:
    """A study of the Taiwan Strait, and what it is if Washington hardly keeps its word."""
    study = parse_study({
        "name": "child", "extends": "asian_nato.yaml", "premises": [],
        "decision_rules": ["expected_utility"],
        "flashpoints": ["flashpoints/taiwan_strait.yaml"],
        "scenarios": [{"name": "doubt", "set": {"patron_realisation": 0.05,
                                                "asian_nato.encirclement": 0.0}}],
    }, CONFIGS)  # fmt: skip
    return escalation.run(study, **SIZE), escalation.run(study.scenarios["doubt"], **SIZE)


def test_both_runs_have_the_same_draws(pair) -> None:
    before, after = pair
    names = [n for n in after["parameter"].values if n in before["parameter"].values]
    same = [n for n in names if before["parameter_value"].sel(parameter=n).equals(
        after["parameter_value"].sel(parameter=n))]
    assert set(names) - set(same) == {"patron_realisation", "asian_nato.encirclement"}


def test_differences_are_those_of_counts(pair) -> None:
    before, after = pair
    found = changes(before, after, "war").sel(flashpoint="taiwan_strait", risk="war")
    for structure in ("hub_and_spoke", "asian_nato"):
        levels = [
            ds["p_war"].sel(flashpoint="taiwan_strait", structure=structure).mean().item()
            for ds in pair
        ]
        here = found.sel(structure=structure)
        np.testing.assert_allclose(
            [here["mean_before"], here["mean_after"], here["difference"]],
            [*levels, levels[1] - levels[0]], rtol=1e-12,
        )
    assert not found.attrs["unchanged"]
    assert found["difference"].sel(structure="asian_nato") > 0, "a promise that is not kept"


def test_a_run_against_itself_changes_nothing(pair) -> None:
    found = changes(pair[0], pair[0])
    assert found.attrs["unchanged"]
    assert set(found["verdict"].values.ravel().tolist()) <= {"identical", "no hits", "too rare"}


@pytest.mark.parametrize("size", [{"seed": 5}, {"draws": 8}, {"trajectories": 100}])
def test_runs_whose_draws_do_not_match_are_refused(pair, size) -> None:
    study = study_from_text(yaml.safe_load(pair[0].attrs["study_text"]))
    with pytest.raises(InputError, match="do not match"):
        changes(pair[0], escalation.run(study, **{**SIZE, **size}))


def test_set_runs_both_and_says_what_changed(tmp_path: Path) -> None:
    out = tmp_path / "r.nc"
    small = Path(__file__).with_name("small_study.yaml")
    result = CliRunner().invoke(main, [
        "run", str(small), "--draws", "16", "--trajectories", "200", "--no-figures", "-o", str(out),
        "--set", "patron_realisation=beta(2, 6)", "--set", "japan.domestic_veto=0.6",
    ])  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "patron_realisation = beta(2, 6), japan.domestic_veto = 0.6" in " ".join(
        result.output.split())
    other = tmp_path / "r--what_if.nc"
    assert other.is_file()
    told = CliRunner().invoke(main, ["compare", str(out), str(other)])
    assert told.exit_code == 0, told.output
    assert told.output.splitlines()[:12] == result.output[
        result.output.index("Scenario: "):].splitlines()[:12]
    wrong = CliRunner().invoke(main, ["run", str(small), "--set", "japan.domestic_veto"])
    assert wrong.exit_code == 2
    assert "--set: 'japan.domestic_veto' is not PATH=VALUE" in wrong.stderr


def test_draws_that_cannot_match_are_refused_before_anything_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Sobol sequence gives every column other points where a parameter is pinned."""
    def run(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be simulated")

    monkeypatch.setattr("escalation.simulation.run.run", run)
    result = CliRunner().invoke(main, [
        "run", str(STUDY), "--design", "sobol", "--draws", "16", "-o", str(tmp_path / "r.nc"),
        "--set", "provocation_stake=0.1",
    ])  # fmt: skip
    assert result.exit_code == 2
    assert "their draws do not match" in result.stderr


def test_a_plan_is_that_of_the_scenarios_too() -> None:
    study = load_study(STUDY, {"provocation_stake": 0.1}).with_plan(draws=7, design="sobol")
    assert study.scenarios["what_if"].plan == study.plan


def test_results_of_a_scenario_are_weighted_to_a_premise(tmp_path: Path) -> None:
    small = Path(__file__).with_name("small_study.yaml")
    bound = "us_retrenchment.commitments.united_states.taiwan"
    study = load_study(small, {f"structures.{bound}": 0.1})
    ds = escalation.run(study.scenarios["what_if"], draws=64, trajectories=40, source="prior")
    stated = {
        "mine": "provocation_stake: {prior: normal, mean: 0.02, sd: 0.2}",
        "gone": f"{bound}: {{median: 0.1, range: [0.05, 0.2]}}",
    }
    for name, parameter in stated.items():
        (tmp_path / name).write_text(f"name: {name}\nsource: me\nparameters:\n  {parameter}\n")
    weighted = escalation.reweight(ds, tmp_path / "mine", "war")
    assert 30 < weighted.attrs["effective"] < 64
    with pytest.raises(InputError, match=r"united_states\.taiwan is none of this scenario"):
        escalation.reweight(ds, tmp_path / "gone", "war")
