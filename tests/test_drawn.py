"""Every number that enters the tables is drawn, or is a convention that MODEL.md lists."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import cells
import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from escalation.cli.app import main
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import REGISTRY
from escalation.study import load_study
from escalation.study.quantity import Figure, Number
from escalation.study.schema import Study

MODEL = Path(cells.CONFIGS).parent / "escalation" / "MODEL.md"


def conventions() -> list[str]:
    """Return the names, with wildcards, of the table of conventions."""
    text = MODEL.read_text(encoding="utf-8")
    table = text.split("<!-- conventions: begin -->")[1].split("<!-- conventions: end -->")[0]
    rows = [line.split("|")[1] for line in table.strip().splitlines()[2:]]
    return [name.strip(" `") for row in rows for name in row.split(",")]


def constants(value: object, name: str) -> Iterator[str]:
    """Yield the position of every plain number below a part of a study."""
    if isinstance(value, Number | Figure):
        yield name
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from constants(getattr(value, field), f"{name}.{field}")
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from constants(entry, f"{name}.{key}")
    elif isinstance(value, tuple):
        for number, entry in enumerate(value):
            yield from constants(entry, f"{name}.{number}")


def undrawn(study: Study) -> set[str]:
    """Return every number of a study that is the same in all draws."""
    parts = (study.actors, study.flashpoints, study.structures)
    written = {name for part in parts for key in part for name in constants(part[key], key)}
    return written | {n for n, p in study.parameters.items() if isinstance(p.prior, Fixed)}


def unlisted(study: Study) -> set[str]:
    known = conventions()
    return {name for name in undrawn(study) if not any(fnmatch(name, k) for k in known)}


def studies() -> list[Study]:
    """The shipped study and the historical cases."""
    cases = sorted((cells.CONFIGS / "cases").glob("*_*.yaml"))
    return [cells.shipped_study(), *(load_study(path) for path in cases)]


def test_every_number_is_drawn_or_a_listed_convention() -> None:
    found: set[str] = set()
    for study in studies():
        assert unlisted(study) == set(), study.name
        found |= undrawn(study)
    assert [k for k in conventions() if not any(fnmatch(name, k) for name in found)] == []


def test_a_constant_that_nobody_lists_is_found() -> None:
    study = cells.shipped_study()
    point = study.flashpoints["taiwan_strait"]
    edited = point.model_copy(update={"defender_power": Number(value=0.2)})
    changed = study.model_copy(update={"flashpoints": {"taiwan_strait": edited}})
    assert unlisted(changed) == {"taiwan_strait.defender_power"}


def test_a_binding_text_is_never_a_convention() -> None:
    """The listed wildcards let zeros pass; no other bindingness or coverage is a plain number."""
    study = cells.shipped_study()
    for structure in study.structures.values():
        levels = [level for by in structure.commitments.values() for level in by.values()]
        for pact in structure.pacts:
            levels += list(pact.covers.values())
            for member in pact.members.values():
                stated = member.bindingness
                levels += stated.values() if isinstance(stated, dict) else [stated]
        assert all(level.value == 0 for level in levels if isinstance(level, Number | Figure))


def test_the_command_writes_a_row_for_every_parameter(tmp_path: Path) -> None:
    path = tmp_path / "parameters.csv"
    study = cells.shipped_study()
    asked = ["parameters", str(cells.CONFIGS / "asian_nato.yaml"), "--csv", str(path)]
    assert CliRunner().invoke(main, asked).exit_code == 0
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert [row["parameter"] for row in rows] == list(study.parameters)
    assert all(row["prior"] and row["mark"] and row["source"] for row in rows)
    assert CliRunner().invoke(main, asked).exit_code == 2  # nothing is replaced


@pytest.mark.parametrize(("options", "found"), [
    (["--search", "PROVOCATION"], {"provocation_stake", "provocation_onset"}),
    (["--mark", "read", "--search", "mean 1.955"], {"loss_aversion"}),
])  # fmt: skip
def test_parameters_can_be_looked_for(options: list[str], found: set[str]) -> None:
    answer = CliRunner().invoke(main, ["parameters", *options])
    assert answer.exit_code == 0
    heads = {line.split()[0] for line in answer.output.splitlines() if line[:1].isalpha()}
    assert heads & set(REGISTRY) == found


@pytest.mark.parametrize("options", [["--mark", "guess"], ["--search", "no such words"]])
def test_looking_in_vain_is_told(options: list[str]) -> None:
    answer = CliRunner().invoke(main, ["parameters", *options])
    assert answer.exit_code == 2
    assert len(answer.output.strip().splitlines()) == 1
