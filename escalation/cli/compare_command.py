"""``escalation compare``: structures against a reference, and what flips the answer."""

from __future__ import annotations

import click

from escalation.cli.progress import COMPARING, LOOKING, progress
from escalation.errors import InputError


@click.command()
@click.argument("results", type=click.Path())
@click.argument("other", type=click.Path(), required=False)
@click.option("--reference", help="Structure to compare with; default: the study's.")
@click.option(
    "--on", help="Risks, separated by commas; default: war,great_power_war,nuclear_use,concession."
)
@click.option(
    "--structure", help="Structure whose drivers and flips to find; default: first in focus."
)
@click.option("--flashpoint", multiple=True, help="Only this flashpoint; may be repeated.")
@click.option("--loss", help="Weights such as war=1,nuclear_use=50; default: the study's, if any.")
@click.option("--json", "output", type=click.Path(), help="Write every number to this file.")
def compare(
    results: str,
    other: str | None,
    reference: str | None,
    on: str | None,
    structure: str | None,
    flashpoint: tuple[str, ...],
    loss: str | None,
    output: str | None,
) -> None:
    """Compare the structures of RESULTS draw by draw; nothing is simulated.

    With OTHER, results of a scenario of the same study at the same size and seed: say what the
    scenario changes.
    """
    from escalation.analysis.findings import as_json, find
    from escalation.cli.json_file import checked_output, write_json
    from escalation.report.comparison_report import format_comparison
    from escalation.report.text import terminal_width
    from escalation.results import open_results
    from escalation.results.quantities import chosen_risks, parse_loss

    if other is not None:
        if reference or structure or loss:
            raise InputError("compare: two results are compared structure by structure; leave "
                             "--reference, --structure and --loss out")
        _compare_two(results, other, on, flashpoint, output)
        return
    target = None if output is None else checked_output(output)
    risks = [risk.risk for risk in chosen_risks(on)]
    weights = None if loss is None else parse_loss(loss)
    ds = open_results(results)
    with progress(COMPARING) as display:
        found = find(
            ds, risks, reference=reference, structure=structure, loss=weights,
            flashpoints=flashpoint or None, progress=display.counting(LOOKING),
        )  # fmt: skip
        words = format_comparison(found, ds, terminal_width())
    click.echo(words)
    if target is not None:
        write_json(as_json(found, ds), target)
        click.echo(f"\n{target}")


def _compare_two(
    results: str, other: str, on: str | None, flashpoint: tuple[str, ...], output: str | None
) -> None:
    """Say what changes from one run to another on the same draws."""
    from escalation.analysis.changes import changes
    from escalation.analysis.findings import nested
    from escalation.cli.json_file import checked_output, write_json
    from escalation.report.changes_table import format_changes
    from escalation.report.text import terminal_width
    from escalation.results import open_results
    from escalation.results.quantities import chosen_risks

    target = None if output is None else checked_output(output)
    risks = [risk.risk for risk in chosen_risks(on)]
    with progress(COMPARING):
        found = changes(
            open_results(results), open_results(other), risks, flashpoints=flashpoint or None
        )
        words = format_changes(found, terminal_width())
    click.echo(words)
    if target is not None:
        write_json({str(name): nested(array) for name, array in found.items()}, target)
        click.echo(f"\n{target}")
