"""The exact distribution of a dispute: against the kernel, and what must hold by itself.

The chain simplifies three things about the ally. Under tables that carry these
simplifications the kernel must agree with it, at level 1e-3 for all cells together; under the
true tables it must come close.
"""

from __future__ import annotations

from functools import cache

import cells
import numpy as np
import pytest
import records

from escalation.contracts.codes import PARTY_FOUGHT, PARTY_SUPPORTED, WAR
from escalation.contracts.tables import SCALAR_WEDGE, Tables
from escalation.history.durations import compile_disputes
from escalation.history.features import Features, crossed, generic_inputs, outcome_cells
from escalation.history.likelihood import Solved, solve
from escalation.history.validation import DIRECT, STAKES
from escalation.model.compile import normal_classes
from escalation.model.draws import Draws
from escalation.model.ladder import round_days
from escalation.model.rounds import within
from escalation.parameters.registry import REGISTRY
from escalation.simulation.threads import simulate_block

LEVEL = 1e-3
N = 150_000
NO_FRAILTY = 1e-9
DISPUTES = records.features(
    defender_power=[1.0, 0.05, 1.0, 8.0, 1.0, 0.3],
    ally_power=[0.0, 0.0, 3.0, 20.0, 1.0, 2.0],
    n_allies=[0, 0, 2, 4, 1, 3],
    umbrella=[False, False, False, True, True, False],
    land=[False, True, True, False, False, False],
    sea=[False, False, False, False, True, False],
    shared=[0.0, 0.0, 0.3, 0.0, 0.0, 0.0],
    after_1990=[False, True, False, True, False, True],
)
"""Alone, weak neighbour alone, allied neighbour, strong and equal under umbrellas, weak allied."""


def pinned_draws(**values: float) -> Draws:
    """Three draws from the priors, without frailty and errors about the ally."""
    return cells.pinned(
        cells.sampled(3, seed=5),
        **{"settlement_frailty": NO_FRAILTY, "misperception": NO_FRAILTY} | values,
    )


def default_draws(n: int = 1, **values: object) -> Draws:
    one = cells.defaults()
    return cells.pinned(Draws(one.names, np.repeat(one.values, n, axis=1)), **values)


def countable(tables: Tables) -> Tables:
    """Return tables without what the tallies cannot tell apart, or the record does not know.

    A supporter that then fights would be counted twice, and answers in war as answers before
    it; neither changes who has joined or the rungs below war. There is no coercion.
    """
    decision, defender, scalar = (
        array.copy() for array in (tables.decision, tables.defender, tables.scalar)
    )
    decision[:, :, :, :, WAR, ..., :2] = 0
    defender[:, :, :, WAR:, ..., 1] = defender[:, :, :, WAR:, ..., 0]
    scalar[:, SCALAR_WEDGE] = 0
    return tables._replace(decision=decision, defender=defender, scalar=scalar)


def simplified(tables: Tables) -> Tables:
    """Return tables with an ally of one type, of which only its support is news, as at rung 3."""
    decision = tables.decision.copy()
    staunch = (tables.staunch / 2**30).reshape(-1, 1, 1, 1, 1, 1, 1)
    mean = decision[..., 0] * (1.0 - staunch) + decision[..., 1] * staunch
    decision[..., 0] = decision[..., 1] = np.round(mean)
    decision[..., 2] = 0
    decision[..., 3] = decision[:, :, :, :, 2:3, :1, :, 3]
    return tables._replace(decision=decision)


def compiled(draws: Draws, simple: bool) -> Tables:
    tables = countable(compile_disputes(*crossed(DISPUTES, draws), onset=3.0))
    return simplified(tables) if simple else tables


