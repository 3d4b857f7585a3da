r"""What is predicted about a dispute: four targets, each a distribution over categories.

`TARGETS` gives the number of categories: hostility level 2 to 5, reciprocated or not, joined by
a defender of the target or not, and duration in `DURATION_BINS`. A forecast is a dict from
target to probabilities of shape ``(n, K)``; an outcome of -1 is missing and not scored.

The rates of groups of disputes come with the interval that the model predicted: for every draw of
the parameters the disputes of a group are independent coin tosses with that draw's probabilities.
The interval holds the middle 90 % of the shares over draws and tosses, hence both
ignorance about parameters and chance. Disputes of one pair share more than their features, so the
interval is, if anything, too narrow.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np

from escalation.archive.crisis_table import Crises
from escalation.archive.dispute_table import DURATION_BINS, LEVELS, Disputes

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


class Prediction(NamedTuple):
    """Predictive probabilities of ``n`` disputes, means over draws of the parameters.

    Attributes
    ----------
    level : float array, shape (n, 4)
        Hostility level 2, 3, 4, 5.
    reciprocation, joining : float array, shape (n,)
        P(reciprocated), P(at least one defender of the target joins it).
    duration : float array, shape (n, 4)
        Days, in `DURATION_BINS`.
    per_draw : dict of float array, shape (draw, n)
        The same per draw of ``use`` (level 4 or 5), ``war``, ``reciprocation``, ``joining``; empty
        where only means are known.
    """

    level: np.ndarray
    reciprocation: np.ndarray
    joining: np.ndarray
    duration: np.ndarray
    per_draw: Mapping[str, np.ndarray] = MappingProxyType({})


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


PER_DRAW = {
    "use_or_war": "use",
    "war": "war",
    "reciprocation": "reciprocation",
    "joining": "joining",
}
"""Names of the events in a prediction's ``per_draw``."""

_TOSSES = 2_000
_TAILS = (0.05, 0.95)


def groups_of(disputes: Disputes) -> dict[str, np.ndarray]:
    """Which rows belong to each group, as masks of shape (n,)."""
    near = disputes.land | disputes.sea
    return {
        "umbrella": disputes.umbrella,
        "no umbrella": ~disputes.umbrella,
        "contiguous": near,
        "not contiguous": ~near & (disputes.contiguity != 0),
        "China": disputes.china,
        "no China": ~disputes.china,
        "before 1990": ~disputes.post_1990,
        "1990 or later": disputes.post_1990,
    }


def group_rates(disputes: Disputes, prediction: Prediction, *, seed: int = 0) -> dict[str, Any]:
    """Compare observed rates with predictive intervals.

    Parameters
    ----------
    disputes : Disputes
    prediction : Prediction
        Of the same rows. Without ``per_draw`` the intervals hold chance only.
    seed : int
        Of the tosses.

    Returns
    -------
    dict
        ``rates``: group to event to n, observed, predicted, low, high, covered;
        ``share_covered`` over all of them; ``interval``: what the intervals hold.
    """
    rng = np.random.default_rng(seed)
    observed = happened(disputes)
    rates: dict[str, dict[str, Any]] = {}
    for event, means in events_of(forecast_of(prediction)).items():
        draws = _draws_of(prediction, event, means)
        toss = _tosses(draws, rng)
        for group, rows in groups_of(disputes).items():
            if rows.any():
                low, high = np.quantile(toss[:, rows].mean(axis=1), _TAILS)
                share = float(observed[event][rows].mean())
                rates.setdefault(group, {})[event] = {
                    "n": int(rows.sum()),
                    "observed": share,
                    "predicted": float(means[rows].mean()),
                    "low": float(low),
                    "high": float(high),
                    "covered": bool(low <= share <= high),
                }
    covered = [cell["covered"] for cells in rates.values() for cell in cells.values()]
    return {
        "rates": rates,
        "share_covered": float(np.mean(covered)),
        "interval": "parameters and chance" if prediction.per_draw else "chance only",
    }


def _draws_of(prediction: Prediction, event: str, means: np.ndarray) -> np.ndarray:
    if not prediction.per_draw:
        return means[None, :]
    return np.asarray(prediction.per_draw[PER_DRAW[event]], float)


def _tosses(draws: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Outcomes, shape (about `_TOSSES`, n), with every draw used equally often."""
    repeats = max(1, round(_TOSSES / len(draws)))
    p = np.repeat(draws[:_TOSSES], repeats, axis=0)
    return rng.random(p.shape, dtype=np.float32) < p
