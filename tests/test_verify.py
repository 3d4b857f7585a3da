"""`escalation verify`: passes on small studies, fails when one table is one per cent off.

Family-wise level 1e-4 in every run, fixed seeds. The sizes of the negative controls come from
the exact chances with and without the change: each is caught with more than 99 % at that size.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cells
import numpy as np
import player
import pytest
from click.testing import CliRunner, Result

import escalation.verification.verify
from escalation.cli.app import main
from escalation.contracts.tables import Tables, one_cell
from escalation.errors import InputError
from escalation.study import load_study
from escalation.verification import interpolation
from escalation.verification.agreement import compare, failures
from escalation.verification.histories import TENSION_POINTS, solve_histories
from escalation.verification.verify import Asked, reduced, verified, verify
from escalation.verification.worlds import one_dispute

SMALL = cells.CONFIGS / "verify"
STUDIES = ("taiwan_great_power_alone", "shoal_no_third_parties", "islands_with_host")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["verify", *(str(argument) for argument in arguments)])


def off(name: str, *place: object) -> Callable[[Tables], Tables]:
    """Return what makes thresholds of a table one per cent higher."""

    def change(tables: Tables) -> Tables:
        array = getattr(tables, name).astype(np.int64)
        array[(slice(None), *place)] = np.round(array[(slice(None), *place)] * 1.01)
        return tables._replace(**{name: array.astype(np.int32)})

    return change


@pytest.mark.parametrize("name", STUDIES)
def test_small_studies_pass(name: str, tmp_path: Path) -> None:
    target = tmp_path / "checks.json"
    result = call(
        SMALL / f"{name}.yaml", "--structure", "hub_and_spoke", "--trajectories", 50_000,
        "--json", target,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "passed: kernel and exact solution agree" in result.output
    assert max(len(line) for line in result.output.splitlines()) <= 110
    saved = json.loads(target.read_text())
    assert saved["passed"]
    for cell in saved["cells"]:
        whole = not cell["third_parties"]
        assert len(cell["checks"]) == (12 if whole else 5)
        assert {check["n"] for check in cell["checks"]} == {50_000}


def test_a_shipped_study_is_reduced() -> None:
    result = call(
        cells.CONFIGS / "asian_nato.yaml", "--flashpoint", "spratlys_vietnam", "--structure",
        "asian_nato", "--trajectories", 30_000, "--draws", 2,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "spratlys_vietnam: united_states of 9 third parties kept" in result.output
    assert "asian_nato, draw 1, with united_states" in result.output
    words = " ".join(result.output.split())
    assert "3 pairs of a flashpoint and a structure x 3 worlds x 30,000 histories" in words


def test_one_threshold_off_by_one_per_cent_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: the chance that a challenger of low resolve opens with force shown."""
    changed = partial(verified, change=off("opening", 0, 1))
    monkeypatch.setattr(escalation.verification.verify, "verified", changed)
    study = SMALL / "taiwan_great_power_alone.yaml"
    arguments = (study, "--structure", "hub_and_spoke", "--trajectories", 300_000)
    result = call(*arguments)
    assert result.exit_code == 1
    assert "FAILED: the kernel differs from the exact solution in" in result.output
    assert "FAILS" in result.output
    monkeypatch.undo()
    assert call(*arguments).exit_code == 0


CHANGES = {
    "opening": ("taiwan_great_power_alone", off("opening", 0, 1)),
    "withdrawal": ("taiwan_great_power_alone", off("challenger", ..., 0)),
    "decision": ("taiwan_great_power_alone", off("decision", ..., slice(0, 2))),
    "settlement": ("taiwan_great_power_alone", off("ending", slice(None), slice(1, 5))),
    "victory": ("taiwan_great_power_alone", off("victory")),
    "concession": ("islands_with_host", off("defender", slice(None), slice(None), 3, ..., 0)),
    "onset": ("shoal_no_third_parties", off("onset")),
    "answers": ("shoal_no_third_parties", off("revision", 1, 2)),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", list(CHANGES))
def test_what_is_off_by_one_per_cent_fails(what: str) -> None:
    """Negative controls, 5e6 histories per world; 5e6 without a change pass below."""
    name, change = CHANGES[what]
    study = load_study(SMALL / f"{name}.yaml")
    found = verified(study, Asked(structure="hub_and_spoke", trajectories=5_000_000), change)
    assert not found["passed"]


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_full_size_passes(name: str) -> None:
    found = verify(load_study(SMALL / f"{name}.yaml"), trajectories=5_000_000)
    assert found["passed"], found


def test_reduction_keeps_the_great_power_then_the_host_then_the_strongest() -> None:
    study = cells.shipped_study()

    def kept(flashpoint: str, n: int | None) -> list[str]:
        small = reduced(study, flashpoint, n)
        assert small.horizon_years == (10 if n == 0 else 1)
        return list(small.flashpoints[flashpoint].third_parties)

    assert kept("taiwan_strait", None) == ["united_states"]
    assert kept("taiwan_strait", 2) == ["united_states", "japan"]
    assert kept("second_thomas_shoal", 2) == ["united_states", "japan"]  # the host is the defender
    assert kept("taiwan_strait", 0) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"flashpoint": "moon"}, "flashpoint: unknown name 'moon' (choices: taiwan_strait"),
        ({"structure": "moon"}, "structure: unknown name 'moon'"),
        ({"parties": 3}, "parties: 3 is not a whole number from 0 to 2"),
        ({"level": 0.0}, "level: 0.0 is not between 0 and 1"),
        ({"trajectories": 0}, "trajectories: 0 is not a whole number"),
    ],
)
def test_bad_options_give_one_clear_line(options: dict, message: str) -> None:
    with pytest.raises(InputError) as error:
        verify(cells.shipped_study(), **options)
    assert str(error.value).startswith(message)


