r"""The posterior density of the shared parameters, given disputes, crises and aggregates.

Each fitted parameter is a standard normal before the data, :math:`\theta = F^{-1}(\Phi(z))`
with F its prior, so the log density in z is

.. math:: \log p(z) = -\tfrac12 \lVert z \rVert^2 + \sum_i \log P(\text{cell}_i \mid \text{pair's
          earlier disputes}, z) + \sum_k n_k \log P_k(z)
          - \tfrac12 \sum_j \left(\frac{m_j(z) - \hat m_j}{\sigma_j}\right)^2 .

Disputes
    Joint cells of hostility level, answer and joining, solved and not simulated
    (:mod:`escalation.history.dispute_chain`), with persistent types of pairs
    (:mod:`escalation.history.dyad_types`).
Crises
    A crisis is a grave dispute. Counts of violence by kind of trigger and period, against a
    grave dispute that opens where the trigger says, averaged over disputes of that period.
    The counts carry `CRISIS_WEIGHT`, since they repeat what disputes say already.
Aggregates
    Log odds ratios of an umbrella for war, for the use of force and for onset; the mean
    length of disputes, loosely, since the record counts to the last military move and the
    model to the end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from escalation.archive.crisis_table import Crises
from escalation.history.dispute_chain import DisputeChances, dispute_chances
from escalation.history.dyad_types import learn_types
from escalation.history.features import Features, Record, crossed, generic_inputs, outcome_cells
from escalation.model.draws import Draws
from escalation.model.rounds import build_rounds
from escalation.parameters.registry import REGISTRY, Parameter

FITTED = (
    "choice_precision", "resolve_spread", "audience_cost", "holding_cost", "salami_gain",
    "concession_cost", "passivity_cost", "answer_after_1990", "moral_hazard", "restraint",
    "double_step", "contest_exponent", "defender_multiplier", "challenger_war_cost",
    "defender_war_cost", "nuclear_shadow", "war_risk_clash", "war_risk_ratio",
    "war_termination_scale", "routine_stake_share", "grave_share", "onset_response_routine",
    "onset_response_grave", "opening_threat", "opening_force", "opening_resolve",
    "opening_capability", "opening_after_1990", "crisis_opening_clash",
    "challenger_revision_days", "defender_revision_days", "incident_scale", "settlement_scale",
    "settlement_frailty", "spiral_scale", "joining_intercept", "support_intercept",
    "support_commitment", "bindingness_effect", "treaty_below_attack", "stake_effect",
    "type_gap", "chain_ganging", "buck_passing", "reliability", "credibility", "misperception",
    "war_decision_days", "dispute_stake", "dispute_stake_ratio", "stake_land", "stake_sea",
    "ratio_land", "ratio_sea", "ratio_allies", "ratio_decade", "stake_shared",
    "stake_after_1990", "stake_china", "ally_stake", "ally_bindingness", "ally_number",
    "unseen_resolve", "turnover",
)  # fmt: skip
"""Parameters that are fitted; the others keep their priors."""

HELD = (
    "audience_slope", "incident_reciprocated", "support_shift", "support_slope",
    "challenger_cost_growth_6", "shadow_growth_6",
    *(f"{name}_{rung}" for name in ("incident_rate", "settlement_rate", "spiral_chance")
      for rung in range(1, 5)),
)  # fmt: skip
"""Parameters that the likelihood depends on too, and that the fit holds at their defaults."""

CRISIS_WEIGHT = 0.5
N_SAMPLE = 60
"""Disputes over which crises and aggregates are averaged."""


@dataclass(frozen=True)
class Aggregate:
    """A published figure with its standard error, in logs."""

    name: str
    value: float
    error: float
    source: str


AGGREGATES = (
    # The logit's own standard error is 0.76, from two wars; half of it is judgement, since a
    # whole literature on extended deterrence agrees on sign and rough size.
    Aggregate("umbrella_war", np.log(0.186), 0.4, "MID 5.0 and ATOP 5.1, logit of war"),
    Aggregate("umbrella_use", np.log(1.134), 0.137, "MID 5.0 and ATOP 5.1, logit of force"),
    Aggregate("umbrella_onset", np.log(1.066), 0.146, "MID 5.0 and ATOP 5.1, logit of onset"),
    Aggregate("mean_days", np.log(157.6), 0.4, "MID 5.0: mean length 158 days, to the last move"),
)


@dataclass(frozen=True)
class Solved:
    """Disputes solved under W draws; leading axes (W, dispute)."""

    draws: Draws
    outcome: DisputeChances

    @property
    def cells(self) -> np.ndarray:
        """Chances by resolve types and cell, shape (W, n, 4, 16)."""
        return outcome_cells(self.outcome.chances)

    @property
    def type_weights(self) -> np.ndarray:
        """Chance of each resolve type in a dispute of an unknown pair, shape (W, n, 4)."""
        rate = self.outcome.onset.sum(axis=3)[..., [0, 1, 0, 1]]
        return rate / rate.sum(axis=2, keepdims=True)


class Space:
    """The fitted parameters as standard normal coordinates.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        A registry, whose priors rule.
    fitted : sequence of str
        Names of the coordinates.
    """

    def __init__(
        self, parameters: dict[str, Parameter] | None = None, fitted: Sequence[str] = FITTED
    ) -> None:
        self.parameters = dict(REGISTRY if parameters is None else parameters)
        self.fitted = tuple(fitted)
        self.names = tuple(self.parameters)
        self._index = [self.names.index(name) for name in self.fitted]
        self._default = np.array([p.default for p in self.parameters.values()])

    @property
    def n(self) -> int:
        """Number of coordinates."""
        return len(self.fitted)

    def draws(self, z: np.ndarray) -> Draws:
        """Return the parameters at W points, z of shape (W, P)."""
        from scipy.special import ndtr

        u = np.clip(ndtr(np.atleast_2d(z)), 1e-12, 1.0 - 1e-12)
        values = np.repeat(self._default[:, None], len(u), axis=1)
        for k, (name, index) in enumerate(zip(self.fitted, self._index, strict=True)):
            values[index] = self.parameters[name].quantile(u[:, k])
        return Draws(self.names, values)


def solve(
    features: Features,
    draws: Draws,
    grave: float | None = None,
    opening: np.ndarray | None = None,
) -> Solved:
    """Solve every dispute under every draw.

    Parameters
    ----------
    features : Features
        Disputes.
    draws : Draws
        W draws.
    grave : float, optional
        Chance that a dispute is grave; by default as the model has it.
    opening : float array, shape (W, 4), optional
        Chance to open at rung 1 to 4; by default as the model has it.
    """
    cells, repeated = crossed(features, draws)
    shape = (draws.n, features.n)
    known = None if grave is None else np.full(repeated.n, grave)
    if opening is not None:
        opening = np.repeat(np.repeat(opening[:, None], 2, axis=1), features.n, axis=0)
    found = dispute_chances(generic_inputs(cells, repeated), build_rounds(repeated), known, opening)
    arrays = (array.reshape(*shape, *array.shape[1:]) for array in found)
    return Solved(draws, DisputeChances(*arrays))


def sample_rows(n: int, size: int = N_SAMPLE) -> np.ndarray:
    """Return evenly spaced rows."""
    return np.unique(np.linspace(0, n - 1, min(n, size)).astype(int)) if n else np.zeros(0, int)


TRIGGER_OPENINGS = {
    "violent act": 3,
    "indirect violent": 3,
    "non-violent military": 2,
}
"""Rung at which a crisis opens, by its trigger; 1 for any other."""


def crisis_counts(crises: Crises) -> np.ndarray:
    """Return counts of crises by opening rung (1 to 3), period and violence, shape (3, 2, 4)."""
    counts = np.zeros((3, 2, 4))
    opening = np.array([TRIGGER_OPENINGS.get(str(t), 1) for t in crises.trigger], int)
    later = np.asarray(crises.year) >= 1990
    np.add.at(counts, (opening - 1, later.astype(int), crises.violence_code), 1)
    return counts


def crisis_opening(draws: Draws, rung: int) -> np.ndarray:
    """Return the chance that a crisis with such a trigger opens at rung 1 to 4, shape (W, 4)."""
    opening = np.zeros((draws.n, 4))
    opening[:, rung - 1] = 1.0
    if rung == 3:
        opening[:, 3] = draws["crisis_opening_clash"]
        opening[:, 2] -= opening[:, 3]
    return opening


def violence_chances(features: Features, draws: Draws, rung: int) -> np.ndarray:
    """Return P(violence) of a crisis that opens at a rung, mean over disputes, shape (W, 4).

    No violence up to rung 2, minor clashes at rung 3, serious ones at rung 4, war above.
    """
    solved = solve(features, draws, grave=1.0, opening=crisis_opening(draws, rung))
    peak = solved.outcome.chances.sum(axis=(4, 5))
    rate = solved.outcome.onset[..., 1][..., [0, 1, 0, 1]]
    mean = (peak * rate[..., None]).sum(axis=(1, 2)) / rate.sum(axis=(1, 2))[:, None]
    return np.column_stack([mean[:, 0] + mean[:, 1], mean[:, 2:]])


class Density:
    """Log density of the fitted parameters given the record.

    Parameters
    ----------
    record : Record
        Disputes.
    crises : int array, shape (3, 2, 4), optional
        From :func:`crisis_counts`; none by default.
    aggregates : bool
        Whether the published aggregates count.
    space : Space, optional
        Coordinates.
    pooled : bool
        Whether pairs have persistent types; else each dispute stands alone.
    """

    def __init__(
        self,
        record: Record,
        crises: np.ndarray | None = None,
        aggregates: bool = True,
        space: Space | None = None,
        pooled: bool = True,
    ) -> None:
        self.record = record if pooled else dataclasses.replace(record, pair=np.arange(record.n))
        self.crises = crises
        self.aggregates = aggregates
        self.space = space or Space()
        features = record.features
        umbrella = np.flatnonzero(features.umbrella)
        self._protected = features.taken(umbrella[sample_rows(len(umbrella))])
        self._alone = dataclasses.replace(
            self._protected,
            n_allies=np.zeros(self._protected.n),
            ally_power=np.zeros(self._protected.n),
            umbrella=np.zeros(self._protected.n, bool),
        )
        later = np.asarray(features.after_1990, bool)
        self.periods = [
            features.taken(rows[sample_rows(len(rows), N_SAMPLE // 2)])
            for rows in (np.flatnonzero(~later), np.flatnonzero(later))
        ]

    def terms(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the terms of the log likelihood.

        Returns
        -------
        logs : float array, shape (W, n + crises)
            Log chances of what happened, weighted.
        residuals : float array, shape (W, aggregates)
            Standardised; half their squares count against.
        """
        draws = self.space.draws(z)
        solved = solve(self.record.features, draws)
        logs = [self._dispute_logs(solved)]
        if self.crises is not None:
            logs.append(self._crisis_logs(draws))
        residuals = np.zeros((draws.n, 0))
        if self.aggregates:
            found = self.aggregate_values(draws, solved)
            residuals = np.column_stack(
                [(found[a.name] - a.value) / a.error for a in AGGREGATES]
            )
        return np.concatenate(logs, axis=1), residuals

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """Return the log posterior density up to a constant, shape (W,)."""
        z = np.atleast_2d(z)
        logs, residuals = self.terms(z)
        return logs.sum(axis=1) - 0.5 * (residuals**2).sum(axis=1) - 0.5 * (z**2).sum(axis=1)

    def _dispute_logs(self, solved: Solved) -> np.ndarray:
        rows = np.arange(self.record.n)
        happened = np.moveaxis(solved.cells, 1, 0)[rows, :, :, self.record.cell]
        onset = np.moveaxis(solved.outcome.onset.sum(axis=3), 1, 0)
        return learn_types(self.record, happened, onset, solved.draws["turnover"]).log_chance.T

    def _crisis_logs(self, draws: Draws) -> np.ndarray:
        assert self.crises is not None
        logs = []
        for period, features in enumerate(self.periods):
            for rung in (1, 2, 3):
                counts = self.crises[rung - 1, period]
                if features.n and counts.any():
                    chance = violence_chances(features, draws, rung)
                    logs.append(counts * np.log(np.maximum(chance, 1e-7)) * CRISIS_WEIGHT)
        return np.concatenate(logs, axis=1) if logs else np.zeros((draws.n, 0))

    def aggregate_values(self, draws: Draws, solved: Solved | None = None) -> dict[str, np.ndarray]:
        """Return the model's aggregates, each in logs, shape (W,)."""
        if solved is None:
            solved = solve(self.record.features, draws)
        days = (solved.outcome.days * solved.type_weights).sum(axis=2).mean(axis=1)
        return self.umbrella_values(draws) | {"mean_days": np.log(days)}

    def umbrella_values(self, draws: Draws) -> dict[str, np.ndarray]:
        """Return the model's log odds ratios of an umbrella against no ally, shape (W,)."""
        found: dict[str, np.ndarray] = {}
        if self._protected.n == 0:
            nothing = np.zeros(draws.n)
            return found | {f"umbrella_{what}": nothing for what in ("war", "use", "onset")}
        with_, without = (_levels(solve(f, draws)) for f in (self._protected, self._alone))
        for name, (a, b) in {
            "umbrella_war": (with_[0][:, 3], without[0][:, 3]),
            "umbrella_use": (with_[0][:, 2:].sum(axis=1), without[0][:, 2:].sum(axis=1)),
        }.items():
            found[name] = _log_odds(a) - _log_odds(b)
        found["umbrella_onset"] = np.log(with_[1] / without[1])
        return found


def _levels(solved: Solved) -> tuple[np.ndarray, np.ndarray]:
    """Return P(level), shape (W, 4), and onset, shape (W,), means over disputes."""
    levels = solved.cells.reshape(*solved.type_weights.shape, 4, 4).sum(axis=4)
    mean = (levels * solved.type_weights[..., None]).sum(axis=2).mean(axis=1)
    return mean, solved.outcome.onset.sum(axis=3).mean(axis=(1, 2))


def _log_odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-9, 1.0 - 1e-9)
    return np.log(p) - np.log1p(-p)
