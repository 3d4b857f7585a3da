r"""The posterior mode and the curvature there, by damped Gauss-Newton steps.

With S the derivatives of the terms' logs (by central differences) and R those of the
residuals, the curvature :math:`H = S S^T + R R^T + 1` is positive and needs no second
derivative (Berndt, Hall, Hall and Hausman 1974). Steps are damped as Levenberg's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from escalation.history.likelihood import Target

STEP = 0.02
LONGEST = 1.0
CHUNK = 24
"""Points solved at once; bounds the memory."""


class Mode(NamedTuple):
    """The mode in standard normal coordinates.

    Attributes
    ----------
    z : float array, shape (P,)
        The mode.
    log_density : float
        Log posterior density there.
    covariance : float array, shape (P, P)
        Inverse curvature.
    """

    z: np.ndarray
    log_density: float
    covariance: np.ndarray


def log_density(target: Target, z: np.ndarray) -> np.ndarray:
    """Return the log density at W points, a chunk at a time."""
    z = np.atleast_2d(z)
    return np.concatenate(
        [target.log_density(z[k : k + CHUNK]) for k in range(0, len(z), CHUNK)]
    )


def _terms(target: Target, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    parts = [target.terms(z[k : k + CHUNK]) for k in range(0, len(z), CHUNK)]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _slope(target: Target, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and curvature at a point."""
    n = len(z)
    step = STEP * np.eye(n)
    logs, residuals = _terms(target, np.vstack([z[None], z + step, z - step]))
    slopes = (logs[1 : n + 1] - logs[n + 1 :]) / (2 * STEP)
    bends = (residuals[1 : n + 1] - residuals[n + 1 :]) / (2 * STEP)
    gradient = slopes.sum(axis=1) - bends @ residuals[0] - z
    return gradient, slopes @ slopes.T + bends @ bends.T + np.eye(n)


def find_mode(
    target: Target,
    start: np.ndarray | None = None,
    steps: int = 40,
    enough: float = 0.02,
    report: Callable[[str], None] | None = None,
) -> Mode:
    """Climb to the posterior mode.

    Parameters
    ----------
    target : Target
        What to climb.
    start : float array, shape (P,), optional
        Where to begin; the prior's centre by default.
    steps : int
        At most so many steps.
    enough : float
        Stop when a step gains less log density.
    report : callable, optional
        Told of each step.
    """
    z = np.zeros(target.space.n) if start is None else np.array(start, float)
    best = float(target.log_density(z)[0])
    damping = 1.0
    for step in range(steps):
        gradient, curvature = _slope(target, z)
        gained = 0.0
        for _ in range(8):
            damped = curvature + damping * np.diag(np.diag(curvature) - 1.0)
            move = np.clip(np.linalg.solve(damped, gradient), -LONGEST, LONGEST)
            found = float(target.log_density(z + move)[0])
            if found > best:
                gained, z, best = found - best, z + move, found
                damping = max(damping / 5.0, 1e-4)
                break
            damping = max(4.0 * damping, 0.04)
        if report:
            report(f"step {step + 1}: log density {best:.2f}")
        if gained < enough:
            break
    _, curvature = _slope(target, z)
    return Mode(z, best, np.linalg.inv(curvature))
