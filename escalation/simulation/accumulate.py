"""Tallies of a block, put where they belong among the counts of a run."""

from __future__ import annotations

import numpy as np

from escalation.contracts import codes
from escalation.contracts.tallies import (
    TOTAL_MONTHS,
    TOTAL_SATURATED,
    TOTAL_WEDGES,
    Tallies,
    empty_tallies,
)
from escalation.study.schema import Flashpoint, Study

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
    "replicate_count": "replicate",
}


def add_tallies(
    arrays: dict[str, np.ndarray],
    study: Study,
    flashpoint: Flashpoint,
    tallies: Tallies,
    where: tuple[int | slice, ...],
    cells: tuple[int, ...],
) -> None:
    """Add the tallies of a block to the count arrays.

    Parameters
    ----------
    arrays : dict of str to int array, shape (rule, flashpoint, structure, draw, ...)
        Counts of the run by variable; filled here, and made if they are not there yet.
    study : Study
        That is run.
    flashpoint : Flashpoint
        Of the block.
    tallies : Tallies
        Of the block, first axis its draws.
    where : tuple
        Place of the block: numbers of rule, flashpoint and structure, and a slice of draws.
    cells : tuple of int
        Rules, flashpoints, structures and draws of the run.
    """
    parts = {name: getattr(tallies, field) for name, field in _PLAIN.items()}
    parts["wedge_count"] = tallies.total[:, TOTAL_WEDGES]
    parts["exposure_months"] = tallies.total[:, TOTAL_MONTHS]
    parts["saturated_count"] = tallies.total[:, TOTAL_SATURATED]
    n, actors = len(tallies.total), list(study.actors)
    column = [actors.index(name) for name in flashpoint.third_parties]
    for k, outcome in enumerate(codes.PARTY_OUTCOMES):
        counts = np.zeros((n, len(actors)), np.int64)
        counts[:, column] = tallies.party[:, k]
        parts[f"{outcome}_count"] = counts
    sizes = np.zeros((n, len(actors) + 1), np.int64)
    sizes[:, : tallies.coalition_size.shape[1]] = tallies.coalition_size
    parts["coalition_size_count"] = sizes
    for name, part in parts.items():
        if name not in arrays:
            arrays[name] = np.zeros((*cells, *part.shape[1:]), np.int64)
        arrays[name][where] += part


def cell_bytes(study: Study) -> int:
    """Return the bytes of the counts of one cell, as :func:`add_tallies` makes them."""
    flashpoint = next(iter(study.flashpoints.values()))
    tallies = empty_tallies(1, len(flashpoint.third_parties), study.horizon_years)
    arrays: dict[str, np.ndarray] = {}
    where = (0, 0, 0, slice(0, 1))
    add_tallies(arrays, study, flashpoint, tallies, where, (1, 1, 1, 1))
    return sum(array.nbytes for array in arrays.values())
