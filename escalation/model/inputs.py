r"""The floating-point numbers of a block of cells, before they become integer tables.

One block is one flashpoint under one structure, in every draw. Joining log-odds before
type, coercion and drift, for party i at rung r with n in {0, 1, 2}:

.. math::
    x_i = \mathrm{base}_r + a_T c_r B_i + a_S\,\mathrm{stake}_i
          - a_D\,\mathrm{dep}_i (1 + \mathrm{forced}\, B_i) + a_P\,\mathrm{partner}_i
          + a_L \min(0, \mathrm{align}_i)
          + \tfrac n2 [\mathrm{chain}\, B_i - \mathrm{buck}(1 - B_i)],

base_r = a_0 from rung 5 and sup_0 + a_0 + sup_1 - sup_r (4 - r) below; c_r = 1 from rung 4, below
it the treaty weight under the armed-attack rung. The challenger perceives a_T times credibility.

Onset rates per year of class g, at the opening value U of the challenger,

.. math:: h_g = h_0 (1 - n_{br}) s_g e^{\psi_h (E - E_{ref})}\,
          e^{\phi_g U} / \langle e^{\phi_g U} \rangle_{ref}

where the mean is over types and first beliefs under the reference structure in the same
draw, so that h_0 is the rate observed today.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from escalation.contracts.codes import CLASH, N_RUNGS, WAR
from escalation.model import ladder
from escalation.model.alliance import Obligations, Values, by_party, obligations
from escalation.model.draws import Draws
from escalation.study.schema import Flashpoint, Structure, Study

DRIFT_UNIT = 0.1


class Inputs(NamedTuple):
    """Numbers of a block of cells; the first axis is the draw, P the party, R the rung.

    Costs and stakes are in V, times in days unless the name says otherwise.
    """

    choice_precision: np.ndarray
    resolve_spread: np.ndarray
    double_step: np.ndarray
    audience_cost: np.ndarray
    audience_slope: np.ndarray
    holding_cost: np.ndarray
    salami_gain: np.ndarray
    concession_cost: np.ndarray
    passivity_cost: np.ndarray
    moral_hazard: np.ndarray
    restraint: np.ndarray
    contest_exponent: np.ndarray
    defender_multiplier: np.ndarray
    trade_loss: np.ndarray
    trade_loss_us_share: np.ndarray
    trade_loss_saturation: np.ndarray
    wedge_cost: np.ndarray
    routine_stake_share: np.ndarray
    onset_response_routine: np.ndarray
    onset_response_grave: np.ndarray
    loss_aversion: np.ndarray
    gain_curvature: np.ndarray
    loss_curvature: np.ndarray
    gain_weighting: np.ndarray
    loss_weighting: np.ndarray
    challenger_aspiration: np.ndarray
    challenger_stake: np.ndarray
    defender_stake: np.ndarray
    defender_power: np.ndarray
    us_power: np.ndarray
    rest_power: np.ndarray
    access_share: np.ndarray
    onset_per_month: np.ndarray
    opening: np.ndarray
    answer_shift: np.ndarray
    war_risk: np.ndarray
    challenger_cost: np.ndarray
    defender_cost: np.ndarray
    shadow: np.ndarray
    spiral: np.ndarray
    power: np.ndarray
    joining: np.ndarray
    drift: np.ndarray
    wedge: np.ndarray
    discount: np.ndarray
    delay_days: np.ndarray
    veto: np.ndarray
    exit_rate: np.ndarray
    bindingness: np.ndarray
    staunch_logit: np.ndarray
    misperception: np.ndarray
    type_gap: np.ndarray
    support_commitment: np.ndarray
    great_power: int
    host: int


COPIED = tuple(Inputs._fields[: Inputs._fields.index("challenger_stake")])


def laid_out(x: Inputs) -> Inputs:
    """Return the same numbers, every array in C order.

    Compiled functions are compiled for each layout that they meet; a single draw, many draws and
    the disputes of the record would meet three.
    """
    fields: dict[str, Any] = x._asdict()
    arrays = {k: np.ascontiguousarray(v) for k, v in fields.items() if isinstance(v, np.ndarray)}
    return x._replace(**arrays)


def build_inputs(
    study: Study, flashpoint: Flashpoint, structure: Structure, draws: Draws
) -> Inputs:
    """Gather the numbers of one flashpoint under one structure, in every draw."""
    read = Values(draws)
    bonds = obligations(structure, flashpoint, draws)
    reference = obligations(study.structures[study.reference], flashpoint, draws)
    tension = bonds.encirclement - reference.encirclement
    stake = read.of(flashpoint.challenger_stake) * np.maximum(
        1.0 + draws["provocation_stake"] * tension, 0.0
    )
    parties = tuple(flashpoint.third_parties)
    great_power = parties.index(study.great_power) if study.great_power in parties else -1
    host = parties.index(flashpoint.base_host) if flashpoint.base_host in parties else -1
    power = by_party([read.of(flashpoint.third_parties[p].power) for p in parties], draws.n)
    rest = power.copy()
    if great_power >= 0:
        rest[:, great_power] = 0.0
    return laid_out(Inputs(
        **{name: draws[name] for name in COPIED},
        challenger_stake=stake,
        defender_stake=read.of(flashpoint.defender_stake),
        defender_power=read.of(flashpoint.defender_power),
        us_power=power[:, great_power] if great_power >= 0 else np.zeros(draws.n),
        rest_power=rest,
        access_share=draws["access_share"],
        onset_per_month=_onset_per_month(read, flashpoint, tension),
        # The studies look at today, so what changed after 1990 holds in full.
        opening=ladder.opening(draws, read.of(flashpoint.defender_power), 1.0),
        answer_shift=draws["answer_after_1990"],
        war_risk=ladder.war_risk(draws),
        challenger_cost=ladder.growth(
            draws, "challenger_cost_growth", draws["challenger_war_cost"]
        ),
        defender_cost=ladder.growth(draws, "defender_cost_growth", draws["defender_war_cost"]),
        shadow=ladder.growth(draws, "shadow_growth", _shadow(draws, bonds)),
        spiral=ladder.per_rung(draws, "spiral_chance", range(1, WAR + 1))
        * draws["spiral_scale"][:, None],
        power=power,
        **_joining_inputs(study, flashpoint, structure, read, bonds),
        great_power=great_power,
        host=host if host != great_power else -1,
    ))  # fmt: skip


def _shadow(draws: Draws, bonds: Obligations) -> np.ndarray:
    shadow = draws["nuclear_shadow"]
    return shadow * draws["sharing_shadow"] if bonds.nuclear_sharing else shadow


def _onset_per_month(read: Values, flashpoint: Flashpoint, tension: np.ndarray) -> np.ndarray:
    """Return the onset rate per month by class before the opening value, shape (draw, 2)."""
    draws = read.draws
    grave = draws["grave_share"]
    rate = read.of(flashpoint.onset_rate) / 12.0 * (1.0 - draws["aftershock_branching"])
    rate = rate * np.exp(draws["provocation_onset"] * tension)
    return rate[:, None] * np.stack([1.0 - grave, grave], axis=1)


def _joining_inputs(
    study: Study, flashpoint: Flashpoint, structure: Structure, read: Values, bonds: Obligations
) -> dict[str, np.ndarray]:
    """Return everything about third parties' decisions."""
    draws = read.draws
    parties = tuple(flashpoint.third_parties)
    facts = _facts(study, flashpoint, structure, read)
    dependence, stake = facts["dependence"], facts["stake"]
    stances = np.stack([bonds.bound, bonds.bilateral, np.zeros_like(bonds.bound)], axis=1)
    # (1 + forced B) may turn negative under the prior; dependence never attracts.
    weight = np.maximum(1.0 + draws["forced_choice"][:, None, None] * stances, 0.0)
    veto = np.clip(draws["veto_scale"][:, None] * facts["veto"], 0.0, 0.95)
    delay = bonds.delay_days * (1.0 + veto)[:, None]
    binding = bonds.member & (bonds.bound >= 0.5) & (bonds.bound > bonds.bilateral)
    exit_rate = draws["exit_rate"][:, None] * np.exp(
        draws["exit_dependence"][:, None] * dependence * bonds.bound
        - draws["exit_stake"][:, None] * stake
    )
    return {
        "joining": joining_log_odds(draws, stances, weight, facts),
        "drift": draws["alignment_drift"][:, None, None]
        * dependence[:, None]
        / DRIFT_UNIT
        * weight,
        "wedge": draws["wedge_strength"][:, None] * dependence,
        "discount": (1.0 - veto)[:, None]
        / (1.0 + delay / draws["war_decision_days"][:, None, None]),
        "delay_days": delay,
        "veto": veto,
        "exit_rate": np.where(binding, exit_rate, 0.0),
        "bindingness": stances[:, :2],
        "staunch_logit": np.log(draws["reliability"] / (1 - draws["reliability"]))[:, None]
        + _staunch_shift(study, structure, parties, read),
        "misperception": draws["misperception"],
        "type_gap": draws["type_gap"],
        "support_commitment": draws["support_commitment"],
    }


