"""Slips that a study could make in silence: each is refused or told, with its whole kind.

An empty value, an ``extends`` that is no name, a name that is no text, a value that is there
already, a path that leads nowhere: each looks as if it did something.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from click.testing import CliRunner

from escalation.cli.app import main
from escalation.errors import StudyError
from escalation.report.changes_table import format_changes
from escalation.study import Study, parse_study
from escalation.study.idle import played

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
SMALL: dict[str, Any] = {
    "name": "small", "extends": "asian_nato.yaml", "premises": [],
    "flashpoints": ["flashpoints/taiwan_strait.yaml"],
    "structures": ["structures/hub_and_spoke.yaml", "structures/asian_nato.yaml"],
    "compare": {"focus": ["asian_nato"]},
}


def told(**said: Any) -> tuple[Study, list[str]]:
    """A small study that says something more, and the notes on it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = parse_study({**SMALL, **said}, CONFIGS)
    lines = [str(one.message) for one in caught]
    return found, [line for line in lines if "treaties also speak" not in line]


def refusal(**said: Any) -> str:
    with pytest.raises(StudyError) as caught:
        told(**said)
    return str(caught.value)


def with_structure(**said: Any) -> dict[str, Any]:
    return {"structures": [*SMALL["structures"], {"name": "mine", "extends": "asian_nato", **said}]}


def at_the_strait(**said: Any) -> dict[str, Any]:
    return {"flashpoints": [
        {"name": "taiwan_strait", "extends": "flashpoints/taiwan_strait.yaml", **said},
    ]}  # fmt: skip


def scenario(**changes: Any) -> dict[str, Any]:
    asked = {path.replace("__", "."): value for path, value in changes.items()}
    return {"scenarios": [{"name": "other", "set": asked}]}


SLIP = "nuclear_shering"
TABLES_OF_KEYS: dict[str, dict[str, Any]] = {
    "study": {SLIP: None},
    "plan": {"plan": {SLIP: None}},
    "compare": {"compare": {"focus": ["asian_nato"], SLIP: None}},
    "structure": with_structure(**{SLIP: None}),
    "pact": with_structure(pact={SLIP: None}),
    "listed pact": with_structure(pact=None, pacts=[{"extends": "pacts/quad.yaml", SLIP: None}]),
    "member": with_structure(pact={"members": {"japan": {SLIP: None}}}),
    "actor of a structure": with_structure(actors={"japan": {SLIP: None}}),
    "quantity": with_structure(encirclement={"median": 0.5, "range": [0.4, 0.6], SLIP: None}),
    "flashpoint": at_the_strait(**{SLIP: None}),
    "third party": at_the_strait(third_parties={"japan": {SLIP: None}}),
    "actor": {"actors": {"japan": {SLIP: None}}},
    "premise": {"premises": [{"name": "one", "source": "me", SLIP: None}]},
    "scenario": {"scenarios": [{"name": "one", "set": {"great_power": "japan"}, SLIP: None}]},
}


@pytest.mark.parametrize("where", TABLES_OF_KEYS)
def test_an_unknown_key_without_a_value_is_refused(where: str) -> None:
    message = refusal(**TABLES_OF_KEYS[where])
    assert f"unknown key '{SLIP}'" in message
    assert message.count("\n") == 0


TABLES_OF_NAMES: dict[str, dict[str, Any]] = {
    "members": with_structure(pact={"members": {"india": None}}),
    "covers": with_structure(pact={"covers": {"taiwan": None}}),
    "commitments": with_structure(commitments={"india": None}),
    "theatres of one": with_structure(commitments={"thailand": {"arctic": None}}),
    "actors of a structure": with_structure(actors={"india": None}),
    "third parties": at_the_strait(third_parties={"taiwan": None}),
    "partners": {"actors": {"japan": {"trade_dependence": {"india": None}}}},
}


@pytest.mark.parametrize("where", TABLES_OF_NAMES)
def test_a_name_without_a_value_takes_away_what_is_inherited_or_is_refused(where: str) -> None:
    assert "nothing of that name is" in refusal(**TABLES_OF_NAMES[where])


