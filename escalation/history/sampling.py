r"""The posterior: its mode, and chains of draws around it, with emcee.

The mode is found by damped Gauss-Newton steps. With S the derivatives of the terms' logs (by
central differences) and R those of the residuals, the curvature
:math:`H = S S^T + R R^T + 1` is positive and needs no second derivative (Berndt, Hall, Hall and
Hausman 1974). Steps are damped as Levenberg's.

The chains are preconditioned Crank-Nicolson steps. With the normal approximation at the mode, mean
m and covariance :math:`C C^T`, and :math:`u = C^{-1}(z - m)`, a walker is moved to

.. math:: u' = \sqrt{1 - b^2}\, u + b\, \xi, \qquad \xi \sim N(0, 1),

which leaves the approximation as it is, so that a step is accepted by how the posterior and its
approximation differ and not by the number of dimensions (Cotter, Roberts, Stuart and White
2013). The approximation only proposes: it overstates war where it is taken for the
posterior. Half of the steps are ordinary random walks, which carry walkers out of places where
the approximation is thin. The mode may lie far from the mean, so after a warm-up mean and
covariance are taken anew from its second half, and that approximation proposes from there on.
Each walker is a chain of its own, so that R-hat and effective
sample size compare walkers (Vehtari et al. 2021, by arviz-stats).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from escalation.errors import InputError
from escalation.history.likelihood import Density

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


def log_density(target: Density, z: np.ndarray) -> np.ndarray:
    """Return the log density at W points, a chunk at a time."""
    z = np.atleast_2d(z)
    return np.concatenate(
        [target.log_density(z[k : k + CHUNK]) for k in range(0, len(z), CHUNK)]
    )


def _terms(target: Density, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    parts = [target.terms(z[k : k + CHUNK]) for k in range(0, len(z), CHUNK)]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _slope(target: Density, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and curvature at a point."""
    n = len(z)
    step = STEP * np.eye(n)
    logs, residuals = _terms(target, np.vstack([z[None], z + step, z - step]))
    slopes = (logs[1 : n + 1] - logs[n + 1 :]) / (2 * STEP)
    bends = (residuals[1 : n + 1] - residuals[n + 1 :]) / (2 * STEP)
    gradient = slopes.sum(axis=1) - bends @ residuals[0] - z
    return gradient, slopes @ slopes.T + bends @ bends.T + np.eye(n)


