"""Curves of one parameter against plain regressions, and how often chance alone makes one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from escalation.errors import InputError
from escalation.statistics.curves import curve, fitted, refit, smooth
from escalation.statistics.design import Design

LEVEL = 1e-3


def names(d):
    return [f"p{i}" for i in range(d)]


def draws(seed, n=200, d=3):
    return np.random.default_rng(seed).standard_normal((n, d))


def powers(z, degree):
    return np.polynomial.hermite_e.hermevander(z, degree)


@pytest.fixture(scope="module")
def many():
    return Design(draws(1, 256, 60), names(60))


def test_basis_is_orthonormal_over_the_draws():
    basis = Design(np.exp(draws(2)), names(3)).basis
    gram = basis.transpose(0, 2, 1) @ basis / basis.shape[1]
    assert np.allclose(gram, np.eye(4), atol=1e-12)


def test_fit_and_degree_against_draws_left_out_one_by_one():
    x = draws(3, 60, 2)
    y = x[:, 0] ** 2 + 0.5 * x[:, 1] + draws(4, 60, 1)[:, 0]
    design = Design(x, names(2))
    fit = smooth(design, y[None])
    for i in range(2):
        errors = []
        for degree in range(4):
            a = powers(design.scores[:, i], degree)
            left_out = [
                y[j] - a[j] @ np.linalg.lstsq(np.delete(a, j, 0), np.delete(y, j))[0]
                for j in range(len(y))
            ]
            errors.append(np.mean(np.square(left_out)))
        penalised = [errors[k] * 2 ** (2 * k / len(y)) for k in (1, 2, 3)]
        degree = 1 + int(np.argmin(errors[1:])) if min(penalised) < errors[0] else 0
        assert fit.degree[i, 0] == degree
        a = powers(design.scores[:, i], degree)
        plain = a @ np.linalg.lstsq(a, y)[0]
        assert np.allclose(fitted(design, fit)[i, 0], plain)


def test_known_curve_in_raw_units():
    z = draws(5, 512, 4)
    x = np.exp(2 * z)
    design = Design(x, names(4))
    y = np.stack([3 + z[:, 0], z[:, 1] ** 2]) + 0.1 * draws(6, 2, 512)
    fit = smooth(design, y)
    at = np.exp(2 * np.array([-1.5, 0.0, 1.0]))
    assert curve(design, fit, "p0", at)[0] == pytest.approx([1.5, 3.0, 4.0], abs=0.15)
    assert curve(design, fit, "p1", at)[1] == pytest.approx([2.25, 0.0, 1.0], abs=0.15)
    assert (fit.degree[2:] == 0).all()
    ends = curve(design, fit, "p0", np.array([-1.0, x[:, 0].min(), x[:, 0].max(), 1e9]))[0]
    assert ends[0] == ends[1]
    assert ends[2] == ends[3]


def test_units_and_tails_do_not_matter():
    x = draws(7)
    y = (x[:, 0] + draws(8, 200, 1)[:, 0])[None]
    plain, twisted = (Design(v, names(3)) for v in (x, np.exp(3 * x)))
    a, b = (fitted(design, smooth(design, y)) for design in (plain, twisted))
    assert np.allclose(a, b)


def share_admitted(design, seed):
    y = np.random.default_rng(seed).lognormal(size=(300, design.n))
    return int((smooth(design, y).degree > 0).any(axis=0).sum())


def test_chance_admits_one_of_sixty_in_fewer_than_a_tenth_of_outcomes(many):
    assert binom.sf(share_admitted(many, 9) - 1, 300, 0.1) > LEVEL


def test_without_the_penalty_it_would_be_more():
    alone = [Design(draws(10 + i, 256, 1), names(1)) for i in range(4)]
    assert binom.sf(sum(share_admitted(d, 9) for d in alone) - 1, 4 * 300, 0.1) < LEVEL


def test_constant_outcome_has_flat_curves(many):
    fit = smooth(many, np.full((1, 256), 0.1))
    assert (fit.degree == 0).all()
    assert np.allclose(fitted(many, fit), 0.1)


def test_few_distinct_values_allow_few_degrees():
    x = draws(11)
    x[:, 0] = x[:, 0] > 0.5
    x[:, 1] = np.arange(200) == 17
    y = np.stack([x[:, 0] + 0.1 * x[:, 2], 5.0 * x[:, 1] + 0.1 * x[:, 2]])
    design = Design(x, names(3))
    fit = smooth(design, y)
    assert fit.degree[0, 0] == 1
    # A single draw apart cannot be predicted from the others.
    assert fit.degree[1, 1] == 0
    means = [y[0, x[:, 0] == v].mean() for v in (0, 1)]
    assert curve(design, fit, "p0", np.array([0.0, 1.0]))[0] == pytest.approx(means)
    assert np.isfinite(refit(design, y, np.maximum(fit.degree, 1))).all()


def test_refit_against_weighted_least_squares():
    x = draws(12, 80, 2)
    y = np.stack([x[:, 0], x[:, 1] ** 2]) + draws(13, 2, 80)
    design = Design(x, names(2), seed=5)
    degree = np.array([[1, 3], [2, 1]])
    found = refit(design, y, degree)
    for b, i, m in ((0, 0, 0), (3, 0, 1), (150, 1, 0), (199, 1, 1)):
        k = degree[i, m] + 1
        root = np.sqrt(design.weights[b])
        plain = np.linalg.lstsq(design.basis[i, :, :k] * root[:, None], y[m] * root)[0]
        assert found[b, i, m, :k] == pytest.approx(plain, abs=1e-7)
        assert (found[b, i, m, k:] == 0).all()


def test_groups_stand_for_the_draws():
    design = Design(draws(14, 300, 2), names(2))
    assert np.allclose(design.groups[1].sum(axis=-1), 1.0)
    means = (design.groups[1][..., None] * design.groups[0][:, None]).sum(axis=2)
    exact = design.weights @ design.basis
    lost, spread = (means - exact).std(axis=1), exact.std(axis=1)
    assert (lost[:, 1:] < 0.4 * spread[:, 1:]).all(), lost / spread
    # Groups of one draw are exact.
    small = Design(draws(15, 40, 2), names(2))
    means = (small.groups[1][..., None] * small.groups[0][:, None]).sum(axis=2)
    assert np.allclose(means, small.weights @ small.basis)


def test_seed_sets_the_resamples_only():
    a, b = (Design(draws(16), names(3), seed=s) for s in (0, 1))
    again = Design(draws(16), names(3), seed=0)
    assert np.array_equal(a.weights, again.weights)
    assert not np.array_equal(a.weights, b.weights)
    assert np.array_equal(a.basis, b.basis)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x[:15], "draws: 15 are too few"),
        (lambda x: x[:, :2], r"draws: shape \(200, 2\) is not"),
        (lambda x: x[:, 0], r"draws: shape \(200,\) is not"),
        (lambda x: np.where(np.arange(3) == 1, 4.5, x), "p1: the same value, 4.5, in all"),
        (lambda x: np.where(np.arange(600).reshape(200, 3) == 7, np.nan, x), "p1: nan in draw 2"),
        (lambda x: np.where(np.arange(600).reshape(200, 3) == 6, np.inf, x), "p0: inf in draw 2"),
    ],
)
def test_bad_draws_are_refused_by_name(change, words):
    with pytest.raises(InputError, match=words) as refused:
        Design(change(draws(17)), names(3))
    assert "\n" not in str(refused.value)


def test_bad_outcomes_are_refused_by_label_and_draw():
    design = Design(draws(18), names(3))
    y = np.zeros((2, 200))
    y[1, 12] = np.nan
    with pytest.raises(InputError, match="quad: nan in draw 12"):
        design.checked(y, ["hub", "quad"])
    with pytest.raises(InputError, match=r"shape \(2, 199\) is not \(2, 200\)"):
        design.checked(y[:, :199], ["hub", "quad"])
    with pytest.raises(InputError, match=r"unknown parameter 'p9' \(choices: p0, p1, p2"):
        curve(design, smooth(design, np.zeros((1, 200))), "p9", np.zeros(1))
