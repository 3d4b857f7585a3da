"""Exceptions that a user of the package may meet."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    file: str
    line: int
    column: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class StudyError(EscalationError):
    """A study cannot be used. Carries every problem found, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InputError(EscalationError):
    """An argument (number of draws, seed, name, path) is out of range or unknown."""


class ResultsError(EscalationError):
    """A results file is missing, damaged, incomplete or from a newer version."""
