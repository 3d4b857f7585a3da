"""Histories for the page: found by a bounded search, and told under every structure of a pair."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from escalation.contracts import codes
from escalation.replays import Stage, set_stage
from escalation.report.story import tell
from escalation.results.tally import count
from escalation.results.under_rule import under_rule
from escalation.study.schema import Study

KINDS = ("near_miss", "war", "great_power_war", "nuclear_use")
"""From a clash that went no further to the use of nuclear weapons; a history has its worst."""
EACH = 30
"""Histories of each kind under each structure."""
DRAWS = 48
"""Draws that are searched for each kind at most."""
SECONDS = 20.0
"""After which the search ends with what it has."""
_WIDE = 10_000


@dataclass
class Search:
    """What is looked for, and what is found so far.

    Attributes
    ----------
    ds : Dataset
        Results.
    study : Study
        Theirs.
    flashpoint : str
    structures : sequence of str
    until : float
        When the search ends, by the clock of this machine.
    """

    ds: xr.Dataset
    study: Study
    flashpoint: str
    structures: Sequence[str]
    until: float

    def __post_init__(self) -> None:
        self.found: dict[tuple[int, int], dict[str, Any]] = {}
        self.counts = {(name, kind): 0 for name in self.structures for kind in KINDS}

    def missing(self, kind: str) -> bool:
        """Whether there are too few histories of a kind under some structure."""
        return any(self.counts[name, kind] < EACH for name in self.structures)

    def look_into(self, draw: int, kind: str, most: int = 2) -> None:
        """Search a draw for histories of a kind, and keep a few under each structure."""
        stages = [self._stage(name, draw) for name in self.structures]
        taken = dict.fromkeys(self.structures, 0)
        for trajectory in range(int(self.ds.attrs["trajectories"])):
            for stage, name in zip(stages, self.structures, strict=True):
                wanted = taken[name] < most and self.counts[name, kind] < EACH
                if wanted and (draw, trajectory) not in self.found:
                    if kind_of(stage.log(trajectory)) == kind:
                        self._keep(stages, draw, trajectory)
                        taken[name] += 1
            if min(taken.values()) >= most or time.monotonic() > self.until:
                return

    def _stage(self, name: str, draw: int) -> Stage:
        return set_stage(
            self.ds, self.study, flashpoint=self.flashpoint, structure=name, draw=draw
        )

    def _keep(self, stages: Sequence[Stage], draw: int, trajectory: int) -> None:
        told: dict[str, Any] = {"draw": draw, "trajectory": trajectory, "kinds": {}, "lines": {}}
        for stage, name in zip(stages, self.structures, strict=True):
            log = stage.log(trajectory)
            kind = kind_of(log)
            told["kinds"][name] = kind
            told["lines"][name] = [line for line in tell(log, stage.cast, _WIDE) if line]
            if kind:
                self.counts[name, kind] += 1
        self.found[draw, trajectory] = told


def kind_of(log: np.ndarray) -> str:
    """Return the worst that a history comes to, one of `KINDS`; empty for less than a clash.

    >>> kind_of(np.zeros((0, 10), np.int64))
    ''
    """
    ends = log[log[:, 0] == codes.LOG_END]
    if not len(ends):
        return ""
    peak, great = int(ends[:, 5].max()), bool((ends[:, 6][ends[:, 5] >= codes.WAR] > 0).any())
    if peak >= codes.NUCLEAR_USE:
        return "nuclear_use"
    if peak >= codes.WAR:
        return "great_power_war" if great else "war"
    return "near_miss" if peak == codes.CLASH else ""


def stories(
    ds: xr.Dataset,
    study: Study,
    flashpoint: str,
    structures: Sequence[str],
    *,
    seconds: float = SECONDS,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Find histories of every kind under every structure, and tell each under all of them.

    Parameters
    ----------
    ds : Dataset
        Results.
    study : Study
        Theirs.
    flashpoint : str
    structures : sequence of str
        Of which the same history is told.
    seconds : float
        After which the search ends with what it has.
    progress : callable, optional
        Called with (kinds done, kinds in all).

    Returns
    -------
    list of dict
        ``draw``, ``trajectory``, and by structure ``kinds`` and ``lines``.
    """
    search = Search(ds, study, flashpoint, structures, time.monotonic())
    for done, kind in enumerate(KINDS, 1):
        search.until = time.monotonic() + seconds / len(KINDS)
        for draw in _likely(ds, flashpoint, structures, kind):
            if not search.missing(kind) or time.monotonic() > search.until:
                break
            search.look_into(draw, kind)
        if progress is not None:
            progress(done, len(KINDS))
    return [search.found[key] for key in sorted(search.found)]


def _likely(
    ds: xr.Dataset, flashpoint: str, structures: Sequence[str], kind: str
) -> Iterator[int]:
    """Yield draws spread over all those that have the event, which every kind but one is."""
    cell = under_rule(ds, None).sel(flashpoint=flashpoint, structure=list(structures))
    event = "grave_crisis" if kind == "near_miss" else kind
    hits = count(cell, event).transpose("structure", "draw").values.sum(axis=0)
    some = np.flatnonzero(hits > 0)
    spread = np.linspace(0, len(some) - 1, min(DRAWS, len(some))).astype(int)
    yield from some[spread].tolist()
