"""What a study says in vain is told, and a theatre that no treaty names is refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from escalation.cli.app import main
from escalation.contracts.codes import DECISION_RULES
from escalation.errors import StudyError, StudyWarning
from escalation.model.compile import compile_block, onset_anchor
from escalation.model.draws import default_draws
from escalation.study import load_study, parse_study, study_from_text
from escalation.study.idle import unread

CONFIGS = Path(__file__).parent.parent / "configs"
SHIPPED = sorted(
    path for path in CONFIGS.rglob("*.yaml")
    if "reference:" in path.read_text() or path.parent.name in ("cases", "verify")
    if path.stem not in ("base", "outcomes")
)  # fmt: skip
HUB = "structures/hub_and_spoke.yaml"
NATO = "structures/asian_nato.yaml"
NORMAL = {"prior": "normal", "mean": 0.3, "sd": 0.2, "source": "ours", "mark": "judgement"}
ACTORS = ["actors.yaml", {"refuge": {"alignment": 0, "trade_dependence": {}}}]


def place(**changes: Any) -> dict[str, Any]:
    """A flashpoint at Senkaku."""
    return {
        "name": "senkaku", "extends": "flashpoints/second_thomas_shoal.yaml", "defender": "japan",
        "base_host": None, "third_parties": {"japan": None}, **changes,
    }  # fmt: skip


def bound(by: float, actor: str = "united_states", extends: str = HUB, **more: Any) -> dict:
    """A structure that names the theatre of Senkaku."""
    return {
        "name": Path(extends).stem, "extends": extends,
        "commitments": {actor: {"east_china_sea": by}}, **more,
    }  # fmt: skip


def child(**changes: Any) -> dict[str, Any]:
    return {"name": "child", "extends": "asian_nato.yaml", **changes}


def notes(**changes: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        parse_study(child(**changes), CONFIGS)
    assert {one.category for one in caught} <= {StudyWarning}
    assert {Path(one.filename).name for one in caught} <= {Path(__file__).name}
    return [str(one.message) for one in caught]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_studies_say_nothing_in_vain(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_study(path)


def test_there_are_shipped_studies() -> None:
    assert len(SHIPPED) >= 16


# Theatres.


def refusal(**changes: Any) -> str:
    with pytest.raises(StudyError) as caught:
        parse_study(child(**changes), CONFIGS)
    return str(caught.value)


def test_a_theatre_that_no_treaty_names_is_refused() -> None:
    said = refusal(flashpoints=[place(theatre="east_china_sea")])
    for word in ("flashpoints.0.theatre", "'east_china_sea'", "'senkaku'", "no treaty",
                 "south_china_sea and taiwan", "commitments: {united_states"):  # fmt: skip
        assert word in said


def test_a_theatre_that_a_treaty_names_is_not() -> None:
    both = [bound(0.7), bound(0.7, extends=NATO)]
    assert notes(
        flashpoints=[place(theatre="east_china_sea")], structures=both, compare=None
    ) == []  # fmt: skip


def test_nobody_bound_can_be_said_in_three_ways() -> None:
    here = {"theatre": "east_china_sea"}
    zero = [bound(0), bound(0, extends=NATO)]
    assert notes(flashpoints=[place(**here)], structures=zero, compare=None) == []
    assert notes(flashpoints=[place(**here, commitment_scale=0)]) == []
    nobody = dict.fromkeys(
        ("united_states", "japan", "south_korea", "taiwan", "australia", "india", "vietnam",
         "thailand", "cambodia")
    )  # fmt: skip
    assert notes(flashpoints=[place(**here, third_parties=nobody)]) == []


def test_a_treaty_that_leaves_the_theatre_out_is_told() -> None:
    quad = "structures/hub_and_quad.yaml"
    (note,) = notes(
        flashpoints=[place(theatre="east_china_sea")], compare=None,
        structures=[HUB, bound(0.7, extends=NATO), quad],
    )  # fmt: skip
    assert "flashpoints.0.theatre" in note
    for treaty in ("commitments of hub_and_spoke", "commitments of hub_and_quad", "pact quad"):
        assert treaty in note
    assert "asian_nato" not in note


def test_pacts_that_bind_everywhere_leave_no_theatre_out() -> None:
    everywhere = {
        "name": "everywhere", "decision_delay_days": 7,
        "pact": {"members": ["united_states"], "bindingness": 0.8, "covers": {"senkaku": 1}},
    }  # fmt: skip
    everywhere["pact"]["decision_delay_days"] = 5
    assert notes(
        flashpoints=[place(theatre="east_china_sea")], structures=[everywhere], compare=None,
        reference="everywhere",
    ) == []  # fmt: skip


# Entries without effect. Each case: changes to the study, key, and part of the note.

PACT = {
    "name": "pact", "extends": HUB,
    "pact": {"members": ["united_states", "refuge"], "bindingness": 0.8, "decision_delay_days": 5},
}  # fmt: skip
ONE = {"compare": None, "decision_rules": ["expected_utility"], "structures": [HUB, NATO]}
IDLE: dict[str, tuple[dict[str, Any], str, str]] = {
    "member that is no third party": (
        {"actors": ACTORS, "structures": [HUB, PACT],
         "compare": None},
        "structures.1.pact.members.1", "'refuge' is a third party at no flashpoint"),
    "commitment of no third party": (
        {"actors": ACTORS, "compare": None,
         "structures": [{"name": "hub_and_spoke", "extends": HUB,
                         "commitments": {"refuge": {"taiwan": 1}}}]},
        "structures.0.commitments.refuge", "under hub_and_spoke"),
    "override of an actor that can join nowhere": (
        {"compare": None, "structures": [
            {"name": "hub_and_spoke", "extends": HUB, "actors": {"china": {"stake_scale": 2}}}]},
        "structures.0.actors.china", "'china' is a third party at no flashpoint"),
    "coverage of a theatre whose flashpoints have their own": (
        {"compare": None, "structures": [HUB, {"name": "asian_nato", "extends": NATO,
                                               "pact": {"covers": {"taiwan": 0.1}}}]},
        "structures.1.pact.covers.taiwan", "taiwan_strait and taiwan_outlying_islands"),
    "base host that is no third party": (
        {"flashpoints": [place(theatre="south_china_sea", base_host="philippines")]},
        "flashpoints.0.base_host", "'philippines' is no third party there"),
    "great power as its own base host": (
        {"flashpoints": [place(theatre="south_china_sea", base_host="united_states")]},
        "flashpoints.0.base_host", "is the great power"),
    "great power that can fight nowhere": (
        {"great_power": "china"}, "great_power", "no war is counted as a great-power war"),
    "actor without a part": (
        {"actors": ACTORS}, "actors.1.refuge", "plays no part"),
    "parameter of a rule that is not played": (
        {"decision_rules": ["expected_utility"], "parameters": {"loss_aversion": 3}},
        "parameters.loss_aversion", "only prospect_theory reads it"),
    "parameter of fits": (
        {"parameters": {"dispute_stake": 1}}, "parameters.dispute_stake", "fits to history"),
    "nuclear sharing that nobody does": (
        {**ONE, "parameters": {"sharing_shadow": 2}}, "parameters.sharing_shadow",
        "shares nuclear weapons"),
    "base access without a host": (
        {"flashpoints": [place(theatre="south_china_sea")], "parameters": {"access_share": 0.5}},
        "parameters.access_share", "base host"),
    "parameter that no structure names": (
        {"compare": None, "structures": [HUB], "parameters": {"patron_realisation": 0.5}},
        "parameters.patron_realisation", "no structure or flashpoint names it"),
    "change that changes nothing": (
        {"parameters": {"provocation_stake": {"default": 0}}}, "parameters.provocation_stake",
        "is what holds without it"),
    "scenario that sets what nothing reads": (
        {"scenarios": [{"name": "sea", "set": {"stake_sea": 0.5}}]},
        "scenarios.0.set.stake_sea", "has no effect"),
    "correlation with a parameter that nothing reads": (
        {"correlations": [{"between": ["stake_sea", "provocation_stake"], "rank_correlation": 0.5,
                           "source": "ours", "mark": "judgement"}]},
        "correlations.0", "'stake_sea' is not read"),
    "focus on the reference": (
        {"compare": {"focus": ["hub_and_spoke", "asian_nato"]}}, "compare.focus.0",
        "is the reference"),
    "sweep without a structure to compare": (
        {"compare": {"focus": [], "sweep": ["forced_choice"]}}, "compare.sweep",
        "names no structure"),
    "sweep over a parameter of the other rule": (
        {"compare": {"sweep": ["loss_aversion"]}}, "compare.sweep.0", "prospect_theory"),
    "pact that leaves out an outsider": (
        {"compare": None, "structures": [HUB, {
            "name": "asian_nato", "extends": HUB,
            "pact": {"members": {"japan": 0.7, "australia": 0.7}, "covers": {"taiwan": 0.5},
                     "decision_delay_days": 8}}]},
        "structures.1.pact", "asian_nato does not reach second_thomas_shoal and scarborough_shoal"),
    "pact that says 0 of every flashpoint": (
        {"compare": None, "structures": [HUB, {"name": "asian_nato", "extends": NATO, "pact": {
            "covers": {"taiwan_strait": 0, "taiwan_outlying_islands": 0, "south_china_sea": 0}}}]},
        "structures.1.pact", "asian_nato reaches no flashpoint of this study: it binds no third"),
    "pact of nobody who may join": (
        {"compare": None, "flashpoints": ["flashpoints/taiwan_strait.yaml"], "structures": [HUB, {
            "name": "asian_nato", "extends": HUB, "pact": {
                "members": {"taiwan": 0.9}, "decision_delay_days": 8}}]},
        "structures.1.pact", "asian_nato reaches no flashpoint of this study"),
    "pact that nobody would honour": (
        {"compare": None, "structures": [HUB, {"name": "asian_nato", "extends": HUB, "pact": {
            "members": {"japan": {"bindingness": 0.9, "realised": 0}}, "covers": {
                "taiwan": 1, "south_china_sea": 1}, "decision_delay_days": 8}}]},
        "structures.1.pact", "asian_nato reaches no flashpoint of this study"),
    "member bound by 0": (
        {"compare": None, "structures": [HUB, {"name": "asian_nato", "extends": NATO, "pact": {
            "members": {"united_states": 0}}}]},
        "structures.1.pact.members.united_states", "write `united_states: null` to take it out"),
    "member bound by 0 in every theatre": (
        {"compare": None, "structures": [HUB, {"name": "asian_nato", "extends": NATO, "pact": {
            "members": {"united_states": {
                "bindingness": {"taiwan": 0, "south_china_sea": 0}}}}}]},
        "structures.1.pact.members.united_states", "bound by 0"),
    "member that is the challenger": (
        {"compare": None, "structures": [HUB, {"name": "asian_nato", "extends": NATO, "pact": {
            "members": {"china": 0.5}}}]},
        "structures.1.pact.members.china", "at no flashpoint; it is one of the sides"),
    "sweep over a parameter that the focus does not name": (
        {"compare": {"focus": ["us_retrenchment"], "sweep": ["coverage_nonmember"]}},
        "compare.sweep.0", "no structure or flashpoint names it"),
}  # fmt: skip


@pytest.mark.parametrize("case", IDLE)
def test_what_has_no_effect_is_told_once(case: str) -> None:
    changes, key, words = IDLE[case]
    (note,) = [one for one in notes(**changes) if words in one]
    assert f": {key}: " in note


USED: dict[str, dict[str, Any]] = {
    "parameter of a rule that is played": {"parameters": {"loss_aversion": 3}},
    "nuclear sharing": {"parameters": {"sharing_shadow": 2}},
    "base access": {"parameters": {"access_share": 0.5}},
    "change of a default": {"parameters": {"provocation_stake": {"default": 0.1}}},
    "parameter of fits that a flashpoint names": {
        "flashpoints": [place(theatre="south_china_sea", defender_stake="dispute_stake")],
        "parameters": {"dispute_stake": 1}},
    "defender as a member": {
        "compare": None, "structures": [HUB, {"name": "asian_nato", "extends": NATO, "pact": {
            "members": {"taiwan": 0.5}}}]},
    "defender as a member bound by 0": {
        "compare": None, "flashpoints": ["flashpoints/taiwan_strait.yaml"],
        "structures": [HUB, {"name": "asian_nato", "extends": NATO, "pact": {
            "members": {"taiwan": 0}}}]},
    "member bound in one theatre alone": {
        "compare": None, "structures": [HUB, {"name": "asian_nato", "extends": NATO, "pact": {
            "members": {"japan": {"bindingness": {"taiwan": 0.9, "south_china_sea": 0}}}}}]},
    "pact that says of an outsider what it owes": {
        "compare": None, "structures": [HUB, {
            "name": "asian_nato", "extends": HUB,
            "pact": {"members": {"japan": 0.7, "australia": 0.7}, "decision_delay_days": 8,
                     "covers": {"taiwan": 0.5, "south_china_sea": 0}}}]},
    "scenario beside a default": {
        "scenarios": [{"name": "provoking", "set": {"provocation_stake": "normal(0.15, 0.2)"}}],
        "parameters": {"provocation_stake": {"default": 0.2}}},
}  # fmt: skip


@pytest.mark.parametrize("case", USED)
def test_what_has_an_effect_is_not(case: str) -> None:
    assert notes(**USED[case]) == []


@pytest.mark.parametrize("key", ["focus", "sweep"])
def test_the_same_name_twice_is_refused(key: str) -> None:
    name = {"focus": "asian_nato", "sweep": "forced_choice"}[key]
    assert f"{name!r} is named twice" in refusal(compare={key: [name, name]})


def test_a_title_with_control_characters_is_refused() -> None:
    for text in ("\x1b[2J", "a\u202eb", "\x85"):
        assert "holds the control character" in refusal(title=text)
    parse_study(child(title="台湾海峡\u3000A\u00a0B"), CONFIGS)


def test_a_command_says_notes_on_stderr_once(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(
        "name: child\nextends: configs/asian_nato.yaml\nparameters: {dispute_stake: 1}\n"
    )
    (tmp_path / "configs").symlink_to(CONFIGS)
    answer = CliRunner().invoke(main, ["validate", str(path)])
    assert answer.exit_code == 0
    assert answer.stderr.splitlines() == [
        f"note: {path}:3:14: parameters.dispute_stake: has no effect: only fits to history read it"
    ]
    assert "no mistakes" in answer.stdout


def test_a_study_read_back_from_results_says_nothing() -> None:
    with pytest.warns(StudyWarning):
        study = parse_study(child(parameters={"dispute_stake": 1}), CONFIGS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study_from_text(study.text)


# What is said to be idle is held against the tables that a study is compiled to.

SHARING = "structures/asian_nato_nuclear_sharing.yaml"


def moves_a_table(changes: dict[str, Any], names: set[str]) -> bool:
    """Whether other values of these parameters change any table of a study."""
    study = parse_study(child(**changes), CONFIGS)
    draws = default_draws(study.parameters).repeated(2)
    for name in names:
        first = draws[name][0]
        draws = draws.replaced(name, np.array([first, 0.8 * first + 0.07]))
    for rule in study.decision_rules:
        for point in study.flashpoints.values():
            anchor = onset_anchor(study, point, draws, rule)
            for structure in study.structures.values():
                tables = compile_block(study, point, structure, draws, anchor, rule=rule)
                if any((t[0] != t[1]).any() for t in tables if t.shape[:1] == (2,)):
                    return True
    return False


@pytest.mark.parametrize(("structures", "rules", "flashpoint", "read"), [
    ([HUB, NATO, SHARING], DECISION_RULES, "spratlys_vietnam",
     ["sharing_shadow", "sharing_inadvertent", "reclamation_incidents", "delay_scale"]),
    ([HUB, NATO], DECISION_RULES[:1], "taiwan_strait",
     ["coverage_nonmember", "patron_realisation", "binding_shift"]),
    ([HUB], DECISION_RULES[1:], "taiwan_strait", ["loss_aversion", "access_share"]),
])  # fmt: skip
def test_idle_parameters_move_no_table(
    structures: list[str], rules: tuple[str, ...], flashpoint: str, read: list[str]
) -> None:
    changes = {
        "structures": structures, "decision_rules": list(rules), "compare": None,
        "flashpoints": [f"flashpoints/{flashpoint}.yaml"],
    }  # fmt: skip
    idle = set(unread(parse_study(child(**changes), CONFIGS)))
    assert len(idle) > 15
    assert not idle.intersection(read)
    assert not moves_a_table(changes, idle)
    assert all(moves_a_table(changes, {name}) for name in read)
