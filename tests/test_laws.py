"""Laws that any correct version of the model obeys, each with a control that breaks it."""

from __future__ import annotations

from functools import cache

import cells
import numpy as np
import pytest

from escalation.contracts.codes import EVENT_NUCLEAR, EVENT_WAR, MAX_ROUNDS
from escalation.contracts.tables import (
    IN_PACT,
    N_VICTORY,
    SCALAR_AUTHORISATION,
    SCALAR_GREAT_POWER,
    Tables,
)
from escalation.contracts.tallies import Tallies
from escalation.model.draws import Draws, default_draws
from escalation.study.quantity import Number
from escalation.study.schema import Flashpoint, Structure

LEVEL = 1e-4
N = 1_000_000
WITHDRAWS, SETTLES, CONCEDES, CHALLENGER_WINS, COALITION_WINS, _, ROUND_CAP = range(7)

# ------------------------------------------------------------------ 1. identical structures


def twin_counts(**changes: object) -> tuple[Tallies, Tallies]:
    """Return the counts of a structure and of a copy under another name, changed or not."""
    original = cells.shipped_study().structures["asian_nato"]
    twin = original.model_copy(update={"name": "twin", "title": "Twin", **changes})
    draws = cells.sampled(3, seed=1)
    return tuple(
        cells.count(cells.compiled(place, s, draws), 5000)
        for place in ("second_thomas_shoal",) for s in (original, twin)
    )


def test_identical_structures_differ_by_nothing() -> None:
    """Count by count, at a flashpoint in three draws."""
    assert cells.same(*twin_counts())


def test_a_changed_twin_differs() -> None:
    """Negative control: five per cent more delay for states in no pact."""
    days = cells.shipped_study().structures["asian_nato"].decision_delay_days
    assert not cells.same(*twin_counts(decision_delay_days=Number(value=days.default_value * 1.05)))


# ------------------------------------------------------------------ 2. no third parties


def deserted() -> Flashpoint:
    """Return Taiwan with one third party, of no power and in no structure."""
    place = cells.with_parties(cells.shipped_study().flashpoints["taiwan_strait"], "cambodia")
    party = place.third_parties["cambodia"].model_copy(update={"power": Number(value=0.0)})
    return place.model_copy(update={"third_parties": {"cambodia": party}})


def structures_without_allies(place: Flashpoint, draws: Draws) -> list[Tallies]:
    names = cells.shipped_study().structures
    return [cells.count(cells.compiled(place, s, draws), 3000) for s in names]


def dispute_counts(tallies: Tallies) -> tuple[bytes, ...]:
    """Return what happened, leaving out what a powerless bystander did."""
    return tallies.crisis.tobytes(), tallies.first_event.tobytes(), tallies.transition.tobytes()


def test_without_power_structure_makes_no_difference() -> None:
    """Provocation off; a bystander without power stays out of everything."""
    draws = cells.defaults(joining_intercept=-60.0, provocation_stake=0.0, provocation_onset=0.0)
    counts = structures_without_allies(deserted(), draws)
    assert len({dispute_counts(c) for c in counts}) == 1


def test_without_third_parties_structure_makes_no_difference() -> None:
    """Provocation off, and nobody else on the map."""
    draws = cells.defaults(provocation_stake=0.0, provocation_onset=0.0)
    empty = cells.with_parties(cells.shipped_study().flashpoints["taiwan_strait"])
    counts = structures_without_allies(empty, draws)
    assert all(cells.same(counts[0], other) for other in counts[1:])
    assert counts[0].crisis[0].sum() > 1000


@pytest.mark.parametrize("which", ["provocation_stake", "provocation_onset"])
def test_provocation_makes_a_difference_without_allies(which: str) -> None:
    """Negative control: encirclement is all that is left of a structure, and it acts."""
    draws = cells.defaults(joining_intercept=-60.0, **{which: 0.3})
    counts = structures_without_allies(deserted(), draws)
    assert len({dispute_counts(c) for c in counts}) > 4


# ------------------------------------------------------------------ 3. and 4. closed forms


@cache
def two_alone(**values: float) -> Tables:
    """Return one grave dispute at Taiwan in which only the two sides take part."""
    draws = cells.defaults(joining_intercept=-60.0, wedge_probability=0.0, **values)
    tables = cells.compiled(deserted(), "hub_and_spoke", draws, study=cells.first_year())
    return cells.one_dispute(tables)


