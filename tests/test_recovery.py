"""Parameters that made up a record are found again, and posterior ranks are uniform.

Records are played dispute by dispute in plain Python (:mod:`records`), fitted and sampled. Over
many records whose parameters come from the priors, the rank of the truth among posterior draws
is uniform if likelihood, mode and sampler agree (Talts et al. 2018); so is the rank of its log
density, which feels errors that single coordinates hide (Modrák et al. 2023).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import records
from scipy.special import ndtri
from scipy.stats import binom, chi2, kstest, norm

from escalation.history.features import Record, build_record
from escalation.history.likelihood import Density, Space, solve
from escalation.history.sampling import Chains, Effort, find_mode, sample
from escalation.parameters.priors import LogNormal, Normal
from escalation.parameters.registry import REGISTRY

pytestmark = pytest.mark.slow

# ---------------------------------------------------------------- recovery

TRUTH = {
    "choice_precision": 1.0, "settlement_scale": -1.2, "opening_force": 1.0,
    "opening_threat": -1.0, "dispute_stake": 1.0, "dispute_stake_ratio": -1.0,
    "defender_revision_days": 1.2, "incident_scale": -1.2, "joining_intercept": 1.2,
    "stake_land": 1.2, "opening_after_1990": -1.2, "answer_after_1990": 1.2,
}  # fmt: skip
"""Standard deviations of the prior by which the truth is off its centre."""
FEWEST_INSIDE = 8
"""Of 12 intervals of 95 %; fewer have a chance of 2e-4."""


def made_by(space: Space, z: np.ndarray, n: int, seed: int) -> Record:
    """Return a record of `n` disputes whose outcomes were played at a point of `space`."""
    record = build_record(records.table(n, seed))[0]
    draws = space.draws(z)
    solved = solve(record.features, draws)
    return replace(record, cell=records.played(record, solved, draws["turnover"][0], seed))


@cache
def recovered() -> tuple[np.ndarray, Chains]:
    space, truth = Space(fitted=tuple(TRUTH)), np.array(list(TRUTH.values()))
    target = Density(made_by(space, truth, 600, seed=1), None, False, space=space)
    return truth, sample(target, find_mode(target), Effort(16, 100, 500, 2), seed=1)


def inside(truth: np.ndarray, found: Chains) -> int:
    low, high = np.quantile(found.z, (0.025, 0.975), axis=(0, 1))
    return int(((low <= truth) & (truth <= high)).sum())


def errors(truth: np.ndarray, found: Chains) -> np.ndarray:
    """Return errors of the posterior means in posterior standard deviations."""
    return (found.z.mean(axis=(0, 1)) - truth) / found.z.std(axis=(0, 1))


def test_true_parameters_lie_in_their_intervals():
    truth, found = recovered()
    assert binom.cdf(FEWEST_INSIDE - 1, len(truth), 0.95) < 1e-3
    assert inside(truth, found) >= FEWEST_INSIDE
    # Short chains: enough for quantiles of 95 %, not for publishing.
    assert found.r_hat.max() < 1.2
    assert found.ess.min() > 60


def test_errors_are_of_the_size_that_the_posterior_says():
    truth, found = recovered()
    squares = float((errors(truth, found) ** 2).sum())
    # Fixed truths and priors that pull: wider than a chi-square, from above only.
    assert squares < chi2.ppf(0.999, len(truth))


def test_the_record_teaches():
    truth, found = recovered()
    spread = found.z.std(axis=(0, 1))
    assert np.median(spread) < 0.75
    assert (spread < 1.1).all()
    means = found.z.mean(axis=(0, 1))
    assert np.abs(means - truth).mean() < 0.6 * np.abs(truth).mean()


def test_parameters_that_did_not_make_the_record_are_refused():
    truth, found = recovered()
    assert inside(-truth, found) < FEWEST_INSIDE
    assert (errors(-truth, found) ** 2).sum() > chi2.ppf(0.999, len(truth))


# ---------------------------------------------------------------- ranks

RANKED = (
    "choice_precision", "settlement_scale", "dispute_stake", "dispute_stake_ratio",
    "defender_revision_days", "incident_scale", "joining_intercept", "stake_land",
)  # fmt: skip
REPETITIONS, DISPUTES = 40, 150
REPETITIONS_OF_CONTROL = 12
LEVEL = 0.01
"""Family-wise, over coordinates, the log density, and three statistics of each."""


def narrow() -> Space:
    """Return coordinates of a wrong model: every prior half as wide."""
    registry = dict(REGISTRY)
    for name in RANKED:
        prior = registry[name].prior
        if isinstance(prior, LogNormal):
            prior = LogNormal(median=prior.median, sigma=prior.sigma / 2)
        elif isinstance(prior, Normal):
            prior = Normal(mean=prior.mean, sd=prior.sd / 2)
        registry[name] = replace(registry[name], prior=prior)
    return Space(registry, RANKED)


def place(truth: float, draws: np.ndarray, rng: np.random.Generator) -> float:
    """Return the place of the truth among draws, in (0, 1), ties and gaps filled at random."""
    return float(((draws < truth).sum() + rng.random()) / (len(draws) + 1))


def places(seed: int, fit: Space, width: float) -> np.ndarray:
    """Fit one record of parameters from the priors; places of coordinates and log density."""
    rng = np.random.default_rng([seed, 23])
    z = rng.standard_normal(len(RANKED))
    record = made_by(Space(fitted=RANKED), z, DISPUTES, seed)
    target = Density(record, None, False, space=fit)
    found = sample(target, find_mode(target, enough=0.05), Effort(12, 40, 160, 1), seed)
    # Two points of each chain, 80 steps apart: about independent.
    draws = found.z[:, 79::80].reshape(-1, len(RANKED))
    density = found.log_density[:, 79::80].ravel()
    truth = z / width
    return np.array(
        [place(truth[k], draws[:, k], rng) for k in range(len(RANKED))]
        + [place(target.log_density(truth)[0], density, rng)]
    )


def uniformity(found: np.ndarray) -> np.ndarray:
    """Return p-values of uniformity, shape (3, quantity): shape, centre and spread.

    Kolmogorov and Smirnov's; the mean of the normal scores; their sum of squares (Cook,
    Gelman and Rubin 2006).
    """
    scores, n = ndtri(found), len(found)
    centre = 2.0 * norm.sf(np.abs(scores.mean(axis=0)) * np.sqrt(n))
    squares = (scores**2).sum(axis=0)
    spread = 2.0 * np.minimum(chi2.sf(squares, n), chi2.cdf(squares, n))
    return np.array([[kstest(column, "uniform").pvalue for column in found.T], centre, spread])


def passes(p: np.ndarray) -> bool:
    """Whether no p-value is below its share of the level."""
    return bool(p.min() > LEVEL / p.size)


def test_ranks_of_the_truth_are_uniform():
    right = Space(fitted=RANKED)
    p = uniformity(np.array([places(seed, right, 1.0) for seed in range(REPETITIONS)]))
    assert passes(p), p.round(5)


def test_ranks_under_priors_half_as_wide_are_not():
    wrong = narrow()
    p = uniformity(np.array([places(seed, wrong, 0.5) for seed in range(REPETITIONS_OF_CONTROL)]))
    assert not passes(p), p.round(5)


def test_the_statistics_of_ranks_keep_their_level():
    rng = np.random.default_rng(0)
    for n in (REPETITIONS, REPETITIONS_OF_CONTROL):
        rejected = sum(not passes(uniformity(rng.random((n, 9)))) for _ in range(400))
        assert rejected <= binom.ppf(0.999, 400, LEVEL)
