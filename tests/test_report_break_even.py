"""Break-even values on sweeps whose crossings are known."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import synthetic_dataset, synthetic_parts

from escalation.errors import InputError
from escalation.report.break_even_table import break_evens, format_break_even
from escalation.results.build import build_dataset
from escalation.results.crossings import find_crossings

N = 1_000_000
VALUES = np.array([-0.2, 0.0, 0.1, 0.4])
WAR = 3


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
    (found,) = break_evens(ds, [event])
    return found


def test_a_straight_line_crosses_where_it_should():
    found = only(swept(0.1 + 0.2 * (VALUES - 0.06)))
    assert found.verdict == "flips"
    (crossing,) = found.crossings
    assert crossing.value == pytest.approx(0.06, abs=1e-4)
    assert crossing.rises
    assert 0 < crossing.error < 0.01
    assert found.text().startswith("flips where provocation_stake > 0.060 ±")


def test_order_of_the_points_does_not_matter():
    line = 0.1 + 0.2 * (VALUES - 0.06)
    turned = only(swept(line[::-1], values=VALUES[::-1]))
    assert turned.crossings == only(swept(line)).crossings


def test_a_falling_line_flips_below():
    found = only(swept(0.1 - 0.2 * (VALUES - 0.06)))
    assert not found.crossings[0].rises
    assert "provocation_stake < 0.060" in found.text()


def test_two_crossings_are_both_told():
    found = only(swept(0.1 + np.array([0.01, -0.01, -0.01, 0.01])))
    assert [c.rises for c in found.crossings] == [False, True]
    assert [c.value for c in found.crossings] == pytest.approx([-0.1, 0.25])
    assert "again where" in found.text()


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
    text = format_break_even(synthetic_dataset(0, draws=2, trajectories=50))
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "flips where provocation_stake > 0.060" in text
    assert "taiwan_strait: asian_nato against hub_and_spoke" in text


def test_without_sweep_or_reference():
    small = {"flashpoints": 1, "structures": 2, "draws": 1, "trajectories": 10}
    ds = synthetic_dataset(0, **small, sweep=False)
    assert break_evens(ds) == []
    assert "No sweep" in format_break_even(ds)
    ds = synthetic_dataset(0, **small)
    assert break_evens(ds) == [], "the reference alone"
    assert "no break-even" in format_break_even(ds)
    assert break_evens(synthetic_dataset(0, draws=1).assign_attrs(reference="gone")) == []
    with pytest.raises(InputError, match="unknown event"):
        break_evens(synthetic_dataset(0, draws=1, trajectories=10), ["peace"])
