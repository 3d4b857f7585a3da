r"""Precision targets: a run grows until chosen probabilities are known well enough.

A target names an event, a tolerance and optionally a flashpoint: ``war:relative:0.05``,
``nuclear_use:absolute:0.0001:taiwan_strait``. It is held against every cell of decision rule,
flashpoint and structure, on the mean :math:`p` over draws and its Monte Carlo standard error
:math:`s`, both those of tables and files (:mod:`escalation.results.estimates`). It holds if

.. math:: 1.96\, s \le \epsilon \quad\text{(absolute)}, \qquad
          1.96\, s \le \epsilon\, p \quad\text{(relative)}

and the event was seen: nothing seen is never precise. Nor is one history per draw, which does not
tell chance from what is not known. A sequential fixed-width rule covers its target
asymptotically (Chow and Robbins 1965, Annals of Mathematical Statistics 36); so that chance
does not stop it early, at least `LEAST_HITS` hits are asked for too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from escalation.contracts import codes
from escalation.errors import InputError
from escalation.statistics.intervals import Z95
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


def verdict_on(
    target: Target, study: Study, arrays: Mapping[str, np.ndarray], trajectories: int
) -> Verdict:
    """Hold a target against counts.

    Parameters
    ----------
    target : Target
    study : Study
        Names the cells.
    arrays : mapping of str to int array
        Counts so far, of which ``replicate_count`` (rule, flashpoint, structure, draw, replicate,
        counted) is read.
    trajectories : int
        Per cell and draw.
    """
    places = [p for p in study.flashpoints if target.flashpoint in (None, p)]
    needs = {
        (rule, place, structure): need
        for rule in study.decision_rules
        for place in places
        for structure, need in _needs(target, study, arrays, trajectories, (rule, place)).items()
    }
    rule, place, structure = max(needs, key=lambda cell: needs[cell].factor)
    worst = needs[rule, place, structure]
    words = (
        f"{place} under {structure}, {rule}: {worst.hits:,} hits in {worst.histories:,} histories"
    )
    return Verdict(target, worst.factor <= 1.0, words, worst.factor)


class _Need(NamedTuple):
    """Factor by which the trajectories of a cell must grow, at most 1 where the target holds."""

    factor: float
    hits: int
    histories: int


def _needs(
    target: Target, study: Study, arrays: Mapping[str, np.ndarray], trajectories: int,
    where: tuple[str, str],
) -> dict[str, _Need]:
    """Return what every structure needs at one flashpoint under one rule."""
    from escalation.results.estimates import panel_from_counts, summarise
    from escalation.results.quantities import RISKS

    rule, place = where
    r, f = list(study.decision_rules).index(rule), list(study.flashpoints).index(place)
    hits = arrays["replicate_count"][r, f, ..., codes.REPLICATED.index(target.event)].astype(float)
    trials = np.bincount(
        np.arange(trajectories) % codes.N_REPLICATES, minlength=codes.N_REPLICATES
    ).astype(float)
    panel = panel_from_counts(
        RISKS[target.event], tuple(study.structures), hits, np.broadcast_to(trials, hits.shape),
        (place, rule),
    )
    known = summarise(panel)
    half = Z95 * known["monte_carlo_se"].values
    allowed = target.tolerance * (known["mean"].values if target.kind == "relative" else 1.0)
    seen = known["hits"].values
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.maximum((half / allowed) ** 2, LEAST_HITS / seen)
    # Where no two histories differed the error is not known, and more of them are asked for.
    factor = np.where(np.isfinite(factor), factor, np.where(known["full"].values, 1.0, np.inf))
    if trajectories < LEAST_HISTORIES:
        factor = np.full_like(factor, LEAST_HISTORIES / trajectories)
    total = known["trials"].values
    return {
        name: _Need(float(factor[s]), int(seen[s]), int(total[s]))
        for s, name in enumerate(study.structures)
    }


def next_size(verdicts: Sequence[Verdict], trajectories: int, most: int) -> int:
    """Trajectories to play next; the same number if all targets hold or the cap is reached."""
    factor = max((v.factor for v in verdicts if not v.met), default=0.0)
    if factor == 0.0:
        return trajectories
    growth = float(np.clip(factor * MARGIN, *GROWTH))
    return min(math.ceil(trajectories * growth), max(most, trajectories))
