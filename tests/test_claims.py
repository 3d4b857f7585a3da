"""Every claim of the public debate is a mechanism: move its parameter and see its effect.

Effects are paired differences (same seed, same histories) beyond |t| = 5 with 23 degrees of
freedom, or inequalities between exact counts. Every claim has a negative control: with the
mechanism switched off, or where it does not apply, the counts are equal to the last one.
Unless a test says otherwise, all other parameters are at their defaults.
"""

from __future__ import annotations

import cells
import numpy as np
import pytest
from claim_tools import (
    HUB,
    LATTICE,
    LEVEL,
    NATO,
    RETRENCHMENT,
    SHOAL,
    SPRATLYS,
    TAIWAN,
    clashes,
    disputes,
    edited,
    ended,
    falls,
    fights,
    grave,
    great_power_wars,
    happened,
    incidents_below_clash,
    nuclear_uses,
    party,
    play,
    prior_range,
    reciprocated,
    rises,
    supports,
    t_of,
    total,
    trial,
    unlike,
    war_effect,
    wars,
    with_trade,
    without_dependence,
)

import escalation
from escalation.analysis.sweep import sweep_lines
from escalation.contracts.codes import (
    CLASH,
    END_CONCESSION,
    END_WITHDRAWAL,
    LOG_END,
    LOG_OPENING,
    WAR,
)
from escalation.contracts.tables import EXITED, IN_PACT
from escalation.model.draws import Draws
from escalation.report import format_show, format_sweep
from escalation.report.flips import line_text
from escalation.simulation.threads import log_trajectory
from escalation.study import Study
from escalation.study.quantity import Number
from escalation.study.schema import Structure

WITH_INDIA, SHARING = "asian_nato_with_india", "asian_nato_nuclear_sharing"


# A binding mandate deters an attacker.


def test_bindingness_makes_allies_fight_and_deters() -> None:
    before, after = grave(bindingness_effect=0.0), grave()
    assert rises(before, after, fights("united_states"))
    assert rises(before, after, fights("japan"))
    assert falls(before, after, wars)


def test_binding_structure_makes_its_members_fight() -> None:
    for member in ("japan", "south_korea", "australia", "philippines"):
        assert rises(grave(), grave(structure=NATO), fights(member))
    assert falls(grave(), grave(structure=NATO), wars)


def test_bindingness_does_nothing_where_nobody_is_bound() -> None:
    assert cells.same(grave(SPRATLYS), grave(SPRATLYS, bindingness_effect=0.0))
    assert cells.same(grave(SPRATLYS), grave(SPRATLYS, credibility=3.0))


def test_credibility_deters_crisis_and_war() -> None:
    low, high = (trial(structure=NATO, credibility=c) for c in (0.5, 2.0))
    assert falls(low, high, happened("grave_crisis"))
    assert falls(low, high, happened("war"))


# A NATO-like pact is seen as a threat.


@pytest.mark.parametrize("name", ["provocation_stake", "provocation_onset"])
def test_encirclement_provokes_or_calms_by_the_sign(name: str) -> None:
    calm, neutral, provoked = (trial(structure=NATO, **{name: v}) for v in (-0.3, 0.0, 0.3))
    for measure in (disputes, happened("war")):
        assert rises(neutral, provoked, measure)
        assert falls(neutral, calm, measure)


def test_provoked_stake_shows_in_the_crisis_itself() -> None:
    assert rises(grave(structure=NATO), grave(structure=NATO, provocation_stake=0.3), wars)
    assert cells.same(grave(structure=NATO), grave(structure=NATO, provocation_onset=0.3))


@pytest.mark.parametrize("name", ["provocation_stake", "provocation_onset"])
def test_provocation_does_nothing_at_the_reference(name: str) -> None:
    assert cells.same(trial(), trial(**{name: 0.3}))


