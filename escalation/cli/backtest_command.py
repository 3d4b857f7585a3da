"""``escalation backtest``: predictions of recorded disputes and crises, scored."""

from __future__ import annotations

from typing import Any

import click

from escalation.errors import InputError

DISPUTES_HELP = (
    "Table of disputes (CSV), or a folder or zip file with the public MID, NMC, ATOP and "
    "contiguity files, packed or not."
)
CRISES_HELP = "Table of crises (CSV), or the public icb1v*.csv, its folder or a zip file of it."


@click.command()
@click.option("--disputes", required=True, type=click.Path(), help=DISPUTES_HELP)
@click.option(
    "--history",
    type=click.Path(),
    help="Disputes to look earlier ones of a pair up in, and to fit baselines to.",
)
@click.option("--crises", type=click.Path(), help=CRISES_HELP)
@click.option("--json", "output", type=click.Path(), help="Write every score to this file.")
@click.option("--prior", is_flag=True, help="Predict from the prior, not from the posterior.")
@click.option(
    "--refit",
    is_flag=True,
    help="Fit the model anew in five folds, so that model and baselines are both out of fold; "
    "takes minutes.",
)
def backtest(
    disputes: str,
    history: str | None,
    crises: str | None,
    output: str | None,
    prior: bool,
    refit: bool,
) -> None:
    """Score the model on recorded disputes against base rates and logits."""
    from escalation.archive.public_crises import load_crises
    from escalation.archive.public_disputes import load_disputes
    from escalation.cli.json_file import checked_output, write_json

    if refit and (prior or history is not None):
        raise InputError("refit: goes with neither prior nor history; it fits to the disputes")
    target = None if output is None else checked_output(output)
    notes: list[str] = []
    tables = (
        load_disputes(disputes, notes.append),
        None if history is None else load_disputes(history, notes.append),
        None if crises is None else load_crises(crises, notes.append),
    )
    result, text = (
        _refitted(notes, tables[0], tables[2]) if refit else _scored(notes, prior, *tables)
    )
    result["provenance"]["files"] = {"disputes": disputes, "history": history, "crises": crises}
    click.echo(text)
    if target is not None:
        write_json(result, target)
        click.echo(f"\n{target}")


def _scored(
    notes: list[str], prior: bool, disputes: Any, history: Any, crises: Any
) -> tuple[dict[str, Any], str]:
    from escalation.history.backtest import run_backtest
    from escalation.report.backtest_report import format_backtest

    result = run_backtest(disputes, history, crises, prior=prior)
    result["provenance"]["notes"] = notes
    return result, format_backtest(result)


def _refitted(notes: list[str], disputes: Any, crises: Any) -> tuple[dict[str, Any], str]:
    from escalation.history.likelihood import crisis_counts
    from escalation.history.validation import validate
    from escalation.report.backtest_report import format_refit

    counts = None if crises is None else crisis_counts(crises)
    result = validate(disputes, counts, report=lambda line: click.echo(line, err=True))
    result["provenance"]["notes"] = notes
    return result, format_refit(result)
