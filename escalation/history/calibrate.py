"""Calibration: from tables of disputes and crises to joint draws of the shared parameters."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from escalation.archive.crisis_table import Crises
from escalation.archive.dispute_table import Disputes
from escalation.history.features import build_record
from escalation.history.fitted import fitted_notes
from escalation.history.likelihood import AGGREGATES, CRISIS_WEIGHT, Density, crisis_counts
from escalation.history.sampling import Chains, Effort, Mode, chain_bytes, find_mode, sample
from escalation.memory import refuse_beyond_room
from escalation.model.draws import Draws
from escalation.parameters.posterior import Posterior


@dataclass(frozen=True)
class FittedPosterior:
    """A fitted posterior and how it was come by.

    Attributes
    ----------
    target : Density
        What was sampled.
    mode : Mode
        Where it is highest.
    sample : Chains
        All kept points, with diagnostics.
    posterior : Posterior
        Thinned draws in the parameters' units, with provenance.
    max_r_hat, min_ess : float
        What every coordinate must reach to be called converged.
    """

    target: Density
    mode: Mode
    sample: Chains
    posterior: Posterior
    max_r_hat: float = 1.05
    min_ess: float = 200.0

    @property
    def converged(self) -> bool:
        """Whether every coordinate mixed well enough."""
        mixed = self.sample.r_hat.max() <= self.max_r_hat
        return bool(mixed and self.sample.ess.min() >= self.min_ess)


def calibrate(
    disputes: Disputes,
    crises: Crises | None = None,
    *,
    aggregates: bool = True,
    effort: Effort | None = None,
    seed: int = 0,
    files: dict[str, Path] | None = None,
    report: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FittedPosterior:
    """Fit the shared parameters to disputes, crises and published aggregates.

    Parameters
    ----------
    disputes : Disputes
        First stage; each is a chain solved exactly.
    crises : Crises, optional
        Second stage: grave disputes.
    aggregates : bool
        Whether the published figures in `AGGREGATES` count.
    effort : Effort, optional
        How long to sample.
    seed : int
        Seed of the sampler.
    files : dict of str to Path, optional
        Files that the tables came from, for the provenance.
    report : callable, optional
        Told of each step towards the mode, one line each.
    progress : callable, optional
        Called with (steps of the chains done, steps in all).

    Raises
    ------
    InputError
        If the sampler is not installed.
    """
    effort = effort or Effort()
    record, _ = build_record(disputes)
    counts = None if crises is None else crisis_counts(crises)
    target = Density(record, counts, aggregates)
    need = chain_bytes(effort, target.space.n)
    refuse_beyond_room("calibrate: a sample of this size", need, "lower walkers, warm-up or steps")
    mode = find_mode(target, report=report)
    found = sample(target, mode, effort, seed, progress)
    z = found.thinned(effort.kept, seed)
    notes = _provenance(disputes, crises, aggregates, effort, seed, mode, found, files or {})
    return FittedPosterior(target, mode, found, as_posterior(target, z, notes))


def as_posterior(target: Density, z: np.ndarray, notes: dict[str, str]) -> Posterior:
    """Return points as a posterior in the parameters' units."""
    space = target.space
    draws = space.draws(z)
    return Posterior(
        names=space.fitted,
        values=np.array([draws[name] for name in space.fitted]),
        provenance=notes,
        priors={name: space.parameters[name].prior.describe() for name in space.fitted},
    )


def resampled(
    posterior: Posterior, weights: np.ndarray, n: int | None = None, seed: int = 0
) -> Posterior:
    """Return `n` of the posterior's rows (as many as it has), in proportion to weights."""
    n = posterior.n if n is None else n
    rng = np.random.default_rng([seed, 5])
    share = np.cumsum(weights / weights.sum())
    rows = np.searchsorted(share, (rng.random() + np.arange(n)) / n)
    rows = np.minimum(rows, posterior.n - 1)
    return Posterior(
        posterior.names, posterior.values[:, rows], dict(posterior.provenance), "",
        dict(posterior.priors),
    )  # fmt: skip


def registry_draws(posterior: Posterior, target: Density) -> Draws:
    """Return a posterior's rows with every other parameter at its default."""
    draws = target.space.draws(np.zeros((posterior.n, target.space.n)))
    for name in posterior.names:
        draws = draws.replaced(name, posterior[name])
    return draws


def _provenance(
    disputes: Disputes,
    crises: Crises | None,
    aggregates: bool,
    effort: Effort,
    seed: int,
    mode: Mode,
    found: Chains,
    files: dict[str, Path],
) -> dict[str, str]:
    n_crises = 0 if crises is None else len(crises)
    notes = {
        "title": f"posterior of {len(disputes):,} disputes and {n_crises:,} crises",
        "created": datetime.date.today().isoformat(),
        "escalation": version("escalation"),
        "fitted_on": f"{len(disputes)} disputes, {n_crises} crises",
        "crisis_weight": f"{CRISIS_WEIGHT:g}",
        "aggregates": "; ".join(a.name for a in AGGREGATES) if aggregates else "none",
        "sampler": f"emcee {version('emcee')}, Crank-Nicolson steps around the mode",
        "chains": f"{effort.walkers} x {effort.steps} steps after {effort.warm_up}",
        "seed": str(seed),
        "accepted": f"{found.accepted:.2f}",
        "max_r_hat": f"{found.r_hat.max():.3f}",
        "min_bulk_ess": f"{found.ess.min():.0f}",
        "log_density_at_mode": f"{mode.log_density:.1f}",
    }
    for name, path in files.items():
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            notes[f"{name}_file"] = f"{path.name} sha256 {digest[:16]}"
    return notes | fitted_notes(disputes, crises)
