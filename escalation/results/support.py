"""What counts can carry: the one rule between counts and words.

Tables, sentences, ranks, figures and files ask here before they say anything of a number:

===========  ==================================================================================
says         what that needs
===========  ==================================================================================
nothing      nothing was counted, or no event was seen: an upper bound at most
level        something was seen; its Monte Carlo error needs `LEAST_FREEDOM` histories beyond the
             first of each draw in all
difference   the same with two histories in nearly every draw, and `LEAST_HITS` events under
             one of the two (and as many histories without it, where a history has it or not)
verdict      also `LEAST_DRAWS` draws: P(safer), its word, ranks, regret, dominance
===========  ==================================================================================

A range over draws needs `LEAST_SPREAD` draws: with fewer the part of chance cannot be removed.
Single parameters (drivers, thresholds, boxes, value of information) need a verdict,
`DRIVER_DRAWS` draws and `DRIVER_HITS` events; so does a point of a sweep.
"""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

LEAST_HITS = 20
"""Events over all draws, under one of two structures, below which nothing is compared."""
LEAST_DRAWS = 8
"""Draws below which a share of draws says nothing."""
LEAST_SPREAD = 3
"""Draws below which a range over draws says nothing."""
LEAST_FREEDOM = 15
"""Histories beyond the first of each draw, in all draws: a single draw needs 16."""
KNOWN_SHARE = 0.99
"""Share of draws in which chance must be measurable for that of the others not to matter."""
DRIVER_DRAWS = 16
DRIVER_HITS = 200

REASONS = MappingProxyType({
    "-": "nothing to count",
    "no hits": "never seen under either",
    "too few histories": "too few histories per draw to tell a difference from chance",
    "too rare": "too rare to compare",
    "identical": "exactly the same",
    "too few draws": "too few draws to say in which share of them",
    "no more than chance": "no more than chance over draws",
    "too few for drivers": f"fewer than {DRIVER_DRAWS} draws or {DRIVER_HITS} events",
    "a draw without a value": "a draw has no value",
})
"""Why no more is said: in a word, as it stands in tables, and in a few."""


class Says(IntEnum):
    """How much may be said, each step including those before."""

    NOTHING = 0
    LEVEL = 1
    DIFFERENCE = 2
    VERDICT = 3


class Support(NamedTuple):
    """How much may be said, and the key in `REASONS` why not more; empty for a verdict."""

    says: Says
    reason: str = ""

    @property
    def words(self) -> str:
        """The reason in a few words."""
        return REASONS.get(self.reason, "")

    @property
    def seen(self) -> str:
        """The reason as it stands in a figure in place of what is not shown."""
        return {"-": "nothing to count", "no hits": "no event seen"}.get(self.reason, self.reason)


VERDICT = Support(Says.VERDICT)


def error_known(freedom: np.ndarray) -> bool:
    """Whether a Monte Carlo error can be measured.

    Parameters
    ----------
    freedom : array (draw,)
        Independent trials of every draw less one; negative where it has none.
    """
    f = np.asarray(freedom)
    if not f.size or f.max() <= 0:
        return False
    return bool((f > 0).mean() >= KNOWN_SHARE and f[f > 0].sum() >= LEAST_FREEDOM)


def level_known(freedom: np.ndarray, axis: int = -1) -> np.ndarray:
    """Whether the Monte Carlo error of a level can be measured; `freedom` as in `error_known`.

    It lets a draw that tells no error have that of the others.
    """
    return np.maximum(np.asarray(freedom), 0).sum(axis=axis) >= LEAST_FREEDOM


def of_difference(
    hits: np.ndarray,
    trials: np.ndarray,
    freedom: np.ndarray,
    *,
    either_or: bool,
) -> Support:
    """Return what two or more structures carry when they are compared.

    Parameters
    ----------
    hits, trials : array (structure, draw)
        Of the structures that are compared.
    freedom : array (structure, draw)
        See `error_known`.
    either_or : bool
        Whether a trial is a hit or not, so that histories without the event count as well.
    """
    draws = hits.shape[1]
    if draws == 0 or not (trials.sum(axis=1) > 0).all():
        return Support(Says.NOTHING, "-")
    if not hits.any():
        return Support(Says.NOTHING, "no hits")
    if not error_known(freedom.min(axis=0)):
        return Support(Says.LEVEL, "too few histories")
    misses = (trials - hits).sum(axis=1).max() if either_or else np.inf
    if min(hits.sum(axis=1).max(), misses) < LEAST_HITS:
        return Support(Says.LEVEL, "too rare")
    if (hits == hits[0]).all() and (trials == trials[0]).all():
        return Support(Says.LEVEL, "identical")
    return VERDICT if draws >= LEAST_DRAWS else Support(Says.DIFFERENCE, "too few draws")


def of_drivers(compared: Support, hits: float, draws: int) -> Support:
    """Return what a difference carries about single parameters.

    Parameters
    ----------
    compared : Support
        Of the difference.
    hits : float
        In all draws, under the one of the two that has more.
    draws : int
    """
    if compared.says < Says.VERDICT:
        return compared
    enough = draws >= DRIVER_DRAWS and hits >= DRIVER_HITS
    return VERDICT if enough else Support(Says.VERDICT, "too few for drivers")


def of_sweep(hits: np.ndarray, trials: int) -> Support:
    """Return what a sweep carries, whose hits have shape (structure, point)."""
    if not hits.any():
        return Support(Says.NOTHING, "no hits")
    if hits.max() < DRIVER_HITS or (trials - hits).max() < LEAST_HITS:
        return Support(Says.LEVEL, "too rare")
    if (hits == hits[0]).all():
        return Support(Says.LEVEL, "identical")
    return VERDICT


def spread_known(freedom: np.ndarray) -> bool:
    """Whether a range over draws, free of chance, can be given; see `error_known`."""
    return len(freedom) >= LEAST_SPREAD and error_known(freedom)
