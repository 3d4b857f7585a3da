"""Exceptions that a user of the package may meet."""

from __future__ import annotations

from dataclasses import dataclass, field

SHOWN_PROBLEMS = 50
"""So many problems of a study are listed; the rest is counted."""
SHOWN_LETTERS = 8_000
LONGEST_LINE = 1_000


class EscalationError(Exception):
    """Base of every error that the package raises on purpose."""


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in a study file.

    Attributes
    ----------
    file : str
        Path as the user would type it.
    line, column : int
        Position, counted from 1; 0 when the file could not be read at all.
    key : str
        Dotted path of the key, empty for the file as a whole.
    message : str
        What is wrong, the value, and the choices.
    cause : bool
        Whether other problems may follow from it, so that it is told first.
    """

    file: str
    line: int
    column: int
    key: str
    message: str
    cause: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        parts = (part for part in (place, shortened(self.key, 200), self.message) if part)
        return shortened(printable(": ".join(parts)), LONGEST_LINE)


class StudyError(EscalationError):
    """A study cannot be used.

    Attributes
    ----------
    problems : list of Problem
        Every problem found, by place, those that others may follow from first. The message lists
        the first ones and counts the rest.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(sorted(set(problems)), key=lambda problem: not problem.cause)
        super().__init__("\n".join(listed_problems(self.problems)))


class StudyWarning(UserWarning):
    """Something in a study is legal and has no effect."""


class InputError(EscalationError):
    """An argument (number of draws, seed, name, path) is out of range or unknown."""


class ResultsError(EscalationError):
    """A results file is missing, damaged, incomplete or from a newer version."""


def printable(text: str) -> str:
    r"""Return text with every character that is not printable escaped; line ends stay.

    Names, titles and file names come from outside, and a terminal obeys control characters.

    >>> printable("\x1b[2J")
    '\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def shortened(text: str, length: int) -> str:
    """Return text of at most `length` characters; a longer one loses its middle."""
    if len(text) <= length:
        return text
    tail = (length - 3) // 2
    return f"{text[: length - 3 - tail]}...{text[len(text) - tail :]}"


def listed_problems(problems: list[Problem]) -> list[str]:
    """Return the first problems, a line each, and last how many more there are."""
    lines: list[str] = []
    for problem in problems[:SHOWN_PROBLEMS]:
        line = str(problem)
        if lines and sum(map(len, lines)) + len(line) > SHOWN_LETTERS:
            break
        lines.append(line)
    more = len(problems) - len(lines)
    return [*lines, f"and {more:,} more"] if more else lines
