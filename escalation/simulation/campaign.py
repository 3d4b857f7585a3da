"""Begin, continue and extend a campaign."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from escalation.contracts.whole_file import write_whole
from escalation.errors import InputError
from escalation.model.draws import Draws
from escalation.parameters import posterior as posteriors
from escalation.parameters.posterior import coverage
from escalation.provenance import git_state, model_sha256, packages
from escalation.results.build import plain_attrs
from escalation.results.files import RESULTS_NAME, save_results
from escalation.simulation import lock
from escalation.simulation.asked import asked_files
from escalation.simulation.campaign_plan import (
    NAME,
    POSTERIOR,
    CampaignPlan,
    Size,
    load_plan,
    save_plan,
)
from escalation.simulation.footprint import refuse_big_run
from escalation.simulation.parameter_source import chosen_posterior
from escalation.simulation.question import check_same, study_of_text
from escalation.simulation.run import Plan, Progress, run
from escalation.simulation.simulator import BLOCK_TRAJECTORIES, Block, Workshop
from escalation.simulation.store import Store
from escalation.simulation.stored import CampaignShelf, Watch, block_file, describe, parameters_file
from escalation.study import Study

if TYPE_CHECKING:
    import xarray as xr

    from escalation.parameters.posterior import Posterior

Say = Callable[[str], None]
"""Told in words what was found and done."""


def run_campaign(
    study: Study,
    folder: str | os.PathLike[str],
    *,
    trajectories: int | None = None,
    draws: int | None = None,
    seed: int | None = None,
    threads: int | None = None,
    defaults: bool = False,
    sweep: bool = True,
    prior: bool = False,
    posterior: str | os.PathLike[str] | None = None,
    block_size: int = BLOCK_TRAJECTORIES,
    progress: Progress | None = None,
    watch: Watch | None = None,
    say: Say | None = None,
) -> xr.Dataset:
    """Play a study as a campaign: begin it, continue it, or extend the one that is there.

    Parameters
    ----------
    study : Study
        As read from a file or a mapping.
    folder : path
        Of the campaign; made if it is not there.
    trajectories, draws, seed : int, optional
        As in :func:`escalation.run`; of a campaign that is there, its own by default. More
        trajectories or draws extend it.
    threads, defaults, sweep, prior, posterior
        As in :func:`escalation.run`; the posterior is a file.
    block_size : int
        Trajectories of a block, about; a campaign that is there keeps its own.
    progress : callable, optional
        Called with (trajectories done, trajectories in all).
    watch : callable, optional
        Called with the journal's entry of every block.
    say : callable, optional
        Called with a line of text on what was found and done.

    Returns
    -------
    xarray.Dataset
        As of :func:`escalation.run`, without the time of the run; also in ``results.nc`` of the
        folder, the same to the last byte whatever happened on the way.

    Raises
    ------
    InputError
        The folder holds another campaign, one that cannot be extended like this or that is
        damaged; another process is at work in it; or the disk is full.
    """
    place = Path(folder)
    source = chosen_posterior(study, prior, posterior)
    as_read = study_of_text(study)
    wanted = _size(study, trajectories, draws, seed, defaults)
    _refuse_big(study, (wanted.draws, wanted.trajectories), source, block_size)
    _make(place)
    with lock.held(place):
        if (place / NAME).exists():
            plan = load_plan(place)
            check_same(plan, as_read, seed, defaults, sweep, source)
            if say is not None and dict(plan.study_text) != study.text:
                say("the study's text has changed, though not what it says; the campaign keeps "
                    "the text that it was begun with")
            plan = _grow(plan, None if defaults else draws, trajectories, source, place)
        else:
            plan = _new(study, wanted, defaults, sweep, source, block_size)
            _begin(plan, place, posterior)
        return _play(place, plan, plan.study(), threads, False, progress, watch, say)


def resume_campaign(
    folder: str | os.PathLike[str],
    *,
    threads: int | None = None,
    repair: bool = False,
    progress: Progress | None = None,
    watch: Watch | None = None,
    say: Say | None = None,
) -> xr.Dataset:
    """Continue a campaign to its end; verifies every file first.

    Parameters
    ----------
    folder : path
        Of the campaign.
    repair : bool
        Play blocks again whose files are damaged, instead of refusing.
    threads, progress, watch, say
        As in :func:`run_campaign`.

    Raises
    ------
    InputError
        There is no campaign, it is damaged, made by another version of the model or on a
        machine with another arithmetic; another process is at work in it; or the disk is full.
    """
    place = Path(folder)
    load_plan(place)  # before a lock is left in a folder that is no campaign
    with lock.held(place):
        plan = load_plan(place)
        return _play(place, plan, plan.study(), threads, repair, progress, watch, say)


def _play(
    place: Path,
    plan: CampaignPlan,
    study: Study,
    threads: int | None,
    repair: bool,
    progress: Progress | None,
    watch: Watch | None,
    say: Say | None,
) -> xr.Dataset:
    _check_model(plan, place)
    source = plan.posterior(place)
    _refuse_big(study, plan.size, source, plan.block_size)
    store = Store(place, plan.identity, describe)
    for words in store.open(repair, asked_files(plan, study, source)):
        if say is not None:
            say(words)
    _check_arithmetic(plan, study, store)
    draws, trajectories = plan.size
    ds = run(
        study,
        trajectories=trajectories,
        draws=draws,
        seed=plan.seed,
        threads=threads,
        defaults=plan.defaults,
        sweep=plan.sweep,
        prior=source is None,
        posterior=source,
        progress=progress,
        shelf=CampaignShelf(store, plan.sizes[:-1], plan.block_size, watch),
    )
    del ds.attrs["created"]  # differs between campaigns that are alike; the plan has it
    ds.attrs |= plain_attrs({"package_versions": plan.packages, "git_state": plan.git})
    save_results(ds, place / RESULTS_NAME)
    return ds


def _make(place: Path) -> None:
    """Make the folder; one that is there may hold a campaign or nothing."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in place.iterdir() if not path.name.startswith(".")}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable name"
        raise InputError(f"campaign: cannot use folder {str(place)[:100]!r}: {reason}") from None
    if NAME not in there and there - _BEGUN:
        raise InputError(f"campaign: folder {str(place)!r} holds something else")


