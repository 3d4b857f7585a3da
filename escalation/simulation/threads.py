"""The default engine: one machine, several threads, compiled by numba.

A block of cells is cut into batches of trajectories; each batch counts into a tally of its
own and the tallies are added up afterwards, so the result does not depend on threads or
batch size. One lock guards the parallel region, since numba's simplest threading layer
aborts the process when two Python threads enter it together.
"""

from __future__ import annotations

import threading

import numba
import numpy as np

from escalation.contracts.codes import LOG_COLUMNS
from escalation.contracts.tables import Tables
from escalation.contracts.tallies import Tallies, empty_tallies, merge
from escalation.errors import InputError
from escalation.kernel.jit import jit_parallel
from escalation.kernel.simulate import simulate

_LOCK = threading.Lock()
DEFAULT_BATCH = 2_000
_WAVE = 512


@jit_parallel
def _play(tables, seed, draws, cells, firsts, counts, tallies, scratch):  # type: ignore[no-untyped-def]
    for k in numba.prange(cells.shape[0]):
        simulate(
            tables, cells[k], seed, draws[cells[k]], firsts[k], counts[k], tallies, k, scratch, None
        )


def available_threads() -> int:
    """Return how many threads a run may use at most."""
    return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]


def simulate_block(
    tables: Tables,
    seed: int,
    draws: np.ndarray,
    first: int,
    count: int,
    threads: int | None = None,
    batch: int = DEFAULT_BATCH,
) -> Tallies:
    """Play the same range of trajectories in every cell of a block.

    Parameters
    ----------
    tables : Tables
        Block of `n` cells.
    seed : int
        Seed, 0 to 2**64 - 1.
    draws : int array, shape (n,)
        Number of the parameter draw of each cell; it keys the random numbers.
    first, count : int
        Range of trajectory numbers.
    threads : int, optional
        Threads to use; all that are available by default.
    batch : int, optional
        Trajectories per batch.

    Returns
    -------
    Tallies
        One tally per cell.

    Raises
    ------
    InputError
        If there are fewer threads than asked for.
    """
    n_cells = tables.veto.shape[0]
    n_parties = tables.veto.shape[1]
    n_years = tables.outlook.shape[1]
    limit = available_threads()
    if threads is not None and not 1 <= threads <= limit:
        raise InputError(f"threads: {threads} is not between 1 and {limit}")
    keys = np.asarray(draws).astype(np.uint64)
    per_cell = -(-count // batch)
    total = empty_tallies(n_cells, n_parties, n_years)
    with _LOCK:
        before = numba.get_num_threads()
        numba.set_num_threads(threads or limit)
        try:
            for wave in range(0, n_cells * per_cell, _WAVE):
                number = np.arange(wave, min(wave + _WAVE, n_cells * per_cell))
                cells, part = number // per_cell, number % per_cell
                begin = part * batch
                counts = np.minimum(batch, count - begin)
                tallies = empty_tallies(len(number), n_parties, n_years)
                scratch = np.zeros((len(number), 3, n_parties), np.int64)
                _play(tables, np.uint64(seed), keys, cells, first + begin, counts, tallies, scratch)
                for sum_, piece in zip(total, merge(tallies, cells, n_cells), strict=True):
                    sum_ += piece
        finally:
            numba.set_num_threads(before)
    return total


def log_trajectory(
    tables: Tables, cell: int, seed: int, draw: int, trajectory: int, rows: int = 20_000
) -> np.ndarray:
    """Play one trajectory and return what happened, shape (events, LOG_COLUMNS).

    The columns are explained in :mod:`escalation.kernel.log`.
    """
    log = np.zeros((rows, LOG_COLUMNS), np.int64)
    tallies = empty_tallies(1, tables.veto.shape[1], tables.outlook.shape[1])
    simulate(
        tables,
        cell,
        np.uint64(seed),
        np.uint64(draw),
        trajectory,
        1,
        tallies,
        0,
        np.zeros((1, 3, tables.veto.shape[1]), np.int64),
        log,
    )
    return log[1 : log[0, 0] + 1]
