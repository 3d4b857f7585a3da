"""Out-of-sample scores: cross-validation, and the ladder of ablations.

Each fold is fitted to its mode; its test rows are predicted with draws from the normal
approximation there, and with what the pair's disputes of strictly earlier years say. Crises and
published aggregates stay in every fit, as they would for a new user.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from escalation.archive.dispute_table import Disputes
from escalation.history.backtest import cross_validate
from escalation.history.features import build_record
from escalation.history.likelihood import FITTED, Density, Space
from escalation.history.predict import predict_disputes
from escalation.history.sampling import find_mode
from escalation.history.targets import Prediction
from escalation.parameters.registry import REGISTRY

DIRECT = ("opening_capability", "opening_after_1990", "answer_after_1990")
"""Direct coefficients of features, which no mechanism stands behind."""

STAKES = (
    "stake_land", "stake_sea", "stake_after_1990", "stake_china", "stake_shared",
    "ratio_land", "ratio_sea", "ratio_allies", "ratio_decade",
)  # fmt: skip
"""Mappings from features to stakes."""

N_DRAWS, FOLD_STEPS = 32, 12


@dataclasses.dataclass(frozen=True)
class Variant:
    """A model with parts taken away.

    Attributes
    ----------
    name : str
        What is in it.
    without : tuple of str
        Parameters held at zero.
    types : bool
        Whether pairs have persistent types.
    """

    name: str
    without: tuple[str, ...] = ()
    types: bool = True


LADDER = (
    Variant("mechanisms alone", (*STAKES, *DIRECT), types=False),
    Variant("and stakes", DIRECT, types=False),
    Variant("and direct coefficients", types=False),
    Variant("and types of pairs"),
)
FULL = LADDER[-1]


def variant_space(variant: Variant) -> Space:
    """Return the coordinates of a variant: what it lacks is held at zero."""
    registry = dict(REGISTRY)
    for name in variant.without:
        registry[name] = dataclasses.replace(registry[name], default=0.0)
    return Space(registry, tuple(name for name in FITTED if name not in variant.without))


def mode_predictor(
    disputes: Disputes,
    crises: np.ndarray | None = None,
    variant: Variant = FULL,
    report: Callable[[str], None] | None = None,
) -> Callable[[Disputes, Disputes], Prediction]:
    """Return a function that fits training rows and predicts test rows.

    Parameters
    ----------
    disputes : Disputes
        All rows; those of earlier years teach the types of pairs.
    crises : int array, optional
        From :func:`escalation.history.likelihood.crisis_counts`.
    variant : Variant
        The model.
    report : callable, optional
        Told of progress.
    """
    space = variant_space(variant)
    start: list[np.ndarray] = []

    def fit_predict(train: Disputes, test: Disputes) -> Prediction:
        target = Density(build_record(train)[0], crises, space=space, pooled=variant.types)
        mode = find_mode(target, start[-1] if start else None, steps=FOLD_STEPS, enough=0.2)
        start.append(mode.z)
        if report:
            report(f"{variant.name}: fold {len(start)} fitted, {mode.log_density:.1f}")
        rng = np.random.default_rng([7, len(start)])
        root = np.linalg.cholesky(mode.covariance)
        z = mode.z + rng.standard_normal((N_DRAWS, space.n)) @ root.T
        history = disputes if variant.types else None
        return predict_disputes(test, history, draws=space.draws(z))

    return fit_predict


def validate(
    disputes: Disputes,
    crises: np.ndarray | None = None,
    folds: str = "dyad",
    variant: Variant = FULL,
    seed: int = 0,
    report: Callable[[str], None] | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Cross-validate a variant in five folds; see :func:`cross_validate` for the result."""
    predictor = mode_predictor(disputes, crises, variant, report)
    result = cross_validate(disputes, predictor, folds, seed=seed, progress=progress)
    result["variant"] = variant.name
    result["n_fitted"] = variant_space(variant).n
    return result
