"""What can happen in a round by chance, as fractions: from rates per day to chances.

Chances per round come from rates per day, :math:`1 - e^{-\\lambda d_r}`, so that round length
does not manufacture events.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from escalation.contracts.codes import WAR
from escalation.model import ladder
from escalation.model.draws import Draws


class Rounds(NamedTuple):
    """Chance in a round; the first axis is the draw, R the rung.

    Attributes
    ----------
    days : float array, shape (draw, R)
        Length of a round.
    incident : float array, shape (draw, 2, R)
        Chance of an incident, before and after a reciprocated move.
    settlement : float array, shape (draw, R)
        Rate per day of settlement below rung 5 and of the war's end from there.
    frailty : float array, shape (draw,)
        Log-spread of the rate of settlement between disputes.
    revision : float array, shape (draw, 2, R)
        Chance that the challenger or the defender revises.
    spiral : float array, shape (draw, R)
        Chance that a match moves the dispute up.
    """

    days: np.ndarray
    incident: np.ndarray
    settlement: np.ndarray
    frailty: np.ndarray
    revision: np.ndarray
    spiral: np.ndarray


def within(rate: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Return the chance that an event of a daily rate happens within some days."""
    return -np.expm1(-rate * days)


def build_rounds(
    draws: Draws,
    grey_zone_incidents: np.ndarray | float = 1.0,
    sharing: bool = False,
    scale: float = 1.0,
) -> Rounds:
    """Gather the chances of a round.

    Parameters
    ----------
    draws : Draws
        Parameter draws.
    grey_zone_incidents : float or float array, shape (draw,)
        Factor on incidents at rungs 1 to 3.
    sharing : bool
        Whether nuclear weapons are shared.
    scale : float
        Factor on the length of every round.
    """
    days = ladder.round_days(draws) * scale
    incident = (
        ladder.per_rung(draws, "incident_rate", range(1, 6)) * draws["incident_scale"][:, None]
    )
    incident[:, 1:4] *= np.reshape(grey_zone_incidents, (-1, 1))
    inadvertent = (
        ladder.per_rung(draws, "inadvertent_rate", range(6, 9))
        * draws["inadvertent_scale"][:, None]
    )
    if sharing:
        inadvertent = inadvertent * draws["sharing_inadvertent"][:, None]
    factor = draws["incident_reciprocated"][:, None]
    settlement = ladder.per_rung(draws, "settlement_rate", range(1, 5))
    settlement = settlement * draws["settlement_scale"][:, None]
    settlement[:, WAR:] = (draws["war_termination_rate"] * draws["war_termination_scale"])[:, None]
    sides = ("challenger_revision_days", "defender_revision_days")
    spiral = ladder.per_rung(draws, "spiral_chance", range(1, WAR + 1))
    return Rounds(
        days=days,
        incident=np.stack(
            [
                within(incident + inadvertent, days),
                within(incident * factor + inadvertent, days),
            ],
            axis=1,
        ),
        settlement=settlement,
        frailty=draws["settlement_frailty"],
        revision=np.stack([within(1.0 / draws[name][:, None], days) for name in sides], axis=1),
        spiral=np.minimum(spiral * draws["spiral_scale"][:, None], 1.0),
    )
