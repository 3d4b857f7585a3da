"""A plan executed: study in, Dataset out, on threads here or on the workers of a cluster."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from escalation.contracts import codes
from escalation.errors import InputError, StudyWarning
from escalation.model.bounds import cut_off
from escalation.model.draws import Draws
from escalation.provenance import git_state, packages
from escalation.simulation.accumulate import Counts
from escalation.simulation.footprint import refuse_big_run
from escalation.simulation.parameter_source import Companion, Source
from escalation.simulation.plan import (
    SWEEP_QUANTILES,
    Plan,
    companion_size,
    sweep_size,
    whole_number,
)
from escalation.simulation.simulator import LocalSimulator, NoStore, Simulator
from escalation.simulation.stopping import Verdict, next_size, verdict_on
from escalation.simulation.workload import (
    Workload,
    blocks_of,
    companion_part,
    companion_study,
    compared_structures,
    sweep_part,
)
from escalation.study.schema import Study

if TYPE_CHECKING:
    import xarray as xr

    from escalation.model.compile import Grid

Progress = Callable[[int, int], None]
"""Called after each block with trajectories done and trajectories in all."""
SimulatorOf: TypeAlias = "Callable[[Study, Draws, int, Grid | None], Simulator]"
"""Takes a study, parameter values, a seed and a grid, and returns who simulates them."""


@dataclass(frozen=True)
class Where:
    """Where a run is simulated. The counts do not depend on it.

    Attributes
    ----------
    threads : int, optional
        Threads; all by default. On a cluster, on each worker.
    scheduler : str, optional
        Address of a Dask cluster's scheduler, one that you trust, or ``local:N`` for N
        processes here; see :mod:`escalation.simulation`. A sweep is simulated here in any case.
    """

    threads: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.threads is not None:
            whole_number("threads", self.threads)

    @classmethod
    def of(cls, where: int | str | Where | None) -> Where:
        """Return a place from a number of threads or the address of a scheduler.

        Examples
        --------
        >>> Where.of(2)
        Where(threads=2, scheduler=None)
        >>> Where.of("local:4").scheduler
        'local:4'
        """
        if isinstance(where, Where):
            return where
        return cls(scheduler=where) if isinstance(where, str) else cls(threads=where)

    @contextmanager
    def simulators(self, store: NoStore) -> Iterator[SimulatorOf]:
        """Yield what makes simulators; those of a cluster last as long as the context."""
        if self.scheduler is None:
            yield lambda study, values, seed, grid: LocalSimulator(
                study, values, seed, grid, self.threads, store
            )
            return
        from escalation.simulation.connection import cluster_simulators

        with cluster_simulators(self.scheduler, self.threads) as simulator_of:
            yield simulator_of


class _Meter:
    """Counts trajectories done for the progress display."""

    def __init__(self, report: Progress | None, total: int) -> None:
        self.report, self.total, self.done = report, total, 0

    def add(self, n: int) -> None:
        self.done += n
        if self.report is not None:
            self.report(self.done, self.total)


def execute(
    plan: Plan,
    source: Source,
    where: Where,
    store: NoStore | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Simulate every part of a plan.

    Parameters
    ----------
    plan : Plan
        What is done.
    source : Source
        The study, and where its parameters come from.
    where : Where
        Threads or a cluster.
    store : NoStore, optional
        Keeps blocks, so that none is simulated twice.
    progress : callable, optional
        Called with (trajectories done, trajectories in all).

    Returns
    -------
    Dataset
        See :func:`escalation.run`.

    Raises
    ------
    InputError
        See :func:`escalation.run`.
    """
    from escalation.results.build import build_dataset
    from escalation.results.derive import with_probabilities
    from escalation.results.variables import COMPANION_COUNTS

    study, store = source.study, store or NoStore()
    refuse_big_run(plan, source)
    values = store.values("study", lambda: _draws(plan, source))
    for line in cut_off(study, values, source.covered):
        warnings.warn(line, StudyWarning, stacklevel=3)
    workload = Workload.of(plan, source)
    meter = _Meter(progress, workload.trajectories())
    attrs = _attrs(plan, source)
    with where.simulators(store) as simulator_of:
        simulator = simulator_of(study, values, plan.seed, plan.grid)
        counts, reached, verdicts = _simulate_study(simulator, workload, meter)
        attrs["trajectories"] = reached
        plan = replace(plan, trajectories=reached)
        workload = replace(workload, plan=plan)
        arrays = counts.arrays
        attrs |= {"table_checksum": counts.table_checksum()} | _until_attrs(verdicts)
        if source.companions:
            found = [
                _simulate_companion(simulator_of, workload, source, one, store, meter)
                for one in source.companions
            ]
            arrays |= {
                f"companion_{name}": np.stack([each[name] for each in found])
                for name in COMPANION_COUNTS
            }
            attrs["companion_trajectories"] = companion_size(plan.size)[1]
    if plan.sweep:
        arrays |= _simulate_sweep(workload, source, where, store, meter)
        attrs["sweep_trajectories"] = sweep_size(plan.size)[1]
    arrays |= {
        "parameter_value": values.values, "is_third_party": _third_parties(study),
        "parameter_acts": _acting(study, values.names),
    }
    return with_probabilities(build_dataset(arrays, _coords(plan, source, values), attrs))


