"""Posterior predictive checks: does the fitted model produce the facts of the record?

For every draw the record's disputes are played as coin tosses with that draw's probabilities,
so that an interval holds ignorance about parameters and chance. Odds ratios are the model's own
causal ones, an umbrella against no ally at all, without chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from escalation.analysis.crisis_table import Crises
from escalation.analysis.dispute_table import Disputes
from escalation.analysis.groups import group_rates
from escalation.analysis.likelihood import Target, crisis_counts, violence_chances
from escalation.analysis.predict import predict_disputes
from escalation.analysis.record import build_record
from escalation.model.draws import Draws

CHUNK = 20


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
    target = Target(build_record(disputes)[0])
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
    target = Target(build_record(disputes)[0])
    values = [
        target.umbrella_values(Draws(draws.names, draws.values[:, k : k + CHUNK]))
        for k in range(0, draws.n, CHUNK)
    ]
    labels = {"umbrella_war": "war", "umbrella_use": "force", "umbrella_onset": "onset"}
    published = {"umbrella_war": 0.19, "umbrella_use": 1.13, "umbrella_onset": 1.07}
    return [
        _check(
            f"odds ratio of {label} under an umbrella",
            published[name],
            np.exp(np.concatenate([v[name] for v in values])),
            "MID 5.0 and ATOP 5.1, logits",
        )
        for name, label in labels.items()
    ]
