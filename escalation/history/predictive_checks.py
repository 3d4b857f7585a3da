"""Posterior predictive checks: does the fitted model produce the facts of the record?

For every draw the record's disputes are played as coin tosses with that draw's probabilities,
so that an interval holds ignorance about parameters and chance. An umbrella's odds ratios for
war and for force are found as the published ones were, by a logit over the same disputes with
the same other regressors (both sides' nuclear weapons, the initiator's share of capabilities,
land border, the years after 1990), here fitted to the probabilities themselves. That for onset,
and those called causal, set an umbrella against no ally at all, all else equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from escalation.archive.crisis_table import Crises
from escalation.archive.dispute_table import Disputes
from escalation.history.features import build_record
from escalation.history.likelihood import Density, crisis_counts, violence_chances
from escalation.history.predict import predict_disputes
from escalation.history.targets import group_rates
from escalation.model.draws import Draws

CHUNK = 20
NEWTON_STEPS = 12
PUBLISHED = {"umbrella_war": 0.19, "umbrella_use": 1.13, "umbrella_onset": 1.07}
"""Odds ratios of an unshared nuclear umbrella, logits of MID 5.0 and ATOP 5.1."""


@dataclass(frozen=True)
class Check:
    """A fact and the model's interval for it.

    Attributes
    ----------
    name, source : str
        What it is, and where the value comes from.
    value : float
        Observed, or published.
    low, middle, high : float
        The model's 5, 50 and 95 % quantiles.
    """

    name: str
    value: float
    low: float
    middle: float
    high: float
    source: str

    @property
    def inside(self) -> bool:
        """Whether the fact lies in the interval."""
        return self.low <= self.value <= self.high


@dataclass(frozen=True)
class Checks:
    """All checks, and the share of group rates that their 90 % intervals cover."""

    facts: tuple[Check, ...]
    share_covered: float


def record_checks(
    disputes: Disputes, crises: Crises | None, draws: Draws, seed: int = 0
) -> Checks:
    """Check draws of the registry's parameters against the record."""
    rng = np.random.default_rng([seed, 6])
    prediction = predict_disputes(disputes, None, draws=draws)
    facts = []
    for name, label, value in (
        ("war", "disputes that reach war", disputes.level == 5),
        ("use", "disputes with force or war", disputes.level >= 4),
        ("reciprocation", "disputes answered", np.where(disputes.level == 5, 1, disputes.recip)),
        ("joining", "disputes joined by a defender", disputes.joined),
    ):
        chances = prediction.per_draw[name]
        tossed = (rng.random(chances.shape) < chances).mean(axis=1)
        facts.append(_check(label, float(np.mean(value)), tossed, f"{len(disputes)} disputes"))
    if crises is not None and len(crises):
        facts.append(_war_per_crisis(disputes, crises, draws, rng))
    facts += _regressed(disputes, prediction.per_draw)
    facts += _umbrella(disputes, draws)
    groups = group_rates(disputes, prediction)
    return Checks(tuple(facts), float(groups["share_covered"]))


def _check(name: str, value: float, simulated: np.ndarray, source: str) -> Check:
    low, middle, high = np.quantile(simulated, (0.05, 0.5, 0.95)).tolist()
    return Check(name, value, low, middle, high, source)


def _war_per_crisis(
    disputes: Disputes, crises: Crises, draws: Draws, rng: np.random.Generator
) -> Check:
    """Check the share of crises that are full-scale wars, opening where their triggers say."""
    target = Density(build_record(disputes)[0])
    chance = np.zeros(draws.n)
    counts = crisis_counts(crises)
    for period, features in enumerate(target.periods):
        for rung in (1, 2, 3):
            n = counts[rung - 1, period].sum()
            if n and features.n:
                chance += n / len(crises) * violence_chances(features, draws, rung)[:, 3]
    tossed = rng.binomial(len(crises), np.clip(chance, 0.0, 1.0)) / len(crises)
    return _check(
        "crises that are full-scale wars",
        float(np.mean(crises.violence_code == 3)),
        tossed,
        f"{len(crises)} crises",
    )


def _umbrella(disputes: Disputes, draws: Draws) -> list[Check]:
    """Check the odds ratios of a nuclear umbrella against the published ones."""
    target = Density(build_record(disputes)[0])
    values = [
        target.umbrella_values(Draws(draws.names, draws.values[:, k : k + CHUNK]))
        for k in range(0, draws.n, CHUNK)
    ]
    labels = {
        "umbrella_war": "causal odds ratio of war, umbrella",
        "umbrella_use": "causal odds ratio of force, umbrella",
        "umbrella_onset": "ratio of onset, umbrella",
    }
    return [
        _check(
            label,
            PUBLISHED[name],
            np.exp(np.concatenate([v[name] for v in values])),
            "MID 5.0 and ATOP 5.1, logits",
        )
        for name, label in labels.items()
    ]


def _regressed(disputes: Disputes, per_draw: Mapping[str, np.ndarray]) -> list[Check]:
    """Check the odds ratios of an umbrella as a logit over the disputes finds them."""
    return [
        _check(
            f"odds ratio of {label}, umbrella, by logit",
            PUBLISHED[name],
            umbrella_odds_ratio(disputes, per_draw[event]),
            "MID 5.0 and ATOP 5.1, logits",
        )
        for name, event, label in (
            ("umbrella_war", "war", "war"),
            ("umbrella_use", "use", "force"),
        )
    ]


def umbrella_odds_ratio(disputes: Disputes, outcome: np.ndarray) -> np.ndarray:
    """Return an umbrella's odds ratio in a logit with the published regressors, shape (W,).

    Parameters
    ----------
    disputes : Disputes
        Features; capabilities that are not known count as equal.
    outcome : float array, shape (W, n)
        Events, or their probabilities.
    """
    own, other = disputes.initiator_cinc, disputes.target_cinc
    share = np.divide(own, own + other, out=np.full(len(disputes), 0.5), where=own + other > 0)
    regressors = np.column_stack(
        [
            np.ones(len(disputes)),
            disputes.umbrella,
            disputes.target_nuclear,
            disputes.initiator_nuclear,
            np.nan_to_num(share, nan=0.5),
            disputes.land,
            disputes.post_1990,
        ]
    ).astype(float)
    slopes = np.zeros((len(outcome), regressors.shape[1]))
    slopes[:, 0] = np.log(outcome.mean(axis=1) / (1.0 - outcome.mean(axis=1)))
    for _ in range(NEWTON_STEPS):
        p = 1.0 / (1.0 + np.exp(-slopes @ regressors.T))
        gradient = (outcome - p) @ regressors
        curvature = np.einsum("wn,ni,nj->wij", p * (1.0 - p), regressors, regressors)
        curvature += 1e-9 * np.eye(regressors.shape[1])
        slopes += np.linalg.solve(curvature, gradient[..., None])[..., 0]
    return np.exp(slopes[:, 1])
