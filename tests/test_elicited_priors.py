"""A median and a 90 % range in place of a prior."""

from __future__ import annotations

from typing import Any

import cells
import numpy as np
import pytest

from escalation.errors import StudyError
from escalation.parameters.priors import Elicited
from escalation.study.loader import parse_study
from escalation.study.quantity import InlinePrior
from escalation.study.schema import Study

LEVELS = np.array([0.05, 0.5, 0.95])
STRAIT = "flashpoints/taiwan_strait.yaml"


def study_of(parameters: dict[str, Any] | None = None, **flashpoint: Any) -> Study:
    return parse_study(
        {"name": "s", "extends": "asian_nato.yaml", "parameters": parameters or {},
         "flashpoints": [{"name": "taiwan_strait", "extends": STRAIT, **flashpoint}]},
        cells.CONFIGS,
    )  # fmt: skip


@pytest.mark.parametrize(("median", "range_", "bounds"), [
    (0.4, (0.2, 0.6), (0.0, 1.0)),
    (0.9, (0.3, 0.95), (0.0, 1.0)),
    (-0.6, (-0.9, 0.8), (-1.0, 1.0)),
    (7.0, (3.0, 40.0), (0.0, 36_500.0)),
    (-1.5, (-4.0, 0.0), (-8.0, 8.0)),
])  # fmt: skip
def test_the_three_numbers_are_its_quantiles(
    median: float, range_: tuple[float, float], bounds: tuple[float, float]
) -> None:
    prior = Elicited(median=median, range=range_).within(*bounds)
    first, last = range_
    assert prior.quantile(LEVELS) == pytest.approx([first, median, last], rel=1e-12)
    far = prior.quantile(np.array([0.0, 1e-12, 1 - 1e-12, 1.0]))
    low, high = prior.support()
    assert (np.diff(prior.quantile(np.linspace(0.001, 0.999, 999))) > 0).all()
    assert low <= far[0] <= far[1] < far[2] <= far[3] <= high


def test_it_takes_the_bounds_of_its_position() -> None:
    study = study_of(
        defender_power={"median": 0.2, "range": [0.1, 0.5]},
        third_parties={"united_states": {
            "power": 0.7, "stake": {"median": 0.7, "range": [0.5, 0.8]}}},
    )
    entry = study.parameters["taiwan_strait.defender_power"]
    assert (entry.default, entry.mark, entry.low) == (0.2, "judgement", 0.0)
    assert entry.quantile(LEVELS) == pytest.approx([0.1, 0.2, 0.5])
    assert study.parameters["taiwan_strait.third_parties.united_states.stake"].default == 0.7
    assert isinstance(study.flashpoints["taiwan_strait"].defender_power, InlinePrior)


def test_it_overrides_a_parameter_within_its_bounds() -> None:
    study = study_of({
        "reliability": {"median": 0.4, "range": [0.2, 0.7]},
        "taiwan_strait.defender_power": {"median": 0.3, "range": [0.2, 0.5]},
    })
    prior = study.parameters["reliability"].prior
    assert prior.support() == (0.01, 0.99)
    assert study.parameters["reliability"].default == 0.4
    assert study.parameters["taiwan_strait.defender_power"].default == 0.3


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "median outside": ({"median": 0.9, "range": [0.2, 0.6]}, "must lie inside the range"),
    "range upside down": ({"median": 0.4, "range": [0.6, 0.2]}, "must lie inside the range"),
    "range beyond the bounds": ({"median": 0.4, "range": [-0.2, 0.6]}, "inside the bounds, 0 to"),
    "range of one": ({"median": 0.4, "range": [0.2]}, "a range has two numbers, found 1"),
    "no range": ({"median": 0.4}, "missing key 'range'"),
    "not a number": ({"median": "high", "range": [0.2, 0.6]}, "expected a number"),
    "a key too many": ({"median": 0.4, "range": [0.2, 0.6], "sigma": 1}, "unknown key 'sigma'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused_where_it_stands(case: str) -> None:
    quantity, words = WRONG[case]
    with pytest.raises(StudyError, match=words):
        study_of(defender_power=quantity)


def test_an_override_beyond_its_parameters_bounds_is_refused() -> None:
    with pytest.raises(StudyError, match="inside the bounds"):
        study_of({"reliability": {"median": 0.4, "range": [-0.5, 0.7]}})
