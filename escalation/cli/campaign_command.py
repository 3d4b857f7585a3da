"""``escalation resume`` and ``escalation status``: long runs, see :mod:`escalation.simulation`."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from escalation.cli.options import Whole
from escalation.cli.output import write_companions
from escalation.cli.progress import COMPILING, progress
from escalation.errors import printable

if TYPE_CHECKING:
    import xarray as xr

    from escalation.simulation.accumulate import BlockCounts
    from escalation.simulation.store import Store
    from escalation.simulation.workload import Block
    from escalation.study.schema import Study

Running = Callable[..., "xr.Dataset"]
"""Takes a store and a progress display, and runs a campaign to its end."""


class _Terminated(BaseException):
    """The process was asked to end."""


@click.command()
@click.argument("folder", type=click.Path())
@click.option("--threads", type=Whole("threads"), help="Threads; no result depends on it.")
@click.option("--repair", is_flag=True, help="Run blocks again whose rows are damaged.")
@click.option("--no-figures", is_flag=True, help="Write results and tables only.")
def resume(folder: str, threads: int | None, repair: bool, no_figures: bool) -> None:
    """Continue the campaign in FOLDER to its end, after verifying what is there."""
    from escalation.simulation.run import resume as resume_campaign
    from escalation.simulation.store import Store

    study = Store(folder).manifest().study()

    def running(store: Store, progress: Any) -> xr.Dataset:
        return resume_campaign(store, where=threads, progress=progress)

    finish(running, study, Path(folder), repair=repair, figures=not no_figures)


@click.command()
@click.argument("folder", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(folder: str, as_json: bool) -> None:
    """Say how far the campaign in FOLDER is, and what it shows so far."""
    from escalation.report.campaign_report import format_status
    from escalation.report.text import terminal_width
    from escalation.simulation.status import campaign_status

    found = campaign_status(folder)
    click.echo(
        json.dumps(asdict(found), indent=1) if as_json else format_status(found, terminal_width())
    )


def finish(
    running: Running, study: Study, folder: Path, *, figures: bool, repair: bool = False
) -> None:
    """Run a campaign to its end, watched, and show and write what came of it."""
    from escalation.simulation.store import Store

    note = _Note(study)
    store = Store(
        folder, repair=repair, watch=note.add, say=lambda words: click.echo(words, err=True)
    )
    with _stoppable(folder), progress(COMPILING, note=note.text) as display:
        report = display.counting(lambda *_: printable(f"simulating {note.part}"))
        ds = running(store=store, progress=report)
    write_companions(ds, folder / "results.nc", folder, figures=figures)


class _Note:
    """P(war) at the first flashpoint, so far, for the progress display.

    Attributes
    ----------
    part : str
        Part of the run that the latest block is of.
    """

    def __init__(self, study: Study) -> None:
        from escalation.simulation.status import Seen
        from escalation.simulation.workload import compared_structures

        self.part = ""
        self._seen = Seen(study)
        self._flashpoint = next(iter(study.flashpoints))
        self._structures = compared_structures(study)[:2]

    def add(self, block: Block, counts: BlockCounts) -> None:
        self.part = block.part
        self._seen.add(block, counts)

    def text(self) -> str:
        from escalation.report.campaign_report import estimate_words

        found = self._seen.estimates(self._flashpoint, "war")
        words = [f"{s} {estimate_words(found[s])}" for s in self._structures if s in found]
        return f"P(war) % {self._flashpoint}: {', '.join(words)}" if words else ""


@contextmanager
def _stoppable(folder: Path) -> Iterator[None]:
    """End with one line on Ctrl-C or SIGTERM; what is done is kept."""
    with _termination_raises():
        try:
            yield
        except (KeyboardInterrupt, _Terminated) as stop:
            code = 130 if isinstance(stop, KeyboardInterrupt) else 143
            click.echo(_stopped(folder), err=True)
            raise click.exceptions.Exit(code) from None


def _stopped(folder: Path) -> str:
    from escalation.errors import EscalationError
    from escalation.simulation.status import count_stored

    try:
        done, total = count_stored(folder)
    except EscalationError:
        return "stopped before the campaign was begun"
    return f"stopped; {done} of {total} blocks done; escalation resume {folder} continues"


@contextmanager
def _termination_raises() -> Iterator[None]:
    def end(*_: object) -> None:
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not in the main thread, where signals arrive
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
