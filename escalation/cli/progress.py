"""The progress display: share done, rate, time left, and a line of estimates."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[int, int], None]


@contextmanager
def progress(note: Callable[[], str] = str) -> Iterator[Report | None]:
    """Show a bar with rate and time left; nothing off a terminal.

    Parameters
    ----------
    note : callable
        Returns what stands below the bar, asked after each block.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("compiling the kernel", total=None, rate="", note="")

        def report(done: int, total: int) -> None:
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed or 0.0
            bar.update(
                task,
                description="simulating",
                completed=done,
                total=total,
                rate=f"{speed / 1e6:.2f} M/s",
                note=note(),
            )

        yield report
