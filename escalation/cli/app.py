"""The command line: arguments in, exit code out. Heavy imports happen inside commands.

Exit codes: 0 done, 1 a check failed, 2 bad input (one clear line each on stderr, nothing
written) or a place that cannot be written to (the line says where what was computed is kept),
130 stopped by the user, 143 by the system.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from escalation.cli.backtest_command import backtest
from escalation.cli.calibrate_command import calibrate
from escalation.cli.campaign_command import resume, status
from escalation.cli.cases_command import cases
from escalation.cli.compare_command import compare
from escalation.cli.confirm_command import confirm
from escalation.cli.options import Whole
from escalation.cli.output import cut_off_everywhere, say_beforehand, say_skipped, show_results
from escalation.cli.page_command import brief, page
from escalation.cli.premises_command import premises
from escalation.cli.progress import COMPILING, DRAWING, progress
from escalation.cli.run_command import run
from escalation.cli.schema_command import schema
from escalation.cli.verify_command import verify
from escalation.errors import EscalationError, StudyWarning, printable

if TYPE_CHECKING:

    pass


class _Group(click.Group):
    """Turns the package's errors into one line each and exit code 2, its warnings into notes."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("always", StudyWarning)
                warnings.showwarning = _note(warnings.showwarning)
                return super().invoke(ctx)
        except EscalationError as error:
            click.echo(printable(str(error)), err=True)
            ctx.exit(2)
        except MemoryError:
            click.echo("memory: there is not enough of it for this; lower draws, or leave "
                       "structures, flashpoints or decision rules out", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("stopped; nothing was written", err=True)
            ctx.exit(130)


def _note(show: Callable[..., None]) -> Callable[..., None]:
    """Return a way to show warnings: what a study says in vain as a note, the rest as before."""

    def show_or_note(message: Warning | str, category: type[Warning], *place: Any) -> None:
        if issubclass(category, StudyWarning):
            click.echo(f"note: {message}", err=True)
        else:
            show(message, category, *place)

    return show_or_note


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="escalation")
def main() -> None:
    """Which alliance structure makes a crisis less likely, and less likely to become a war?"""


main.add_command(backtest)
main.add_command(brief)
main.add_command(calibrate)
main.add_command(cases)
main.add_command(compare)
main.add_command(confirm)
main.add_command(page)
main.add_command(premises)
main.add_command(run)
main.add_command(schema)
main.add_command(verify)
main.add_command(resume)
main.add_command(status)


@main.command()
@click.argument("results", type=click.Path())
def show(results: str) -> None:
    """Print the decision table and the break-even values of RESULTS."""
    from escalation.results import open_results

    show_results(open_results(results))


@main.command()
@click.argument("results", type=click.Path())
@click.option("-o", "--output", required=True, type=click.Path(), help="Folder for the figures.")
@click.option("--all", "everything", is_flag=True, help="Every figure, not only the main four.")
@click.option("--format", default="png", show_default=True, help="png, svg or pdf.")
def plot(results: str, output: str, everything: bool, format: str) -> None:
    """Draw the main figures of RESULTS, in place of those of other results in the folder."""
    from escalation.plots import save_all
    from escalation.results import open_results

    ds = open_results(results)
    with progress(DRAWING) as display:
        saved = save_all(
            ds, Path(output), format, everything=everything, progress=display.counting(DRAWING)
        )
    for path in saved:
        click.echo(path)
    say_skipped(saved)


@main.command()
@click.argument("results", type=click.Path())
@click.option("--flashpoint", required=True)
@click.option("--structure", required=True)
@click.option("--draw", type=Whole("index"), default=0, show_default=True)
@click.option("--trajectory", type=Whole("index"), default=0, show_default=True)
@click.option("--rule", help="Decision rule; default: the study's first.")
def replay(
    results: str, flashpoint: str, structure: str, draw: int, trajectory: int, rule: str | None
) -> None:
    """Tell one history of RESULTS, round by round."""
    from escalation.replays import replay as tell
    from escalation.report.text import terminal_width
    from escalation.results import open_results

    ds = open_results(results)
    with progress(COMPILING):
        lines = tell(
            ds, flashpoint=flashpoint, structure=structure, draw=draw, trajectory=trajectory,
            rule=rule, width=terminal_width(),
        )  # fmt: skip
    click.echo(printable("\n".join(lines)))


@main.command()
@click.argument("study", type=click.Path())
def validate(study: str) -> None:
    """Check STUDY and every file that it names; say all mistakes at once, or who is bound to whom.
    """
    from escalation.parameters.posterior import shipped_posterior
    from escalation.report.parameter_table import stake_unit_words
    from escalation.study import load_study

    words = load_study(study)
    beyond = cut_off_everywhere(words, None)
    click.echo(
        f"{study}: {len(words.actors)} actors, {len(words.flashpoints)} flashpoints, "
        f"{len(words.structures)} structures, {len(words.parameters)} parameters; no mistakes"
    )
    click.echo(printable(stake_unit_words(words.stake_unit)))
    say_beforehand(words, shipped_posterior())
    for line in beyond:
        click.echo(f"note: {line}", err=True)


@main.command()
@click.argument("study", required=False, type=click.Path())
@click.option("--search", help="Only those whose name, meaning, claim or source holds this text.")
@click.option("--mark", help="Only those with this mark: read, computed or judgement.")
@click.option("--csv", "output", type=click.Path(), help="Write a row for each to this file.")
def parameters(
    study: str | None, search: str | None, mark: str | None, output: str | None
) -> None:
    """Print every parameter: unit, default, prior, posterior, mark and source.

    With STUDY also its own.
    """
    from escalation.cli.json_file import checked_output
    from escalation.cli.output import write_somewhere
    from escalation.contracts.whole_file import put
    from escalation.report.parameter_table import format_parameters
    from escalation.report.parameter_table import parameters as table_of
    from escalation.report.text import terminal_width

    target = None if output is None else checked_output(output, "csv", replace=False)
    table = table_of(study, search=search, mark=mark)
    if target is None:
        click.echo(printable(format_parameters(table, terminal_width())))
        return
    write_somewhere(target, lambda path: put(path, table.to_csv().encode()))
    click.echo(f"{target}: {len(table)} parameters")


@main.command()
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.option("--study", type=click.Path(), help="Study in which names of structures are known.")
def diff(a: str, b: str, study: str | None) -> None:
    """Say how two structures differ, given their files or their names in a study."""
    from escalation.study.diff import diff as differences

    lines = differences(a, b, study)
    click.echo(printable("\n".join(lines)) if lines else "no difference")


@main.command()
@click.option("--quick", is_flag=True, help="Small sizes; for checking that it works.")
@click.option("--full", is_flag=True, help="Also peak memory up to 1e8 histories; takes minutes.")
@click.option("--study", type=click.Path(), default="configs/asian_nato.yaml", show_default=True)
def bench(quick: bool, full: bool, study: str) -> None:
    """Measure the kernel on this machine, side by side with what it is compared to."""
    from escalation.cli.bench import format_table, measure
    from escalation.study import load_study

    click.echo(format_table(measure(load_study(study), quick=quick, full=full)))
