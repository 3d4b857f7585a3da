"""``escalation backtest``: predictions of recorded disputes and crises, scored."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--disputes",
    required=True,
    type=click.Path(),
    help="Table of disputes (CSV), or a folder with the public MID, NMC, ATOP, contiguity files.",
)
@click.option(
    "--history",
    type=click.Path(),
    help="Disputes to look earlier ones of a pair up in, and to fit baselines to.",
)
@click.option(
    "--crises", type=click.Path(), help="Table of crises (CSV), or the public icb1v*.csv."
)
@click.option("--json", "output", type=click.Path(), help="Write every score to this file.")
@click.option("--prior", is_flag=True, help="Predict from the prior, not from the posterior.")
def backtest(
    disputes: str, history: str | None, crises: str | None, output: str | None, prior: bool
) -> None:
    """Score the model on recorded disputes against base rates and logits."""
    from escalation.analysis.backtest import run_backtest
    from escalation.analysis.public_crises import load_crises
    from escalation.analysis.public_files import load_disputes
    from escalation.commands.json_file import checked_output, write_json
    from escalation.report.backtest import format_backtest

    target = None if output is None else checked_output(output)
    result = run_backtest(
        load_disputes(disputes),
        None if history is None else load_disputes(history),
        None if crises is None else load_crises(crises),
        prior=prior,
    )
    result["provenance"]["files"] = {"disputes": disputes, "history": history, "crises": crises}
    click.echo(format_backtest(result))
    if target is not None:
        write_json(result, target)
        click.echo(f"\n{target}")
