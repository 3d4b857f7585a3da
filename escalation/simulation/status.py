"""How far a campaign is, and what it shows so far, from its file alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from escalation.contracts import codes
from escalation.results.estimates import panel_from_counts, summarise
from escalation.results.files import RESULTS_NAME
from escalation.results.quantities import RISKS
from escalation.results.support import LEAST_SPREAD
from escalation.simulation import lock
from escalation.simulation.accumulate import BlockCounts
from escalation.simulation.manifest import Manifest
from escalation.simulation.store import EVENTS, Store, StoredBlock
from escalation.simulation.workload import Block, Workload, compared_structures
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
        Mean over draws of their share, as in tables and files.
    low, high : float or None
        95 % interval of it by chance, as in tables; 0 and the one-sided 95 % bound where nothing
        was seen, None where the error is not known.
    draws_low, draws_high : float or None
        Quantiles 5 and 95 % of the share over the parameter draws that have been run, the
        Monte Carlo part removed, as in tables; None where these are too few for that.
    """

    flashpoint: str
    structure: str
    event: str
    hits: int
    histories: int
    probability: float
    low: float | None
    high: float | None
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
    """Counts by replicate of the study's blocks under its first rule, added up."""

    def __init__(self, study: Study) -> None:
        self.rule = study.decision_rules[0]
        self._flashpoints, self._structures = list(study.flashpoints), list(study.structures)
        self._counts: dict[str, dict[str, dict[int, np.ndarray]]] = {}

    def add(self, block: Block, counts: BlockCounts) -> None:
        """Add a block; those of other parts and rules are ignored."""
        if block.part != "study" or block.rule != self.rule:
            return
        here = self._counts.setdefault(block.flashpoint, {}).setdefault(block.structure, {})
        columns = [codes.REPLICATED.index(event) for event in EVENTS]
        numbers = np.arange(block.first, block.first + block.count) % codes.N_REPLICATES
        trials = np.bincount(numbers, minlength=codes.N_REPLICATES)
        hits = counts.tallies.replicate[:, :, columns]
        for draw, found in zip(block.draws.tolist(), hits, strict=True):
            row = np.column_stack([found, trials])
            here[draw] = here.get(draw, 0) + row

    def estimates(self, flashpoint: str, event: str) -> dict[str, Estimate]:
        """Return what the blocks show, by structure, where any is done.

        The numbers are those of :func:`escalation.results.estimates.summarise`; structures
        without a common draw, as in a campaign that is half done, are looked at one by one.
        """
        cells = self._counts.get(flashpoint, {})
        names = [name for name in self._structures if name in cells]
        alike = len({frozenset(cells[name]) for name in names}) == 1
        groups = [names] if alike else [[name] for name in names]
        found: dict[str, Estimate] = {}
        for group in groups if names else ():
            draws = sorted(cells[group[0]])
            counts = np.array([[cells[name][draw] for draw in draws] for name in group], float)
            panel = panel_from_counts(
                RISKS[event], tuple(group), counts[..., EVENTS.index(event)], counts[..., -1],
                (flashpoint, self.rule),
            )  # fmt: skip
            told = summarise(panel)
            found |= {name: _estimate(flashpoint, name, event, told) for name in group}
        return found


def _estimate(flashpoint: str, structure: str, event: str, told: xr.Dataset) -> Estimate:
    value = {str(name): array.item() for name, array in told.sel(structure=structure).items()}
    x, total = int(value["hits"]), int(value["trials"])
    error = np.isfinite(value["mc_low"])
    known = np.isfinite(value["low"]) and value["draws"] >= LEAST_SPREAD
    return Estimate(
        flashpoint, structure, event, x, total, value["mean"],
        value["mc_low"] if error else None, value["mc_high"] if error else None,
        value["low"] if known else None, value["high"] if known else None,
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
    workload = Workload.of(plan, manifest.source(study))
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
    workload = Workload.of(manifest.plan(), manifest.source(study))
    return len(store.stored_blocks(manifest)), sum(1 for _ in workload.blocks())


def _rate(rows: list[StoredBlock]) -> float:
    timed = [row for row in rows if row.seconds][-RECENT:]
    seconds = sum(row.seconds for row in timed)
    return sum(row.block.size for row in timed) / seconds if seconds else 0.0


def _headline(
    store: Store, manifest: Manifest, study: Study, rows: list[StoredBlock]
) -> Iterator[tuple[Block, BlockCounts]]:
    """Return the stored blocks that the status tells of."""
    rule = study.decision_rules[0]
    wanted = [row for row in rows if row.block.part == "study" and row.block.rule == rule]
    return store.contents(manifest, study, wanted)


def _estimates(study: Study, found: Iterable[tuple[Block, BlockCounts]]) -> list[Estimate]:
    seen = Seen(study)
    for block, counts in found:
        seen.add(block, counts)
    estimates = []
    for flashpoint in study.flashpoints:
        by_event = [seen.estimates(flashpoint, event) for event in EVENTS]
        for name in compared_structures(study):
            estimates += [told[name] for told in by_event if name in told]
    return estimates
