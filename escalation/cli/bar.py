"""The progress display on a terminal; it alone loads rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TimeElapsedColumn
from rich.text import Text

from escalation.cli.progress import Work


class _Asked(ProgressColumn):
    """A column whose words are asked for whenever it is drawn."""

    def __init__(self, words: Callable[[], str]) -> None:
        super().__init__()
        self._words = words

    def render(self, task: Task) -> Text:
        return Text(self._words())


@contextmanager
def bar(work: Work, note: Callable[[], str]) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr, and yield what is called when the work has changed.

    Parameters
    ----------
    work : Work
        What is shown.
    note : callable
        Returns what stands beside the bar.
    """
    noted = [""]
    columns = (
        _Asked(lambda: work.doing or work.command), BarColumn(), _Asked(lambda: _share(work)),
        _Asked(work.rate_words), TimeElapsedColumn(), _Asked(work.left_words),
        _Asked(lambda: noted[0]),
    )  # fmt: skip
    console = Console(stderr=True)
    # What goes to stdout is left alone: rich would send it to stderr.
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as shown:
        shown.add_task("", total=None)
        task = shown.tasks[0]

        def refresh() -> None:
            noted[0] = note()
            task.completed, task.total = work.done, work.total or None

        yield refresh


def _share(work: Work) -> str:
    return f"{work.done / work.total:.0%}" if work.total else ""