def _draws(plan: Plan, source: Source) -> Draws:
    return source.centre() if plan.defaults else source.draws(plan.draws, plan.seed)


def _simulate_study(
    simulator: Simulator, workload: Workload, meter: _Meter
) -> tuple[Counts, int, list[Verdict]]:
    """Simulate every cell, in rounds until the targets hold; returns the size reached too."""
    study, plan = simulator.study, workload.plan
    counts = Counts(study, plan.draws)
    cells, done = counts.checksums.size, plan.trajectories
    width = simulator.block_size(cells * done, plan.block_size)
    blocks = replace(workload, plan=replace(plan, block_size=width)).study_blocks()
    while True:
        for block, found in simulator.simulate_all(blocks):
            counts.add(block, found)
            meter.add(block.size)
        verdicts = [verdict_on(target, study, counts.arrays, done) for target in plan.targets]
        size = next_size(verdicts, done, plan.at_most)
        if size <= done:
            return counts, done, verdicts
        more = cells * (size - done)
        meter.total += more
        width = simulator.block_size(more, plan.block_size)
        blocks, done = blocks_of(study, (0, plan.draws), (done, size), width), size


def _until_attrs(verdicts: list[Verdict]) -> dict[str, object]:
    if not verdicts:
        return {}
    return {
        "until": [str(v.target) for v in verdicts], "until_met": all(v.met for v in verdicts),
        "until_unmet": [f"{v.target}: {v.worst}" for v in verdicts if not v.met],
    }


def _simulate_companion(
    simulator_of: SimulatorOf, workload: Workload, source: Source, companion: Companion,
    store: NoStore, meter: _Meter,
) -> dict[str, np.ndarray]:
    """Simulate the reference and the structures in focus from other parameters."""
    from escalation.results.variables import COMPANION_COUNTS

    plan, own = workload.plan, source.under(companion)
    draws, _ = companion_size(plan.size)
    smaller = replace(plan, draws=1 if plan.defaults else draws)
    part = companion_part(companion.label)
    values = store.values(part, lambda: _draws(smaller, own))
    simulator = simulator_of(companion_study(own.study), values, plan.seed, plan.grid)
    counts = Counts(simulator.study, draws)
    for block, found in simulator.simulate_all(workload.companion_blocks(companion.label)):
        counts.add(block, found)
        meter.add(block.size)
    return {name: counts.arrays[name][0] for name in COMPANION_COUNTS}


