"""``escalation run``: a study simulated, with its scenarios, and its answer last on the screen."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from escalation.cli.campaign_command import finish
from escalation.cli.destination import Destination, destination
from escalation.cli.options import plan_options, source_options, where_options
from escalation.cli.output import (
    after_saving,
    answered,
    cut_off_everywhere,
    say_beforehand,
    write_companions,
)
from escalation.cli.progress import COMPARING, COMPILING, LOOKING, PINNING, part_words, progress
from escalation.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from escalation.simulation.execution import Where
    from escalation.simulation.parameter_source import Source
    from escalation.simulation.plan import Plan, PlanOptions
    from escalation.study.schema import Study


@click.command()
@click.argument("study", type=click.Path())
@click.option(
    "-o", "--output", type=click.Path(), help="Results file (.nc); default: results/NAME-DATE/."
)
@click.option(
    "--set", "changes", multiple=True, metavar="PATH=VALUE",
    help="Also run what the study would be with this, on the same draws; may be repeated.",
)
@click.option("--scenario", help="Run this scenario of the study by itself.")
@plan_options
@source_options
@where_options
@click.option("--design", help="Of parameter draws: nested_hypercube, sobol or latin_hypercube.")
@click.option(
    "--campaign", type=click.Path(),
    help="Folder that keeps every block, so that the run can be resumed and extended.",
)
@click.option("--no-figures", is_flag=True, help="Write results and tables only.")
@click.option("--overwrite", is_flag=True, help="Replace the results that --output names.")
def run(
    study: str, changes: tuple[str, ...], scenario: str | None, design: str | None,
    campaign: str | None, **given: Any,
) -> None:
    """Simulate STUDY and its scenarios, write results and figures, and print the answer."""
    from escalation.study import load_study

    words = load_study(study, _values(changes))
    if scenario is not None:
        words = words.scenario(scenario)
    if design is not None:
        words = words.with_plan(design=design)  # type: ignore[arg-type]
    if campaign is not None:
        _run_campaign(words, campaign, **given)
    else:
        _run_once(words, **given)


def _values(changes: tuple[str, ...]) -> dict[str, Any]:
    """Return the values that options set, by path; each is read as YAML."""
    from escalation.study.loader import value_of

    found: dict[str, Any] = {}
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path.strip() or not text.strip():
            raise InputError(f"--set: {change!r} is not PATH=VALUE, such as "
                             "japan.domestic_veto=0.6 or patron_realisation=beta(2,6)")
        if path.strip() in found:
            raise InputError(f"--set: {path.strip()} is set twice; one value can hold")
        found[path.strip()] = value_of(text)
    return found


def _run_campaign(
    study: Study,
    campaign: str,
    *,
    output: str | None,
    no_figures: bool,
    overwrite: bool,
    **how: Any,
) -> None:
    from escalation.simulation.parameter_source import Source
    from escalation.simulation.run import run as run_study

    if output is not None:
        raise InputError("output: a campaign writes into its own folder; leave it out")
    if overwrite:
        raise InputError("overwrite: a campaign replaces nothing; leave it out")
    for name in study.scenarios:
        click.echo(f"note: scenario {name} is not part of the campaign; it is a campaign of its "
                   f"own with --scenario {name}", err=True)
    plan = how.pop("plan")
    say_beforehand(study, Source.of(study, how["source"]).posterior)
    finish(partial(run_study, study, **how, **plan), study, Path(campaign), figures=not no_figures)


def _run_once(
    study: Study,
    *,
    output: str | None,
    no_figures: bool,
    overwrite: bool,
    plan: PlanOptions,
    source: str | None,
    where: Where,
) -> None:
    from escalation.simulation.parameter_source import Source
    from escalation.simulation.plan import Plan

    with destination(output, study.name, replace=overwrite) as place:
        found = Source.of(study, source)
        wanted = Plan.of(study, **plan)
        cut_off_everywhere(study, source)  # what a scenario cannot be, before hours of its study
        _refuse_other_draws(study, found, source, wanted)
        _announce(study, wanted)
        _announce_source(found)
        say_beforehand(study, found.posterior)
        ds = _simulated(study, wanted, found, where)
        _save(place, ds)
        with after_saving(place.results):
            _say_until(ds)
            scenarios = [
                _run_scenario(name, other, ds, place, source, plan, where)
                for name, other in study.scenarios.items()
            ]
        write_companions(
            ds, place.results, place.folder, figures=not no_figures, scenarios=scenarios
        )


def _refuse_other_draws(
    study: Study, found: Source, source: str | None, plan: Plan
) -> None:
    """Refuse a scenario whose draws would not match those of its study."""
    from escalation.analysis.changes import redrawn, refuse_other_points
    from escalation.simulation.parameter_source import Source

    def redrawn_in(one: Source) -> set[str]:
        return redrawn(one.covered, [stated.between for stated in one.correlations[0]])

    if not study.scenarios:
        return
    own = _points(found, plan)
    for other in study.scenarios.values():
        theirs = Source.of(other, source)
        excused = redrawn_in(found) ^ redrawn_in(theirs)
        refuse_other_points(own, _points(theirs, plan), excused)


def _points(source: Source, plan: Plan) -> dict[str, np.ndarray]:
    draws = source.centre() if plan.defaults else source.draws(plan.draws, plan.seed)
    return dict(zip(draws.names, draws.values, strict=True))


def _simulated(study: Study, plan: Plan, source: Source, where: Where) -> xr.Dataset:
    """Return the results of a study, with what pinning confirms of its answer."""
    from escalation.simulation.run import run as run_study
    from escalation.simulation.workload import Workload
    from escalation.verification.pins import with_confirmation

    with progress(COMPILING) as display:
        report = display.counting(part_words(Workload.of(plan, source)))
        ds = run_study(study, plan, source=source, where=where, progress=report)
        display.begin(LOOKING)
        return with_confirmation(ds, where.threads, progress=display.counting(PINNING))


def _save(place: Destination, ds: xr.Dataset) -> None:
    try:
        place.save(ds)
    except InputError:
        click.echo(answered(ds))
        raise


def _run_scenario(
    name: str, study: Study, base: xr.Dataset, place: Destination, source: str | None,
    plan: PlanOptions, where: Where,
) -> xr.Dataset:
    """Run a scenario like its study, without what is beside; write it, and say what it changes."""
    from escalation.analysis.changes import changes
    from escalation.report.changes_table import format_changes
    from escalation.report.text import terminal_width
    from escalation.simulation.parameter_source import Source
    from escalation.simulation.plan import Plan
    from escalation.simulation.run import run as run_study
    from escalation.simulation.workload import Workload

    asked = replace(Plan.of(study, **plan), targets=(), sweep=())
    wanted = replace(asked, trajectories=int(base.attrs["trajectories"]))
    found = Source.of(study, source)
    with progress(COMPILING) as display:
        report = display.counting(part_words(Workload.of(wanted, found)))
        ds = run_study(study, wanted, source=found, where=where, progress=report)
        beside = place.beside(name)
        beside.save(ds)
        display.begin(COMPARING)
        text = format_changes(changes(base, ds), terminal_width(), brief=True)
    click.echo(f"\n{text}\nall of it: escalation compare {place.results} {beside.results}\n")
    return ds


def _say_until(ds: xr.Dataset) -> None:
    """Say whether the precision targets hold."""
    if "until" not in ds.attrs:
        return
    size = f"{int(ds.attrs['trajectories']):,} histories per cell and draw"
    if ds.attrs["until_met"]:
        click.echo(f"\nEvery precision target holds with {size}.")
        return
    click.echo(f"\nNot every precision target holds with {size}, the most that was allowed:")
    for line in json.loads(ds.attrs["until_unmet"] or "[]"):
        click.echo(f"  {line}")


def _announce(study: Study, plan: Plan) -> None:
    from escalation.report.text import counted

    f, s, r = len(study.flashpoints), len(study.structures), len(study.decision_rules)
    rules = f"{r} decision rules x " if r > 1 else ""
    total = r * f * s * plan.draws * plan.trajectories
    _say(
        f"{rules}{f} flashpoints x {s} structures x {plan.draws} parameter draws x "
        f"{plan.trajectories:,} histories = {total / 1e6:,.1f} M histories of "
        f"{study.horizon_years} years"
    )
    if study.scenarios:
        each = f * s * plan.draws * plan.trajectories
        _say(f"{counted(len(study.scenarios), 'scenario')} of {each / 1e6:,.1f} M histories each, "
             "by the first decision rule, on the same draws")


def _announce_source(source: Source) -> None:
    from escalation.report.source import source_words

    _say(source_words(source.attrs(), len(source.study.parameters)))


def _say(text: str) -> None:
    """Print a paragraph at the terminal's width."""
    from escalation.report.text import paragraph, terminal_width

    click.echo("\n".join(paragraph(text, terminal_width())))
