"""What a message of a study looks like, however hostile, large or linked the study is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

import escalation.study.quantity as quantity
from escalation.cli.app import main
from escalation.errors import LONGEST_LINE, SHOWN_PROBLEMS, Problem, StudyError, printable
from escalation.study import load_study, parse_study, study_from_text

CONFIGS = Path(__file__).parent.parent / "configs"
PRIOR = {"prior": "lognormal", "median": 9.0, "sigma": 0.1, "source": "ours", "mark": "judgement"}
STRAIT = {"name": "taiwan_strait", "extends": "flashpoints/taiwan_strait.yaml"}
HOSTILE = '\\e[2J\\e]0;x\\a\\u202e\\u0085'


def child(**changes: object) -> dict[str, object]:
    """A study that extends the shipped one."""
    return {"name": "child", "extends": "asian_nato.yaml", **changes}


def refusal(content: object) -> StudyError:
    with pytest.raises(StudyError) as caught:
        parse_study(content, CONFIGS)
    return caught.value


@pytest.mark.parametrize("text", [
    'name: tiny\n"{}": 1\n',
    'name: "{}"\n',
    'name: tiny\nplan: {{"{}": 1}}\n',
    'name: tiny\ncompare: {{focus: ["{}"], loss: {{"{}": 1}}}}\n',
    'name: tiny\nextends: "{}.yaml"\n',
    'name: tiny\nactors: {{"{}": {{"{}": 1}}}}\n',
    'name: tiny\nflashpoints: [{{name: "{}", onset_rate: {{prior: "{}", "{}": 2}}}}]\n',
    'name: tiny\nstructures: [{{name: a, extends: "{}"}}]\nscenarios: [{{"{}": 1}}]\n',
    'name: tiny\n? "{}"\n: {{x: &a 1}}\n',
])  # fmt: skip
def test_no_control_character_reaches_the_terminal(tmp_path: Path, text: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text.format(*[HOSTILE] * 3), encoding="utf-8")
    answer = CliRunner().invoke(main, ["validate", str(path)])
    assert answer.exit_code == 2
    assert "study.yaml" in answer.stderr
    assert all(letter.isprintable() or letter == "\n" for letter in answer.stderr)


def test_a_printable_text_stays_as_it_is() -> None:
    assert printable("Größe 台湾\nx") == "Größe 台湾\nx"
    assert printable("a\x1b[2J\u202eb") == "a\\x1b[2J\\u202eb"


def test_a_long_refusal_lists_the_first_problems_and_counts_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_up = []
    monkeypatch.setattr(quantity, "suggestion", lambda *a: looked_up.append(a) or "(choices: none)")
    error = refusal(child(plan={f"k{n}": n for n in range(50_000)}))
    lines = str(error).splitlines()
    assert len(error.problems) == 50_000
    assert len(lines) == SHOWN_PROBLEMS + 1
    assert lines[-1] == "and 49,950 more"
    # Near names are what takes long; they are looked for as often as a reader sees them.
    assert len(looked_up) <= SHOWN_PROBLEMS


@pytest.mark.parametrize("changes", [
    {"k" * 30_000: 1},
    {f"{'k' * 500}{n}": n for n in range(200)},
    {"parameters": {f"p{n}": n for n in range(3_000)}},
    {"flashpoints": [{"name": "x", "third_parties": {f"a{n}": 1 for n in range(3_000)}}]},
    {"structures": [{"name": f"s{n}", "extends": "nothing"} for n in range(1_000)]},
    {"compare": {"focus": ["f" * 5_000] * 300}},
])  # fmt: skip
def test_no_refusal_is_long(changes: dict[str, object]) -> None:
    error = refusal(child(**changes))
    lines = str(error).splitlines()
    assert len(str(error)) < 10_000
    assert max(map(len, lines)) <= LONGEST_LINE
    listed = len(lines) - lines[-1].endswith(" more")
    hidden = int(lines[-1].split()[1].replace(",", "")) if lines[-1].endswith(" more") else 0
    assert listed + hidden == len(error.problems)


def test_problems_come_in_the_order_of_the_file() -> None:
    found = [Problem("a", line, 1, "", "m") for line in (10, 9, 100, 9)]
    assert [problem.line for problem in StudyError(found).problems] == [9, 10, 100]


# What a child says takes the place of what it extends.


def test_a_prior_is_replaced_in_a_flashpoint_of_the_same_name() -> None:
    study = parse_study(child(flashpoints=[{**STRAIT, "defender_stake": PRIOR}]), CONFIGS)
    assert study.parameters["taiwan_strait.defender_stake"].default == 9.0
    assert study.parameters["taiwan_strait.onset_rate"].default == 0.37


@pytest.mark.parametrize("given", [PRIOR, 2.0, "dispute_stake"])
@pytest.mark.parametrize("key", ["defender_stake", "onset_rate", "challenger_stake"])
def test_a_quantity_is_replaced_whatever_its_form(key: str, given: object) -> None:
    study = parse_study(child(flashpoints=[{**STRAIT, key: given}]), CONFIGS)
    values = dict.fromkeys(study.parameters, 9.0)
    expected = {2.0: 2.0}.get(given if isinstance(given, float) else 0.0, 9.0)
    assert getattr(study.flashpoints["taiwan_strait"], key).at(values) == expected


def test_a_prior_of_a_pact_is_replaced_in_a_structure_of_the_same_name() -> None:
    first = {"name": "p", "extends": "hub_and_spoke", "pact": {
        "members": {"japan": PRIOR | {"prior": "beta", "a": 1, "b": 2}}, "decision_delay_days": 5,
        "covers": {"taiwan": 1, "south_china_sea": 1},
    }}  # fmt: skip
    del first["pact"]["members"]["japan"]["median"], first["pact"]["members"]["japan"]["sigma"]
    (delay,) = ({"decision_delay_days": PRIOR},)
    study = parse_study(child(
        structures=["structures/hub_and_spoke.yaml", first,
                    {"name": "q", "extends": "p", "pact": delay}],
        compare=None,
    ), CONFIGS)  # fmt: skip
    assert study.parameters["q.decision_delay_days"].default == 9.0
    assert "p.members.japan.bindingness" in study.parameters


def test_two_priors_of_one_name_are_told_by_what_they_belong_to() -> None:
    twin = {"name": "twin", "extends": "flashpoints/taiwan_strait.yaml"}
    error = refusal(child(flashpoints=[{**STRAIT, "defender_stake": PRIOR}, twin]))
    assert "two priors would be named 'taiwan_strait.defender_stake'" in str(error)
    assert "flashpoints.0.defender_stake" in str(error)
    assert "rename 'taiwan_strait'" in str(error)
    assert "pact" not in str(error)


# A study may be a link.


@pytest.fixture
def linked(tmp_path: Path) -> SimpleNamespace:
    """A study with a file beside it, and a link to the study in another folder."""
    home, desk = tmp_path / "home", tmp_path / "desk"
    (home / "parts").mkdir(parents=True)
    desk.mkdir()
    for part in ("actors.yaml", "flashpoints", "structures", "pacts", "premises"):
        (home / "parts" / part).symlink_to(CONFIGS / part)
    text = (CONFIGS / "asian_nato.yaml").read_text()
    for part in ("actors.yaml", "flashpoints/", "structures/", "premises/"):
        text = text.replace(f" {part}", f" parts/{part}")
    (home / "study.yaml").write_text(text)
    (desk / "link.yaml").symlink_to(home / "study.yaml")
    return SimpleNamespace(home=home, desk=desk, link=desk / "link.yaml")


def test_a_linked_study_finds_its_files(linked: SimpleNamespace) -> None:
    study = load_study(linked.link)
    assert study.structures == load_study(linked.home / "study.yaml").structures
    assert study_from_text(study.text).flashpoints == study.flashpoints


def test_a_file_beside_the_link_goes_first(linked: SimpleNamespace) -> None:
    (linked.desk / "parts").mkdir()
    actors = (CONFIGS / "actors.yaml").read_text()
    assert "title: Japan" in actors
    (linked.desk / "parts" / "actors.yaml").write_text(
        actors.replace("title: Japan", "title: Nippon")
    )
    assert load_study(linked.link).actors["japan"].title == "Nippon"


def test_a_mistake_behind_a_link_is_shown_where_it_stands(linked: SimpleNamespace) -> None:
    (linked.home / "parts" / "actors.yaml").unlink()
    (linked.home / "parts" / "actors.yaml").write_text("china: {nuclear: perhaps}\n")
    with pytest.raises(StudyError) as caught:
        load_study(linked.link)
    assert str(linked.home / "parts" / "actors.yaml") + ":1" in str(caught.value)


def test_a_file_that_is_nowhere_is_missed(linked: SimpleNamespace) -> None:
    (linked.home / "parts" / "actors.yaml").unlink()
    with pytest.raises(StudyError, match="no file"):
        load_study(linked.link)
