"""``escalation calibrate``: fit the shared parameters to the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from escalation.cli.backtest_command import CRISES_HELP, DISPUTES_HELP
from escalation.cli.progress import COMPILING, progress

SPARE = 4
"""Draws per draw kept, where surveys weight them."""


@click.command()
@click.option("--disputes", required=True, type=click.Path(), help=DISPUTES_HELP)
@click.option("--crises", type=click.Path(), help=CRISES_HELP)
@click.option(
    "-o", "--output", type=click.Path(), default="posterior.csv", show_default=True,
    help="Posterior file to write.",
)  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace the posterior file that is there.")
@click.option("--no-aggregates", is_flag=True, help="Leave published odds ratios and means out.")
@click.option(
    "--surveys", type=click.Path(),
    help="Hold the draws against expert surveys and forecasts too, on this study.",
)  # fmt: skip
@click.option("--walkers", type=click.IntRange(4, 1000), default=24, show_default=True)
@click.option("--warm-up", type=click.IntRange(0, 10**6), default=1500, show_default=True)
@click.option("--steps", type=click.IntRange(10, 10**6), default=6000, show_default=True)
@click.option("--draws", type=click.IntRange(1, 10_000), default=1000, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
def calibrate(
    disputes: str, crises: str | None, output: str, overwrite: bool, **options: Any
) -> None:
    """Infer the parameters from tables of disputes and crises.

    Takes an hour or more on two cores with the default effort.
    """
    from escalation.archive.public_crises import load_crises
    from escalation.archive.public_disputes import load_disputes
    from escalation.cli.json_file import checked_output
    from escalation.cli.output import write_somewhere
    from escalation.history.calibrate import Effort, calibrate, registry_draws
    from escalation.history.predictive_checks import record_checks
    from escalation.history.surveys import hold_against_surveys
    from escalation.parameters.posterior import save_posterior
    from escalation.report.record_report import (
        format_calibration,
        format_checks,
        format_surveys,
    )
    from escalation.report.text import terminal_width
    from escalation.study import load_study

    def aloud(line: str) -> None:
        click.echo(line, err=True)

    target = checked_output(output, "output", replace=overwrite)
    study = None if options["surveys"] is None else load_study(options["surveys"])
    draws, seed, width = options["draws"], options["seed"], terminal_width()
    with progress("reading the record") as display:
        record = load_disputes(disputes, aloud)
        table = None if crises is None else load_crises(crises, aloud)
        display.begin("compiling the model, climbing to the mode")
        found = calibrate(
            record,
            table,
            aggregates=not options["no_aggregates"],
            effort=Effort(
                options["walkers"], options["warm_up"], options["steps"],
                kept=draws if study is None else SPARE * draws,
            ),
            seed=seed,
            files={
                name: Path(path)
                for name, path in (("disputes", disputes), ("crises", crises))
                if path is not None
            },
            report=aloud,
            progress=display.counting("sampling"),
        )
    click.echo(format_calibration(found, width))
    posterior = found.posterior
    if study is not None:
        with progress(COMPILING) as display:
            report = display.counting("answering surveys")
            held = hold_against_surveys(posterior, study, draws, seed, progress=report)
        click.echo(format_surveys(held, width))
        posterior = held.posterior
    with progress("checking against the record"):
        checks = record_checks(record, table, registry_draws(posterior, found.target))
    click.echo(format_checks(checks, width))
    write_somewhere(target, lambda path: save_posterior(posterior, path))
    click.echo(f"\n{target}")
    if not found.converged:
        click.echo("the chains have not converged: take more steps", err=True)
        click.get_current_context().exit(1)
