"""Prospect theory: against expected utility, a slow oracle, and what the theory says."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cells
import numpy as np
import pytest
from test_study_bad_input import FILES, STUDY, problems

from escalation.contracts.codes import DECISION_RULES, WAR
from escalation.contracts.tables import ONE30, ONE_MONTH, WITH_US, WITHOUT_US, Tables
from escalation.errors import InputError
from escalation.model.compile import compile_block, onset_anchor
from escalation.model.draws import Draws, draw_parameters
from escalation.model.inputs import Inputs, build_inputs
from escalation.model.prospect_theory import (
    GAINS,
    LOSSES,
    N_STEPS,
    contest,
    decision_weight,
    dispute,
    fill_weights,
)
from escalation.model.rules import RULES
from escalation.parameters.registry import REGISTRY
from escalation.study import load_study
from escalation.study.quantity import Number

PROSPECT = "prospect_theory"
LINEAR = {
    "loss_aversion": 1.0, "gain_curvature": 1.0, "loss_curvature": 1.0,
    "gain_weighting": 1.0, "loss_weighting": 1.0,
}  # fmt: skip
DECISIONS = ("challenger", "defender", "brink", "onset")
UNITS = 4
"""Differences that rounding may make, in units of 2**-30."""


def tables(
    draws: Draws, rule: str = PROSPECT, place: str = "taiwan_strait", structure: str = "asian_nato"
) -> Tables:
    study = cells.shipped_study()
    flashpoint = study.flashpoints[place]
    anchor = onset_anchor(study, flashpoint, draws, rule)
    return compile_block(
        study, flashpoint, study.structures[structure], draws, anchor, rule=rule
    )


def largest_difference(a: Tables, b: Tables) -> float:
    return max(
        np.abs(getattr(a, name).astype(float) - getattr(b, name)).max() for name in DECISIONS
    )


# ------------------------------------------------------------------ the special case


@cache
def linear_pair(place: str, aspiration: float | None) -> tuple[Tables, Tables]:
    """Return both rules' tables in five draws from the priors, with no taste but the mean."""
    reference = {} if aspiration is None else {"challenger_aspiration": aspiration}
    draws = cells.pinned(cells.sampled(5, seed=11), **LINEAR, **reference)
    return tables(draws, "expected_utility", place), tables(draws, PROSPECT, place)


@pytest.mark.parametrize("aspiration", [None, 0.0, 1.0])
@pytest.mark.parametrize("place", ["taiwan_strait", "second_thomas_shoal"])
def test_linear_taste_is_expected_utility_at_any_reference_point(
    place: str, aspiration: float | None
) -> None:
    assert largest_difference(*linear_pair(place, aspiration)) <= UNITS


@pytest.mark.parametrize("changed", [
    {"loss_aversion": 2.25}, {"gain_curvature": 0.88}, {"loss_curvature": 0.88},
    {"gain_weighting": 0.61}, {"loss_weighting": 0.69},
])  # fmt: skip
def test_every_part_of_the_taste_makes_a_difference(changed: dict[str, float]) -> None:
    """Negative control of the test above."""
    draws = cells.pinned(cells.sampled(5, seed=11), **(LINEAR | changed))
    assert largest_difference(linear_pair("taiwan_strait", None)[0], tables(draws)) > 0.01 * ONE30


# ------------------------------------------------------------------ weights and lotteries


def weight(p: float, power: float) -> float:
    return p**power / (p**power + (1.0 - p) ** power) ** (1.0 / power)


@cache
def table_of_weights(gains: float, losses: float) -> np.ndarray:
    table = np.zeros((2, 2, N_STEPS + 2))
    fill_weights(gains, losses, table)
    return table


def tabulated(power: float, chances: np.ndarray) -> np.ndarray:
    table = table_of_weights(power, power)
    return np.array([decision_weight(table, LOSSES, p) for p in chances])


CHANCES = np.unique(np.concatenate([
    np.linspace(0.0, 1.0, 5001), np.geomspace(1e-9, 0.1, 500), 1.0 - np.geomspace(1e-9, 0.1, 500)
]))  # fmt: skip


