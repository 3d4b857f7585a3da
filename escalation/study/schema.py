"""The user's words: actors, flashpoints, pacts, structures, and the study that crosses them.

Everything is frozen and strict. Checks that need the rest of the study (is this an actor?)
read the known names from the validation context that the loader passes; objects built by
hand in Python are checked for what they say themselves.
"""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    SkipValidation,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from escalation.codes import MAX_PARTIES, MAX_YEARS
from escalation.errors import InputError
from escalation.parameters.registry import Parameter
from escalation.study.names import NAME_RULE, is_name, shown, suggestion
from escalation.study.nodes import QUANTITY_KEYS
from escalation.study.quantity import (
    NonNegativeQuantity,
    Number,
    PositiveQuantity,
    Quantity,
    StudyModel,
    UnitQuantity,
    Within,
    fault,
    internal,
)

MAX_TITLE = 200
MAX_DESCRIPTION = 5_000
MAX_TRAJECTORIES = 2**53
MAX_DRAWS = 65_536
MAX_SEED = 2**64 - 1

ONE = Number(value=1.0)
ZERO = Number(value=0.0)


def _named(name: str) -> str:
    if not is_name(name):
        raise fault(f"{shown(name)} is not a usable name: {NAME_RULE}")
    return name


def _known(group: str, what: str) -> AfterValidator:
    """Return a validator that looks a name up among the context's `group`."""

    def check(name: str, info: ValidationInfo) -> str:
        known = (info.context or {}).get(group)
        if known is not None and name not in known:
            raise fault(f"unknown {what} {shown(name)} {suggestion(name, known)}")
        return name

    return AfterValidator(check)


Name: TypeAlias = Annotated[str, AfterValidator(_named)]
Title: TypeAlias = Annotated[str, Field(max_length=MAX_TITLE)]
ActorName: TypeAlias = Annotated[str, _known("actors", "actor")]
StructureName: TypeAlias = Annotated[str, _known("structures", "structure")]
TheatreName: TypeAlias = Annotated[str, _known("theatres", "theatre")]
CoveredName: TypeAlias = Annotated[str, _known("covered", "flashpoint or theatre")]
ParameterName: TypeAlias = Annotated[str, _known("parameters", "parameter")]

Datum: TypeAlias = Annotated[Quantity, AfterValidator(Within(0))]
ByTheatre: TypeAlias = dict[TheatreName, UnitQuantity]


class _Titled(StudyModel):
    name: Name
    title: Title = ""

    @model_validator(mode="before")
    @classmethod
    def _title_from_name(cls, data: Any) -> Any:
        if isinstance(data, dict) and "title" not in data and isinstance(data.get("name"), str):
            return {**data, "title": data["name"].replace("_", " ")[:MAX_TITLE]}
        return data


