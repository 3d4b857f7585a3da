"""Value of information against the unit normal loss, and against chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, norm

from escalation.errors import InputError
from escalation.statistics.curves import smooth
from escalation.statistics.design import Design
from escalation.statistics.information import value_of_information

SLOPES = np.array([1.0, 0.6, 0.4])
NOISE, MEAN = 0.8, 0.5
LEVEL = 1e-3


def normal_loss(mean, spread):
    """E[max(0, -X)] for a normal X."""
    return spread * (norm.pdf(mean / spread) - mean / spread * norm.sf(mean / spread))


TRUE_EVPPI = normal_loss(MEAN, SLOPES)
TRUE_EVPI = normal_loss(MEAN, np.hypot(np.linalg.norm(SLOPES), NOISE))


def linear_case(seed, n, d):
    """Two options whose losses differ by a linear function of three normal parameters."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    difference = MEAN + x[:, :3] @ SLOPES + NOISE * rng.standard_normal(n)
    shared = rng.standard_normal(n) + 3 * x[:, -1]
    design = Design(x, [f"p{i}" for i in range(d)], seed=seed)
    return design, np.stack([shared, shared + difference])


@pytest.fixture(scope="module")
def case():
    return linear_case(1, 1024, 63)


@pytest.fixture(scope="module")
def found(case):
    return value_of_information(*case, ["hub", "quad"])


def test_closed_form_among_sixty_inert_parameters(found):
    assert found.best == "hub"
    assert found.evpi_low <= TRUE_EVPI <= found.evpi_high
    assert ((found.low[:3] <= TRUE_EVPPI) & (found.high[:3] >= TRUE_EVPPI)).all()
    assert list(np.argsort(-found.evppi)[:3]) == [0, 1, 2]


def test_mean_over_many_samples_is_near_the_closed_form():
    many = [value_of_information(*linear_case(s, 512, 6), ["a", "b"]) for s in range(200, 240)]
    assert np.mean([f.evpi for f in many]) == pytest.approx(TRUE_EVPI, rel=0.05)
    means, spread = (f([v.evppi[:3] for v in many], axis=0) for f in (np.mean, np.std))
    assert means[:2] == pytest.approx(TRUE_EVPPI[:2], rel=0.12)
    # Four standard errors, and upward the bias of a small value.
    assert TRUE_EVPPI[2] - 4 * spread[2] / 40**0.5 < means[2] < 1.6 * TRUE_EVPPI[2]


def test_inert_parameters_are_worth_nothing_but_keep_an_upper_bound(found):
    # p62 moves both losses alike.
    assert np.count_nonzero(found.evppi[3:]) <= 2
    assert (found.low[3:][found.evppi[3:] == 0] == 0).all()
    assert (found.high[3:] < 0.1 * TRUE_EVPI).all()
    assert found.high[3:].any()


def test_bounds_are_in_order(found):
    assert (found.low >= 0).all()
    assert (found.low <= found.evppi).all()
    assert (found.evppi <= found.high).all()
    assert (found.evppi <= found.evpi).all()
    assert (found.high <= found.evpi_high).all()


def test_order_of_structures_and_shared_losses_do_not_matter(case, found):
    design, y = case
    swapped = value_of_information(design, y[::-1] + 7.0, ["quad", "hub"])
    assert swapped.best == "hub"
    assert swapped.evpi == pytest.approx(found.evpi)
    assert swapped.evppi == pytest.approx(found.evppi, abs=1e-9)
    assert swapped.high == pytest.approx(found.high, abs=1e-9)


def test_permuted_losses_leave_nothing(case):
    design, y = case
    worth = 0
    for seed in range(30):
        mixed = np.random.default_rng(seed).permutation(y, axis=1)
        worth += value_of_information(design, mixed, ["hub", "quad"]).evppi.any()
    assert binom.sf(worth - 1, 30, 0.1) > LEVEL
    # Control: the unmixed losses fail the same test.
    again = [value_of_information(*linear_case(s, 256, 6), "ab").evppi.any() for s in range(8)]
    assert binom.sf(sum(again) - 1, 8, 0.1) < LEVEL


def test_three_structures_against_plain_regressions():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((300, 2))
    y = np.stack([np.zeros(300), x[:, 0], 0.2 - x[:, 0] + 0.5 * x[:, 1]])
    y += 0.05 * rng.standard_normal(y.shape)
    design = Design(x, ["a", "b"])
    found = value_of_information(design, y, ["s", "t", "u"])
    best = "stu".index(found.best)
    degree = smooth(design, y - y[best]).degree
    assert found.evpi == pytest.approx(y.mean(axis=1).min() - y.min(axis=0).mean())
    for i in range(2):
        z = design.scores[:, i]
        fits = [
            np.polyval(np.polyfit(z, row, k), z)
            for row, k in zip(y - y[best], degree[i], strict=True)
        ]
        worth = min(f.mean() for f in fits) - np.min(fits, axis=0).mean()
        assert found.evppi[i] == pytest.approx(worth)
    assert found.evppi[0] > 0.5
    assert 0 < found.evppi[1] < 0.15


def test_equal_structures_leave_nothing_to_know(case):
    design, y = case
    found = value_of_information(design, y[[0, 0, 0]], ["a", "b", "c"])
    assert found.best == "a"
    assert (found.evpi, found.evpi_low, found.evpi_high) == (0.0, 0.0, 0.0)
    assert not found.evppi.any()
    assert not found.high.any()


def coverage(seeds, n, factor=1.0):
    """Count intervals that hold `factor` times the truth, for p0, p1 and EVPI."""
    hits = np.zeros(3, int)
    for seed in seeds:
        found = value_of_information(*linear_case(seed, n, 6), ["hub", "quad"])
        low = np.array([*found.low[:2], found.evpi_low])
        high = np.array([*found.high[:2], found.evpi_high])
        truth = factor * np.array([*TRUE_EVPPI[:2], TRUE_EVPI])
        hits += (low <= truth) & (truth <= high)
    return hits


def test_intervals_cover_at_least_nine_in_ten():
    seeds = range(100, 180)
    assert (binom.cdf(coverage(seeds, 256), 80, 0.9) > LEVEL).all()
    # Control: a wrong truth is not covered.
    assert (binom.cdf(coverage(seeds, 256, factor=2.0), 80, 0.9) < LEVEL).all()


@pytest.mark.slow
@pytest.mark.parametrize("n", [128, 512])
def test_intervals_cover_close_to_what_they_state(n):
    assert (binom.cdf(coverage(range(1000, 1600), n), 600, 0.92) > LEVEL).all()


def test_bad_losses_are_refused(case):
    design, y = case
    with pytest.raises(InputError, match="1 structures leave nothing to choose"):
        value_of_information(design, y[:1], ["hub"])
    y = y.copy()
    y[1, 3] = np.nan
    with pytest.raises(InputError, match="quad: nan in draw 3"):
        value_of_information(design, y, ["hub", "quad"])
