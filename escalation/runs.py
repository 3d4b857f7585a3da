"""Study in, Dataset out: the glue between model, engine and results."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from escalation import codes
from escalation.blocks import Block, Counts, Player, Workshop, blocks_of
from escalation.errors import InputError
from escalation.model.draws import Draws
from escalation.parameters.posterior import Posterior, coverage
from escalation.precision import Target, Verdict, judge, next_size, parse_target
from escalation.provenance import git_state, packages
from escalation.sources import (
    centre_draws,
    chosen_posterior,
    parameter_draws,
    source_attrs,
    sweep_points,
)
from escalation.study.schema import Study

if TYPE_CHECKING:
    import xarray as xr

    from escalation.model.compile import Grid

Progress = Callable[[int, int], None]
"""Called after each block with trajectories done and trajectories in all."""

SWEEP_QUANTILES = (0.02, 0.15, 0.35, 0.5, 0.65, 0.85, 0.98)
SWEEP_TRAJECTORIES = 12_000
COMPANION_DRAWS = 256
COMPANION_TRAJECTORIES = 2_000
UNTIL_GROWTH = 64
"""A run with precision targets grows to at most this many times its first size."""
MAX_TRAJECTORIES = 2**53
MAX_DRAWS = 65_536


@dataclass(frozen=True)
class Plan:
    """What a run does: so many trajectories per cell, draws, and the seed."""

    trajectories: int
    draws: int
    seed: int

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("trajectories", self.trajectories, 1, MAX_TRAJECTORIES),
            ("draws", self.draws, 1, MAX_DRAWS),
            ("seed", self.seed, 0, 2**64 - 1),
        ):
            if not isinstance(value, (int, np.integer)) or not low <= value <= high:
                raise InputError(f"{name}: {value!r} is not a whole number from {low} to {high}")


def run(
    study: Study,
    *,
    trajectories: int | None = None,
    draws: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    defaults: bool = False,
    sweep: bool = True,
    prior: bool = False,
    posterior: Posterior | str | os.PathLike[str] | None = None,
    until: Sequence[str | Target] = (),
    at_most: int | None = None,
    grid: Grid | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Simulate a study and return its results.

    Parameters
    ----------
    study : Study
        From :func:`escalation.load_study`.
    trajectories : int, optional
        Trajectories per cell of flashpoint x structure x draw; by default the study's.
    draws : int, optional
        Parameter draws; by default the study's.
    seed : int, optional
        Seed, 0 to 2**64 - 1; by default the study's.
    threads : int, optional
        Threads; all by default. On a cluster, on each worker. The counts do not depend on it.
    defaults : bool, optional
        Run one draw with every parameter at its median in the posterior, or at its default
        where the posterior does not cover it.
    sweep : bool, optional
        Also sweep the study's ``compare.sweep`` parameters one at a time over what is known
        about them, which yields break-even values.
    prior : bool, optional
        Draw every parameter from its prior, though there is a posterior.
    posterior : Posterior or path, optional
        Posterior to use instead of the one that comes with the package, if any.
    until : sequence of str or Target, optional
        Precision targets such as ``war:relative:0.05``, see :mod:`escalation.precision`. The
        run starts with `trajectories` and grows until all of them hold.
    at_most : int, optional
        Trajectories per cell at which such a run stops all the same; by default 64 times
        `trajectories`.
    grid : Grid, optional
        Resolution of tables and rounds, for refinement checks.
    scheduler : str, optional
        Play on the workers of a Dask cluster, see :mod:`escalation.cluster`: address of its
        scheduler, one that you trust, or ``local:N`` for N processes here. The sweep is played
        here in any case. The counts do not depend on it.
    progress : callable, optional
        Called with (trajectories done, trajectories in all).

    Returns
    -------
    xarray.Dataset
        Counts with dims flashpoint, structure, draw and others, and the probabilities
        derived from them; see :mod:`escalation.results.variables`. With targets, the attribute
        ``until_met`` says whether they hold, and the counts are those of a run of the same size
        without them.

    Raises
    ------
    InputError
        If trajectories, draws, seed, threads or a target are out of range, or the posterior
        or the scheduler cannot be used.
    """
    from escalation.results.build import build_dataset
    from escalation.results.derive import with_probabilities

    plan = Plan(
        study.plan.trajectories if trajectories is None else trajectories,
        1 if defaults else study.plan.draws if draws is None else draws,
        study.plan.seed if seed is None else seed,
    )
    source = chosen_posterior(study, prior, posterior)
    targets = [t if isinstance(t, Target) else parse_target(t, study) for t in until]
    most = _cap(plan, at_most) if targets else plan.trajectories
    companion = _companion_plan(study, plan, source)
    values = _draws(study, plan, defaults, source)
    meter = _Meter(progress, *_work(study, plan, sweep, companion))
    counts = Counts(study, plan.draws)
    prior_counts = {}
    with _players(scheduler) as hire:
        player = hire(study, values, plan.seed, threads, grid)
        size, verdicts = _simulate_study(player, counts, plan, targets, most, meter)
        if companion is not None:
            prior_values = _draws(study, companion, defaults, None)
            prior_counts = _simulate_companion(
                study, companion, prior_values, threads, grid, meter, hire
            )
    arrays = counts.arrays | prior_counts
    arrays["parameter_value"] = values.values
    arrays["is_third_party"] = _third_parties(study)
    attrs = _attrs(study, plan, defaults, counts.table_checksum()) | source_attrs(study, source)
    attrs["trajectories"] = size
    if targets:
        attrs |= {
            "until": [str(v.target) for v in verdicts], "until_met": all(v.met for v in verdicts),
            "until_unmet": [f"{v.target}: {v.worst}" for v in verdicts if not v.met],
        }
    swept = sweep and bool(study.compare.sweep)
    if swept:
        arrays |= _simulate_sweep(study, plan, source, threads, grid, meter)
        attrs["sweep_trajectories"] = meter.per_sweep
    if companion is not None:
        attrs["prior_trajectories"] = companion.trajectories
    return with_probabilities(build_dataset(arrays, _coords(study, values, swept), attrs))


