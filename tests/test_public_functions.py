"""What the command line can do, Python can do: one function of the same name and options."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import escalation
from escalation.cli.app import main
from escalation.errors import InputError
from escalation.report.parameter_table import format_parameters

WRITES = {"output"}
"""Options that say where a command writes; a function returns instead."""
TELLS = {"say", "progress"}
"""A command tells of its progress on the screen."""


@pytest.mark.parametrize("name", ["backtest", "cases", "diff", "parameters", "schema", "verify"])
def test_a_command_and_its_function_take_the_same(name):
    options = {parameter.name for parameter in main.commands[name].params} - WRITES
    assert set(inspect.signature(getattr(escalation, name)).parameters) - TELLS == options
    assert name in escalation.__all__
    assert ">>> " in inspect.getdoc(getattr(escalation, name))


@pytest.mark.parametrize("first", [
    "import escalation.parameters.registry", "from escalation.parameters import priors",
    "from escalation import parameters", "import escalation.report.parameter_table",
])  # fmt: skip
def test_the_room_of_parameters_does_not_hide_the_function(first):
    code = f"{first}; import escalation; print(len(escalation.parameters()) > 100)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "True\n"


def test_the_table_of_parameters_is_what_the_command_prints(study):
    table = escalation.parameters(study)
    assert list(table.index) == list(study.parameters)
    assert CliRunner().invoke(main, ["parameters", "configs/asian_nato.yaml"]).stdout == (
        f"{format_parameters(escalation.parameters('configs/asian_nato.yaml'))}\n"
    )
    for what in ("prior", "posterior"):
        known = table[table[f"{what}_50"].notna()]
        assert len(known) > 50
        assert (known[f"{what}_5"] <= known[f"{what}_50"]).all()
        assert (known[f"{what}_50"] <= known[f"{what}_95"]).all()
        assert known[f"{what}_5"].ge(known.low - 1e-12).all()
    fixed = table[table.prior == "fixed"]
    np.testing.assert_array_equal(fixed.prior_5, fixed.default)


def test_diff_looks_names_up_in_a_study(study):
    by_name = escalation.diff("trilateral", "hub_and_spoke", study)
    command = ["diff", "trilateral", "hub_and_spoke", "--study", "configs/asian_nato.yaml"]
    assert CliRunner().invoke(main, command).stdout.splitlines() == by_name
    with pytest.raises(InputError, match=r"unknown structure 'nato' \("):
        escalation.diff("nato", "hub_and_spoke", study)
