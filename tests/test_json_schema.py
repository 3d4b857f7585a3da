"""The schemas that editors use: made from the models, and of one mind with the loader."""

from __future__ import annotations

import json
import os
import random
import warnings
from collections.abc import Iterator
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, get_args

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from pydantic import AfterValidator, Field

from escalation.cli.app import main
from escalation.errors import InputError, StudyError
from escalation.parameters.priors import Prior
from escalation.parameters.registry import REGISTRY
from escalation.schemas.attribute_docs import described
from escalation.schemas.definitions import Definitions
from escalation.schemas.json_schema import KINDS, file_schema
from escalation.schemas.shorthands import SHORTHANDS
from escalation.study import load_study
from escalation.study.base import StudyModel, written_keys
from escalation.study.nodes import to_data
from escalation.study.quantity import Magnitude, Number, Within
from escalation.study.yaml_text import read_yaml

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "configs"
PLACES = {
    "study": ["*.yaml", "cases/*.yaml", "verify/*.yaml", "examples/*.yaml"],
    "actors": ["actors.yaml", "examples/*/actors.yaml"],
    "flashpoint": ["flashpoints/*.yaml", "examples/baltic/[ns]*.yaml"],
    "structure": ["structures/*.yaml"],
    "pact": ["pacts/*.yaml"],
    "premise": ["premises/*.yaml"],
}
OTHERS = ["cases/outcomes.yaml"]
"""Shipped files of no kind that has a schema."""

FILES = {
    "study": """
name: tiny
great_power: a
reference: pacted
actors: actors.yaml
flashpoints: [flashpoint.yaml]
structures: [structure.yaml]
premises: [premise.yaml]
""",
    "actors": """
a: {alignment: 1, trade_dependence: {b: 0.1}}
b: {alignment: -1, trade_dependence: {}}
c: {alignment: 0, trade_dependence: {}}
d: {alignment: 0, trade_dependence: {}, domestic_veto: {value: 0.1, source: ours, mark: read}}
""",
    "flashpoint": """
name: islet
theatre: sea
challenger: b
defender: c
challenger_stake: {prior: lognormal, median: 1, sigma: 0.3, source: ours, mark: judgement}
defender_stake: 2
defender_power: 0.2
onset_rate: 0.3
third_parties: {a: {power: 0.5, stake: 0.5}, d: {power: 0.1, stake: 0.1}}
""",
    "structure": """
name: pacted
decision_delay_days: {median: 7, range: [3, 16]}
commitments: {a: {sea: 0.4}}
pacts: [pact.yaml]
actors: {a: {stake_scale: 0.5}}
""",
    "pact": """
name: league
members: {a: 0.3, d: {realised: 0.5}}
bindingness: 0.5
decision_delay_days: 7
covers: {sea: coverage_nonmember}
""",
    "premise": """
name: hawk
source: ours
parameters: {defender_multiplier: {median: 1.6, range: [1.2, 2.2]}}
""",
}
"""A small study, a file of each kind."""
ALL = "all"
"""Stands for the whole file, as no text stands for the end of it."""


def shipped(kind: str) -> list[Path]:
    found = {file for place in PLACES[kind] for file in CONFIGS.glob(place)}
    if kind == "study":
        found -= {CONFIGS / "actors.yaml", *(CONFIGS / name for name in OTHERS)}
    return sorted(found)


def changed(kind: str, old: str, new: str) -> str:
    """A file of the small study with something else in place of a part of it."""
    if old == ALL:
        return f"{new}\n"
    assert old in FILES[kind]
    return FILES[kind].replace(old, new, 1) if old else f"{FILES[kind]}{new}\n"


def data_of(text: str) -> Any:
    problems: list = []
    tree = read_yaml(text, "file", problems)
    assert problems == []
    return json.loads(json.dumps(to_data(tree)))


@lru_cache
def validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(file_schema(kind))


def faults(kind: str, data: Any) -> list[str]:
    return [f"{found.json_path}: {found.message}" for found in validator(kind).iter_errors(data)]


