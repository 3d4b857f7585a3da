"""Figures of comparison, sensitivity and variance: they show what the analysis says."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from synthetic import REFERENCE, driven_dataset, synthetic_dataset
from test_plots import HOSTILE, renamed, render, texts, without_events

from escalation import plots
from escalation.analysis.comparison import compare, compare_panel
from escalation.analysis.drivers import drivers, thresholds
from escalation.analysis.selection import chosen_structure
from escalation.errors import InputError, ResultsError
from escalation.plots.flip_map import find_plane, side_shares
from escalation.plots.gap import find_subject
from escalation.plots.style import signed
from escalation.plots.tornado import find_swings
from escalation.results.estimates import panel, ratio_estimates, ratio_quantiles
from escalation.results.quantities import HEADLINE, RISKS
from escalation.results.under_rule import under_rule
from escalation.statistics.surrogate import fit_surrogate

TAIWAN = "taiwan_strait"


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(draws=12, trajectories=300, flashpoints=2, structures=6)


@pytest.fixture(scope="module")
def driven() -> xr.Dataset:
    return driven_dataset()


def two_rules(ds: xr.Dataset) -> xr.Dataset:
    """The same results under a second rule, its structures in another order."""
    whole = [n for n in ds.data_vars if "decision_rule" in ds[n].dims]
    other = ds[whole].roll(structure=1).assign_coords(decision_rule=["prospect_theory"])
    both = xr.concat([ds[whole], other], "decision_rule")
    rest = ds.drop_vars(whole).drop_vars("decision_rule")
    return rest.merge(both).assign_attrs(ds.attrs)


def comparison(ds: xr.Dataset, risk: str = "war"):
    return compare_panel(panel(ds, RISKS[risk], TAIWAN), REFERENCE)


# ---------------------------------------------------------------- ranges over draws


def test_ranges_hold_no_chance():
    """p = 0.2 + 0.02 z in 2000 draws of 100 trajectories; chance alone has an sd of 0.04.

    The range of the raw shares, the negative control, must be far off.
    """
    rng = np.random.default_rng(1)
    p = 0.2 + 0.02 * rng.normal(size=2000)
    hits = xr.DataArray(rng.binomial(100, p), dims="draw")
    cells = ratio_estimates(hits, 100)
    true = np.diff(np.quantile(p, (0.05, 0.95)))[0]
    assert float(cells["high"] - cells["low"]) == pytest.approx(true, rel=0.2)
    raw = (hits / 100).quantile((0.05, 0.95))
    assert float(raw[1] - raw[0]) > 1.8 * true


def test_ranges_keep_zeros_and_hold_the_median():
    hits = xr.DataArray([[0, 0, 0, 0, 9], [5, 6, 7, 8, 9], [1, 2, 1, 2, 30]], dims=("row", "draw"))
    cells = ratio_estimates(hits, 100)
    assert cells["low"].values[0] == 0.0
    assert cells["low"].values[1] > 0.0
    fan = ratio_quantiles(hits, 100, (0.05, 0.25, 0.5, 0.75, 0.95)).values.T
    assert (np.diff(fan, axis=1) >= 0).all()
    np.testing.assert_allclose(fan[:, 2], np.median(hits / 100, axis=1))


def test_ridges_are_drawn_without_chance(ds):
    """p = 0.3 in every draw: the ticks below the ridge are drawn together, those of counts not."""
    counts = under_rule(ds)["first_event_count"]
    first = xr.zeros_like(counts)
    first[{"year": 0}] = np.random.default_rng(2).binomial(300, 0.3, counts.isel(year=0).shape)
    counts = under_rule(ds).drop_vars("replicate_count").assign(first_event_count=first)
    figure = plots.risk_ridgelines(counts, TAIWAN, "war")
    lines = [c for c in figure.axes[0].collections if isinstance(c, LineCollection)]
    ticks = [line.get_segments() for line in lines if len(line.get_segments()) == 12]
    spread = [np.std([segment[0][0] for segment in segments]) for segments in ticks]
    raw = (first.sel(event="war", flashpoint=TAIWAN).sum("year") / 300).std("draw")
    assert len(spread) == ds.sizes["structure"]
    assert np.mean(spread) < 0.6 * float(raw.mean())


# ---------------------------------------------------------------- forest plot


def marks(figure: Figure, panel_number: int) -> dict[float, float]:
    """Marks of one panel: mean difference by height."""
    ax = figure.axes[panel_number]
    points = [line.get_xydata()[0] for line in ax.lines if line.get_marker() not in ("", "None")]
    return {-round(y): x for x, y in points}


def test_forest_shows_the_comparison(ds):
    figure = plots.paired_difference(ds)
    found = compare(ds, HEADLINE).isel(decision_rule=0).sel(flashpoint=TAIWAN)
    for number, risk in enumerate(HEADLINE[:2], 1):
        c = found.sel(risk=risk).drop_sel(structure=REFERENCE)
        drawn = marks(figure, number)
        for row, difference in enumerate(c["difference"].values):
            assert drawn[row] == pytest.approx(difference)
        chances = [f"{100 * p:.0f}" for p in c["p_safer"].values]
        written = [t.get_text() for t in figure.axes[number].texts]
        assert written[1:] == [{"0": "< 1", "100": "> 99"}.get(x, x) for x in chances]


def test_forest_bars_are_the_two_uncertainties(ds):
    c = comparison(ds).drop_sel(structure=REFERENCE)
    figure = plots.paired_difference(ds, "war", TAIWAN)
    segments = [s.get_segments()[0] for s in figure.axes[1].collections]
    ends = np.array([segment[:, 0] for segment in segments])
    thin, thick = ends[0::2], ends[1::2]
    np.testing.assert_allclose(thin[:, 0], c["difference_low"])
    np.testing.assert_allclose(thin[:, 1], c["difference_high"])
    np.testing.assert_allclose(np.ptp(thick, axis=1), 2 * 1.96 * c["difference_monte_carlo_se"])


def test_forest_of_twins_says_same(ds):
    twin = ds.isel(structure=[1, 1]).assign_coords(structure=[REFERENCE, "twin"])
    seen = texts(plots.paired_difference(twin, "war", TAIWAN))
    assert "same" in seen.replace("same: no history", "")
    assert "50" not in [t.get_text() for t in plots.paired_difference(twin).axes[1].texts]


def test_forest_without_replicates_says_so(ds):
    seen = texts(plots.paired_difference(ds.drop_vars("replicate_count"), "war"))
    assert "too wide if anything" in seen
    assert "too wide if anything" not in texts(plots.paired_difference(ds, "war"))


def test_rates_are_no_percentages(ds):
    assert "difference, per year" in texts(plots.paired_difference(ds, "onset"))
    assert "percentage points" in texts(plots.paired_difference(ds, "war"))


# ---------------------------------------------------------------- ranks


def test_ranks_add_up_and_agree(ds):
    figure = plots.rank_probability(ds, "war", TAIWAN)
    chances = comparison(ds)["rank_probability"].values
    bars = np.array([p.get_width() for p in figure.axes[1].patches]).reshape(6, 6)
    np.testing.assert_allclose(bars, chances)
    np.testing.assert_allclose(bars.sum(axis=1), 1.0)
    means = [t.get_text() for t in figure.axes[1].texts if t.get_position()[0] > 1.0]
    assert means == ["mean rank", *(f"{chances[k] @ np.arange(1, 7):.1f}"
                                    for k in range(6))]  # fmt: skip


def test_ranks_where_nothing_happened(ds):
    figure = plots.rank_probability(without_events(ds), "nuclear_use", TAIWAN)
    assert "no event seen" in texts(figure)
    assert not figure.axes[1].patches


# ---------------------------------------------------------------- what drives a difference


def test_tornado_agrees_with_the_drivers(driven):
    subject = find_subject(under_rule(driven), None, "war", None)
    gap = subject.gap
    assert (gap.structure, subject.flashpoint) == ("asian_nato", TAIWAN)
    expected = drivers(driven, "war").sel(flashpoint=TAIWAN, risk="war")
    assert set(gap.standing) == {"provocation_stake", "provocation_onset"}, "the third is inert"
    told = expected["parameter"].values.tolist()
    assert set(told) == set(gap.standing)
    shares = dict(zip(gap.influence.names, gap.influence.total.tolist(), strict=True))
    np.testing.assert_array_equal([shares[name] for name in told], expected["total"])
    assert gap.influence.ranked()[:2] == ("provocation_stake", "provocation_onset")
    assert chosen_structure(driven, REFERENCE) == gap.structure
    figure = plots.tornado(driven)
    top, second = gap.influence.ranked()[:2]
    k = [gap.influence.names.index(name) for name in (top, second)]
    for place in k:
        text = f"{100 * gap.influence.total[place]:.0f} · {100 * gap.influence.first[place]:.0f}"
        assert text in texts(figure)


def test_tornado_bars_point_where_the_parameter_pushes(driven):
    """Difference = (3 a - 1.5 b + 1) / 20 per replicate of 20: at the 5 and 95 % quantiles."""
    gap = find_subject(under_rule(driven), "asian_nato", "war", TAIWAN).gap
    swings = find_swings(gap.design, gap.difference, list(gap.design.names))
    up, down, inert = (swings[name] for name in gap.design.names)
    assert up.ends == pytest.approx((0.05 + 0.15 * up.at), abs=0.04)
    assert down.ends == pytest.approx((0.05 - 0.075 * down.at), abs=0.04)
    assert not inert.seen
    for swing in (up, down):
        assert (swing.interval[:, 0] <= swing.ends).all()
        assert (swing.ends <= swing.interval[:, 1]).all()
    assert "forced choice" not in texts(plots.tornado(driven)), "an inert parameter is not shown"


def test_flip_map_agrees_with_the_surrogate(driven):
    subject = find_subject(under_rule(driven), None, "war", None)
    gap = subject.gap
    model = fit_surrogate(gap.design, gap.difference, gap.noise)
    pair = gap.influence.ranked()[:2]
    plane = find_plane(model, pair)
    assert plane.mean[0, -1] > 0 > plane.mean[-1, 0], "rises with the first, falls with the second"
    whole = model.predict(gap.design.values)
    assert np.corrcoef(plane.at_draws, whole)[0, 1] > 0.95, "the third parameter is inert"
    shares = side_shares(gap, plane)
    assert shares["safer"][0] + shares["riskier"][0] == pytest.approx(1.0)
    assert shares["safer"][1] > 0.8
    assert shares["riskier"][1] < 0.2
    p = sum(share * chance for share, chance in shares.values())
    assert p == pytest.approx(float(subject.compared["p_safer"]), abs=0.02)
    seen = texts(plots.flip_map(driven))
    assert f"Where safer is expected: {100 * shares['safer'][0]:.0f} % of draws" in seen
    assert "riskier above" in seen
    assert "riskier below" in seen


def test_flip_map_marks_every_draw_once(driven):
    gap = find_subject(under_rule(driven), None, "war", None).gap
    ax = plots.flip_map(driven).axes[0]
    drawn = {line.get_marker(): len(line.get_xdata()) for line in ax.lines
             if line.get_linestyle() == "None"}  # fmt: skip
    centre = gap.whole.cleaned().centre
    riskier = centre[gap.s] > centre[gap.whole.structures.index(REFERENCE)]
    assert drawn == {"o": (~riskier).sum(), "^": riskier.sum()}


def test_flip_map_takes_any_two_parameters(driven):
    pair = ["forced_choice", "provocation_onset"]
    ax = plots.flip_map(driven, parameters=pair).axes[0]
    assert ax.get_xlabel().startswith("forced choice")
    assert ax.get_xscale() == "log", "spread over more than a factor of thirty"
    assert ax.get_yscale() == "linear"
    with pytest.raises(InputError, match="unknown parameter 'stake'; choices: provocation_stake"):
        plots.flip_map(driven, parameters=["stake", "forced_choice"])
    with pytest.raises(InputError, match="two different ones"):
        plots.flip_map(driven, parameters=["forced_choice"] * 2)


@pytest.mark.parametrize("name", ["tornado", "flip_map"])
def test_driver_figures_say_sample_size_and_both_errors(driven, name):
    seen = texts(plots.PLOTS[name].draw(driven))
    assert "n = 320 trajectories x 96 parameter draws per cell, 10 years each" in seen
    assert "(Monte Carlo 95 %)" in seen
    assert "5-95 % of draws (Monte Carlo part removed)" in seen
    assert "% of that variance" in seen or "% of the variance" in seen


@pytest.mark.parametrize("name", ["tornado", "flip_map", "break_even"])
def test_driver_figures_with_hostile_names(driven, name):
    bad = driven.drop_dims("sweep_point").assign_attrs(focus="[]")
    for dim in ("flashpoint", "structure", "parameter"):
        bad = renamed(bad, dim, HOSTILE)
    bad = bad.assign_attrs(study_title=r"$\undefined{x}$ <b> " + "long " * 60)
    figure = plots.PLOTS[name].draw(bad)
    assert len(render(figure)) > 2_000
    assert any(r"\undefined{x}" in text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("name", ["tornado", "flip_map", "break_even"])
def test_drivers_that_cannot_be_known(driven, name):
    draw = plots.PLOTS[name].draw
    with pytest.raises(ResultsError, match="12 parameter draws say nothing about what drives"):
        draw(driven.isel(draw=slice(12)))
    with pytest.raises(ResultsError, match="never seen under either"):
        draw(without_events(driven))
    with pytest.raises(ResultsError, match="one structure only"):
        draw(driven.sel(structure=[REFERENCE]))
    still = driven.assign(parameter_value=xr.zeros_like(driven["parameter_value"]))
    with pytest.raises(ResultsError, match="no parameter varies"):
        draw(still)
    twin = driven.sel(structure=[REFERENCE, REFERENCE]).assign_coords(
        structure=[REFERENCE, "asian_nato"]
    )
    with pytest.raises(ResultsError, match="exactly the same"):
        draw(twin)
    if name != "break_even":
        with pytest.raises(InputError, match="'hub_and_spoke' cannot be compared"):
            draw(driven, REFERENCE)


def test_figures_of_drivers_that_cannot_be_known_are_skipped(driven, tmp_path):
    saved = plots.save_all(driven.isel(draw=slice(12)), tmp_path, everything=True)
    for name in ("tornado", "flip_map", "break_even"):
        assert "12 parameter draws" in saved.skipped[name]


def test_two_structures_and_one_flashpoint(driven, tmp_path):
    small = driven.drop_dims("sweep_point").sel(structure=[REFERENCE, "asian_nato"])
    saved = plots.save_all(small, tmp_path, everything=True)
    assert not saved.skipped
    names = {path.stem for path in saved}
    assert {"tornado", "flip_map", "rank_probability", "break_even"} <= names


def test_break_even_agrees_with_the_printed_one(driven):
    figure = plots.break_even(driven, risks="war")
    found = thresholds(driven, "war")
    assert found.sizes["threshold"] == 2
    panels = {ax.get_xlabel(): ax for ax in figure.axes if ax.get_xlabel()}
    for name, value in zip(found["parameter"].values, found["value"].values, strict=True):
        (ax,) = (ax for label, ax in panels.items() if label.startswith(name.replace("_", " ")))
        assert signed(float(f"{value:.2g}")) in texts_of(ax)
    whole = texts(figure)
    assert "all other parameters averaged out" in whole
    assert "At the centre of everything else" not in whole


def texts_of(ax) -> str:
    return " ".join(text.get_text() for text in ax.texts)


def test_break_even_of_chosen_parameters(driven):
    figure = plots.break_even(driven, risks="war", parameters="forced_choice")
    assert [ax.get_xlabel() for ax in figure.axes if ax.get_xlabel()] == ["forced choice"]
    with pytest.raises(InputError, match=r"unknown parameter 'stake' \(choices: provocation_stake"):
        plots.break_even(driven, parameters=["stake"])