def number(name: str) -> float:
    return cells.shipped_study().parameters[name].default


def within(mean_days: float, rung: int) -> float:
    """Return the chance that something with this mean time happens in a round."""
    return 1.0 - np.exp(-number(f"round_days_{rung}") / mean_days)


def opening_chances(defender_power: float, **values: float) -> np.ndarray:
    """Return the chance to open at rung 1, 2 and 3, by the challenger's type, shape (2, 3).

    A share stays at a threat. Of the rest, the odds of force against a show of force are
    those between equals, times powers of e for the period and for the challenger's type, and
    fall with a power of the defender's strength.
    """
    p = {name: values.get(name, number(name)) for name in OPENING}
    odds = p["opening_force"] / (1.0 - p["opening_force"])
    odds *= np.exp(p["opening_after_1990"]) / defender_power ** p["opening_capability"]
    odds = odds * np.exp(p["opening_resolve"]) ** np.array([-1.0, 1.0])
    threat, force = p["opening_threat"], odds / (1.0 + odds)
    others = 1.0 - threat
    return np.stack([np.full(2, threat), others * (1.0 - force), others * force], axis=1)


OPENING = (
    "opening_threat", "opening_force", "opening_resolve", "opening_capability",
    "opening_after_1990",
)


def opening_at_taiwan() -> np.ndarray:
    """Return the chance to open at rung 1, 2 and 3; either type is as likely."""
    return opening_chances(taiwans_power()).mean(axis=0)


def taiwans_power() -> float:
    return cells.shipped_study().flashpoints["taiwan_strait"].defender_power.default_value


def uniform_choices(challenger_days: float, defender_days: float) -> np.ndarray:
    """Return P(end state, peak rung) if either side picks one of three moves at random.

    With revision chances a and b in a round at rung r, the challenger withdraws with a/3,
    climbs with a/3; whoever is left, the defender concedes with b/3. Nobody climbs from
    rung 5, since nobody else fights there. A rung is left in the first round that does
    anything, so chances per round are divided by the chance that something happens.
    """
    p = np.zeros((7, 10))
    at = np.zeros(10)
    at[1:4] = opening_at_taiwan()
    for rung in range(1, 6):
        a, b = within(challenger_days, rung) / 3.0, within(defender_days, rung) / 3.0
        up = a if rung < 5 else 0.0
        down, concede_here, concede_above = a, (1.0 - a - up) * b, up * b
        climb = up * (1.0 - b)
        something = down + concede_here + concede_above + climb
        p[WITHDRAWS, rung] += at[rung] * down / something
        p[CONCEDES, rung] += at[rung] * concede_here / something
        p[CONCEDES, rung + 1] += at[rung] * concede_above / something
        at[rung + 1] += at[rung] * climb / something
    return p


UNIFORM = {
    "choice_precision": 0.0, "double_step": 0.0, "incident_scale": 0.0, "spiral_scale": 0.0,
    "settlement_scale": 0.0, "war_termination_scale": 0.0,
}


def ends_and_peaks(tables: Tables, n: int = N) -> np.ndarray:
    return cells.count(tables, n).crisis[0, 1].sum(axis=2)


def test_without_precision_choices_are_uniform() -> None:
    """Precision 0, no chance events, no double steps: the closed form; level 1e-4, 1e6 runs."""
    seen = ends_and_peaks(two_alone(**UNIFORM))
    expected = uniform_choices(
        number("challenger_revision_days"), number("defender_revision_days")
    )
    assert expected.sum() == pytest.approx(1.0)
    assert cells.p_value(seen, expected) > LEVEL


@pytest.mark.parametrize(
    "change", [{"choice_precision": 0.02}, {"double_step": 0.02}, {"challenger_revision_days": 46}]
)
def test_the_uniform_closed_form_is_sharp(change: dict[str, float]) -> None:
    """Negative control: a little precision, a few double steps, revisions 2 % rarer."""
    seen = ends_and_peaks(two_alone(**{**UNIFORM, **change}))
    expected = uniform_choices(
        number("challenger_revision_days"), number("defender_revision_days")
    )
    assert cells.p_value(seen, expected) < LEVEL


CHANCE = {
    "challenger_revision_days": cells.NEVER, "defender_revision_days": cells.NEVER,
    "choice_precision": 0.0, "settlement_frailty": 0.0, "incident_scale": 5.0,
}


