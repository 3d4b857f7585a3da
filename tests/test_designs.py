"""Designs over the parameters, and correlated priors.

Statistical tests have fixed seeds, state what they allow for, and run the same check on
something that it must refuse. Margins: Kolmogorov-Smirnov at the 1 % level. Rank correlations:
the mean over eight designs of 512 draws may lie three standard errors from the stated one, as
if all were chance draws (level 0.3 %); designs are more even than that.
"""

from __future__ import annotations

import json
import runpy
from dataclasses import replace
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest
from cells import CONFIGS
from posteriors import FITTED, made_up
from scipy import stats
from scipy.stats import qmc

import escalation
from escalation.errors import InputError, StudyError
from escalation.model.draws import Draws, draw_parameters
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import REGISTRY
from escalation.simulation.parameter_source import Source
from escalation.statistics.copula import clashing, correlated, score_matrix
from escalation.study import Study, parse_study, study_from_text
from escalation.study.correlations import Correlation
from escalation.study.schema import DESIGNS

designs = SimpleNamespace(**runpy.run_path(str(CONFIGS.parent / "benchmarks" / "designs.py")))
"""The names of benchmarks/designs.py."""
N = 512
SEED = 3
SEEDS = range(8)
LEVEL = 0.01
FREE = [
    name for name, entry in REGISTRY.items()
    if not isinstance(entry.prior, Fixed) and not entry.rule
]
STAKE, ONSET, CHOICE = "provocation_stake", "provocation_onset", "forced_choice"
"""Three normal priors, in the registry's order."""


def stated(a: str, b: str, r: float) -> Correlation:
    return Correlation(between=(a, b), rank_correlation=r, source="made up", mark="judgement")


def written(a: str, b: str, r: float) -> dict:
    return stated(a, b, r).model_dump()


def study_with(*correlations: dict, **keys: object) -> Study:
    """Return the shipped study with correlations and other keys of its own."""
    content = {"extends": "asian_nato.yaml", "name": "mine", "correlations": list(correlations)}
    return parse_study({**content, **keys}, CONFIGS)


def spearman(draws: Draws, a: str, b: str) -> float:
    return float(stats.spearmanr(draws[a], draws[b]).statistic)


def close(found: list[float], r: float) -> bool:
    """Whether the mean of rank correlations, each of 512 draws, is as near to `r` as stated."""
    return bool(abs(np.mean(found) - r) < 3 * (1 - r * r) / np.sqrt(N * len(found)))


def achieved(design: str, correlations: list, a: str, b: str) -> list[float]:
    """Return the rank correlation of two parameters in several designs."""
    sizes = tuple((*one.between, one.rank_correlation) for one in correlations)
    return [spearman(draws, a, b) for draws in drawn(design, sizes)]


@lru_cache(maxsize=8)
def drawn(design: str, sizes: tuple[tuple[str, str, float], ...]) -> list[Draws]:
    """Return several designs, which several tests look at; not to be changed."""
    related = [stated(*one) for one in sizes]
    return [draw_parameters(REGISTRY, N, seed, design, related) for seed in SEEDS]


def shares(draws: Draws, name: str) -> np.ndarray:
    """Return the draws of a normal prior as shares of it, uniform if all is well."""
    prior = REGISTRY[name].prior
    return stats.norm(prior.mean, prior.sd).cdf(draws[name])


# Designs


def test_sobol_is_scipys_scrambled_sequence() -> None:
    with pytest.warns(UserWarning, match="balance properties"):
        points = qmc.Sobol(len(FREE), rng=np.random.default_rng([SEED, 1])).random(7)
    draws = draw_parameters(REGISTRY, 7, SEED, "sobol")
    for k, name in enumerate(FREE):
        assert np.array_equal(draws[name], REGISTRY[name].quantile(points[:, k])), name


def one_in_each_stratum(draws: Draws, name: str) -> bool:
    strata = np.floor(shares(draws, name) * draws.n)
    return sorted(strata) == list(range(draws.n))


