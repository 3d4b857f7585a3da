"""Drivers and break-even values put to the test by pinning."""

from __future__ import annotations

import json
from pathlib import Path

import cells
import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import escalation
from escalation.cli.app import main
from escalation.errors import InputError, ResultsError
from escalation.report.answer import format_answer
from escalation.statistics.thresholds import Threshold
from escalation.study.loader import parse_study
from escalation.verification import pins
from escalation.verification.pins import confirm, with_confirmation


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    study = parse_study({
        "name": "s", "extends": "asian_nato.yaml", "decision_rules": ["expected_utility"],
        "flashpoints": ["flashpoints/taiwan_strait.yaml"], "premises": [],
        "structures": ["structures/hub_and_spoke.yaml", "structures/asian_nato.yaml"],
        "compare": {"focus": ["asian_nato"]},
    }, cells.CONFIGS)  # fmt: skip
    return escalation.run(study, draws=192, trajectories=200, seed=7)


@pytest.fixture(scope="module")
def told(ds: xr.Dataset) -> xr.Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pins, "MOST", 1)
        return with_confirmation(ds)


def test_what_pinning_says_is_the_difference_of_pinned_runs(
    ds: xr.Dataset, told: xr.Dataset
) -> None:
    rows = json.loads(told.attrs["confirmed"])
    row = next(row for row in rows if row["kind"] == "driver")
    name = row["parameter"]
    study = parse_study(json.loads(ds.attrs["study_text"])["<study>"], cells.CONFIGS)
    for end in ("low", "high"):
        again = escalation.run(
            study, draws=192, trajectories=200, seed=7,
            parameters={name: row[f"{end}_value"]},
        )  # fmt: skip
        war = again["p_war"].isel(decision_rule=0, flashpoint=0)
        gap = war.sel(structure="asian_nato") - war.sel(structure="hub_and_spoke")
        assert row[f"{end}_difference"] == pytest.approx(float(gap.mean()), rel=1e-9)
    assert row["confirmed"]


def test_an_inert_parameter_is_not_confirmed(
    ds: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A threshold and a driver that somebody made up, beside a true one."""
    made_up = [
        Threshold("reputation", 0.2, 0.1, 0.3, True, 0.5, 1.0),
        Threshold("provocation_onset", 0.3, 0.2, 0.4, True, 0.5, 1.0),
    ]
    monkeypatch.setattr(pins, "find_thresholds", lambda *_: made_up)
    monkeypatch.setattr(pins.Gap, "leading", lambda *_: ["reputation"])
    found = confirm(ds)
    assert found["parameter"].values.tolist() == ["reputation", "provocation_onset", "reputation"]
    inert, onset, driver = found["confirmed"].values.tolist()
    assert not inert
    assert not driver
    assert onset, "at the medians of either side the sign is what it says"


def test_the_answer_names_only_what_is_confirmed(told: xr.Dataset) -> None:
    rows = json.loads(told.attrs["confirmed"])
    assert rows
    nothing = [{**row, "confirmed": False} for row in rows]
    silent = format_answer(told.assign_attrs(confirmed=json.dumps(nothing)))
    assert "no single assumption stands out" in " ".join(silent.split())
    text = " ".join(format_answer(told).split())
    for row in rows:
        if row["kind"] == "threshold":
            assert (f" where {row['parameter']} " in text) <= row["confirmed"]


def test_the_command(
    ds: xr.Dataset, told: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = escalation.save_results(ds, tmp_path / "r.nc")
    monkeypatch.setattr(pins, "MOST", 1)
    answer = CliRunner().invoke(main, ["confirm", str(path), "--on", "war"])
    assert answer.exit_code == 0, answer.output
    assert "taiwan_strait, war: asian_nato minus hub_and_spoke" in answer.output
    first = json.loads(told.attrs["confirmed"])[0]
    assert f"{first['parameter']}, " in answer.output
    assert "confirmed" in answer.output
    assert max(map(len, answer.output.split("\n"))) <= 100


def test_what_cannot_be_asked_is_refused(ds: xr.Dataset) -> None:
    with pytest.raises(InputError, match="no event of a history"):
        confirm(ds, "onset")
    with pytest.raises(InputError, match="unknown"):
        confirm(ds, flashpoint="atlantis")
    for draws in (-1, 3, 1_000):
        with pytest.raises(InputError, match="is not from 16 to the 192 of the results"):
            confirm(ds, draws=draws)
    changed = ds.assign_attrs(study_text="{}")
    with pytest.raises(ResultsError, match="changed after it was read"):
        confirm(changed)
    assert "confirmed" not in with_confirmation(changed).attrs
    few = escalation.run(cells.first_year(), draws=2, trajectories=2)
    assert np.array_equal(with_confirmation(few)["crisis_count"], few["crisis_count"])


def test_a_pair_without_the_reference_of_the_study_is_pinned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Onset rates were observed under a structure that is neither of the two."""
    monkeypatch.setattr(pins, "MOST", 1)
    names = ("hub_and_spoke", "us_retrenchment", "asian_nato")
    study = parse_study({
        "name": "s", "extends": "asian_nato.yaml", "decision_rules": ["expected_utility"],
        "flashpoints": ["flashpoints/taiwan_strait.yaml"], "premises": [],
        "structures": [f"structures/{name}.yaml" for name in names],
        "compare": {"answer": {"structure": "asian_nato", "against": "us_retrenchment"},
                    "focus": ["asian_nato"]},
    }, cells.CONFIGS)  # fmt: skip
    ds = with_confirmation(escalation.run(study, draws=192, trajectories=200, seed=7))
    assert json.loads(ds.attrs["confirmed"])