def counted(tables: Tables, grave: bool, n: int = N) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Play `n` disputes of a class in every cell; by highest rung, answered, joined."""
    keys = np.arange(len(tables.veto))
    tallies = simulate_block(cells.one_dispute(tables, grave), 1, keys, 0, n)
    peaks = tallies.crisis[:, int(grave)].sum(axis=(1, 3))
    assert (peaks.sum(axis=1) == n).all()
    joined = tallies.party[:, PARTY_SUPPORTED, 0] + tallies.party[:, PARTY_FOUGHT, 0]
    rungs = np.column_stack([peaks[:, 1:WAR], peaks[:, WAR:].sum(axis=1)])
    return rungs, tallies.reciprocated.sum(axis=1), joined


def margins(solved: Solved) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return chances of the same, all resolve types being as likely, in the order of cells."""
    chances = solved.outcome.chances.mean(axis=2).reshape(-1, 5, 2, 2)
    answered = chances[:, :, 1].sum(axis=(1, 2))
    return chances.sum(axis=(2, 3)), answered, chances[..., 1].sum(axis=(1, 2))


def least_p(found: tuple, chances: tuple) -> float:
    """Return the smallest p-value over cells and margins, times their number."""
    rungs, *shares = found
    expected, *means = chances
    p = [cells.p_value(o, e) for o, e in zip(rungs, expected, strict=True)]
    for hits, mean in zip(shares, means, strict=True):
        p += [cells.p_value([k, N - k], [q, 1.0 - q]) for k, q in zip(hits, mean, strict=True)]
    return min(p) * len(p)


@cache
def played(grave: bool) -> tuple:
    return counted(compiled(pinned_draws(), simple=True), grave)


@pytest.mark.parametrize("grave", [False, True])
def test_kernel_plays_the_chain(grave):
    chances = margins(solve(DISPUTES, pinned_draws(), grave=float(grave)))
    assert least_p(played(grave), chances) > LEVEL


@pytest.mark.parametrize(
    ("name", "grave"),
    [("settlement_scale", False), ("defender_revision_days", True), ("incident_scale", True)],
)
def test_a_rate_five_per_cent_off_is_noticed(name, grave):
    off = pinned_draws()
    off = off.replaced(name, 1.05 * off[name])
    chances = margins(solve(DISPUTES, off, grave=float(grave)))
    assert least_p(played(grave), chances) < LEVEL


def test_an_ally_more_willing_by_a_tenth_is_noticed():
    off = pinned_draws()
    off = off.replaced("joining_intercept", off["joining_intercept"] + 0.1)
    assert least_p(played(True), margins(solve(DISPUTES, off, grave=1.0))) < LEVEL


@pytest.mark.parametrize("grave", [False, True])
def test_simplifications_cost_less_than_one_per_cent_at_defaults(grave):
    # Errors about the ally, its type and news of its staying out; 0.01 in any share, of which
    # 0.003 is sampling (twice the largest standard error).
    draws = default_draws(settlement_frailty=NO_FRAILTY)
    chances = margins(solve(DISPUTES, draws, grave=float(grave)))
    found = counted(compiled(draws, simple=False), grave)
    for hits, expected in zip(found, chances, strict=True):
        assert np.abs(hits / N - expected).max() < 0.01


@pytest.mark.parametrize(("frailty", "most"), [(1.0, 0.0005), (1.8, 0.003)])
def test_nodes_of_frailty_stand_for_the_classes_of_the_kernel(frailty, most):
    draws = default_draws(settlement_frailty=frailty)
    nodes = solve(DISPUTES, draws).outcome.chances
    classes = np.exp(frailty * normal_classes(64))
    each = default_draws(
        64, settlement_frailty=NO_FRAILTY, settlement_scale=draws["settlement_scale"][0] * classes
    )
    mean = solve(DISPUTES, each).outcome.chances.mean(axis=0)
    assert np.abs(nodes[0] - mean).max() < most


# ---------------------------------------------------------------- what holds by itself


def wide_draws(n: int = 12) -> Draws:
    return cells.sampled(n, seed=9)