def find_mode(
    target: Density,
    start: np.ndarray | None = None,
    steps: int = 40,
    enough: float = 0.02,
    report: Callable[[str], None] | None = None,
) -> Mode:
    """Climb to the posterior mode.

    Parameters
    ----------
    target : Density
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


STEP_SIZES = (0.2, 0.4, 0.7)
SHRINKAGE = 0.3
"""Weight of the covariance at the mode in the one that is taken anew."""
SETTLING = 100
"""Steps dropped after the proposals have changed."""


@dataclass(frozen=True)
class Effort:
    """How long to sample.

    Attributes
    ----------
    walkers : int
        Chains.
    warm_up, steps : int
        Steps dropped and kept per chain.
    thin : int
        Every so many-th of the kept steps is stored.
    kept : int
        Draws in the posterior.
    """

    walkers: int = 24
    warm_up: int = 1500
    steps: int = 6000
    thin: int = 5
    kept: int = 1000


@dataclass(frozen=True)
class Chains:
    """Draws from a posterior.

    Attributes
    ----------
    z : float array, shape (walker, step, P)
        Kept points, in standard normal coordinates.
    log_density : float array, shape (walker, step)
        Log posterior density.
    accepted : float
        Share of accepted steps.
    r_hat, ess : float array, shape (P,)
        Rank-normalised R-hat and bulk effective sample size of each coordinate.
    """

    z: np.ndarray
    log_density: np.ndarray
    accepted: float
    r_hat: np.ndarray
    ess: np.ndarray

    def thinned(self, n: int, seed: int = 0) -> np.ndarray:
        """Return `n` points, chosen at random without repeats, shape (n, P)."""
        flat = self.z.reshape(-1, self.z.shape[2])
        rows = np.random.default_rng([seed, 3]).permutation(len(flat))[: min(n, len(flat))]
        return flat[np.sort(rows)]


def sample(
    target: Density,
    mode: Mode,
    effort: Effort,
    seed: int = 0,
    report: Callable[[int, int], None] | None = None,
    pilot: np.ndarray | None = None,
) -> Chains:
    """Sample the posterior.

    Parameters
    ----------
    target : Density
        Log density.
    mode : Mode
        From :func:`escalation.history.sampling.find_mode`.
    effort : Effort
        How many chains, and how long.
    seed : int
        Seed of the proposals.
    report : callable, optional
        Called with (steps done, steps in all).
    pilot : float array, shape (walker, step, P), optional
        Steps of an earlier run, in place of a warm-up.

    Raises
    ------
    InputError
        If emcee or arviz-stats is not installed.
    """
    try:
        import emcee
        from arviz_stats.base import array_stats
    except ImportError:
        raise InputError(
            "calibrate: needs emcee and arviz-stats; install them with: "
            "pip install 'escalation[calibrate]'"
        ) from None

    def run(approximation: Mode, start: np.ndarray, n: int, before: int) -> Any:
        root = np.linalg.cholesky(approximation.covariance)
        sampler = emcee.EnsembleSampler(
            effort.walkers,
            len(start[0]),
            lambda z: log_density(target, z),
            vectorize=True,
            moves=[
                (emcee.moves.MHMove(_autoregression(approximation.z, root)), 0.5),
                (emcee.moves.MHMove(_random_walk(root)), 0.5),
            ],
        )
        sampler.random_state = np.random.RandomState((seed + before) % 2**32).get_state()
        moved = sampler.sample(start, iterations=n, skip_initial_state_check=True)
        for done, _ in enumerate(moved, start=1):
            if report:
                report(before + done, effort.warm_up + SETTLING + effort.steps)
        return sampler

    points, approximation = pilot, mode
    if points is None and effort.warm_up:
        rng = np.random.default_rng([seed, 4])
        root = np.linalg.cholesky(mode.covariance)
        start = mode.z + rng.standard_normal((effort.walkers, len(mode.z))) @ root.T
        points = run(mode, start, effort.warm_up, 0).get_chain().swapaxes(0, 1)
    if points is None:
        points = np.repeat(mode.z[None, None], effort.walkers, axis=0)
    else:
        approximation = adapted(mode, points[:, points.shape[1] // 2 :])
    begin = points[: effort.walkers, -1]
    sampler = run(approximation, begin, SETTLING + effort.steps, effort.warm_up)
    z = sampler.get_chain(discard=SETTLING, thin=effort.thin).swapaxes(0, 1)
    return Chains(
        z=z,
        log_density=sampler.get_log_prob(discard=SETTLING, thin=effort.thin).T,
        accepted=float(np.mean(sampler.acceptance_fraction)),
        r_hat=np.atleast_1d(array_stats.rhat(z, chain_axis=0, draw_axis=1)),
        ess=np.atleast_1d(array_stats.ess(z, chain_axis=0, draw_axis=1)),
    )


def chain_bytes(effort: Effort, parameters: int) -> int:
    """Return about how many bytes the chains of :func:`sample` take, with what is made of them."""
    kept = 2.5 * effort.warm_up + SETTLING + effort.steps + 5 * effort.steps / effort.thin
    return int(8 * effort.walkers * parameters * kept)


def adapted(mode: Mode, z: np.ndarray) -> Mode:
    """Return the normal approximation to a run's points, shape (walker, step, P)."""
    flat = z.reshape(-1, z.shape[2])
    covariance = (1.0 - SHRINKAGE) * np.cov(flat.T) + SHRINKAGE * mode.covariance
    return Mode(flat.mean(axis=0), mode.log_density, covariance)


def _autoregression(centre: np.ndarray, root: np.ndarray) -> Callable[..., Any]:
    """Return the proposal that keeps the normal approximation as it is."""
    inverse = np.linalg.inv(root)

    def propose(z: np.ndarray, random: Any) -> tuple[np.ndarray, np.ndarray]:
        b = random.choice(STEP_SIZES, size=(len(z), 1))
        u = (z - centre) @ inverse.T
        moved = np.sqrt(1.0 - b**2) * u + b * random.standard_normal(z.shape)
        factor = 0.5 * ((moved**2).sum(axis=1) - (u**2).sum(axis=1))
        return centre + moved @ root.T, factor

    return propose


def _random_walk(root: np.ndarray) -> Callable[..., Any]:
    """Return the symmetric proposal shaped like the normal approximation."""
    scale = 2.38 / np.sqrt(len(root))

    def propose(z: np.ndarray, random: Any) -> tuple[np.ndarray, np.ndarray]:
        # A few directions at a time: small moves in all of them would mix no faster.
        size = scale * random.choice((0.3, 1.0), size=(len(z), 1))
        return z + size * random.standard_normal(z.shape) @ root.T, np.zeros(len(z))

    return propose
