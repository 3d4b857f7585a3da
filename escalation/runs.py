"""Study in, Dataset out: the glue between model, engine and results."""

from __future__ import annotations

import datetime
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from escalation import codes
from escalation.counts import store_tallies
from escalation.errors import InputError
from escalation.model.draws import Draws
from escalation.parameters.posterior import Posterior, coverage
from escalation.provenance import git_state, packages
from escalation.sources import (
    centre_draws,
    chosen_posterior,
    parameter_draws,
    source_attrs,
    sweep_points,
)
from escalation.study.schema import Flashpoint, Structure, Study

if TYPE_CHECKING:
    import xarray as xr

    from escalation.model.compile import Grid
    from escalation.tables import Tables
    from escalation.tallies import Tallies

Progress = Callable[[int, int], None]
"""Called after each block with trajectories done and trajectories in all."""

BLOCK_TRAJECTORIES = 250_000
SWEEP_QUANTILES = (0.02, 0.15, 0.35, 0.5, 0.65, 0.85, 0.98)
SWEEP_TRAJECTORIES = 12_000
COMPANION_DRAWS = 64
COMPANION_TRAJECTORIES = 2_000
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
    grid: Grid | None = None,
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
        Threads; all by default. The counts do not depend on it.
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
    grid : Grid, optional
        Resolution of tables and rounds, for refinement checks.
    progress : callable, optional
        Called with (trajectories done, trajectories in all).

    Returns
    -------
    xarray.Dataset
        Counts with dims flashpoint, structure, draw and others, and the probabilities
        derived from them; see :mod:`escalation.results.variables`.

    Raises
    ------
    InputError
        If trajectories, draws, seed or threads are out of range, or the posterior cannot be
        used.
    """
    from escalation.results.build import build_dataset
    from escalation.results.derive import with_probabilities

    plan = Plan(
        study.plan.trajectories if trajectories is None else trajectories,
        1 if defaults else study.plan.draws if draws is None else draws,
        study.plan.seed if seed is None else seed,
    )
    source = chosen_posterior(study, prior, posterior)
    companion = _companion_plan(study, plan, source)
    values = _draws(study, plan, defaults, source)
    meter = _Meter(progress, *_work(study, plan, sweep, companion))
    arrays, checksum = _simulate_study(study, plan, values, threads, grid, meter)
    arrays["parameter_value"] = values.values
    arrays["is_third_party"] = _third_parties(study)
    attrs = _attrs(study, plan, defaults, checksum) | source_attrs(study, source)
    swept = sweep and bool(study.compare.sweep)
    if swept:
        arrays |= _simulate_sweep(study, plan, source, threads, grid, meter)
        attrs["sweep_trajectories"] = meter.per_sweep
    if companion is not None:
        prior_values = _draws(study, companion, defaults, None)
        arrays |= _simulate_companion(study, companion, prior_values, threads, grid, meter)
        attrs["prior_trajectories"] = companion.trajectories
    return with_probabilities(build_dataset(arrays, _coords(study, values, swept), attrs))


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
    cells = len(study.flashpoints) * len(study.structures) * plan.draws
    compared = len(study.flashpoints) * len(_compared_structures(study))
    per_sweep = min(SWEEP_TRAJECTORIES, 4 * plan.trajectories)
    extra = 0
    if sweep and study.compare.sweep:
        points = len(study.compare.sweep) * len(SWEEP_QUANTILES)
        extra = points * compared * per_sweep
    if companion is not None:
        extra += compared * companion.draws * companion.trajectories
    return cells * plan.trajectories + extra, per_sweep


def _simulate_study(
    study: Study, plan: Plan, values: Draws, threads: int | None, grid: Grid | None, meter: _Meter
) -> tuple[dict[str, np.ndarray], int]:
    """Play every cell; returns the count arrays and a checksum over all tables."""
    from escalation.model.compile import onset_anchor

    arrays: dict[str, np.ndarray] = {}
    checksum = 0
    for f, flashpoint in enumerate(study.flashpoints.values()):
        anchor = onset_anchor(study, flashpoint, values)
        for s, structure in enumerate(study.structures.values()):
            for chosen in _draw_blocks(plan):
                tables = _compile(study, flashpoint, structure, values, anchor, grid, chosen)
                for array in tables:
                    checksum = zlib.crc32(array.data, checksum)
                tallies = _play(tables, plan.seed, chosen, plan.trajectories, threads, meter)
                store_tallies(arrays, study, flashpoint, tallies, (f, s), chosen, plan.draws)
    return arrays, checksum


def _draw_blocks(plan: Plan) -> Iterator[np.ndarray]:
    """Cut the draws into blocks of about a second of work."""
    size = int(np.clip(BLOCK_TRAJECTORIES // plan.trajectories, 1, 64))
    for begin in range(0, plan.draws, size):
        yield np.arange(begin, min(begin + size, plan.draws))


def _compile(
    study: Study,
    flashpoint: Flashpoint,
    structure: Structure,
    values: Draws,
    anchor: np.ndarray,
    grid: Grid | None,
    chosen: np.ndarray,
) -> Tables:
    from escalation.model.compile import DEFAULT_GRID, compile_block

    part = Draws(values.names, values.values[:, chosen])
    return compile_block(study, flashpoint, structure, part, anchor[chosen], grid or DEFAULT_GRID)


def _play(
    tables: Tables,
    seed: int,
    keys: np.ndarray,
    trajectories: int,
    threads: int | None,
    meter: _Meter,
) -> Tallies:
    """Play a block in pieces short enough for progress and for Ctrl-C."""
    from escalation.engines.threads import simulate_block

    piece = max(BLOCK_TRAJECTORIES // len(keys), 1)
    total: Tallies | None = None
    for first in range(0, trajectories, piece):
        count = min(piece, trajectories - first)
        tallies = simulate_block(tables, seed, keys, first, count, threads)
        if total is None:
            total = tallies
        else:
            for sum_, part in zip(total, tallies, strict=True):
                sum_ += part
        meter.add(count * len(keys))
    assert total is not None
    return total


def _simulate_companion(
    study: Study, plan: Plan, values: Draws, threads: int | None, grid: Grid | None, meter: _Meter
) -> dict[str, np.ndarray]:
    """Play the reference and the structures in focus under the priors."""
    from escalation.results.variables import COMPANION_COUNTS

    compared = {name: study.structures[name] for name in _compared_structures(study)}
    part = study.model_copy(update={"structures": compared})
    arrays, _ = _simulate_study(part, plan, values, threads, grid, meter)
    return {f"prior_{name}": arrays[name] for name in COMPANION_COUNTS}


def _simulate_sweep(
    study: Study,
    plan: Plan,
    posterior: Posterior | None,
    threads: int | None,
    grid: Grid | None,
    meter: _Meter,
) -> dict[str, np.ndarray]:
    """Sweep parameters one at a time, all others at the centre of what is known about them."""
    from escalation.model.compile import onset_anchor

    names, structures = list(study.compare.sweep), _compared_structures(study)
    points = sweep_points(study, names, SWEEP_QUANTILES, posterior)
    shape = (len(study.flashpoints), len(structures), *points.shape, len(codes.EVENTS))
    counts = np.zeros(shape, np.int64)
    base = centre_draws(study, posterior).repeated(points.shape[1])
    same_numbers = np.zeros(points.shape[1], np.int64)
    for f, flashpoint in enumerate(study.flashpoints.values()):
        for p, name in enumerate(names):
            values = base.replaced(name, points[p])
            anchor = onset_anchor(study, flashpoint, values)
            for s, structure in enumerate(structures):
                tables = _compile(
                    study,
                    flashpoint,
                    study.structures[structure],
                    values,
                    anchor,
                    grid,
                    np.arange(points.shape[1]),
                )
                tallies = _play(tables, plan.seed, same_numbers, meter.per_sweep, threads, meter)
                counts[f, s, p] = tallies.first_event.sum(axis=2)
    return {"sweep_value": points, "sweep_event_count": counts}


def _coords(study: Study, values: Draws, sweep: bool) -> dict[str, object]:
    """Return the coordinates that depend on the study."""
    coords: dict[str, object] = {
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


def _attrs(study: Study, plan: Plan, defaults: bool, checksum: int) -> dict[str, object]:
    """Return provenance: what was run, with what, where the words came from."""
    return {
        "trajectories": plan.trajectories,
        "horizon_years": study.horizon_years,
        "seed": plan.seed,
        "reference": study.reference,
        "focus": list(study.compare.focus),
        "great_power": study.great_power,
        "study_name": study.name,
        "study_title": study.title,
        "study_sha256": study.sha256,
        "study_text": dict(study.text),
        "default_point": defaults,
        "table_checksum": f"{checksum:08x}",
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "package_versions": packages(),
        "git_state": git_state(),
    }
