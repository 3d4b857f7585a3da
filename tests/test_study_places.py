"""Treaties and premises may speak of more than one study plays; a slip is still refused."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from escalation.errors import Problem, StudyError, StudyWarning
from escalation.study import Study, parse_study

CONFIGS = Path(__file__).parent.parent / "configs"
STRUCTURES = [f"structures/{path.name}" for path in sorted((CONFIGS / "structures").iterdir())]
POINTS = sorted(path.stem for path in (CONFIGS / "flashpoints").iterdir())
HUB = "structures/hub_and_spoke.yaml"


def words(point: Any, structures: list[Any], **more: Any) -> dict[str, Any]:
    """A study that extends nothing, of the shipped actors and one flashpoint."""
    return {
        "name": "mine", "great_power": "united_states", "reference": "hub_and_spoke",
        "actors": "actors.yaml", "flashpoints": [point], "structures": structures, **more,
    }  # fmt: skip


def loaded(content: dict[str, Any]) -> tuple[Study, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", StudyWarning)
        study = parse_study(content, CONFIGS)
    return study, [str(one.message) for one in caught]


def refused(content: dict[str, Any]) -> list[Problem]:
    with pytest.raises(StudyError) as caught:
        parse_study(content, CONFIGS)
    return caught.value.problems


@pytest.mark.parametrize("point", POINTS)
def test_every_shipped_place_plays_alone(point: str) -> None:
    study, notes = loaded(words(f"flashpoints/{point}.yaml", STRUCTURES))
    assert list(study.flashpoints) == [point]
    assert len(study.structures) == len(STRUCTURES)
    (places,) = [note for note in notes if "treaties also speak of" in note]
    whole = parse_study({"name": "whole", "extends": "asian_nato.yaml"}, CONFIGS)
    assert study.structures == {name: whole.structures[name] for name in study.structures}
    absent = {*whole.theatres, "taiwan_strait", "taiwan_outlying_islands", "spratlys_vietnam"}
    for name in absent - {point, *study.theatres}:
        assert repr(name) in places
    for name in (point, *study.theatres):
        assert repr(name) not in places


def slips(name: str) -> list[str]:
    """Return a name without each letter, with each doubled, with neighbours swapped, and so on."""
    found = {name.upper(), name.capitalize(), name.replace("_", " "), name.replace("_", "-")}
    for k in range(len(name)):
        found |= {name[:k] + name[k + 1 :], name[:k] + name[k] + name[k:]}
        found.add(name[:k] + name[k : k + 2][::-1] + name[k + 2 :])
    return sorted(found - {name})


@pytest.mark.parametrize("theatre", ["taiwan", "south_china_sea"])
def test_a_misspelt_theatre_is_one_error_at_its_flashpoint(theatre: str) -> None:
    base = "taiwan_strait" if theatre == "taiwan" else "scarborough_shoal"
    for slip in slips(theatre)[:: 1 if theatre == "taiwan" else 5]:
        if not slip.replace("_", "").isalpha() or not slip.islower():
            continue
        point = {"name": "here", "extends": f"flashpoints/{base}.yaml", "theatre": slip}
        (problem,) = refused(words(point, STRUCTURES))
        assert problem.key == "flashpoints.0.theatre", slip
        for part in ("no treaty names", repr(slip), "'here'", f"did you mean {theatre!r}"):
            assert part in problem.message


def test_a_slip_beside_a_flashpoint_that_is_spelt_well() -> None:
    islands = {"name": "here", "extends": "flashpoints/taiwan_outlying_islands.yaml"}
    content = words("flashpoints/taiwan_strait.yaml", STRUCTURES)
    for slip in slips("taiwan")[::4]:
        if slip.isalpha() and slip.islower():
            content["flashpoints"] = [content["flashpoints"][0], {**islands, "theatre": slip}]
            (problem,) = refused(content)
            assert problem.key == "flashpoints.1.theatre"
            assert "did you mean 'taiwan'" in problem.message


def test_a_theatre_unlike_any_other_is_one_error_too() -> None:
    point = {"name": "here", "extends": "flashpoints/taiwan_strait.yaml", "theatre": "formosa"}
    (problem,) = refused(words(point, STRUCTURES))
    assert problem.key == "flashpoints.0.theatre"


def treaty(place: str, name: str) -> dict[str, Any]:
    """A structure beside today's in which a place of a kind is named so."""
    pact: dict[str, Any] = {
        "name": "pact", "decision_delay_days": 7, "members": {"japan": 0.5},
        "covers": {"taiwan": 1},
    }  # fmt: skip
    commitments = {}
    if place == "commitments":
        commitments = {"japan": {name: 0.5}}
    elif place == "covers":
        pact["covers"] = {name: 1}
    else:
        pact["members"] = {"japan": {"bindingness": {name: 0.5}}}
    return {"name": "new", "extends": "hub_and_spoke", "commitments": commitments, "pact": pact}