@pytest.mark.parametrize("name", [
    "provocation_stake", "provocation_onset", "moral_hazard", "restraint", "reputation",
    "forced_choice", "onset_response_routine",
])
def test_prior_holds_both_signs_where_the_sign_is_disputed(name: str) -> None:
    low, high = prior_range(name, 0.05, 0.95)
    assert low < 0.0 < high


def test_headline_prior_of_provocation_is_centred_on_no_effect(study: Study) -> None:
    rival = study.under("pacts_provoke")
    for name in ("provocation_stake", "provocation_onset"):
        assert study.parameters[name].quantile(np.array([0.5]))[0] == pytest.approx(0.0)
        assert rival.parameters[name].quantile(np.array([0.5]))[0] > 0.1


# It forces states to choose; dependent ones lean to China.


def test_forced_choice_keeps_dependent_members_out() -> None:
    low, high = grave(structure=NATO, forced_choice=0.0), grave(structure=NATO, forced_choice=3.0)
    for dependent in ("south_korea", "philippines"):
        assert falls(low, high, fights(dependent))
        assert falls(low, high, supports(dependent))
    # The less it depends on China, the less a state is torn.
    korea, us = (t_of(low, high, fights(a)) for a in ("south_korea", "united_states"))
    assert korea < us


def test_forced_choice_does_nothing_without_dependence_or_obligation(study: Study) -> None:
    independent = without_dependence(study)
    low, high = (
        edited(structure=NATO, study=independent, forced_choice=f) for f in (0.0, 3.0)
    )
    assert cells.same(low, high)
    assert cells.same(trial(SPRATLYS, forced_choice=0.0), trial(SPRATLYS, forced_choice=3.0))


def test_drift_loosens_dependent_members_over_the_years(study: Study) -> None:
    still, drifting = (trial(structure=NATO, alignment_drift=d) for d in (0.0, 0.2))
    for member in ("japan", "south_korea", "philippines"):
        assert falls(still, drifting, fights(member))
    first_year = cells.first_year(study)
    one, same = (
        edited(structure=NATO, study=first_year, alignment_drift=d) for d in (0.0, 0.2)
    )
    assert cells.same(one, same)


def test_members_leave_and_are_bound_as_before() -> None:
    # The pact is as quick as those outside it, so that leaving changes obligations alone.
    never, often = (trial(structure=NATO, exit_rate=x) for x in (0.0, 0.2))
    assert total(never, party("japan", "exited")) == 0
    assert total(often, party("japan", "exited")) > 1_000
    assert falls(never, often, fights("japan"))
    assert rises(never, often, happened("war"))
    assert falls(never, often, lambda t: party("japan", "abandoned")(t) / wars(t))
    pact, today = cells.compiled(TAIWAN, NATO), cells.compiled(TAIWAN, HUB)
    japan = list(cells.shipped_study().flashpoints[TAIWAN].third_parties).index("japan")
    after_exit = pact.decision[:, :, :, EXITED, :, :, japan]
    assert np.array_equal(after_exit, today.decision[:, :, :, IN_PACT, :, :, japan])
    assert not np.array_equal(after_exit, pact.decision[:, :, :, IN_PACT, :, :, japan])
    assert pact.bound[0, IN_PACT, japan] == 1
    assert pact.bound[0, EXITED, japan] == 0


def test_dependence_drives_exit(study: Study) -> None:
    tied = with_trade(study, "south_korea", china=0.6)
    before = edited(SHOAL, NATO)
    after = edited(SHOAL, NATO, study=tied)
    assert rises(before, after, party("south_korea", "exited", SHOAL))
    assert t_of(before, after, party("australia", "exited", SHOAL)) == 0.0


def test_nobody_leaves_where_there_is_no_pact() -> None:
    assert cells.same(trial(), trial(exit_rate=5.0))


# India refused.


def test_india_fights_where_it_is_a_member() -> None:
    without, with_ = grave(structure=NATO), grave(structure=WITH_INDIA)
    assert rises(without, with_, fights("india"))
    assert rises(without, with_, supports("india"))