@pytest.mark.parametrize("power", [0.5, 0.61, 0.69, 0.88, 1.0])
def test_tabulated_weights_are_the_formula(power: float) -> None:
    exact = np.array([weight(p, power) for p in CHANCES])
    assert np.abs(tabulated(power, CHANCES) - exact).max() < 1e-4


@pytest.mark.parametrize("power", [0.3, 0.5, 0.61, 0.69, 0.95, 1.0])
def test_weights_rise_from_nothing_to_one(power: float) -> None:
    found = tabulated(power, CHANCES)
    assert found[0] == 0.0
    assert found[-1] == pytest.approx(1.0, abs=1e-12)
    assert (np.diff(found) > 0.0).all()


def test_weights_fall_somewhere_below_the_bound() -> None:
    """Negative control: the form is not monotone for exponents below 0.279."""
    assert REGISTRY["gain_weighting"].low > 0.279 < REGISTRY["loss_weighting"].low
    assert (np.diff(tabulated(0.25, CHANCES)) < 0.0).any()


def test_an_even_bet_by_hand() -> None:
    """With p = 1/2 the weight is 2 ** (1 - g - 1/g), here 0.4206 for gains and 0.4540."""
    table = table_of_weights(0.61, 0.69)
    gain, loss = (2.0 ** (1.0 - g - 1.0 / g) for g in (0.61, 0.69))
    assert (gain, loss) == pytest.approx((0.4206, 0.4540), abs=5e-5)
    even = contest(table, 1.0, -2.25, 0.5)
    assert even == pytest.approx(gain - 2.25 * loss, abs=1e-5)
    assert contest(table, 3.0, 1.0, 0.5) == pytest.approx(1.0 + 2.0 * gain, abs=1e-5)
    assert contest(table, -1.0, -3.0, 0.5) == pytest.approx(-1.0 - 2.0 * loss, abs=1e-5)
    assert decision_weight(table, GAINS, 0.5) == pytest.approx(gain, abs=1e-9)


def slow_value(outcomes: list[tuple[float, float]], gains: float, losses: float) -> float:
    """Return cumulative prospect theory's value of (value, chance) pairs, as it is defined."""
    total, above = 0.0, 0.0
    for value, chance in sorted(outcomes, reverse=True):
        if value > 0.0:
            total += value * (weight(min(above + chance, 1.0), gains) - weight(above, gains))
            above = min(above + chance, 1.0)
    below = 0.0
    for value, chance in sorted(outcomes):
        if value < 0.0:
            total += value * (weight(min(below + chance, 1.0), losses) - weight(below, losses))
            below = min(below + chance, 1.0)
    return total


def test_disputes_are_valued_as_the_theory_defines() -> None:
    """Four outcomes in every order that can be, gains and losses; 2,000 random lotteries."""
    rng = np.random.default_rng(3)
    table, off = table_of_weights(0.61, 0.69), []
    for k in range(2000):
        calm, yielded = np.sort(rng.normal(0.0, 2.0, 2))
        lost, won = np.sort(rng.normal(0.0, 2.0, 2))
        q, risk, win = rng.uniform(size=3)
        risk = 1.0 if k % 3 == 0 else risk
        war = (1.0 - q) * risk
        outcomes = [
            (yielded, q), (calm, (1.0 - q) * (1.0 - risk)), (won, war * win),
            (lost, war * (1.0 - win)),
        ]  # fmt: skip
        found = dispute(table, yielded, q, calm, risk, won, win, lost)
        off.append([found - slow_value(outcomes, g, 0.69) for g in (0.61, 0.65)])
    assert np.abs(off, dtype=float)[:, 0].max() < 1e-3
    assert np.abs(off, dtype=float)[:, 1].max() > 0.02, "negative control: another weighting"


# ------------------------------------------------------------------ whole options, slowly