@pytest.mark.parametrize("n", [1, 2, 100, N])
def test_latin_hypercube_has_one_draw_in_each_stratum(n: int) -> None:
    related = [stated(STAKE, ONSET, 0.7), stated(ONSET, CHOICE, -0.5)]
    for correlations in ([], related):
        draws = draw_parameters(REGISTRY, n, SEED, "latin_hypercube", correlations)
        assert all(one_in_each_stratum(draws, name) for name in (STAKE, ONSET, CHOICE))
        assert np.isfinite(draws.values).all()
    if n == 100:  # not a power of two, where a Sobol sequence has one in each as well
        assert not one_in_each_stratum(draw_parameters(REGISTRY, n, SEED), STAKE)


def test_latin_hypercube_takes_its_points_in_a_random_order() -> None:
    draws = draw_parameters(REGISTRY, N, SEED, "latin_hypercube")
    found = [spearman(draws, STAKE, name) for name in FREE if name != STAKE]
    # Standard error 1 / sqrt(N - 1); of 100 odd pairs none beyond 5 of them.
    assert np.abs(found).max() < 5 / np.sqrt(N - 1)
    assert np.std(found) > 0.5 / np.sqrt(N - 1)
    assert spearman(draws, STAKE, STAKE) > 5 / np.sqrt(N - 1)


def test_more_sobol_draws_extend_fewer_and_those_of_a_hypercube_do_not() -> None:
    related = [stated(STAKE, ONSET, 0.7), stated(ONSET, CHOICE, -0.5), stated(CHOICE, STAKE, 0.1)]
    for correlations in ([], related):
        few, many = (draw_parameters(REGISTRY, n, SEED, "sobol", correlations) for n in (13, 300))
        assert np.array_equal(few.values, many.values[:, :13])
    few, many = (draw_parameters(REGISTRY, n, SEED, "latin_hypercube") for n in (13, 300))
    assert not np.isin(few[STAKE], many[STAKE]).any()


@pytest.mark.parametrize("design", DESIGNS)
def test_the_seed_fixes_a_design(design: str) -> None:
    related = [stated(STAKE, ONSET, 0.7)]
    first, again, other = (
        draw_parameters(REGISTRY, 20, seed, design, related).values for seed in (0, 0, 2**64 - 1)
    )
    assert first.tobytes() == again.tobytes()
    free = [name in FREE for name in REGISTRY]
    assert not np.isin(first[free], other[free]).all(axis=1).any()


def test_rules_have_points_of_their_own_in_every_design() -> None:
    """Parameters of one rule do not move the draws of all the others."""
    with_rule = {**REGISTRY, CHOICE: replace(REGISTRY[CHOICE], rule="habit")}
    more = {**with_rule, "new": replace(REGISTRY[STAKE], name="new", rule="habit")}
    for design in DESIGNS:
        before, after = (draw_parameters(p, 9, SEED, design) for p in (with_rule, more))
        kept = [name for name in FREE if np.array_equal(before[name], after[name])]
        moved = [] if design == "nested_hypercube" else [CHOICE]
        assert kept == [name for name in FREE if name not in moved]


@pytest.mark.parametrize("design", DESIGNS)
def test_parameters_of_a_rule_are_not_correlated_with_the_shared_ones(design: str) -> None:
    """Mean size of each rank correlation over eight designs of 512 draws: below 0.4.

    The worst of some 600 pairs reaches 0.28 where columns differ, within the shared parameters
    and across; the same Sobol column scrambled twice has 0.5 to 1, of either sign.
    """
    rules = {f"{rule}_{k}": rule for rule in ("habit", "prospect") for k in range(3)}
    own = {name: replace(REGISTRY[STAKE], name=name, rule=rule) for name, rule in rules.items()}
    names = [*FREE, *own]
    sizes = []
    for seed in SEEDS:
        draws = draw_parameters({**REGISTRY, **own}, N, seed, design)
        values = np.array([draws[name] for name in names])
        sizes.append(np.abs(stats.spearmanr(values, axis=1).statistic))
    apart = np.mean(sizes, axis=0) - np.eye(len(names))
    assert apart[len(FREE):].max() < 0.4
    twice = [
        [qmc.Sobol(1, rng=np.random.default_rng([seed, k])).random(N)[:, 0] for k in (1, 2)]
        for seed in SEEDS
    ]
    assert np.mean([abs(stats.spearmanr(*pair).statistic) for pair in twice]) > 0.4


