"""What bounds cut off is told or refused; a study changed in Python is looked at again."""

from __future__ import annotations

from typing import Any

import cells
import pytest

import escalation as esc
from escalation.errors import InputError, StudyWarning
from escalation.model.bounds import cut_off
from escalation.model.draws import draw_parameters
from escalation.study import Study
from escalation.study.loader import parse_study
from escalation.study.quantity import Number

SAID = {"source": "mine", "mark": "judgement"}


def strait(**point: Any) -> dict[str, Any]:
    return {
        "name": "s", "extends": "asian_nato.yaml", "decision_rules": ["expected_utility"],
        "flashpoints": [{"name": "taiwan_strait", "extends": "flashpoints/taiwan_strait.yaml",
                         **point}],
        "structures": ["structures/hub_and_spoke.yaml", "structures/asian_nato.yaml"],
        "compare": {"focus": ["asian_nato"], "sweep": []},
    }


def lines(words: dict[str, Any]) -> list[str]:
    study = parse_study(words, cells.CONFIGS)
    return cut_off(study, draw_parameters(study.parameters, 64, 1))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a scale that leaves the bounds": (
        strait(onset_rate={"parameter": "coverage_nonmember", "scale": -5}),
        "coverage_nonmember times -5 lies outside 0 to 100, the bounds of its place, in 100 %"),
    "a scale beyond all bounds": (
        strait(challenger_stake={"parameter": "coverage_nonmember", "scale": 1e308}), "in 100 %"),
    "a prior beside its parameter's bounds": (
        strait() | {"parameters": {"grave_share": {
            "prior": "normal", "mean": 5, "sd": 0.1, "default": 0.5, **SAID}}},
        "parameter grave_share: its prior N\\(5, 0.1\\) puts 100 % of draws outside 0 to 1"),
    "a prior beside the bounds of its place": (
        strait(onset_rate={"prior": "lognormal", "median": 50, "sigma": 500.0, "default": 50,
                           **SAID}) | {"parameters": {"war_decision_days": {
                               "prior": "normal", "mean": -500, "sd": 1, "default": 10, **SAID}}},
        "war_decision_days"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_most_draws_lose_is_refused(case: str) -> None:
    words, said = REFUSED[case]
    with pytest.raises(InputError, match=said):
        lines(words)
    study = parse_study(words, cells.CONFIGS)
    with pytest.raises(InputError, match=said):
        esc.run(study, draws=4, trajectories=2, sweep=False, source="prior")


def test_what_some_draws_lose_is_told() -> None:
    words = strait(onset_rate={"prior": "normal", "mean": 0.1, "sd": 0.1, "default": 0.1, **SAID})
    (line,) = lines(words)
    assert line == (
        "parameter taiwan_strait.onset_rate: its prior N(0.1, 0.1) puts 16 % of draws outside 0 to "
        "100, where they are cut off"
    )
    with pytest.warns(StudyWarning, match="16 % of draws"):
        esc.run(parse_study(words, cells.CONFIGS), draws=4, trajectories=2, sweep=False)


def test_the_shipped_study_loses_nothing(study: Study) -> None:
    assert cut_off(study, draw_parameters(study.parameters, 512, 1)) == []


CHANGED: dict[str, dict[str, Any]] = {
    "great_power": {"great_power": "zz"},
    "horizon_years": {"horizon_years": float("nan")},
    "horizon": {"horizon_years": 0},
    "reference": {"reference": "zz"},
    "flashpoints": {"flashpoints": {}},
    "structures": {"structures": {}},
    "decision_rules": {"decision_rules": ()},
    "plan": {"plan": None},
    "parameters": {"parameters": {}},
    "actors": {"actors": {}},
    "correlations": {"correlations": None},
}


@pytest.mark.parametrize("case", CHANGED)
def test_a_study_changed_into_nonsense_is_one_line(study: Study, case: str) -> None:
    with pytest.raises(InputError) as refused:
        esc.run(study.model_copy(update=CHANGED[case]), draws=1, trajectories=1, sweep=False)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("change", [
    {"challenger_stake": Number(value=1e9)}, {"challenger_stake": Number(value=-1.0)},
    {"defender": "zz"}, {"challenger": "taiwan"}, {"base_host": "zz"}, {"onset_rate": "often"},
])  # fmt: skip
def test_a_flashpoint_changed_into_nonsense_is_one_line(
    study: Study, change: dict[str, Any]
) -> None:
    place = study.flashpoints["taiwan_strait"].model_copy(update=change)
    changed = study.model_copy(update={"flashpoints": {"taiwan_strait": place}})
    with pytest.raises(InputError, match="taiwan_strait") as refused:
        esc.run(changed, draws=1, trajectories=1, sweep=False)
    assert len(str(refused.value).splitlines()) == 1
