"""Made-up posteriors, for tests that need one."""

from __future__ import annotations

import numpy as np

from escalation.parameters.posterior import Posterior
from escalation.parameters.registry import REGISTRY

FITTED = ("choice_precision", "challenger_war_cost", "provocation_stake")


def made_up(n: int = 12, names: tuple[str, ...] = FITTED, seed: int = 7) -> Posterior:
    """Return correlated draws, a little above each parameter's default."""
    rng = np.random.default_rng(seed)
    common, own = rng.normal(size=n), rng.normal(size=(len(names), n))
    centre = np.array([[REGISTRY[name].default] for name in names])
    return Posterior(
        names,
        (np.abs(centre) + 0.3) * np.exp(0.1 * common + 0.02 * own),
        {"title": "posterior of 12 made-up disputes", "created": "2026-01-01", "seed": str(seed)},
        priors={name: REGISTRY[name].prior.describe() for name in names},
    )
