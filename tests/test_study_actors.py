"""Actors are patched value by value, and what stands behind a mistake is told first, alone."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from test_study_bad_input import FILES, problems

from escalation.errors import Problem, StudyError
from escalation.study import Study, load_study, parse_study, study_from_text
from escalation.study.quantity import InlinePrior

CONFIGS = Path(__file__).parent.parent / "configs"
HUB = "structures/hub_and_spoke.yaml"
PRIOR = {"median": 0.6, "range": [0.4, 0.8]}


def words(actors: Any, **more: Any) -> dict[str, Any]:
    """A study that extends nothing."""
    return {
        "name": "mine", "great_power": "united_states", "reference": "hub_and_spoke",
        "actors": actors, "flashpoints": ["flashpoints/taiwan_strait.yaml"],
        "structures": ["structures/hub_and_spoke.yaml", "structures/asian_nato.yaml"], **more,
    }  # fmt: skip


def read(actors: Any, **more: Any) -> Study:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parse_study(words(actors, **more), CONFIGS)


def refused(content: dict[str, Any]) -> list[Problem]:
    with pytest.raises(StudyError) as caught:
        parse_study(content, CONFIGS)
    return caught.value.problems


NOTATIONS: dict[str, Any] = {
    "list": lambda patch: ["actors.yaml", patch],
    "extends": lambda patch: {"extends": "actors.yaml", **patch},
    "list of one that extends": lambda patch: [{"extends": "actors.yaml", **patch}],
    "two patches": lambda patch: ["actors.yaml", {"japan": {"domestic_veto": 0.9}}, patch],
}
PATCHES: dict[str, dict[str, Any]] = {
    "a value": {"japan": {"domestic_veto": 0.6}},
    "a prior": {"japan": {"domestic_veto": PRIOR}},
    "one partner": {"japan": {"domestic_veto": 0.6, "trade_dependence": {"china": 0.5}}},
    "a new actor": {"japan": {"domestic_veto": 0.6},
                    "mars": {"alignment": 0, "trade_dependence": {"china": 0.1}}},
    "nothing more of one": {"japan": {"domestic_veto": 0.6, "staunch_logit": None},
                            "united_states": {"staunch_logit": None}},
}  # fmt: skip


@pytest.mark.parametrize("patch", PATCHES)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_patch_changes_what_it_says_and_nothing_else(notation: str, patch: str) -> None:
    plain, said = read("actors.yaml"), PATCHES[patch]
    study = read(NOTATIONS[notation](said))
    for name, actor in plain.actors.items():
        change = said.get(name, {})
        for key in type(actor).model_fields:
            if key == "trade_dependence":
                for partner in actor.trade_dependence:
                    if partner not in change.get(key, {}):
                        mine = study.actors[name].trade_dependence[partner]
                        assert mine == actor.trade_dependence[partner]
            elif key not in change:
                assert getattr(study.actors[name], key) == getattr(actor, key), (name, key)
    assert set(study.actors) == {*plain.actors, *said}
    veto = study.actors["japan"].domestic_veto
    assert veto.at(study.defaults()) == 0.6
    if patch == "a prior":
        assert isinstance(veto, InlinePrior)
        assert veto.name == "japan.domestic_veto"
        assert study.parameters["japan.domestic_veto"].default == 0.6
    if patch == "one partner":
        assert study.actors["japan"].trade_dependence["china"].at({}) == 0.5
    if patch == "nothing more of one":
        assert study.actors["united_states"].staunch_logit.at({}) == 0
    assert study_from_text(study.text) == study


def test_an_actor_is_taken_out() -> None:
    point = {"name": "here", "extends": "flashpoints/taiwan_strait.yaml",
             "third_parties": {"cambodia": None}}  # fmt: skip
    study = read(["actors.yaml", {"cambodia": None}], flashpoints=[point], structures=[HUB])
    assert "cambodia" not in study.actors


def test_files_extend_files(tmp_path: Path) -> None:
    (tmp_path / "configs").symlink_to(CONFIGS)
    (tmp_path / "first.yaml").write_text(
        "extends: configs/actors.yaml\njapan: {domestic_veto: 0.4, staunch_logit: 0.1}\n"
    )
    (tmp_path / "second.yaml").write_text("extends: first.yaml\njapan: {domestic_veto: 0.6}\n")
    (tmp_path / "study.yaml").write_text(
        "name: mine\nextends: configs/asian_nato.yaml\nactors: second.yaml\n"
    )
    japan = load_study(tmp_path / "study.yaml").actors["japan"]
    assert (japan.domestic_veto.at({}), japan.staunch_logit.at({})) == (0.6, 0.1)


def test_a_study_patches_the_actors_of_the_one_that_it_extends() -> None:
    patch = {"japan": {"domestic_veto": 0.6}}
    whole = parse_study({"name": "a", "extends": "asian_nato.yaml"}, CONFIGS)
    study = parse_study({"name": "a", "extends": "asian_nato.yaml", "actors": patch}, CONFIGS)
    assert set(study.actors) == set(whole.actors)
    assert study.actors["japan"].domestic_veto.at({}) == 0.6
    changed = {n for n in whole.actors if whole.actors[n] != study.actors[n]}
    assert changed == {"japan"}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_misspelt_actor_is_one_error(notation: str) -> None:
    (problem,) = refused(words(NOTATIONS[notation]({"japn": {"domestic_veto": 0.6}})))
    assert "unknown actor 'japn' (did you mean 'japan'?)" in problem.message
    (problem,) = refused({"name": "a", "extends": "asian_nato.yaml",
                          "actors": {"japn": {"domestic_veto": 0.6}}})  # fmt: skip
    assert "did you mean 'japan'" in problem.message


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_new_actor_with_gaps_is_told_of_the_gaps(notation: str) -> None:
    found = refused(words(NOTATIONS[notation]({"mars": {"domestic_veto": 0.6}})))
    assert {problem.key.rpartition("mars.")[2] for problem in found} == {
        "alignment", "trade_dependence"
    }


# Causes: each leaves much unknown, and is the first and only problem.

EXTENDED = {"name": "a", "extends": "asian_nato.yaml"}
CAUSES: dict[str, dict[str, Any]] = {
    "actors of no file": words("actrs.yaml"),
    "actors a number": words(5),
    "first of the list no file": words(["actrs.yaml", {"japan": {"domestic_veto": 0.6}}]),
    "first of the list a number": words([5, {"japan": {"domestic_veto": 0.6}}]),
    "extends no file": words({"extends": "actrs.yaml", "japan": {"domestic_veto": 0.6}}),
    "extends no path": words({"extends": "actors", "japan": {"domestic_veto": 0.6}}),
    "extends a list": words({"extends": ["actors.yaml"], "japan": {"domestic_veto": 0.6}}),
    "structure of no file": words("actors.yaml", structures=["structures/hub.yaml"]),
    "structures no list": words("actors.yaml", structures=HUB, compare={"focus": ["other"]}),
    "structure extends nothing": words("actors.yaml", structures=[HUB, {
        "name": "x", "extends": "asian_nto", "pact": {"members": {"japan": {"realised": 0.5}}}}],
        parameters={"x.encirclement": 0.5}, compare={"focus": ["x"]}),
    "structure extends a number": words("actors.yaml", structures=[HUB, {
        "name": "x", "extends": 5, "pact": {"members": {"japan": {"realised": 0.5}}}}]),
    "pact of no file": words("actors.yaml", structures=[HUB, {
        "name": "x", "extends": HUB, "pacts": ["pacts/qaud.yaml"]}]),
    "pact extends nothing": words("actors.yaml", structures=[HUB, {
        "name": "x", "extends": HUB, "pacts": [
            {"name": "q", "extends": "pacts/qaud.yaml", "members": {"japan": {}}}]}]),
    "flashpoint of no file": words("actors.yaml", flashpoints=["flashpoints/taiwan.yaml"]),
    "flashpoints no list": words("actors.yaml", flashpoints="flashpoints/taiwan_strait.yaml"),
    "flashpoint extends nothing": words("actors.yaml", flashpoints=[
        {"name": "f", "extends": "flashpoints/taiwan.yaml"}]),
    "flashpoint extends a number": words("actors.yaml", flashpoints=[{"name": "f", "extends": 1}]),
    "study extends nothing": {**EXTENDED, "extends": "asian_nto.yaml", "compare": {"focus": ["x"]}},
    "study extends a number": {**EXTENDED, "extends": 5, "great_power": "mars"},
    "premise of no file": {**EXTENDED, "premises": ["premises/netral.yaml"]},
}  # fmt: skip


@pytest.mark.parametrize("case", CAUSES)
def test_a_cause_is_told_alone(case: str) -> None:
    (problem,) = refused(CAUSES[case])
    assert problem.cause


@pytest.mark.parametrize("case", CAUSES)
def test_a_cause_is_told_before_another_mistake(case: str) -> None:
    first, second = refused({**CAUSES[case], "plan": {"draws": 0}, "aaa": 1})[:2]
    assert first.cause
    assert not second.cause


@pytest.mark.parametrize(("file", "old", "new"), [
    ("study.yaml", "actors: actors.yaml", "actors: zebra.yaml"),
    ("study.yaml", "[strait.yaml]", "[zebra.yaml]"),
    ("study.yaml", "[hub.yaml, pact.yaml]", "[hub.yaml, zebra.yaml]"),
    ("pact.yaml", "extends: hub", "extends: zebra"),
    ("strait.yaml", "third_parties:", "third_parties: {"),
    ("strait.yaml", "name: strait", "name: strait\nextends: zebra.yaml"),
])  # fmt: skip
def test_a_cause_on_a_late_line_is_told_first(
    tmp_path: Path, file: str, old: str, new: str
) -> None:
    spoilt = {**FILES, "aaa.yaml": "name: zz\nsource: ours\nparameters: {hope: 1}\nextra: 1\n"}
    spoilt[file] = spoilt[file].replace(old, new)
    spoilt["study.yaml"] = spoilt["study.yaml"].replace("draws: 4", "draws: 0") + (
        "premises: [aaa.yaml]\n"
    )
    found = problems(tmp_path, spoilt)
    assert found[0].cause
    assert found[0].file.endswith(file)
    assert {problem.key for problem in found[1:]} <= {"plan.draws", "parameters.hope", "extra"}
    assert "plan.draws" in {problem.key for problem in found}
