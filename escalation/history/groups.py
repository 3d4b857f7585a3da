"""Rates of groups of disputes: observed, and the interval that the model predicted.

For every draw of the parameters the disputes of a group are played as independent coin tosses
with that draw's probabilities; the interval holds the middle 90 % of the shares over draws and
tosses, hence both ignorance about parameters and chance. Disputes of one pair share more than
their features, so the interval is, if anything, too narrow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from escalation.history.dispute_table import Disputes
from escalation.history.targets import Prediction, events_of, forecast_of, happened

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
        "interval": "chance only" if prediction.per_draw is None else "parameters and chance",
    }


def _draws_of(prediction: Prediction, event: str, means: np.ndarray) -> np.ndarray:
    if prediction.per_draw is None:
        return means[None, :]
    return np.asarray(prediction.per_draw[PER_DRAW[event]], float)


def _tosses(draws: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Outcomes, shape (about `_TOSSES`, n), with every draw used equally often."""
    repeats = max(1, round(_TOSSES / len(draws)))
    p = np.repeat(draws[:_TOSSES], repeats, axis=0)
    return rng.random(p.shape, dtype=np.float32) < p
