"""``escalation confirm``: drivers and break-even values put to the test by pinning."""

from __future__ import annotations

from typing import Any

import click

from escalation.cli.progress import LOOKING, PINNING, progress


@click.command()
@click.argument("results", type=click.Path())
@click.option("--on", default="war", show_default=True, help="Event, such as great_power_war.")
@click.option("--structure", help="Other than the study's first in focus.")
@click.option("--flashpoint", help="Other than the first one.")
@click.option("--draws", type=int, help="Only so many of the draws; all by default.")
@click.option("--threads", type=int, help="Threads; all by default.")
def confirm(results: str, **options: Any) -> None:
    """Pin what drives a difference of RESULTS and what flips it, and run the study again."""
    from escalation.report.flips import format_confirmed
    from escalation.report.text import terminal_width
    from escalation.results import open_results
    from escalation.verification.pins import confirm as pinned

    ds = open_results(results)
    with progress(LOOKING) as display:
        found = pinned(ds, **options, progress=display.counting(PINNING))
    click.echo(format_confirmed(found, terminal_width()))