def test_membership_is_all_that_tells_the_two_pacts_apart(study: Study) -> None:
    structure = study.structures[WITH_INDIA]
    (pact,) = structure.pacts
    (plain,) = study.structures[NATO].pacts
    members = {name: member for name, member in pact.members.items() if name != "india"}
    left = pact.model_copy(update={
        "members": members,
        "decision_delay_days": plain.decision_delay_days,
        "encirclement": plain.encirclement,
    })
    left_alone = structure.model_copy(update={"pacts": (left,)})
    assert cells.same(trial(structure=NATO), edited(structure=left_alone))


# Korea and the Philippines gain protection, and risk trade.


def test_the_philippines_gain_protection() -> None:
    stake = {f"{SHOAL}.challenger_stake": 1.0}  # so that there are wars to look at
    before, after = grave(SHOAL, HUB, **stake), grave(SHOAL, NATO, **stake)
    for ally in ("japan", "south_korea", "australia"):
        assert rises(before, after, fights(ally, SHOAL))


def test_korea_risks_its_trade(study: Study) -> None:
    before = grave(structure=NATO)
    tied = edited(structure=NATO, study=with_trade(study, "south_korea", china=0.5),
                  disputes="grave")
    partner = edited(structure=NATO, disputes="grave",
                     study=with_trade(study, "south_korea", united_states=0.9, japan=0.9))
    assert falls(before, tied, fights("south_korea"))
    assert falls(before, tied, supports("south_korea"))
    assert rises(before, partner, supports("south_korea"))


def test_trade_does_nothing_without_its_effect(study: Study) -> None:
    tied = with_trade(study, "south_korea", china=0.5, united_states=0.9)
    off = {"dependence_effect": 0.0, "partner_effect": 0.0, "wedge_strength": 0.0,
           "alignment_drift": 0.0, "exit_dependence": 0.0}
    assert cells.same(edited(structure=NATO, **off), edited(structure=NATO, study=tied, **off))


# Thailand's and Cambodia's hands are tied.


def test_thailand_and_cambodia_hardly_ever_fight_but_may(study: Study) -> None:
    for structure in study.structures:
        played = grave(structure=structure)
        for actor, at_most in (("thailand", 0.10), ("cambodia", 0.03)):
            share = total(played, party(actor, "fought")) / total(played, wars)
            assert 0.0 < share < at_most
            assert all(actor in f.third_parties for f in study.flashpoints.values())


def test_dependence_and_alignment_tie_their_hands() -> None:
    tied = grave(structure=NATO)
    for name in ("dependence_effect", "alignment_effect"):
        for actor in ("thailand", "cambodia"):
            assert rises(tied, grave(structure=NATO, **{name: 0.0}), fights(actor))


def test_alignment_does_nothing_for_those_who_lean_to_washington(study: Study) -> None:
    names = [a for a in study.flashpoints[TAIWAN].third_parties
             if study.actors[a].alignment.at(study.defaults()) >= 0.0]
    assert {"united_states", "japan", "south_korea", "australia"} <= set(names)
    flashpoint = cells.with_parties(study.flashpoints[TAIWAN], *names)
    assert cells.same(edited(flashpoint), edited(flashpoint, alignment_effect=0.0))


# Vietnam builds up islands in the Spratlys.


def test_reclamation_gives_occasion_for_incidents(study: Study) -> None:
    assert study.flashpoints[SPRATLYS].defender == "vietnam"
    before, after = (trial(SPRATLYS, reclamation_incidents=r) for r in (1.0, 2.0))
    assert rises(before, after, incidents_below_clash)
    assert rises(before, after, clashes)
    assert cells.same(*(trial(SHOAL, reclamation_incidents=r) for r in (1.0, 2.0)))