def _facts(
    study: Study, flashpoint: Flashpoint, structure: Structure, read: Values
) -> dict[str, np.ndarray]:
    """Return what the study says of each third party, arrays of shape (draw, party)."""
    columns: dict[str, list[np.ndarray]] = {
        "dependence": [],
        "partner": [],
        "alignment": [],
        "stake": [],
        "veto": [],
    }
    for name, party in flashpoint.third_parties.items():
        actor = study.actors[name]
        trade = {k: read.of(v) for k, v in actor.trade_dependence.items() if k != name}
        columns["dependence"].append(trade.pop(flashpoint.challenger, np.zeros(read.draws.n)))
        columns["partner"].append(sum(trade.values(), np.zeros(read.draws.n)))
        columns["alignment"].append(read.of(actor.alignment))
        override = structure.actors.get(name)
        scale = override.stake_scale if override and override.stake_scale is not None else 1.0
        columns["stake"].append(read.of(party.stake) * read.of(scale))
        columns["veto"].append(read.of(actor.domestic_veto))
    return {key: by_party(column, read.draws.n) for key, column in columns.items()}


def _staunch_shift(
    study: Study, structure: Structure, parties: tuple[str, ...], read: Values
) -> np.ndarray:
    shifts = []
    for name in parties:
        override = structure.actors.get(name)
        own = override.staunch_logit if override and override.staunch_logit is not None else None
        shifts.append(read.of(study.actors[name].staunch_logit if own is None else own))
    return by_party(shifts, read.draws.n)


