"""``escalation backtest``: predictions of recorded disputes and crises, scored."""

from __future__ import annotations

from typing import Any

import click

from escalation.cli.progress import progress

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
def backtest(output: str | None, **options: Any) -> None:
    """Score the model on recorded disputes against base rates and logits."""
    from escalation.cli.json_file import show_and_write
    from escalation.history.backtest import backtest as score
    from escalation.report.record_report import format_backtest, format_refit

    def scored() -> dict[str, Any]:
        with progress("reading the record, compiling the model") as display:
            return score(
                **options,
                say=lambda line: click.echo(line, err=True),
                progress=display.counting("predicting fold by fold"),
            )

    show_and_write(output, scored, format_refit if options["refit"] else format_backtest)