def test_nobody_is_bound_to_vietnam(study: Study) -> None:
    stake = {f"{SPRATLYS}.challenger_stake": 1.0}
    for structure in (HUB, NATO):
        played = grave(SPRATLYS, structure, **stake)
        assert total(played, wars) > 1_000
        assert played.party[:, 3:5].sum() == 0  # entrapped, abandoned
    bound = unlike(study, "flashpoints", SPRATLYS, commitment_scale=Number(value=1.0))
    played = edited(SPRATLYS, HUB, study=bound, disputes="grave", **stake)
    assert total(played, party("united_states", "entrapped", SPRATLYS)) > 0
    assert total(played, party("united_states", "abandoned", SPRATLYS)) > 0


# Japan governs in coalition.


def test_domestic_veto_keeps_japan_out(study: Study) -> None:
    free = unlike(study, "actors", "japan", domestic_veto=Number(value=0.0))
    before, after = edited(study=free, disputes="grave"), grave()
    assert total(before, party("japan", "vetoed")) == 0
    assert total(before, party("south_korea", "vetoed")) > 0
    assert total(after, party("japan", "vetoed")) > 1_000
    assert falls(before, after, fights("japan"))
    assert rises(before, after, wars)
    assert cells.same(trial(veto_scale=0.0), edited(study=free, veto_scale=0.0))


def test_domestic_veto_delays_japan(study: Study) -> None:
    free = unlike(study, "actors", "japan", domestic_veto=Number(value=0.0))
    japan = list(study.flashpoints[TAIWAN].third_parties).index("japan")
    quick, slow = cells.compiled(study=free).resolve, cells.compiled().resolve
    assert (slow[..., japan] < quick[..., japan]).all()
    others = np.arange(slow.shape[-1]) != japan
    assert np.array_equal(slow[..., others], quick[..., others])


# The Philippines opened four more bases.


def test_us_power_depends_on_the_host(study: Study) -> None:
    before, after = grave(access_share=0.0), grave(access_share=0.9)
    assert rises(before, after, wars)  # a weaker umbrella deters less
    assert rises(before, after, great_power_wars)


def test_the_host_decides(study: Study) -> None:
    willing = unlike(study, "actors", "japan", staunch_logit=Number(value=6.0),
                     domestic_veto=Number(value=0.0))
    unwilling = unlike(study, "actors", "japan", staunch_logit=Number(value=-6.0))
    cost = [
        t_of(edited(study=s, disputes="grave", access_share=0.0),
             edited(study=s, disputes="grave", access_share=0.9), wars)
        for s in (willing, unwilling)
    ]
    assert cost[1] > LEVEL
    assert cost[0] < cost[1]


def test_bases_in_the_philippines_count_in_the_south_china_sea(study: Study) -> None:
    assert study.flashpoints[SPRATLYS].base_host == "philippines"
    before, after = (grave(SPRATLYS, access_share=a) for a in (0.0, 0.9))
    # Wars are rare there; what the umbrella loses shows in clashes and in what Vietnam gives up.
    assert rises(before, after, clashes)
    assert rises(before, after, ended(END_CONCESSION))
    host = study.flashpoints[TAIWAN].model_copy(update={"base_host": "philippines"})
    assert rises(grave(), edited(host, disputes="grave"), wars)  # a less willing host than Japan


def test_access_does_nothing_where_the_host_is_attacked_or_absent(study: Study) -> None:
    assert study.flashpoints[SHOAL].base_host == study.flashpoints[SHOAL].defender
    assert cells.same(trial(SHOAL, access_share=0.0), trial(SHOAL, access_share=0.9))
    nowhere = study.flashpoints[TAIWAN].model_copy(update={"base_host": None})
    assert cells.same(edited(nowhere, access_share=0.0), edited(nowhere, access_share=0.9))


# Nuclear sharing may come with it.


def test_nuclear_sharing_scales_shadow_and_inadvertent_risk() -> None:
    low, high = (grave(structure=SHARING, sharing_shadow=s) for s in (0.7, 1.4))
    assert falls(low, high, wars)
    low, high = (grave(structure=SHARING, sharing_inadvertent=i) for i in (1.0, 3.0))
    assert rises(low, high, nuclear_uses)
    assert t_of(low, high, wars) == 0.0  # only steps from rung 6 on are inadvertent


