"""What is said of a study before it runs: numbers without effect, and numbers without a record."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import escalation
from escalation.cli.app import main
from escalation.errors import InputError, StudyError
from escalation.model.reads import idle_parameters, parameters_read
from escalation.parameters.posterior import shipped_posterior
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import REGISTRY
from escalation.report.source import idle_words, unrecorded_words
from escalation.study import Study, load_study, parse_study

CONFIGS = Path(__file__).parent.parent / "configs"
BALTIC = CONFIGS / "examples" / "baltic.yaml"
HUB, NATO = "structures/hub_and_spoke.yaml", "structures/asian_nato.yaml"
WIDE = {"median": 0.5, "range": [0.4, 0.6]}


def read(content: dict[str, Any], folder: Path = CONFIGS) -> Study:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parse_study(content, folder)


def alone(point: str = "taiwan_strait", **more: Any) -> Study:
    """A study of one shipped place that extends nothing."""
    return read({
        "name": "mine", "great_power": "united_states", "reference": "hub_and_spoke",
        "actors": "actors.yaml", "flashpoints": [f"flashpoints/{point}.yaml"],
        "structures": [HUB, NATO], **more,
    })  # fmt: skip


STUDIES = {
    "baltic": lambda: load_study(BALTIC),
    "strait": alone,
    "spratlys": lambda: alone("spratlys_vietnam"),
    "both rules": lambda: alone(decision_rules=["expected_utility", "prospect_theory"]),
}


@pytest.mark.parametrize("study", STUDIES)
def test_what_has_no_effect_is_what_no_table_is_compiled_from(study: str) -> None:
    words = STUDIES[study]()
    known = set(REGISTRY).union(*(
        parameters_read(words, point, structure, rule) for point in words.flashpoints
        for structure in words.structures for rule in words.decision_rules
    ))  # fmt: skip
    drawn = [n for n, entry in words.parameters.items() if not isinstance(entry.prior, Fixed)]
    found = idle_parameters(words)
    assert list(found) == [name for name in drawn if name not in known]
    assert bool(found) == (study != "baltic")
    assert escalation.bindings(words).attrs["idle_parameters"] == list(found)


IDLE: dict[str, tuple[dict[str, Any], str]] = {
    "a defender's bindingness": (
        {"structures": [HUB, {"name": "asian_nato", "extends": NATO,
                              "pact": {"members": {"taiwan": WIDE}}}]},
        "asian_nato.members.taiwan.bindingness"),
    "a side's alignment": ({"actors": {"china": {"alignment": WIDE}}}, "china.alignment"),
    "a side's veto": ({"actors": {"china": {"domestic_veto": WIDE}}}, "china.domestic_veto"),
    "a theatre that is not played": (
        {"structures": [{"name": "hub_and_spoke", "extends": HUB, "commitments": {
            "japan": {"south_china_sea": WIDE}}}]},
        "hub_and_spoke.commitments.japan.south_china_sea"),
    "coverage of another place": (
        {"structures": [HUB, {"name": "asian_nato", "extends": NATO, "pact": {
            "covers": {"spratlys_vietnam": WIDE}}}]}, "asian_nato.covers.spratlys_vietnam"),
}  # fmt: skip


@pytest.mark.parametrize("case", IDLE)
def test_a_number_without_effect_is_named(case: str) -> None:
    changes, name = IDLE[case]
    study = read({"name": "child", "extends": "asian_nato.yaml", "compare": None,
                  "flashpoints": ["flashpoints/taiwan_strait.yaml"], **changes})  # fmt: skip
    assert name in idle_parameters(study)
    said = idle_words(study, escalation.bindings(study))
    elsewhere = case in ("a theatre that is not played", "coverage of another place")
    assert (name in said) == (not elsewhere), "of other places the loader tells"


def test_what_is_inherited_is_not_named() -> None:
    base = {"name": "child", "extends": "asian_nato.yaml", "compare": None}
    assert idle_parameters(read(base)) == ()
    one = read({**base, "actors": {"china": {"domestic_veto": WIDE}}})
    assert {name.partition(".")[0] for name in idle_parameters(one)} == {"china"}
    both = read({**base, "actors": ["actors.yaml", {"refuge": {
        "alignment": WIDE, "trade_dependence": {}}}]})  # fmt: skip
    assert "refuge.alignment" in idle_parameters(both)


def test_notes_and_records_in_validate_and_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise InputError("stop: here the simulation begins")

    monkeypatch.setattr("escalation.simulation.run.run", stop)
    path, output = str(BALTIC), str(tmp_path / "b.nc")
    for command in (["validate", path], ["run", path, "-o", output]):
        answer = CliRunner().invoke(main, command)
        said = " ".join(answer.stdout.split())
        assert "No record speaks for narva and suwalki_gap: their onset rate" in said
        assert "the posterior of 1,212 disputes and 264 crises says of behaviour" in said
    assert "note: " not in answer.stderr
    path = str(tmp_path / "sides.yaml")
    Path(path).write_text(
        f"name: sides\nextends: {BALTIC.name}\n"
        "actors: {estonia: {alignment: {median: .8, range: [.6, .9]}}}\n"
    )
    for file in (BALTIC, BALTIC.with_suffix("")):
        (tmp_path / file.name).symlink_to(file)
    said = CliRunner().invoke(main, ["validate", path])
    assert said.stderr == "note: 1 parameter has no effect here: estonia.alignment\n"
    answer = CliRunner().invoke(main, ["run", path, "-o", output, "--prior"])
    assert "No record speaks for narva and suwalki_gap" in answer.stdout
    assert "carried over" not in answer.stdout


# Records.

JUDGED = {"value": 0.3, "source": "ours", "mark": "judgement"}
RECORDED = {"value": 0.3, "source": "MID", "mark": "computed"}
OWN = {"name": "islet", "extends": "flashpoints/taiwan_strait.yaml"}


@pytest.mark.parametrize(("onset", "told"), [
    (0.3, True), (JUDGED, True), (RECORDED, False), ({**RECORDED, "mark": "read"}, False),
    (WIDE, True), ({**WIDE, "mark": "computed", "source": "MID"}, False),
    ("sea_onset", True), ("alignment_drift", False), ({"parameter": "alignment_drift"}, False),
])  # fmt: skip
def test_a_place_of_judgement_alone_is_told(onset: Any, told: bool) -> None:
    posterior = shipped_posterior()
    if onset == "sea_onset":
        onset = next(
            name for name, entry in REGISTRY.items()
            if entry.mark == "judgement" and name not in posterior.names and 0 < entry.default < 1
        )  # fmt: skip
    elif onset in ("alignment_drift", {"parameter": "alignment_drift"}):
        name = next(name for name in posterior.names if 0 < REGISTRY[name].default < 1)
        onset = name if isinstance(onset, str) else {"parameter": name, "scale": 0.5}
    study = alone(flashpoints=[{**OWN, "onset_rate": onset}])
    said = unrecorded_words(study, posterior)
    assert said.startswith("No record speaks for islet: its onset rate") == told
    assert bool(said) == told


def test_a_recorded_stake_is_a_record() -> None:
    judged = {**OWN, "onset_rate": 0.3}
    japan = {"japan": {"stake": RECORDED}}
    for changes in ({"defender_power": RECORDED}, {"third_parties": japan}):
        assert unrecorded_words(alone(flashpoints=[{**judged, **changes}]), None) == ""
    assert unrecorded_words(alone(flashpoints=[judged]), None)


def test_the_shipped_study_rests_on_records(study: Study) -> None:
    assert unrecorded_words(study, shipped_posterior()) == ""


# Two priors of one name.

DELAYED = {"name": "club", "extends": HUB, "decision_delay_days": {"median": 7, "range": [3, 16]}}
PACT = {"members": {"japan": 0.8}, "covers": {"taiwan": 1},
        "decision_delay_days": {"median": 5, "range": [2, 9]}}  # fmt: skip


def test_a_pact_that_takes_its_structures_name_is_told_what_to_write() -> None:
    with pytest.raises(StudyError) as caught:
        alone(structures=[HUB, {**DELAYED, "pact": PACT}])
    (problem,) = caught.value.problems
    assert "two priors would be named 'club.decision_delay_days'" in problem.message
    assert problem.message.endswith("give the pact a name of its own, `pact: {name: ...}`")
    study = alone(structures=[HUB, {**DELAYED, "pact": {"name": "treaty", **PACT}}])
    assert "treaty.decision_delay_days" in study.parameters


def test_other_namesakes_are_told_to_rename() -> None:
    pact = {"name": "quad", **PACT}
    with pytest.raises(StudyError, match="rename 'quad' in one of the two"):
        alone(structures=[HUB, {**DELAYED, "pacts": [pact]},
                          {**DELAYED, "name": "other", "pacts": [
                              {**pact, "decision_delay_days": {"median": 6, "range": [2, 9]}}]}])