def test_a_study_names_its_design(study: Study) -> None:
    assert (study.plan.design, study.correlations) == ("nested_hypercube", ())
    cube = study_with(plan={"design": "latin_hypercube"})
    assert (cube.plan.design, cube.plan.draws) == ("latin_hypercube", study.plan.draws)
    same = study.with_plan(design="latin_hypercube", draws=9)
    assert (same.plan.design, same.plan.draws) == ("latin_hypercube", 9)
    assert same.with_plan(draws=8).plan.design == "latin_hypercube"
    draws = Source(cube).draws(6, SEED)
    assert np.array_equal(draws.values, Source(same).draws(6, SEED).values)
    assert one_in_each_stratum(draws, ONSET)


@pytest.mark.parametrize("design", ["lattice", "Sobol", "", 1, True, ["sobol"], "a\nb" * 99])
def test_unknown_design(study: Study, design: object) -> None:
    for attempt in (
        lambda: study.with_plan(design=design),
        lambda: draw_parameters(REGISTRY, 2, 1, design),
    ):
        with pytest.raises(InputError, match=r"^design: unknown design ") as caught:
            attempt()
        assert "sobol" in str(caught.value)
        assert "\n" not in str(caught.value)


# Correlated priors


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("r", [-0.95, -0.5, 0.2, 0.7, 0.9])
def test_rank_correlation_is_the_stated_one(design: str, r: float) -> None:
    assert close(achieved(design, [stated(ONSET, STAKE, r)], STAKE, ONSET), r)
    assert not close(achieved(design, [], STAKE, ONSET), r)
    assert not close(achieved(design, [stated(ONSET, STAKE, -r)], STAKE, ONSET), r)


def test_scores_correlate_a_little_more_than_ranks() -> None:
    """With 65,536 points r = 2 sin(pi r / 6) can be told from r itself."""
    points = qmc.Sobol(2, rng=np.random.default_rng(SEED)).random_base2(16).T
    found = correlated(dict(zip("ab", points, strict=True)), {("a", "b"): 0.6})
    assert stats.spearmanr(found["a"], found["b"]).statistic == pytest.approx(0.6, abs=0.001)
    assert np.corrcoef(stats.norm.ppf([found["a"], found["b"]]))[0, 1] == pytest.approx(
        2 * np.sin(np.pi * 0.6 / 6), abs=0.001
    )
    assert 2 * np.sin(np.pi * 0.6 / 6) != pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("design", DESIGNS)
def test_groups_of_three_and_a_pair_beside_them(design: str) -> None:
    """Unnamed pairs are uncorrelated, within a group and across groups."""
    wanted = {
        (STAKE, ONSET): 0.6, (ONSET, CHOICE): 0.5, (STAKE, CHOICE): 0.0,
        ("audience_cost", "turnover"): -0.8, ("audience_cost", STAKE): 0.0,
    }  # fmt: skip
    related = [stated(a, b, r) for (a, b), r in wanted.items() if r]
    for (a, b), r in wanted.items():
        assert close(achieved(design, related, a, b), r), (a, b)
        assert not close(achieved(design, related, a, b), r - 0.2), (a, b)


def test_correlation_across_decision_rules() -> None:
    """Parameters of two rules come from different sequences, in whatever order they stand."""
    parameters = {**REGISTRY, STAKE: replace(REGISTRY[STAKE], rule="habit")}
    parameters |= {CHOICE: replace(REGISTRY[CHOICE], rule="prospect")}
    related = [stated(STAKE, ONSET, 0.6), stated(STAKE, CHOICE, -0.4)]
    for design in DESIGNS:
        # Two columns of a Sobol sequence need some thousand points to look unrelated.
        draws, before = (draw_parameters(parameters, 4096, SEED, design, c) for c in (related, []))
        for one in related:
            assert spearman(draws, *one.between) == pytest.approx(one.rank_correlation, abs=0.05)
            assert abs(spearman(before, *one.between)) < 0.05
        moved = [n for n in FREE if not np.array_equal(draws[n], before[n])]
        assert moved == [STAKE, CHOICE], "what every rule reads keeps its draws"


