r"""Obligations: from the words of a structure to bindingness, delay and encirclement.

For third party :math:`i` at a flashpoint, with bilateral commitment :math:`C_i`,

.. math:: B_i = s \max\bigl(C_i,\ \max_p\, C_i + \rho_{ip}\,\kappa_p (b_{ip} - C_i)\bigr)

over the pacts :math:`p` that it belongs to, where :math:`b` is the pact's bindingness,
:math:`\rho` the share that the member realises, :math:`\kappa` the pact's coverage of the
flashpoint and :math:`s` the flashpoint's commitment scale. Having left its pacts it is
bound by :math:`s C_i` alone. A member decides at the speed of its fastest pact, a state that
is in none, or has left, at the structure's own. A structure is as encircling as it says, else as
the most encircling of its pacts.

Where ``covers`` names neither flashpoint nor theatre, :math:`\kappa` is 1 if the defender
is a member, or if the member's bindingness is stated for that theatre, and else 0: members of a
pact of mutual defence owe nothing to an outsider unless its words say so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from escalation.model.draws import Draws
from escalation.study.quantity import Figure, InlinePrior, Magnitude, Number, ParameterRef
from escalation.study.schema import Flashpoint, Pact, Structure


@dataclass(frozen=True)
class Values:
    """Reads quantities of a study in every draw; all results have shape (draw,)."""

    draws: Draws

    def of(self, quantity: Magnitude | float) -> np.ndarray:
        """Return a quantity's value in every draw, within the bounds of its place."""
        match quantity:
            case ParameterRef():
                values = self.draws[quantity.parameter] * quantity.scale
                return np.clip(values, quantity.low, quantity.high)
            case InlinePrior():
                return np.clip(self.draws[quantity.name], quantity.low, quantity.high)
            case Number() | Figure():
                return np.full(self.draws.n, quantity.value)
        return np.full(self.draws.n, float(quantity))


def by_party(columns: list[np.ndarray], n_draws: int) -> np.ndarray:
    """Stack one array per party, shape (draw, party); there may be no party at all."""
    return np.stack(columns, axis=1) if columns else np.zeros((n_draws, 0))


@dataclass(frozen=True)
class Obligations:
    """What binds each third party at one flashpoint, under one structure.

    Attributes
    ----------
    bound, bilateral : float array, shape (draw, party)
        Bindingness in the pacts, and after leaving them.
    delay_days : float array, shape (draw, 2, party)
        Mean time to a decision in the pacts, and after leaving them.
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


def obligations(structure: Structure, flashpoint: Flashpoint, draws: Draws) -> Obligations:
    """Read the obligations of every third party off a structure."""
    read = Values(draws)
    parties = tuple(flashpoint.third_parties)
    scale = read.of(flashpoint.commitment_scale)
    pairs = [_bindingness(read, structure, flashpoint, party) for party in parties]
    joined = [_pacts_of(structure, party) for party in parties]
    return Obligations(
        bound=by_party([np.clip(scale * bound, 0.0, 1.0) for bound, _ in pairs], draws.n),
        bilateral=by_party([np.clip(scale * alone, 0.0, 1.0) for _, alone in pairs], draws.n),
        delay_days=np.stack([
            by_party([_delay(read, structure, pacts) for pacts in joined], draws.n),
            by_party([_delay(read, structure, []) for _ in joined], draws.n),
        ], axis=1),
        member=np.array([bool(pacts) for pacts in joined], bool),
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
        weight = read.of(member.realised) * read.of(pact.coverage(party, flashpoint))
        promised = read.of(member.in_theatre(flashpoint.theatre))
        bound = np.maximum(bound, alone + weight * (promised - alone))
    return bound, alone


def _delay(read: Values, structure: Structure, pacts: list[Pact]) -> np.ndarray:
    if not pacts:
        return read.of(structure.decision_delay_days)
    return np.min([read.of(pact.decision_delay_days) for pact in pacts], axis=0)


def _encirclement(read: Values, structure: Structure) -> np.ndarray:
    if structure.encirclement is not None:
        return read.of(structure.encirclement)
    stated = [structure.base_encirclement, *(pact.encirclement for pact in structure.pacts)]
    levels = [read.of(level) for level in stated if level is not None]
    return np.max(levels, axis=0) if levels else np.zeros(read.draws.n)