def _cap(plan: Plan, at_most: int | None) -> int:
    """Return the largest number of trajectories per cell of a run with targets."""
    if at_most is None:
        return min(UNTIL_GROWTH * plan.trajectories, MAX_TRAJECTORIES)
    if not plan.trajectories <= at_most <= MAX_TRAJECTORIES:
        raise InputError(
            f"at most: {at_most!r} is not a whole number from the {plan.trajectories} "
            f"trajectories of the first round to {MAX_TRAJECTORIES}"
        )
    return at_most


@dataclass
class _Meter:
    """Counts trajectories done for the progress display."""

    report: Progress | None
    total: int
    per_sweep: int
    done: int = 0

    def add(self, n: int) -> None:
        self.done += n
        if self.report is not None:
            self.report(self.done, self.total)


def _draws(study: Study, plan: Plan, defaults: bool, posterior: Posterior | None) -> Draws:
    if defaults:
        return centre_draws(study, posterior)
    return parameter_draws(study, plan.draws, plan.seed, posterior)


def _companion_plan(study: Study, plan: Plan, posterior: Posterior | None) -> Plan | None:
    """Return the size of the prior companion; None where no posterior is at work."""
    if not coverage(study.parameters, posterior).covered:
        return None
    return Plan(
        min(plan.trajectories, COMPANION_TRAJECTORIES), min(plan.draws, COMPANION_DRAWS), plan.seed
    )


def _compared_structures(study: Study) -> list[str]:
    """Return the reference and the structures in focus."""
    return [study.reference, *(s for s in study.compare.focus if s != study.reference)]