@pytest.mark.parametrize("place", ["commitments", "covers", "members"])
def test_a_slip_in_a_treaty_is_one_error_there(place: str) -> None:
    for name in ("taiwan", "taiwan_strait") if place == "covers" else ("taiwan",):
        for slip in slips(name)[::3]:
            content = words("flashpoints/taiwan_strait.yaml", [HUB, treaty(place, slip)])
            (problem,) = refused(content)
            assert f".{place}." in problem.key, slip
            assert problem.key.endswith(f".{slip}")
            assert "did you mean 'taiwan" in problem.message


@pytest.mark.parametrize("place", ["commitments", "covers", "members"])
@pytest.mark.parametrize("name", ["mars", "east_china_sea", "korea", "india"])
def test_another_place_is_told_once(place: str, name: str) -> None:
    one = treaty(place, name)
    _, notes = loaded(words(
        "flashpoints/taiwan_strait.yaml", [HUB, one, {**one, "name": "newer"}],
    ))  # fmt: skip
    (note,) = [one for one in notes if "treaties also speak of" in one]
    assert repr(name) in note
    assert note.startswith("<study>: structures: ")


def test_a_misspelt_quantity_is_no_theatre() -> None:
    for slip in ("valeu", "mediann", "parametr", "Prior"):
        one = treaty("members", slip)
        (problem, *_) = refused(words("flashpoints/taiwan_strait.yaml", [HUB, one]))
        assert "did you mean" in problem.message


def test_actors_by_theatre_instead_of_theatres_by_actor_are_refused() -> None:
    one = {"name": "new", "extends": "hub_and_spoke",
           "commitments": {"taiwan": {"united_states": 0.4, "japan": 0.2}}}  # fmt: skip
    found = refused(words("flashpoints/taiwan_strait.yaml", [HUB, one]))
    assert {problem.key.rpartition(".")[2] for problem in found} == {"united_states", "japan"}


# Parameters.

ABSENT = {
    "spratlys_vietnam.onset_rate": 0.3, "asian_nato.decision_delay_days": 5,
    "quad.encirclement": 0.2, "india.power": 1,
}  # fmt: skip


def premise(**parameters: Any) -> dict[str, Any]:
    return {"premises": [{"name": "other", "source": "ours", "parameters": parameters}],
            "compare": {"focus": ["us_retrenchment"]}}  # fmt: skip


def two(**more: Any) -> dict[str, Any]:
    structures = [HUB, "structures/us_retrenchment.yaml"]
    return words("flashpoints/taiwan_strait.yaml", structures, **more)


@pytest.mark.parametrize("more", [
    {"parameters": ABSENT}, premise(provocation_onset=0.1, **ABSENT),
    {"parameters": dict(list(ABSENT.items())[:2]),
     **premise(provocation_onset=0.1, **dict(list(ABSENT.items())[2:]))},
])  # fmt: skip
def test_parameters_of_other_studies_are_told_once(more: dict[str, Any]) -> None:
    absent = dict(ABSENT)
    if "parameters" in more:  # the actor india is here, so a prior that it lacks is a mistake
        for said in (more["parameters"], absent):
            said.pop("india.power", None)
    study, notes = loaded(two(**more))
    (note,) = [one for one in notes if "this study has no parameter" in one]
    told = {*more.get("parameters", {})}
    told |= {*more["premises"][0]["parameters"]} if "premises" in more else set()
    for name in absent:
        assert (repr(name) in note) == (name in told)
        assert name not in study.parameters


@pytest.mark.parametrize("slip", [
    "taiwan_strat.onset_rate", "taiwan_strait.onset_rat", "taiwan_strait.mood",
    "hub_and_spok.encirclement", "hub_and_spoke.encirclment", "provocation_onsett",
])  # fmt: skip
def test_a_slip_in_a_parameter_is_refused(slip: str) -> None:
    (problem,) = refused(two(parameters={slip: 0.3}))
    assert problem.key == f"parameters.{slip}"
    assert "unknown parameter" in problem.message


@pytest.mark.parametrize("slip", ["taiwan_strat.onset_rate", "taiwan_strait.onset_rat"])
def test_a_slip_in_a_premise_is_refused(slip: str) -> None:
    (problem,) = refused(two(**premise(**{slip: 0.3})))
    assert "did you mean 'taiwan_strait.onset_rate'" in problem.message


def test_inherited_words_about_other_parts_are_not_told(tmp_path: Path) -> None:
    (tmp_path / "configs").symlink_to(CONFIGS)
    (tmp_path / "parent.yaml").write_text(
        "name: parent\nextends: configs/asian_nato.yaml\n"
        "parameters: {spratlys_vietnam.onset_rate: 0.3}\n"
    )
    _, notes = loaded_from(tmp_path, flashpoints=["configs/flashpoints/taiwan_strait.yaml"])
    assert notes == []
    _, notes = loaded_from(tmp_path, flashpoints=["configs/flashpoints/taiwan_strait.yaml"],
                           parameters={"second_thomas_shoal.onset_rate": 0.3})  # fmt: skip
    (note,) = notes
    assert "'second_thomas_shoal.onset_rate'" in note


def loaded_from(folder: Path, **changes: Any) -> tuple[Study, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", StudyWarning)
        study = parse_study({"name": "child", "extends": "parent.yaml", **changes}, folder)
    return study, [str(one.message) for one in caught]