def test_what_is_inherited_is_taken_away() -> None:
    found, _ = told(
        **with_structure(pact={"members": {"japan": None}, "covers": {"taiwan_strait": None}},
                         commitments={"thailand": {"taiwan": None}}, encirclement=None),
        **at_the_strait(third_parties={"vietnam": None}),
        actors={"japan": {"domestic_veto": None, "trade_dependence": {"china": None}}},
    )  # fmt: skip
    mine = found.structures["mine"]
    assert "japan" not in mine.pacts[0].members
    assert "taiwan_strait" not in mine.pacts[0].covers
    assert "taiwan" not in mine.commitments["thailand"]
    assert "vietnam" not in found.flashpoints["taiwan_strait"].third_parties
    assert found.actors["japan"].domestic_veto.at({}) == 0.0
    assert set(found.actors["japan"].trade_dependence) == {"united_states"}


def test_members_listed_as_keys_without_values_are_no_members_in_silence() -> None:
    pact = {"bindingness": 0.5, "members": {"japan": None, "australia": None},
            "decision_delay_days": 7}  # fmt: skip
    structure = {"name": "mine", "extends": "hub_and_spoke", "pact": pact}
    message = refusal(structures=[*SMALL["structures"], structure])
    assert "members.japan" in message
    assert "members.australia" in message


NO_NAMES = [0.4, False, True, {"asian_nato": 1}, ["asian_nato"]]


@pytest.mark.parametrize("link", NO_NAMES, ids=str)
@pytest.mark.parametrize("where", ["study", "structure", "flashpoint", "pact", "actors"])
def test_what_extends_no_name_is_refused(where: str, link: Any) -> None:
    said: dict[str, dict[str, Any]] = {
        "study": {"extends": link},
        "structure": with_structure(extends=link),
        "flashpoint": at_the_strait(extends=link),
        "pact": with_structure(pact=None, pacts=[{"name": "one", "extends": link}]),
        "actors": {"actors": {"extends": link}},
    }
    assert "extends: expected a name or a file, found" in refusal(**said[where])


@pytest.mark.parametrize("name", [{"a": 1}, ["japan"], None, 3, True, "jap"], ids=str)
def test_an_actor_is_called_as_its_key_says(name: Any) -> None:
    message = refusal(actors={"japan": {"name": name}})
    assert "actors.japan.name" in message
    assert "differs from the key above it, 'japan'" in message
    assert told(actors={"japan": {"name": "japan"}})[0].actors["japan"].name == "japan"


@pytest.mark.parametrize("key", ["unit", "meaning", "value", "meen"])
@pytest.mark.parametrize("prior", [{"median": 0, "range": [-0.1, 0.1]}, {"default": 0.1},
                                   {"prior": "normal", "mean": 0, "sd": 0.1}], ids=str)  # fmt: skip
def test_no_unknown_key_is_said_to_be_meant_by_itself(key: str, prior: dict[str, Any]) -> None:
    message = refusal(parameters={"provocation_stake": {**prior, key: "V"}})
    assert f"unknown key '{key}'" in message
    assert f"did you mean '{key}'" not in message
    assert "unit" not in message.partition("unknown key")[2].partition("(")[2]


IN_VAIN = {
    "a value that holds": scenario(great_power="united_states"),
    "a prior that holds": scenario(japan__domestic_veto={"median": 0.25, "range": [0.13, 0.43]}),
    "a label": scenario(japan__title="Nippon"),
    "what no equation reads": scenario(japan__nuclear=True),
    "a source": scenario(taiwan_strait__defender_power={
        "median": 0.2, "range": [0.13, 0.3], "source": "somebody else", "mark": "read"}),
    "what another path replaces": scenario(japan__domestic_veto=0.6,
                                           actors__japan__domestic_veto=0.9),
    "one of two": scenario(great_power="united_states", taiwan_strait__base_host=None),
}  # fmt: skip