def joining_log_odds(
    draws: Draws, stances: np.ndarray, weight: np.ndarray, facts: dict[str, np.ndarray]
) -> np.ndarray:
    """Return joining log-odds, shape (draw, view, stance, rung, already in, party)."""
    column = {
        name: draws[name][:, None, None]
        for name in (
            "bindingness_effect",
            "stake_effect",
            "dependence_effect",
            "partner_effect",
            "alignment_effect",
            "chain_ganging",
            "buck_passing",
            "credibility",
        )
    }
    fixed = (
        column["stake_effect"] * facts["stake"][:, None]
        - column["dependence_effect"] * facts["dependence"][:, None] * weight
        + column["partner_effect"] * facts["partner"][:, None]
        + column["alignment_effect"] * np.minimum(facts["alignment"], 0.0)[:, None]
    )
    herd = column["chain_ganging"] * stances - column["buck_passing"] * (1.0 - stances)
    treaty = column["bindingness_effect"] * stances
    views = np.stack([treaty, column["credibility"] * treaty], axis=1)
    already_in = np.arange(3)[:, None] / 2.0
    return (
        _rung_base(draws)[:, None, None, :, None, None]
        + _treaty_weight(draws)[:, None, None, :, None, None] * views[:, :, :, None, None]
        + fixed[:, None, :, None, None]
        + already_in * herd[:, None, :, None, None]
    )


def _rung_base(draws: Draws) -> np.ndarray:
    rungs = np.arange(N_RUNGS)
    fight = draws["joining_intercept"][:, None]
    support = (
        fight
        + draws["support_intercept"][:, None]
        + draws["support_shift"][:, None]
        - draws["support_slope"][:, None] * (CLASH - rungs)
    )
    return np.where(rungs >= WAR, fight, support)


def _treaty_weight(draws: Draws) -> np.ndarray:
    rungs = np.arange(N_RUNGS)
    return np.where(rungs >= CLASH, 1.0, draws["treaty_below_attack"][:, None])