def test_nuclear_sharing_is_uncertain_around_no_effect() -> None:
    for name in ("sharing_shadow", "sharing_inadvertent"):
        low, high = prior_range(name, 0.05, 0.95)
        assert low < 1.0 < high
    neutral = trial(structure=SHARING, sharing_shadow=1.0, sharing_inadvertent=1.0)
    assert cells.same(trial(structure=NATO), neutral)
    assert cells.same(trial(structure=NATO), trial(structure=NATO, sharing_inadvertent=3.0))


# Flexible minilaterals adapt quickly.


def slowed(study: Study, structure: str, days: float) -> Structure:
    """Return a structure whose pacts take so many days to decide."""
    pacts = tuple(
        pact.model_copy(update={"decision_delay_days": Number(value=days)})
        for pact in study.structures[structure].pacts
    )
    return study.structures[structure].model_copy(update={"pacts": pacts})


def test_quick_minilaterals_fight_in_time_and_deter(study: Study) -> None:
    quick, slow = grave(structure=LATTICE), edited(structure=slowed(study, LATTICE, 30.0),
                                                   disputes="grave")
    for ally in ("united_states", "japan"):
        assert falls(quick, slow, fights(ally))
    assert rises(quick, slow, wars)


def test_delay_of_a_binding_pact() -> None:
    quick, slow = (grave(structure=NATO, **{cells.PACT_DELAY: d}) for d in (5.0, 30.0))
    assert falls(quick, slow, fights("united_states"))
    assert rises(quick, slow, wars)
    assert cells.same(grave(), grave(**{cells.PACT_DELAY: 30.0}))


def test_treaty_weighs_less_below_the_armed_attack() -> None:
    low, high = (grave(treaty_below_attack=c) for c in (0.0, 1.0))
    assert rises(low, high, supports("united_states"))
    assert rises(low, high, supports("japan"))
    assert cells.same(grave(SPRATLYS), grave(SPRATLYS, treaty_below_attack=1.0))
    tables = [cells.compiled(draws=cells.defaults(treaty_below_attack=c)) for c in (0.0, 1.0)]
    below, from_attack = (slice(0, 3), slice(3, 6))
    decisions = [t.decision[0, :, :, IN_PACT] for t in tables]
    assert np.array_equal(*(d[:, :, from_attack] for d in decisions))
    assert not np.array_equal(*(d[:, :, below] for d in decisions))


def test_coverage_carries_the_pact_to_taiwan() -> None:
    low, high = (grave(structure=NATO, coverage_nonmember=c) for c in (0.2, 1.0))
    assert rises(low, high, fights("japan"))
    assert falls(low, high, wars)
    assert cells.same(*(trial(SHOAL, NATO, coverage_nonmember=c) for c in (0.2, 1.0)))


# Washington finds it too early.


def test_washington_may_not_realise_what_it_signs() -> None:
    low, high = (grave(structure=NATO, patron_realisation=r) for r in (0.0, 1.0))
    assert rises(low, high, fights("united_states"))
    assert falls(low, high, wars)
    assert cells.same(trial(patron_realisation=0.0), trial(patron_realisation=1.0))


def test_retrenchment_takes_the_us_out(study: Study) -> None:
    before, after = trial(), trial(structure=RETRENCHMENT)
    assert falls(before, after, fights("united_states"))
    assert falls(before, after, happened("great_power_war"))
    assert rises(before, after, happened("war"))
    assert rises(before, after, ended(END_CONCESSION))


def test_retrenchment_is_about_the_us_alone(study: Study) -> None:
    mood = {"actors": study.structures[RETRENCHMENT].actors}
    weary = study.structures[HUB].model_copy(update=mood)
    assert falls(grave(), edited(structure=weary, disputes="grave"), fights("united_states"))
    others = [a for a in study.flashpoints[TAIWAN].third_parties if a != "united_states"]
    flashpoint = cells.with_parties(study.flashpoints[TAIWAN], *others)
    assert cells.same(edited(flashpoint), edited(flashpoint, structure=weary))


