"""Counts: those of a block, as bytes for other machines and for the disk, and those of a run."""

from __future__ import annotations

import hashlib
import zlib
from typing import NamedTuple

import numpy as np

from escalation.contracts import codes
from escalation.contracts.tallies import (
    TOTAL_MONTHS,
    TOTAL_SATURATED,
    TOTAL_WEDGES,
    Tallies,
    empty_tallies,
)
from escalation.errors import ResultsError
from escalation.simulation.workload import Block
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


class BlockCounts(NamedTuple):
    """What a block yields: one tally per draw, and a checksum of each draw's tables."""

    tallies: Tallies
    checksums: np.ndarray


class Counts:
    """Counts of a run, filled block by block.

    Attributes
    ----------
    arrays : dict of str to int64 array, shape (rule, flashpoint, structure, draw, ...)
        By variable.
    checksums : int64 array, shape (rule, flashpoint, structure, draw)
        Of the tables of every cell.
    """

    def __init__(self, study: Study, draws: int) -> None:
        self.study = study
        self.arrays: dict[str, np.ndarray] = {}
        self._axes = (
            list(study.decision_rules), list(study.flashpoints), list(study.structures)
        )
        rules, flashpoints, structures = map(len, self._axes)
        self.checksums = np.zeros((rules, flashpoints, structures, draws), np.int64)

    def add(self, block: Block, found: BlockCounts) -> None:
        """Add the counts of a block.

        Raises
        ------
        ResultsError
            Another block of the same draws was simulated with other tables.
        """
        rules, flashpoints, structures = self._axes
        flashpoint = self.study.flashpoints[block.flashpoint]
        where = (
            rules.index(block.rule),
            flashpoints.index(block.flashpoint),
            structures.index(block.structure),
            slice(block.begin, block.end),
        )
        there = self.checksums[where]
        if np.any((there != 0) & (there != found.checksums)):
            raise ResultsError(
                f"{block.flashpoint} under {block.structure}: blocks of the same draws were "
                "simulated with different tables, on machines whose arithmetic differs"
            )
        add_tallies(
            self.arrays, self.study, flashpoint, found.tallies, where, self.checksums.shape
        )
        self.checksums[where] = found.checksums

    def table_checksum(self) -> str:
        """Checksum over all tables, whatever the order in which they were compiled."""
        return hashlib.sha256(self.checksums.astype("<i8").tobytes()).hexdigest()[:16]


def packed(counts: BlockCounts) -> bytes:
    """Return checksums and counts as compressed little-endian 64-bit integers."""
    arrays = (counts.checksums, *counts.tallies)
    return zlib.compress(b"".join(array.astype("<i8").tobytes() for array in arrays), 1)


def unpacked(content: bytes, study: Study, block: Block) -> BlockCounts:
    """Return what :func:`packed` packed.

    Raises
    ------
    ValueError
        It is not what a block of this study yields.
    """
    n, parties = block.end - block.begin, len(study.flashpoints[block.flashpoint].third_parties)
    shapes = [(n,), *(a.shape for a in empty_tallies(n, parties, study.horizon_years))]
    edges = np.cumsum([np.prod(shape) for shape in shapes])
    try:
        # One byte more than there may be tells what is too long without unpacking all of it.
        raw = zlib.decompressobj().decompress(content, 8 * int(edges[-1]) + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if len(raw) != 8 * edges[-1]:
        raise ValueError("not as many numbers as the block has")
    pieces = np.split(np.frombuffer(raw, "<i8").astype(np.int64), edges[:-1])
    checksums, *arrays = (a.reshape(shape) for a, shape in zip(pieces, shapes, strict=True))
    found = BlockCounts(Tallies(*arrays), checksums)
    if (found.tallies.worst_rung.sum(axis=1) != block.count).any():
        raise ValueError("not as many histories as the block has")
    return found


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
        Position of the block: numbers of rule, flashpoint and structure, and a slice of draws.
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
