"""The one registry of model parameters.

Every constant of the model stands here once, with its unit, prior, source and a mark that
says how it was come by:

``read``
    printed in the named source;
``computed``
    computed by us from the named data;
``judgement``
    neither: our own estimate, to be argued with.

A study file may override the prior or default of any of them (``parameters:``) and may
add its own as inline priors (an onset rate, a stake), which join the registry of that
study under the key where they stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from escalation.errors import InputError
from escalation.parameters.priors import (
    Beta,
    Fixed,
    LogNormal,
    Normal,
    Prior,
    TruncatedNormal,
    Uniform,
)

Mark = Literal["read", "computed", "judgement"]
MARKS = ("read", "computed", "judgement")


@dataclass(frozen=True)
class Parameter:
    """One named constant of the model.

    Attributes
    ----------
    name : str
        Name in code, study files and results.
    symbol : str
        Symbol in ``MODEL.md``.
    meaning : str
        What it is, in one line.
    unit : str
        Unit; ``1`` for a pure number, ``V`` for the stake unit, which a study names.
    default : float
        Value of a run at defaults.
    prior : Prior
        Distribution over parameter draws.
    low, high : float
        Bounds, both finite; a drawn value outside them is clipped.
    source : str
        Where the value comes from.
    mark : {"read", "computed", "judgement"}
        How it was come by.
    claim : str
        The claim or mechanism that it serves.
    rule : str
        The decision rule that alone reads it; empty where every rule does.
    """

    name: str
    symbol: str
    meaning: str
    unit: str
    default: float
    prior: Prior
    source: str
    mark: Mark
    claim: str
    low: float = -inf
    high: float = inf
    rule: str = ""

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """Return quantiles of the prior, clipped to the bounds; the default if it is fixed.

        Raises
        ------
        InputError
            If a quantile is not a number, as with a beta prior of extreme shape.

        Examples
        --------
        >>> REGISTRY["grave_share"].quantile(np.array([0.05, 0.95])).round(3)
        array([0.079, 0.318])
        """
        u = np.asarray(u, float)
        if isinstance(self.prior, Fixed):
            return np.full_like(u, self.default)
        with np.errstate(over="ignore"):  # a wide prior may overflow on its way to the bounds
            values = self.prior.quantile(u)
        if np.isnan(values).any():
            raise InputError(
                f"parameter {self.name}: its prior {self.prior.describe()} has no quantile "
                f"at {u[np.isnan(values)].flat[0]:g}"
            )
        return np.clip(values, self.low, self.high)


LIMITS = MappingProxyType({
    "1": 1_000.0, "V": 100.0, "1/V": 1_000.0, "challenger = 1": 100.0,
    "day": 3_650.0, "1/day": 100.0, "year": 100.0, "1/year": 100.0,
})
"""Largest size of a parameter by its unit: far beyond what anybody would defend, so that a slip
of the keyboard is refused where it is read, and near enough that no product of a few overflows."""


def _entry(
    *words: Any, low: float = 0.0, high: float = inf, rule: str = ""
) -> Parameter:
    """Return a parameter, given its fields from name to claim, within the limits of its unit."""
    limit = LIMITS[words[3]]
    bounds = max(low, -limit), min(high, limit)
    return Parameter(*words, *bounds, rule)  # type: ignore[call-arg]


def _ln(median: float, sigma: float) -> LogNormal:
    return LogNormal(median=median, sigma=sigma)


def _n(mean: float, sd: float) -> Normal:
    return Normal(mean=mean, sd=sd)


def _np(mean: float, sd: float) -> TruncatedNormal:
    return TruncatedNormal(mean=mean, sd=sd)


def _b(a: float, b: float) -> Beta:
    return Beta(a=a, b=b)


_OURS = "authors' judgement"
_J: Mark = "judgement"
_C: Mark = "computed"
_R: Mark = "read"
_MID = "COW Militarized Interstate Disputes 5.0"
_ICB = "International Crisis Behavior v14"

_DECISION = (
    _entry("choice_precision", "lambda", "precision of logit choice (quantal response)", "1/V",
           5.0, _ln(5, 0.4), _OURS, _J, "all"),
    _entry("resolve_spread", "theta", "half-distance between the low and the high resolve type",
           "1", 0.5, Uniform(low=0.2, high=0.8), _OURS, _J, "selection", high=0.95),
    _entry("audience_cost", "a", "challenger's cost of withdrawing, share of its stake", "1",
           0.15, _ln(0.15, 0.4), _OURS, _J, "lock-in"),
    _entry("audience_slope", "a_r", "growth of the audience cost per rung, share", "1",
           0.25, _ln(0.25, 0.5), _OURS, _J, "lock-in"),
    _entry("holding_cost", "h", "challenger's cost of one more revision without a move, share of stake",
           "1", 0.02, _ln(0.02, 0.5), _OURS, _J, "duration"),
    _entry("salami_gain", "epsilon", "share of the stake that changes hands while neither side moves",
           "1", 0.10, _b(2, 18), _OURS, _J, "grey zone", high=1.0),
    _entry("concession_cost", "a_d", "defender's domestic cost of conceding", "V",
           0.15, _ln(0.15, 0.4), _OURS, _J, "domestic politics"),
    _entry("passivity_cost", "e_0", "defender's cost of not answering", "V",
           0.05, _ln(0.05, 0.5), f"{_MID}: reciprocation 0.5", _J, "reciprocity"),
    _entry("answer_after_1990", "b_90", "log-odds of matching after 1990", "1", 0.0, _n(0, 0.7),
           "direct coefficient, no mechanism behind it", _J, "reciprocity", low=-inf),
    _entry("moral_hazard", "m_h", "defender's extra gain from matching while the great power is uncommitted, "
           "share of its stake times the perceived chance that it fights", "1",
           0.05, _n(0.05, 0.1), "sign after Benson 2011; size judgement", _J, "emboldenment", low=-inf),
    _entry("restraint", "rho", "defender's loss from matching once the great power supports it, share of stake",
           "1", 0.10, _n(0.1, 0.1), "mechanism after Snyder 1984; size judgement", _J,
           "restraint", low=-inf),
    _entry("double_step", "j", "chance that an escalation below rung 4 jumps two rungs", "1",
           0.03, _b(2, 60), _OURS, _J, "ladder", high=1.0),
    _entry("nuclear_authorisation", "nu", "chance that a deliberate step beyond rung 6 is authorised",
           "1", 0.3, _b(3, 7), _OURS, _J, "nuclear", high=1.0),
)

_WAR = (
    _entry("contest_exponent", "m", "decisiveness of the power ratio in war", "1",
           1.5, _ln(1.5, 0.25), _OURS, _J, "power"),
    _entry("defender_multiplier", "delta", "advantage of the defending coalition", "1",
           1.2, _ln(1.2, 0.2), "direction: CSIS 2023 invasion wargame, most of 24 runs; size judgement",
           _J, "power"),
    _entry("challenger_war_cost", "C_5", "challenger's cost of war at rung 5", "V",
           0.8, _ln(0.8, 0.35), _OURS, _J, "deterrence"),
    _entry("defender_war_cost", "C_d", "defender's cost of war at rung 5", "V",
           1.2, _ln(1.2, 0.3), _OURS, _J, "concession"),
    _entry("trade_loss", "tau", "challenger's loss of trade in a war with the whole coalition", "V",
           0.3, _ln(0.3, 0.5), "order of China's trade with the coalition, BACI 2023", _J, "trade"),
    _entry("trade_loss_us_share", "tau_us", "share of that loss which the great power brings", "1",
           0.6, _b(9, 6), _OURS, _J, "trade", high=1.0),
    _entry("trade_loss_saturation", "K_tau", "allied power at which the rest of the loss is complete",
           "challenger = 1", 0.5, _ln(0.5, 0.4), _OURS, _J, "trade", low=0.01),
    _entry("nuclear_shadow", "eta", "challenger's expected nuclear loss at rung 5 if the great power fights", "V",
           0.5, _ln(0.5, 0.6), _OURS, _J, "nuclear"),
    _entry("war_risk_clash", "omega_4", "perceived risk of war at rung 4", "1",
           0.20, _b(4, 16), f"{_ICB}: 0.167 of crises 1946-2017 reach full-scale war", _C,
           "ladder", high=1.0),
    _entry("war_risk_ratio", "zeta", "ratio of perceived war risk between neighbouring rungs", "1",
           4.0, _ln(4, 0.25), f"{_MID}: order of use-to-war against display-to-use", _J, "ladder",
           low=1.0),
    _entry("war_termination_scale", "w", "scale of the daily rate at which a war ends", "1",
           1.0, _ln(1, 0.5), _OURS, _J, "war"),
    _entry("war_termination_rate", "w_0", "daily rate at which a war ends, before the scale", "1/day",
           1 / 90, Fixed(), _OURS, _J, "war"),
)

_ONSET = (
    _entry("routine_stake_share", "x", "stake of a routine dispute, share of the full stake", "1",
           0.10, _b(3, 27), f"{_MID} war share 0.017 against {_ICB} 0.167", _J, "base rate", high=1.0),
    _entry("grave_share", "gamma", "share of disputes that are grave", "1",
           0.18, _b(5, 22), f"{_ICB} crises over {_MID} disputes", _J, "base rate", high=1.0),
    _entry("onset_response_routine", "phi_r", "response of routine onset to the opening value", "1/V",
           0.3, _n(0.3, 0.5), f"{_MID} and ATOP 5.1: umbrella odds ratio of initiation 1.07", _J,
           "general deterrence", low=-inf),
    _entry("onset_response_grave", "phi_g", "response of grave onset to the opening value", "1/V",
           5.0, _np(4, 2.5), f"{_MID} and ATOP 5.1: umbrella odds ratio of war 0.19; sign disputed", _J,
           "general deterrence"),
    _entry("aftershock_branching", "n_br", "expected aftershocks per dispute", "1",
           0.25, _b(3, 9), f"{_ICB}: a crisis recurs within five years in 0.45 of cases", _J,
           "tension", high=0.9),
    _entry("tension_decay_years", "tau_T", "e-folding time of tension after a dispute", "year",
           1.0, _ln(1, 0.4), _OURS, _J, "tension", low=0.05),
    _entry("opening_threat", "o_1", "chance that a dispute opens at rung 1", "1",
           0.25, _b(2, 6), f"{_MID}: few disputes stay at the threat of force", _J, "ladder", high=1.0),
    _entry("opening_force", "o_3", "chance that any other dispute opens at rung 3 instead of rung 2, "
           "between equals before 1990", "1", 0.33, _b(2, 4),
           f"{_MID}: many disputes are one incident with force", _J, "ladder", low=0.001, high=0.999),
    _entry("opening_resolve", "o_theta", "log-odds of opening at rung 3 gained by a challenger of high "
           "resolve, lost by one of low", "1", 0.3, _n(0.3, 0.5), _OURS, _J, "selection", low=-inf),
    _entry("opening_capability", "o_K", "log of the challenger's capability over the defender's to the "
           "log-odds of opening at rung 3 instead of rung 2", "1", 0.0, _n(0, 0.3),
           "direct coefficient, no mechanism behind it", _J, "ladder", low=-inf),
    _entry("opening_after_1990", "o_90", "log-odds of opening at rung 3 instead of rung 2 after 1990", "1",
           0.0, _n(0, 0.7), "direct coefficient, no mechanism behind it", _J, "ladder", low=-inf),
    _entry("provocation_stake", "psi_V", "encirclement to the challenger's stake", "1",
           0.0, _n(0, 0.2), "neutral: the claim's sign is disputed; the premise pacts_provoke "
           "centres it at 0.15", _J, "provocation", low=-inf),
    _entry("provocation_onset", "psi_h", "encirclement to the onset hazard", "1",
           0.0, _n(0, 0.4), "neutral: the claim's sign is disputed; the premise pacts_provoke "
           "centres it at 0.3", _J, "provocation", low=-inf),
)

_CRISIS = (
    _entry("challenger_revision_days", "tau_rev", "mean time between the challenger's revisions", "day",
           45.0, _ln(45, 0.4), f"{_ICB}: median crisis 74 days", _J, "duration", low=0.1),
    _entry("defender_revision_days", "tau_rd", "mean time between the defender's revisions", "day",
           12.0, _ln(12, 0.4), f"{_MID}: 8 days between incidents", _J, "reciprocity", low=0.1),
    _entry("incident_scale", "inc", "scale of the incident rates at rungs 1 to 5", "1",
           1.0, _ln(1, 0.5), f"{_MID} incidents", _J, "chance"),
    _entry("incident_reciprocated", "inc_2", "factor on the incident rate after a reciprocated move", "1",
           2.0, _ln(2, 0.3), _OURS, _J, "chance"),
    _entry("inadvertent_scale", "inc_n", "scale of the inadvertent rates at rungs 6 to 8", "1",
           1.0, _ln(1, 0.8), _OURS, _J, "inadvertent escalation"),
    _entry("settlement_scale", "s", "scale of the settlement rates at rungs 1 to 4", "1",
           0.5, _ln(0.5, 0.35), f"{_MID} and {_ICB} durations", _J, "mediation"),
    _entry("settlement_frailty", "f", "log-spread of the settlement rate between crises", "1",
           1.8, _ln(1.8, 0.2), f"{_MID}: mean 158 over median 29 days", _J, "duration"),
    _entry("spiral_scale", "chi", "scale of the chance that a match moves the crisis up", "1",
           1.0, _ln(1, 0.5), f"{_MID} incidents", _J, "spiral"),
)

_ALLIANCE = (
    _entry("joining_intercept", "a_0", "log-odds intercept of fighting", "1",
           -1.0, _n(-1, 0.9), "between Berkemeier and Fuhrmann 2018 (0.22 after 1945) and Leeds, Long "
           "and Mitchell 2000 (0.75)", _J, "reliability", low=-inf),
    _entry("support_intercept", "sup_0", "log-odds of support at rung 4 relative to fighting", "1",
           -1.0, _n(-1, 0.5), f"{_MID}: joining 0.055 to 0.27", _J, "support", low=-inf),
    _entry("support_shift", "sup_1", "log-odds shift of support at rung 4", "1",
           1.2, _n(1.2, 0.4), _OURS, _J, "support", low=-inf),
    _entry("support_slope", "sup_r", "log-odds of support lost per rung below 4", "1",
           1.2, _n(1.2, 0.4), _OURS, _J, "support", low=-inf),
    _entry("support_commitment", "supp", "log-odds of fighting gained by having supported", "1",
           1.0, _n(1, 0.5), _OURS, _J, "signal", low=-inf),
    _entry("bindingness_effect", "a_T", "bindingness to the log-odds of joining", "1",
           2.5, _n(2.2, 1.2), _OURS, _J, "binding mandate", low=-inf),
    _entry("treaty_below_attack", "c_r", "treaty weight below the armed-attack rung", "1",
           0.4, _b(8, 12), _OURS, _J, "armed-attack clause", high=1.0),
    _entry("stake_effect", "a_S", "stake to the log-odds of joining", "1",
           2.0, _ln(2, 0.3), _OURS, _J, "interest"),
    _entry("dependence_effect", "a_D", "trade dependence on the challenger to staying out", "1",
           3.0, _np(3, 1.5), "trade dependence: BACI 2023; size judgement", _J, "trade"),
    _entry("partner_effect", "a_P", "trade dependence on partners other than the challenger to joining", "1",
           0.5, _n(0.5, 0.5), "trade dependence: BACI 2023; size judgement", _J, "trade", low=-inf),
    _entry("alignment_effect", "a_L", "alignment with the challenger to staying out", "1",
           1.5, _np(1.5, 0.75), "UN ideal points 2024; size judgement", _J, "hands tied"),
    _entry("forced_choice", "forced", "bindingness to the weight of trade dependence", "1",
           1.0, _n(1, 1), _OURS, _J, "forced choice", low=-inf),
    _entry("type_gap", "d", "log-odds distance of staunch and wavering from the middle", "1",
           1.2, _ln(1.2, 0.3), _OURS, _J, "belief"),
    _entry("chain_ganging", "chain", "pull of allies already in, per unit of bindingness", "1",
           1.0, _np(1, 0.8), "mechanism after Christensen and Snyder 1990", _J, "chain-ganging"),
    _entry("buck_passing", "buck", "push of allies already in, per unit of looseness", "1",
           0.6, _np(0.6, 0.6), "mechanism after Christensen and Snyder 1990", _J, "buck-passing"),
    _entry("chain_share_some", "n_1", "share of coalition power already in that counts as some", "1",
           0.15, _b(6, 34), _OURS, _J, "chain-ganging", high=1.0),
    _entry("chain_share_most", "n_2", "share of coalition power already in that counts as most", "1",
           0.5, _b(10, 10), _OURS, _J, "chain-ganging", high=1.0),
    _entry("reliability", "rel", "chance that a third party is staunch", "1",
           0.5, _b(2.5, 2.5), "Berkemeier and Fuhrmann 2018: 0.50 honoured 1816-2003", _C,
           "reliability", low=0.01, high=0.99),
    _entry("credibility", "cred", "perceived over actual effect of bindingness", "1",
           1.0, _ln(1, 0.35), _OURS, _J, "credibility"),
    _entry("misperception", "misp", "spread of the challenger's error about a party's type", "1",
           0.5, _ln(0.5, 0.4), _OURS, _J, "misperception"),
    _entry("war_decision_days", "T_w", "time within which help still decides a war", "day",
           40.0, _ln(40, 0.5), _OURS, _J, "delay", low=0.1),
    _entry("binding_shift", "beta", "log-odds by which texts bind more than the study states, common to "
           "all of them", "1", 0.0, _n(0, 0.4), _OURS, _J, "binding mandate", low=-inf),
    _entry("delay_scale", "delay_s", "common scale of the decision delays", "1",
           1.0, _ln(1, 0.3), _OURS, _J, "delay", low=0.01),
    _entry("pact_dilution", "dil", "log-odds of bindingness lost by each further pact that binds the same "
           "state: shared responsibility loosens, or overlapping promises reinforce one another", "1",
           0.0, _n(0, 0.2), "neutral: both signs are argued", _J, "lattice", low=-inf),
    _entry("pact_coordination", "coo", "log of the decision delay gained by each further pact that binds "
           "the same state: more capitals to consult, or more channels", "1",
           0.0, _n(0, 0.2), "neutral: both signs are argued", _J, "lattice", low=-inf),
    _entry("coverage_nonmember", "cov", "share of a pact's bindingness that reaches a state that is no "
           "member", "1", 0.6, _b(2, 1.5), _OURS, _J, "coverage", high=1.0),
    _entry("patron_realisation", "usw", "share of the bindingness added by a pact that the great power "
           "realises", "1", 0.8, _b(4, 1.5), _OURS, _J, "too early", high=1.0),
    _entry("access_share", "alpha", "share of the great power's projected power that needs the host's bases", "1",
           0.45, _b(4, 5), "CSIS 2023 wargame: Japanese bases indispensable; size judgement", _J,
           "base access", high=1.0),
    _entry("veto_scale", "dom", "common scale of the actors' domestic veto", "1",
           1.0, _ln(1, 0.4), _OURS, _J, "coalition government"),
    _entry("wedge_probability", "p_w", "chance that a grave crisis opens with economic coercion", "1",
           0.5, _b(3, 3), _OURS, _J, "wedge", high=1.0),
    _entry("wedge_strength", "wedge", "coercion to staying out, per unit of trade dependence", "1",
           2.0, _ln(2, 0.5), _OURS, _J, "wedge"),
    _entry("wedge_cost", "c_w", "challenger's running cost of coercion, share of its stake", "1",
           0.03, _ln(0.03, 0.5), _OURS, _J, "wedge"),
    _entry("reputation", "rep", "log-odds of being thought staunch per share of power that fought "
           "beyond expectation", "1", 0.2, _n(0.2, 0.3), _OURS, _J, "reputation", low=-inf),
    _entry("sharing_shadow", "eta_s", "factor of nuclear sharing on the nuclear shadow", "1",
           1.0, _ln(1, 0.2), "Fuhrmann and Sechser 2014: stationing adds no deterrence", _J,
           "nuclear sharing"),
    _entry("sharing_inadvertent", "inc_s", "factor of nuclear sharing on the inadvertent rates", "1",
           1.3, _ln(1.3, 0.3), "no data; wide enough to hold no effect", _J, "nuclear sharing"),
    _entry("reclamation_incidents", "rec", "factor of island building on incidents at rungs 1 to 3", "1",
           1.5, _ln(1.5, 0.4), _OURS, _J, "reclamation"),
)

_RECORD = (
    _entry("dispute_stake", "V_g", "challenger's full stake in a dispute of the record, between states "
           "that do not touch, before 1990", "V", 0.3, _ln(0.3, 0.6), _OURS, _J, "generic dispute"),
    _entry("dispute_stake_ratio", "V_d/V", "defender's stake over the challenger's in such a dispute",
           "1", 1.5, _ln(1.5, 0.5), _OURS, _J, "generic dispute"),
    _entry("stake_land", "v_L", "log of the challenger's stake against a state with a common land border",
           "1", 0.3, _n(0.3, 0.5), _OURS, _J, "generic dispute", low=-inf),
    _entry("stake_sea", "v_S", "log of the challenger's stake against a state within 400 miles of sea",
           "1", 0.1, _n(0.1, 0.5), _OURS, _J, "generic dispute", low=-inf),
    _entry("ratio_land", "u_L", "log of the defender's stake over the challenger's, common land border",
           "1", 0.0, _n(0, 0.5), f"{_MID}: neighbours answer more often", _J, "generic dispute", low=-inf),
    _entry("ratio_allies", "u_A", "log of the defender's stake over the challenger's, per log of one plus "
           "the number of its allies", "1", 0.0, _n(0, 0.2), _OURS, _J, "generic dispute", low=-inf),
    _entry("ratio_decade", "u_10", "log of the defender's stake over the challenger's, per decade from "
           "1980", "1", 0.0, _n(0, 0.15), _OURS, _J, "generic dispute", low=-inf),
    _entry("stake_shared", "v_A", "log of the challenger's stake where the target's allies are its own too",
           "1", 0.0, _n(0, 0.5), _OURS, _J, "generic dispute", low=-inf),
    _entry("ratio_sea", "u_S", "log of the defender's stake over the challenger's, 400 miles of sea",
           "1", 0.0, _n(0, 0.5), _OURS, _J, "generic dispute", low=-inf),
    _entry("stake_after_1990", "v_90", "log of the stakes after 1990", "1",
           0.0, _n(0, 0.4), f"{_MID}: fewer uses of force after 1990", _J, "generic dispute", low=-inf),
    _entry("stake_china", "v_C", "log of the stakes where China challenges, pooled towards the world",
           "1", 0.0, _n(0, 0.3), _OURS, _J, "generic dispute", low=-inf),
    _entry("ally_stake", "S_g", "stake of an average ally in an average dispute", "1",
           0.25, _np(0.25, 0.15), _OURS, _J, "generic dispute"),
    _entry("ally_bindingness", "B_g", "bindingness of an average treaty of defence", "1",
           0.5, _b(6, 6), _OURS, _J, "generic dispute", high=1.0),
    _entry("ally_delay_days", "delay_g", "mean time to an ally's decision", "day", 7.0, Fixed(), _OURS, _J,
           "generic dispute", low=0.1),
    _entry("ally_number", "n_g", "log-odds of joining per log of the number of allies", "1",
           0.2, _n(0.2, 0.3), _OURS, _J, "generic dispute", low=-inf),
    _entry("crisis_opening_clash", "o_4", "chance that a crisis with a violent trigger opens at rung 4 "
           "instead of rung 3", "1", 0.33, _b(2, 4), _OURS, _J, "generic dispute", high=1.0),
    _entry("unseen_resolve", "s_g", "log-odds by which allies in disputes of the record are less likely to "
           "join than their opponents think: disputes are begun where allies will stay away", "1",
           2.0, _n(2, 1), f"{_MID}: 0.023 of disputes are joined by a defender of the target", _J,
           "generic dispute", low=-inf),
)

_YEARS = (
    _entry("turnover", "turn", "rate at which a government's type is redrawn", "1/year",
           0.15, _b(3, 17), "about one change of government in six years", _J, "turnover"),
    _entry("alignment_drift", "drift", "log-odds of joining lost per year at dependence 0.1", "1/year",
           0.02, _ln(0.02, 0.7), _OURS, _J, "drift"),
    _entry("exit_rate", "x_0", "rate of leaving a binding pact at zero dependence and stake", "1/year",
           0.01, _ln(0.01, 0.6), _OURS, _J, "exit"),
    _entry("exit_dependence", "x_D", "dependence times bindingness to the log of the exit rate", "1",
           4.0, _np(4, 2), _OURS, _J, "exit"),
    _entry("exit_stake", "x_S", "stake to the log of the exit rate, downwards", "1",
           2.0, _np(2, 1), _OURS, _J, "exit"),
)


def _ladder(
    prefix: str, symbol: str, meaning: str, unit: str,
    rungs_and_values: Iterable[tuple[int, float]], source: str, claim: str,
    sigma: float | None = None, **bounds: Any,
) -> tuple[Parameter, ...]:
    """Return one parameter a rung, each with a spread of its own; constants where there is none."""
    return tuple(
        _entry(f"{prefix}_{rung}", f"{symbol}_{rung}", f"{meaning} at rung {rung}", unit, value,
               Fixed() if sigma is None else _ln(value, sigma), source, _J, claim, **bounds)
        for rung, value in rungs_and_values
    )


_LADDER = (
    *_ladder("round_days", "d", "length of a round", "day",
             zip(range(1, 9), (10, 7, 7, 5, 7, 5, 2, 1), strict=True), _OURS, "ladder",
             low=0.125, high=365.0),
    *_ladder("incident_rate", "inc", "daily rate of incidents", "1/day",
             zip(range(1, 6), (0.002, 0.003, 0.0015, 0.0004, 0.008), strict=True),
             f"order of {_MID} incidents", "chance", 0.4),
    *_ladder("inadvertent_rate", "inc_n", "daily rate of inadvertent steps", "1/day",
             zip(range(6, 9), (0.008, 0.02, 0.03), strict=True), _OURS, "inadvertent escalation", 0.6),
    *_ladder("settlement_rate", "s", "daily rate of settlement", "1/day",
             zip(range(1, 5), (0.018, 0.016, 0.014, 0.010), strict=True),
             f"order of {_MID} durations", "mediation", 0.2),
    *_ladder("spiral_chance", "chi", "chance that a match moves the crisis up", "1",
             zip(range(1, 6), (0.10, 0.10, 0.08, 0.05, 0.05), strict=True),
             f"order of {_MID} incidents", "spiral", 0.3, high=1.0),
    *_ladder("challenger_cost_growth", "C", "challenger's war cost over that at rung 5", "1",
             zip(range(6, 10), (1.5, 2.0, 6.0, 40.0), strict=True), _OURS, "deterrence", 0.3),
    *_ladder("defender_cost_growth", "C_d", "defender's war cost over that at rung 5", "1",
             zip(range(6, 10), (1.5, 2.0, 3.0, 20.0), strict=True), _OURS, "concession", 0.3),
    *_ladder("shadow_growth", "N", "nuclear shadow over that at rung 5", "1",
             zip(range(6, 10), (1.5, 2.0, 4.0, 8.0), strict=True), _OURS, "nuclear", 0.3),
)

_TK = "Tversky and Kahneman 1992"

_PROSPECT = (
    _entry("loss_aversion", "lambda_-", "value of a loss over that of an equal gain", "1",
           2.25, _ln(1.95, 0.3), f"default {_TK}; prior about the mean 1.955 of 607 estimates, Brown, Imai, "
           "Vieider and Camerer 2024, wide enough for the 1.31 of Walasek, Mullett and Stewart 2024", _R,
           "prospect theory", low=0.5, high=5.0, rule="prospect_theory"),
    _entry("gain_curvature", "alpha_+", "exponent of the value of gains", "1",
           0.88, _n(0.88, 0.08), f"{_TK}; spread judgement", _R, "prospect theory",
           low=0.5, high=1.2, rule="prospect_theory"),
    _entry("loss_curvature", "alpha_-", "exponent of the value of losses", "1",
           0.88, _n(0.88, 0.08), f"{_TK}; spread judgement", _R, "prospect theory",
           low=0.5, high=1.2, rule="prospect_theory"),
    _entry("gain_weighting", "gamma_+", "exponent of the decision weights of gains", "1",
           0.61, _n(0.61, 0.1), f"{_TK}; spread judgement", _R, "prospect theory",
           low=0.3, high=1.0, rule="prospect_theory"),
    _entry("loss_weighting", "gamma_-", "exponent of the decision weights of losses", "1",
           0.69, _n(0.69, 0.1), f"{_TK}; spread judgement", _R, "prospect theory",
           low=0.3, high=1.0, rule="prospect_theory"),
    _entry("challenger_aspiration", "asp", "challenger's reference point, share of its stake that it counts "
           "as its own already: 0 the status quo, 1 all of it", "1", 0.3, _n(0.3, 0.4),
           "kinds of reference points after Butler 2007; size judgement", _J, "prospect theory",
           low=-1.0, high=1.5, rule="prospect_theory"),
)

REGISTRY = MappingProxyType({
    entry.name: entry
    for entry in (
        *_DECISION, *_WAR, *_ONSET, *_CRISIS, *_ALLIANCE, *_RECORD, *_YEARS, *_LADDER, *_PROSPECT
    )
})
"""Every parameter of the model by name, in the order of the model document."""