# China warns and uses economic leverage.


def test_coercion_keeps_dependent_states_out() -> None:
    low, high = (grave(structure=NATO, wedge_probability=1.0, wedge_strength=w) for w in (0.0, 4.0))
    for dependent in ("japan", "south_korea", "philippines"):
        assert falls(low, high, supports(dependent))
        assert falls(low, high, fights(dependent))
    assert rises(low, high, wars)
    lost = {
        actor: 1.0 - total(high, supports(actor)) / total(low, supports(actor))
        for actor in ("united_states", "japan", "south_korea")
    }
    assert lost["united_states"] < lost["japan"] < lost["south_korea"]


def test_coercion_costs_china() -> None:
    low, high = (grave(structure=NATO, wedge_probability=1.0, wedge_cost=c) for c in (0.0, 0.2))
    assert rises(low, high, ended(END_WITHDRAWAL))
    assert falls(low, high, wars)


def test_nothing_is_paid_or_lost_without_coercion() -> None:
    plain = grave(structure=NATO, wedge_probability=0.0)
    assert plain.total[:, 0].sum() == 0
    for name, value in (("wedge_strength", 4.0), ("wedge_cost", 0.2)):
        assert cells.same(plain, grave(structure=NATO, wedge_probability=0.0, **{name: value}))


# Embolden and restrain.


def test_moral_hazard_and_restraint_pull_the_defender_apart() -> None:
    for name, measure_up in (("moral_hazard", rises), ("restraint", falls)):
        none, some = grave(**{name: 0.0}), grave(**{name: 0.2})
        assert measure_up(none, some, reciprocated)
        down = falls if measure_up is rises else rises
        assert down(none, grave(**{name: -0.2}), reciprocated)


def test_moral_hazard_and_restraint_need_a_great_power(study: Study) -> None:
    others = [a for a in study.flashpoints[TAIWAN].third_parties if a != "united_states"]
    alone = cells.with_parties(study.flashpoints[TAIWAN], *others)
    for name in ("moral_hazard", "restraint"):
        assert cells.same(*(edited(alone, **{name: v}) for v in (0.0, 0.3)))


# What a dispute leaves behind.


def test_a_dispute_breeds_further_ones() -> None:
    # The base rate is the same in both: it is today's less the share of aftershocks.
    rate = {f"{TAIWAN}.onset_rate": 0.37 * 0.75}
    calm, tense = trial(aftershock_branching=0.0, **rate), trial(aftershock_branching=0.25)
    assert rises(calm, tense, disputes)
    first = "dispute"
    assert np.array_equal(happened(first)(calm), happened(first)(tense))


def next_views(strength: float, concession: bool, histories: int) -> dict[int, int]:
    """Return what China expects of others' power after a first war or concession.

    One entry per history in which a first dispute that moves reputations was fought by the
    United States (a war) or supported by nobody (a concession): the position on the power
    grid at the opening of the next dispute. Types and alignments stay as they are.
    """
    still = {"turnover": 0.0, "alignment_drift": 0.0, "misperception": 0.01}
    tables = cells.compiled(draws=cells.defaults(reputation=strength, **still))
    found = {}
    for history in range(histories):
        log = log_trajectory(tables, 0, 3, 0, history, rows=4_000)
        ends = np.flatnonzero(log[:, 0] == LOG_END)
        for end in ends:
            _, _, _, _, state, peak, us_fought, _, supporters, _ = log[end]
            if peak < WAR and state != END_CONCESSION:
                continue
            wanted = (peak < WAR and supporters == 0) if concession else (
                peak >= WAR and us_fought == 1)
            later = np.flatnonzero((log[:, 0] == LOG_OPENING) & (np.arange(len(log)) > end))
            if wanted and len(later):
                found[history] = int(log[later[0], 9])
            break
    return found


