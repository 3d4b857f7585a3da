"""Paired comparison: both uncertainties, P(safer), ranks and variance reduction.

Known answers come from made-up probabilities and coupled coin tosses, the same uniform number
for every structure, so that every variance can be written down. Levels are stated per test.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import binom, norm
from synthetic import REFERENCE, STRUCTURES, synthetic_dataset

from escalation.analysis.comparison import compare, compare_panel, rows_of
from escalation.errors import InputError, ResultsError
from escalation.results.estimates import Panel, panel, panel_from_counts
from escalation.results.quantities import RISKS, chosen_risks, parse_loss
from escalation.results.under_rule import under_rule

REPLICATES = 16
WAR = RISKS["war"]


def tossed(p: np.ndarray, n: int, seed: int, *, coupled: bool = True) -> Panel:
    """Panel of coin tosses with probabilities `p` (structure, draw), n to a replicate."""
    rng = np.random.default_rng(seed)
    structures, draws = p.shape
    u = rng.random((1 if coupled else structures, draws, REPLICATES, n))
    hits = (u < p[:, :, None, None]).sum(axis=-1).astype(float)
    trials = np.full(hits.shape, float(n))
    return panel_from_counts(WAR, tuple(f"s{k}" for k in range(structures)), hits, trials)


def compared(p: Panel) -> SimpleNamespace:
    """Every variable of the comparison with the first structure, as an array."""
    found = compare_panel(p, p.structures[0])
    return SimpleNamespace(**{str(name): array.values for name, array in found.items()})


def against(p: np.ndarray, n: int, seed: int, **options: bool) -> SimpleNamespace:
    return compared(tossed(p, n, seed, **options))


def test_identical_structures_give_exactly_zero() -> None:
    p = np.random.default_rng(0).beta(2, 8, (1, 40)).repeat(3, axis=0)
    p[2] *= 0.5
    c = against(p, 50, 1)
    for name in ("difference", "difference_monte_carlo_se", "difference_sd", "difference_low"):
        assert getattr(c, name)[1] == 0.0, name
    assert np.isnan(c.p_safer[:2]).all(), "neither is the safer one"
    assert c.verdict.tolist() == ["reference", "identical", "safer"]
    assert np.array_equal(c.rank_probability[0], c.rank_probability[1])
    assert c.regret[0] == c.regret[1]
    plausible = tossed(p, 50, 1).cleaned().plausible
    assert np.array_equal(plausible[0], plausible[1])
    assert c.twin.tolist() == [0, 0, 2]
    assert np.isnan(c.reduction[1]), "nothing varies"


def test_identical_structures_of_a_study_give_exactly_zero() -> None:
    """The same structure under two names, played by the kernel."""
    import cells

    import escalation

    study = cells.shipped_study()
    hub = study.structures[REFERENCE]
    twin = {REFERENCE: hub, "twin": hub.model_copy(update={"name": "twin"})}
    place = {"taiwan_strait": study.flashpoints["taiwan_strait"]}
    pair = study.model_copy(update={
        "structures": twin, "flashpoints": place, "decision_rules": ("expected_utility",),
        "compare": study.compare.model_copy(update={"focus": (), "sweep": ()}),
    })  # fmt: skip
    ds = escalation.run(pair, draws=4, trajectories=100, source="prior")
    found = compare(ds, list(RISKS))
    assert np.isnan(found["rank_probability"]).all()
    seen = 0
    for (*_, structure), c in rows_of(found).items():
        if structure == "twin":
            assert np.isnan(c.p_safer)
            assert c.verdict in ("identical", "no hits", "too rare")
            seen += c.verdict == "identical"
            if c.verdict == "identical":
                assert c.difference == 0.0
                assert c.difference_monte_carlo_se == 0.0
    assert seen


def test_variance_reduction_is_that_of_the_coupling() -> None:
    """Same uniforms: Var(X - Y) = |p - q| - (p - q)^2, the best that there is."""
    p = np.array([[0.10], [0.13], [0.30]]).repeat(400, axis=1)
    c = against(p, 100, 3)
    q = p[:, 0]
    gap = np.abs(q - q[0]) + np.array([np.nan, 0, 0])
    best = (q * (1 - q) + q[0] * (1 - q[0])) / (gap - gap**2)
    for s in (1, 2):
        assert c.reduction_low[s] < best[s] < c.reduction_high[s]
        assert c.reduction_bound[s] == pytest.approx(best[s], rel=0.2)
        assert c.reduction_high[s] < 1.3 * c.reduction_low[s], "the interval says something"
    apart = against(p, 100, 3, coupled=False)
    assert apart.reduction_low[1] < 1 < apart.reduction_high[1], "independent runs gain nothing"


def test_monte_carlo_error_of_the_difference_covers() -> None:
    """95 % intervals of 300 runs; binomial test at level 1e-3."""
    rng = np.random.default_rng(5)
    p = np.stack([q := rng.beta(3, 20, 30), np.clip(q + 0.02, 0, 1)])
    truth = float((p[1] - p[0]).mean())
    hit = wrong = 0
    for seed in range(300):
        c = against(p, 20, seed)
        hit += abs(c.difference[1] - truth) < 1.96 * c.difference_monte_carlo_se[1]
        # Negative control: errors half as large.
        wrong += abs(c.difference[1] - truth) < 0.98 * c.difference_monte_carlo_se[1]
    assert binom.cdf(hit, 300, 0.95) > 1e-3
    assert binom.cdf(wrong, 300, 0.95) < 1e-3


def test_spread_over_parameters_is_free_of_chance() -> None:
    """Known split: p = 0.2 + 0.03 z over draws; chance more than doubles the variance."""
    rng = np.random.default_rng(7)
    z = norm.ppf((np.arange(2000) + 0.5) / 2000)
    p = np.stack([0.2 + 0.03 * z, 0.2 + 0.03 * rng.permutation(z)])
    c = against(p, 6, 8)
    raw = tossed(p, 6, 8).values.std(axis=1, ddof=1)
    np.testing.assert_allclose(c.parameter_sd, 0.03, rtol=0.08)
    np.testing.assert_allclose(c.high - c.low, 2 * 1.645 * 0.03, rtol=0.1)
    assert (raw > 1.5 * c.parameter_sd).all(), "without the removal it would be far off"
    assert c.difference_sd[1] == pytest.approx(0.03 * 2**0.5, rel=0.1)


def test_p_safer_is_the_share_of_draws_whatever_the_chance() -> None:
    """True share .9332: d = -0.03 + 0.02 z. Raw counts would say much less."""
    z = norm.ppf((np.arange(3000) + 0.5) / 3000)
    base = np.random.default_rng(2).uniform(0.2, 0.4, 3000)
    p = np.stack([base, base - 0.03 + 0.02 * z])
    truth = norm.cdf(1.5)
    c = against(p, 25, 4, coupled=False)
    values = tossed(p, 25, 4, coupled=False).values
    raw = (values[1] < values[0]).mean()
    assert abs(c.p_safer[1] - truth) < 0.03
    assert raw < truth - 0.08
    assert c.verdict[1] == "safer"


def test_all_chance_decides_nothing() -> None:
    """The same probabilities under both: P(safer) near one half, no spread, no verdict."""
    p = np.full((2, 200), 0.02)
    found = [against(p, 20, seed, coupled=False) for seed in range(12)]
    assert all(c.verdict[1] == "undecided" for c in found) or sum(
        c.verdict[1] != "undecided" for c in found
    ) <= 2
    assert np.mean([c.parameter_sd.max() for c in found]) < 0.004, "chance alone spreads by 0.0078"


def test_ranks_and_regret() -> None:
    rng = np.random.default_rng(11)
    base = rng.uniform(0.2, 0.3, 400)
    better = rng.random(400) < 0.7
    p = np.stack([base, base + np.where(better, -0.1, 0.1), base + 0.2])
    c = against(p, 1000, 12)
    np.testing.assert_allclose(c.rank_probability.sum(axis=0), 1)
    np.testing.assert_allclose(c.rank_probability.sum(axis=1), 1)
    assert c.rank_probability[1, 0] == pytest.approx(better.mean(), abs=0.02)
    assert c.rank_probability[2, 2] > 0.98
    assert c.regret[0] == pytest.approx(0.1 * better.mean(), abs=0.004)
    assert c.regret[1] == pytest.approx(0.1 * (1 - better.mean()), abs=0.004)
    assert (c.regret >= 0).all()


def test_dominance() -> None:
    z = np.linspace(0.1, 0.3, 300)
    middle = 0.2 + 0.5 * (z - 0.2)
    c = against(np.stack([z, z - 0.05, middle, z + 0.05]), 3000, 1)
    assert c.dominance_first[1] < 0.01
    assert c.dominance_first[3] > 0.99
    assert 0.4 < c.dominance_first[2] < 0.6, "less spread: better in bad draws, worse in good ones"
    assert c.dominance_second[2] < 0.05, "and so better for those who shun bad draws"
    assert np.isnan(c.dominance_first[0])


def test_words() -> None:
    p = np.full((2, 20), 0.3)
    p[1] = 0.2
    assert against(p, 200, 0).verdict[1] == "safer"
    assert against(p[::-1], 200, 0).verdict[1] == "riskier"
    mixed = np.stack([np.full(20, 0.3), np.where(np.arange(20) % 2, 0.2, 0.4)])
    assert against(mixed, 200, 0).verdict[1] == "undecided"
    assert against(p[:, :3], 200, 0).verdict[1] == "too few draws"
    assert against(0 * p, 200, 0).verdict[1] == "no hits"
    rare = np.zeros((2, 20, 16))
    rare[1, :19, 0] = 1
    twenty = np.full(rare.shape, 50.0)
    assert compared(panel_from_counts(WAR, ("s0", "s1"), rare, twenty)).verdict[1] == "too rare"
    nothing = panel_from_counts(WAR, ("s0", "s1"), np.zeros((2, 5, 16)), np.zeros((2, 5, 16)))
    assert compared(nothing).verdict.tolist() == ["-", "-"]


def test_a_draw_without_trials_is_left_out() -> None:
    hits, trials = np.ones((2, 10, 16)), np.full((2, 10, 16), 5.0)
    hits[0, 3], trials[0, 3] = 0, 0
    c = compared(panel_from_counts(WAR, ("s0", "s1"), hits, trials))
    assert c.draws == 9


def test_ratios() -> None:
    p = np.stack([np.full(50, 0.2), np.full(50, 0.1)])
    c = against(p, 100, 3)
    assert c.ratio_mc_low[1] < 0.5 < c.ratio_mc_high[1]
    assert c.ratio[0] == 1.0
    rare = against(p / 1000, 100, 3)
    assert np.isnan(rare.ratio[1]), "a ratio of a handful of hits says nothing"


@pytest.fixture(scope="module")
def ds():
    return synthetic_dataset(3, flashpoints=2, structures=4, draws=12, trajectories=300)


def test_panels_hold_the_counts_of_the_results(ds) -> None:
    place = under_rule(ds).sel(flashpoint="taiwan_strait")
    war = panel(ds, RISKS["war"], "taiwan_strait")
    hits = place["first_event_count"].sel(event="war").sum("year").values
    np.testing.assert_allclose(war.values, hits / 300)
    onset = panel(ds, RISKS["onset"], "taiwan_strait")
    disputes = place["crisis_count"].sum(("dispute_class", "end_state", "peak_rung", "us_fought"))
    np.testing.assert_allclose(onset.values, disputes.values / 3000)
    loss = compare(ds, "war", loss={"war": 2.0, "dispute": 0.5})
    assert loss["risk"].values.tolist() == ["war", "loss"]
    mean = loss["mean"].sel(flashpoint="taiwan_strait", risk="loss").values[0]
    first = place["first_event_count"].sum("year")
    expected = (2 * first.sel(event="war") + first.sel(event="dispute") / 2).mean("draw") / 300
    np.testing.assert_allclose(mean, expected.values)


def test_results_without_replicates_give_upper_bounds(ds) -> None:
    old = ds.drop_vars("replicate_count")
    risks = "war,onset,war_given_grave"
    of_old, of_new = compare(old, risks), compare(ds, risks)
    np.testing.assert_allclose(of_old["mean"], of_new["mean"])
    assert np.isnan(of_old["reduction"]).all()
    errors = (found["difference_monte_carlo_se"][..., 2:] for found in (of_old, of_new))
    assert (np.divide(*errors) > 0.6).all()
    with pytest.raises(ResultsError, match="replicates"):
        compare(old, "war", loss={"war": 1.0})


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("piece=1", "unknown event 'piece'"), ("war", "no number"), ("war=nan", "no number"),
        ("war=-1", "no number"), ("war=inf", "no number"), ("war=1,war=2", "weighed twice"),
        ("war=0", "every weight is zero"), ("", "unknown event ''"),
    ],
)  # fmt: skip
def test_bad_losses_are_refused(text: str, what: str) -> None:
    with pytest.raises(InputError, match=what):
        parse_loss(text)


def test_bad_names_are_refused(ds) -> None:
    with pytest.raises(InputError, match="unknown risk 'peace'"):
        chosen_risks("war,peace")
    with pytest.raises(InputError, match="named twice"):
        chosen_risks("war,war")
    with pytest.raises(InputError, match="unknown structure 'none'"):
        compare(ds, reference="none")
    with pytest.raises(ResultsError, match="no reference"):
        compare(ds.assign_attrs(reference="gone"))
    found = compare(ds, reference=STRUCTURES[3])
    assert found.attrs["reference"] == STRUCTURES[3]
    assert found["flashpoint"].values.tolist() == ["taiwan_strait", "taiwan_outlying_islands"]
    assert set(found["risk"].values) == {"war", "great_power_war", "nuclear_use", "concession"}