_BEGUN = {lock.NAME, POSTERIOR}
"""Left by a process that was killed while it began a campaign."""


def _size(
    study: Study, trajectories: int | None, draws: int | None, seed: int | None, defaults: bool
) -> Plan:
    return Plan(
        study.plan.trajectories if trajectories is None else trajectories,
        1 if defaults else study.plan.draws if draws is None else draws,
        study.plan.seed if seed is None else seed,
    )


def _refuse_big(study: Study, size: Size, source: Posterior | None, block_size: int) -> None:
    companion = bool(coverage(study.parameters, source).covered)
    refuse_big_run(study, size, companion, block_size=block_size)


def _new(
    study: Study,
    size: Plan,
    defaults: bool,
    sweep: bool,
    source: Posterior | None,
    block_size: int,
) -> CampaignPlan:
    return CampaignPlan(
        study_text=tuple(study.text.items()),
        study_sha256=study.sha256,
        seed=size.seed,
        sizes=((size.draws, size.trajectories),),
        defaults=defaults,
        posterior_sha256="" if source is None else source.sha256,
        sweep=sweep,
        block_size=block_size,
        model_sha256=model_sha256(),
        packages=dict(sorted(packages().items())),
        git=git_state(),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _begin(plan: CampaignPlan, place: Path, posterior: str | os.PathLike[str] | None) -> None:
    """Write the copy of the posterior, and the plan last: with it the campaign exists."""
    if plan.posterior_sha256:
        write_whole(place / POSTERIOR, Path(posterior or posteriors.SHIPPED).read_bytes())
    save_plan(plan, place)


def _grow(
    plan: CampaignPlan,
    draws: int | None,
    trajectories: int | None,
    source: Posterior | None,
    place: Path,
) -> CampaignPlan:
    size = Plan(
        plan.size[1] if trajectories is None else trajectories,
        plan.size[0] if draws is None else draws,
        plan.seed,
    )
    grown = plan.grown((size.draws, size.trajectories))
    if grown is not plan:
        _refuse_big(plan.study(), grown.size, source, plan.block_size)
        save_plan(grown, place)
    return grown


def _check_model(plan: CampaignPlan, place: Path) -> None:
    if plan.model_sha256 != model_sha256():
        began = f"escalation {plan.packages.get('escalation', '?')}, git {plan.git}"
        raise InputError(f"{place}: begun with another version of the model ({began}); "
                         "continue with that one, or begin another campaign")


def _check_arithmetic(plan: CampaignPlan, study: Study, store: Store) -> None:
    """Compile the tables of a finished block again: they must be those that were played."""
    entries = [e for e in store.recorded.values() if e.get("part") == "study"]
    entry = next((e for e in entries if e["kind"] == "block"), None)
    widest = max((e["draws"] for e in entries if e["kind"] == "parameters"), default=0)
    values = store.get(parameters_file("study", widest))
    if entry is None or values is None:
        return
    names = Block.__dataclass_fields__
    block = Block(**{name: entry[name] for name in names})
    shop = Workshop(study, Draws(tuple(values.header["names"]), values.arrays["values"]), plan.seed)
    if shop.compiled(block)[1].tolist() != entry["tables"]:
        raise InputError(
            f"{store.folder / block_file(block)}: this machine computes other tables than the one "
            "that played it; continue on a machine and with packages like those"
        )