class Slow:
    """One cell of one place and structure, valued in plain Python from the model document."""

    def __init__(self, x: Inputs, c: int = 0) -> None:
        self.x = {name: a[c] for name, a in x._asdict().items() if isinstance(a, np.ndarray)}

    def value(self, gain: float) -> float:
        x = self.x
        if gain >= 0.0:
            return gain ** x["gain_curvature"]
        return -x["loss_aversion"] * (-gain) ** x["loss_curvature"]

    def lottery(self, *outcomes: tuple[float, float]) -> float:
        valued = [(self.value(gain), chance) for gain, chance in outcomes]
        return slow_value(valued, self.x["gain_weighting"], self.x["loss_weighting"])

    def factor(self, profile: int) -> float:
        theta = 1.0 + (1 if profile % 2 else -1) * self.x["resolve_spread"]
        return theta if profile >= 2 else theta * self.x["routine_stake_share"]

    def win(self, power: float, pi: float) -> float:
        x = self.x
        alone, helped = (
            1.0 / (1.0 + (x["defender_multiplier"] * k) ** x["contest_exponent"])
            for k in (power, power + x["us_power"])
        )
        return (1.0 - pi) * alone + pi * helped

    def defends(self, profile: int, rung: int, status: int, power: float, pi: float) -> np.ndarray:
        """Return the chances that the defender concedes and that it matches."""
        x, win = self.x, self.win(power, pi)
        stake = x["defender_stake"] * self.factor(profile)
        idle = x["salami_gain"] * stake + x["passivity_cost"]
        cost, risk = x["defender_cost"][rung], x["war_risk"][rung]
        after = risk + x["spiral"][rung] * (x["war_risk"][min(rung + 1, 9)] - risk)
        concede = self.lottery((-stake - x["concession_cost"], 1.0))
        hold, match = (
            self.lottery((-stake - cost - s, w * win), (-cost - s, w * (1 - win)), (-s, 1 - w))
            for w, s in ((risk, idle), (after, 0.0))
        )
        extra = x["moral_hazard"] * pi if status == WITHOUT_US else -x["restraint"]
        odds = np.exp(x["choice_precision"] * np.array([concede, match + extra * stake, hold]))
        odds[1] *= np.exp(x["answer_shift"])
        return odds[:2] / odds.sum()

    def conceded(self, grave: int, rung: int, power: float, pi: float) -> float:
        return sum(
            0.5 * weight * self.defends(2 * grave + kind, rung, status, power, pi)[0]
            for kind in (0, 1)
            for status, weight in ((WITHOUT_US, 1.0 - pi), (WITH_US, pi))
        )

    def going_on(
        self, profile: int, rung: int, power: float, pi: float, sure: float, more: float
    ) -> float:
        """Return the value of going on at a rung, `sure` in any case, `more` if not conceded."""
        x, here, win = self.x, max(rung, WAR), self.win(power, pi)
        stake = x["challenger_stake"] * self.factor(profile)
        share = x["trade_loss_us_share"]
        trade = x["trade_loss"] * (
            share * pi + (1 - share) * min(1.0, power / x["trade_loss_saturation"])
        )
        war = x["challenger_cost"][here] + trade + pi * x["shadow"][here]
        bill = x["challenger_cost"][rung] + x["trade_loss"] / 2 if rung >= WAR else 0.0
        q, w = self.conceded(profile >> 1, rung, power, pi), x["war_risk"][rung]
        start = sure - x["challenger_aspiration"] * stake
        return self.lottery(
            (stake - bill + start, q),
            (stake - war + more + start, (1 - q) * w * win),
            (-war + more + start, (1 - q) * w * (1 - win)),
            (more + start, (1 - q) * (1 - w)),
        )

    def challenges(self, profile: int, rung: int, power: float, pi: float) -> np.ndarray:
        """Return the chances that the challenger withdraws and that it escalates."""
        x = self.x
        stake = x["challenger_stake"] * self.factor(profile)
        withdrawn = -x["audience_cost"] * stake * (1 + x["audience_slope"] * rung)
        down = self.lottery((withdrawn - x["challenger_aspiration"] * stake, 1.0))
        up = self.going_on(profile, rung + 1, power, pi, 0.0, 0.0)
        salami = x["salami_gain"] * stake / 2 if rung < WAR else 0.0
        hold = self.going_on(profile, rung, power, pi, -x["holding_cost"] * stake, salami)
        odds = np.exp(x["choice_precision"] * np.array([down, up, hold]))
        return odds[:2] / odds.sum()


