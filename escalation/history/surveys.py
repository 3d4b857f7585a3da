r"""Expert surveys and forecasts as wide, optional likelihood terms.

A survey of opinion is no observation of a crisis, so each figure enters with a standard error of
`WIDTH` in log-odds: a factor of 2.7 either way. The model's answer is simulated at the Taiwan
Strait under today's structure, one cell per row of the posterior, each with its own draw of
the parameters that the record says nothing of. Rows are weighted by

.. math:: w \propto \exp\Bigl(-\tfrac12 \sum_j \bigl(
          \operatorname{logit} p_j - \operatorname{logit} \hat p_j\bigr)^2 / \sigma^2\Bigr)

and drawn anew. The effective share, :math:`(\sum w)^2 / (N \sum w^2)`, says how much was thrown
away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from escalation.contracts.codes import CLASH, NUCLEAR_USE, PARTY_FOUGHT, WAR
from escalation.errors import InputError
from escalation.history.calibrate import resampled
from escalation.model.compile import compile_block, onset_anchor
from escalation.model.draws import Draws, draw_parameters
from escalation.parameters.posterior import Posterior
from escalation.simulation.threads import simulate_block
from escalation.study.schema import Study

WIDTH = 1.0
FLASHPOINT = "taiwan_strait"
TRAJECTORIES, BLOCK = 1500, 100
HORIZON_YEARS = 10


@dataclass(frozen=True)
class Survey:
    """A published share or probability."""

    name: str
    value: float
    source: str


SURVEYS = (
    Survey(
        "us_fights_invasion", 0.96,
        "US experts confident that the US intervenes against an invasion: CSIS ChinaPower 2024",
    ),
    Survey(
        "weapon_use_per_year", 0.05,
        "superforecasters, any weapon use between China and Taiwan in a year: Good Judgment",
    ),
    Survey("us_china_war", 0.12, "US-China war by 2035: Metaculus about September 2025"),
    Survey("us_china_nuclear", 0.01, "US-China nuclear use by 2035: Metaculus, September 2025"),
)  # fmt: skip


@dataclass(frozen=True)
class Held:
    """A posterior held against surveys.

    Attributes
    ----------
    posterior : Posterior
        Rows drawn anew by weight.
    answers : dict of str to float array, shape (row,)
        The model's answer to each survey, before weighting.
    weights : float array, shape (row,)
        Sums to 1.
    """

    posterior: Posterior
    answers: dict[str, np.ndarray]
    weights: np.ndarray
    surveys: tuple[Survey, ...] = SURVEYS

    @property
    def effective_share(self) -> float:
        """Effective number of rows over all rows."""
        return float(1.0 / (len(self.weights) * (self.weights**2).sum()))


def hold_against_surveys(
    posterior: Posterior,
    study: Study,
    n: int | None = None,
    seed: int = 0,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Held:
    """Weight a posterior's rows by how well they agree with surveys and forecasts.

    Parameters
    ----------
    posterior : Posterior
        Draws.
    study : Study
        With the Taiwan Strait in it.
    n : int, optional
        Rows to draw anew; as many as there are by default.
    seed : int
        Seed of histories and of the rows drawn.
    progress : callable, optional
        Called with (rows done, rows in all).

    Raises
    ------
    InputError
        If the study has no Taiwan Strait.
    """
    answers = survey_answers(posterior, study, seed, progress=progress)
    log_weights = np.zeros(posterior.n)
    for survey in SURVEYS:
        apart = _log_odds(answers[survey.name]) - _log_odds(np.array(survey.value))
        log_weights -= 0.5 * (apart / WIDTH) ** 2
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    drawn = resampled(posterior, weights, n, seed)
    drawn.provenance["surveys"] = "; ".join(s.name for s in SURVEYS) + f"; width {WIDTH:g}"
    return Held(drawn, answers, weights)


def survey_answers(
    posterior: Posterior,
    study: Study,
    seed: int = 0,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, np.ndarray]:
    """Return the model's answer to each survey in every row, by simulation."""
    if FLASHPOINT not in study.flashpoints:
        raise InputError(f"surveys: study {study.name!r} has no flashpoint {FLASHPOINT!r}")
    flashpoint = study.flashpoints[FLASHPOINT]
    draws = draw_parameters(study.parameters, posterior.n, seed)
    for name in posterior.names:
        draws = draws.replaced(name, posterior[name])
    study = study.model_copy(update={"horizon_years": HORIZON_YEARS})
    us = list(flashpoint.third_parties).index(study.great_power)
    structure = study.structures[study.reference]
    parts: dict[str, list[np.ndarray]] = {survey.name: [] for survey in SURVEYS}
    for begin in range(0, draws.n, BLOCK):
        part = Draws(draws.names, draws.values[:, begin : begin + BLOCK])
        anchor = onset_anchor(study, flashpoint, part)
        tables = compile_block(study, flashpoint, structure, part, anchor)
        tallies = simulate_block(tables, seed, np.arange(part.n) + begin, 0, TRAJECTORIES)
        peaks = tallies.crisis.sum(axis=(1, 2))
        wars = peaks[:, WAR:].sum(axis=(1, 2))
        fought = tallies.party[:, PARTY_FOUGHT, us]
        clashes = peaks[:, CLASH:].sum(axis=(1, 2))
        nuclear = peaks[:, NUCLEAR_USE:].sum(axis=(1, 2))
        for name, events, chances in (
            ("us_fights_invasion", fought, wars),
            ("weapon_use_per_year", clashes, TRAJECTORIES * HORIZON_YEARS),
            ("us_china_war", peaks[:, WAR:, 1].sum(axis=1), TRAJECTORIES),
            ("us_china_nuclear", nuclear, TRAJECTORIES),
        ):
            # Half an event is added, since a zero has no log-odds.
            parts[name].append((events + 0.5) / (chances + 1.0))
        if progress is not None:
            progress(begin + part.n, draws.n)
    return {name: np.concatenate(found) for name, found in parts.items()}


def _log_odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-6, 1.0 - 1e-6)
    return np.log(p) - np.log1p(-p)
