"""The user's words: actors, flashpoints, structures, and the study that crosses them.

Everything is frozen and strict. Checks that need the rest of the study (is this an actor?)
read the known names from the validation context that the loader passes; objects built by
hand in Python are checked for what they say themselves.
"""

from __future__ import annotations

import hashlib
from html import escape
from typing import Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from escalation.contracts.codes import DECISION_RULES, EVENTS, MAX_YEARS
from escalation.errors import InputError, printable
from escalation.parameters.priors import Prior
from escalation.parameters.registry import Parameter
from escalation.study.alliances import ActorOverride, Member, Pact, Structure
from escalation.study.base import UNCONTROLLED, StudyModel, Text, fault, finite, internal
from escalation.study.correlations import Correlation
from escalation.study.flashpoints import Actor, Flashpoint, ThirdParty
from escalation.study.names import shown, suggestion
from escalation.study.vocabulary import (
    ActorName,
    Name,
    ParameterName,
    RuleName,
    StructureName,
    Title,
    Titled,
)

__all__ = [
    "Actor",
    "ActorOverride",
    "Answer",
    "Compare",
    "Correlation",
    "Flashpoint",
    "Member",
    "Pact",
    "Premise",
    "RunPlan",
    "Structure",
    "Study",
    "ThirdParty",
]

MAX_DESCRIPTION = 5_000
MAX_TRAJECTORIES = 2**53
MAX_DRAWS = 65_536
MAX_SEED = 2**64 - 1

DEFAULT_STAKE_UNIT = "the stake unit of the study"

Design = Literal["nested_hypercube", "sobol", "latin_hypercube"]
DESIGNS: tuple[Design, ...] = get_args(Design)
EXTENSIBLE: tuple[Design, ...] = ("nested_hypercube", "sobol")
"""Designs of which more draws extend fewer."""


class RunPlan(StudyModel):
    """How much to simulate.

    Attributes
    ----------
    trajectories : int
        Per cell of flashpoint x structure x draw.
    draws : int
        Parameter draws.
    seed : int
        Any unsigned 64-bit number.
    design : {"nested_hypercube", "sobol", "latin_hypercube"}
        How parameter draws cover the priors. More draws of a nested hypercube, or of the Sobol
        sequence, extend fewer; a Latin hypercube of another number of draws shares none with this
        one.
    """

    trajectories: int = Field(default=8_000, ge=1, le=MAX_TRAJECTORIES)
    draws: int = Field(default=64, ge=1, le=MAX_DRAWS)
    seed: int = Field(default=1, ge=0, le=MAX_SEED)
    design: Design = "nested_hypercube"


def _event(name: str) -> str:
    if name not in EVENTS:
        raise fault(f"unknown event {shown(name)} {suggestion(name, EVENTS)}")
    return name


EventName: TypeAlias = Annotated[
    str, AfterValidator(_event), WithJsonSchema({"enum": list(EVENTS)})
]
Weight: TypeAlias = Annotated[float, Field(ge=0, le=1e12), AfterValidator(finite)]


class Answer(StudyModel):
    """The question that the last screen of a run answers.

    Attributes
    ----------
    structure, against : str
        The two structures that are compared.
    also : str, optional
        A third one that the first is held against in a sentence.
    over : tuple of str, optional
        Two parameters over which the figure of the answer is drawn; those that move it most unless
        given.
    """

    structure: StructureName
    against: StructureName
    also: StructureName | None = None
    over: tuple[ParameterName, ...] | None = Field(default=None, strict=False)

    @model_validator(mode="after")
    def _different(self) -> Self:
        named = [name for name in (self.structure, self.against, self.also) if name is not None]
        for name in named:
            if named.count(name) > 1:
                raise fault(f"{shown(name)} is compared with itself")
        if self.over is not None and len(set(self.over)) != 2:
            raise fault(f"over: expected two different parameters, found {len(set(self.over))}")
        return self


class Compare(StudyModel):
    """What to set against the reference structure, and how.

    Attributes
    ----------
    answer : Answer, optional
        What the last screen compares; by default the first structure in focus with the reference.
    focus : tuple of str
        Structures to look into.
    sweep : tuple of str
        Parameters to sweep one at a time.
    loss : dict of str to float
        Weight of each event in the user's own loss; empty for none. An event counts once per
        history.
    """

    answer: Answer | None = None
    focus: tuple[StructureName, ...] = Field(
        default=(), strict=False, json_schema_extra={"uniqueItems": True}
    )
    sweep: tuple[ParameterName, ...] = Field(
        default=(), strict=False, json_schema_extra={"uniqueItems": True}
    )
    loss: dict[EventName, Weight] = Field(default={})

    @field_validator("focus", "sweep")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise fault(f"{shown(twice)} is named twice")
        return names

    @field_validator("loss")
    @classmethod
    def _weighs_something(cls, loss: dict[str, float]) -> dict[str, float]:
        if loss and not any(loss.values()):
            raise fault("every weight is zero")
        return loss


