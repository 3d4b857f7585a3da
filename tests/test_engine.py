"""Counts do not depend on how the work is cut up or who does it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import cells
import numpy as np
import pytest

from escalation.contracts.tables import Tables
from escalation.contracts.tallies import Tallies, merge
from escalation.errors import InputError
from escalation.simulation.threads import available_threads, simulate_block

N = 1003


@pytest.fixture(scope="module")
def block(varied: Tables) -> Tables:
    """Three unlike cells."""
    return cells.chosen(varied, 0, 9, 23)


@pytest.fixture(scope="module")
def expected(block: Tables) -> Tallies:
    """Their counts in one batch on one thread."""
    return cells.count(block, N, seed=4, threads=1, batch=N)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("batch", [1, 7, 1000, N])
def test_threads_and_batches(
    block: Tables, expected: Tallies, threads: int, batch: int
) -> None:
    if threads > available_threads():
        pytest.skip(f"only {available_threads()} threads here")
    assert cells.same(cells.count(block, N, seed=4, threads=threads, batch=batch), expected)


def test_too_many_threads_are_refused(block: Tables) -> None:
    with pytest.raises(InputError, match="threads"):
        cells.count(block, 1, threads=available_threads() + 1)


def test_shuffled_ranges_add_up(block: Tables, expected: Tallies) -> None:
    edges = [0, 1, 2, 100, 101, 400, 997, N]
    ranges = list(pairwise(edges))
    np.random.default_rng(1).shuffle(ranges)
    pieces = [cells.count(block, end - begin, seed=4, first=begin) for begin, end in ranges]
    together = Tallies(*(np.concatenate(parts) for parts in zip(*pieces, strict=True)))
    owner = np.tile(np.arange(3), len(pieces))
    assert cells.same(merge(together, owner, 3), expected)


def test_cells_alone_and_in_another_order(block: Tables, expected: Tallies) -> None:
    order = [2, 0, 1]
    turned = cells.count(cells.chosen(block, *order), N, seed=4)
    assert cells.same(turned, Tallies(*(array[order] for array in expected)))
    for cell in range(3):
        alone = cells.count(cells.chosen(block, cell), N, seed=4)
        assert cells.same(alone, Tallies(*(array[[cell]] for array in expected)))


def test_a_trajectory_alone_is_itself_in_a_batch(block: Tables) -> None:
    singles = [cells.count(block, 1, seed=4, first=k) for k in range(50, 90)]
    total = Tallies(*(sum(parts) for parts in zip(*singles, strict=True)))
    assert cells.same(total, cells.count(block, 40, seed=4, first=50))


def test_trajectories_are_numbered_beyond_32_bits(block: Tables) -> None:
    far = cells.count(block, 200, seed=4, first=2**40)
    assert far.worst_rung.sum(axis=1).tolist() == [200] * 3
    assert not cells.same(far, cells.count(block, 200, seed=4))


def test_a_draw_has_its_own_numbers(block: Tables) -> None:
    same_cell = cells.chosen(block, 0, 0)
    counts = simulate_block(same_cell, 4, np.array([0, 1]), 0, N)
    assert not np.array_equal(counts.worst_rung[0], counts.worst_rung[1])


def test_no_trajectory(block: Tables) -> None:
    assert all((array == 0).all() for array in cells.count(block, 0))


def test_counts_are_consistent(block: Tables, expected: Tallies) -> None:
    """Every trajectory, dispute and war is counted once in each of its tables."""
    disputes = expected.crisis.sum(axis=(2, 3, 4))
    assert expected.worst_rung.sum(axis=1).tolist() == [N] * 3
    assert expected.trajectory_end.sum(axis=1).tolist() == [N] * 3
    assert np.array_equal(expected.duration.sum(axis=2), disputes)
    assert (expected.reciprocated <= disputes).all()
    wars = expected.crisis[:, :, :, 5:].sum(axis=(1, 2, 3, 4))
    assert np.array_equal(expected.coalition_size.sum(axis=1), wars)
    fought, stayed_out = expected.party[:, 1], expected.party[:, 2]
    assert np.array_equal(fought + stayed_out, np.repeat(wars[:, None], fought.shape[1], axis=1))
    assert (expected.party[:, 3] <= fought).all()
    assert (expected.party[:, 4] <= stayed_out).all()
    sizes = np.arange(expected.coalition_size.shape[1])
    assert np.array_equal(expected.coalition_size @ sizes, fought.sum(axis=1))
    ever = expected.first_event.sum(axis=2)
    assert (np.diff(ever[:, [0, 1]], axis=1) <= 0).all()
    assert np.array_equal(expected.worst_rung[:, 1:].sum(axis=1), ever[:, 0])
    assert np.array_equal(expected.worst_rung[:, 5:].sum(axis=1), ever[:, 3])
    assert np.array_equal(expected.worst_rung[:, 8:].sum(axis=1), ever[:, 5])


def test_two_python_threads_at_once(block: Tables, expected: Tallies) -> None:
    """numba's simplest threading layer aborts the process unless the engine takes turns."""
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(cells.count, block, N, seed=4, batch=50) for _ in range(6)]
        assert all(cells.same(run.result(), expected) for run in runs)
