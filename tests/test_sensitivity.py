"""Variance shares against models whose shares are known in closed form.

Coverage: of R intervals of 95 % the number that hold the truth is binomial; a test fails where
so few would hold it in one of a thousand (per parameter; times ten intervals, one in a hundred
for a whole test). The same tests must fail where noise is not removed or dependence is denied.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product

import analytic_model as model
import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import binom

from escalation.errors import InputError
from escalation.statistics.design import Design
from escalation.statistics.polynomials import hermite
from escalation.statistics.sensitivity import Sensitivity, sensitivity
from escalation.statistics.surrogate import Surrogate, fit_surrogate

D = 66
ACTIVE = len(model.SLOPES)
RARE = 1e-3
"""Chance of failing, per interval, of a method that covers as it states."""


@cache
def design(n: int, seed: int) -> tuple[np.ndarray, Design]:
    u = model.uniforms(n, D, seed)
    return u, Design(u, model.names(D), joint=())


def estimated(n: int, trials: int, seed: int, noisy: bool = False) -> Sensitivity:
    """Indices of the analytic model; `noisy` leaves the Monte Carlo variance in."""
    u, draws = design(n, seed)
    y, variance = model.observed(u, trials, seed)
    return sensitivity(draws, y, None if noisy else variance)


def held(found: list[Sensitivity], kind: str, truth: np.ndarray) -> np.ndarray:
    """How many intervals hold the truth, shape (d,)."""
    low = np.array([getattr(f, f"{kind}_low") for f in found])
    high = np.array([getattr(f, f"{kind}_high") for f in found])
    return ((low <= truth) & (truth <= high)).sum(axis=0)


def fewest(n: int) -> int:
    """The least number of `n` intervals of 95 % that is not rare."""
    return int(binom.ppf(RARE, n, 0.95))


# ---------------------------------------------------------------- the model itself


def test_closed_forms_agree_with_exact_quadrature():
    node, weight = np.polynomial.legendre.leggauss(3)
    points = np.array(list(product(node / 2 + 0.5, repeat=ACTIVE)))
    chance = np.prod(list(product(weight / 2, repeat=ACTIVE)), axis=1)
    p = model.probability(points).reshape((3,) * ACTIVE)
    chance = chance.reshape(p.shape)
    mean = (chance * p).sum()
    variance = (chance * (p - mean) ** 2).sum()
    assert mean == pytest.approx(model.CENTRE)
    assert variance == pytest.approx(model.variance())
    for k in range(ACTIVE):
        others = tuple(a for a in range(ACTIVE) if a != k)
        alone = (chance * p).sum(axis=others) / (weight / 2)
        rest = np.tensordot(p, weight / 2, (k, 0))
        first = (weight / 2 * (alone - mean) ** 2).sum()
        total = variance - (chance.sum(axis=k) * (rest - mean) ** 2).sum()
        assert first / variance == pytest.approx(model.first_order(D)[k])
        assert total / variance == pytest.approx(model.total(D)[k])


def test_noise_variance_is_found():
    u, _ = design(512, 0)
    _, variance = model.observed(u, 200, seed=0)
    error = variance.std() / np.sqrt(512)
    assert abs(variance.mean() - model.noise_variance(200)) < 4 * error


# ---------------------------------------------------------------- coverage


def test_intervals_of_a_quick_run_hold_the_truth():
    found = [estimated(512, 200, seed) for seed in range(12)]
    for kind, truth in (("first", model.first_order(D)), ("total", model.total(D))):
        assert held(found, kind, truth).min() >= fewest(12)
    assert min(f.explained for f in found) > 0.85


@pytest.mark.slow
@pytest.mark.parametrize(("n", "trials"), [(64, 200), (128, 200), (512, 200)])
def test_intervals_cover_as_stated(n, trials):
    found = [estimated(n, trials, 100 + seed) for seed in range(100)]
    for kind, truth in (("first", model.first_order(D)), ("total", model.total(D))):
        hits = held(found, kind, truth)
        assert hits[:ACTIVE].min() >= fewest(100), (kind, hits[:ACTIVE])
        assert hits[ACTIVE:].min() >= fewest(100)


def test_intervals_fail_where_noise_is_left_in():
    truth = model.first_order(D)
    removed = [estimated(512, 40, seed) for seed in range(12)]
    left_in = [estimated(512, 40, seed, noisy=True) for seed in range(12)]
    assert held(removed, "first", truth)[:2].min() >= fewest(12)
    assert held(left_in, "first", truth)[:2].max() < fewest(12)


def test_noise_is_removed_from_estimates():
    def first_of(noisy: bool) -> np.ndarray:
        return np.array([estimated(512, 40, seed, noisy).first[0] for seed in range(12)])

    truth = model.first_order(D)[0]
    for values, right in ((first_of(noisy=False), True), (first_of(noisy=True), False)):
        error = values.std(ddof=1) / np.sqrt(len(values))
        assert (abs(values.mean() - truth) < 4 * error) == right


def test_variances_are_told_apart():
    found = [estimated(512, 200, seed) for seed in range(12)]
    for name, truth in (
        ("parameter_variance", model.variance()),
        ("noise_variance", model.noise_variance(200)),
    ):
        values = np.array([getattr(f, name) for f in found])
        error = values.std(ddof=1) / np.sqrt(len(values))
        assert abs(values.mean() - truth) < 4 * error


def test_ranking_names_the_largest_first():
    assert estimated(512, 2000, 1).ranked()[:ACTIVE] == model.names(ACTIVE)


# ---------------------------------------------------------------- nothing to find


@pytest.mark.parametrize("n", [64, 512])
def test_shuffled_outputs_give_nothing(n):
    found = []
    for seed in range(10):
        u, draws = design(n, seed)
        y, variance = model.observed(u, 200, seed)
        order = np.random.default_rng(seed).permutation(n)
        found.append(sensitivity(draws, y[order], variance[order]))
    assert np.mean([f.total.sum() for f in found]) < 0.02
    nothing = np.zeros(D)
    for kind in ("first", "total"):
        assert held(found, kind, nothing).sum() >= binom.ppf(RARE, 10 * D, 0.95)


def test_intervals_of_what_was_not_found_are_wide_with_few_draws():
    few, many = estimated(64, 200, 0), estimated(512, 200, 0)
    assert np.median(few.total_high[ACTIVE:]) > 10 * np.median(many.total_high[ACTIVE:])


def test_an_output_that_is_all_noise_says_so():
    _, draws = design(64, 0)
    y = np.random.default_rng(0).normal(size=64)
    found = sensitivity(draws, y, 2.0)
    assert found.all_noise
    assert found.explained == 0.0
    assert not found.first.any()
    assert not found.total.any()
    assert (found.total_high == 1.0).all()
    assert not estimated(64, 200, 0).all_noise


def test_what_swings_too_often_is_reported_as_not_explained():
    # Ishigami and Homma (1990): sin^2 of two periods is beyond the third degree.
    u, draws = design(512, 3)
    t = np.pi * (2.0 * u[:, :3] - 1.0)
    y = np.sin(t[:, 0]) + 7.0 * np.sin(t[:, 1]) ** 2 + 0.1 * t[:, 2] ** 4 * np.sin(t[:, 0])
    first = np.array([0.5 * (1 + np.pi**4 / 50) ** 2, 49 / 8, 0.0])
    total = first + np.array([1.0, 0.0, 1.0]) * 8 * np.pi**8 / 22500
    total /= 49 / 8 + np.pi**4 / 50 + np.pi**8 / 1800 + 0.5
    found = sensitivity(draws, y)
    assert found.explained < 0.6
    assert found.total_high[1] < total[1]
    assert (found.total_limit[:3] >= total).all()


# ---------------------------------------------------------------- dependent parameters


@cache
def correlated(n: int, joint: bool) -> tuple[np.ndarray, np.ndarray, list[Sensitivity]]:
    """Linear function of normal parameters, eight of them correlated: S, T, twelve estimates."""
    k = 8
    correlation = np.eye(D)
    correlation[:k, :k] = 0.6 ** np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    slopes = np.zeros(D)
    slopes[[0, 1, 2, 3, k, k + 1]] = 1.0, 0.8, -0.5, 0.3, 0.7, 0.3
    spread = slopes @ correlation @ slopes
    first = (correlation @ slopes) ** 2 / spread
    total = slopes**2 / np.diag(np.linalg.inv(correlation)) / spread
    names = model.names(D)
    found = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        z = ndtri(model.uniforms(n, D, seed))
        z[:, :k] = rng.standard_normal((n, k)) @ np.linalg.cholesky(correlation[:k, :k]).T
        y = z @ slopes + rng.normal(scale=0.5, size=n)
        draws = Design(np.exp(0.5 * z), names, joint=names[:k] if joint else ())
        found.append(sensitivity(draws, y, 0.25))
    return first, total, found


def test_intervals_of_correlated_parameters_hold_the_truth():
    first, total, found = correlated(512, joint=True)
    assert held(found, "first", first).min() >= fewest(12)
    assert held(found, "total", total).min() >= fewest(12)
    # Correlation carries: more is told by knowing p00 than is lost by not knowing it.
    assert all(f.first[0] > f.total[0] for f in found)


def test_denied_correlation_gives_wrong_indices():
    first, total, found = correlated(512, joint=False)
    assert held(found, "first", first)[:2].max() < fewest(12)
    assert held(found, "total", total)[0] < fewest(12)


def test_correlation_beyond_chance_is_found():
    rng = np.random.default_rng(0)
    z = rng.standard_normal((512, 40))
    names = model.names(40)
    assert not Design(z, names).joint.any()
    z[:, 1] = 0.5 * z[:, 0] + np.sqrt(0.75) * z[:, 1]
    tied = Design(z, names)
    assert tied.joint.tolist() == [True, True] + [False] * 38
    assert tied.correlation[0, 1] == pytest.approx(0.5, abs=4 * 0.75 / np.sqrt(512))


# ---------------------------------------------------------------- surrogate


def exact_scores(n: int, d: int) -> np.ndarray:
    """Draws that are their own normal scores, shape (n, d)."""
    z = ndtri((np.arange(n) + 0.5) / n)
    return np.column_stack([np.random.default_rng(k).permutation(z) for k in range(d)])


def polynomial(z: np.ndarray) -> np.ndarray:
    h = hermite(z, 3)
    return 1.0 + 2.0 * h[:, 0, 0] - h[:, 1, 2] + 0.8 * h[:, 0, 0] * h[:, 1, 1]


@pytest.fixture(scope="module")
def exact() -> tuple[np.ndarray, Surrogate]:
    z = exact_scores(128, 20)
    return z, fit_surrogate(Design(z, model.names(20), joint=()), polynomial(z))


def test_a_sparse_polynomial_is_found_exactly(exact):
    _, surrogate = exact
    found = dict(zip(surrogate.terms, surrogate.coefficients.round(9), strict=True))
    held_terms = {term: c for term, c in found.items() if c != 0.0}
    assert held_terms == {((0, 1),): 2.0, ((1, 3),): -1.0, ((0, 1), (1, 2)): 0.8}
    assert surrogate.constant == pytest.approx(1.0)
    assert surrogate.explained == pytest.approx(1.0)


def test_predictions_at_new_values(exact):
    z, surrogate = exact
    new = np.random.default_rng(1).uniform(z.min(), z.max(), (50, 20))
    assert surrogate.predict(new) == pytest.approx(polynomial(new))
    assert np.ptp(surrogate.predict(np.full((2, 20), [[9.0], [99.0]]))) == pytest.approx(0.0)


def test_mean_over_two_parameters_is_the_average_over_the_rest(exact):
    _, surrogate = exact
    here, there = np.array([-1.0, 0.3]), np.array([-0.5, 0.0, 1.2])
    # Two nodes of Gauss and Hermite, -1 and 1, are exact to the third degree.
    points = np.zeros((2, 20))
    points[:, 1] = -1.0, 1.0
    wanted = []
    for value in here:
        points[:, 0] = value
        wanted.append(surrogate.predict(points).mean())
    found = surrogate.mean_over("p00", "p05", here, there)
    assert found == pytest.approx(np.repeat(np.array(wanted)[:, None], 3, axis=1))
    both = surrogate.mean_over("p00", "p01", here, there)
    grid = np.zeros((6, 20))
    grid[:, 0], grid[:, 1] = np.repeat(here, 3), np.tile(there, 2)
    assert both.ravel() == pytest.approx(surrogate.predict(grid))


def test_units_and_order_of_parameters_do_not_matter():
    u, draws = design(128, 0)
    y, variance = model.observed(u, 200, 0)
    plain = sensitivity(draws, y, variance)
    order = np.random.default_rng(0).permutation(D)
    names = np.array(model.names(D))[order]
    other = sensitivity(Design(np.exp(3 * u[:, order]), names, joint=()), 5 * y - 2, 25 * variance)
    assert other.first == pytest.approx(plain.first[order])
    assert other.total_high == pytest.approx(plain.total_high[order])


# ---------------------------------------------------------------- refusals


def with_value(array: np.ndarray, place: tuple[int, ...], value: float) -> np.ndarray:
    changed = array.copy()
    changed[place] = value
    return changed


X = exact_scores(32, 2)
Y = X[:, 0] + X[:, 1] ** 2
DESIGN = Design(X, ("stake", "delay"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Design(with_value(X, (7, 1), np.nan), ("stake", "delay")),
            "parameter delay: nan in draw 7 is not finite",
        ),
        (
            lambda: Design(with_value(X, (0, 0), np.inf), ("stake", "delay")),
            "parameter stake: inf in draw 0 is not finite",
        ),
        (
            lambda: Design(X * [1.0, 0.0] + 0.5, ("stake", "delay")),
            "parameter delay: the same value, 0.5, in all draws",
        ),
        (lambda: Design(X[:15], ("stake", "delay")), "draws: 15 are too few"),
        (lambda: Design(X, ("stake",)), r"draws: shape \(32, 2\)"),
        (
            lambda: Design(X, ("stake", "delay"), joint=("dleay",)),
            "unknown parameter 'dleay' \\(did you mean 'delay'",
        ),
        (
            lambda: sensitivity(DESIGN, with_value(Y, (3,), np.nan), label="war"),
            "outcome war: nan in draw 3 is not finite",
        ),
        (
            lambda: sensitivity(DESIGN, np.full(32, 0.25), label="war"),
            "outcome war: the same value, 0.25, in all draws",
        ),
        (lambda: sensitivity(DESIGN, Y[:30], label="war"), r"outcomes: shape \(2, 30\)"),
        (
            lambda: sensitivity(DESIGN, Y, with_value(Y, (4,), np.inf), label="war"),
            "outcome war, Monte Carlo variance: inf in draw 4 is not finite",
        ),
        (
            lambda: sensitivity(DESIGN, Y, -0.1, label="war"),
            "outcome war: negative Monte Carlo variance in draw 0",
        ),
        (lambda: sensitivity(DESIGN, Y, level=1.0), "confidence level must lie between"),
        (
            lambda: fit_surrogate(DESIGN, Y).mean_over("stake", "stake", X[:, 0], X[:, 0]),
            "two parameters are needed, not 'stake' twice",
        ),
    ],
)
def test_refusals_name_what_and_where(call: Callable[[], object], message: str):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
