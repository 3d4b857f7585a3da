r"""Obligations: from the words of a structure to bindingness, delay and encirclement.

Every bindingness that a study states is first shifted by the common log-odds :math:`\beta`, so
that a text that binds nobody (0), or without conditions (1), still does. With the bilateral
commitment :math:`C_i` of third party :math:`i` in the flashpoint's theatre, a pact :math:`p` to
which it belongs binds it by

.. math:: b'_{ip} = C_i + \rho_{ip}\,\kappa_p (b_{ip} - C_i),

where :math:`b` is what the pact states, :math:`\rho` the share that the member realises and
:math:`\kappa` the pact's coverage of the flashpoint. The obligation that binds it most leads,

.. math:: \operatorname{logit} B'_i = \operatorname{logit} \max\bigl(C_i, \max_p b'_{ip}\bigr)
          - \mathit{dil}\,(n_i - 1)^+ , \qquad B_i = s B'_i,

with :math:`n_i` the pacts that bind it here and :math:`s` the flashpoint's commitment scale: a
further pact may loosen what each promises, or reinforce it. It decides at the speed of the
obligation that leads, the structure's own where that is the bilateral one, times
:math:`\mathit{delay_s}\, e^{\mathit{coo} (n_i - 1)^+}`. Having left its pacts it is bound by
:math:`s C_i` alone, and decides at the structure's speed. So more pacts are neither more binding
nor quicker by construction. A structure is as encircling as it says, else as the most encircling
of its pacts.

Where ``covers`` names neither flashpoint nor theatre, :math:`\kappa` is 1 if the defender
is a member, or if the member's bindingness is stated for that theatre, and else 0: members of a
pact of mutual defence owe nothing to an outsider unless its words say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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
    ties = [_tie(read, structure, flashpoint, party) for party in parties]
    own = _own_delay(read, structure)
    return Obligations(
        bound=by_party([np.clip(scale * tie.bound, 0.0, 1.0) for tie in ties], draws.n),
        bilateral=by_party([np.clip(scale * tie.alone, 0.0, 1.0) for tie in ties], draws.n),
        delay_days=np.stack([
            by_party([tie.delay_days for tie in ties], draws.n),
            by_party([own for _ in ties], draws.n),
        ], axis=1),
        member=np.array([bool(_pacts_of(structure, party)) for party in parties], bool),
        encirclement=_encirclement(read, structure),
        nuclear_sharing=any(pact.nuclear_sharing for pact in structure.pacts),
    )


def binding_pacts(
    structure: Structure, flashpoint: Flashpoint, draws: Draws
) -> dict[str, tuple[str, ...]]:
    """Return the names of the pacts that bind each third party here in any of the draws."""
    read = Values(draws)
    scale = read.of(flashpoint.commitment_scale)
    return {
        party: tuple(
            pact.name for pact in _pacts_of(structure, party)
            if (scale * _promise(read, pact, flashpoint, party).owed > 0.0).any()
        )
        for party in flashpoint.third_parties
    }  # fmt: skip


def _pacts_of(structure: Structure, party: str) -> list[Pact]:
    return [pact for pact in structure.pacts if party in pact.members]


class _Tie(NamedTuple):
    """What binds one state here, arrays of shape (draw,), before the flashpoint's scale."""

    bound: np.ndarray
    alone: np.ndarray
    delay_days: np.ndarray


class _Promise(NamedTuple):
    """What a pact states for a member here, and the share of it that counts, shape (draw,)."""

    stated: np.ndarray
    weight: np.ndarray

    @property
    def owed(self) -> np.ndarray:
        return self.weight * self.stated


def _promise(read: Values, pact: Pact, flashpoint: Flashpoint, party: str) -> _Promise:
    member = pact.members[party]
    stated = read.of(member.in_theatre(flashpoint.theatre))
    return _Promise(
        _shifted(stated, read.draws["binding_shift"]),
        read.of(member.realised) * read.of(pact.coverage(party, flashpoint)),
    )


def _tie(read: Values, structure: Structure, flashpoint: Flashpoint, party: str) -> _Tie:
    draws = read.draws
    stated = structure.commitments.get(party, {}).get(flashpoint.theatre, 0.0)
    alone = _shifted(read.of(stated), draws["binding_shift"])
    bound, delay = alone, _own_delay(read, structure)
    pacts = np.zeros(draws.n)
    for pact in _pacts_of(structure, party):
        promise = _promise(read, pact, flashpoint, party)
        reached = alone + promise.weight * (promise.stated - alone)
        days = read.of(pact.decision_delay_days) * draws["delay_scale"]
        delay = np.where(reached > bound, days, delay)
        bound = np.maximum(bound, reached)
        pacts += promise.owed > 0.0
    further = np.maximum(pacts - 1.0, 0.0)
    return _Tie(
        _shifted(bound, -draws["pact_dilution"] * further),
        alone,
        delay * np.exp(draws["pact_coordination"] * further),
    )


def _own_delay(read: Values, structure: Structure) -> np.ndarray:
    return read.of(structure.decision_delay_days) * read.draws["delay_scale"]


def _shifted(share: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
    """Return shares moved by log-odds; 0 and 1 stay, and so does all where nothing is moved."""
    raised = share * np.exp(log_odds)
    return np.where(log_odds == 0.0, share, raised / (1.0 - share + raised))


def _encirclement(read: Values, structure: Structure) -> np.ndarray:
    if structure.encirclement is not None:
        return read.of(structure.encirclement)
    stated = [structure.base_encirclement, *(pact.encirclement for pact in structure.pacts)]
    levels = [read.of(level) for level in stated if level is not None]
    return np.max(levels, axis=0) if levels else np.zeros(read.draws.n)