def _work(study: Study, plan: Plan, sweep: bool, companion: Plan | None) -> tuple[int, int]:
    """Return the trajectories of the whole run, and those at each point of a sweep."""
    cells = (
        len(study.decision_rules) * len(study.flashpoints) * len(study.structures) * plan.draws
    )
    compared = len(study.flashpoints) * len(_compared_structures(study))
    # Of the size of the run, and no smaller than a few cells of it.
    per_sweep = min(
        SWEEP_TRAJECTORIES, max(4 * plan.trajectories, plan.trajectories * plan.draws // 16)
    )
    extra = 0
    if sweep and study.compare.sweep:
        points = len(study.compare.sweep) * len(SWEEP_QUANTILES)
        extra = points * compared * per_sweep
    if companion is not None:
        extra += compared * companion.draws * companion.trajectories
    return cells * plan.trajectories + extra, per_sweep


def _players(scheduler: str | None) -> AbstractContextManager[Callable[..., Player]]:
    """Return who plays: workshops here, or workers of a cluster while the context lasts."""
    if scheduler is None:
        return nullcontext(Workshop)
    from escalation.cluster.connection import cluster_players

    return cluster_players(scheduler)


def _simulate_study(
    player: Player, counts: Counts, plan: Plan, targets: list[Target], most: int, meter: _Meter
) -> tuple[int, list[Verdict]]:
    """Play every cell, in rounds until the targets hold; returns the size reached and verdicts."""
    done, size = 0, plan.trajectories
    verdicts: list[Verdict] = []
    while size > done:
        width = player.block_size((size - done) * counts.checksums.size)
        blocks = blocks_of(player.study, (0, plan.draws), (done, size), width)
        for block, played in player.play_all(blocks):
            counts.add(block, played)
            meter.add(block.size)
        done = size
        verdicts = [judge(target, player.study, counts.arrays, done) for target in targets]
        size = next_size(verdicts, done, most)
        meter.total += (size - done) * counts.checksums.size
    return done, verdicts


def _simulate_companion(
    study: Study,
    plan: Plan,
    values: Draws,
    threads: int | None,
    grid: Grid | None,
    meter: _Meter,
    hire: Callable[..., Player],
) -> dict[str, np.ndarray]:
    """Play the reference and the structures in focus under the priors."""
    from escalation.results.variables import COMPANION_COUNTS

    compared = {name: study.structures[name] for name in _compared_structures(study)}
    part = _under_headline_rule(study).model_copy(update={"structures": compared})
    player = hire(part, values, plan.seed, threads, grid)
    counts = Counts(part, plan.draws)
    _simulate_study(player, counts, plan, [], plan.trajectories, meter)
    return {f"prior_{name}": counts.arrays[name][0] for name in COMPANION_COUNTS}


def _under_headline_rule(study: Study) -> Study:
    return study.model_copy(update={"decision_rules": study.decision_rules[:1]})


def _simulate_sweep(
    study: Study,
    plan: Plan,
    posterior: Posterior | None,
    threads: int | None,
    grid: Grid | None,
    meter: _Meter,
) -> dict[str, np.ndarray]:
    """Sweep parameters one at a time, all others at the centre of what is known about them.

    Every point uses the random numbers of draw 0, and the headline rule.
    """
    from escalation.engines.threads import simulate_block

    names, structures = list(study.compare.sweep), _compared_structures(study)
    points = sweep_points(study, names, SWEEP_QUANTILES, posterior)
    n = points.shape[1]
    shape = (len(study.flashpoints), len(structures), *points.shape, len(codes.EVENTS))
    counts = np.zeros(shape, np.int64)
    base = centre_draws(study, posterior).repeated(n)
    same_numbers = np.zeros(n, np.int64)
    rule = study.decision_rules[0]
    for p, name in enumerate(names):
        shop = Workshop(study, base.replaced(name, points[p]), plan.seed, threads, grid)
        for f, flashpoint in enumerate(study.flashpoints):
            for s, structure in enumerate(structures):
                block = Block(rule, flashpoint, structure, 0, n, 0, meter.per_sweep)
                tables, _ = shop.compiled(block)
                tallies = simulate_block(
                    tables, plan.seed, same_numbers, 0, meter.per_sweep, threads
                )
                counts[f, s, p] = tallies.first_event.sum(axis=2)
                meter.add(block.size)
    return {"sweep_value": points, "sweep_event_count": counts}


def _coords(study: Study, values: Draws, sweep: bool) -> dict[str, object]:
    """Return the coordinates that depend on the study."""
    coords: dict[str, object] = {
        "decision_rule": list(study.decision_rules),
        "flashpoint": list(study.flashpoints),
        "structure": list(study.structures),
        "actor": list(study.actors),
        "parameter": list(values.names),
        "prior_structure": _compared_structures(study),
        "flashpoint_title": [f.title or f.name for f in study.flashpoints.values()],
        "structure_title": [s.title or s.name for s in study.structures.values()],
        "actor_title": [a.title or a.name for a in study.actors.values()],
    }
    if sweep:
        coords["sweep_parameter"] = list(study.compare.sweep)
        coords["sweep_structure"] = _compared_structures(study)
    return coords


def _third_parties(study: Study) -> np.ndarray:
    """Return whether each actor is a third party, shape (flashpoint, actor)."""
    return np.array(
        [
            [actor in flashpoint.third_parties for actor in study.actors]
            for flashpoint in study.flashpoints.values()
        ]
    )


def _attrs(study: Study, plan: Plan, defaults: bool, checksum: str) -> dict[str, object]:
    """Return provenance: what was run, with what, where the words came from."""
    return {
        "trajectories": plan.trajectories,
        "horizon_years": study.horizon_years,
        "seed": plan.seed,
        "reference": study.reference,
        "focus": list(study.compare.focus),
        "loss": dict(study.compare.loss),
        "great_power": study.great_power,
        "study_name": study.name,
        "study_title": study.title,
        "study_sha256": study.sha256,
        "study_text": dict(study.text),
        "default_point": defaults,
        "table_checksum": checksum,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "package_versions": packages(),
        "git_state": git_state(),
    }
