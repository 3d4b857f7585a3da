"""The table of who is bound how much says what a run is made of, and fits a terminal."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from test_study_configs import MINIMAL

import escalation
from escalation.cli.app import main
from escalation.contracts.codes import MAX_PARTIES
from escalation.errors import InputError, StudyWarning
from escalation.model.draws import default_draws
from escalation.model.inputs import build_inputs
from escalation.report.source import format_bindings
from escalation.study import Study, load_study, parse_study

CONFIGS = Path(__file__).parent.parent / "configs"
PATHS = ["asian_nato.yaml", "examples/baltic.yaml", "verify/shoal_no_third_parties.yaml"]


def tiny(structures: list[dict[str, Any]] | None = None, **point: Any) -> Study:
    """A study of one islet."""
    (islet,) = MINIMAL["flashpoints"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StudyWarning)
        return parse_study({
            **MINIMAL, "flashpoints": [{**islet, **point}],
            "structures": structures or MINIMAL["structures"],
        })  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_every_number_is_the_one_that_a_run_takes(path: str) -> None:
    study = load_study(CONFIGS / path)
    table = escalation.bindings(study)
    assert table.sizes["structure"] == len(study.structures)
    for point in study.flashpoints.values():
        for structure in study.structures.values():
            inputs = build_inputs(study, point, structure, default_draws(study.parameters))
            here = table.sel(flashpoint=point.name, structure=structure.name)
            inside = here.sel(third_party=list(point.third_parties))
            np.testing.assert_array_equal(inside.bindingness, inputs.bindingness[0, 0])
            np.testing.assert_array_equal(inside.bilateral, inputs.bindingness[0, 1])
            others = here.drop_sel(third_party=list(point.third_parties))
            assert others.bindingness.isnull().all()
            assert not others.pacts.astype(bool).any()


def test_a_pact_reaches_where_it_adds_to_what_binds(study: Study) -> None:
    table = escalation.bindings(study)
    more = (table.bindingness > table.bilateral).values
    assert more.any()
    assert table.pacts.values[more].all()
    assert not table.pacts.sel(flashpoint="spratlys_vietnam").values.any()
    strait = table.sel(flashpoint="taiwan_strait", structure="minilateral_lattice").pacts
    assert strait.sel(third_party="india").item() == "quad"
    assert strait.sel(third_party="australia").item() == "quad, aukus"


@pytest.mark.parametrize(("pact", "point", "reaches"), [
    ({}, {}, True),
    ({"covers": {"islet": 0}}, {}, False),
    ({"covers": {"sea": 0}}, {}, False),
    ({"members": {"a": {"bindingness": {"sea": 0.9}, "realised": 0}}}, {}, False),
    ({"members": {"a": {"bindingness": {"sea": 0}}}}, {}, False),
    ({"members": {"a": 0.9}}, {}, False),
    ({"members": {"a": 0.9, "c": 0.9}}, {}, True),
    ({}, {"commitment_scale": 0}, False),
    ({"members": {"b": 0.9, "c": 0.9}}, {}, False),
])  # fmt: skip
def test_which_pact_reaches(pact: dict[str, Any], point: dict[str, Any], reaches: bool) -> None:
    alone, bound = MINIMAL["structures"]
    words = {**bound["pact"], **pact}
    if "members" in pact:
        del words["bindingness"]
    study = tiny([alone, {**bound, "pact": words}], **point)
    table = escalation.bindings(study)
    assert bool(table.pacts.sel(structure="bound").item()) == reaches
    said = format_bindings(table)
    assert ("Pacts that reach it: bound." in said) == reaches
    assert ("No pact reaches it." in said) != reaches


def test_shares_as_text() -> None:
    shares = {"nobody": 0, "trace": 0.001, "some": 0.725, "nearly": 0.999, "all_of_it": 1}
    structures = [
        {"name": name, "decision_delay_days": 7, "commitments": {"a": {"sea": share}}}
        for name, share in shares.items()
    ]
    lines = format_bindings(
        escalation.bindings(parse_study({**MINIMAL, "structures": structures, "reference": "some"}))
    ).splitlines()
    assert [line.split()[1] for line in lines[4:9]] == ["-", ".01", ".72", ".99", "1"]


@pytest.mark.parametrize("length", [1, 9, 63])
@pytest.mark.parametrize("parties", [1, 10, MAX_PARTIES])
def test_the_text_fits_80_columns(parties: int, length: int) -> None:
    def name(kind: str, number: int) -> str:
        return f"{kind}{number:x}{'_long_word' * 7}"[: max(length, 3)]

    states = [name("p", k) for k in range(parties)]
    actor = {"alignment": 0, "trade_dependence": {}}
    alone = {"decision_delay_days": 7, "commitments": {s: {"sea": 0.4} for s in states}}
    point = {**MINIMAL["flashpoints"][0], "name": name("f", 0), "third_parties": {
        state: {"power": 0.1, "stake": 0.2} for state in states}}  # fmt: skip
    pact = {"name": name("t", 0), "members": states, "bindingness": {"sea": 0.9},
            "decision_delay_days": 3}  # fmt: skip
    study = parse_study({
        "name": "crowd", "great_power": states[0], "reference": name("s", 0),
        "actors": dict.fromkeys([*states, "b", "c"], actor),
        "flashpoints": [point],
        "structures": [
            {"name": name("s", k), **alone, "decision_delay_days": 7 + k, "pact": pact}
            for k in range(6)
        ],
    })  # fmt: skip
    said = format_bindings(escalation.bindings(study))
    assert max(map(len, said.splitlines())) <= 80
    assert said.count(" .90") == 6 * parties
    assert pact["name"] in said.replace("\n", "").replace(" ", "")


def test_flashpoints_that_do_not_differ_share_a_block(study: Study) -> None:
    said = format_bindings(escalation.bindings(study))
    assert "\nsecond_thomas_shoal and scarborough_shoal\n" in said
    assert "\nspratlys_vietnam\n  Nothing binds anybody.\n  No pact reaches it." in said
    assert "\n  Nothing binds vietnam and cambodia.\n" in said
    nobody = format_bindings(escalation.bindings(tiny(third_parties={})))
    assert nobody.endswith("\nislet\n  Nobody else may join.")


def test_validate_and_run_print_the_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = "configs/examples/baltic.yaml"
    said = format_bindings(escalation.bindings(path))
    assert said in CliRunner().invoke(main, ["validate", path]).stdout

    def stop(*_: object, **__: object) -> None:
        raise InputError("stop: here the simulation begins")

    monkeypatch.setattr("escalation.simulation.run.run", stop)
    result = CliRunner().invoke(main, ["run", path, "-o", str(tmp_path / "b.nc")])
    assert said in result.stdout
    assert "here the simulation begins" in result.stderr
