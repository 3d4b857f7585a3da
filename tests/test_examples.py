"""Every example in a docstring of the package does what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest
import xarray as xr
from synthetic import synthetic_dataset

import escalation

ROOT = Path(__file__).resolve().parent.parent
MODULES = ["escalation", *sorted(
    found.name for found in pkgutil.walk_packages(escalation.__path__, "escalation.")
    if not found.name.endswith("__main__")
)]  # fmt: skip


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    """What examples may call ``ds``: results of a small run."""
    return synthetic_dataset(0, draws=12, trajectories=100, flashpoints=1)


def run_examples(module: ModuleType, ds: xr.Dataset) -> doctest.TestResults:
    return doctest.testmod(module, extraglobs={"ds": ds}, verbose=False)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name, ds, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    found = run_examples(importlib.import_module(name), ds)
    assert found.failed == 0, capsys.readouterr().out


def test_a_wrong_example_fails(ds, capsys):
    module = ModuleType("wrong", ">>> 1 + 1\n3\n")
    assert run_examples(module, ds) == (1, 1)
    assert "Expected" in capsys.readouterr().out


def test_what_users_call_has_an_example():
    ours = {name: getattr(escalation, name) for name in escalation.__all__}
    lacking = [
        name for name, one in ours.items() if callable(one) and ">>> " not in (one.__doc__ or "")
    ]
    assert lacking == []
