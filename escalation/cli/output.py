"""What a run prints and writes beside its results."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from escalation.cli.progress import COMPARING, DRAWING, progress
from escalation.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from escalation.parameters.posterior import Posterior
    from escalation.plots import SavedFigures
    from escalation.study import Study


def say_beforehand(study: Study, posterior: Posterior | None) -> None:
    """Print what a study makes of its words: who is bound how much, and what no record says.

    Parameters that have no effect are a note.
    """
    from escalation.model.bindings import bindings
    from escalation.report.source import format_bindings, idle_words, unrecorded_words
    from escalation.report.text import paragraph, terminal_width

    width, bound = terminal_width(), bindings(study)
    click.echo(f"\n{format_bindings(bound, width)}\n")
    unrecorded = unrecorded_words(study, posterior)
    if unrecorded:
        click.echo("\n".join([*paragraph(unrecorded, width), ""]))
    idle = idle_words(study, bound)
    if idle:
        click.echo(f"note: {idle}", err=True)


def cut_off_everywhere(study: Study, source: str | None) -> list[str]:
    """Return what bounds cut off of the priors of a study, its premises and its scenarios.

    Raises
    ------
    InputError
        A run of one of them would be refused, which is better known before the first.
    """
    from escalation.model.bounds import cut_off
    from escalation.simulation.parameter_source import Source

    believed = [study.under(name) for name in (study.premise, *study.premises)]
    found: list[str] = []
    for one in (*believed, *study.scenarios.values()):
        found += cut_off(one, None, Source.of(one, source).covered)
    return list(dict.fromkeys(found))


def show_results(ds: xr.Dataset) -> None:
    """Print everything that results say."""
    from escalation.report import format_show
    from escalation.report.text import terminal_width

    with progress(COMPARING):
        words = format_show(ds, terminal_width())
    click.echo(words)


def answered(ds: xr.Dataset, scenarios: Sequence[xr.Dataset] = ()) -> str:
    """Return the answer, or the table where there is nothing to compare."""
    from escalation.report import format_decision_table
    from escalation.report.answer import format_answer
    from escalation.report.text import terminal_width

    width = terminal_width()
    with progress(COMPARING):
        answer = format_answer(ds, width, scenarios=scenarios)
        return answer or format_decision_table(ds, width)


def write_companions(
    ds: xr.Dataset, results: Path, folder: Path, *, figures: bool,
    scenarios: Sequence[xr.Dataset] = (),
) -> None:
    """Write the table as CSV and the figures into a folder; print the answer, and the file last.

    Figures of earlier results in that folder are removed.

    Raises
    ------
    InputError
        Something cannot be written; the message names the results file, which is whole.
    """
    from escalation.report import write_decision_csv

    drawn = ""
    with after_saving(results):
        answer = answered(ds, scenarios)
        try:
            make_folder(folder)
            write_decision_csv(ds, folder / "decision_table.csv")
            if figures:
                drawn = f" ({_draw(ds, folder / 'figures')} figures beside it)"
            elif (folder / "figures").exists():
                _remove_figures(folder / "figures")
        finally:
            click.echo(answer)
    click.echo(f"all of it: escalation show {results}{drawn}")


@contextmanager
def after_saving(results: Path) -> Iterator[None]:
    """Say of whatever fails or is stopped here that the results are whole, and where."""
    words = f"the results are whole, in {str(results)!r}"
    try:
        yield
    except InputError as error:
        raise InputError(f"{error}; {words}") from None
    except KeyboardInterrupt:
        click.echo(f"stopped; {words}", err=True)
        raise click.exceptions.Exit(130) from None


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, unless they are there.

    Raises
    ------
    InputError
        It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {str(folder)!r}: {error.strerror}") from None


def say_skipped(saved: SavedFigures) -> None:
    """Say which figures the results have no data for."""
    from escalation.report.text import safe

    for name, reason in saved.skipped.items():
        click.echo(f"no {name}: {safe(reason)}", err=True)


def write_somewhere(path: Path, write: Callable[[Path], object]) -> None:
    """Write what took long to compute; where that fails, elsewhere.

    Parameters
    ----------
    path : Path
        The file that was asked for.
    write : callable
        Writes to the path that it is given; raises InputError if it cannot.

    Raises
    ------
    InputError
        The file could not be written; the message says where it is instead, if anywhere.
    """
    try:
        write(path)
    except InputError as error:
        raise InputError(f"{error}; {_kept_elsewhere(path, write)}") from None


def _kept_elsewhere(path: Path, write: Callable[[Path], object]) -> str:
    folders = _other_folders()
    for folder in folders:
        other = folder / f"{path.stem}-{secrets.token_hex(4)}{path.suffix}"
        with suppress(InputError):
            write(other)
            return f"it is kept as {str(other)!r}"
    return f"it could not be kept in {', '.join(map(str, folders))} either"


def _other_folders() -> list[Path]:
    """Return this folder, the user's and the system's temporary one, as far as they are there."""
    found = []
    for find in (Path.cwd, Path.home, lambda: Path(tempfile.gettempdir())):
        with suppress(OSError, RuntimeError):
            found.append(find())
    return found


def _draw(ds: xr.Dataset, folder: Path) -> int:
    from escalation.plots import save_all

    with progress(DRAWING) as display:
        saved = save_all(ds, folder, progress=display.counting(DRAWING))
    say_skipped(saved)
    return len(saved)


def _remove_figures(folder: Path) -> None:
    from escalation.plots import remove_figures

    remove_figures(folder)
