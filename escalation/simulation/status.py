"""How far a campaign is, and what it shows so far, from its file alone."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from escalation.contracts import codes
from escalation.results.files import RESULTS_NAME
from escalation.results.support import LEAST_SPREAD, trials_tell
from escalation.simulation import lock
from escalation.simulation.accumulate import BlockCounts
from escalation.simulation.manifest import Manifest
from escalation.simulation.store import EVENTS, Store, StoredBlock
from escalation.simulation.workload import Block, Workload, compared_structures
from escalation.statistics.intervals import binomial_noise, noise_free, wilson, zero_upper_bound
from escalation.study import Study

RECENT = 50
"""Blocks that the rate is taken over."""


@dataclass(frozen=True)
class Estimate:
    """A probability over the horizon as far as it is known.

    Attributes
    ----------
    flashpoint, structure, event : str
        Of what, where, under which structure.
    hits, histories : int
        Histories with the event, and all, over the blocks that are done.
    probability : float
        Their share.
    low, high : float
        95 % interval of it by chance (Wilson, all histories as equal trials, which errs on the
        safe side); 0 and the one-sided 95 % bound where nothing was seen.
    draws_low, draws_high : float or None
        Quantiles 5 and 95 % of the share over the parameter draws that have been run, the
        Monte Carlo part removed; None where these are too few for that.
    """

    flashpoint: str
    structure: str
    event: str
    hits: int
    histories: int
    probability: float
    low: float
    high: float
    draws_low: float | None
    draws_high: float | None


@dataclass(frozen=True)
class Status:
    """How far a campaign is.

    Attributes
    ----------
    study : str
        Its name.
    draws, trajectories : int
        Size that it is to reach.
    blocks_done, blocks : int
        Blocks that are stored, and all that the size asks for.
    histories_done, histories : int
        The same, in trajectories.
    rate : float
        Trajectories per second over the latest blocks; 0 if none is known.
    seconds_left : float or None
        At that rate.
    finished : bool
        Whether all blocks are done and the results are there.
    holder : str
        Who is at work on it, in words; empty if nobody is.
    estimates : list of Estimate
        Every flashpoint, the reference and the structures in focus.
    """

    study: str
    draws: int
    trajectories: int
    blocks_done: int
    blocks: int
    histories_done: int
    histories: int
    rate: float
    seconds_left: float | None
    finished: bool
    holder: str
    estimates: list[Estimate]


class Seen:
    """Hits and histories by cell and draw, added up from blocks."""

    def __init__(self, study: Study) -> None:
        self.rule = study.decision_rules[0]
        self._counts: dict[tuple[str, str], dict[int, np.ndarray]] = defaultdict(dict)

    def add(self, block: Block, counts: BlockCounts) -> None:
        """Add a block; those that are none of the study under its first rule are ignored."""
        if block.part != "study" or block.rule != self.rule:
            return
        cell = self._counts[block.flashpoint, block.structure]
        columns = [codes.EVENTS.index(event) for event in EVENTS]
        hits = counts.tallies.first_event.sum(axis=2)[:, columns]
        for draw, row in zip(block.draws.tolist(), hits, strict=True):
            cell[draw] = cell.get(draw, 0) + np.array([*row, block.count])

    def estimate(self, flashpoint: str, structure: str, event: str) -> Estimate | None:
        """Return an estimate, or None where no block is done."""
        cell = self._counts.get((flashpoint, structure))
        if not cell:
            return None
        rows = np.array(list(cell.values()))
        hits, n = rows[:, EVENTS.index(event)], rows[:, -1]
        x, total = int(hits.sum()), int(n.sum())
        low, high = wilson(x, total)
        draws_low = draws_high = None
        if len(n) >= LEAST_SPREAD and trials_tell(n):
            spread = noise_free(hits / n, binomial_noise(hits, n))
            draws_low, draws_high = np.maximum(np.quantile(spread, (0.05, 0.95)), 0.0).tolist()
        bound = float(high) if x else float(zero_upper_bound(total))
        return Estimate(
            flashpoint, structure, event, x, total, x / total, float(low), bound,
            draws_low, draws_high,
        )  # fmt: skip


def campaign_status(folder: str | os.PathLike[str]) -> Status:
    """Say how far a campaign is; looks at the rows that it tells of, not at every one.

    Raises
    ------
    InputError
        There is no campaign, or what it tells of is damaged.
    """
    store = Store(folder)
    manifest = store.manifest()
    study, plan = manifest.study(), manifest.plan()
    workload = Workload(study, plan, bool(manifest.source(study).covered))
    rows = store.stored_blocks(manifest)
    blocks, total = sum(1 for _ in workload.blocks()), workload.trajectories()
    done = sum(row.block.size for row in rows)
    rate = _rate(rows)
    return Status(
        study.name, *plan.size, len(rows), blocks, done, total, rate,
        (total - done) / rate if rate else None,
        done == total and (store.folder / RESULTS_NAME).exists(),
        lock.holder(store.folder), _estimates(study, _headline(store, manifest, study, rows)),
    )  # fmt: skip


def count_stored(folder: str | os.PathLike[str]) -> tuple[int, int]:
    """Return how many blocks of a campaign are stored, and all; quicker than its status."""
    store = Store(folder)
    manifest = store.manifest()
    study = manifest.study()
    workload = Workload(study, manifest.plan(), bool(manifest.source(study).covered))
    return len(store.stored_blocks(manifest)), sum(1 for _ in workload.blocks())


def _rate(rows: list[StoredBlock]) -> float:
    timed = [row for row in rows if row.seconds][-RECENT:]
    seconds = sum(row.seconds for row in timed)
    return sum(row.block.size for row in timed) / seconds if seconds else 0.0


def _headline(
    store: Store, manifest: Manifest, study: Study, rows: list[StoredBlock]
) -> Iterator[tuple[Block, BlockCounts]]:
    """Return the stored blocks that the status tells of."""
    rule, compared = study.decision_rules[0], compared_structures(study)
    wanted = [
        row for row in rows if row.block.part == "study" and row.block.rule == rule
        and row.block.structure in compared
    ]  # fmt: skip
    return store.contents(manifest, study, wanted)


def _estimates(study: Study, found: Iterable[tuple[Block, BlockCounts]]) -> list[Estimate]:
    seen = Seen(study)
    for block, counts in found:
        seen.add(block, counts)
    estimates = [
        seen.estimate(flashpoint, structure, event)
        for flashpoint in study.flashpoints
        for structure in compared_structures(study)
        for event in EVENTS
    ]
    return [estimate for estimate in estimates if estimate is not None]
