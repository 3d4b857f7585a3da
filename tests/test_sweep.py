"""Sweeps whose crossings are known, and break-even values from draws that drive a difference."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import driven_dataset, synthetic_dataset, synthetic_parts

from escalation.analysis.drivers import thresholds
from escalation.analysis.sweep import find_crossings, has_sweep, sweep_lines
from escalation.errors import InputError
from escalation.report.answer import format_answer
from escalation.report.flips import format_break_even, format_sweep, line_text
from escalation.report.show import format_show
from escalation.results.build import build_dataset

N = 1_000_000
VALUES = np.array([-0.2, 0.0, 0.1, 0.4])
WAR = 3


@pytest.fixture(scope="module")
def driven():
    return driven_dataset()


def swept(focus_p, base_p=0.1, values=VALUES):
    """A study of one flashpoint whose focus has war with `focus_p` along the sweep."""
    arrays, coords, attrs = synthetic_parts(
        0, flashpoints=1, structures=6, draws=1, trajectories=20, sweep=False
    )
    count = np.zeros((1, 2, 1, len(values), 6), np.int64)
    count[0, 0, 0, :, WAR] = np.rint(N * np.broadcast_to(base_p, values.shape))
    count[0, 1, 0, :, WAR] = np.rint(N * np.asarray(focus_p))
    arrays |= {"sweep_value": values[None], "sweep_event_count": count}
    coords |= {
        "sweep_parameter": ["provocation_stake"],
        "sweep_structure": ["hub_and_spoke", "asian_nato"],
    }
    return build_dataset(arrays, coords, attrs | {"sweep_trajectories": N})


def only(ds, event="war"):
    (found,) = sweep_lines(ds, [event])
    return found


def test_a_straight_line_crosses_where_it_should():
    found = only(swept(0.1 + 0.2 * (VALUES - 0.06)))
    assert found.verdict == "flips"
    (crossing,) = found.crossings
    assert crossing.value == pytest.approx(0.06, abs=1e-4)
    assert crossing.rises
    assert 0 < crossing.error < 0.01
    assert line_text(found).startswith("flips where provocation_stake > 0.060 ±")


def test_order_of_the_points_does_not_matter():
    line = 0.1 + 0.2 * (VALUES - 0.06)
    turned = only(swept(line[::-1], values=VALUES[::-1]))
    assert turned.crossings == only(swept(line)).crossings


def test_a_falling_line_flips_below():
    found = only(swept(0.1 - 0.2 * (VALUES - 0.06)))
    assert not found.crossings[0].rises
    assert "provocation_stake < 0.060" in line_text(found)


def test_two_crossings_are_both_told():
    found = only(swept(0.1 + np.array([0.01, -0.01, -0.01, 0.01])))
    assert [c.rises for c in found.crossings] == [False, True]
    assert [c.value for c in found.crossings] == pytest.approx([-0.1, 0.25])
    assert "again where" in line_text(found)


def test_noise_is_no_crossing():
    noise = np.array([1, -1, 1, -1]) * 1e-4
    found = only(swept(0.1 + noise))
    assert found.crossings == ()
    assert found.verdict == "no clear crossing"


def test_an_unclear_point_between_clear_ones_is_stepped_over():
    found = only(swept(0.1 + np.array([-0.01, 0.00001, 0.01, 0.01])))
    assert len(found.crossings) == 1
    assert found.crossings[0].value == pytest.approx(-0.05, abs=1e-3)


@pytest.mark.parametrize(
    ("focus", "verdict"),
    [(0.12, "always more"), (0.08, "always less"), (0.1, "identical")],
)
def test_no_change_of_sign(focus, verdict):
    assert only(swept(np.full(4, focus))).verdict == verdict


def test_one_clear_point_in_many_proves_nothing():
    found = only(swept(0.1 + np.array([0.01, 0.0, 0.0, 0.0])))
    assert found.verdict == "no clear crossing"


def test_no_hits():
    found = only(swept(np.zeros(4), base_p=0.0))
    assert found.verdict == "no hits"
    assert only(swept(np.zeros(4)), "great_power_war").verdict == "no hits"


def test_error_of_a_crossing_agrees_with_simulation():
    x = np.array([0.0, 1.0])
    s = np.array([0.05, 0.08])
    (crossing,) = find_crossings(x, np.array([-1.0, 1.5]), s)
    rng = np.random.default_rng(1)
    found = [
        find_crossings(x, np.array([-1.0, 1.5]) + s * rng.normal(size=2), s)[0].value
        for _ in range(2_000)
    ]
    assert crossing.value == pytest.approx(0.4)
    assert crossing.error == pytest.approx(np.std(found), rel=0.1)


def test_text():
    ds = synthetic_dataset(0, draws=2, trajectories=50)
    text = format_sweep(ds)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "flips where provocation_stake > 0.060" in text
    assert "taiwan_strait: asian_nato against hub_and_spoke" in text
    assert "At the centre of everything else" in format_show(ds)
    assert text.splitlines()[0] in format_show(ds)


def test_without_sweep_or_reference():
    small = {"flashpoints": 1, "structures": 2, "draws": 1, "trajectories": 10}
    ds = synthetic_dataset(0, **small, sweep=False)
    assert sweep_lines(ds) == []
    assert not has_sweep(ds)
    assert "At the centre of everything else" not in format_show(ds)
    ds = synthetic_dataset(0, **small)
    assert sweep_lines(ds) == [], "the reference alone"
    assert "no structure to compare" in format_sweep(ds)
    assert sweep_lines(synthetic_dataset(0, draws=1).assign_attrs(reference="gone")) == []
    with pytest.raises(InputError, match="unknown event"):
        sweep_lines(synthetic_dataset(0, draws=1, trajectories=10), ["peace"])


def test_break_even_values_come_from_the_draws(driven):
    """The synthetic sweep says something else, and is told apart."""
    text = " ".join(format_break_even(driven).split())
    found = thresholds(driven, "war")
    assert found["parameter"].values.tolist() == ["provocation_stake", "provocation_onset"]
    assert found["rises"].values.tolist() == [True, False]
    assert "taiwan_strait: asian_nato against hub_and_spoke" in text
    assert "war flips where provocation_stake > -" in text
    assert "; provocation_onset < " in text
    assert ((found["low"] <= found["value"]) & (found["value"] <= found["high"])).all()
    assert "great power war no single parameter flips it" in text
    answer = " ".join(format_answer(driven).split())
    assert "turns " in answer
    assert " where provocation_stake > -" in answer


def test_break_even_values_need_draws_and_something_to_compare():
    few = format_break_even(synthetic_dataset(0, draws=2, flashpoints=1, trajectories=10))
    few = " ".join(few.split())
    assert "2 parameter draws say nothing about what drives a result" in few
    one = synthetic_dataset(0, draws=2, flashpoints=1, structures=1, trajectories=10)
    assert "nothing to compare" in format_break_even(one)
