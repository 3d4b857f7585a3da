"""A study run: once, or as a campaign that is begun, continued and extended in a store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

from escalation.errors import InputError
from escalation.provenance import model_sha256
from escalation.results.build import plain_attrs
from escalation.results.files import RESULTS_NAME, save_results
from escalation.simulation.execution import Progress, Where, execute, refuse_with_store
from escalation.simulation.footprint import refuse_big_run
from escalation.simulation.manifest import Manifest, study_of_text
from escalation.simulation.parameter_source import AnySource, Source
from escalation.simulation.plan import Plan, PlanOptions
from escalation.simulation.simulator import LocalSimulator
from escalation.simulation.store import Store
from escalation.simulation.workload import Workload
from escalation.study.loader import recheck
from escalation.study.schema import Study

if TYPE_CHECKING:
    import xarray as xr

AnyWhere: TypeAlias = "int | str | Where | None"
AnyStore: TypeAlias = "Store | str | os.PathLike[str]"


def run(
    study: Study,
    plan: Plan | None = None,
    *,
    source: AnySource = None,
    where: AnyWhere = None,
    store: AnyStore | None = None,
    progress: Progress | None = None,
    parameters: Mapping[str, float] | None = None,
    **options: Unpack[PlanOptions],
) -> xr.Dataset:
    """Simulate a study and return its results.

    Parameters
    ----------
    study : Study
        From :func:`escalation.load_study`.
    plan : Plan, optional
        How much to simulate; by default what the study and the options say.
    source : Posterior, path, "prior" or Source, optional
        Where parameters come from: by default the posterior that comes with the package, where
        it speaks for them, else their priors; priors only when "prior".
    where : int, str or Where, optional
        Threads, all by default; or the address of a Dask cluster's scheduler, one that you
        trust, or ``local:N`` for N processes here. The counts do not depend on it.
    store : path or Store, optional
        Folder of a campaign, which keeps every block: begun if there is none, else continued,
        and extended if more draws or trajectories are asked for. ``results.nc`` of the folder
        then holds the results too.
    progress : callable, optional
        Called with (trajectories done, trajectories in all).
    parameters : mapping of str to float, optional
        Parameters to set to a number in every draw. The results list them as ``pinned``.
    **options
        See :class:`escalation.simulation.plan.PlanOptions`; none with a `plan`.

    Returns
    -------
    xarray.Dataset
        Counts with dims flashpoint, structure, draw and others, and the probabilities
        derived from them; see :mod:`escalation.results.variables`. With targets, the attribute
        ``until_met`` says whether they hold, and the counts are those of a run of the same size
        without them. Those of a campaign are the same to the last byte whatever happened on
        the way; they do not say when.

    Raises
    ------
    InputError
        An option is unknown or out of range, the posterior or the scheduler cannot be used,
        bounds cut off most draws of something in the study, the study was changed into what no
        study may say, or memory is short. With a store also: the folder holds another campaign,
        one that cannot be extended like this or that is damaged; another process is at work in
        it; or the disk is full.

    Examples
    --------
    >>> import escalation
    >>> study = escalation.load_study("configs/asian_nato.yaml")
    >>> ds = escalation.run(study, draws=2, trajectories=10, seed=1)
    >>> ds.p_war.dims
    ('decision_rule', 'flashpoint', 'structure', 'draw')
    """
    recheck(study)
    if plan is not None and options:
        raise InputError(f"run: options {', '.join(options)} beside a plan; leave one of the two "
                         "out")
    where = Where.of(where)
    if store is None:
        plan = plan or Plan.of(study, **options)
        return execute(plan, Source.of(study, source, parameters), where, None, progress)
    store = store if isinstance(store, Store) else Store(store)
    study = study_of_text(study)
    found = Source.of(study, source, parameters)
    wanted = plan or Plan.of(study, **options)
    refuse_with_store(wanted, where)
    refuse_big_run(wanted, found, campaign=True)
    store.make_folder()
    with store.held():
        if store.exists:
            manifest = _continued(store, study, found, plan, options)
        else:
            manifest = Manifest.of(study, wanted, found)
            store.begin(manifest)
        return _campaign(store, manifest, where, progress)


def resume(
    store: AnyStore, *, where: AnyWhere = None, progress: Progress | None = None
) -> xr.Dataset:
    """Continue a campaign to its end; every row of its file is verified first.

    Parameters
    ----------
    store : path or Store
        Folder of the campaign.
    where, progress
        As in :func:`run`.

    Raises
    ------
    InputError
        There is no campaign, it is damaged, made by another version of the model or on a
        machine with another arithmetic; another process is at work in it; or the disk is full.
    """
    store = store if isinstance(store, Store) else Store(store)
    if not store.exists:
        store.manifest()  # says what is missing, before a lock is left in the folder
    with store.held():
        return _campaign(store, store.manifest(), Where.of(where), progress)


def _continued(
    store: Store, study: Study, source: Source, plan: Plan | None, options: PlanOptions
) -> Manifest:
    """Return what is stored, at the size that is asked for; refuse another question."""
    there = store.manifest()
    if plan is None:  # what is not asked for is the campaign's own
        own = there.plan()
        names = ("trajectories", "draws", "seed", "sweep")
        asked: dict[str, Any] = {name: getattr(own, name) for name in names}
        asked |= {name: value for name, value in options.items() if value is not None}
        plan = Plan.of(study, **asked)
    wanted = Manifest.of(study, plan, source)
    there.check_same(wanted)
    if there.study_text != wanted.study_text:
        store.say("the study's text has changed, though not what it says; the campaign keeps "
                  "the text that it was begun with")
    grown = there.grown(plan)
    if grown is not there:
        refuse_big_run(grown.plan(), source, campaign=True)
        store.grow(grown)
    return grown


def _campaign(
    store: Store, manifest: Manifest, where: Where, progress: Progress | None
) -> xr.Dataset:
    """Run what is missing of a campaign and write its results; the lock is held."""
    if manifest.model_sha256 != model_sha256():
        began = f"escalation {manifest.packages.get('escalation', '?')}, git {manifest.git}"
        raise InputError(f"{store.folder}: begun with another version of the model ({began}); "
                         "continue with that one, or begin another campaign")
    plan, source = manifest.plan(), manifest.source(manifest.study())
    refuse_big_run(plan, source, campaign=True)
    workload = Workload.of(plan, source)
    with store.opened(manifest, workload):
        _check_arithmetic(store, plan, source, workload)
        ds = execute(plan, source, where, store, progress)
    del ds.attrs["created"]  # differs between campaigns that are alike; the manifest has it
    ds.attrs |= plain_attrs({"package_versions": manifest.packages, "git_state": manifest.git})
    save_results(ds, store.folder / RESULTS_NAME)
    return ds


def _check_arithmetic(store: Store, plan: Plan, source: Source, workload: Workload) -> None:
    """Compile the tables of a stored block again: they must be those that it was run with."""
    stored = store.first_block(workload)
    if stored is None:
        return
    block, counts = stored
    draws = source.centre() if plan.defaults else source.draws(plan.draws, plan.seed)
    values = store.values("study", lambda: draws)
    again = LocalSimulator(source.study, values, plan.seed).compiled(block)[1]
    if again.tolist() != counts.checksums.tolist():
        raise InputError(
            f"{store.path}: this machine computes other tables than the one that ran "
            f"{block.flashpoint} under {block.structure}; continue on a machine and with packages "
            "like those"
        )
