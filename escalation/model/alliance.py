r"""Obligations: from the words of a structure to bindingness, delay and encirclement.

For third party :math:`i` at a flashpoint, with bilateral commitment :math:`C_i`,

.. math:: B_i = s \max\bigl(C_i,\ \max_p\, C_i + \rho_{ip}\,\kappa_p (b_{ip} - C_i)\bigr)

over the pacts :math:`p` that it belongs to, where :math:`b` is the pact's bindingness,
:math:`\rho` the share that the member realises, :math:`\kappa` the pact's coverage of the
flashpoint and :math:`s` the flashpoint's commitment scale. Having left its pacts it is
bound by :math:`s C_i` alone. A member decides at the speed of its fastest pact. A
structure is as encircling as it says, else as the most encircling of its pacts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from escalation.model.draws import Draws
from escalation.study.quantity import Figure, InlinePrior, Number, ParameterRef
from escalation.study.schema import Flashpoint, Pact, Structure, Study


@dataclass(frozen=True)
class Values:
    """Reads quantities of a study in every draw; all results have shape (draw,)."""

    draws: Draws

    def of(self, quantity: object) -> np.ndarray:
        """Return a quantity's value in every draw."""
        match quantity:
            case None:
                raise TypeError("a quantity is missing")
            case Number() | Figure():
                return np.full(self.draws.n, float(quantity.value))
            case ParameterRef():
                return self.draws[quantity.parameter] * quantity.scale
            case InlinePrior():
                return self.draws[quantity.name]
            case int() | float():
                return np.full(self.draws.n, float(quantity))
        raise TypeError(f"not a quantity: {quantity!r}")


@dataclass(frozen=True)
class Obligations:
    """What binds each third party at one flashpoint, under one structure.

    Attributes
    ----------
    bound, bilateral : float array, shape (draw, party)
        Bindingness in the pacts, and after leaving them.
    delay_days : float array, shape (draw, party)
        Mean time to a decision.
    member : bool array, shape (party,)
        Whether the party belongs to any pact.
    encirclement : float array, shape (draw,)
        How encircling the structure looks to the challenger.
    nuclear_sharing : bool
        Whether any pact shares nuclear weapons.
    """

    bound: np.ndarray
    bilateral: np.ndarray
    delay_days: np.ndarray
    member: np.ndarray
    encirclement: np.ndarray
    nuclear_sharing: bool


def obligations(study: Study, structure: Structure, flashpoint: Flashpoint, draws: Draws) -> Obligations:
    """Read the obligations of every third party off a structure."""
    read = Values(draws)
    parties = tuple(flashpoint.third_parties)
    scale = read.of(flashpoint.commitment_scale)
    pairs = [_bindingness(read, structure, flashpoint, party) for party in parties]
    return Obligations(
        bound=np.stack([np.clip(scale * bound, 0.0, 1.0) for bound, _ in pairs], axis=1),
        bilateral=np.stack([np.clip(scale * alone, 0.0, 1.0) for _, alone in pairs], axis=1),
        delay_days=np.stack([_delay(read, structure, party) for party in parties], axis=1),
        member=np.array([bool(_pacts_of(structure, party)) for party in parties]),
        encirclement=_encirclement(read, structure),
        nuclear_sharing=any(pact.nuclear_sharing for pact in structure.pacts),
    )


def _pacts_of(structure: Structure, party: str) -> list[Pact]:
    return [pact for pact in structure.pacts if party in pact.members]


def _bindingness(
    read: Values, structure: Structure, flashpoint: Flashpoint, party: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return bindingness in the pacts and without them, before the flashpoint's scale."""
    alone = read.of(structure.commitments.get(party, {}).get(flashpoint.theatre, 0.0))
    bound = alone
    for pact in _pacts_of(structure, party):
        member = pact.members[party]
        weight = read.of(member.realised) * read.of(pact.coverage(flashpoint))
        bound = np.maximum(bound, alone + weight * (read.of(member.in_theatre(flashpoint.theatre)) - alone))
    return bound, alone


def _delay(read: Values, structure: Structure, party: str) -> np.ndarray:
    pacts = _pacts_of(structure, party)
    if not pacts:
        return read.of(structure.decision_delay_days)
    return np.min([read.of(pact.decision_delay_days) for pact in pacts], axis=0)


def _encirclement(read: Values, structure: Structure) -> np.ndarray:
    if structure.encirclement is not None:
        return read.of(structure.encirclement)
    levels = [read.of(pact.encirclement) for pact in structure.pacts if pact.encirclement is not None]
    return np.max(levels, axis=0) if levels else np.zeros(read.draws.n)