def _simulate_sweep(
    workload: Workload, source: Source, where: Where, store: NoStore, meter: _Meter
) -> dict[str, np.ndarray]:
    """Sweep parameters one at a time, all others at the centre of what is known about them.

    Every point uses the random numbers of draw 0, and the headline rule.
    """
    study, plan, structures = workload.study, workload.plan, compared_structures(workload.study)
    flashpoints = list(study.flashpoints)
    points = np.zeros((len(plan.sweep), len(SWEEP_QUANTILES)))
    shape = (len(flashpoints), len(structures), *points.shape, len(codes.EVENTS))
    counts = np.zeros(shape, np.int64)
    for p, name in enumerate(plan.sweep):
        values = store.values(sweep_part(name), lambda name=name: _swept(source, name))  # type: ignore[misc]
        points[p] = values[name]
        simulator = LocalSimulator(
            study, values, plan.seed, plan.grid, where.threads, store, same_numbers=True
        )
        for block, found in simulator.simulate_all(workload.sweep_blocks(name)):
            index = flashpoints.index(block.flashpoint), structures.index(block.structure), p
            counts[index] += found.tallies.first_event.sum(axis=2)
            meter.add(block.size)
    return {"sweep_value": points, "sweep_event_count": counts}


def _swept(source: Source, name: str) -> Draws:
    """Return one draw for each point of a sweep."""
    points = source.points([name], SWEEP_QUANTILES)[0]
    return source.centre().repeated(len(points)).replaced(name, points)


def _coords(plan: Plan, source: Source, values: Draws) -> dict[str, object]:
    """Return the coordinates that depend on the study."""
    study, companions = source.study, source.companions
    coords: dict[str, object] = {
        "decision_rule": list(study.decision_rules),
        "flashpoint": list(study.flashpoints),
        "structure": list(study.structures),
        "actor": list(study.actors),
        "parameter": list(values.names),
        "companion": [one.label for one in companions],
        "companion_premise": [one.premise for one in companions],
        "companion_source": [
            "posterior" if source.under(one).covered else "prior" for one in companions
        ],
        "companion_structure": compared_structures(study),
        "flashpoint_title": [f.title or f.name for f in study.flashpoints.values()],
        "structure_title": [s.title or s.name for s in study.structures.values()],
        "actor_title": [a.title or a.name for a in study.actors.values()],
    }
    if plan.sweep:
        coords["sweep_parameter"] = list(plan.sweep)
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


def _acting(study: Study, names: Sequence[str]) -> np.ndarray:
    """Return whether each cell depends on each parameter, (flashpoint, structure, parameter)."""
    from escalation.model.reads import parameters_read

    return np.array([
        [
            np.isin(names, list(parameters_read(study, flashpoint, structure)))
            for structure in study.structures
        ]
        for flashpoint in study.flashpoints
    ])


def _attrs(plan: Plan, source: Source) -> dict[str, Any]:
    """Return provenance: what was run, with what, where the words came from."""
    study = source.study
    return {
        "trajectories": plan.trajectories,
        "horizon_years": study.horizon_years,
        "seed": plan.seed,
        "reference": study.reference,
        "focus": list(study.compare.focus),
        "answer": _answer(study),
        "loss": dict(study.compare.loss),
        "great_power": study.great_power,
        "premise": study.premise,
        "study_name": study.name,
        "study_title": study.title,
        "study_sha256": study.sha256,
        "study_text": dict(study.text) if study.as_read else {},
        "default_point": plan.defaults,
        "table_checksum": "",
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "package_versions": packages(),
        "git_state": git_state(),
        **source.attrs(),
    }


def _answer(study: Study) -> dict[str, Any]:
    """Return what the study wants compared on the last screen; empty where it does not say."""
    answer = study.compare.answer
    return {} if answer is None else answer.model_dump(exclude_none=True)


def refuse_with_store(plan: Plan, where: Where) -> None:
    """Refuse what a campaign cannot do.

    Raises
    ------
    InputError
        The plan has targets or a grid, or a scheduler is named.
    """
    if plan.targets:
        raise InputError("until: a campaign has a stated size; leave --until or --campaign out")
    if plan.grid is not None:
        raise InputError("grid: a campaign has the usual one; leave one of the two out")
    if where.scheduler is not None:
        raise InputError("scheduler: a campaign is simulated here; leave one of the two out")
