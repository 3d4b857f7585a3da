"""Whether every entry of the tables lies in its format: one pass over a block."""

from __future__ import annotations

import numba
import numpy as np

from escalation.contracts.tables import Tables, formats
from escalation.kernel.jit import jit_parallel


@jit_parallel
def _count(tables, least, greatest, found):
    for c in numba.prange(found.shape[0]):
        n = 0
        for k in range(len(tables)):
            row, low, high = tables[k][c], least[k], greatest[k]
            for j in range(row.shape[0]):
                n += (row[j] < low[j]) | (row[j] > high[j])
        found[c] = n


def outside_formats(tables: Tables) -> np.ndarray:
    """Return how many entries of each cell lie outside their format, shape (cell,)."""
    n_cells, n_parties = tables.veto.shape
    _, _, n_power, n_us = tables.brink.shape
    least, greatest = formats(n_parties, tables.outlook.shape[1], n_power, n_us)
    found = np.zeros(n_cells, np.int64)
    _count(
        tuple(array.reshape(n_cells, -1) for array in tables),
        tuple(array.reshape(-1) for array in least),
        tuple(array.reshape(-1) for array in greatest),
        found,
    )
    return found
