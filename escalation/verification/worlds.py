r"""Tables under which the kernel simulates something that can be solved exactly.

Integers are changed, never the code that reads them:

- classes of frailty and of first beliefs are merged into a few equally likely ones;
- tension drops to minus one after a dispute and stays there, so that no further one begins;
- onset is certain in the first month, and of one class;
- decisions are no news, so that beliefs stay as they are at first;
- every round lasts one day, so that a dispute's length is its number of rounds.
"""

from __future__ import annotations

import numpy as np

from escalation.contracts.tables import (
    N_ERRORS,
    N_FRAILTIES,
    ONE15,
    SCALAR_TENSION_JUMP,
    SCALAR_TENSION_KEEP,
    Tables,
)

CERTAIN = (1 << 31) - 1
DAY = 8


def coarse(tables: Tables, frailties: int, errors: int) -> Tables:
    """Return a block of tables with few different frailties and first beliefs, in equal parts."""
    ending = _merged(tables.ending, N_FRAILTIES, frailties)
    return tables._replace(
        ending=ending, belief_error=_merged(tables.belief_error, N_ERRORS, errors)
    )


def _merged(values: np.ndarray, classes: int, kept: int) -> np.ndarray:
    """Return values whose classes, along the second axis, are those in the middle of each part."""
    each = classes // kept
    return values[:, np.arange(classes) // each * each + each // 2]


def one_dispute_at_most(tables: Tables) -> Tables:
    """Return a block of tables under which a history holds one dispute at most."""
    scalar = tables.scalar.copy()
    scalar[:, SCALAR_TENSION_JUMP] = -ONE15
    scalar[:, SCALAR_TENSION_KEEP] = ONE15
    return tables._replace(scalar=scalar)


def one_dispute(tables: Tables, dispute_class: int) -> Tables:
    """Return a block of tables under which every history holds one dispute, of a given class."""
    onset = np.zeros_like(tables.onset)
    onset[..., dispute_class] = CERTAIN
    return one_dispute_at_most(tables)._replace(onset=onset)


def counted_in_rounds(tables: Tables) -> Tables:
    """Return a block of tables under which every round lasts a day."""
    return tables._replace(days=np.full_like(tables.days, DAY))


def without_news(tables: Tables) -> Tables:
    """Return a block of tables under which no decision changes a belief."""
    decision = tables.decision.copy()
    decision[..., 2:] = 0
    return tables._replace(decision=decision)
