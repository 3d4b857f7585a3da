"""How far a campaign is, and what it shows so far, from its plan and its journal alone."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from escalation.results.files import RESULTS_NAME
from escalation.results.support import LEAST_SPREAD, trials_tell
from escalation.simulation import lock
from escalation.simulation.asked import asked_blocks
from escalation.simulation.campaign_plan import CampaignPlan, load_plan
from escalation.simulation.entries import EVENTS, well_formed
from escalation.simulation.journal import Entry, Journal
from escalation.simulation.workload import compared_structures
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
        Quantiles 5 and 95 % of the share over the parameter draws that have been played, the
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
        Blocks in the journal that the size asks for, and all that it asks for.
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
    """Hits and histories by cell and draw, added up from entries of the journal."""

    def __init__(self, study: Study) -> None:
        self.rule = study.decision_rules[0]
        self._counts: dict[tuple[str, str], dict[int, np.ndarray]] = defaultdict(dict)

    def add(self, entry: Entry) -> None:
        """Add an entry; those that are no block of the study under its first rule are ignored."""
        if entry.get("part") != "study" or entry.get("rule") != self.rule:
            return
        cell = self._counts[entry["flashpoint"], entry["structure"]]
        hits = np.array([entry["hits"][event] for event in EVENTS]).T
        for draw, row in zip(range(entry["begin"], entry["end"]), hits, strict=True):
            cell[draw] = cell.get(draw, 0) + np.array([*row, entry["count"]])

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
    """Say how far a campaign is; looks at its plan and journal, not at every block.

    Raises
    ------
    InputError
        There is no campaign, or its plan or journal is damaged.
    """
    place = Path(folder)
    plan = load_plan(place)
    study = plan.study()
    journal = _journal(place)
    blocks = _blocks(plan, study, place)
    entries = {e["file"]: e for e in journal.entries if e["file"] in blocks}
    done = sum(blocks[file] for file in entries)
    rate = _rate([e for e in journal.entries if e["file"] in entries])
    left = sum(blocks.values()) - done
    return Status(
        study.name, *plan.size, len(entries), len(blocks), done, sum(blocks.values()), rate,
        left / rate if rate else None, not left and (place / RESULTS_NAME).exists(),
        lock.holder(place), _estimates(study, list(entries.values())),
    )  # fmt: skip


def count_blocks(folder: Path, study: Study) -> tuple[int, int]:
    """Return how many blocks of a campaign are done, and all; quicker than its status."""
    blocks = _blocks(load_plan(folder), study, folder)
    return len(blocks.keys() & {entry["file"] for entry in _journal(folder).entries}), len(blocks)


def _journal(folder: Path) -> Journal:
    journal = Journal(folder, well_formed)
    journal.read()
    return journal


def _blocks(plan: CampaignPlan, study: Study, folder: Path) -> dict[str, int]:
    """Return the size of every block that the plan asks for, by its file."""
    return asked_blocks(plan, study, plan.posterior(folder))


def _rate(entries: list[Entry]) -> float:
    timed = [e for e in entries if e.get("seconds")][-RECENT:]
    seconds = sum(e["seconds"] for e in timed)
    return sum(e["histories"] for e in timed) / seconds if seconds else 0.0


def _estimates(study: Study, entries: list[Entry]) -> list[Estimate]:
    seen = Seen(study)
    for entry in entries:
        seen.add(entry)
    found = [
        seen.estimate(flashpoint, structure, event)
        for flashpoint in study.flashpoints
        for structure in compared_structures(study)
        for event in EVENTS
    ]
    return [estimate for estimate in found if estimate is not None]