_PRIORS: TypeAdapter[Prior] = TypeAdapter(Prior)


def _entry_from_json(data: Any) -> Any:
    if isinstance(data, dict):
        return Parameter(**{**data, "prior": _PRIORS.validate_python(data["prior"])})
    return data


Entry: TypeAlias = Annotated[Parameter, BeforeValidator(_entry_from_json)]


class Premise(Titled):
    """A named set of beliefs: what somebody holds in place of the study's own priors.

    Attributes
    ----------
    description : str
        What they believe, in sentences.
    source : str
        Who holds them, and where they say so.
    parameters : dict of str to Parameter
        The parameters that it speaks of; all others are the study's own.
    """

    description: Annotated[str, Field(max_length=MAX_DESCRIPTION), UNCONTROLLED] = ""
    source: Text
    parameters: dict[str, Entry] = internal({})


class Scenario(Titled):
    """What a study would be if some of its values were others.

    Attributes
    ----------
    description : str
        Why anybody should think so, in sentences.
    set : dict
        Values by path, which the loader looks at.
    """

    description: Annotated[str, Field(max_length=MAX_DESCRIPTION), UNCONTROLLED] = ""
    set: Any = None


class Study(StudyModel):
    """Flashpoints crossed with structures, with everything that they refer to.

    Attributes
    ----------
    name : str
        What folders of results are called after.
    title : str
        What tables and figures call it.
    description : str
        What it asks, in sentences.
    horizon_years : int
        Length of a trajectory.
    great_power : str
        The actor whose fighting makes a war a great-power war.
    stake_unit : str
        What the unit of all stakes and costs is, in words: whose stake counts as 1 V.
    reference : str
        Structure that onset rates were observed under and that others are compared with.
    actors, flashpoints, structures : dict
        By name, in the order of the study.
    parameters : dict of str to Parameter
        The registry with this study's overrides, and its own inline priors by their position.
    correlations : tuple of Correlation
        Rank correlations between priors. A study's list replaces that of the study it extends,
        as every list does; ``correlations: []`` takes it away.
    premise : str
        Name of the study's own priors among the premises.
    premises : dict of str to Premise
        Rival beliefs under which reference and structures in focus are run too, by name.
    scenarios : dict of str to Study
        What the study would be if some of its values were others, by name of the scenario.
    decision_rules : tuple of str
        How the two sides weigh their options; the first rule is the headline.
    plan : RunPlan
        How much to simulate.
    compare : Compare
        Structures in focus and parameters to sweep.
    text : dict of str to str
        Source text by file, relative to the study's folder, the study itself first.
    read_sha256 : str
        Hash over what the text says, without the plan; see `as_read`.

    Examples
    --------
    >>> from escalation.study import load_study
    >>> study = load_study("configs/asian_nato.yaml")
    >>> study.horizon_years, len(study.structures)
    (10, 8)
    """

    name: Name
    title: Title = ""
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION), UNCONTROLLED] = ""
    horizon_years: int = Field(default=10, ge=1, le=MAX_YEARS)
    great_power: ActorName
    actors: dict[Name, Actor]
    flashpoints: dict[Name, Flashpoint]
    structures: dict[Name, Structure]
    stake_unit: Annotated[Text, UNCONTROLLED] = DEFAULT_STAKE_UNIT
    reference: StructureName
    decision_rules: tuple[RuleName, ...] = Field(
        default=DECISION_RULES[:1], strict=False,
        json_schema_extra={"minItems": 1, "uniqueItems": True},
    )  # fmt: skip
    plan: RunPlan = RunPlan()
    compare: Compare = Compare()
    correlations: tuple[Correlation, ...] = Field(default=(), strict=False)
    premise: Name = "own"
    premises: dict[Name, Premise] = Field(default={})
    scenarios: dict[str, Study] = internal({}, exclude=True)
    parameters: dict[str, Entry] = internal({})
    text: dict[str, str] = internal({})
    read_sha256: str = internal("")

    @field_validator("actors", "flashpoints", "structures")
    @classmethod
    def _some(cls, table: dict, info: ValidationInfo) -> dict:
        found_whole = (info.context or {}).get(info.field_name, ()) is not None
        if not table and found_whole:
            raise fault(f"names no {info.field_name}")
        return table

    @field_validator("premises")
    @classmethod
    def _rival(cls, premises: dict[str, Premise], info: ValidationInfo) -> dict[str, Premise]:
        if info.data.get("premise") in premises:
            raise fault(f"{shown(info.data['premise'])} is what `premise` calls the study's own "
                        "priors; give one of the two another name")
        return premises

    @field_validator("decision_rules")
    @classmethod
    def _distinct(cls, rules: tuple[str, ...]) -> tuple[str, ...]:
        if not rules:
            raise fault(f"names no decision rule {suggestion('', DECISION_RULES)}")
        for name in rules:
            if rules.count(name) > 1:
                raise fault(f"decision rule {shown(name)} is named twice")
        return rules

    @property
    def sha256(self) -> str:
        """Hash of what the study says now, however its text says it, in hexadecimal digits.

        Comments, layout, notation of numbers, order of a part's own keys and cutting into files do
        not count. Every value, title and source does, and so does the order of names, which orders
        results and random numbers. Nothing is kept, so that a changed copy has a hash of its own.
        """
        return self._hash()

    @property
    def as_read(self) -> bool:
        """Whether the text still says what the study says, whatever its plan was changed to."""
        return self.read_sha256 == self._hash("plan")

    def _hash(self, *left_out: str) -> str:
        said = self.model_dump_json(exclude={"text", "read_sha256", *left_out})
        return hashlib.sha256(said.encode()).hexdigest()

    def with_text(self, text: dict[str, str]) -> Self:
        """Return the study with the text that it was read from."""
        return self.model_copy(update={"text": text, "read_sha256": self._hash("plan")})

    @property
    def theatres(self) -> tuple[str, ...]:
        """Theatres of the flashpoints, in order of first mention."""
        return tuple(dict.fromkeys(point.theatre for point in self.flashpoints.values()))

    def _sizes(self) -> str:
        groups = ("actors", "flashpoints", "structures", "parameters")
        return ", ".join(f"{len(getattr(self, group))} {group}" for group in groups)

    def __repr__(self) -> str:
        return f"<Study {self.name}: {shown(self.title)[1:-1]}; {self._sizes()}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        rows = {
            "flashpoints": (point.title for point in self.flashpoints.values()),
            "structures": (structure.title for structure in self.structures.values()),
            "decision rules": self.decision_rules,
        }
        cells = "".join(
            f"<tr><th>{what}</th><td>{escape(printable(', '.join(names)))}</td></tr>"
            for what, names in rows.items()
        )
        title = escape(printable(self.title or self.name))
        return f"<b>{title}</b><br>{self._sizes()}<table>{cells}</table>"

    def defaults(self) -> dict[str, float]:
        """Return the default of every parameter by name."""
        return {name: entry.default for name, entry in self.parameters.items()}

    def under(self, premise: str) -> Self:
        """Return the same study with the priors of a premise.

        Raises
        ------
        InputError
            There is no such premise.
        """
        if premise == self.premise:
            return self
        if premise not in self.premises:
            known = (self.premise, *self.premises)
            raise InputError(f"premise: unknown premise {shown(premise)} "
                             f"{suggestion(premise, known)}")
        changed = self.parameters | self.premises[premise].parameters
        return self.model_copy(update={"parameters": changed})

    def scenario(self, name: str) -> Study:
        """Return the study of one of the scenarios.

        Raises
        ------
        InputError
            There is no such scenario.
        """
        if name not in self.scenarios:
            raise InputError(f"scenario: unknown scenario {shown(name)} "
                             f"{suggestion(name, self.scenarios)}")
        return self.scenarios[name]

    def with_plan(
        self,
        trajectories: int | None = None,
        draws: int | None = None,
        seed: int | None = None,
        design: Design | None = None,
    ) -> Self:
        """Return the same study with another run plan; None keeps what it says.

        Raises
        ------
        InputError
            If a number is out of range or there is no such design.
        """
        if design is not None and design not in DESIGNS:
            choices = suggestion(str(design), DESIGNS)
            raise InputError(f"design: unknown design {shown(design)} {choices}")
        wanted = {"trajectories": trajectories, "draws": draws, "seed": seed}
        limits = {
            "trajectories": (1, MAX_TRAJECTORIES), "draws": (1, MAX_DRAWS), "seed": (0, MAX_SEED),
        }  # fmt: skip
        numbers = {key: value for key, value in wanted.items() if value is not None}
        for key, value in numbers.items():
            low, high = limits[key]
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise InputError(
                    f"{key}: {shown(value)} is out of range: "
                    f"must be a whole number from {low} to {high}"
                )
        changed = numbers if design is None else {**numbers, "design": design}
        plan = self.plan.model_copy(update=changed)
        scenarios = {
            name: scenario.model_copy(update={"plan": plan})
            for name, scenario in self.scenarios.items()
        }
        return self.model_copy(update={"plan": plan, "scenarios": scenarios})
