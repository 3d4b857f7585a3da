"""Writing down what happens in one trajectory, for replay.

A log is an int64 array of shape (rows, LOG_COLUMNS); row 0 holds the number of rows in
use. Columns: kind, year, day of the dispute, rung, then up to six numbers that
depend on the kind:

===============  ============================================================
LOG_OPENING      class, resolve type of challenger and of defender, coerced, month,
                 position on the power grid
LOG_INCIDENT     rung reached
LOG_BRINK        cause, 1 if war, chance (Q30)
LOG_CHALLENGER   action, rung reached, chance of withdrawal, of withdrawal or escalation,
                 positions on the two grids
LOG_PARTY        party, what it did, chance of joining, staunch, perceived chance to fight
                 (Q15) before and after
LOG_DEFENDER     action, rung reached, chance of concession, of concession or matching,
                 great power's status
LOG_END          end state, peak rung, us fought, days, masks of
                 supporters and of fighters
LOG_TURNOVER     party (-1 challenger, -2 defender), new type
LOG_EXIT         party
LOG_GATE         cause, rung that stayed closed
===============  ============================================================

With no log (``None``) the compiler removes every trace of it from the kernel.
"""

from __future__ import annotations

from escalation.kernel.jit import jit_part


@jit_part
def write(log, kind, year, day, rung, a, b, c, d, e, f):
    """Append one row if there is room."""
    n = log[0, 0] + 1
    if n < log.shape[0]:
        log[0, 0] = n
        log[n, 0] = kind
        log[n, 1] = year
        log[n, 2] = day
        log[n, 3] = rung
        log[n, 4] = a
        log[n, 5] = b
        log[n, 6] = c
        log[n, 7] = d
        log[n, 8] = e
        log[n, 9] = f
