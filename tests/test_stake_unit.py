"""What counts as 1 V is the study's to say, and the model's own words name no country."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_study_configs import MINIMAL

import escalation
from escalation.cli.app import main
from escalation.errors import StudyError
from escalation.parameters.registry import LIMITS, REGISTRY
from escalation.report.parameter_table import format_parameters
from escalation.results.quantities import QUANTITIES
from escalation.study import Study, load_study, parse_study, study_from_text
from escalation.study.schema import DEFAULT_STAKE_UNIT

CONFIGS = Path(__file__).parent.parent / "configs"
COUNTRIES = re.compile(
    r"\b(US|USA|United States|American?|China|Chinese|Taiwan|Japan|Japanese|Russian?|Philippines)\b"
)
ABOUT_CHINA = {"stake_china"}
"""Parameters that history alone reads, about what the record says of one state."""


def test_the_registry_names_no_country_in_units_and_meanings() -> None:
    words = {name: f"{entry.unit} {entry.meaning}" for name, entry in REGISTRY.items()}
    assert {name for name, text in words.items() if COUNTRIES.search(text)} == ABOUT_CHINA
    assert not [unit for unit in LIMITS if COUNTRIES.search(unit)]


def test_the_headings_of_results_name_no_country() -> None:
    for quantity in QUANTITIES.values():
        assert not COUNTRIES.search(str(quantity)), quantity


def test_the_model_speaks_of_roles() -> None:
    documented = " ".join(filter(None, (
        Study.__doc__, escalation.bindings.__doc__.partition("Examples")[0],
        *(kind.__doc__ for kind in (_kind("Actor"), _kind("Flashpoint"), _kind("Pact"))),
    )))  # fmt: skip
    assert not COUNTRIES.search(documented)


def _kind(name: str) -> type:
    import escalation.study.schema as schema

    return getattr(schema, name)


def test_a_study_says_what_its_unit_is() -> None:
    plain = parse_study(MINIMAL)
    assert plain.stake_unit == DEFAULT_STAKE_UNIT
    own = parse_study({**MINIMAL, "stake_unit": "B's stake in the islet"})
    assert own.stake_unit == "B's stake in the islet"
    assert own.sha256 != plain.sha256
    assert study_from_text(own.text) == own
    for study in (plain, own):
        said = format_parameters(escalation.parameters(study))
        assert said.endswith(f"\nStakes and costs are in V: 1 = {study.stake_unit}")
    searched = escalation.parameters(own, search="moral_hazard")
    assert "the islet" in format_parameters(searched)
    assert DEFAULT_STAKE_UNIT in format_parameters(escalation.parameters())


def test_the_unit_is_inherited_and_shown(tmp_path: Path) -> None:
    for path in ("asian_nato.yaml", "examples/baltic.yaml",
                 "cases/taiwan_strait_1958.yaml"):  # fmt: skip
        assert load_study(CONFIGS / path).stake_unit == "China's stake in Taiwan"
    for command in ("validate", "parameters"):
        shown = CliRunner().invoke(main, [command, "configs/asian_nato.yaml"]).stdout
        assert "\nStakes and costs are in V: 1 = China's stake in Taiwan\n" in shown


@pytest.mark.parametrize("unit", [5, "x" * 501, "\x1b[2J", ["a"]])
def test_a_unit_that_is_no_line_of_text_is_refused(unit: object) -> None:
    with pytest.raises(StudyError, match="stake_unit"):
        parse_study({**MINIMAL, "stake_unit": unit})
