"""Which parameters are told of at all: placebos are not, drivers are."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from cells import shipped_study
from scipy.stats import binom

import escalation
from escalation.analysis.drivers import parameter_design
from escalation.model.reads import parameters_read
from escalation.statistics.design import Design
from escalation.statistics.hypercube import nested_hypercube
from escalation.statistics.screening import standing

DRIVERS, PLACEBOS, SEEDS = 10, 20, 200


def drawn(n: int, seed: int, joint: bool) -> Design:
    """Ten drivers and twenty placebos; with `joint`, the placebos go with drivers."""
    columns = [
        nested_hypercube(n, np.random.default_rng([seed, k])) for k in range(DRIVERS + PLACEBOS)
    ]
    x = np.stack(columns, axis=1)
    if joint:
        own = np.random.default_rng([seed, 99]).standard_normal((n, PLACEBOS))
        x[:, DRIVERS:] = 0.6 * x[:, np.arange(PLACEBOS) % DRIVERS] + 0.2 * own
    names = [f"driver{k}" for k in range(DRIVERS)] + [f"placebo{k}" for k in range(PLACEBOS)]
    return Design(x, names, names if joint else [])


def outcome(design: Design, seed: int, heavy: bool) -> np.ndarray:
    """A sum of curves of the drivers and one interaction, with noise as large as they are."""
    z = design.scores[:, :DRIVERS]
    weights = np.linspace(1.0, 0.2, DRIVERS)
    y = z @ weights + 0.3 * z[:, 0] * z[:, 1] + 0.2 * z[:, 2] ** 2
    noise = np.random.default_rng([seed, 7]).standard_t(2.5 if heavy else 60, design.n)
    return np.exp(0.5 * y) + noise if heavy else y + 1.2 * noise


@pytest.mark.parametrize(("joint", "heavy"), [(False, False), (False, True), (True, False)])
def test_a_placebo_is_seldom_called_a_driver(joint: bool, heavy: bool) -> None:
    """Of 200 runs with 20 placebos at most 5 % name one (level 1e-3), and most drivers are named.

    Negative control: the same test of each parameter by itself at 5 %.
    """
    wrong = naive = 0
    named = []
    for seed in range(SEEDS):
        design = drawn(256, seed, joint)
        y = outcome(design, seed, heavy)
        found = standing(design, y)
        named.append(sum(name.startswith("driver") for name in found))
        wrong += any(name.startswith("placebo") for name in found)
        if seed < 40:
            naive += any(
                standing(design.only([f"placebo{k}"]), y, 0.05) for k in range(PLACEBOS)
            )
    assert wrong <= binom.ppf(1 - 1e-3, SEEDS, 0.05), wrong
    assert naive > 20, naive
    assert np.mean(named) > (4 if heavy or joint else 6)


def test_nothing_stands_out_of_a_constant_or_of_noise() -> None:
    design = drawn(256, 1, False)
    assert standing(design, np.ones(256)) == ()
    assert standing(design, np.random.default_rng(5).standard_normal(256)) == ()


def test_parameters_that_a_cell_does_not_read_move_none_of_its_counts() -> None:
    """And of those that it reads, one moves them."""
    study = shipped_study()
    small = study.model_copy(update={
        "flashpoints": {"taiwan_strait": study.flashpoints["taiwan_strait"]},
        "structures": {n: study.structures[n] for n in ("hub_and_spoke", "trilateral")},
        "decision_rules": ("expected_utility",), "premises": {},
        "compare": study.compare.model_copy(update={"focus": ("trilateral",)}),
    })  # fmt: skip
    size = {"draws": 2, "trajectories": 200, "seed": 1, "source": "prior"}
    plain = escalation.run(small, **size)
    acts = plain["parameter_acts"].sel(flashpoint="taiwan_strait", structure="trilateral")
    read = parameters_read(small, "taiwan_strait", "trilateral")
    assert set(acts["parameter"].values[acts.values].tolist()) == read
    inert = [n for n in small.parameters if n not in read]
    assert {"asian_nato.decision_delay_days", "scarborough_shoal.onset_rate"} <= set(inert)
    pins = {n: small.parameters[n].quantile(np.array([0.9]))[0] for n in inert
            if n.partition(".")[0] not in small.structures}  # fmt: skip
    other = escalation.run(small, parameters=pins, **size)
    xr.testing.assert_identical(
        plain["first_event_count"].drop_attrs(), other["first_event_count"].drop_attrs()
    )
    delay = {"trilateral.decision_delay_days": 60.0}
    moved = escalation.run(small, parameters=delay, **size)
    assert not plain["first_event_count"].equals(moved["first_event_count"])


def test_drivers_are_looked_for_among_what_the_two_structures_read() -> None:
    ds = escalation.run(shipped_study().model_copy(update={"premises": {}}), draws=16,
                        trajectories=1, source="prior")  # fmt: skip
    names = parameter_design(ds, "scarborough_shoal", ("asian_nato", "hub_and_spoke")).names
    assert "asian_nato.decision_delay_days" in names
    # What a flashpoint inherits keeps the name of the one that it was written for.
    assert "second_thomas_shoal.third_parties.japan.power" in names
    for absent in ("quad.decision_delay_days", "taiwan_strait.onset_rate", "round_days_2",
                   "second_thomas_shoal.onset_rate", "stake_land"):  # fmt: skip
        assert absent not in names, absent
