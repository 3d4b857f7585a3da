"""The ladder's numbers per rung, read off the draws: arrays of shape (draw, rung)."""

from __future__ import annotations

import numpy as np

from escalation.contracts.codes import CLASH, N_RUNGS, WAR
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


def opening(draws: Draws, defender_power: np.ndarray, after_1990: np.ndarray | float) -> np.ndarray:
    r"""Return the chances that a dispute opens at rung 1, 2 and 3, shape (draw, type, 3).

    Rung 1 with chance :math:`o_1`; else rung 3 rather than rung 2 with log-odds
    :math:`\operatorname{logit} o_3 - o_K \ln K_d + o_{90} 1_{1990} \pm o_\theta`, plus
    for the challenger of high resolve, with the defender's power within 0.01 and 100.
    """
    force = draws["opening_force"]
    log_odds = (
        np.log(force / (1.0 - force))
        + draws["opening_capability"] * -np.log(np.clip(defender_power, 0.01, 100.0))
        + draws["opening_after_1990"] * after_1990
    )
    by_type = log_odds[:, None] + draws["opening_resolve"][:, None] * np.array([-1.0, 1.0])
    force = 1.0 / (1.0 + np.exp(-by_type))
    rest = (1.0 - draws["opening_threat"])[:, None]
    threat = np.broadcast_to(1.0 - rest, force.shape)
    return np.stack([threat, rest * (1.0 - force), rest * force], axis=2)
