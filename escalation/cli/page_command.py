"""``escalation page`` and ``escalation brief``: a run as one file, for readers of a browser."""

from __future__ import annotations

import click

from escalation.cli.progress import COMPARING, DRAWING, progress


@click.command()
@click.argument("results", type=click.Path())
@click.option("-o", "--output", required=True, type=click.Path(), help="HTML file to write.")
@click.option("--belief", "beliefs", multiple=True,
              help="Parameter that a slider moves; up to four times. Default: what decides.")
@click.option("--stories/--no-stories", "tell", default=True, show_default=True,
              help="Whether histories are played again and told.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
def page(results: str, output: str, beliefs: tuple[str, ...], tell: bool, overwrite: bool) -> None:
    """Write RESULTS as a page in which readers move beliefs; it needs a browser and no network."""
    from escalation.cli.json_file import checked_output
    from escalation.cli.output import write_somewhere
    from escalation.contracts.whole_file import write_whole
    from escalation.page import page as page_of
    from escalation.results import open_results

    target = checked_output(output, "output", replace=overwrite)
    ds = open_results(results)
    with progress(COMPARING) as display:
        def report(doing: str, done: int, total: int) -> None:
            display.counting(doing)(done, total)

        text = page_of(ds, beliefs=beliefs, tell=tell, progress=report)
    content = text.encode()
    write_somewhere(target, lambda path: write_whole(path, content))
    click.echo(f"{target}: {len(content) / 1e6:.1f} MB")


@click.command()
@click.argument("results", type=click.Path())
@click.option("-o", "--output", required=True, type=click.Path(), help="HTML file to write.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
def brief(results: str, output: str, overwrite: bool) -> None:
    """Write two pages about RESULTS: answer, figures, premises, faults, sources. Print as PDF."""
    from escalation.cli.json_file import checked_output
    from escalation.cli.output import write_somewhere
    from escalation.contracts.whole_file import write_whole
    from escalation.page import brief as brief_of
    from escalation.results import open_results

    target = checked_output(output, "output", replace=overwrite)
    ds = open_results(results)
    with progress(DRAWING):
        content = brief_of(ds).encode()
    write_somewhere(target, lambda path: write_whole(path, content))
    click.echo(f"{target}: {len(content) / 1e6:.1f} MB")
