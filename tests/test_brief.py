"""Two pages for a policy reader: nothing is loaded, nothing in a title does anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import xarray as xr
from click.testing import CliRunner
from synthetic import synthetic_dataset

from escalation.cli.app import main
from escalation.page import brief
from escalation.page.brief_file import faults
from escalation.report.answer import format_answer
from escalation.results import save_results

EVIL = "<script>alert(1)</script> & 'x'"


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    found = synthetic_dataset(0, flashpoints=1, structures=3, draws=24, trajectories=120)
    return found.assign_attrs(study_title=EVIL)


@pytest.fixture(scope="module")
def written(ds: xr.Dataset) -> str:
    return brief(ds)


def test_the_brief_holds_the_answer_and_its_figures(ds: xr.Dataset, written: str) -> None:
    answer = format_answer(ds, 80).splitlines()[-1]
    assert answer.replace("'", "&#39;") in written
    assert 1 <= written.count("<img ") <= 4
    assert all(source.startswith("data:image/png;base64,")
               for source in re.findall(r'src="([^"]*)"', written))
    for heading in ("The answer", "What the model gets wrong", "How to cite"):
        assert f"<h2>{heading}" in written


def test_nothing_in_a_title_does_anything(written: str) -> None:
    assert EVIL not in written
    assert "&lt;script&gt;" in written
    assert "<script" not in written
    assert "default-src 'none'" in written


def test_faults_are_those_of_the_model_document() -> None:
    found = dict(faults())
    assert len(found) >= 6
    assert "Length" in found
    assert all(sentence.endswith(".") for sentence in found.values())


def test_the_command_writes_a_file_and_replaces_none(ds: xr.Dataset, tmp_path: Path) -> None:
    results = save_results(ds, tmp_path / "r.nc")
    command = ["brief", str(results), "-o", str(tmp_path / "brief.html")]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "How to cite" in (tmp_path / "brief.html").read_text(encoding="utf-8")
    again = CliRunner().invoke(main, command)
    assert again.exit_code == 2
    assert "is there already" in again.stderr