def slow_and_fast(**slow_values: float) -> float:
    """Return the largest difference of the tables to the slow values, at a few points."""
    study = cells.shipped_study()
    place, structure = study.flashpoints["taiwan_strait"], study.structures["asian_nato"]
    fast = tables(cells.defaults())
    slow = Slow(build_inputs(study, place, structure, cells.defaults(**slow_values)))
    span, off = build_inputs(study, place, structure, cells.defaults()).rest_power.sum(), []
    for k, p, profile, rung in [(0, 0, 0, 1), (3, 5, 3, 3), (7, 12, 1, 4), (10, 8, 2, 4),
                                (15, 16, 3, 5), (5, 3, 2, 6), (12, 10, 0, 2)]:  # fmt: skip
        power, pi = slow.x["defender_power"] + span * k / 15, p / 16
        for table, chances in (
            (fast.challenger[0, profile, rung, k, p], slow.challenges(profile, rung, power, pi)),
            *(
                (fast.defender[0, s, profile, rung, k, p],
                 slow.defends(profile, rung, s, power, pi))
                for s in (WITHOUT_US, WITH_US)
            ),
        ):  # fmt: skip
            off.append(np.abs(np.cumsum(chances) - table / ONE30).max())
    return max(off)


def test_tables_hold_what_the_slow_rule_says() -> None:
    assert slow_and_fast() < 2e-4


@pytest.mark.parametrize("changed", [
    {"challenger_aspiration": 0.35}, {"loss_aversion": 2.3}, {"gain_weighting": 0.7},
    {"loss_weighting": 0.72}, {"gain_curvature": 0.92}, {"loss_curvature": 0.92},
])  # fmt: skip
def test_the_slow_rule_notices_another_taste(changed: dict[str, float]) -> None:
    """Negative control: each parameter a little off."""
    assert slow_and_fast(**changed) > 5e-4


# ------------------------------------------------------------------ what the theory says


def grave_brink(**values: float) -> np.ndarray:
    """Return the chance of war at the brink of a grave crisis, shape (type, power, us)."""
    return tables(cells.defaults(**values)).brink[0, 2:4] / ONE30


def log_odds(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1.0 - p))


def test_loss_aversion_keeps_from_a_war_that_can_be_lost() -> None:
    """Reference at the status quo, nothing else bent: backing down is a small sure loss, a war
    against the whole coalition a large likely one, so the more losses weigh the less war."""
    flat = LINEAR | {"challenger_aspiration": 0.0}
    wars = [grave_brink(**(flat | {"loss_aversion": a}))[:, -1, -1] for a in (1.0, 1.5, 2.25, 4.0)]
    assert (np.diff(wars, axis=0) < 0.0).all()


def test_aspiration_makes_the_challenger_gamble() -> None:
    """Nothing bent but loss aversion. From the status quo a war won is a gain and counts less
    than the losses beside it; to a challenger that takes all of the object for its own it is
    a loss avoided and counts in full. Where even a war won costs more than it brings (low
    resolve), all are losses either way; without loss aversion it makes no difference."""
    averse = LINEAR | {"loss_aversion": 2.25}
    quo, claim = (grave_brink(**averse, challenger_aspiration=a) for a in (0.0, 1.0))
    assert (log_odds(claim[1, :, 0]) - log_odds(quo[1, :, 0]) > 0.3).all()
    assert np.abs(claim[0] - quo[0]).max() * ONE30 <= UNITS
    quo, claim = (grave_brink(**LINEAR, challenger_aspiration=a) for a in (0.0, 1.0))
    assert np.abs(claim - quo).max() * ONE30 <= UNITS


# ------------------------------------------------------------------ tables and names


def test_thresholds_are_chances_in_order() -> None:
    found = tables(cells.sampled(16, seed=4))
    for table in (found.challenger, found.defender):
        assert table.min() >= 0
        assert table.max() <= ONE30
        assert (table[..., 0] <= table[..., 1]).all()
    assert found.brink.min() >= 0
    assert found.brink.max() <= ONE30
    assert found.onset.min() >= 0