def absorbing_chain(brink: float, frailty: np.ndarray) -> tuple[np.ndarray, float]:
    """Return P(end state, peak rung), and mean rounds, of incidents and endings alone.

    Rungs 1 to 5 are transient. In a round an incident moves the dispute up (into war only
    with the chance `brink`, and nowhere from rung 5, where nobody else fights); if it did
    not, the dispute is settled or the war ends, the winner by the defender's own power.
    A dispute that reaches the cap on rounds ends there.
    """
    k = number("defender_multiplier") * taiwans_power()
    win = 1.0 / (1.0 + k ** number("contest_exponent"))
    p, rounds = np.zeros((7, 10)), 0.0
    start = np.append(opening_at_taiwan(), [0.0, 0.0])
    for f in frailty:
        up, stop = np.zeros(5), np.zeros(5)
        for rung in range(1, 6):
            days = number(f"round_days_{rung}")
            incidents = number(f"incident_rate_{rung}") * CHANCE["incident_scale"]
            up[rung - 1] = 1.0 - np.exp(-incidents * days)
            rate = (
                number(f"settlement_rate_{rung}") * number("settlement_scale") * f
                if rung < 5
                else number("war_termination_rate")
            )
            stop[rung - 1] = 1.0 - np.exp(-rate * days)
        up *= [1.0, 1.0, 1.0, brink, 0.0]
        stop *= 1.0 - up
        chain = np.diag(1.0 - up - stop) + np.diag(up[:-1], 1)
        left = np.linalg.matrix_power(chain, MAX_ROUNDS)
        visits = start @ (np.eye(5) - left) @ np.linalg.inv(np.eye(5) - chain) / len(frailty)
        rounds += visits.sum()
        p[ROUND_CAP, 1:6] += start @ left / len(frailty)
        p[SETTLES, 1:5] += (visits * stop)[:4]
        p[CHALLENGER_WINS, 5] += visits[4] * stop[4] * win
        p[COALITION_WINS, 5] += visits[4] * stop[4] * (1.0 - win)
    return p, rounds


def test_chance_alone_is_the_absorbing_chain() -> None:
    """Nobody revises, brink decisions are coin tosses; level 1e-4, 1e6 disputes."""
    counts = cells.count(two_alone(**CHANCE), N)
    expected, rounds = absorbing_chain(0.5, np.ones(1))
    assert expected.sum() == pytest.approx(1.0)
    assert cells.p_value(counts.crisis[0, 1].sum(axis=2), expected) > LEVEL
    # Rounds to absorption are at most geometric-like: four standard errors of an exponential.
    assert counts.total[0, 2] / N == pytest.approx(rounds, rel=4.0 * 1.5 / N**0.5)


def test_chance_with_frailty_is_a_mixture_of_chains() -> None:
    """Settlement rates differ between disputes by a log-normal factor in 64 classes."""
    from scipy.special import ndtri

    spread = number("settlement_frailty")
    frailty = np.exp(spread * ndtri((np.arange(64) + 0.5) / 64))
    seen = ends_and_peaks(two_alone(**{**CHANCE, "settlement_frailty": spread}))
    expected, _ = absorbing_chain(0.5, frailty)
    assert expected.sum() == pytest.approx(1.0)
    assert cells.p_value(seen, expected) > LEVEL
    # Negative control: without the spread it is another distribution.
    assert cells.p_value(seen, absorbing_chain(0.5, np.ones(1))[0]) < LEVEL


@pytest.mark.parametrize(
    "change",
    [{"incident_scale": 5.05}, {"settlement_scale": 0.505}, {"war_termination_scale": 0.8},
     {"contest_exponent": 1.6}],
)
def test_the_absorbing_chain_is_sharp(change: dict[str, float]) -> None:
    """Negative control: rates off by 1 %, the war's end by a fifth, the contest by 7 %."""
    counts = cells.count(two_alone(**{**CHANCE, **change}), N)
    expected, rounds = absorbing_chain(0.5, np.ones(1))
    fits = cells.p_value(counts.crisis[0, 1].sum(axis=2), expected) > LEVEL
    as_long = abs(counts.total[0, 2] / N / rounds - 1.0) < 4.0 * 1.5 / N**0.5
    assert not (fits and as_long)


# ------------------------------------------------------------------ 5. direct coefficients