@pytest.mark.parametrize("case", IN_VAIN)
def test_what_a_scenario_sets_in_vain_is_told(case: str) -> None:
    _, notes = told(**IN_VAIN[case])
    (line,) = notes
    assert next(iter(IN_VAIN[case]["scenarios"][0]["set"])) in line
    assert "has no effect: without it, all that is played is the same" in line


def test_what_a_scenario_sets_is_not_told_if_it_changes_anything() -> None:
    found, notes = told(**scenario(japan__domestic_veto=0.6, great_power="japan",
                                   asian_nato__pact__covers__taiwan_strait=0.5))
    assert notes == []
    assert played(found.scenarios["other"]) != played(found)


WRONG_SCENARIOS = {
    "theatre": ({"hub_and_spoke.commitments.japan.taiwn": 0.4}, "did you mean 'taiwan'"),
    "theatre of nobody": ({"taiwan_strait.theatre": "arctic"}, "no treaty names theatre"),
    "actor": ({"hub_and_spoke.commitments.japn.taiwan": 0.4}, "did you mean 'japan'"),
    "empty at no entry": ({"asian_nato.pact.members.japn": None}, "nothing is called 'japn'"),
    "empty parameter": ({"japan.domestic_veto": None}, "found nothing"),
    "half a prior": ({"patron_realisation": "beta(2"}, "put beta(...) in quotes"),
    "unknown prior": ({"patron_realisation": "bta(2, 6)"}, "did you mean 'beta'"),
    "prior with one number": ({"patron_realisation": "beta(2)"}, "beta(a, b)"),
    "text": ({"patron_realisation": "much"}, "expected a number"),
    "plan": ({"plan.draws": 3}, "--draws"),
    "compare": ({"compare.focus": []}, "no part of what is simulated"),
}


@pytest.mark.parametrize("case", WRONG_SCENARIOS)
def test_a_wrong_path_or_value_of_a_scenario_says_what_to_write(case: str) -> None:
    asked, words = WRONG_SCENARIOS[case]
    assert words in refusal(scenarios=[{"name": "other", "set": asked}])


@pytest.mark.parametrize(("label", "value"), [
    ("name", "A b/.."), ("name", "what_if"), ("title", ["a"]), ("title", "a\nb"),
    ("title", "x" * 201), ("title", 4), ("title", "\x1b[2J"), ("description", {"a": 1}),
])  # fmt: skip
def test_labels_of_a_scenario_are_looked_at(label: str, value: Any) -> None:
    one = {"name": "other", "set": {"great_power": "japan"}, label: value}
    assert f"scenarios.0.{label}" in refusal(scenarios=[one])


@pytest.mark.parametrize("said", [
    {"title": "a\nb"}, with_structure(title="a\nb"), at_the_strait(title="a\nb"),
    {"actors": {"japan": {"title": "a\nb"}}},
], ids=str)  # fmt: skip
def test_a_title_is_one_line(said: dict[str, Any]) -> None:
    assert "title: is more than one line" in refusal(**said)
    assert told(title="Rockets \N{ROCKET} over 日本")[0].title.startswith("Rockets")


def test_a_premise_is_not_called_as_the_priors_of_the_study() -> None:
    one = {"name": "mine", "source": "me", "parameters": {"provocation_stake": 0.1}}
    assert "'mine' is what `premise` calls" in refusal(premise="mine", premises=[one])


def test_a_structure_played_under_two_names_is_told() -> None:
    _, notes = told(**with_structure())
    assert any("'mine' says nothing that 'asian_nato' does not" in line for line in notes)
    assert told(**with_structure(encirclement=0.1))[1] == []


def test_an_own_question_is_not_mixed_with_the_inherited_one() -> None:
    answer = {"structure": "asian_nato", "against": "hub_and_spoke"}
    found, notes = told(compare={"focus": ["asian_nato"], "answer": answer})
    assert notes == []
    assert found.compare.answer.also is None
    assert found.compare.answer.over is None


def test_a_list_that_replaces_the_inherited_one_is_named_as_the_cause() -> None:
    mine = {"name": "asian_nato_with_indonesia", "extends": "asian_nato"}
    message = refusal(structures=[mine])
    assert "own list of structures replaces the inherited one, and leaves out 'hub_and_" in message


