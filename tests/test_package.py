"""The package as a whole: light to import, results without the compiler, true documents."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import escalation
from escalation.parameters.registry import MARKS, REGISTRY
from escalation.report.parameter_table import markdown_parameters

ROOT = Path(__file__).resolve().parent.parent


def modules_after(statement: str) -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys; {statement}; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )
    return set(answer.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    loaded = modules_after("import escalation")
    assert not loaded & {"numba", "scipy", "xarray", "matplotlib", "pydantic", "numpy"}


def test_results_open_without_the_compiler():
    loaded = modules_after(
        "import escalation; escalation.open_results; escalation.plots; "
        "import escalation.report.show, escalation.plots"
    )
    assert "xarray" in loaded
    assert "numba" not in loaded


def test_public_names_exist():
    for name in escalation.__all__:
        assert getattr(escalation, name) is not None


def test_every_parameter_is_explained():
    for parameter in REGISTRY.values():
        assert parameter.mark in MARKS
        assert all((parameter.meaning, parameter.unit, parameter.source, parameter.claim))
        assert parameter.low <= parameter.default <= parameter.high


def test_model_document_lists_exactly_the_parameters_of_the_code():
    text = (ROOT / "escalation" / "MODEL.md").read_text(encoding="utf-8")
    table = text.split("<!-- parameters: begin -->")[1].split("<!-- parameters: end -->")[0]
    assert table.strip() == markdown_parameters(REGISTRY)
