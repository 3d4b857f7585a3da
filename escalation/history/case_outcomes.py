"""What happened in the historical cases: coded facts with sources, read strictly from YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from escalation.contracts import codes
from escalation.errors import InputError, Problem, StudyError
from escalation.parameters.registry import Mark
from escalation.study.base import StudyModel, Text
from escalation.study.messages import problems_of
from escalation.study.names import shown
from escalation.study.nodes import Table, to_data
from escalation.study.yaml_text import read_yaml

OUTCOMES_FILE = "outcomes.yaml"

Rung = Annotated[int, Field(ge=1, le=codes.EXCHANGE)]
Days = Annotated[int, Field(ge=1)]
EndState = Literal[
    "challenger_withdraws",
    "settlement",
    "defender_concedes",
    "challenger_wins",
    "coalition_wins",
    "general_exchange",
]


class _Fact(StudyModel):
    source: Text
    mark: Mark


class RungFact(_Fact):
    """Highest rung; `also` holds other codings that can be argued for, here and below."""

    value: Rung
    also: tuple[Rung, ...] = ()


class EndFact(_Fact):
    """How it ended."""

    value: EndState
    also: tuple[EndState, ...] = ()


class FlagFact(_Fact):
    """Whether something happened."""

    value: bool
    also: tuple[bool, ...] = ()


class DaysFact(_Fact):
    """Duration in days."""

    value: Days
    also: tuple[Days, ...] = ()


class EntryFact(_Fact):
    """Number of a dispute or crisis in the public data, and the year in which it begins there."""

    value: Annotated[int, Field(ge=0)]
    also: tuple[()] = ()
    year: Annotated[int, Field(ge=1800, le=2100)]


class Outcome(StudyModel):
    """What happened in one case.

    Attributes
    ----------
    peak_rung : RungFact
        Highest rung of the ladder; war is 5 and above.
    reciprocated : FlagFact
        Whether the defender answered in kind.
    end_state : EndFact
        How it ended, as the model has it.
    great_power_supported, great_power_fought : FlagFact or None
        What the study's great power did on the defender's side; None where it is a side itself.
    duration_days : DaysFact
        Days from beginning to end.
    mid, icb : EntryFact or None
        What the case is in the data on disputes and on crises, if it is in them.
    """

    peak_rung: RungFact
    reciprocated: FlagFact
    end_state: EndFact
    great_power_supported: FlagFact | None = None
    great_power_fought: FlagFact | None = None
    duration_days: DaysFact
    mid: EntryFact | None = None
    icb: EntryFact | None = None

    @property
    def mid_level(self) -> int:
        """Hostility level of the Militarized Interstate Disputes data, 2 to 5."""
        return codes.MID_LEVELS[self.peak_rung.value]


_OUTCOMES: TypeAdapter[dict[str, Outcome]] = TypeAdapter(dict[str, Outcome])


def read_outcomes(folder: Path) -> dict[str, Outcome]:
    """Read the outcomes file of a folder of cases.

    Parameters
    ----------
    folder : Path
        Holds ``outcomes.yaml`` and one study ``NAME.yaml`` for each name in it.

    Returns
    -------
    dict of str to Outcome
        By the name of the case, in the order of the file.

    Raises
    ------
    InputError
        There is no such folder, file or study.
    StudyError
        With every mistake in the file, each with line and column.
    """
    path = folder / OUTCOMES_FILE
    problems: list[Problem] = []
    root = read_yaml(_text(path), str(path), problems)
    if not isinstance(root, Table) or not root.entries:
        raise StudyError(problems or [Problem(str(path), 1, 1, "", "names no case")])
    try:
        outcomes = _OUTCOMES.validate_python(to_data(root))
    except ValidationError as error:
        raise StudyError([*problems, *problems_of(error, root)]) from None
    problems += [
        root.key_position(name).problem(f"no study {shown(f'{name}.yaml')} beside the outcomes")
        for name in outcomes
        if not (folder / f"{name}.yaml").is_file()
    ]
    if problems:
        raise StudyError(problems)
    return outcomes


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cases: cannot read {shown(str(path))}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"cases: {shown(str(path))} is not UTF-8 text") from None