class Actor(_Titled):
    """A state.

    Attributes
    ----------
    nuclear : bool
        Whether it has nuclear weapons.
    capability : Quantity or None
        Share of world capabilities.
    military_spending_usd, gdp_usd : Quantity or None
        US dollars a year.
    trade_dependence : dict of str to Quantity
        Trade with a partner over own GDP, by partner; an absent partner counts as 0.
    alignment : Quantity
        From -1 (with China) to 1 (with the United States).
    domestic_veto : Quantity
        Chance that a resolved decision to join is vetoed at home.
    staunch_logit : Quantity
        Added to the log-odds of being staunch.
    """

    nuclear: bool = False
    capability: Annotated[Quantity, AfterValidator(Within(0, 1))] | None = None
    military_spending_usd: Datum | None = None
    gdp_usd: Annotated[Quantity, AfterValidator(Within(0, open_low=True))] | None = None
    trade_dependence: dict[ActorName, Datum]
    alignment: Annotated[Quantity, AfterValidator(Within(-1, 1))]
    domestic_veto: UnitQuantity = ZERO
    staunch_logit: Quantity = ZERO

    @field_validator("trade_dependence")
    @classmethod
    def _on_others(cls, partners: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if info.data.get("name") in partners:
            raise fault("an actor cannot depend on trade with itself")
        return partners


class ThirdParty(StudyModel):
    """What a third party can bring to a flashpoint, and what it has at stake there.

    Attributes
    ----------
    power : Quantity
        Power that it can project there, the challenger's being 1.
    stake : Quantity
        From 0 (none) to 1 (as if attacked itself).
    """

    power: NonNegativeQuantity
    stake: NonNegativeQuantity


class Flashpoint(_Titled):
    """A place where a challenger may try to take something from a defender.

    Attributes
    ----------
    theatre : str
        Region that bilateral commitments speak of, such as ``taiwan``.
    challenger, defender : str
        Actors.
    challenger_stake, defender_stake : Quantity
        In units of China's stake in Taiwan.
    defender_power : Quantity
        The challenger's power being 1.
    onset_rate : Quantity
        Disputes a year, as observed under today's structure.
    base_host : str or None
        Actor whose bases the great power needs there.
    commitment_scale : Quantity
        Factor on every bindingness at this place.
    grey_zone_incidents : Quantity
        Factor on incident rates at rungs 1 to 3.
    third_parties : dict of str to ThirdParty
        Who else may join, by actor.
    """

    theatre: Name
    challenger: ActorName
    defender: ActorName
    challenger_stake: PositiveQuantity
    defender_stake: PositiveQuantity
    defender_power: NonNegativeQuantity
    onset_rate: PositiveQuantity
    base_host: ActorName | None = None
    commitment_scale: NonNegativeQuantity = ONE
    grey_zone_incidents: NonNegativeQuantity = ONE
    third_parties: dict[ActorName, ThirdParty]

    @field_validator("defender")
    @classmethod
    def _two_sides(cls, defender: str, info: ValidationInfo) -> str:
        if defender == info.data.get("challenger"):
            raise fault(f"challenger and defender are the same actor, {shown(defender)}")
        return defender

    @field_validator("third_parties")
    @classmethod
    def _outsiders(cls, parties: dict[str, ThirdParty], info: ValidationInfo) -> dict:
        for side in ("challenger", "defender"):
            if info.data.get(side) in parties:
                raise fault(f"{shown(info.data[side])} is the {side}, so no third party here")
        if len(parties) > MAX_PARTIES:
            raise fault(f"{len(parties)} third parties; at most {MAX_PARTIES} are possible")
        return parties


def _by_theatre_or_not(data: Any) -> str:
    by_theatre = isinstance(data, dict) and not any(key in data for key in QUANTITY_KEYS)
    return "<theatres>" if by_theatre else "<everywhere>"


class Member(StudyModel):
    """A pact's member.

    Attributes
    ----------
    bindingness : Quantity or dict of str to Quantity
        From 0 (free) to 1 (bound to fight), everywhere or by theatre.
    realised : Quantity
        Share of the bindingness added by the pact that the member would honour.
    """

    bindingness: Annotated[
        Annotated[ByTheatre, Tag("<theatres>")] | Annotated[UnitQuantity, Tag("<everywhere>")],
        Discriminator(_by_theatre_or_not),
    ]
    realised: UnitQuantity = ONE

    @field_validator("bindingness", mode="before")
    @classmethod
    def _not_empty(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value:
            raise fault("names no theatre")
        return value

    def bindingness_in(self, theatre: str) -> Quantity:
        """Return the bindingness in `theatre`; 0 in a theatre that is not named."""
        if isinstance(self.bindingness, dict):
            return self.bindingness.get(theatre, ZERO)
        return self.bindingness


class Pact(_Titled):
    """A group of actors bound to each other.

    Attributes
    ----------
    members : dict of str to Member
        By actor.
    covers : dict of str to Quantity
        Share of the bindingness that reaches a flashpoint or theatre; 1 where not named.
    decision_delay_days : Quantity
        Mean days until a member decides.
    encirclement : Quantity or None
        How encircled the challenger feels by this pact, 0 to 1.
    nuclear_sharing : bool
        Whether nuclear weapons are shared.
    """

    members: dict[ActorName, Member]
    covers: dict[CoveredName, UnitQuantity] = Field(default_factory=dict)
    decision_delay_days: PositiveQuantity
    encirclement: UnitQuantity | None = None
    nuclear_sharing: bool = False

    @field_validator("members")
    @classmethod
    def _someone(cls, members: dict[str, Member]) -> dict[str, Member]:
        if not members:
            raise fault("a pact with no members: name at least one actor")
        return members

    def coverage(self, flashpoint: str, theatre: str) -> Quantity:
        """Return the share that reaches a flashpoint: its own entry, else its theatre's, else 1."""
        return self.covers.get(flashpoint, self.covers.get(theatre, ONE))


class ActorOverride(StudyModel):
    """What a structure changes about an actor."""

    staunch_logit: Quantity | None = None
    stake_scale: NonNegativeQuantity | None = None


class Structure(_Titled):
    """An alliance structure, with everything inherited already filled in.

    Attributes
    ----------
    extends : str or None
        What it was derived from, as written.
    encirclement : Quantity or None
        Explicit level from 0 to 1; None stands for the highest of its pacts.
    decision_delay_days : Quantity
        For states in none of the pacts.
    commitments : dict of str to dict of str to Quantity
        Bilateral bindingness by actor and theatre; absent means 0.
    pacts : tuple of Pact
        Pacts beside the bilateral commitments.
    actors : dict of str to ActorOverride
        What this structure changes about actors.
    """

    extends: str | None = None
    encirclement: UnitQuantity | None = None
    decision_delay_days: PositiveQuantity
    pacts: tuple[Pact, ...] = ()
    commitments: dict[ActorName, ByTheatre] = Field(default_factory=dict, validate_default=True)
    actors: dict[ActorName, ActorOverride] = Field(default_factory=dict)

    @field_validator("pacts")
    @classmethod
    def _distinct(cls, pacts: tuple[Pact, ...]) -> tuple[Pact, ...]:
        names = [pact.name for pact in pacts]
        for name in names:
            if names.count(name) > 1:
                raise fault(f"pact {shown(name)} is named twice")
        return pacts

    @field_validator("commitments")
    @classmethod
    def _not_alone(cls, commitments: dict, info: ValidationInfo) -> dict:
        if not commitments and info.data.get("pacts") == ():
            raise fault("a structure with no members: give commitments, a pact, or extends")
        return commitments

    def commitment(self, actor: str, theatre: str) -> Quantity:
        """Return the bilateral bindingness of `actor` in `theatre`; 0 where none is given."""
        return self.commitments.get(actor, {}).get(theatre, ZERO)


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
    """

    trajectories: int = Field(default=8_000, ge=1, le=MAX_TRAJECTORIES)
    draws: int = Field(default=64, ge=1, le=MAX_DRAWS)
    seed: int = Field(default=1, ge=0, le=MAX_SEED)


class Compare(StudyModel):
    """What to set against the reference structure, and which parameters to sweep."""

    focus: tuple[StructureName, ...] = ()
    sweep: tuple[ParameterName, ...] = ()


class Study(StudyModel):
    """Flashpoints crossed with structures, with everything that they refer to.

    Attributes
    ----------
    horizon_years : int
        Length of a trajectory.
    great_power : str
        The actor whose fighting makes a war a great-power war.
    reference : str
        Structure that onset rates were observed under and that others are compared with.
    actors, flashpoints, structures : dict
        By name, in the order of the study.
    parameters : dict of str to Parameter
        The registry with this study's overrides, and its own inline priors by their place.
    plan : RunPlan
        How much to simulate.
    compare : Compare
        Structures in focus and parameters to sweep.
    text : dict of str to str
        Source text by file, relative to the study's folder, the study itself first.
    sha256 : str
        Hash over all of that text.
    """

    name: Name
    title: Title = ""
    description: Annotated[str, Field(max_length=MAX_DESCRIPTION)] = ""
    horizon_years: int = Field(default=10, ge=1, le=MAX_YEARS)
    great_power: ActorName
    actors: dict[Name, Actor]
    flashpoints: dict[Name, Flashpoint]
    structures: dict[Name, Structure]
    reference: StructureName
    plan: RunPlan = RunPlan()
    compare: Compare = Compare()
    parameters: SkipValidation[dict[str, Parameter]] = internal({})
    text: dict[str, str] = internal({})
    sha256: str = internal("")

    @field_validator("actors", "flashpoints", "structures")
    @classmethod
    def _some(cls, table: dict, info: ValidationInfo) -> dict:
        if not table:
            raise fault(f"names no {info.field_name}")
        return table

    @property
    def theatres(self) -> tuple[str, ...]:
        """Theatres of the flashpoints, in order of first mention."""
        return tuple(dict.fromkeys(point.theatre for point in self.flashpoints.values()))

    def defaults(self) -> dict[str, float]:
        """Return the default of every parameter by name."""
        return {name: entry.default for name, entry in self.parameters.items()}

    def with_plan(
        self,
        trajectories: int | None = None,
        draws: int | None = None,
        seed: int | None = None,
    ) -> Self:
        """Return the same study with another run plan; None keeps what it says.

        Raises
        ------
        InputError
            If a number is out of range.
        """
        wanted = {"trajectories": trajectories, "draws": draws, "seed": seed}
        limits = {
            "trajectories": (1, MAX_TRAJECTORIES), "draws": (1, MAX_DRAWS), "seed": (0, MAX_SEED),
        }  # fmt: skip
        changes = {key: value for key, value in wanted.items() if value is not None}
        for key, value in changes.items():
            low, high = limits[key]
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise InputError(
                    f"{key}: {shown(value)} is out of range: "
                    f"must be a whole number from {low} to {high}"
                )
        plan = self.plan.model_copy(update=changes)
        return self.model_copy(update={"plan": plan})
