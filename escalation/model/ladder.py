"""The ladder's numbers per rung, read off the draws: arrays of shape (draw, rung)."""

from __future__ import annotations

import numpy as np

from escalation.codes import CLASH, N_RUNGS, WAR
from escalation.model.draws import Draws


def per_rung(draws: Draws, prefix: str, rungs: range, missing: float = 0.0) -> np.ndarray:
    """Return parameters ``prefix_r`` of the given rungs, `missing` elsewhere."""
    table = np.full((draws.n, N_RUNGS), missing)
    for rung in rungs:
        table[:, rung] = draws[f"{prefix}_{rung}"]
    return table


def round_days(draws: Draws) -> np.ndarray:
    """Return days per round; rungs 0 and 9 are never played."""
    return per_rung(draws, "round_days", range(1, 9), missing=1.0)


def war_risk(draws: Draws) -> np.ndarray:
    r"""Return perceived war risk: :math:`\omega_4 \zeta^{r-4}` below rung 5, 1 from there."""
    rungs = np.arange(N_RUNGS)
    risk = draws["war_risk_clash"][:, None] * draws["war_risk_ratio"][:, None] ** (rungs - CLASH)
    return np.where(rungs < WAR, np.minimum(risk, 1.0), 1.0)


def growth(draws: Draws, prefix: str, at_war: np.ndarray) -> np.ndarray:
    """Return a cost that is `at_war` up to rung 5 and grows above it."""
    return at_war[:, None] * per_rung(draws, prefix, range(WAR + 1, N_RUNGS), missing=1.0)
