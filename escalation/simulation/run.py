"""Study in, Dataset out: the glue between model, engine and results."""

from __future__ import annotations

import datetime
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from escalation.contracts import codes
from escalation.errors import InputError, StudyWarning
from escalation.model.bounds import cut_off
from escalation.model.draws import Draws
from escalation.parameters.posterior import Posterior, coverage
from escalation.provenance import git_state, packages
from escalation.simulation.footprint import refuse_big_run
from escalation.simulation.parameter_source import (
    centre_draws,
    chosen_posterior,
    parameter_draws,
    source_attrs,
    sweep_points,
)
from escalation.simulation.simulator import Block, Counts, Player, Shelf, Workshop, blocks_of
from escalation.simulation.stopping import Target, Verdict, judge, next_size, parse_target
from escalation.simulation.workload import (
    SWEEP_QUANTILES,
    Work,
    companion_size,
    companion_study,
    compared_structures,
    sweep_part,
    sweep_size,
)
from escalation.study.loader import recheck
from escalation.study.schema import Study

if TYPE_CHECKING:
    import xarray as xr

    from escalation.model.compile import Grid

Progress = Callable[[int, int], None]
"""Called after each block with trajectories done and trajectories in all."""

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
    shelf: Shelf | None = None,
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
        Precision targets such as ``war:relative:0.05``, see
        :mod:`escalation.simulation.stopping`. The
        run starts with `trajectories` and grows until all of them hold.
    at_most : int, optional
        Trajectories per cell at which such a run stops all the same; by default 64 times
        `trajectories`.
    grid : Grid, optional
        Resolution of tables and rounds, for refinement checks.
    scheduler : str, optional
        Play on the workers of a Dask cluster, see :mod:`escalation.simulation`: address of its
        scheduler, one that you trust, or ``local:N`` for N processes here. The sweep is played
        here in any case. The counts do not depend on it.
    progress : callable, optional
        Called with (trajectories done, trajectories in all).
    shelf : Shelf, optional
        Keeps blocks, so that none is played twice; see :mod:`escalation.simulation`.

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
        If trajectories, draws, seed, threads or a target are out of range, the posterior or
        the scheduler cannot be used, bounds cut off most draws of something in the study, or the
        study was changed into what no study may say.
    """
    from escalation.results.build import build_dataset
    from escalation.results.derive import with_probabilities

    recheck(study)
    plan = Plan(
        study.plan.trajectories if trajectories is None else trajectories,
        1 if defaults else study.plan.draws if draws is None else draws,
        study.plan.seed if seed is None else seed,
    )
    source = chosen_posterior(study, prior, posterior)
    targets = [t if isinstance(t, Target) else parse_target(t, study) for t in until]
    most = _cap(plan, at_most) if targets else plan.trajectories
    companion = _companion_plan(study, plan, source)
    if scheduler is not None and shelf is not None:
        raise InputError("scheduler: a campaign is played here; leave one of the two out")
    shelf = shelf or Shelf()
    refuse_big_run(study, (plan.draws, plan.trajectories), companion is not None, grid)
    values = shelf.values("study", lambda: _draws(study, plan, defaults, source))
    for line in cut_off(study, values, coverage(study.parameters, source).covered):
        warnings.warn(line, StudyWarning, stacklevel=2)
    counts = Counts(study, plan.draws)
    prior_counts = {}
    with _players(scheduler, shelf) as hire:
        player = hire(study, values, plan.seed, threads, grid)
        width = player.block_size(counts.checksums.size * plan.trajectories)
        work = Work(study, (*shelf.sizes, (plan.draws, plan.trajectories)), width)
        meter = _Meter(progress, work.trajectories(sweep, companion is not None))
        blocks = work.study_blocks()
        size, verdicts = _simulate_study(player, counts, blocks, plan, targets, most, meter)
        if companion is not None:
            prior_values = shelf.values("prior", lambda: _draws(study, companion, defaults, None))
            player = hire(companion_study(study), prior_values, plan.seed, threads, grid)
            prior_counts = _simulate_companion(work, companion, player, meter)
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
        arrays |= _simulate_sweep(work, plan, source, threads, grid, shelf, meter)
        attrs["sweep_trajectories"] = sweep_size((plan.draws, plan.trajectories))[1]
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
    draws, trajectories = companion_size((plan.draws, plan.trajectories))
    return Plan(trajectories, draws, plan.seed)


def _players(
    scheduler: str | None, shelf: Shelf
) -> AbstractContextManager[Callable[..., Player]]:
    """Return who plays: workshops here, or workers of a cluster while the context lasts."""
    if scheduler is None:
        return nullcontext(partial(Workshop, shelf=shelf))
    from escalation.simulation.connection import cluster_players

    return cluster_players(scheduler)


def _simulate_study(
    player: Player,
    counts: Counts,
    blocks: Iterable[Block],
    plan: Plan,
    targets: list[Target],
    most: int,
    meter: _Meter,
) -> tuple[int, list[Verdict]]:
    """Play every cell, in rounds until the targets hold; returns the size reached and verdicts."""
    size = plan.trajectories
    while True:
        for block, played in player.play_all(blocks):
            counts.add(block, played)
            meter.add(block.size)
        done = size
        verdicts = [judge(target, player.study, counts.arrays, done) for target in targets]
        size = next_size(verdicts, done, most)
        if size <= done:
            return done, verdicts
        more = (size - done) * counts.checksums.size
        meter.total += more
        width = player.block_size(more)
        blocks = blocks_of(player.study, (0, plan.draws), (done, size), width)


def _simulate_companion(
    work: Work, plan: Plan, player: Player, meter: _Meter
) -> dict[str, np.ndarray]:
    """Play the reference and the structures in focus under the priors."""
    from escalation.results.variables import COMPANION_COUNTS

    counts = Counts(player.study, plan.draws)
    _simulate_study(player, counts, work.companion_blocks(), plan, [], plan.trajectories, meter)
    return {f"prior_{name}": counts.arrays[name][0] for name in COMPANION_COUNTS}


def _simulate_sweep(
    work: Work,
    plan: Plan,
    posterior: Posterior | None,
    threads: int | None,
    grid: Grid | None,
    shelf: Shelf,
    meter: _Meter,
) -> dict[str, np.ndarray]:
    """Sweep parameters one at a time, all others at the centre of what is known about them.

    Every point uses the random numbers of draw 0, and the headline rule.
    """
    study, structures = work.study, compared_structures(work.study)
    names, flashpoints = list(study.compare.sweep), list(study.flashpoints)
    n = len(SWEEP_QUANTILES)
    points = np.zeros((len(names), n))
    shape = (len(flashpoints), len(structures), *points.shape, len(codes.EVENTS))
    counts = np.zeros(shape, np.int64)
    for p, name in enumerate(names):
        values = shelf.values(sweep_part(name), partial(_swept, study, name, posterior))
        points[p] = values[name]
        shop = Workshop(study, values, plan.seed, threads, grid, shelf, same_numbers=True)
        for block in work.sweep_blocks(name):
            where = flashpoints.index(block.flashpoint), structures.index(block.structure), p
            counts[where] += shop.play(block).tallies.first_event.sum(axis=2)
            meter.add(block.size)
    return {"sweep_value": points, "sweep_event_count": counts}


def _swept(study: Study, name: str, posterior: Posterior | None) -> Draws:
    """Return one draw for each point of a sweep."""
    points = sweep_points(study, [name], SWEEP_QUANTILES, posterior)[0]
    return centre_draws(study, posterior).repeated(len(points)).replaced(name, points)


def _coords(study: Study, values: Draws, sweep: bool) -> dict[str, object]:
    """Return the coordinates that depend on the study."""
    coords: dict[str, object] = {
        "decision_rule": list(study.decision_rules),
        "flashpoint": list(study.flashpoints),
        "structure": list(study.structures),
        "actor": list(study.actors),
        "parameter": list(values.names),
        "prior_structure": compared_structures(study),
        "flashpoint_title": [f.title or f.name for f in study.flashpoints.values()],
        "structure_title": [s.title or s.name for s in study.structures.values()],
        "actor_title": [a.title or a.name for a in study.actors.values()],
    }
    if sweep:
        coords["sweep_parameter"] = list(study.compare.sweep)
        coords["sweep_structure"] = compared_structures(study)
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
        "study_text": dict(study.text) if study.as_read else {},
        "default_point": defaults,
        "table_checksum": checksum,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "package_versions": packages(),
        "git_state": git_state(),
    }