OPENINGS = [
    {},
    {"opening_resolve": 1.1, "opening_after_1990": -0.8},
    {"opening_capability": 0.6, "opening_threat": 0.1, "opening_force": 0.7},
]


def opening_error(defender_power: float, played: dict[str, float], law: dict[str, float]) -> float:
    """Return the largest difference of the opening thresholds from the closed form."""
    place = cells.shipped_study().flashpoints["taiwan_strait"]
    place = place.model_copy(update={"defender_power": Number(value=defender_power)})
    table = cells.compiled(place, draws=cells.defaults(**played)).opening[0] / 2**16
    chances = opening_chances(defender_power, **law)
    return float(np.abs(table - np.cumsum(chances[:, :0:-1], axis=1)).max())


@pytest.mark.parametrize("values", OPENINGS, ids=["defaults", "types and period", "capability"])
@pytest.mark.parametrize("defender_power", [0.05, 2.0])
def test_opening_follows_its_closed_form(defender_power: float, values: dict[str, float]) -> None:
    """Thresholds equal the formula within the rounding of a 16-bit number."""
    assert opening_error(defender_power, values, values) <= 0.5 / 2**16 + 1e-12


@pytest.mark.parametrize("name", OPENING)
def test_every_coefficient_of_opening_matters(name: str) -> None:
    """Negative control: the formula with one coefficient 0.01 off is another one."""
    off = {**OPENINGS[1], name: OPENINGS[1].get(name, number(name)) + 0.01}
    assert opening_error(0.05, OPENINGS[1], off) > 1e-3


