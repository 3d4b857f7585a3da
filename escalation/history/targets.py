"""What is predicted about a dispute: four targets, each a distribution over categories.

`TARGETS` gives the number of categories: hostility level 2 to 5, reciprocated or not, joined by
a defender of the target or not, and duration in `DURATION_BINS`. A forecast is a dict from
target to probabilities of shape ``(n, K)``; an outcome of -1 is missing and not scored.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from escalation.history.crisis_table import Crises
from escalation.history.dispute_table import DURATION_BINS, LEVELS, Disputes

TARGETS = {
    "max_level": len(LEVELS),
    "reciprocation": 2,
    "joining": 2,
    "duration": len(DURATION_BINS),
}
ORDERED = ("max_level", "duration")
"""Targets whose categories have an order, so that the ranked probability score applies."""

USE, WAR = 2, 3
"""Categories of ``max_level``: use of force (level 4) and war (level 5)."""

Forecast = dict[str, np.ndarray]


class Prediction(Protocol):
    """Predictive probabilities of ``n`` disputes, means over draws of the parameters.

    Attributes
    ----------
    level : array, shape (n, 4)
        Hostility level 2, 3, 4, 5.
    reciprocation, joining : array, shape (n,)
        P(reciprocated), P(at least one defender of the target joins it).
    duration : array, shape (n, 4)
        Days, in `DURATION_BINS`.
    per_draw : dict of array, shape (draw, n), or None
        The same per draw of ``use`` (level 4 or 5), ``war``, ``reciprocation``, ``joining``.
    """

    @property
    def level(self) -> np.ndarray: ...
    @property
    def reciprocation(self) -> np.ndarray: ...
    @property
    def joining(self) -> np.ndarray: ...
    @property
    def duration(self) -> np.ndarray: ...
    @property
    def per_draw(self) -> dict[str, np.ndarray] | None: ...


class Predictor(Protocol):
    """Where predictions come from; a module with these functions will do.

    It may also have ``provenance(*, prior) -> dict``, which is copied into the results.
    """

    def predict_disputes(
        self, disputes: Disputes, history: Disputes | None, *, prior: bool = False
    ) -> Prediction:
        """Predict disputes from their features and from the pair's earlier ones in `history`."""
        ...

    def predict_crises(self, crises: Crises, *, prior: bool = False) -> np.ndarray:
        """P(violence category), shape (n, 4)."""
        ...


def binary(probability: np.ndarray) -> np.ndarray:
    """Two categories, no and yes, from P(yes); shape (n, 2)."""
    return np.column_stack((1 - probability, probability))


def forecast_of(prediction: Prediction) -> Forecast:
    """The same probabilities by target."""
    return {
        "max_level": np.asarray(prediction.level, float),
        "reciprocation": binary(np.asarray(prediction.reciprocation, float)),
        "joining": binary(np.asarray(prediction.joining, float)),
        "duration": np.asarray(prediction.duration, float),
    }


def outcomes_of(disputes: Disputes) -> dict[str, np.ndarray]:
    """What happened, as category numbers by target; -1 where missing."""
    return {
        "max_level": disputes.level - LEVELS[0],
        "reciprocation": disputes.recip.astype(np.int64),
        "joining": disputes.joined.astype(np.int64),
        "duration": disputes.duration_bin,
    }


def events_of(forecast: Forecast) -> dict[str, np.ndarray]:
    """Probability of single events, for calibration curves and group rates; shape (n,) each."""
    return {
        "use_or_war": forecast["max_level"][:, USE:].sum(axis=1),
        "war": forecast["max_level"][:, WAR],
        "reciprocation": forecast["reciprocation"][:, 1],
        "joining": forecast["joining"][:, 1],
    }


def happened(disputes: Disputes) -> dict[str, np.ndarray]:
    """Whether each event of `events_of` happened; shape (n,) each."""
    return {
        "use_or_war": disputes.level >= 4,
        "war": disputes.level == 5,
        "reciprocation": disputes.recip == 1,
        "joining": disputes.joined,
    }