@pytest.mark.parametrize("factor", [1.0, 1.05])
def test_identical_structures_have_identical_tables(factor: float) -> None:
    """With a longer delay in the twin as the negative control."""
    study, draws = cells.shipped_study(), cells.sampled(2, seed=9)
    place, one = study.flashpoints["taiwan_strait"], study.structures["asian_nato"]
    anchor = onset_anchor(study, place, draws, PROSPECT)
    named = cells.pinned(draws, **{one.decision_delay_days.name: 7.0})
    days = Number(value=7.0 * factor)
    twin = one.model_copy(update={"name": "twin", "decision_delay_days": days})
    a, b = (compile_block(study, place, s, named, anchor, rule=PROSPECT) for s in (one, twin))
    equal = all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert equal == (factor == 1.0)


@pytest.mark.parametrize("rule", DECISION_RULES)
def test_onset_at_the_reference_stays_as_observed(rule: str) -> None:
    """With nobody else on the map beliefs do not matter, and the mean over types is exact."""
    study, draws = cells.shipped_study(), cells.sampled(4, seed=2)
    empty = cells.with_parties(study.flashpoints["taiwan_strait"])
    structure = study.structures[study.reference]
    rates = build_inputs(study, empty, structure, draws).onset_per_month * ONE_MONTH
    for anchored in DECISION_RULES:
        anchor = onset_anchor(study, empty, draws, anchored)
        block = compile_block(study, empty, structure, draws, anchor, rule=rule)
        exact = np.allclose(block.onset[:, :, 0, 0].mean(axis=1), rates, rtol=1e-6, atol=1.0)
        assert exact == (anchored == rule)


def test_rules_have_one_list_of_names() -> None:
    assert tuple(RULES) == DECISION_RULES
    assert {p.rule for p in REGISTRY.values()} == {"", PROSPECT}
    with pytest.raises(InputError, match=r"unknown decision rule 'prospect_teory' \(did you mean"):
        tables(cells.defaults(), "prospect_teory")


def test_parameters_of_the_rule_leave_all_other_draws_alone() -> None:
    without = {name: p for name, p in REGISTRY.items() if not p.rule}
    before, after = (draw_parameters(r, 8, seed=3) for r in (without, REGISTRY))
    assert all((before[name] == after[name]).all() for name in without)
    assert all(np.ptp(after[name]) > 0.0 for name in set(REGISTRY) - set(without))


# ------------------------------------------------------------------ the study says which


def written(folder: Path, line: str) -> Path:
    for name, text in (FILES | {"study.yaml": STUDY + line}).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "study.yaml"


@pytest.mark.parametrize(("line", "rules"), [
    ("", ("expected_utility",)),
    ("decision_rules: [prospect_theory]\n", ("prospect_theory",)),
    ("decision_rules: [expected_utility, prospect_theory]\n", DECISION_RULES),
])  # fmt: skip
def test_a_study_names_its_rules(tmp_path: Path, line: str, rules: tuple[str, ...]) -> None:
    assert load_study(written(tmp_path, line)).decision_rules == rules


@pytest.mark.parametrize(("value", "place", "message"), [
    ("[expected_utilty]", "18 decision_rules.0",
     "unknown decision rule 'expected_utilty' (did you mean 'expected_utility'?)"),
    ("[minimax]", "18 decision_rules.0",
     "unknown decision rule 'minimax' (choices: expected_utility, prospect_theory)"),
    ("[prospect_theory, prospect_theory]", "17 decision_rules",
     "decision rule 'prospect_theory' is named twice"),
    ("[]", "17 decision_rules",
     "names no decision rule (choices: expected_utility, prospect_theory)"),
    ("prospect_theory", "17 decision_rules", "expected a list, found 'prospect_theory'"),
    ("[3]", "18 decision_rules.0", "expected text, found 3; put it in quotes"),
])  # fmt: skip
def test_mistaken_rules_give_one_clear_line(
    tmp_path: Path, value: str, place: str, message: str
) -> None:
    (problem,) = problems(tmp_path, {"study.yaml": STUDY + f"decision_rules: {value}\n"})
    assert problem.line == STUDY.count("\n") + 1
    assert f"{problem.column} {problem.key}" == place
    assert problem.message == message