def refusal(folder: Path, kind: str, text: str) -> str:
    """What the loader says of the small study with one file replaced; nothing if it takes it."""
    for name, own in FILES.items():
        (folder / f"{name}.yaml").write_text(text if name == kind else own, encoding="utf-8")
        (folder / f"parent_{name}.yaml").write_text(own, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            load_study(folder / "study.yaml")
        except StudyError as error:
            return str(error)
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_schema_is_the_one_that_the_models_give(kind):
    Draft202012Validator.check_schema(file_schema(kind))
    path = f"configs/schema/{kind}.json"
    text = (ROOT / path).read_text(encoding="utf-8")
    made = CliRunner().invoke(main, ["schema", kind]).stdout
    assert text == made, f"renew it: escalation schema {kind} -o {path}"


def test_there_is_a_schema_for_every_kind_and_no_other():
    assert {file.stem for file in (CONFIGS / "schema").iterdir()} == set(KINDS) == set(PLACES)
    every = {str(file.relative_to(CONFIGS)) for file in CONFIGS.rglob("*.yaml")}
    known = {str(file.relative_to(CONFIGS)) for kind in KINDS for file in shipped(kind)}
    assert every - known == set(OTHERS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_shipped_file_is_right_and_names_its_schema(kind):
    assert shipped(kind)
    for file in shipped(kind):
        text = file.read_text(encoding="utf-8")
        schema = Path(os.path.relpath(CONFIGS / "schema" / f"{kind}.json", file.parent)).as_posix()
        assert text.startswith(f"# yaml-language-server: $schema={schema}\n"), file
        assert faults(kind, data_of(text)) == [], file


WRONG = [
    ("study", "great_power: a", "great_powr: a"),
    ("study", "great_power: a", "great_power: 1"),
    ("study", "name: tiny", "name: Tiny Study"),
    ("study", "name: tiny", "title: Tiny"),
    ("study", "structures: [structure.yaml]", "structures: structure.yaml"),
    ("study", "structures: [structure.yaml]", "structures: {pacted: {}}"),
    ("study", "structures: [structure.yaml]", "structures: [structure]"),
    ("study", "actors: actors.yaml", "actors: 3"),
    ("study", "actors: actors.yaml", "actors: {a: {alignment: 0}}"),
    ("study", "", "horizon_years: ten"),
    ("study", "", "horizon_years: 0"),
    ("study", "", "plan: 500"),
    ("study", "", "plan: {draws: 64, seeds: 1}"),
    ("study", "", "plan: {design: sobel}"),
    ("study", "", "plan: {seed: null}"),
    ("study", "", "decision_rules: [expected_utilty]"),
    ("study", "", "decision_rules: []"),
    ("study", "", "compare: {loss: {wars: 1}}"),
    ("study", "", "compare: {sweep: [provocation]}"),
    ("study", "", "parameters: {provocation: 0.3}"),
    ("study", "", "parameters: {provocation_stake: {prior: normal, mean: 0}}"),
    ("study", "", "parameters: {provocation_stake: {prior: gaussian, mean: 0, sd: 1}}"),
    ("study", "", "parameters: {provocation_stake: {prior: normal, mean: 0, sd: 1, unit: V}}"),
    ("study", "", "parameters: {provocation_stake: {prior: fixed}}"),
    ("study", "", "parameters: {provocation_stake: true}"),
    ("study", "", "parameters: {provocation_stake: null}"),
    ("study", "", "correlations: [{between: [provocation_stake], rank_correlation: 0.5, "
                  "source: ours, mark: judgement}]"),
    ("study", "", "correlations: [{between: [provocation_stake, provocation_onset], "
                  "rank_correlation: 1, source: ours, mark: judgement}]"),
    ("study", "", "scenarios: [{name: more, parameters: {provocation_stake: 0.1}}]"),
    ("study", "", "read_sha256: a"),
    ("actors", "a: {alignment: 1, ", "a: {"),
    ("actors", "a: {alignment: 1, ", "a: {alignment: 1, nuclear: 1, "),
    ("actors", "a: {alignment: 1, ", "a: {alignment: 2, "),
    ("actors", "{b: 0.1}", "0.1"),
    ("actors", "mark: read", "mark: red"),
    ("actors", "source: ours, mark: read", "source: ours"),
    ("flashpoint", "onset_rate: 0.3", "onset: 0.3"),
    ("flashpoint", "onset_rate: 0.3", "onset_rate: 0"),
    ("flashpoint", "onset_rate: 0.3", "onset_rate: often"),
    ("flashpoint", "onset_rate: 0.3", "onset_rate: {median: 0.3}"),
    ("flashpoint", "onset_rate: 0.3", "onset_rate: {median: 0.3, range: [0.1, 0.2, 0.5]}"),
    ("flashpoint", "onset_rate: 0.3", "onset_rate: {value: 0.3}"),
    ("flashpoint", "onset_rate: 0.3", "onset_rate: {parameter: defender_multiplier, factor: 2}"),
    ("flashpoint", "sigma: 0.3, ", ""),
    ("flashpoint", "a: {power: 0.5, stake: 0.5}", "a: {power: 0.5}"),
    ("flashpoint", "a: {power: 0.5, stake: 0.5}", "a: 0.5"),
    ("flashpoint", "theatre: sea", "theatre: South China Sea"),
    ("flashpoint", "", "commitment_scale: null"),
    ("structure", "commitments: {a: {sea: 0.4}}", "commitments: {a: 0.4}"),
    ("structure", "commitments: {a: {sea: 0.4}}", "commitments: {a: {sea: 40}}"),
    ("structure", "commitments: {a: {sea: 0.4}}", "commitments: {a: {sea: {median: 40, "
                                                  "range: [20, 60]}}}"),
    ("structure", "pacts: [pact.yaml]", "pact: pact.yaml"),
    ("structure", "", "base_encirclement: 0.3"),
    ("structure", "actors: {a: {stake_scale: 0.5}}", "actors: {a: {stake: 0.5}}"),
    ("structure", "decision_delay_days: {median: 7, range: [3, 16]}", ""),
    ("pact", "d: {realised: 0.5}", "d: {honoured: 0.5}"),
    ("pact", "members: {a: 0.3, d: {realised: 0.5}}", "members: a"),
    ("pact", "members: {a: 0.3, d: {realised: 0.5}}", "members: [a, a]"),
    ("pact", "", "nuclear_sharing: 1"),
    ("pact", "coverage_nonmember", "coverage_nonmembers"),
    ("premise", "source: ours", ""),
    ("premise", "source: ours", "source: [ours]"),
    ("premise", "", "extends: parent_premise.yaml"),
    ("premise", "defender_multiplier", "defender_multiplyer"),
]


@pytest.mark.parametrize(("kind", "old", "new"), WRONG)
def test_what_the_loader_refuses_in_one_file_the_schema_refuses(tmp_path, kind, old, new):
    text = changed(kind, old, new)
    assert f"{kind}.yaml" in refusal(tmp_path, kind, text)
    assert faults(kind, data_of(text)) != []


RIGHT = [
    *((kind, ALL, text) for kind, text in FILES.items()),
    ("study", ALL, "name: tiny\nextends: parent_study.yaml"),
    ("study", ALL, "name: tiny\nextends: parent_study.yaml\npremises: null\nplan: {draws: 8}"),
    ("study", "actors: actors.yaml",
     "actors: [actors.yaml, {e: {alignment: 0, trade_dependence: {a: 0.1}}}]"),
    ("study", "actors: actors.yaml",
     "actors: {a: &, b: &, c: &, d: &}".replace("&", "{alignment: 0, trade_dependence: {}}")),
    ("study", "[flashpoint.yaml]",
     "[{name: islet, extends: flashpoint.yaml, third_parties: {d: null, a: {stake: 0.2}}}]"),
    ("study", "[structure.yaml]",
     "[structure.yaml, {name: free, extends: pacted, pacts: null, commitments: {a: {sea: 0.1}}}]"),
    ("study", "[premise.yaml]",
     "[{name: hawk, source: ours, parameters: {islet.challenger_stake: "
     "{median: 2, range: [1, 3]}}}]"),
    ("study", "", "parameters: {provocation_stake: 0.1, provocation_onset: {default: 0.1}, "
                  "islet.challenger_stake: {median: 2, range: [1, 3]}}"),
    ("study", "", "compare: {sweep: [islet.challenger_stake, provocation_stake]}"),
    ("study", "", "scenarios: [{name: more, set: {provocation_stake: 0}}]"),
    ("flashpoint", ALL, "name: islet\nextends: parent_flashpoint.yaml\nonset_rate: 1"),
    ("flashpoint", "", "base_host: null"),
    ("flashpoint", "rate: 0.3", "rate: defender_multiplier"),
    ("flashpoint", "rate: 0.3", "rate: {parameter: defender_multiplier, scale: 0.3}"),
    ("flashpoint", "rate: 0.3", "rate: {median: 0.3, range: [0.1, 0.9], low: 0, high: 5, "
                                "default: 0.2, unit: 1/year, meaning: disputes}"),
    ("flashpoint", "rate: 0.3", "rate: {prior: fixed, default: 1, source: ours, mark: judgement}"),
    ("structure", ALL,
     "name: pacted\nextends: parent_structure\ncommitments: {a: null, d: {sea: 0.2}}\n"
     "pact: {name: one, members: [a], bindingness: 0.5, decision_delay_days: 3}"),
    ("structure", "[pact.yaml]", "[{extends: pact.yaml, name: other, members: {b: {}}, "
                                 "covers: {sea: null}, encirclement: 0.5}]"),
    ("structure", "", "encirclement: null"),
    ("pact", ALL, "members: [a, d]\nbindingness: {sea: 0.5}\ndecision_delay_days: 7"),
    ("pact", ALL, "extends: parent_pact.yaml\ncovers: null\nencirclement: 0.5"),
    ("pact", "a: 0.3", "a: {median: 0.3, range: [0.2, 0.4]}"),
    ("pact", "a: 0.3", "a: {bindingness: {sea: 0.3}}, b: {bindingness: 0, realised: null}"),
    ("premise", ALL, "name: hawk\nsource: ours"),
    ("premise", "defender_multiplier", "nato.encirclement"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "old", "new"), RIGHT)
def test_what_the_loader_takes_the_schema_takes(tmp_path, kind, old, new):
    text = changed(kind, old, new)
    assert refusal(tmp_path, kind, text) == ""
    assert faults(kind, data_of(text)) == []


VALUES = [True, 0, 1, -1, 0.5, 7, "text", "a", "sea", "defender_multiplier", "pact.yaml", [], {},
          ["a"], {"a": 1}, {"median": 0.4, "range": [0.2, 0.6]}, {"value": 1},
          {"value": 0.5, "source": "ours", "mark": "read"}, {"parameter": "defender_multiplier"},
          {"prior": "normal", "mean": 0, "sd": 1}, {"a": {"sea": 0.3}}]  # fmt: skip


def spots(data: Any, path: tuple = ()) -> Iterator[tuple]:
    if path:
        yield path
    for key, value in data.items() if isinstance(data, dict) else ():
        yield from spots(value, (*path, key))


def mutant(data: Any, rng: random.Random) -> Any:
    """The same with one key gone, misspelt, new, or with a value from somewhere else."""
    data = deepcopy(data)
    *path, key = rng.choice(list(spots(data)))
    table = data
    for step in path:
        table = table[step]
    match rng.randrange(4):
        case 0:
            del table[key]
        case 1:
            table[f"{key}s"] = table.pop(key)
        case 2:
            table[rng.choice(["unit", "title", "default", "scale", "realised", "nuclear"])] = (
                rng.choice(VALUES)
            )
        case 3:
            table[key] = rng.choice(VALUES)
    return data


def test_the_schema_refuses_nothing_that_the_loader_takes(tmp_path):
    rng = random.Random(20261)
    taken, refused, missed = 0, 0, 0
    for _ in range(200):
        kind = rng.choice(KINDS)
        data = mutant(data_of(FILES[kind]), rng)
        found = faults(kind, data)
        if not refusal(tmp_path, kind, json.dumps(data)):
            assert found == [], data
            taken += 1
        elif found:
            refused += 1
        else:
            missed += 1
    assert taken > 10
    assert refused > 4 * missed  # what is left needs other files, or two values at once


def models(base: type = StudyModel) -> Iterator[type]:
    """Every model of the study's words that has keys."""
    for model in base.__subclasses__():
        if model.__module__.startswith("escalation.study") and model is not Number:
            yield model
            yield from models(model)


def test_every_key_is_described():
    every = [*models(), *get_args(get_args(Prior)[0])]
    assert len(every) > 20
    lacking = [
        f"{model.__name__}.{key}" for model in every for key in written_keys(model)
        if not described(model).get(key)
    ]
    assert lacking == []
    for name in REGISTRY:
        words = file_schema("premise")["$defs"]["Parameters"]["properties"][name]["description"]
        assert REGISTRY[name].meaning in words


def test_a_new_key_of_a_model_appears_by_itself():
    class Weather(StudyModel):
        """Of a day.

        Attributes
        ----------
        wind, gusts : float
            Metres a second.
        """

        wind: Annotated[float, Field(ge=0)]
        gusts: Annotated[Magnitude, AfterValidator(Within(0, 90))] | None = None

    definitions = Definitions(SHORTHANDS)
    table = definitions.table(Weather)
    assert table["properties"]["wind"] == {
        "description": "Metres a second.", "type": "number", "minimum": 0,
    }  # fmt: skip
    assert table["required"] == ["wind"]
    root = {**table, "$defs": definitions.used(table)}
    weather = Draft202012Validator(root)
    assert weather.is_valid({"wind": 3, "gusts": {"median": 12, "range": [8, 20]}})
    assert weather.is_valid({"wind": 3, "gusts": None})
    for wrong in ({"wind": -1}, {"wind": 3, "gusts": 91}, {"wind": 3, "gust": 9}):
        assert not weather.is_valid(wrong)
    with pytest.raises(TypeError, match="no JSON Schema is known for"):
        definitions.of(bytes)


def test_a_schema_is_written_whole_and_an_unknown_kind_is_named(tmp_path):
    target = tmp_path / "pact.json"
    done = CliRunner().invoke(main, ["schema", "pact", "-o", str(target)])
    assert (done.exit_code, done.stdout) == (0, f"{target}: JSON Schema of kind pact\n")
    assert json.loads(target.read_text(encoding="utf-8")) == file_schema("pact")
    done = CliRunner().invoke(main, ["schema", "weather"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"kind: unknown kind 'weather' (choices: {', '.join(KINDS)})\n"
    with pytest.raises(InputError, match="did you mean 'structure'"):
        file_schema("structures")
    mine = tmp_path / "mine.yaml"
    mine.write_text("name: mine\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["schema", "pact", "-o", str(mine)])
    assert done.exit_code == 2
    assert mine.read_text(encoding="utf-8") == "name: mine\n"
