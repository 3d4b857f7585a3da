"""The gate between counts and words: tiny and degenerate results say no more than they carry."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import numpy as np
import pytest
import xarray as xr
from degenerate import KINDS, degenerate_dataset
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from escalation.analysis.comparison import compare_panel, rows_of
from escalation.analysis.findings import as_json, find
from escalation.errors import EscalationError, ResultsError
from escalation.plots import PLOTS
from escalation.plots.participation import participation
from escalation.report.answer import format_answer
from escalation.report.comparison_report import format_comparison
from escalation.report.decision_table import format_decision_table, write_decision_csv
from escalation.report.show import format_show
from escalation.results.estimates import panel, panel_from_counts
from escalation.results.quantities import RISKS
from escalation.results.support import (
    DRIVER_HITS,
    LEAST_DRAWS,
    LEAST_HITS,
    Says,
    error_known,
    of_difference,
    of_drivers,
    of_sweep,
    spread_known,
)
from escalation.statistics.noise import apart

QUICK = settings(
    max_examples=8, deadline=None, derandomize=True, database=None,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
FEWER = settings(QUICK, max_examples=2)
MANY = settings(QUICK, max_examples=60)
EVERY = ("war", "great_power_war", "nuclear_use", "concession", "dispute", "onset")
EVERY += ("grave_onset", "war_given_grave")


@st.composite
def results(draw: st.DrawFn) -> xr.Dataset:
    """Few draws, histories, structures, flashpoints; often nothing, all or the same happens."""
    structures = draw(st.integers(1, 3))
    return degenerate_dataset(
        draw(st.sampled_from(KINDS)),
        draw(st.integers(0, 10_000)),
        flashpoints=draw(st.integers(1, 2)),
        structures=structures,
        draws=draw(st.sampled_from((1, 2, 3, 3, 9))),
        trajectories=draw(st.sampled_from((1, 2, 3, 17))),
        years=draw(st.sampled_from((1, 10))),
        sweep=draw(st.booleans()),
        companion=structures > 1 and draw(st.booleans()),
    )


VERDICTS = ("safer", "riskier", "undecided")
NEVER = re.compile(
    r"\bnan\b|\binf\b|±0(?![.\d])|±-|e-1[5-9]|0 % of draws \(|by itself it flips nothing|\b-0\b"
)
"""What no text may hold, whatever the counts."""
OF_DRAWS = re.compile(
    r"have fewer wars under|most often under|\d (safer|riskier|undecided)|\(regret\)|turns  "
    r"|knowing everything"
)
"""What rests on shares of draws."""


def carried(ds: xr.Dataset, place: str, risk: str, *names: str) -> bool:
    """The rule once more, in the plainest words: whether a verdict can be given."""
    draws, n = ds.sizes["draw"], int(ds.attrs["trajectories"])
    if draws < LEAST_DRAWS or n < 2 or draws * (n - 1) < 15:
        return False
    found = panel(ds, RISKS[risk], place)
    rows = [found.structures.index(name) for name in names]
    hits = found.hits[rows].sum(axis=1)
    return hits.max() >= LEAST_HITS and not (found.hits[rows] == found.hits[rows[0]]).all()


@QUICK
@given(results())
def test_texts_say_no_more_than_the_counts_carry(ds: xr.Dataset) -> None:
    check_texts(ds)


@pytest.mark.slow
@MANY
@given(results())
def test_many_texts_say_no_more_than_the_counts_carry(ds: xr.Dataset) -> None:
    """The same over many more: protects rare meetings of few draws and few events."""
    check_texts(ds)


def check_texts(ds: xr.Dataset) -> None:
    texts = [format_show(ds), format_answer(ds), format_decision_table(ds)]
    if ds.sizes["structure"] > 1:
        texts.append(format_comparison(find(ds, EVERY), ds))
    few = ds.sizes["draw"] < LEAST_DRAWS or int(ds.attrs["trajectories"]) < 2
    for text in texts:
        assert not (bad := NEVER.search(text)), (bad.group(), text)
        body = text.split("How to read this")[0]
        numbers = re.sub(r"P\(safer\)[^\n]*|safer, riskier:[^.]*", "", body)
        if few:
            assert not (bad := OF_DRAWS.search(numbers)), (bad.group(), text)


@settings(QUICK, max_examples=20)
@given(results())
def test_numbers_that_are_not_carried_are_not_given(ds: xr.Dataset) -> None:
    if ds.sizes["structure"] < 2:
        return
    found = find(ds, EVERY)
    plain = as_json(found, ds)
    json.dumps(plain, allow_nan=False)
    rows, cells = rows_of(found.comparison), plain["comparison"]
    structures = found.comparison["structure"].values.tolist()
    for (rule, flashpoint, risk, name), c in rows.items():
        where = rule, flashpoint, risk
        if not carried(ds, flashpoint, risk, name, found.comparison.attrs["reference"]):
            assert nested_in(cells["p_safer"], *where, name) is None, (where, name)
            assert c.verdict not in VERDICTS
            assert nested_in(cells["reason"], *where, name)
            assert np.isnan(c.dominance_first)
        assert c.difference_monte_carlo_se != 0 or c.difference == 0
        if not carried(ds, flashpoint, risk, *structures):
            ranks = nested_in(cells["rank_probability"], *where, name)
            assert all(p is None for p in ranks.values())
            assert nested_in(cells["rank_reason"], *where)
        assert nested_in(plain["drivers"]["reason"], flashpoint, risk), "fewer than 16 draws"
    assert plain["thresholds"] == []


def nested_in(found: dict[str, Any], *keys: str) -> Any:
    for key in keys:
        found = found[key]
    return found


@FEWER
@given(results())
def test_every_figure_is_drawn_or_says_why_not(ds: xr.Dataset) -> None:
    check_figures(ds)


@pytest.mark.slow
@MANY
@given(results())
def test_many_figures_are_drawn_or_say_why_not(ds: xr.Dataset) -> None:
    """The same over many more: protects rare meetings of few draws and few events."""
    check_figures(ds)


def check_figures(ds: xr.Dataset) -> None:
    few = ds.sizes["draw"] < LEAST_DRAWS or int(ds.attrs["trajectories"]) < 2
    for name, plot in PLOTS.items():
        if not plot.applies(ds):
            continue
        try:
            figure = plot.draw(ds)
        except ResultsError:
            continue
        with warnings.catch_warnings():
            # The layout of very small figures is another matter.
            warnings.filterwarnings("ignore", "constrained_layout not applied")
            figure.draw_without_rendering()
        words = [text.get_text() for text in figure.findobj(Text)]
        assert not any(re.search(r"\bnan\b|n/a|± ?0(?![.\d])", text) for text in words), name
        if few and name == "rank_probability":
            assert not any(ax.patches for ax in figure.axes), "no bar of ranks"
        if few and name == "paired_difference":
            assert not any(text in ("50", "< 1", "> 99") for text in words)


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_file_holds_no_chance_that_is_not_carried(kind: str, tmp_path) -> None:
    ds = degenerate_dataset(kind, 4, flashpoints=1, structures=2, draws=3, trajectories=3)
    text = write_decision_csv(ds, tmp_path / "table.csv").read_text()
    header, *rows = (line.split(",") for line in text.splitlines())
    for row in rows:
        cells = dict(zip(header, row, strict=True))
        assert cells["p_safer"] == ""
        assert cells["verdict"] not in VERDICTS
        assert cells["mc_error_of_mean"] != "0"


def test_a_copy_of_the_reference_is_not_the_best() -> None:
    ds = degenerate_dataset("copies", 3, flashpoints=1, structures=2, draws=16, trajectories=60)
    text = " ".join(format_answer(ds.assign_attrs(focus='["us_retrenchment"]')).split())
    assert "War: exactly the same." in text
    assert not OF_DRAWS.search(text)
    c = compare_panel(panel(ds, RISKS["war"], "taiwan_strait"), "hub_and_spoke")
    assert c["rank_reason"] == "identical"
    assert np.isnan(c["rank_probability"]).all()


def test_certainty_is_told_with_its_bound() -> None:
    """The reference has nothing but wars; the two others are alike, and better."""
    ds = degenerate_dataset("one differs", 3, flashpoints=1, structures=3, draws=16,
                            trajectories=60)  # fmt: skip
    text = " ".join(format_answer(ds).split())
    assert "over 99 have fewer wars under" in text
    assert re.search(r"war [\d.]+ % against over 99\.\d", text), "960 of 960"


def test_no_event_is_no_coin_toss() -> None:
    quiet = degenerate_dataset("quiet", 3, flashpoints=1, structures=2, draws=32, trajectories=20)
    text = " ".join(format_answer(quiet).split())
    assert "War: never seen under either." in text
    assert not OF_DRAWS.search(text)


def test_one_draw_leans_to_nothing() -> None:
    one = degenerate_dataset("played", 3, flashpoints=1, structures=2, draws=1, trajectories=900)
    text = " ".join(format_answer(one).split())
    assert "War: too few draws to say in which share of them." in text
    assert re.search(r"war [\d.]+ % against [\d.]+ ", text)
    assert not OF_DRAWS.search(text)
    c = compare_panel(panel(one, RISKS["war"], "taiwan_strait"), "hub_and_spoke")
    first = c.isel(structure=0)
    assert np.isfinite(first["difference"])
    assert first["difference_monte_carlo_se"] > 0
    assert all(np.isnan(first[name]) for name in ("p_safer", "difference_low", "low", "regret"))


def test_too_rare_to_compare_is_too_rare_to_rank() -> None:
    """One event in 64,000 histories."""
    hits = np.zeros((3, 64, 16))
    hits[1, 5, 3] = 1
    names = ("a", "b", "c")
    c = compare_panel(panel_from_counts(RISKS["war"], names, hits, np.full(hits.shape, 62.0)), "a")
    assert c["verdict"].values.tolist() == ["no hits", "too rare", "no hits"]
    assert c["rank_reason"] == "too rare"
    assert np.isnan(c["rank_probability"]).all()
    assert np.isnan(c["difference"]).all() or c["difference"][0] == 0
    many = hits + np.array([2, 3, 4])[:, None, None]
    c = compare_panel(panel_from_counts(RISKS["war"], names, many, np.full(hits.shape, 62.0)), "a")
    assert c["rank_says"] == Says.VERDICT
    np.testing.assert_allclose(c["rank_probability"].sum("rank"), 1)


def test_rounding_is_no_finding() -> None:
    """The same sum of shares in another order: a difference of exactly zero, not of 1e-17."""
    rng = np.random.default_rng(0)
    hits = rng.binomial(7, 0.3, (1, 30, 16)).astype(float).repeat(2, axis=0)
    hits[1] = hits[1, rng.permutation(30)]
    trials = np.full(hits.shape, 7.0)
    values = hits.sum(-1) / trials.sum(-1)
    assert (values[0] != values[1]).any()
    c = compare_panel(panel_from_counts(RISKS["war"], ("a", "b"), hits, trials), "a")
    assert c["difference"][1] == 0.0
    assert apart(np.array([0.1 + 0.2, 1.0]), np.array([0.3, 1.1])).tolist() == [0.0, 1.0 - 1.1]


def test_nobody_is_drawn_as_abandoning_who_was_never_seen_to() -> None:
    ds = degenerate_dataset("played", 5, flashpoints=1, structures=2, draws=6, trajectories=80)
    assert len(_marks(participation(ds), "Abandoned")) > 0
    nobody = ds.assign(abandoned_count=ds["abandoned_count"] * 0)
    assert _marks(participation(nobody), "Abandoned") == []


def _marks(figure, title: str) -> list[float]:
    """Places of the marks in the panel whose title begins so."""
    (ax,) = (ax for ax in figure.axes if ax.get_title(loc="left").startswith(title))
    return [x for line in ax.lines for x in np.atleast_1d(line.get_xdata()) if np.isfinite(x)]


def test_a_rule_for_every_step() -> None:
    hits, trials = np.full((2, 8), 30.0), np.full((2, 8), 100.0)
    hits[1] += 1
    free = np.full((2, 8), 15)

    def says(h=hits, t=trials, f=free, either_or=True):
        return of_difference(h, t, f, either_or=either_or)

    assert says() == (Says.VERDICT, "")
    assert says(hits[:, :7], trials[:, :7], free[:, :7]) == (Says.DIFFERENCE, "too few draws")
    assert says(f=free * 0) == (Says.LEVEL, "too few histories")
    assert says(hits * 0) == (Says.NOTHING, "no hits")
    assert says(hits[:1].repeat(2, 0)) == (Says.LEVEL, "identical")
    assert says(trials * 0, trials * 0) == (Says.NOTHING, "-")
    rare = np.zeros((2, 8))
    rare[0, 0] = LEAST_HITS - 1
    assert says(rare) == (Says.LEVEL, "too rare")
    assert says(trials - rare) == (Says.LEVEL, "too rare"), "19 misses say as little as 19 hits"
    assert says(trials - rare, either_or=False).says is Says.VERDICT
    verdict = says()
    assert of_drivers(verdict, DRIVER_HITS, 16).reason == ""
    assert of_drivers(verdict, DRIVER_HITS - 1, 16).reason == "too few for drivers"
    assert of_drivers(verdict, DRIVER_HITS, 15).reason == "too few for drivers"
    assert of_sweep(np.full((2, 5), 199), 1000).reason == "too rare"
    assert of_sweep(np.array([[200] * 5, [210] * 5]), 1000).says is Says.VERDICT
    assert of_sweep(np.zeros((2, 5)), 1000).reason == "no hits"


def test_errors_need_two_histories_in_nearly_every_draw() -> None:
    assert not error_known(np.zeros(256))
    assert not error_known(np.full(14, 1))
    assert error_known(np.full(15, 1))
    assert error_known(np.array([15]))
    some = np.full(200, 2)
    some[:2] = 0
    assert error_known(some)
    some[:3] = -1
    assert not error_known(some)
    assert not spread_known(np.full(2, 100))


def test_errors_of_this_package_are_the_only_ones() -> None:
    """No structure to compare with is said in a line."""
    one = degenerate_dataset("played", 1, flashpoints=1, structures=1, draws=2, trajectories=2)
    assert format_answer(one) == ""
    with pytest.raises(EscalationError, match="one structure only"):
        find(one)
