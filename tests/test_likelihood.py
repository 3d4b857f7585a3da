"""The log density of the parameters, its mode, and the sampler on a target of known moments."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import cells
import numpy as np
import pytest
import records
from scipy.stats import beta, f

from escalation.errors import InputError
from escalation.history import sampling
from escalation.history.features import Record, build_record
from escalation.history.likelihood import (
    AGGREGATES,
    CRISIS_WEIGHT,
    FITTED,
    HELD,
    Density,
    Space,
    crisis_opening,
    solve,
    violence_chances,
)
from escalation.history.sampling import Chains, Effort, Mode, find_mode, sample
from escalation.model.draws import Draws
from escalation.parameters.registry import REGISTRY

FEW = ("choice_precision", "settlement_scale", "opening_force", "dispute_stake", "turnover")
CRISES = np.zeros((3, 2, 4))
CRISES[2, 0] = [0, 3, 2, 1]
CRISES[0, 1] = [5, 0, 1, 0]


def small_record(n: int = 30, seed: int = 4) -> Record:
    return build_record(records.table(n, seed))[0]


def target(crises: np.ndarray | None = None, aggregates: bool = False, **options) -> Density:
    return Density(small_record(), crises, aggregates, space=Space(fitted=FEW), **options)


@pytest.fixture(scope="module")
def z() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(3, len(FEW)))


# ---------------------------------------------------------------- space


def test_origin_is_the_median_of_the_priors_and_the_rest_is_at_defaults():
    space = Space(fitted=FEW)
    origin = space.draws(np.zeros(len(FEW)))
    for name, p in REGISTRY.items():
        median = {"choice_precision": 5.0, "settlement_scale": 0.5, "dispute_stake": 0.3}.get(name)
        if median is not None:
            assert origin[name][0] == pytest.approx(median)
        elif name not in FEW:
            assert origin[name][0] == p.default
    assert origin["turnover"][0] == pytest.approx(beta.median(3, 17))


def test_coordinates_are_standard_deviations_of_the_prior():
    up = Space(fitted=FEW).draws(np.eye(len(FEW)))
    assert up["choice_precision"][0] == pytest.approx(5.0 * np.exp(0.4))
    assert up["settlement_scale"][1] == pytest.approx(0.5 * np.exp(0.35))
    assert up["settlement_scale"][0] == pytest.approx(0.5)


def test_every_fitted_parameter_is_free_and_moves_the_density():
    # A parameter that the likelihood does not feel has no place among the fitted ones.
    full = Density(small_record(120), CRISES, True)
    step = 0.3 * np.eye(len(FITTED))
    logs, residuals = full.terms(np.vstack([np.zeros(len(FITTED)), step]))
    terms = np.concatenate([logs, residuals], axis=1)
    moved = np.abs(terms[1:] - terms[0]).max(axis=1)
    assert [name for name, by in zip(FITTED, moved, strict=True) if by < 1e-9] == []


def test_parameters_are_fitted_or_held_or_do_not_move_the_density():
    features = records.features(
        ally_power=[0.0, 2.0], n_allies=[0, 2], umbrella=[False, True], land=True, after_1990=True
    )
    draws = cells.defaults()
    still = solve(features, draws)
    for name, p in REGISTRY.items():
        if name in FITTED or p.prior.describe() == "fixed":
            continue
        other = cells.pinned(draws, **{name: 1.3 * draws[name] + 0.05})
        same = (solve(features, other).outcome.chances == still.outcome.chances).all()
        assert same == (name not in HELD), name


# ---------------------------------------------------------------- density


def sum_by_hand(record: Record, draws: Draws) -> float:
    """Log likelihood of a record in which no two disputes are of one pair."""
    solved, total = solve(record.features, draws), 0.0
    for i in range(record.n):
        rate = solved.outcome.onset[0, i].sum(axis=1)
        chance = met = 0.0
        for challenger in (0, 1):
            for defender in (0, 1):
                cell = solved.cells[0, i, challenger + 2 * defender, record.cell[i]]
                chance += rate[challenger] * cell
                met += rate[challenger]
        total += np.log(chance / met)
    return total


def test_unpooled_density_is_the_sum_over_disputes_and_the_prior(z):
    t = target(pooled=False)
    found = t.log_density(z)
    for point, log_density in zip(z, found, strict=True):
        by_hand = sum_by_hand(small_record(), t.space.draws(point)) - 0.5 * (point**2).sum()
        assert log_density == pytest.approx(by_hand, abs=1e-8)


def test_pairs_share_types_only_when_pooled(z):
    alone = replace(small_record(), pair=np.arange(30))
    pooled, unpooled = target().log_density(z), target(pooled=False).log_density(z)
    of_strangers = Density(alone, None, False, space=Space(fitted=FEW)).log_density(z)
    assert np.abs(pooled - unpooled).min() > 1e-3
    np.testing.assert_allclose(of_strangers, unpooled, atol=1e-10)


def test_pooled_density_is_that_of_a_player_by_hand(z):
    t = target()
    record, draws = small_record(), t.space.draws(z[:1])
    log_chance = records.log_chance(record, solve(record.features, draws), draws["turnover"][0])
    expected = log_chance - 0.5 * (z[0] ** 2).sum()
    assert t.log_density(z[:1])[0] == pytest.approx(expected, abs=1e-8)


def test_crises_add_their_weighted_counts(z):
    t = target(CRISES)
    by_hand = target().log_density(z)
    draws, record = t.space.draws(z), small_record()
    for period in (0, 1):
        rows = np.flatnonzero(record.features.after_1990 == period)
        assert len(rows) <= 30  # all of them, not a sample
        for rung in (1, 2, 3):
            chances = violence_chances(record.features.taken(rows), draws, rung)
            counts = CRISES[rung - 1, period]
            logs = np.log(chances[:, counts > 0]) @ counts[counts > 0]
            by_hand = by_hand + CRISIS_WEIGHT * logs
    np.testing.assert_allclose(t.log_density(z), by_hand, atol=1e-8)
    assert CRISIS_WEIGHT > 0


def test_crises_open_where_their_trigger_says(z):
    draws = cells.pinned(Space(fitted=FEW).draws(z), crisis_opening_clash=0.4)
    np.testing.assert_allclose(crisis_opening(draws, 3)[0], [0, 0, 0.6, 0.4])
    np.testing.assert_allclose(crisis_opening(draws, 2)[0], [0, 1, 0, 0])
    chances = violence_chances(small_record().features, draws, 3)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=1e-12)
    assert (chances[:, 0] == 0).all()


def test_aggregates_count_as_normal_errors(z):
    t = target(aggregates=True)
    values = t.aggregate_values(t.space.draws(z))
    squares = sum(((values[a.name] - a.value) / a.error) ** 2 for a in AGGREGATES)
    np.testing.assert_allclose(t.log_density(z), target().log_density(z) - 0.5 * squares, atol=1e-8)
    assert squares.min() > 0.01


def test_points_do_not_depend_on_their_neighbours(z):
    t = target(CRISES, True)
    together = t.log_density(z)
    np.testing.assert_allclose([t.log_density(point)[0] for point in z], together, rtol=1e-12)


# ---------------------------------------------------------------- mode


@pytest.fixture(scope="module")
def climbed() -> tuple[Density, Mode]:
    t = target(CRISES, True)
    return t, find_mode(t, enough=0.001)


def test_mode_is_a_summit(climbed):
    t, mode = climbed
    assert mode.log_density == pytest.approx(t.log_density(mode.z)[0])
    assert mode.log_density > t.log_density(np.zeros(len(FEW)))[0] + 0.1
    around = mode.z + 0.1 * np.vstack([np.eye(len(FEW)), -np.eye(len(FEW))])
    assert t.log_density(around).max() < mode.log_density + 0.05


def test_mode_does_not_depend_on_where_the_climb_begins(climbed):
    t, mode = climbed
    other = find_mode(t, start=np.full(len(FEW), 0.8), enough=0.001)
    assert other.log_density == pytest.approx(mode.log_density, abs=0.02)
    assert np.abs(other.z - mode.z).max() < 0.15


def test_curvature_tells_how_the_density_falls_off(climbed):
    # By Gauss and Newton and from 30 disputes: a normal would fall by 0.5; the right order,
    # and never wider than the prior.
    t, mode = climbed
    spread = np.sqrt(np.diag(mode.covariance))
    assert (spread <= 1.0 + 1e-9).all()
    for k in range(len(FEW)):
        axis = np.eye(len(FEW))[k] / np.sqrt(np.linalg.inv(mode.covariance)[k, k])
        sides = t.log_density(mode.z + np.vstack([axis, -axis]))
        assert 0.2 < mode.log_density - sides.mean() < 2.0


def test_mode_of_a_quadratic_is_found_in_full():
    class Quadratic:
        space = SimpleNamespace(n=2)
        data, slope = np.array([1.0, -2.0, 0.5]), np.array([[1.0, 0.3], [0.2, 2.0], [0.0, 1.0]])

        def terms(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return np.zeros((len(z), 1)), z @ self.slope.T - self.data

        def log_density(self, z: np.ndarray) -> np.ndarray:
            z = np.atleast_2d(z)
            residuals = self.terms(z)[1]
            return -0.5 * (residuals**2).sum(axis=1) - 0.5 * (z**2).sum(axis=1)

    t = Quadratic()
    mode = find_mode(t, enough=1e-10)
    curvature = t.slope.T @ t.slope + np.eye(2)
    np.testing.assert_allclose(mode.covariance, np.linalg.inv(curvature), atol=1e-9)
    np.testing.assert_allclose(mode.z, np.linalg.solve(curvature, t.slope.T @ t.data), atol=1e-4)


# ---------------------------------------------------------------- sampler

CORRELATED = np.array([[1.0, 0.6, 0.0], [0.6, 2.0, -0.3], [0.0, -0.3, 0.5]])
LEVEL = 1e-3


class Skewed:
    """A normal with its first coordinate bent: y = x0, x1 - b (x0^2 - 1); moments are known."""

    bend = 0.4

    def __init__(self) -> None:
        self.centre = np.array([0.5, -1.0, 2.0])
        self.precision = np.linalg.inv(CORRELATED)

    def log_density(self, y: np.ndarray) -> np.ndarray:
        x = np.atleast_2d(y) - self.centre
        x = np.column_stack([x[:, 0], x[:, 1] + self.bend * (x[:, 0] ** 2 - 1.0), x[:, 2]])
        return -0.5 * np.einsum("wi,ij,wj->w", x, self.precision, x)

    @property
    def variance(self) -> np.ndarray:
        # Var(x1 - b (x0^2 - 1)) = Var(x1) + 2 b^2, odd moments being zero.
        return np.diag(CORRELATED) + np.array([0.0, 2.0 * self.bend**2, 0.0])


def sampled(seed: int = 3, **options) -> Chains:
    t = Skewed()
    # The approximation is off on purpose: the sampler has to make up for it.
    mode = Mode(t.centre + 0.3, 0.0, 0.8 * CORRELATED + 0.1 * np.eye(3))
    pilot = options.pop("pilot", None)
    sizes = {"walkers": 40, "warm_up": 300, "steps": 2000, "thin": 4} | options
    return sample(t, mode, Effort(**sizes), seed=seed, pilot=pilot)


def moments_p(found: Chains) -> float:
    """Return the p-value of means and variances against the known ones, walkers as replicates."""
    t = Skewed()
    apart = found.z - t.centre
    each = np.concatenate([apart.mean(axis=1), (apart**2).mean(axis=1)], axis=1)
    off = each.mean(axis=0) - np.concatenate([np.zeros(3), t.variance])
    n = len(each)
    statistic = n * off @ np.linalg.solve(np.cov(each.T), off)
    # Hotelling's statistic: its means are over many steps, hence about normal.
    return float(f.sf(statistic * (n - 6) / (6 * (n - 1)), 6, n - 6))


def test_sampler_has_the_moments_of_its_target():
    found = sampled()
    assert moments_p(found) > LEVEL
    assert found.r_hat.max() < 1.02
    assert found.ess.min() > 800
    assert 0.3 < found.accepted < 0.95
    assert found.z.shape == (40, 500, 3)


def test_density_is_stored_with_its_points():
    found = sampled(steps=20, warm_up=0)
    flat = found.z.reshape(-1, 3)
    np.testing.assert_allclose(Skewed().log_density(flat), found.log_density.ravel())


def test_wrong_proposal_factor_is_noticed(monkeypatch):
    right = sampling._autoregression

    def without_factor(centre, root):
        propose = right(centre, root)
        return lambda z, random: (propose(z, random)[0], np.zeros(len(z)))

    monkeypatch.setattr(sampling, "_autoregression", without_factor)
    assert moments_p(sampled()) < LEVEL


def test_sampling_repeats_with_its_seed():
    few = {"steps": 12, "warm_up": 3, "walkers": 6}
    assert (sampled(5, **few).z == sampled(5, **few).z).all()
    assert not (sampled(5, **few).z == sampled(6, **few).z).any()


def test_thinned_points_are_different_rows_of_the_sample():
    found = sampled(steps=50, warm_up=0, walkers=6)
    rows = found.thinned(40, seed=1)
    flat = {tuple(row) for row in found.z.reshape(-1, 3).tolist()}
    assert rows.shape == (40, 3)
    assert {tuple(row) for row in rows.tolist()} <= flat
    assert found.thinned(10**6).shape == (6 * 12, 3)


@pytest.mark.parametrize("module", ["emcee", "arviz_stats.base"])
def test_missing_sampler_is_one_clear_line(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"calibrate: needs emcee and arviz-stats") as caught:
        sampled(steps=10)
    assert "\n" not in str(caught.value)
    assert "pip install 'escalation[calibrate]'" in str(caught.value)
