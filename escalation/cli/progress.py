"""The one progress display of all commands: what is done at the moment, and how far it is.

On a terminal it is a bar that goes away when the command ends; elsewhere it is a line now and
then, and none from a command that soon ends. All of it goes to stderr.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from escalation.simulation.workload import Workload

Report = Callable[[int, int], None]
"""Takes how much is done and how much there is in all."""
Clock = Callable[[], float]
"""Returns seconds since some moment."""

COMPILING = "compiling the kernel"
COMPARING = "comparing draw by draw"
DRAWING = "drawing figures"
LOOKING = "looking for what drives and flips the answer"
PINNING = "pinning what drives and flips the answer"
FIRST_LINE = 10.0
"""Seconds before the first line off a terminal."""
NEXT_LINE = 15.0
"""Seconds from one line to the next, at least."""
BEAT = 1.0
"""Seconds from one look at the clock to the next while nothing is reported."""
_MANY = 100_000
"""From so many pieces on, they are told by their rate."""


@dataclass
class Work:
    """What a command is doing.

    Attributes
    ----------
    command : str
        Name of the command.
    clock : callable
        Says the time.
    doing : str
        What it does at the moment; empty where the name of the command says it.
    done, total : int
        Pieces done and in all; no total where it is not known.
    """

    command: str
    clock: Clock
    doing: str = ""
    done: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        self.began = self.clock()
        self._first: tuple[float, int] | None = None
        self._latest = self.began

    def begin(self, doing: str) -> None:
        """Turn to something of which it is not known how much there is."""
        self.doing, self.done, self.total, self._first = doing, 0, 0, None
        self.began = self._latest = self.clock()

    def count(self, done: int, total: int, doing: str) -> None:
        """Take note of how much is done."""
        self._latest = self.clock()
        if self._first is None:
            self._first = self._latest, done
        self.doing, self.done, self.total = doing, done, total

    def seconds_each(self) -> float | None:
        """Return what a piece takes since the first report, which knows of compiling too."""
        first, done = self._first, self.done
        if first is None or done <= first[1]:
            return None
        return (self._latest - first[0]) / (done - first[1])

    def seconds_left(self) -> float | None:
        """Return the time left; None where it is not known, or nothing is left."""
        each, more = self.seconds_each(), self.total - self.done
        if each is None or more <= 0:
            return None
        since = self.clock() - self._latest
        return max(each * more - since, each * (more - 1), 1.0)

    def left_words(self) -> str:
        """Return the time left in words; empty where it is not known."""
        left = self.seconds_left()
        return "" if left is None else f"about {duration_words(left)} left"

    def rate_words(self) -> str:
        """Return the rate in millions a second, where there are many pieces."""
        each = self.seconds_each()
        return f"{1e-6 / each:.2f} M/s" if each and self.total >= _MANY else ""

    def line(self) -> str:
        """Return everything in one line."""
        if self.total:
            told = [self.doing, f"{self.done:,} of {self.total:,} done", self.left_words()]
        else:
            told = [self.doing, f"{duration_words(self.clock() - self.began)} so far"]
        return f"{self.command}: {', '.join(words for words in told if words)}"


def duration_words(seconds: float) -> str:
    """Return a duration in words.

    >>> duration_words(40), duration_words(150), duration_words(9000)
    ('40 s', '2 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


class Lines:
    """The display off a terminal.

    Attributes
    ----------
    work : Work
        What is told.
    write : callable
        Takes each line.
    """

    def __init__(self, work: Work, write: Callable[[str], None]) -> None:
        self.work, self.write = work, write
        self._due = work.clock() + FIRST_LINE
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Write a line if it is time for one."""
        with self._lock:
            if self.work.clock() < self._due:
                return
            self._due = self.work.clock() + NEXT_LINE
            with suppress(OSError):  # nobody reads it any more, which is no reason to stop
                self.write(self.work.line())


class Display:
    """Shows what a command does.

    Attributes
    ----------
    work : Work
        What it does.
    refresh : callable
        Called when that has changed.
    """

    def __init__(self, work: Work, refresh: Callable[[], None]) -> None:
        self.work, self.refresh = work, refresh

    def begin(self, doing: str) -> None:
        """Say what is done from now on."""
        self.work.begin(doing)
        self.refresh()

    def counting(self, doing: str | Callable[[int, int], str] = "") -> Report:
        """Return what is told how far the work is.

        Parameters
        ----------
        doing : str or callable
            What is done from the first report on; a callable is given what is reported. Empty
            where the name of the command says it.
        """

        def report(done: int, total: int) -> None:
            self.work.count(done, total, doing if isinstance(doing, str) else doing(done, total))
            self.refresh()

        return report


@contextmanager
def progress(
    doing: str,
    *,
    note: Callable[[], str] = str,
    command: str | None = None,
    clock: Clock | None = None,
) -> Iterator[Display]:
    """Show what a command does and how far it is, until the context ends.

    Parameters
    ----------
    doing : str
        What it begins with.
    note : callable
        Returns what stands beside the bar, asked after each report.
    command : str, optional
        Name of the command; by default of the one that runs.
    clock : callable, optional
        Says the time; by default the clock of this machine.
    """
    work = Work(command or _command_name(), clock or machine_clock, doing)
    if _draws_bars():
        from escalation.cli.bar import bar

        with bar(work, note) as refresh:
            yield Display(work, refresh)
    else:
        lines = Lines(work, lambda line: click.echo(line, err=True))
        with beating(lines.refresh):
            yield Display(work, lines.refresh)


def machine_clock() -> float:
    """Return seconds that no change of the hour moves."""
    return time.monotonic()


def _command_name() -> str:
    context = click.get_current_context(silent=True)
    return (context and context.info_name) or "escalation"


def part_words(workload: Workload) -> Callable[[int, int], str]:
    """Return what says which part of a run is simulated, from what is reported of it."""
    others = [*(["companions"] if workload.companions else []),
              *(["the sweep"] if workload.plan.sweep else [])]  # fmt: skip
    besides = workload.trajectories_besides()

    def words(done: int, total: int) -> str:
        if done == total:
            return "putting the results together"
        return f"simulating {' and '.join(others)}" if total - done <= besides else "simulating"

    return words


def _draws_bars() -> bool:
    """Whether stderr is a terminal that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")


@contextmanager
def beating(refresh: Callable[[], None]) -> Iterator[None]:
    """Call a function every second or so, since what takes long need not report."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(BEAT):
            refresh()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
