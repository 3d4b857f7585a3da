"""``escalation premises``: the same question for those who believe otherwise."""

from __future__ import annotations

import click

from escalation.cli.progress import COMPARING, progress


@click.command()
@click.argument("results", type=click.Path())
@click.option("--also", type=click.Path(), help="A premise of your own: draws are weighted.")
def premises(results: str, also: str | None) -> None:
    """Print P(safer) of RESULTS under every premise that they hold; nothing is simulated."""
    from escalation.analysis.premises import weighted
    from escalation.report.beliefs_table import RISKS, format_premises, format_weighted
    from escalation.results import open_results

    ds = open_results(results)
    with progress(COMPARING) as display:
        if also is None:
            words = format_premises(ds, progress=display.counting())
        else:
            words = format_weighted(weighted(ds, also, RISKS))
    click.echo(words)