def answer_log_odds(**values: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the defender's log-odds of matching and of conceding, each against holding.

    Only where all three options have a chance above 1e-3, far from the rounding of the table.
    """
    table = cells.compiled(draws=cells.defaults(**values)).defender[0][..., 1:, :, :, :] / 2**30
    concede, both = table[..., 0], table[..., 1]
    match, hold = both - concede, 1.0 - both
    rare = np.minimum(np.minimum(concede, match), hold) < 1e-3
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(match / hold), np.log(concede / hold)
    return tuple(np.where(rare, np.nan, x) for x in logs)


@pytest.mark.parametrize("precision", [0.0, number("choice_precision")])
def test_the_period_shifts_the_log_odds_of_matching(precision: float) -> None:
    """By the coefficient, at any precision, and those of conceding by nothing."""
    before = answer_log_odds(choice_precision=precision)
    after = answer_log_odds(choice_precision=precision, answer_after_1990=0.7)
    matching, conceding = (a - b for a, b in zip(after, before, strict=True))
    seen = np.isfinite(matching)
    assert seen.sum() > 1_000
    assert np.abs(matching[seen] - 0.7).max() < 1e-5
    assert np.abs(conceding[seen]).max() < 1e-5


# ------------------------------------------------------------------ 6. directions


def tame(**values: object) -> Draws:
    """Return five draws without restraint, felt delay, forced choice, or a defender's hazard."""
    draws = cells.sampled(5, seed=12)
    draws = cells.pinned(
        draws, restraint=0.0, moral_hazard=0.0, forced_choice=0.0, war_decision_days=cells.NEVER,
        provocation_stake=0.0, provocation_onset=0.0, exit_rate=0.0,
    )
    positive = {
        name: np.abs(draws[name])
        for name in ("bindingness_effect", "onset_response_routine", "onset_response_grave")
    }
    return cells.pinned(draws, **{**positive, **values})


def bound(structure: Structure, actor: str, level: float) -> Structure:
    """Return a structure with another bilateral commitment of one actor to Taiwan."""
    commitments = {**structure.commitments, actor: {"taiwan": Number(value=level)}}
    return structure.model_copy(update={"commitments": commitments})


def opening_rates(level: float, actor: str, draws: Draws) -> np.ndarray:
    """Return mean onset rates with first beliefs, shape (draw, type, class).

    The onset rate grows with the opening value, so one falls where the other does.
    """
    from player import Player

    study = cells.first_year()
    structure = bound(study.structures["hub_and_spoke"], actor, level)
    tables = cells.compiled("taiwan_strait", structure, draws, study=study)
    rates = np.zeros((draws.n, 2, 2))
    for cell in range(draws.n):
        player = Player(tables, cell)
        player.play(1, 0, 0)  # sets the stage; its parties then get first beliefs without error
        for i, party in enumerate(player.parties):
            party.belief, party.left = player.t.belief_start[i], False
        for kind in range(2):
            player.challenger_type = kind
            rates[cell, kind] = player.onset_rates(0)
    return rates


@pytest.mark.parametrize("actor", ["united_states", "japan", "australia"])
def test_bindingness_never_raises_the_opening_value(actor: str) -> None:
    """In five draws, with restraint, delay and forced choice at zero; one unit of rounding.

    Base access is off as well: what the host's bases are worth depends on how strong the rest
    of the coalition is, by as much as a step of the grid of views.
    """
    draws = tame(access_share=0.0)
    levels = [opening_rates(b, actor, draws) for b in np.linspace(0.0, 1.0, 6)]
    assert (np.diff(levels, axis=0) <= 1).all()
    assert (levels[-1] < levels[0]).any()


def test_opening_value_falls_along_the_grid() -> None:
    """More perceived power or participation never raises a rate of onset."""
    onset = cells.compiled("taiwan_strait", "hub_and_spoke", tame()).onset.astype(np.int64)
    assert (np.diff(onset, axis=2) <= 1).all()
    assert (np.diff(onset, axis=3) <= 1).all()


def test_bindingness_may_raise_the_opening_value_otherwise() -> None:
    """Negative control: a treaty that repels, or onset that answers the other way round."""
    repels = tame(bindingness_effect=-2.0)
    assert (opening_rates(1.0, "japan", repels) > opening_rates(0.0, "japan", repels)).any()
    reverse = cells.compiled("taiwan_strait", "hub_and_spoke", tame(onset_response_grave=-3.0))
    assert (np.diff(reverse.onset.astype(np.int64), axis=3) > 1).any()


def chances_to_join(dependence: float, forced: float) -> np.ndarray:
    """Return Japan's chances to support or fight if it depended that much on the challenger."""
    study = cells.first_year()
    japan = study.actors["japan"]
    trade = {**japan.trade_dependence, "china": Number(value=dependence)}
    actors = {**study.actors, "japan": japan.model_copy(update={"trade_dependence": trade})}
    study = study.model_copy(update={"actors": actors})
    draws = cells.pinned(cells.sampled(5, seed=12), forced_choice=forced)
    tables = cells.compiled("taiwan_strait", "asian_nato", draws, study=study)
    where = list(study.flashpoints["taiwan_strait"].third_parties).index("japan")
    return tables.decision[..., where, :2].astype(np.int64)


@pytest.mark.parametrize("forced", [0.0, 2.0, -3.0])
def test_dependence_never_raises_joining(forced: float) -> None:
    """Not even where forced choice is drawn below -1, where it would otherwise attract."""
    chances = [chances_to_join(d, forced) for d in (0.0, 0.05, 0.1, 0.3)]
    assert (np.diff(chances, axis=0) <= 1).all()


def test_dependence_lowers_joining() -> None:
    """Negative control: the same comparison the other way round fails."""
    assert (chances_to_join(0.3, 1.0) < chances_to_join(0.0, 1.0) - 1000).any()


def test_more_coalition_power_lowers_the_challengers_victory() -> None:
    """In the table, and among wars that are certain: the more fight, the rarer it wins."""
    draws = cells.sampled(8, seed=4)
    tables = cells.compiled("taiwan_strait", "asian_nato", draws)
    assert (np.diff(tables.victory.astype(np.int64), axis=1) <= 0).all()
    assert tables.victory.shape[1] == N_VICTORY
    wins = []
    for joining in (-60.0, -3.0, 60.0):
        forced = cells.defaults(
            joining_intercept=joining, challenger_revision_days=cells.NEVER,
            defender_revision_days=cells.NEVER, incident_scale=500.0, choice_precision=0.0,
            wedge_probability=0.0, veto_scale=0.0, **{cells.PACT_DELAY: 1.0},
        )
        wars = cells.one_dispute(
            cells.compiled("taiwan_strait", "asian_nato", forced, study=cells.first_year())
        )
        wars = wars._replace(brink=np.full_like(wars.brink, 1 << 30))
        ends = cells.count(wars, 50_000).crisis[0, 1, :, 5:].sum(axis=(1, 2))
        wins.append(ends[CHALLENGER_WINS] / ends[[CHALLENGER_WINS, COALITION_WINS]].sum())
        assert ends.sum() > 40_000
    # The standard error of a share among 40,000 wars is below 0.0025.
    assert wins[0] > wins[1] + 0.02
    assert wins[1] > wins[2] + 0.02


def nuclear(draws: Draws, authorised: bool) -> Tallies:
    tables = cells.compiled("taiwan_strait", "asian_nato", draws)
    if not authorised:
        tables.scalar[:, SCALAR_AUTHORISATION] = 0
    return cells.count(tables, 100_000)


def test_without_incident_and_authorisation_no_nuclear_use() -> None:
    """Nothing above rung 6 happens; wars at rung 6 do."""
    lively = {"challenger_war_cost": 0.2, "nuclear_shadow": 0.05, "onset_response_grave": 0.0}
    off = cells.defaults(**lively, inadvertent_scale=0.0)
    counts = nuclear(off, authorised=False)
    assert counts.worst_rung[0, 7:].sum() == 0
    assert counts.first_event[0, EVENT_NUCLEAR].sum() == 0
    assert counts.worst_rung[0, 6] > 0
    # Negative controls: either way alone suffices.
    assert nuclear(cells.defaults(**lively), False).first_event[0, EVENT_NUCLEAR].sum() > 0
    assert nuclear(off, authorised=True).first_event[0, EVENT_NUCLEAR].sum() > 0


def test_without_the_great_power_nothing_beyond_rung_six() -> None:
    """The gate of rung 7 asks for the great power itself."""
    often = cells.defaults(
        challenger_war_cost=0.1, nuclear_shadow=0.01, inadvertent_scale=50.0,
        onset_response_grave=0.0,
    )
    place = cells.with_parties(cells.shipped_study().flashpoints["taiwan_strait"], "japan")
    tables = cells.compiled(place, "asian_nato", often)
    assert tables.scalar[0, SCALAR_GREAT_POWER] == -1
    counts = cells.count(tables, 100_000)
    assert counts.worst_rung[0, 6] > 0
    assert counts.worst_rung[0, 7:].sum() == 0


# ------------------------------------------------------------------ 10. both signs


def effect_on_war(flashpoint: str, draws: Draws, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the Asian NATO's paired effect on ten-year war per draw, and its standard error.

    Both structures use the same random numbers; the error is that of independent runs,
    which is larger.
    """
    chance = [
        cells.count(cells.compiled(flashpoint, s, draws), n).first_event[:, EVENT_WAR].sum(axis=1)
        / n
        for s in ("asian_nato", "hub_and_spoke")
    ]
    error = np.sqrt(sum(p * (1.0 - p) / n for p in chance))
    return chance[0] - chance[1], error


def at_quantiles(name: str, *quantiles: float) -> Draws:
    """Return draws at defaults but for one parameter, at quantiles of its prior."""
    study = cells.shipped_study()
    values = study.parameters[name].quantile(np.array(quantiles))
    return cells.pinned(default_draws(study.parameters).repeated(len(quantiles)), **{name: values})


@pytest.mark.parametrize("name", ["provocation_stake", "provocation_onset"])
def test_provocation_turns_the_effect_round(name: str) -> None:
    """At the 2nd and 98th percentile of its prior, beyond four standard errors."""
    effect, error = effect_on_war("taiwan_strait", at_quantiles(name, 0.02, 0.5, 0.98), 60_000)
    assert effect[0] < -4.0 * error[0]
    assert effect[2] > 4.0 * error[2]
    assert (np.diff(effect) > 0.0).all()


def test_forced_choice_works_against_the_pact() -> None:
    """The more it bites the less the pact gains; its sign alone it does not turn at defaults."""
    effect, _ = effect_on_war(
        "taiwan_strait", at_quantiles("forced_choice", 0.01, 0.99), 200_000
    )
    assert effect[1] > effect[0]


def test_both_signs_over_the_priors() -> None:
    """Among 24 draws of all parameters, some effects are clearly up and some clearly down."""
    effect, error = effect_on_war("taiwan_strait", cells.sampled(24, seed=7), 20_000)
    assert (effect > 4.0 * error).any()
    assert (effect < -4.0 * error).any()


def test_the_sign_is_that_of_a_difference_between_structures() -> None:
    """Negative control: the reference against itself shows no sign at all."""
    draws = cells.sampled(4, seed=7)
    a, b = (cells.count(cells.compiled(structure="hub_and_spoke", draws=draws), 2000)
            for _ in range(2))
    assert (a.first_event - b.first_event == 0).all()
    assert IN_PACT == 0
