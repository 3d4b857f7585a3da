r"""The record as the model sees it: from the features of a dispute to the numbers of a cell.

A dispute of the historical record is a flashpoint like any other, but for its data: what a
study says in words about a flashpoint is here a function of features that every dispute has.
With challenger i, defender j and the mean of j's allies as the one third party,

.. math::
    K_d &= c_j / c_i, \qquad k = c_{allies} / c_i
        \qquad \text{(shares of world capabilities, within 0.01 and 100)} \\
    V &= V_g \exp(v_L\,\mathrm{land} + v_S\,\mathrm{sea} + v_{90}\,1_{1990} + v_C\,\mathrm{China}),
        \qquad V_d = V\, (V_d/V)
        \exp(u_L\,\mathrm{land} + u_S\,\mathrm{sea}) \\
    x &= \mathrm{base}_r + a_T c_r B_g + a_S S_g + n_g \ln n
        + \text{herd}, \qquad x_{actual} = x - s_g ,

the last three terms being those of :mod:`escalation.model.inputs`. A nuclear ally brings the
nuclear shadow, any other none. The allies fight as one: their power is a lottery in the
challenger's eyes, as that of the great power is in a study. There is no trade, no
coercion and no base abroad in the record's features. Support that comes raises the
challenger's belief in the ally, but silence below war does not lower it, as it does in a
study: the record says who came, not who was asked.

The direct coefficients, which no mechanism stands behind, are three: capability and the years
after 1990 on the opening rung, and the years after 1990 on matching.

`Record` adds what happened in each dispute, and which pair met when.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from escalation.archive.dispute_table import Disputes
from escalation.contracts.codes import WAR
from escalation.model import ladder
from escalation.model.draws import Draws
from escalation.model.inputs import COPIED, Inputs, joining_log_odds, laid_out

ALLY = 0
POWER_BOUNDS = (0.01, 100.0)


@dataclass(frozen=True)
class Features:
    """What the record says of each dispute; all arrays have shape (dispute,).

    Attributes
    ----------
    defender_power, ally_power : float array
        Capabilities of the target, and of its allies, over those of the initiator; 0 for
        no allies.
    n_allies : float array
        Number of the target's allies.
    umbrella : bool array
        Whether an ally of the target, but not of the initiator, has nuclear weapons.
    shared : float array
        Share of the allies' capabilities that is allied with the initiator too.
    decade : float array
        Decades since 1980.
    land, sea, after_1990, china : bool array
        Common land border; up to 400 miles of sea; year from 1990; China is the initiator.
    """

    defender_power: np.ndarray
    ally_power: np.ndarray
    n_allies: np.ndarray
    umbrella: np.ndarray
    land: np.ndarray
    sea: np.ndarray
    shared: np.ndarray
    decade: np.ndarray
    after_1990: np.ndarray
    china: np.ndarray

    @property
    def n(self) -> int:
        """Number of disputes."""
        return len(self.defender_power)

    def taken(self, rows: np.ndarray) -> Features:
        """Return some of the disputes, perhaps repeated."""
        return Features(**{name: array[rows] for name, array in vars(self).items()})


def crossed(features: Features, draws: Draws) -> tuple[Features, Draws]:
    """Cross disputes with draws: cell = draw * n_disputes + dispute."""
    tiled = features.taken(np.tile(np.arange(features.n), draws.n))
    return tiled, Draws(draws.names, np.repeat(draws.values, features.n, axis=1))


def generic_inputs(features: Features, draws: Draws) -> Inputs:
    """Gather the numbers of disputes of the record, one dispute and draw per cell.

    Parameters
    ----------
    features : Features
        One dispute per cell.
    draws : Draws
        One draw per cell; see :func:`crossed`.
    """
    n = draws.n
    stake = draws["dispute_stake"] * np.exp(
        draws["stake_land"] * features.land
        + draws["stake_sea"] * features.sea
        + draws["stake_after_1990"] * features.after_1990
        + draws["stake_china"] * features.china
        + draws["stake_shared"] * features.shared
    )
    ratio = draws["dispute_stake_ratio"] * np.exp(
        draws["ratio_land"] * features.land + draws["ratio_sea"] * features.sea
        + draws["ratio_allies"] * np.log1p(features.n_allies)
        + draws["ratio_decade"] * features.decade
    )
    allied = features.n_allies > 0
    power = np.where(allied, np.clip(features.ally_power, *POWER_BOUNDS), 0.0)[:, None]
    shadow = draws["nuclear_shadow"] * features.umbrella
    grave, delay = draws["grave_share"], draws["ally_delay_days"]
    stances = np.stack([draws["ally_bindingness"], np.zeros(n), np.zeros(n)], axis=1)[..., None]
    in_time = np.where(allied, 1.0 / (1.0 + delay / draws["war_decision_days"]), 0.0)
    zeros = np.zeros((n, 1))
    copied = {name: draws[name] for name in COPIED} | {"trade_loss": np.zeros(n)}
    return laid_out(Inputs(
        **copied,
        challenger_stake=stake,
        defender_stake=stake * ratio,
        defender_power=np.clip(features.defender_power, *POWER_BOUNDS),
        us_power=power[:, 0],
        rest_power=zeros,
        access_share=np.zeros(n),
        onset_per_month=np.stack([1.0 - grave, grave], axis=1) / 12.0,
        opening=ladder.opening(draws, features.defender_power, features.after_1990),
        answer_shift=draws["answer_after_1990"] * features.after_1990,
        war_risk=ladder.war_risk(draws),
        challenger_cost=ladder.growth(
            draws, "challenger_cost_growth", draws["challenger_war_cost"]
        ),
        defender_cost=ladder.growth(draws, "defender_cost_growth", draws["defender_war_cost"]),
        shadow=ladder.growth(draws, "shadow_growth", shadow),
        spiral=ladder.per_rung(draws, "spiral_chance", range(1, WAR + 1))
        * draws["spiral_scale"][:, None],
        power=power,
        joining=_joining(features, draws, stances, allied),
        drift=np.zeros((n, 3, 1)),
        wedge=zeros,
        # Nobody leaves an alliance of the record: both stances are the same.
        discount=np.repeat(in_time[:, None, None], 2, axis=1),
        delay_days=np.repeat(delay[:, None, None], 2, axis=1),
        veto=zeros,
        exit_rate=zeros,
        bindingness=np.ascontiguousarray(stances[:, :2]),
        staunch_logit=np.log(draws["reliability"] / (1 - draws["reliability"]))[:, None],
        misperception=draws["misperception"],
        type_gap=draws["type_gap"],
        support_commitment=draws["support_commitment"],
        great_power=ALLY,
        host=-1,
    ))  # fmt: skip


def _joining(
    features: Features, draws: Draws, stances: np.ndarray, allied: np.ndarray
) -> np.ndarray:
    """Return joining log-odds, shape (cell, view, stance, rung, already in, 1)."""
    nothing = np.zeros((draws.n, 1))
    facts = dict.fromkeys(("dependence", "partner", "alignment"), nothing)
    facts["stake"] = draws["ally_stake"][:, None]
    log_odds = joining_log_odds(draws, stances, np.ones_like(stances), facts)
    shift = draws["ally_number"] * np.log(np.maximum(features.n_allies, 1.0))
    log_odds += shift[:, None, None, None, None, None]
    log_odds[:, 0] -= draws["unseen_resolve"][:, None, None, None, None]
    log_odds[~allied] = -30.0
    return log_odds


N_CELLS = 16
"""Level 2 to 5 x answered or not x joined by an ally or not; see :func:`outcome_cells`."""


@dataclass(frozen=True)
class Record:
    """Disputes in the order of pairs and dates.

    Attributes
    ----------
    features : Features
        One entry per dispute.
    cell : int array, shape (n,)
        What happened, ``4 * (level - 2) + 2 * answered + joined``; wars count as answered.
    pair : int array, shape (n,)
        Number of the pair of states; the disputes of a pair stand together, by date.
    reversed_ : bool array, shape (n,)
        Whether the challenger is the second state of the pair in alphabetical order.
    year : float array, shape (n,)
        Year of onset.
    learnt : bool array, shape (n,)
        Whether the outcome is known, and may teach about later disputes of the pair.
    """

    features: Features
    cell: np.ndarray
    pair: np.ndarray
    reversed_: np.ndarray
    year: np.ndarray
    learnt: np.ndarray

    @property
    def n(self) -> int:
        """Number of disputes."""
        return len(self.cell)


def record_features(disputes: Disputes) -> Features:
    """Return what the model knows of each dispute at its outset.

    Unknown capabilities, of either side or of allies, count as equal to the initiator's; so do
    zero ones of a side, which no state has.
    """
    own = np.asarray(disputes.initiator_cinc, float)
    n_allies = np.asarray(disputes.n_target_defenders, float)

    def over(capability: np.ndarray) -> np.ndarray:
        known = np.isfinite(capability) & np.isfinite(own) & (own > 0) & (capability > 0)
        return np.divide(capability, own, out=np.ones(len(own)), where=known)

    allied = np.asarray(disputes.target_unshared_defender_cinc, float)
    return Features(
        defender_power=over(np.asarray(disputes.target_cinc, float)),
        ally_power=np.where((n_allies > 0) & (allied != 0), over(allied), 0.0),
        n_allies=n_allies,
        umbrella=disputes.umbrella,
        shared=shared_power(disputes),
        decade=(np.asarray(disputes.year, float) - 1980.0) / 10.0,
        land=disputes.land,
        sea=disputes.sea,
        after_1990=disputes.post_1990,
        china=np.asarray(disputes.china_initiator) == 1,
    )


def shared_power(disputes: Disputes) -> np.ndarray:
    """Return the share of allied capabilities that is allied with both sides, shape (n,).

    It is 0 where either is unknown.
    """
    total = np.asarray(disputes.target_defender_cinc, float)
    apart = np.asarray(disputes.target_unshared_defender_cinc, float)
    known = np.isfinite(apart) & (total > 0)
    share = 1.0 - np.divide(apart, total, out=np.ones(len(total)), where=known)
    return np.clip(share, 0.0, 1.0)


def observed_cells(disputes: Disputes) -> np.ndarray:
    """Return the cell of what happened in each dispute, shape (n,)."""
    answered = np.where(disputes.level == 5, 1, disputes.recip)
    return 4 * (disputes.level - 2) + 2 * answered + disputes.joined


def build_record(disputes: Disputes, learnt: np.ndarray | None = None) -> tuple[Record, np.ndarray]:
    """Return the record, sorted, and the row of `disputes` that each entry came from.

    Parameters
    ----------
    disputes : Disputes
        All disputes.
    learnt : bool array, shape (n,), optional
        Whose outcomes may teach; all by default.
    """
    n = len(disputes)
    pair = np.unique(disputes.pair.astype(str), return_inverse=True)[1]
    order = np.lexsort((np.asarray(disputes.dispnum), np.asarray(disputes.year), pair))
    known = np.ones(n, bool) if learnt is None else np.asarray(learnt, bool)
    first = np.array([str(p).split(">")[0] for p in disputes.pair]) if n else np.zeros(0, str)
    return (
        Record(
            features=record_features(disputes).taken(order),
            cell=observed_cells(disputes)[order],
            pair=pair[order],
            reversed_=(disputes.challenger.astype(str) != first)[order],
            year=np.asarray(disputes.year, float)[order],
            learnt=known[order],
        ),
        order,
    )


def outcome_cells(chances: np.ndarray) -> np.ndarray:
    """Fold rungs into levels and cells, shape (..., 5, 2, 2) to (..., 16).

    Rungs 3 and 4 are level 4; a war counts as answered.
    """
    cells = np.zeros((*chances.shape[:-3], 4, 2, 2))
    cells[..., :2, :, :] = chances[..., :2, :, :]
    cells[..., 2, :, :] = chances[..., 2, :, :] + chances[..., 3, :, :]
    cells[..., 3, 1, :] = chances[..., 4, :, :].sum(axis=-2)
    return cells.reshape(*chances.shape[:-3], N_CELLS)
