"""The contract between kernel and results: what is counted, as plain integers.

A tally is created empty, added to by the kernel, merged by addition, and that is all an
engine needs to know. `Tallies` holds a block of tallies stacked along the first axis.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from escalation.contracts import codes


class Tallies(NamedTuple):
    """Counts of a block of tallies; shapes are given without the leading axis.

    Attributes
    ----------
    worst_rung : int64 (rung,)
        Trajectories by their worst rung.
    crisis : int64 (class, end state, peak rung, us fought)
        Disputes by how they went.
    first_event : int64 (event, year)
        Trajectories by the year of their first such event.
    party : int64 (outcome, party)
        Disputes (exits: trajectories) in which a third party did this.
    duration : int64 (class, bin)
        Disputes by duration.
    duration_days : int64 (class,)
        Their total days.
    coalition_size : int64 (party + 1,)
        Wars by the number of third parties that fought.
    transition : int64 (cause, rung from, rung to)
        Steps up the ladder.
    reciprocated : int64 (class,)
        Disputes in which the defender matched at least once.
    brink : int64 (2,)
        Brink decisions: held, war.
    trajectory_end : int64 (3,)
        Trajectories by why they ended.
    replicate : int64 (replicate, counted)
        First events and disputes by replicate: how much a count varies by chance, and how
        much of that two structures share, is seen from the spread over replicates.
    total : int64 (5,)
        Coerced crises, months of exposure, rounds, random words, and trajectories that were
        saturated: the onset rate stood at the largest entry of its table, or a year held more
        disputes than it has random numbers for.
    """

    worst_rung: np.ndarray
    crisis: np.ndarray
    first_event: np.ndarray
    party: np.ndarray
    duration: np.ndarray
    duration_days: np.ndarray
    coalition_size: np.ndarray
    transition: np.ndarray
    reciprocated: np.ndarray
    brink: np.ndarray
    trajectory_end: np.ndarray
    replicate: np.ndarray
    total: np.ndarray


TOTAL_WEDGES, TOTAL_MONTHS, TOTAL_ROUNDS, TOTAL_WORDS, TOTAL_SATURATED, N_TOTALS = range(6)


def empty_tallies(n: int, n_parties: int, n_years: int) -> Tallies:
    """Return `n` empty tallies."""
    rungs = codes.N_RUNGS
    classes = len(codes.DISPUTE_CLASSES)
    shapes: dict[str, tuple[int, ...]] = {
        "worst_rung": (rungs,),
        "crisis": (classes, len(codes.END_STATES), rungs, 2),
        "first_event": (len(codes.EVENTS), n_years),
        "party": (len(codes.PARTY_OUTCOMES), n_parties),
        "duration": (classes, codes.N_DURATIONS),
        "duration_days": (classes,),
        "coalition_size": (n_parties + 1,),
        "transition": (len(codes.CAUSES), rungs, rungs),
        "reciprocated": (classes,),
        "brink": (len(codes.BRINK_OUTCOMES),),
        "trajectory_end": (len(codes.TRAJECTORY_ENDS),),
        "replicate": (codes.N_REPLICATES, len(codes.REPLICATED)),
        "total": (N_TOTALS,),
    }
    return Tallies(**{k: np.zeros((n, *shape), np.int64) for k, shape in shapes.items()})


def merge(tallies: Tallies, owner: np.ndarray, n: int) -> Tallies:
    """Add up the tallies that belong together; exact, so the order does not matter.

    Parameters
    ----------
    tallies : Tallies
        `m` stacked tallies.
    owner : int array, shape (m,)
        Which of the `n` merged tallies each one belongs to.
    n : int
        Number of merged tallies.
    """
    merged = Tallies(*(np.zeros((n, *array.shape[1:]), array.dtype) for array in tallies))
    for total, parts in zip(merged, tallies, strict=True):
        np.add.at(total, owner, parts)
    return merged