def test_an_inherited_premise_may_speak_of_a_structure_that_is_left_out() -> None:
    mine = {"name": "asian_nato_with_indonesia", "extends": "asian_nato", "encirclement": 0.2}
    said = {**SMALL, "structures": [*SMALL["structures"], mine]}
    del said["premises"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(parse_study(said, CONFIGS).premises) == 3


NEW_PLACE: dict[str, Any] = {
    "name": "senkaku", "theatre": "east_china_sea", "challenger": "china", "defender": "japan",
    "challenger_stake": 0.3, "defender_stake": 0.8, "defender_power": 0.35, "onset_rate": 0.4,
    "third_parties": {"united_states": {"power": 0.8, "stake": 0.6}},
}


def test_a_structure_that_binds_anew_in_some_theatres_only_is_told() -> None:
    hub = {"name": "hub_and_spoke", "extends": "structures/hub_and_spoke.yaml",
           "commitments": {"united_states": {"east_china_sea": 0.7}}}  # fmt: skip
    structures = [hub, "structures/us_retrenchment.yaml", "structures/hub_and_quad.yaml"]
    _, notes = told(
        flashpoints=["flashpoints/taiwan_strait.yaml", NEW_PLACE], structures=structures,
        compare={"focus": ["us_retrenchment"]},
    )  # fmt: skip
    assert any("us_retrenchment.yaml" in line and "says nothing of east_china_sea" in line
               for line in notes)  # fmt: skip
    silent = next(line for line in notes if "not named by pact quad" in line)
    assert "did you mean" not in silent


WIDE = "{prior: normal, mean: 0.9, sd: 40}"


def test_a_prior_beyond_its_bounds_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    small, out = str(Path(__file__).with_name("small_study.yaml")), tmp_path / "r.nc"
    result = CliRunner().invoke(main, [
        "run", small, "-o", str(out), "--set", f"patron_realisation={WIDE}",
    ])  # fmt: skip
    assert result.exit_code == 2
    assert "patron_realisation: its prior N(0.9, 40) puts 99 % of draws outside" in result.stderr
    assert not out.exists()


@pytest.mark.parametrize("where", ["study", "premise", "scenario"])
def test_validate_looks_at_the_bounds_of_priors(tmp_path: Path, where: str) -> None:
    change = f"{{patron_realisation: {WIDE}}}"
    said = {
        "study": f"parameters: {change}",
        "premise": f"premises: [{{name: wide, source: me, parameters: {change}}}]",
        "scenario": f"scenarios: [{{name: wide, set: {change}}}]",
    }
    small = os.path.relpath(Path(__file__).with_name("small_study.yaml"), tmp_path)
    study = tmp_path / "wide.yaml"
    study.write_text(f"name: wide\nextends: {small}\n{said[where]}\n", "utf-8")
    result = CliRunner().invoke(main, ["validate", str(study)])
    assert result.exit_code == 2, result.output
    assert "puts 99 % of draws outside 0 to 1" in result.stderr


def test_one_path_is_set_once() -> None:
    small = str(Path(__file__).with_name("small_study.yaml"))
    result = CliRunner().invoke(main, [
        "run", small, "--set", "great_power=japan", "--set", "great_power=china",
    ])  # fmt: skip
    assert result.exit_code == 2
    assert "--set: great_power is set twice" in result.stderr


@pytest.mark.parametrize(("before", "after", "words"), [
    ("Base", "Base: veto", "Scenario: veto"),
    ("Base: veto", "Base", "Before: the scenario veto; after: without it"),
    ("Base", "Base", "Both results are of the same study: Base"),
    ("Base", "Another", "Before: Base; after: Another"),
])  # fmt: skip
def test_which_of_two_results_is_the_scenario_is_said(
    before: str, after: str, words: str
) -> None:
    found = xr.Dataset(attrs={"before": before, "after": after, "unchanged": True})
    assert format_changes(found).splitlines() == [words, "It changes no count at all."]