def test_only_correlated_parameters_move_and_only_the_later_of_two() -> None:
    before = draw_parameters(REGISTRY, 40, SEED, "sobol")
    pairs = [(ONSET, STAKE, 0.5), ("turnover", "audience_cost", 0.5), (CHOICE, "restraint", 0.0)]
    after = draw_parameters(REGISTRY, 40, SEED, "sobol", [stated(*p) for p in pairs])
    moved = [name for name in FREE if not np.array_equal(before[name], after[name])]
    assert sorted(moved) == sorted(
        max((a, b), key=FREE.index) for a, b, r in pairs if r
    )


def test_the_order_of_the_list_does_not_matter() -> None:
    related = [stated(STAKE, ONSET, 0.6), stated(CHOICE, ONSET, 0.5), stated(STAKE, CHOICE, 0.2)]
    turned = [stated(*reversed(one.between), one.rank_correlation) for one in reversed(related)]
    one, other = (draw_parameters(REGISTRY, 40, SEED, "sobol", r) for r in (related, turned))
    assert one.values.tobytes() == other.values.tobytes()


def fits(values: np.ndarray) -> bool:
    """Whether shares look uniform."""
    return bool(stats.kstest(values, "uniform").pvalue > LEVEL)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("r", [-0.6, 0.5])
def test_priors_stay_as_they_are(design: str, r: float) -> None:
    related = [stated(STAKE, ONSET, r), stated(ONSET, CHOICE, r), stated(STAKE, CHOICE, 0.7)]
    without = draw_parameters(REGISTRY, N, SEED, design)
    draws = draw_parameters(REGISTRY, N, SEED, design, related)
    for name in (STAKE, ONSET, CHOICE):
        assert fits(shares(draws, name)), name
        kept = np.array_equal(np.sort(draws[name]), np.sort(without[name]))
        assert kept == (design == "latin_hypercube" or name == STAKE), name
    # Sums of scores that nobody brought back to length 1, and too narrow a spread.
    scores = stats.norm.ppf([shares(without, STAKE), shares(without, ONSET)])
    assert not fits(stats.norm.cdf(scores[0] + scores[1]))
    assert not fits(stats.norm.cdf(0.6 * scores[1]))


def test_priors_of_many_draws_are_closer_than_chance_would_have_them() -> None:
    """Greatest distance below 0.004 for 16,384 points; chance has 0.0127 at the 1 % level."""
    related = [stated(STAKE, ONSET, -0.9), stated(ONSET, CHOICE, -0.9), stated(STAKE, CHOICE, 0.7)]
    draws = draw_parameters(REGISTRY, 2**14, SEED, "sobol", related)
    for name in (STAKE, ONSET, CHOICE):
        assert stats.kstest(shares(draws, name), "uniform").statistic < 0.004, name
    wider = stats.norm.cdf(1.02 * stats.norm.ppf(shares(draws, CHOICE)))
    assert stats.kstest(wider, "uniform").statistic > 0.004


def test_copula_stays_within_the_unit_cube_at_its_corners() -> None:
    """Many parameters pulled the same way from the corner of the cube have finite draws."""
    names = FREE[:12]
    related = [
        stated(a, b, 0.3) for k, a in enumerate(names) for b in names[k + 1:]
    ]
    corner = np.array([2.0**-40, 1 - 2.0**-40])
    found = correlated(dict.fromkeys(names, corner), {one.pair: 0.3 for one in related})
    assert found[names[-1]][0] < 2.0**-40, "the corner is left, so that clipping is needed"
    draws = draw_parameters(REGISTRY, 4096, SEED, "sobol", related)
    assert np.isfinite(draws.values).all()


def test_what_cannot_hold_together() -> None:
    chain = {("a", "b"): 0.9, ("b", "c"): 0.9}
    assert clashing(chain) == [("a", "b", "c")]
    assert clashing({**chain, ("a", "c"): 0.8}) == []
    assert clashing({**chain, ("x", "y"): 0.99}) == [("a", "b", "c")]
    assert clashing({("x", "y"): -0.9999}) == []
    matrix = score_matrix({**chain, ("a", "c"): 0.8}, "abc")
    assert np.array_equal(matrix, matrix.T)
    assert np.linalg.eigvalsh(matrix)[0] > 0


