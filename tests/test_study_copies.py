"""A study changed in Python: its hash follows what it says, and its text says only what it read."""

from __future__ import annotations

import dataclasses
import json

import pytest

import escalation
from escalation.errors import InputError, ResultsError, StudyError
from escalation.parameters.priors import Fixed
from escalation.simulation.question import study_of_text
from escalation.study import Study, parse_study
from escalation.study.quantity import Number


def _one_flashpoint(study: Study) -> dict:
    return {"flashpoints": dict(list(study.flashpoints.items())[:1])}


def _another_stake(study: Study) -> dict:
    name, point = next(iter(study.flashpoints.items()))
    changed = point.model_copy(update={"defender_stake": Number(value=0.125)})
    return {"flashpoints": study.flashpoints | {name: changed}}


def _another_default(study: Study) -> dict:
    entry = study.parameters["grave_share"]
    changed = dataclasses.replace(entry, prior=Fixed(), default=0.5)
    return {"parameters": study.parameters | {"grave_share": changed}}


CHANGES = {
    "horizon": lambda study: {"horizon_years": 9},
    "title": lambda study: {"title": "Another"},
    "rules": lambda study: {"decision_rules": study.decision_rules[:1]},
    "one flashpoint": _one_flashpoint,
    "order": lambda study: {"structures": dict(reversed(study.structures.items()))},
    "stake": _another_stake,
    "parameter": _another_default,
    "sweep": lambda study: {"compare": study.compare.model_copy(update={"focus": ()})},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_has_a_hash_of_its_own_and_no_text(study, change):
    changed = study.model_copy(update=CHANGES[change](study))
    assert changed.sha256 != study.sha256
    assert study.as_read
    assert not changed.as_read
    with pytest.raises(InputError, match="it was changed after it was read"):
        study_of_text(changed)


def test_a_copy_without_a_change_is_the_same_study(study):
    for copy in (study.model_copy(), study.model_copy(deep=True),
                 Study.model_validate_json(study.model_dump_json())):  # fmt: skip
        assert copy.sha256 == study.sha256
        assert copy.as_read


def test_a_hash_follows_a_table_changed_in_place(study):
    copy = study.model_copy(deep=True)
    copy.parameters.pop("grave_share")
    assert copy.sha256 != study.sha256


def test_another_plan_has_another_hash_and_the_same_text(study):
    larger = study.with_plan(draws=3)
    assert larger.sha256 != study.sha256
    assert larger.as_read


def test_results_of_a_changed_study_keep_no_text_of_another(study):
    structures = {study.reference: study.structures[study.reference]}
    compare = study.compare.model_copy(update={"focus": (), "sweep": ()})
    changed = study.model_copy(update=_one_flashpoint(study) | {
        "structures": structures, "compare": compare, "decision_rules": study.decision_rules[:1],
    })  # fmt: skip
    assert not changed.as_read
    ds = escalation.run(changed, draws=1, trajectories=2, threads=1)
    assert ds.attrs["study_sha256"] == changed.sha256
    assert json.loads(ds.attrs["study_text"]) == {}
    flashpoint, structure = (next(iter(t)) for t in (changed.flashpoints, changed.structures))
    with pytest.raises(ResultsError, match="the study was changed after it was read"):
        escalation.replay(
            ds, flashpoint=flashpoint, structure=structure, draw=0, trajectory=0
        )


def test_a_study_file_cannot_state_the_hash(study):
    with pytest.raises(StudyError, match="unknown key 'read_sha256'"):
        parse_study({"name": "a", "read_sha256": "0" * 64})


def test_a_study_shows_itself_in_a_line_and_a_table(study):
    assert repr(study) == (
        "<Study asian_nato: Asian NATO against the alternatives; 11 actors, 5 flashpoints, "
        f"8 structures, {len(study.parameters)} parameters>"
    )
    long = study.model_copy(update={"name": "n" * 63, "title": "<b>\x1b" * 50})
    assert len(repr(long)) < 400
    assert repr(long).isprintable()
    assert "<b>\x1b" not in long._repr_html_()
    for point in study.flashpoints.values():
        assert point.title.split("'")[0] in study._repr_html_()
