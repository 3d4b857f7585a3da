"""States, and the flashpoints where one may try to take something from another."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, ValidationInfo, field_validator

from escalation.contracts.codes import MAX_PARTIES
from escalation.study.base import StudyModel, fault
from escalation.study.names import shown
from escalation.study.quantity import Amount, LogOdds, Magnitude, Rate, Stake, UnitMagnitude, Within
from escalation.study.vocabulary import ONE, ZERO, ActorName, Name, Titled


class Actor(Titled):
    """A state.

    Attributes
    ----------
    nuclear : bool
        Whether it has nuclear weapons; for the record, no equation reads it.
    trade_dependence : dict of str to Magnitude
        Trade with a partner over own GDP, by partner; an absent partner counts as 0.
    alignment : Magnitude
        From -1 (with the challenger) to 1 (with the great power).
    domestic_veto : Magnitude
        Chance that a resolved decision to join is vetoed at home.
    staunch_logit : Magnitude
        Added to the log-odds of being staunch.
    """

    empty_is_default = True

    nuclear: bool = False
    trade_dependence: dict[ActorName, Annotated[Magnitude, AfterValidator(Within(0, 10))]]
    alignment: Annotated[Magnitude, AfterValidator(Within(-1, 1))]
    domestic_veto: UnitMagnitude = ZERO
    staunch_logit: LogOdds = ZERO

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
    power : Magnitude
        Power that it can project there, the challenger's being 1.
    stake : Magnitude
        From 0 (none) to 1 (as if attacked itself).
    """

    power: Amount
    stake: Amount


class Flashpoint(Titled):
    """A spot where a challenger may try to take something from a defender.

    Attributes
    ----------
    theatre : str
        Region that treaties speak of, such as ``taiwan``; some treaty must name it, unless
        none names any.
    challenger, defender : str
        Actors.
    challenger_stake, defender_stake : Magnitude
        In V, the study's stake unit.
    defender_power : Magnitude
        The challenger's power being 1.
    onset_rate : Magnitude
        Disputes a year, as observed under today's structure.
    base_host : str or None
        Actor whose bases the great power needs there.
    commitment_scale : Magnitude
        Factor on every bindingness at this position.
    grey_zone_incidents : Magnitude
        Factor on incident rates at rungs 1 to 3.
    third_parties : dict of str to ThirdParty
        Who else may join, by actor.
    """

    theatre: Name
    challenger: ActorName
    defender: ActorName
    challenger_stake: Stake
    defender_stake: Stake
    defender_power: Amount
    onset_rate: Rate
    base_host: ActorName | None = None
    commitment_scale: Amount = ONE
    grey_zone_incidents: Amount = ONE
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
