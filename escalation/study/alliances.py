"""Who is bound to whom: pacts, and the structures made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from escalation.study.base import StudyModel, fault, internal
from escalation.study.flashpoints import Flashpoint
from escalation.study.names import shown
from escalation.study.nodes import QUANTITY_KEYS
from escalation.study.quantity import Amount, Delay, LogOdds, Magnitude, UnitMagnitude
from escalation.study.vocabulary import (
    ONE,
    ZERO,
    ActorName,
    ByTheatre,
    PlaceName,
    Titled,
)


def _by_theatre_or_not(data: Any) -> str:
    by_theatre = isinstance(data, dict) and not any(key in data for key in QUANTITY_KEYS)
    return "<theatres>" if by_theatre else "<everywhere>"


class Member(StudyModel):
    """A pact's member.

    Attributes
    ----------
    bindingness : Magnitude or dict of str to Magnitude
        From 0 (free) to 1 (bound to fight), everywhere or by theatre.
    realised : Magnitude
        Share of the bindingness added by the pact that the member would honour.
    """

    empty_is_default = True

    bindingness: Annotated[
        Annotated[ByTheatre, Tag("<theatres>")] | Annotated[UnitMagnitude, Tag("<everywhere>")],
        Discriminator(_by_theatre_or_not),
    ]
    realised: UnitMagnitude = ONE

    @field_validator("bindingness", mode="before")
    @classmethod
    def _not_empty(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value:
            raise fault("names no theatre")
        return value

    def in_theatre(self, theatre: str) -> Magnitude:
        """Return the bindingness in `theatre`; 0 in a theatre that is not named."""
        if isinstance(self.bindingness, dict):
            return self.bindingness.get(theatre, ZERO)
        return self.bindingness


class Pact(Titled):
    """A group of actors bound to each other.

    Attributes
    ----------
    members : dict of str to Member
        By actor.
    covers : dict of str to Magnitude
        Share of the bindingness that reaches a flashpoint or theatre. Where neither is named it
        is 1 if the defender is a member, or if the member's bindingness names the theatre, else 0.
    decision_delay_days : Magnitude
        Mean days until a member decides.
    encirclement : Magnitude or None
        How encircled the challenger feels by this pact, 0 to 1.
    nuclear_sharing : bool
        Whether nuclear weapons are shared.
    """

    empty_is_default = True

    members: dict[ActorName, Member]
    covers: dict[PlaceName, UnitMagnitude] = Field(default_factory=dict)
    decision_delay_days: Delay
    encirclement: UnitMagnitude | None = None
    nuclear_sharing: bool = False

    @field_validator("members")
    @classmethod
    def _someone(cls, members: dict[str, Member]) -> dict[str, Member]:
        if not members:
            raise fault("a pact with no members: name at least one actor")
        return members

    def stated_coverage(self, flashpoint: Flashpoint) -> Magnitude | None:
        """Return what `covers` says of a flashpoint, or else of its theatre; None for nothing."""
        return self.covers.get(flashpoint.name, self.covers.get(flashpoint.theatre))

    def coverage(self, member: str, flashpoint: Flashpoint) -> Magnitude:
        """Return the share of a member's bindingness that reaches a flashpoint.

        Where `covers` says nothing of it, a pact reaches a defender who is in it, and others where
        the member's words name the theatre.
        """
        stated = self.stated_coverage(flashpoint)
        if stated is not None:
            return stated
        promised = self.members[member].bindingness
        named = isinstance(promised, dict) and flashpoint.theatre in promised
        return ONE if named or flashpoint.defender in self.members else ZERO


class ActorOverride(StudyModel):
    """What a structure changes about an actor.

    Attributes
    ----------
    staunch_logit : Magnitude or None
        In place of the actor's own log-odds of being staunch.
    stake_scale : Magnitude or None
        Factor on what the actor has at stake everywhere.
    """

    empty_is_default = True

    staunch_logit: LogOdds | None = None
    stake_scale: Amount | None = None


class Structure(Titled):
    """An alliance structure, with everything inherited already filled in.

    Attributes
    ----------
    extends : str or None
        What it was derived from, as written.
    encirclement : Magnitude or None
        Explicit level from 0 to 1; None stands for the highest of `base_encirclement` and
        its pacts. A structure that adds pacts and states no level has None, whatever it extends.
    base_encirclement : Magnitude or None
        Level last stated by the structure or by what it extends; filled in by the loader.
    decision_delay_days : Magnitude
        For states in none of the pacts.
    commitments : dict of str to dict of str to Magnitude
        Bilateral bindingness by actor and theatre; absent means 0.
    pacts : tuple of Pact
        Pacts beside the bilateral commitments.
    actors : dict of str to ActorOverride
        What this structure changes about actors.
    """

    empty_is_default = True

    extends: str | None = None
    encirclement: UnitMagnitude | None = None
    base_encirclement: UnitMagnitude | None = internal(None)
    decision_delay_days: Delay
    pacts: tuple[Pact, ...] = Field(default=(), strict=False)
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
            raise fault(
                "a structure with no members: give commitments, a pact, or extends", "no_members"
            )
        return commitments

    def commitment(self, actor: str, theatre: str) -> Magnitude:
        """Return the bilateral bindingness of `actor` in `theatre`; 0 where none is given."""
        return self.commitments.get(actor, {}).get(theatre, ZERO)

    def encirclement_at(self, values: Mapping[str, float]) -> float:
        """Return the level in one draw of the parameters, 0 to 1."""
        if self.encirclement is not None:
            return self.encirclement.at(values)
        levels = (self.base_encirclement, *(pact.encirclement for pact in self.pacts))
        return max((level.at(values) for level in levels if level is not None), default=0.0)