WRONG = {
    "unknown": ([stated(STAKE, "hope", 0.5)], "unknown parameter 'hope'"),
    "hostile": ([stated(STAKE, "</script>\n\x00", 0.5)], r"unknown parameter '</script>\\n\\x00'"),
    "fixed": ([stated(STAKE, "round_days_2", 0.5)], "'round_days_2' is fixed"),
    "twice": ([stated(STAKE, ONSET, 0.5), stated(ONSET, STAKE, 0.5)], "correlated twice"),
    "together": ([stated(STAKE, ONSET, 0.9), stated(ONSET, CHOICE, 0.9)],
                 "'provocation_onset', 'provocation_stake', 'forced_choice' cannot hold together"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_impossible_correlations_of_a_study_built_by_hand(study: Study, case: str) -> None:
    related, message = WRONG[case]
    with pytest.raises(InputError, match=rf"^correlations: .*{message}") as caught:
        Source(study.model_copy(update={"correlations": tuple(related)})).draws(2, 1)
    assert "\n" not in str(caught.value)


def test_mistakes_in_a_mapping() -> None:
    with pytest.raises(StudyError) as caught:
        study_with(written(STAKE, ONSET, 0.9), written(ONSET, CHOICE, 0.9))
    (problem,) = caught.value.problems
    assert problem.key == "correlations.1"
    for wrong in (float("nan"), float("inf"), 1.0, -1.0, -7):
        bad = {**written(STAKE, ONSET, 0.5), "rank_correlation": wrong}
        with pytest.raises(StudyError) as caught:
            study_with(bad)
        (problem,) = caught.value.problems
        assert problem.key == "correlations.0.rank_correlation"


# Studies that state correlations


def test_inline_priors_may_be_correlated() -> None:
    name = "taiwan_strait.onset_rate"
    mine = study_with(written(name, STAKE, -0.6))
    found = [spearman(Source(mine).draws(N, seed), name, STAKE) for seed in SEEDS]
    assert close(found, -0.6)


BASE = """\
name: base
extends: {configs}/asian_nato.yaml
correlations:
  - {{between: [provocation_stake, provocation_onset], rank_correlation: 0.5,
      source: a, mark: read}}
"""
CHILD = "name: child\nextends: base.yaml\n"


@pytest.fixture
def sizes(tmp_path):
    """Loads a child study with more text; returns the size of each correlation by pair."""
    (tmp_path / "configs").symlink_to(CONFIGS)
    (tmp_path / "base.yaml").write_text(BASE.format(configs="configs"))

    def load(more: str) -> dict:
        (tmp_path / "child.yaml").write_text(CHILD + more)
        found = escalation.load_study(tmp_path / "child.yaml")
        assert study_from_text(found.text).correlations == found.correlations
        assert Study.model_validate_json(found.model_dump_json()) == found
        return {one.pair: one.rank_correlation for one in found.correlations}

    return load


def test_a_list_replaces_the_inherited_one(sizes) -> None:
    assert sizes("") == {(ONSET, STAKE): 0.5}
    assert sizes("correlations: []\n") == sizes("correlations:\n") == {}
    own = json.dumps([written(CHOICE, STAKE, 0.25)])
    assert sizes(f"correlations: {own}\n") == {(CHOICE, STAKE): 0.25}


# Beside a posterior, and in the results


def test_posterior_overrules_correlations_of_what_it_covers() -> None:
    hold, overruled = written(ONSET, CHOICE, 0.6), written(ONSET, FITTED[0], 0.7)
    mine, posterior = study_with(overruled, hold), made_up()
    assert FITTED[0] not in (ONSET, CHOICE)
    at_work = Source(mine, posterior).correlations
    assert [[one.model_dump() for one in part] for part in at_work] == [[hold], [overruled]]
    draws = Source(mine, posterior).draws(60, SEED)
    without = Source(study_with(), posterior).draws(60, SEED)
    moved = [name for name in mine.parameters if not np.array_equal(draws[name], without[name])]
    assert moved == [CHOICE]
    alone = Source(mine).draws(60, SEED)
    assert not np.array_equal(alone[ONSET], draws[ONSET])


def test_attributes_say_what_was_drawn() -> None:
    held, overruled = written(ONSET, CHOICE, 0.6), written(ONSET, FITTED[0], 0.7)
    mine = study_with(overruled, held, plan={"design": "latin_hypercube"})
    attrs = Source(mine).attrs()
    assert attrs["design"] == "latin_hypercube"
    assert [one["rank_correlation"] for one in attrs["correlations"]] == [0.7, 0.6]
    assert attrs["correlations_overruled"] == []
    attrs = Source(mine, made_up()).attrs()
    assert [one["rank_correlation"] for one in attrs["correlations"]] == [0.6]
    assert [one["rank_correlation"] for one in attrs["correlations_overruled"]] == [0.7]


HOSTILE = "</script><img onerror=x> $\\undefined{x}$ \"'\u202e"


def test_results_keep_design_and_correlations(tmp_path) -> None:
    one = {**written(STAKE, ONSET, 0.6), "source": HOSTILE}
    mine = study_with(one, plan={"design": "latin_hypercube"})
    small = mine.model_copy(update={
        "flashpoints": {"taiwan_strait": mine.flashpoints["taiwan_strait"]},
        "structures": {mine.reference: mine.structures[mine.reference]},
        "compare": mine.compare.model_copy(update={"focus": (), "sweep": ()}),
    })  # fmt: skip
    ds = escalation.run(small, trajectories=10, draws=4, seed=SEED, source="prior")
    escalation.save_results(ds, tmp_path / "kept.nc")
    kept = escalation.open_results(tmp_path / "kept.nc")
    assert kept.attrs["design"] == "latin_hypercube"
    (found,) = json.loads(kept.attrs["correlations"])
    assert {**found, "between": tuple(found["between"])} == one
    wanted = Source(small).draws(4, SEED)
    assert np.array_equal(kept.parameter_value.transpose("parameter", "draw"), wanted.values)


# ---------------------------------------------------------------- holes


def test_no_pair_of_parameters_has_holes() -> None:
    """Chi-square of pairs of 300 parameters on 8 x 8 cells.

    At most 1 % of pairs lie beyond the 99.9 % quantile of independent uniform draws; those would
    have 0.1 %. Negative control: a scrambled Sobol sequence.
    """
    for n in (256, 512, 1024):
        assert designs.worse_than_chance(designs.nested(n, 300, SEED), 8) < 0.01
        assert designs.worse_than_chance(designs.DESIGNS["scrambled Sobol"](n, 300, SEED), 8) > 0.04


def test_shares_of_variance_are_no_worse_than_with_sobol() -> None:
    """Root mean square errors of known shares over 20 seeds, columns left to chance.

    They may be a quarter above Sobol's, by chance; independent draws are the negative control.
    """
    errors = {
        name: designs.share_errors(designs.DESIGNS[name], 256, 20)[:2]
        for name in ("nested hypercube", "scrambled Sobol", "independent")
    }
    for own, sobol, chance in zip(*errors.values(), strict=True):
        assert own < 1.25 * sobol
        assert chance > 2.0 * own


def test_more_draws_of_a_nested_hypercube_extend_fewer_and_stratify() -> None:
    many = draw_parameters(REGISTRY, 1_000, SEED)
    for n in (1, 7, 64, 513):
        assert np.array_equal(draw_parameters(REGISTRY, n, SEED).values, many.values[:, :n])
    for name in (STAKE, ONSET, CHOICE):
        u = shares(many, name)
        for n in (1, 2, 64, 512):
            assert np.array_equal(np.sort((u[:n] * n).astype(int)), np.arange(n))


def test_another_parameter_moves_no_other() -> None:
    fewer = {name: p for name, p in REGISTRY.items() if name != "choice_precision"}
    one, other = draw_parameters(REGISTRY, 50, SEED), draw_parameters(fewer, 50, SEED)
    assert all(np.array_equal(one[name], other[name]) for name in fewer)
    assert not np.array_equal(one[STAKE], draw_parameters(REGISTRY, 50, SEED + 1)[STAKE])