def test_chances_sum_to_one_and_days_are_positive():
    outcome = solve(DISPUTES, wide_draws()).outcome
    np.testing.assert_allclose(outcome.chances.sum(axis=(3, 4, 5)), 1.0, atol=1e-12)
    assert (outcome.chances > -1e-15).all()
    assert (outcome.days > 0).all()
    assert (outcome.onset > 0).all()


def test_nobody_joins_without_an_ally():
    chances = solve(DISPUTES, wide_draws()).outcome.chances
    alone = DISPUTES.n_allies == 0
    assert (chances[:, alone, ..., 1] == 0).all()
    assert (chances[:, ~alone, ..., 1].sum(axis=(2, 3, 4)) > 0).all()


def test_onset_is_one_on_average_without_an_ally():
    onset = solve(DISPUTES, wide_draws()).outcome.onset
    mean = onset.sum(axis=3).mean(axis=2)
    alone = DISPUTES.n_allies == 0
    np.testing.assert_allclose(mean[:, alone], 1.0, rtol=1e-12)
    assert np.abs(mean[:, ~alone] - 1.0).max() > 1e-3


@pytest.mark.parametrize("rung", [1, 2, 3, 4])
def test_no_dispute_peaks_below_where_it_opens(rung):
    draws = wide_draws(4)
    opening = np.zeros((draws.n, 4))
    opening[:, rung - 1] = 1.0
    chances = solve(DISPUTES, draws, opening=opening).outcome.chances
    assert (chances[:, :, :, : rung - 1] == 0).all()
    assert (chances[:, :, :, rung - 1].sum(axis=(3, 4)) > 0).all()


def test_openings_mix():
    draws = wide_draws(4)
    parts = [
        solve(DISPUTES, draws, opening=np.eye(4)[[k]].repeat(draws.n, axis=0)).outcome.chances
        for k in range(3)
    ]
    inputs = generic_inputs(*crossed(DISPUTES, draws)).opening.reshape(draws.n, DISPUTES.n, 2, 3)
    by_types = inputs[:, :, [0, 1, 0, 1]]
    mixed = sum(by_types[..., k, None, None, None] * parts[k] for k in range(3))
    np.testing.assert_allclose(mixed, solve(DISPUTES, draws).outcome.chances, atol=1e-12)


def test_class_given_mixes_to_the_class_by_onset():
    draws = wide_draws(4)
    whole = solve(DISPUTES, draws).outcome
    routine, grave = (solve(DISPUTES, draws, grave=g).outcome.chances for g in (0.0, 1.0))
    share = (whole.onset[..., 1] / whole.onset.sum(axis=3))[..., [0, 1, 0, 1], None, None, None]
    np.testing.assert_allclose((1 - share) * routine + share * grave, whole.chances, atol=1e-12)
    assert np.abs(routine - grave).max() > 0.05


def test_days_of_a_dispute_of_chance_alone():
    # Nobody revises: at each rung r the dispute settles with chance s, else rises with chance i.
    still = {"challenger_revision_days": cells.NEVER, "defender_revision_days": cells.NEVER}
    draws = default_draws(settlement_frailty=NO_FRAILTY, challenger_war_cost=60.0, **still)
    solved = solve(records.features(land=[False, True]), draws)
    days = round_days(draws)[0]
    scale, rate = draws["settlement_scale"][0], draws["incident_scale"][0]
    opens = [draws["opening_threat"][0], 0.0, 0.0]
    force = 1 / (1 + np.exp(-np.log(draws["opening_force"][0] / (1 - draws["opening_force"][0]))
                            + draws["opening_resolve"][0]))  # fmt: skip
    opens[1], opens[2] = (1 - opens[0]) * (1 - force), (1 - opens[0]) * force
    here, total = 0.0, 0.0
    for rung in (1, 2, 3, 4):
        here += opens[rung - 1] if rung < 4 else 0.0
        rises = within(rate * draws[f"incident_rate_{rung}"][0], days[rung]) if rung < 4 else 0.0
        settles = within(scale * draws[f"settlement_rate_{rung}"][0], days[rung])
        leaves = rises + (1 - rises) * settles
        total += here / leaves * days[rung]
        here *= rises / leaves
    assert solved.outcome.days[0, 0, 0] == pytest.approx(total, rel=1e-6)


