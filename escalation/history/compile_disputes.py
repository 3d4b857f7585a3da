"""Disputes of the record as integer tables, for the same kernel as the named studies."""

from __future__ import annotations

import numpy as np

from escalation.contracts.codes import WAR
from escalation.contracts.tables import SCALAR_WEDGE, Tables, empty_tables
from escalation.errors import InputError
from escalation.history.generic import Features, generic_inputs
from escalation.model.compile import DEFAULT_GRID, Grid, fill_tables
from escalation.model.draws import Draws
from escalation.model.gate import first_fault
from escalation.model.rounds import build_rounds


def compile_disputes(
    features: Features, draws: Draws, onset: float, years: int = 10, grid: Grid = DEFAULT_GRID
) -> Tables:
    """Compile disputes of the record, one per cell.

    Parameters
    ----------
    features : Features
        One dispute per cell.
    draws : Draws
        One draw per cell; see :func:`escalation.history.generic.crossed`.
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