def test_worlds_hold_one_dispute() -> None:
    tables = cells.compiled("taiwan_strait", "asian_nato")
    for kind in (0, 1):
        counts = cells.count(one_dispute(tables, kind), 3_000)
        assert counts.crisis[0, kind].sum() == counts.crisis.sum() == 3_000
    assert cells.count(tables, 3_000).crisis.sum() > 6_000


def test_a_finer_grid_of_tension_changes_nothing() -> None:
    place = cells.with_parties(cells.shipped_study().flashpoints["taiwan_strait"])
    tables = one_cell(cells.compiled(place, "hub_and_spoke"), 0)
    one, two = (solve_histories(tables, n) for n in (TENSION_POINTS, 2 * TENSION_POINTS - 1))
    for name in ("worst_rung", "first_event", "trajectory_end"):
        assert np.abs(getattr(one, name) - getattr(two, name)).max() < 2e-6
    assert one.worst_rung.sum() == pytest.approx(1.0, abs=1e-9)
    assert one.trajectory_end.sum() == pytest.approx(1.0, abs=1e-9)
    coarse = solve_histories(tables, 12)
    assert np.abs(coarse.worst_rung - two.worst_rung).max() > 2e-5


def test_curves_are_those_of_the_player() -> None:
    rng = np.random.default_rng(7)
    numbers = rng.integers(0, 2**32, 500) >> rng.integers(0, 30, 500)
    assert interpolation.minus_log(numbers).tolist() == [player.minus_log(int(x)) for x in numbers]
    odds = rng.integers(-(2**21), 2**21, 500)
    expected = [player.curve(player.SIGMA, int(x)) // 2**15 for x in odds]
    assert interpolation.trust(odds).tolist() == expected


def test_survival_counts_numbers() -> None:
    hazard = np.array([0, 1, 10**6, 10**8, 10**9, 2**31])
    chance = interpolation.survival(hazard)
    assert chance[0] == 1.0
    assert chance[-1] == 0.0
    for h, p in zip(hazard[1:-1], chance[1:-1], strict=True):
        last = round(p * 2**32) - 1
        assert player.minus_log(last) >= h > player.minus_log(last + 2)
    assert chance == pytest.approx(np.exp(-hazard / 2**26), abs=1e-5)


def test_compare_sees_the_impossible_and_the_rare() -> None:
    chance = np.array([0.5, 0.5 - 1e-6, 1e-6, 0.0])
    fair = np.array([50_100, 49_900, 0, 0])
    assert compare(fair, chance).p > 0.1
    assert compare(fair + np.array([0, 0, 0, 1]), chance).p == 0.0
    assert compare(fair + np.array([0, 0, 5, 0]), chance).p < 1e-6
    assert compare(fair + np.array([1_000, -1_000, 0, 0]), chance).p < 1e-8


def test_fair_counts_fail_as_often_as_the_level_says() -> None:
    """2,000 fair samples at level 0.05: 100 failures expected, 60 to 145 with 99.99 %."""
    chance = np.array([0.4, 0.3, 0.2, 0.08, 0.02])
    samples = np.random.default_rng(3).multinomial(5_000, chance, size=2_000)
    assert 60 < sum(compare(seen, chance).p < 0.05 for seen in samples) < 145


def test_holm_by_hand() -> None:
    assert failures([0.01, 0.04, 0.03, 0.005], 0.05) == [True, False, False, True]
    assert failures([0.2, 0.9], 0.05) == [False, False]
