"""Checksum of tables: a polynomial in an odd multiplier, modulo 2**64.

Every word of a table enters with an odd coefficient of its own, so that no single change goes
unnoticed, whatever its place.
"""

from __future__ import annotations

import numba
import numpy as np

from escalation.contracts.tables import Tables
from escalation.kernel.jit import jit_parallel

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@jit_parallel
def _fold(arrays, sums):
    # One parallel region for all tables: beside busy neighbours each costs a turn of waiting.
    for cell in numba.prange(sums.shape[0]):
        total = np.uint64(0)
        for words in arrays:
            for k in range(words.shape[1]):
                total = total * _MULTIPLIER + np.uint64(np.uint32(words[cell, k]))
        sums[cell] = total


def table_checksums(tables: Tables) -> np.ndarray:
    """Return the upper 63 bits of the checksum of each cell's tables, int64 of shape (cell,)."""
    sums = np.zeros(tables.veto.shape[0], np.uint64)
    flat = tuple(np.ascontiguousarray(array).reshape(len(sums), -1) for array in tables)
    _fold(flat, sums)
    return (sums >> np.uint64(1)).astype(np.int64)
