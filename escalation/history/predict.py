"""The model's predictions of disputes and crises of the record, from their features alone.

Draws come from the shipped posterior, or from the priors. Levels, answers and joining are
exact for each draw; lengths are simulated with the kernel for a few draws.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from escalation.archive.crisis_table import Crises
from escalation.archive.dispute_table import DURATION_BINS, Disputes
from escalation.errors import InputError
from escalation.history.durations import duration_chances
from escalation.history.dyad_types import learn_types
from escalation.history.features import Features, Record, build_record, record_features
from escalation.history.likelihood import (
    FITTED,
    TRIGGER_OPENINGS,
    sample_rows,
    solve,
    violence_chances,
)
from escalation.history.targets import Prediction
from escalation.model.draws import Draws, default_draws, draw_parameters
from escalation.parameters.posterior import Posterior, shipped_posterior
from escalation.parameters.registry import REGISTRY

N_DRAWS, N_DURATION_DRAWS = 200, 12
CHUNK = 20
"""Draws solved at once; bounds the memory."""
PRIOR_SEED = 2026


def record_draws(
    prior: bool = False, n: int = N_DRAWS, posterior: Posterior | None = None
) -> Draws:
    """Return draws of all registry parameters for the disputes of the record.

    Parameters
    ----------
    prior : bool
        Draw from the priors, even if there is a posterior.
    n : int
        At most so many draws; evenly spaced rows of the posterior.
    posterior : Posterior, optional
        Use this one instead of the shipped one.

    Raises
    ------
    InputError
        If the posterior lacks a parameter that disputes of the record need.
    """
    found = None if prior else posterior or shipped_posterior()
    if found is None:
        return draw_parameters(REGISTRY, n, PRIOR_SEED)
    missing = [name for name in FITTED if name not in found.names]
    if missing:
        raise InputError(f"posterior: {found.title!r} lacks {', '.join(missing)}")
    rows = sample_rows(found.n, n)
    draws = Draws(tuple(REGISTRY), np.repeat(default_draws(REGISTRY).values, len(rows), axis=1))
    for name in FITTED:
        draws = draws.replaced(name, found[name][rows])
    return draws


def predict_disputes(
    disputes: Disputes,
    history: Disputes | None = None,
    *,
    prior: bool = False,
    draws: Draws | None = None,
) -> Prediction:
    """Predict disputes from their features and from the pair's earlier ones in `history`.

    Parameters
    ----------
    disputes : Disputes
        What to predict; their outcomes are not looked at.
    history : Disputes, optional
        Disputes whose outcomes were known; only those of strictly earlier years teach.
    prior : bool
        Use the priors instead of the shipped posterior.
    draws : Draws, optional
        Use these draws instead.
    """
    if draws is None:
        draws = record_draws(prior)
    record, rows = _joined(disputes, history)
    wanted = rows < len(disputes)
    place = rows[wanted]
    cells = np.zeros((draws.n, len(disputes), 16))
    for k in range(0, draws.n, CHUNK):
        part = Draws(draws.names, draws.values[:, k : k + CHUNK])
        cells[k : k + CHUNK, place] = _predictive(record, part)[:, wanted]
    levels = cells.reshape(draws.n, len(disputes), 4, 2, 2)
    few = Draws(draws.names, draws.values[:, sample_rows(draws.n, N_DURATION_DRAWS)])
    mean = levels.mean(axis=0)
    return Prediction(
        level=mean.sum(axis=(2, 3)),
        reciprocation=mean[:, :, 1].sum(axis=(1, 2)),
        joining=mean[..., 1].sum(axis=(1, 2)),
        duration=duration_chances(record_features(disputes), few, DURATION_BINS),
        per_draw={
            "use": levels[:, :, 2:].sum(axis=(2, 3, 4)),
            "war": levels[:, :, 3].sum(axis=(2, 3)),
            "reciprocation": levels[:, :, :, 1].sum(axis=(2, 3)),
            "joining": levels[..., 1].sum(axis=(2, 3)),
        },
    )


def predict_crises(
    crises: Crises,
    *,
    prior: bool = False,
    draws: Draws | None = None,
    reference: Features | None = None,
) -> np.ndarray:
    """Predict the violence of crises from their triggers and dates, shape (n, 4).

    A crisis is a grave dispute that opens where its trigger says. The file of crises says
    nothing of capabilities or allies, so the mean over `reference` disputes stands for them.
    """
    if draws is None:
        draws = record_draws(prior)
    reference = typical_disputes() if reference is None else reference
    chances = np.zeros((len(crises), 4))
    opening = np.array([TRIGGER_OPENINGS.get(str(t), 1) for t in crises.trigger])
    later = np.asarray(crises.year) >= 1990
    for rung in (1, 2, 3):
        for after in (False, True):
            rows = (opening == rung) & (later == after)
            if rows.any():
                features = dataclasses.replace(
                    reference, after_1990=np.full(reference.n, after)
                )
                chances[rows] = violence_chances(features, draws, rung).mean(axis=0)
    return chances


def typical_disputes() -> Features:
    """Return disputes of the kinds that the record holds most of, for want of features.

    Land neighbours and distant states, weak, equal and strong targets, with and without
    (nuclear) allies of the target's and more power than the initiator's.
    """
    grid = np.array(
        [
            (power, allies, umbrella, land)
            for power in (0.2, 1.0, 5.0)
            for allies, umbrella in ((0, 0), (2, 0), (2, 1))
            for land in (0, 1)
        ],
        float,
    )
    power, allies, umbrella, land = grid.T
    nothing = np.zeros(len(grid))
    return Features(
        defender_power=power,
        ally_power=3.0 * (allies > 0),
        n_allies=allies,
        umbrella=umbrella > 0,
        land=land > 0,
        sea=nothing > 0,
        shared=nothing,
        decade=nothing,
        after_1990=nothing > 0,
        china=nothing > 0,
    )


def provenance(*, prior: bool = False) -> dict[str, str]:
    """Return where the predictions' parameters come from."""
    found = None if prior else shipped_posterior()
    if found is None:
        return {"parameters": "priors"}
    return {"parameters": "posterior", "sha256": found.sha256, **found.provenance}


def _joined(disputes: Disputes, history: Disputes | None) -> tuple[Record, np.ndarray]:
    """Return one record of what to predict and of its history, and the rows it came from."""
    if history is None or not len(history):
        return build_record(disputes, np.zeros(len(disputes), bool))
    names = [field.name for field in dataclasses.fields(disputes)]
    columns = {
        name: np.concatenate([getattr(disputes, name), getattr(history, name)]) for name in names
    }
    both = dataclasses.replace(disputes, **columns)
    return build_record(both, np.arange(len(both)) >= len(disputes))


def _predictive(record: Record, draws: Draws) -> np.ndarray:
    """Return the chances of the cells of every dispute in every draw, shape (W, n, 16)."""
    solved = solve(record.features, draws)
    cells = np.moveaxis(solved.cells, 1, 0)
    happened = cells[np.arange(record.n), :, :, record.cell]
    onset = np.moveaxis(solved.outcome.onset.sum(axis=3), 1, 0)
    weights = learn_types(record, happened, onset, draws["turnover"]).weights
    return np.einsum("nwtc,nwt->wnc", cells, weights)