# ---------------------------------------------------------------- direct coefficients


def changed(**columns: object) -> Features:
    return Features(**{**vars(DISPUTES), **{k: np.resize(v, 6) for k, v in columns.items()}})


PERIOD_COEFFICIENTS = ("opening_after_1990", "answer_after_1990", "stake_after_1990")


def test_exactly_three_coefficients_have_no_mechanism_behind_them():
    direct = {name for name, p in REGISTRY.items() if "direct coefficient" in p.source}
    assert set(DIRECT) == direct
    assert len(DIRECT) == 3


@pytest.mark.parametrize("name", PERIOD_COEFFICIENTS)
def test_coefficients_of_the_period_are_silent_before_it(name):
    draws = default_draws(**dict.fromkeys(PERIOD_COEFFICIENTS, 0.0))
    before, after = changed(after_1990=False), changed(after_1990=True)
    moved = cells.pinned(draws, **{name: 0.7})
    still = solve(before, draws).cells
    assert (solve(before, moved).cells == still).all()
    assert (solve(after, draws).cells == still).all()
    assert np.abs(solve(after, moved).cells - still).max() > 1e-3


def test_capability_acts_on_the_opening_only_beside_the_war():
    draws = default_draws(opening_capability=0.8)
    neutral = cells.pinned(draws, opening_capability=0.0)
    x, y = (generic_inputs(*crossed(DISPUTES, d)) for d in (draws, neutral))
    for name, one, other in zip(x._fields, x, y, strict=True):
        assert np.array_equal(one, other) == (name != "opening"), name
    equal = DISPUTES.defender_power == 1.0
    assert np.array_equal(x.opening[equal], y.opening[equal])
    weak = DISPUTES.defender_power < 1.0
    assert (x.opening[weak, :, 2] > y.opening[weak, :, 2]).all()


FEATURES_OF_STAKES = {
    "land": True, "sea": True, "after_1990": True, "china": True, "shared": 0.7, "decade": 2.0,
}  # fmt: skip


def test_mechanisms_alone_know_nothing_of_place_and_time():
    bare = cells.pinned(wide_draws(3), **dict.fromkeys((*STAKES, *DIRECT), 0.0))
    still = solve(changed(**dict.fromkeys(FEATURES_OF_STAKES, 0)), bare).cells
    assert (solve(changed(**FEATURES_OF_STAKES), bare).cells == still).all()


@pytest.mark.parametrize("feature", FEATURES_OF_STAKES)
def test_every_feature_acts_through_its_coefficients(feature):
    nothing = dict.fromkeys(FEATURES_OF_STAKES, 0)
    draws = wide_draws(1)
    still = solve(changed(**nothing), draws).cells
    moved = solve(changed(**nothing | {feature: FEATURES_OF_STAKES[feature]}), draws).cells
    assert np.abs(moved - still).max() > 1e-4


def test_levels_fold_rungs_three_and_four_and_wars_are_answered():
    chances = np.arange(20.0).reshape(5, 2, 2)
    found = outcome_cells(chances).reshape(4, 2, 2)
    assert (found[0] == chances[0]).all()
    assert (found[1] == chances[1]).all()
    assert (found[2] == chances[2] + chances[3]).all()
    assert (found[3, 1] == chances[4].sum(axis=0)).all()
    assert (found[3, 0] == 0).all()


def test_draws_and_disputes_do_not_mix():
    draws = wide_draws(3)
    together = solve(DISPUTES, draws).outcome.chances
    one = Draws(draws.names, draws.values[:, 1:2])
    rows = np.array([4, 0])
    alone = solve(DISPUTES.taken(rows), one).outcome.chances[0]
    assert (together[1, rows] == alone).all()