@pytest.mark.parametrize("concession", [False, True])
def test_reputation_moves_beliefs_by_what_allies_did(concession: bool) -> None:
    never, positive, negative = (
        next_views(strength, concession, histories=600) for strength in (0.0, 1.0, -1.0)
    )
    # A belief that has moved also moves the next onset, in a few cases beyond the horizon.
    both = never.keys() & positive.keys() & negative.keys()
    assert len(both) >= 10
    up = np.array([positive[h] - never[h] for h in both])
    down = np.array([negative[h] - never[h] for h in both])
    if concession:  # nobody came: all are thought less of
        up, down = down, up
    assert (up > 0).all()
    assert (down < 0).all()


def test_reputation_needs_a_war_or_a_concession() -> None:
    played = []
    for strength in (0.0, 2.0):
        tables = cells.compiled(draws=cells.defaults(reputation=strength))
        challenger = tables.challenger.copy()
        challenger[:, :, CLASH, ..., 1] = challenger[:, :, CLASH, ..., 0]
        peaceful = tables._replace(challenger=challenger, brink=np.zeros_like(tables.brink),
                                   defender=np.zeros_like(tables.defender))
        played.append((play(tables), play(peaceful)))
    (eventful, peaceful), (eventful_too, peaceful_too) = played
    assert not cells.same(eventful, eventful_too)
    assert cells.same(peaceful, peaceful_too)


# Whether an Asian NATO means more or less war.


def sampled_on(study: Study, names: list[str] | None, n: int) -> Draws:
    """Draw the named parameters from their priors, the others at their defaults."""
    drawn = cells.sampled(n, seed=31)
    if names is None:
        return drawn
    return cells.pinned(cells.defaults().repeated(n), **{name: drawn[name] for name in names})


UNCERTAIN = ["provocation_stake", "provocation_onset", "forced_choice"]


@pytest.mark.parametrize("names", [UNCERTAIN, None], ids=["provocation and choice", "all"])
def test_asian_nato_takes_both_signs_over_the_priors(study: Study, names) -> None:
    t = war_effect(sampled_on(study, names, 32), NATO, histories=12_000)
    assert (t > LEVEL).sum() >= 2
    assert (t < -LEVEL).sum() >= 2


def test_sign_is_not_found_where_there_is_none(study: Study) -> None:
    draws = sampled_on(study, UNCERTAIN, 8)
    twin = study.structures[HUB].model_copy(update={"name": "twin"})
    assert not war_effect(draws, twin, histories=4_800).any()


@pytest.fixture(scope="module")
def swept(study: Study):
    """Return a small run at Taiwan with a sweep."""
    small = study.model_copy(update={
        "flashpoints": {TAIWAN: study.flashpoints[TAIWAN]},
        "structures": {name: study.structures[name] for name in (HUB, NATO)},
        "compare": study.compare.model_copy(
            update={"focus": (NATO,), "sweep": tuple(UNCERTAIN)}),
    })
    return escalation.run(small, trajectories=3_000, draws=2, source="prior")


def test_break_even_of_provocation_is_found_and_printed(swept) -> None:
    found = {b.parameter: b for b in sweep_lines(swept, ["war"])}
    for name in ("provocation_stake", "provocation_onset"):
        assert found[name].verdict == "flips"
        (crossing,) = found[name].crossings
        assert crossing.rises  # more war above, less below
        low, high = prior_range(name, 0.02, 0.98)
        assert low < crossing.value < high
        assert line_text(found[name]) in " ".join(format_sweep(swept).split())
    assert "At the centre of everything else" in format_show(swept)
    assert format_sweep(swept).splitlines()[0] in format_show(swept)


def test_nothing_is_said_of_a_sweep_that_is_not_there(swept) -> None:
    assert "At the centre" not in format_show(swept.drop_dims("sweep_parameter"))
