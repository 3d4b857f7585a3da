r"""How long disputes of the record last, from the same kernel as the named studies.

The record counts days from the first to the last military move, the model from the opening to
the end. A dispute with one move only, neither answered nor raised, counts as one day in the
record; its chance s is exact. All others take the simulated lengths L of the kernel:

.. math:: P(\text{bin}) = s\, 1[\text{one day}] + (1 - s)\, P(L \in \text{bin}) .

The kernel's lengths are not conditioned on a second move, which makes them somewhat too short.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from escalation.contracts.codes import DURATION_EDGES_DAYS, WAR
from escalation.contracts.tables import SCALAR_WEDGE, Tables, empty_tables
from escalation.errors import InputError
from escalation.history.features import Features, crossed, generic_inputs
from escalation.history.likelihood import solve
from escalation.model.compile import DEFAULT_GRID, Grid, fill_tables
from escalation.model.draws import Draws
from escalation.model.gate import first_fault
from escalation.model.rounds import build_rounds
from escalation.simulation.threads import simulate_block


def compile_disputes(
    features: Features, draws: Draws, onset: float, years: int = 10, grid: Grid = DEFAULT_GRID
) -> Tables:
    """Compile disputes of the record, one per cell.

    Parameters
    ----------
    features : Features
        One dispute per cell.
    draws : Draws
        One draw per cell; see :func:`escalation.history.features.crossed`.
    onset : float
        Disputes per year, before the response to the ally.
    years : int
        Length of a trajectory.
    grid : Grid
        Resolution; there is no power beside the defender's and the ally's.

    Raises
    ------
    InputError
        A number is not finite or does not fit its table.
    """
    tables = empty_tables(draws.n, 1, years, 2, grid.n_us)
    anchor = np.zeros((draws.n, 2))  # the response of onset is not held to that of another place
    with np.errstate(all="ignore"):
        x = generic_inputs(features, draws)
        x = x._replace(onset_per_month=x.onset_per_month * onset)
        rounds = build_rounds(draws, scale=grid.round_scale)
        fill_tables(tables, x, rounds, draws, anchor, np.full(draws.n, onset))
    found = first_fault(draws, anchor, x, rounds, tables)
    if found is not None:
        raise InputError(f"cell {found.cell} of disputes of the record: {found.what}")
    tables.scalar[:, SCALAR_WEDGE] = 0  # the record knows of no economic coercion
    # Silence of the allies below war is no news: the record does not say who was asked.
    tables.decision[:, :, :, :, : WAR - 1, :, :, 2] = 0
    return tables


TRAJECTORIES, SEED = 20, 11
CELLS_AT_ONCE = 600
ONSETS_PER_YEAR = 3.0
"""Only how often a dispute begins; how long it lasts does not depend on it."""


def duration_chances(
    features: Features, draws: Draws, edges: Sequence[float], trajectories: int = TRAJECTORIES
) -> np.ndarray:
    """Return the chance that each dispute's length falls into each bin, shape (n, bin).

    Parameters
    ----------
    features : Features
        Disputes.
    draws : Draws
        Parameter draws, averaged over.
    edges : sequence of float
        Lower edges of the bins in days, among those of the kernel; the last bin is open.
    trajectories : int
        Ten-year histories per dispute and draw.
    """
    cells, repeated = crossed(features, draws)
    bins = np.searchsorted(edges, np.asarray(DURATION_EDGES_DAYS), side="right") - 1
    counts = np.zeros((repeated.n, len(edges)))
    for begin in range(0, repeated.n, CELLS_AT_ONCE):
        rows = np.arange(begin, min(begin + CELLS_AT_ONCE, repeated.n))
        tables = compile_disputes(
            cells.taken(rows), Draws(repeated.names, repeated.values[:, rows]), ONSETS_PER_YEAR
        )
        tallies = simulate_block(tables, SEED, rows.astype(np.int64), 0, trajectories)
        for bin_, column in zip(bins, np.moveaxis(tallies.duration.sum(axis=1), 1, 0), strict=True):
            counts[rows, bin_] += column
    by_dispute = counts.reshape(draws.n, features.n, len(edges)).sum(axis=0) + 0.5
    lengths = by_dispute / by_dispute.sum(axis=1, keepdims=True)
    single = single_move_chances(features, draws).mean(axis=0)
    chances = lengths * (1.0 - single)[:, None]
    chances[:, 0] += single
    return chances


def single_move_chances(features: Features, draws: Draws) -> np.ndarray:
    """Return the chance that a dispute ends unanswered at the rung it opened at, shape (W, n)."""
    cells, repeated = crossed(features, draws)
    opens = generic_inputs(cells, repeated).opening.mean(axis=1).reshape(draws.n, features.n, 3)
    single = np.zeros((draws.n, features.n))
    for rung in (1, 2, 3):
        opening = np.zeros((draws.n, 4))
        opening[:, rung - 1] = 1.0
        solved = solve(features, draws, opening=opening)
        stays = solved.outcome.chances[..., rung - 1, 0, :].sum(axis=-1)
        single += opens[..., rung - 1] * (stays * solved.type_weights).sum(axis=2)
    return single
