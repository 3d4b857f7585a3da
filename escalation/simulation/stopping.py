r"""Precision targets: a run grows until chosen probabilities are known well enough.

A target names an event, a tolerance and optionally a flashpoint: ``war:relative:0.05``,
``nuclear_use:absolute:0.0001:taiwan_strait``. It is judged in every cell of decision rule,
flashpoint and structure on the mean over draws. With X hits in all N trajectories of the
cell, Wilson's 95 % interval (low, high) is that of N equal trials; the draws' probabilities
differ, so the true variance :math:`\sum_j p_j (1 - p_j)` is smaller and the interval errs on
the safe side. The target holds if

.. math:: \tfrac12 (high - low) \le \epsilon \quad\text{(absolute)}, \qquad
          \tfrac12 (high - low) \le \epsilon\, X / N \quad\text{(relative)}

and X > 0: nothing seen is never precise. Nor is one history per draw, which does not tell chance
from what is not known. A sequential fixed-width rule covers its target
asymptotically (Chow and Robbins 1965, Annals of Mathematical Statistics 36); so that chance
does not stop it early, at least `LEAST_HITS` hits are asked for too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from escalation.contracts import codes
from escalation.errors import InputError
from escalation.statistics.intervals import wilson
from escalation.study.schema import Study

LEAST_HITS = 50
LEAST_HISTORIES = 2
"""Histories per draw, without which no Monte Carlo error is known."""
GROWTH = (1.3, 4.0)
"""Least and largest factor by which a run grows at a time."""
MARGIN = 1.05
FORM = "EVENT:relative|absolute:TOLERANCE[:FLASHPOINT]"

Kind = Literal["relative", "absolute"]


@dataclass(frozen=True)
class Target:
    """How precisely the probability of an event shall be known."""

    event: str
    kind: Kind
    tolerance: float
    flashpoint: str | None = None

    def __str__(self) -> str:
        place = f":{self.flashpoint}" if self.flashpoint else ""
        return f"{self.event}:{self.kind}:{self.tolerance:g}{place}"


@dataclass(frozen=True)
class Verdict:
    """A target held against the counts at hand.

    Attributes
    ----------
    target : Target
        What was asked for.
    met : bool
        Whether it holds in every cell.
    worst : str
        The cell that is furthest from it, and why, in words.
    factor : float
        By how much the trajectories must grow, as far as one can tell.
    """

    target: Target
    met: bool
    worst: str
    factor: float


def parse_target(text: str, study: Study) -> Target:
    """Read a target as a user writes it.

    Raises
    ------
    InputError
        Not of the stated form, unknown event or flashpoint, or a tolerance that is no positive
        number below one.
    """
    parts = text.split(":")
    if len(parts) not in (3, 4):
        raise InputError(f"until: {text!r} is not of the form {FORM}")
    event, kind, number = parts[:3]
    _among(text, "event", event, codes.EVENTS)
    if kind not in ("relative", "absolute"):
        raise InputError(f"until: {text!r}: {kind!r} is neither relative nor absolute")
    try:
        tolerance = float(number)
    except ValueError:
        tolerance = math.nan
    if not 0 < tolerance < 1:
        raise InputError(f"until: {text!r}: tolerance {number!r} is no number between 0 and 1")
    place = parts[3] if len(parts) == 4 else None
    if place is not None:
        _among(text, "flashpoint", place, tuple(study.flashpoints))
    return Target(event, "relative" if kind == "relative" else "absolute", tolerance, place)


def _among(text: str, what: str, name: str, choices: Sequence[str]) -> None:
    if name not in choices:
        raise InputError(
            f"until: {text!r}: unknown {what} {name!r} (choices: {', '.join(choices)})"
        )


def judge(
    target: Target, study: Study, arrays: Mapping[str, np.ndarray], trajectories: int
) -> Verdict:
    """Hold a target against counts.

    Parameters
    ----------
    target : Target
    study : Study
        Names the cells.
    arrays : mapping of str to int array
        Counts so far, of which ``first_event_count`` (rule, flashpoint, structure, draw, event,
        year) is read.
    trajectories : int
        Per cell and draw.
    """
    counts = arrays["first_event_count"][..., codes.EVENTS.index(target.event), :]
    hits = counts.sum(axis=(-2, -1))
    n = trajectories * counts.shape[3]
    need = _needed(target, hits, n, trajectories)
    places = list(study.flashpoints)
    if target.flashpoint is not None:
        need = need[:, [places.index(target.flashpoint)]]
        hits, places = hits[:, [places.index(target.flashpoint)]], [target.flashpoint]
    r, f, s = (int(k) for k in np.unravel_index(int(need.argmax()), need.shape))
    place, structure = places[f], list(study.structures)[s]
    words = (
        f"{place} under {structure}, {study.decision_rules[r]}: "
        f"{int(hits[r, f, s]):,} hits in {n:,} histories"
    )
    factor = float(need[r, f, s])
    return Verdict(target, factor <= 1.0, words, factor)


def _needed(target: Target, hits: np.ndarray, n: int, per_draw: int) -> np.ndarray:
    """Factor by which the trajectories must grow in each cell; at most 1 where it holds."""
    low, high = wilson(hits, n)
    half = (high - low) / 2
    allowed = target.tolerance * (hits / n if target.kind == "relative" else 1.0)
    with np.errstate(divide="ignore"):
        by_width = np.where(hits > 0, (half / allowed) ** 2, np.inf)
        by_hits = np.where(hits > 0, LEAST_HITS / hits, np.inf)
    return np.maximum.reduce([by_width, by_hits, np.full(hits.shape, LEAST_HISTORIES / per_draw)])


def next_size(verdicts: Sequence[Verdict], trajectories: int, most: int) -> int:
    """Trajectories to play next; the same number if all targets hold or the cap is reached."""
    factor = max((v.factor for v in verdicts if not v.met), default=0.0)
    if factor == 0.0:
        return trajectories
    growth = float(np.clip(factor * MARGIN, *GROWTH))
    return min(math.ceil(trajectories * growth), max(most, trajectories))
