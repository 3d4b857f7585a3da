"""Paired experiments on the model: the same random numbers with and without a change.

A history has the same number in every experiment, so batches of histories are paired and
the error of a difference follows from the spread of the batches' differences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

import cells
from escalation.codes import (
    END_CONCESSION,
    END_WITHDRAWAL,
    EVENTS,
    GRAVE,
    PARTY_OUTCOMES,
    WAR,
)
from escalation.engines.threads import simulate_block
from escalation.study import Study
from escalation.study.quantity import Number
from escalation.study.schema import Flashpoint, Structure
from escalation.tables import Tables
from escalation.tallies import Tallies

BATCHES = 24
HISTORIES = 24_000
LEVEL = 4.0
"""|z| above which an effect counts as seen: one false alarm in about 16,000."""

Measure = Callable[[Tallies], np.ndarray]
"""From tallies to one number per batch."""


def play(tables: Tables, histories: int = HISTORIES, seed: int = 7) -> Tallies:
    """Play one cell in batches; the leading axis of the result is the batch."""
    key = np.zeros(1, np.int64)
    size = histories // BATCHES
    parts = [simulate_block(tables, seed, key, b * size, size) for b in range(BATCHES)]
    return Tallies(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def trial(
    flashpoint: Flashpoint | str = "taiwan_strait",
    structure: Structure | str = "hub_and_spoke",
    study: Study | None = None,
    histories: int = HISTORIES,
    disputes: str | None = None,
    **values: ArrayLike,
) -> Tallies:
    """Play one cell at defaults but for the given parameters.

    With `disputes` "grave" or "routine" every history holds one dispute of that class.
    """
    tables = cells.compiled(flashpoint, structure, cells.defaults(**values), study=study)
    if disputes is not None:
        tables = cells.one_dispute(tables, disputes == "grave")
    return play(tables, histories)


def z_of(before: Tallies, after: Tallies, measure: Measure) -> float:
    """Return the paired z statistic of `measure`, after minus before; 0 if nothing moved."""
    difference = np.asarray(measure(after), float) - np.asarray(measure(before), float)
    if not difference.any():
        return 0.0
    spread = difference.std(ddof=1) / np.sqrt(len(difference))
    return float(difference.mean() / spread) if spread > 0 else float(np.sign(difference[0]) * 1e9)
