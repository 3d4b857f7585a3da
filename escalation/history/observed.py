"""The record as the model sees it: features of disputes, what happened, and which pair met when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from escalation.history.dispute_table import Disputes
from escalation.history.generic import Features

N_CELLS = 16
"""Level 2 to 5 x answered or not x joined by an ally or not; see :func:`outcome_cells`."""


@dataclass(frozen=True)
class Record:
    """Disputes in the order of pairs and dates.

    Attributes
    ----------
    features : Features
        One entry per dispute.
    cell : int array, shape (n,)
        What happened, ``4 * (level - 2) + 2 * answered + joined``; wars count as answered.
    pair : int array, shape (n,)
        Number of the pair of states; the disputes of a pair stand together, by date.
    reversed_ : bool array, shape (n,)
        Whether the challenger is the second state of the pair in alphabetical order.
    year : float array, shape (n,)
        Year of onset.
    learnt : bool array, shape (n,)
        Whether the outcome is known, and may teach about later disputes of the pair.
    """

    features: Features
    cell: np.ndarray
    pair: np.ndarray
    reversed_: np.ndarray
    year: np.ndarray
    learnt: np.ndarray

    @property
    def n(self) -> int:
        """Number of disputes."""
        return len(self.cell)


def record_features(disputes: Disputes) -> Features:
    """Return what the model knows of each dispute at its outset.

    Unknown capabilities, of either side or of allies, count as equal to the initiator's; so do
    zero ones of a side, which no state has.
    """
    own = np.asarray(disputes.initiator_cinc, float)
    n_allies = np.asarray(disputes.n_target_defenders, float)

    def over(capability: np.ndarray) -> np.ndarray:
        known = np.isfinite(capability) & np.isfinite(own) & (own > 0) & (capability > 0)
        return np.divide(capability, own, out=np.ones(len(own)), where=known)

    allied = np.asarray(disputes.target_unshared_defender_cinc, float)
    return Features(
        defender_power=over(np.asarray(disputes.target_cinc, float)),
        ally_power=np.where((n_allies > 0) & (allied != 0), over(allied), 0.0),
        n_allies=n_allies,
        umbrella=disputes.umbrella,
        shared=shared_power(disputes),
        decade=(np.asarray(disputes.year, float) - 1980.0) / 10.0,
        land=disputes.land,
        sea=disputes.sea,
        after_1990=disputes.post_1990,
        china=np.asarray(disputes.china_initiator) == 1,
    )


def shared_power(disputes: Disputes) -> np.ndarray:
    """Return the share of allied capabilities that is allied with both sides, shape (n,).

    It is 0 where either is unknown.
    """
    total = np.asarray(disputes.target_defender_cinc, float)
    apart = np.asarray(disputes.target_unshared_defender_cinc, float)
    known = np.isfinite(apart) & (total > 0)
    share = 1.0 - np.divide(apart, total, out=np.ones(len(total)), where=known)
    return np.clip(share, 0.0, 1.0)


def observed_cells(disputes: Disputes) -> np.ndarray:
    """Return the cell of what happened in each dispute, shape (n,)."""
    answered = np.where(disputes.level == 5, 1, disputes.recip)
    return 4 * (disputes.level - 2) + 2 * answered + disputes.joined


def build_record(disputes: Disputes, learnt: np.ndarray | None = None) -> tuple[Record, np.ndarray]:
    """Return the record, sorted, and the row of `disputes` that each entry came from.

    Parameters
    ----------
    disputes : Disputes
        All disputes.
    learnt : bool array, shape (n,), optional
        Whose outcomes may teach; all by default.
    """
    n = len(disputes)
    pair = np.unique(disputes.pair.astype(str), return_inverse=True)[1]
    order = np.lexsort((np.asarray(disputes.dispnum), np.asarray(disputes.year), pair))
    known = np.ones(n, bool) if learnt is None else np.asarray(learnt, bool)
    first = np.array([str(p).split(">")[0] for p in disputes.pair]) if n else np.zeros(0, str)
    return (
        Record(
            features=record_features(disputes).taken(order),
            cell=observed_cells(disputes)[order],
            pair=pair[order],
            reversed_=(disputes.challenger.astype(str) != first)[order],
            year=np.asarray(disputes.year, float)[order],
            learnt=known[order],
        ),
        order,
    )


def outcome_cells(chances: np.ndarray) -> np.ndarray:
    """Fold rungs into levels and cells, shape (..., 5, 2, 2) to (..., 16).

    Rungs 3 and 4 are level 4; a war counts as answered.
    """
    cells = np.zeros((*chances.shape[:-3], 4, 2, 2))
    cells[..., :2, :, :] = chances[..., :2, :, :]
    cells[..., 2, :, :] = chances[..., 2, :, :] + chances[..., 3, :, :]
    cells[..., 3, 1, :] = chances[..., 4, :, :].sum(axis=-2)
    return cells.reshape(*chances.shape[:-3], N_CELLS)
