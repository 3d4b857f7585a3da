"""Tallies of a block, put where they belong among the counts of a run."""

from __future__ import annotations

import numpy as np

from escalation import codes
from escalation.study.schema import Flashpoint, Study
from escalation.tallies import TOTAL_MONTHS, TOTAL_WEDGES, Tallies

_PLAIN = {
    "worst_rung_count": "worst_rung",
    "crisis_count": "crisis",
    "first_event_count": "first_event",
    "duration_count": "duration",
    "duration_days": "duration_days",
    "transition_count": "transition",
    "reciprocated_count": "reciprocated",
    "brink_count": "brink",
    "trajectory_end_count": "trajectory_end",
}


def store_tallies(
    arrays: dict[str, np.ndarray],
    study: Study,
    flashpoint: Flashpoint,
    tallies: Tallies,
    place: tuple[int, int],
    chosen: np.ndarray,
    n_draws: int,
) -> None:
    """Put the tallies of a block where they belong in the count arrays.

    Parameters
    ----------
    arrays : dict of str to int array, shape (flashpoint, structure, draw, ...)
        Counts of the run by variable; filled here, and made if they are not there yet.
    study : Study
        That is run.
    flashpoint : Flashpoint
        Of the block.
    tallies : Tallies
        Of the block, first axis the chosen draws.
    place : (int, int)
        Number of flashpoint and structure.
    chosen : int array
        Draws of the block.
    n_draws : int
        Draws of the run.
    """
    parts = {name: getattr(tallies, field) for name, field in _PLAIN.items()}
    parts["wedge_count"] = tallies.total[:, TOTAL_WEDGES]
    parts["exposure_months"] = tallies.total[:, TOTAL_MONTHS]
    actors = list(study.actors)
    column = [actors.index(name) for name in flashpoint.third_parties]
    for k, outcome in enumerate(codes.PARTY_OUTCOMES):
        counts = np.zeros((len(chosen), len(actors)), np.int64)
        counts[:, column] = tallies.party[:, k]
        parts[f"{outcome}_count"] = counts
    sizes = np.zeros((len(chosen), len(actors) + 1), np.int64)
    sizes[:, : tallies.coalition_size.shape[1]] = tallies.coalition_size
    parts["coalition_size_count"] = sizes
    for name, part in parts.items():
        if name not in arrays:
            shape = (len(study.flashpoints), len(study.structures), n_draws, *part.shape[1:])
            arrays[name] = np.zeros(shape, np.int64)
        arrays[name][place][chosen] = part
