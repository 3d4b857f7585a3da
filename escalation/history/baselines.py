r"""What the model is compared with: base rates and logits, fitted to training rows.

base rate
    Shares of the categories among the training rows, as the mean of the Jeffreys posterior,
    :math:`(n_k + 1/2) / (n + K/2)`, so that a category never seen is not called impossible.
logit
    Multinomial logit with `FEATURES`, standardised on the training rows, maximising

    .. math:: \sum_i \log p_{y_i}(x_i) - \tfrac{\lambda}{2} \lVert \beta \rVert^2

    with an unpenalised intercept, by Newton's method. The ridge :math:`\lambda = 5` is weak beside
    a thousand rows but keeps the rare levels (threat, war) from being fitted too closely: near
    zero the held-out log score of the level is worse.
logit with history
    Adds what earlier disputes of the same pair were like,
    :math:`\sum_j (z_j - \bar z) / (m + 2)` over its :math:`m` earlier disputes, for hostility level
    and reciprocation, with :math:`\bar z` the training mean: a mean drawn towards the world's.

Nobody can join who is not there: where the target has no defender, the logits put P(joining)
to zero and are fitted to the other rows only. The base rate of joining ignores this.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from escalation.archive.dispute_table import Disputes, history_before
from escalation.history.targets import TARGETS, Forecast, binary, outcomes_of

FEATURES = (
    "log capability ratio",
    "land border",
    "sea border",
    "1990 or later",
    "unshared nuclear umbrella",
    "log1p number of defenders",
    "initiator nuclear",
)
HISTORY_FEATURES = ("earlier level", "earlier reciprocation")
RIDGE = 5.0
BASELINES = ("base_rate", "logit", "logit_history")

_LOG_RATIO_LIMIT = 6.0
_HISTORY_PRIOR = 2.0
_MAX_STEPS = 100
_CLOSE = 1e-9
_LONGEST_STEP = 2.0
"""A longer Newton step is cut, lest nearly separable rows overshoot."""


def base_rate(outcome: np.ndarray, categories: int) -> np.ndarray:
    """Jeffreys mean of the shares of the categories, shape (K,).

    >>> base_rate(np.array([0, 1, 1]), 2).tolist()
    [0.375, 0.625]
    """
    return (np.bincount(outcome, minlength=categories) + 0.5) / (len(outcome) + categories / 2)


@dataclass(frozen=True)
class Logit:
    """A fitted multinomial logit.

    Attributes
    ----------
    centre, scale : array, shape (F,)
        Mean and standard deviation of the features among the training rows.
    weights : array, shape (1 + F, K)
        Intercept and coefficients of the standardised features; category 0 has zeros.
    """

    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """P(category) of rows of features, shape (n, K)."""
        return np.exp(_log_softmax(self._design(features) @ self.weights))

    def _design(self, features: np.ndarray) -> np.ndarray:
        scaled = (features - self.centre) / self.scale
        return np.column_stack((np.ones(len(scaled)), scaled))


def fit_logit(
    features: np.ndarray, outcome: np.ndarray, categories: int, *, ridge: float = RIDGE
) -> Logit:
    """Fit a multinomial logit by penalised likelihood (see the module's text).

    Parameters
    ----------
    features : array, shape (n, F)
    outcome : int array, shape (n,)
        Category of each row.
    categories : int
        K; of a category that never occurs, half a row with average features is added.
    ridge : float
        Penalty on the coefficients of standardised features.
    """
    spread = features.std(axis=0)
    empty = Logit(features.mean(axis=0), np.where(spread > 0, spread, 1.0), np.empty(0))
    happened = np.eye(categories)[outcome]
    absent = happened.sum(axis=0) == 0
    average = np.eye(1 + features.shape[1])[np.zeros(absent.sum(), int)]
    design = np.vstack((empty._design(features), average))
    happened = np.vstack((happened, 0.5 * np.eye(categories)[absent]))
    penalty = ridge * np.r_[0.0, np.ones(features.shape[1])]
    weights = np.zeros((design.shape[1], categories))
    weights[0] = np.log(happened.sum(axis=0))
    weights[0] -= weights[0, 0]
    for _ in range(_MAX_STEPS):
        step = _newton_step(design, happened, weights, penalty)
        weights[:, 1:] += step * min(1.0, _LONGEST_STEP / max(np.abs(step).max(), _CLOSE))
        if np.abs(step).max() < _CLOSE:
            break
    return replace(empty, weights=weights)


def _newton_step(
    design: np.ndarray, happened: np.ndarray, weights: np.ndarray, penalty: np.ndarray
) -> np.ndarray:
    """Slope over curvature of the penalised log likelihood, shape (1 + F, K - 1).

    Parameters
    ----------
    design : array, shape (n, 1 + F)
    happened : array, shape (n, K)
        Weight of the row in the column of its category.
    weights : array, shape (1 + F, K)
    penalty : array, shape (1 + F,)
    """
    mass = happened.sum(axis=1, keepdims=True)
    p = np.exp(_log_softmax(design @ weights))
    slope = design.T @ (happened - mass * p) - penalty[:, None] * weights
    size, others = len(penalty), range(1, p.shape[1])
    curvature = np.block([
        [(design * (mass[:, 0] * p[:, k] * ((k == j) - p[:, j]))[:, None]).T @ design
         + (k == j) * np.diag(penalty) for j in others]
        for k in others
    ])  # fmt: skip
    return np.linalg.solve(curvature, slope[:, 1:].T.ravel()).reshape(-1, size).T


def _log_softmax(scores: np.ndarray) -> np.ndarray:
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def features_of(disputes: Disputes) -> np.ndarray:
    """Columns of `FEATURES`, shape (n, 7); an unknown capability ratio counts as even."""
    ratio = np.log(disputes.initiator_cinc / disputes.target_cinc)
    return np.column_stack((
        np.clip(np.nan_to_num(ratio), -_LOG_RATIO_LIMIT, _LOG_RATIO_LIMIT),
        disputes.land,
        disputes.sea,
        disputes.post_1990,
        disputes.umbrella,
        np.log1p(disputes.n_target_defenders),
        disputes.initiator_nuclear,
    )).astype(float)  # fmt: skip


def history_features_of(
    disputes: Disputes, history: Disputes | None, means: tuple[float, float]
) -> np.ndarray:
    """Columns of `HISTORY_FEATURES`, shape (n, 2); zeros for a pair without earlier disputes.

    Parameters
    ----------
    disputes : Disputes
    history : Disputes or None
        Where earlier disputes of the same pair are looked for.
    means : tuple of float
        Level and reciprocation that are average.
    """
    found = np.zeros((len(disputes), 2))
    if history is None:
        return found
    z = np.column_stack((history.level, history.recip)) - np.array(means)
    for i, rows in enumerate(history_before(disputes, history)):
        found[i] = z[rows].sum(axis=0) / (len(rows) + _HISTORY_PRIOR)
    return found


def predict_baselines(
    train: Disputes, test: Disputes, history: Disputes | None
) -> dict[str, Forecast]:
    """Fit every baseline to `train` and predict `test`.

    Parameters
    ----------
    train, test : Disputes
        Rows to fit to and rows to predict; they should not overlap.
    history : Disputes or None
        Earlier disputes of a pair, for training and test rows alike; only years before the
        dispute's own count. Without it there is no ``logit_history``.

    Returns
    -------
    dict
        Baseline to target to probabilities, shape (n, K).
    """
    means = float(train.level.mean()), float(train.recip.mean())
    designs = {"logit": (features_of(train), features_of(test))}
    if history is not None:
        earlier, earlier_test = (history_features_of(d, history, means) for d in (train, test))
        x, x_test = designs["logit"]
        designs["logit_history"] = np.hstack((x, earlier)), np.hstack((x_test, earlier_test))
    found: dict[str, Forecast] = {name: {} for name in ("base_rate", *designs)}
    for target, categories in TARGETS.items():
        outcome = outcomes_of(train)[target]
        known = outcome >= 0
        rates = base_rate(outcome[known], categories)
        found["base_rate"][target] = np.tile(rates, (len(test), 1))
        for name, (x, x_test) in designs.items():
            if target == "joining":
                found[name][target] = _joining(x, train, x_test, test)
            elif not known.any():
                found[name][target] = found["base_rate"][target]
            else:
                fitted = fit_logit(x[known], outcome[known], categories)
                found[name][target] = fitted.probabilities(x_test)
    return found


def _joining(x: np.ndarray, train: Disputes, x_test: np.ndarray, test: Disputes) -> np.ndarray:
    """P(a defender joins), shape (n, 2): zero without defenders, else a logit."""
    able, able_test = train.n_target_defenders > 0, test.n_target_defenders > 0
    chance = np.zeros(len(test))
    if able.any():
        fitted = fit_logit(x[able], train.joined[able].astype(int), 2)
        chance[able_test] = fitted.probabilities(x_test[able_test])[:, 1]
    return binary(chance)
