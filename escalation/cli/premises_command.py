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
    from escalation.report.text import terminal_width
    from escalation.results import open_results

    ds = open_results(results)
    with progress(COMPARING) as display:
        if also is None:
            words = format_premises(ds, terminal_width(), progress=display.counting())
        else:
            words = format_weighted(weighted(ds, also, RISKS), terminal_width())
    click.echo(words)
