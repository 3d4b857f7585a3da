"""Figures: they show the numbers of the dataset, and no study can break them."""

from __future__ import annotations

import io
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text
from synthetic import REFERENCE, synthetic_dataset

from escalation import plots
from escalation.analysis.sweep import find_crossings, sweep_lines
from escalation.errors import InputError, ResultsError
from escalation.plots.heat_map import cell_text, range_text
from escalation.plots.participation import shares
from escalation.plots.ridgelines import density
from escalation.plots.style import COLOURS, REFERENCE_COLOUR, looks, name_of, percent, plain
from escalation.results.derive import with_probabilities
from escalation.results.estimates import ratio_estimates
from escalation.results.under_rule import under_rule
from escalation.statistics.intervals import FEW_HITS

HOSTILE = (r"$\undefined{x}$", "<img onerror=alert(1)>", "$", "_hidden", "a\nb\tc", "x" * 300)
FIT = ("answer_drivers", "tornado", "answer_map", "flip_map", "break_even")
"""Figures that need parameters with an effect: see test_plots_comparison.py."""
NAMES = [name for name in plots.PLOTS if name not in FIT]


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return synthetic_dataset(
        draws=12, trajectories=300, flashpoints=2, structures=6, companion=True
    )


@pytest.fixture(scope="module")
def derived(ds) -> xr.Dataset:
    return under_rule(with_probabilities(ds))


def texts(figure: Figure) -> str:
    """All text of a figure as a reader sees it, after layout."""
    figure.draw_without_rendering()
    found = (text.get_text() for text in figure.findobj(Text) if text.get_visible())
    return " ".join(" ".join(found).split()).replace("\N{NO-BREAK SPACE}", " ")


def render(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=25)
    return buffer.getvalue()


def renamed(ds: xr.Dataset, dim: str, names) -> xr.Dataset:
    """Dataset with other values of a coordinate, and the reference renamed along."""
    old = ds[dim].values.tolist()
    new = [names[i % len(names)] + ("" if i < len(names) else str(i)) for i in range(len(old))]
    found = ds.assign_coords({dim: np.array(new)})
    if dim == "structure":
        change = dict(zip(old, new, strict=True))
        found.attrs["reference"] = change[ds.attrs["reference"]]
        if "sweep_structure" in ds.coords:
            swept = [change[name] for name in ds["sweep_structure"].values.tolist()]
            found = found.assign_coords(sweep_structure=np.array(swept))
        if "companion_structure" in ds.coords:
            compared = [change[name] for name in ds["companion_structure"].values.tolist()]
            found = found.assign_coords(companion_structure=np.array(compared))
    return found


def without_events(ds: xr.Dataset) -> xr.Dataset:
    """The same run, had nothing ever happened."""
    counts = [name for name in ds.data_vars if name.endswith("_count")]
    return ds.assign({name: xr.zeros_like(ds[name]) for name in counts})


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_draws_with_sample_size_units_and_both_errors(ds, name):
    figure = plots.PLOTS[name].draw(ds)
    assert isinstance(figure, Figure)
    seen = texts(figure)
    assert "n = 300 trajectories x 12 parameter draws per cell, 10 years each" in seen
    assert "%" in seen or "percentage points" in seen
    assert "Monte Carlo" in seen
    assert "draws" in seen
    assert "Asian NATO against the alternatives (synthetic)" in seen


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_are_shown_as_they_are(ds, name):
    bad = ds.isel(flashpoint=[0])
    for dim in ("flashpoint", "structure", "actor"):
        bad = renamed(bad, dim, HOSTILE)
    bad = renamed(bad, "sweep_parameter", HOSTILE)
    bad = bad.assign_attrs(study_title=r"$\undefined{x}$ <b> " + "long " * 60)
    figure = plots.PLOTS[name].draw(bad)
    assert len(render(figure)) > 2_000
    assert any(r"\undefined{x}" in text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("name", NAMES)
def test_one_draw(name):
    one = synthetic_dataset(
        draws=1, trajectories=200, flashpoints=1, structures=6, companion=True
    )
    seen = texts(plots.PLOTS[name].draw(one))
    assert "1 parameter draw per cell" in seen
    assert "no spread over parameters" in seen


@pytest.mark.parametrize("name", NAMES)
def test_nothing_ever_happened(ds, name):
    assert texts(plots.PLOTS[name].draw(without_events(ds.isel(flashpoint=[0]))))


def test_one_structure_one_flashpoint(tmp_path):
    small = synthetic_dataset(draws=1, trajectories=40, flashpoints=1, structures=2, sweep=False)
    small = small.isel(structure=[1])
    saved = plots.save_all(small, tmp_path, everything=True)
    unseen = {"answer_difference", "paired_difference", "rank_probability", *FIT}
    # Nothing is said of sweep and prior_posterior either.
    assert [path.stem for path in saved] == [n for n in NAMES[:-2] if n not in unseen]
    assert set(saved.skipped) == unseen
    for name in ("answer_difference", "paired_difference", "rank_probability", *FIT):
        assert "one structure only" in saved.skipped[name]


def test_many_structures(ds):
    many = xr.concat([ds.drop_dims("sweep_point")] * 4, "structure", data_vars="minimal")
    many = many.isel(structure=slice(0, 20))
    many = many.assign_coords(structure=[f"structure_number_{i}" for i in range(20)])
    many.attrs["reference"] = "structure_number_0"
    marks = {(look.colour, look.marker) for look in looks(many).values()}
    assert len(marks) == 20
    assert "structure number 19" in texts(plots.trade_off(many, "taiwan_strait"))
    assert "structure number 19" in texts(plots.participation(many))


def test_reference_is_black_and_colours_are_apart(ds):
    style = looks(ds)
    assert style[REFERENCE].colour == REFERENCE_COLOUR
    assert len({look.marker for look in style.values()}) == len(style)
    assert len({look.colour for look in style.values()}) == len(style)
    luminance = [np.dot(to_rgba(c)[:3], (0.2126, 0.7152, 0.0722)) for c in COLOURS]
    assert max(luminance) < 0.75  # visible on white


def test_trade_off_shows_the_medians(ds, derived):
    ax = plots.trade_off(ds, "taiwan_strait").axes[0]
    shown = {
        line.get_marker(): line.get_xydata()[0] for line in ax.lines if len(line.get_xydata()) == 1
    }
    for structure, look in looks(ds).items():
        here = derived.sel(flashpoint="taiwan_strait", structure=structure)
        expected = [
            float(here[name].median("draw"))
            for name in ("grave_crises_per_year", "p_war_given_grave")
        ]
        np.testing.assert_allclose(shown[look.marker], expected)


@pytest.mark.parametrize(
    ("event", "name"),
    [("war", "p_war"), ("nuclear_use", "p_nuclear_use"), ("concession", "p_concession")],
)
def test_heat_map_cells(ds, derived, event, name):
    figure = plots.risk_heat_map(ds, event)
    (ax,) = figure.axes
    written = {
        (round(t.get_position()[0]), round(t.get_position()[1])): t.get_text() for t in ax.texts
    }
    assert len(written) == ds.sizes["flashpoint"] * ds.sizes["structure"]
    for (column, row), text in written.items():
        values = derived[name].isel(flashpoint=column, structure=row)
        median, mean = float(values.median()), float(values.mean())
        first = text.split("\n")[0]
        if mean == 0:
            bound = 1 - 0.05 ** (1 / (300 * 12))
            assert first == f"< {percent(bound)[:-2]}"
        elif median * 300 < FEW_HITS:
            assert first == f"mean {percent(mean)[:-2]}"
        else:
            assert first == percent(median)[:-2]


def test_zero_is_never_printed_as_zero(ds):
    seen = texts(plots.risk_heat_map(without_events(ds)))
    assert "< 0.083" in seen
    hits = xr.DataArray([0, 0, 0, 9], dims="draw")
    rare = ratio_estimates(hits, 100)
    assert range_text(rare).startswith("≤ ")
    assert cell_text(rare).startswith("mean 2.2")
    never = ratio_estimates(xr.zeros_like(hits), 100)
    assert cell_text(never) == "< 0.75"


def test_single_draw_shows_its_monte_carlo_interval():
    one = ratio_estimates(xr.DataArray([10], dims="draw"), 100)
    assert cell_text(one) == "10\n4.9–18"


def without_war(ds: xr.Dataset) -> xr.Dataset:
    """Move every war down to the rung below, keeping the number of disputes."""
    counts = ds["crisis_count"].transpose(..., "peak_rung").copy(deep=True)
    counts[..., 4] += counts[..., 5:].sum("peak_rung")
    counts[..., 5:] = 0
    return ds.assign(crisis_count=counts)


def test_cumulative_medians(ds, derived):
    figure = plots.cumulative_risk(ds, structures=["asian_nato"], events=["war", "dispute"])
    risk = derived["cumulative_risk"].sel(flashpoint="taiwan_strait", structure="asian_nato")
    for ax, event in zip(figure.axes[1:], ("war", "dispute"), strict=True):
        median = risk.sel(event=event).median("draw")
        line = ax.lines[-1].get_xydata()
        np.testing.assert_allclose(line[1:, 1], median)
        np.testing.assert_allclose(line[0], (0, 0))
        assert ax.get_ylim()[0] == 0


def test_cumulative_shows_reference_and_focus(ds):
    titles = {ax.get_title(loc="left") for ax in plots.cumulative_risk(ds).axes}
    assert {"hub and spoke (reference)", "asian nato"} <= titles
    assert "us retrenchment" not in titles
    # The study's own focus, whether or not anything was swept.
    other = ds.drop_dims("sweep_point").assign_attrs(focus='["quad"]')
    titles = {ax.get_title(loc="left") for ax in plots.cumulative_risk(other).axes} - {""}
    assert titles == {"hub and spoke (reference)", "quad"}


def test_ridgelines_carry_the_median(ds, derived):
    figure = plots.risk_ridgelines(ds, events="war")
    risk = derived["p_war"].sel(flashpoint="taiwan_strait")
    for structure in ("us_retrenchment", "asian_nato"):
        median = percent(float(risk.sel(structure=structure).median()))[:-2]
        assert any(t.get_text().startswith(f"{median} [") for t in figure.axes[0].texts)


def test_density_integrates_to_one():
    x = np.linspace(0, 1, 2_001)
    values = np.random.default_rng(1).beta(0.7, 6, 64)
    assert np.trapezoid(density(values, x), x) == pytest.approx(1, abs=1e-3)
    assert not density(values[:2], x).any()


def test_participation_agrees_with_the_derived_variables(ds, derived):
    names = {
        "supported": "supported_per_dispute",
        "fought": "fought_per_war",
        "entrapped": "entrapped_per_fought",
        "abandoned": "abandoned_per_war",
    }
    for outcome, name in names.items():
        expected = derived[name].mean("draw")
        found = shares(under_rule(ds), outcome)["mean"].transpose(*expected.dims)
        np.testing.assert_allclose(found, expected)
    rows = [t.get_text() for t in plots.participation(ds).axes[1].get_yticklabels()]
    assert "japan" in rows
    assert "china" not in rows


def test_sweep_agrees_with_the_printed_one(ds):
    ((crossing,),) = (
        found.crossings
        for found in sweep_lines(ds, ("war",))
        if (found.flashpoint, found.structure, found.parameter)
        == ("taiwan_strait", "asian_nato", "provocation_stake")
    )
    figure = plots.sweep(ds, parameters="provocation_stake", events="war")
    assert f"{crossing.value:.2g}" in texts(figure)
    assert "At the centre of everything else" in texts(figure)


def test_noise_about_zero_makes_no_crossing():
    x = np.arange(6.0)
    noise = np.array([1, -1, 1, -1, 1, -1.0])
    assert find_crossings(x, noise, np.full(6, 2.0)) == ()


@pytest.mark.parametrize("name", ["trade_off", "participation"])
def test_derived_variables_do_not_matter(ds, derived, name):
    assert texts(plots.PLOTS[name].draw(ds)) == texts(plots.PLOTS[name].draw(derived))


def test_registry_is_complete():
    assert len(plots.PLOTS) == 15
    for name, plot in plots.PLOTS.items():
        assert plot.name == name
        assert getattr(plots, name) is plot.draw
        assert plot.title
        assert plot.caption.endswith(".")
        assert plot.draw.__doc__


def test_unknown_names_give_the_choices(ds):
    with pytest.raises(InputError, match="unknown flashpoint 'taiwan'; choices: taiwan_strait"):
        plots.risk_ridgelines(ds, "taiwan")
    with pytest.raises(InputError, match="unknown event 'peace'"):
        plots.risk_heat_map(ds, "peace")
    with pytest.raises(InputError, match="unknown structure"):
        plots.trade_off(ds, structures=["nato"])
    with pytest.raises(ResultsError, match="crisis_count"):
        plots.trade_off(ds.drop_vars("crisis_count"))


def test_save_all(ds, tmp_path):
    before = dict(matplotlib.rcParams)
    one = ds.isel(flashpoint=[0])
    saved = plots.save_all(one, tmp_path / "new" / "figures", format="png", everything=True)
    assert [path.name for path in saved] == [f"{name}.png" for name in NAMES]
    assert sorted(tmp_path.glob("new/figures/*")) == sorted(saved)
    assert not list(tmp_path.glob("new/figures/.*"))
    assert set(saved.skipped) == set(FIT)
    assert all("12 parameter draws say nothing" in reason for reason in saved.skipped.values())
    assert dict(matplotlib.rcParams) == before


def test_four_figures_are_drawn_by_themselves(ds, tmp_path):
    saved = plots.save_all(ds.isel(flashpoint=[0]), tmp_path)
    main = {name for name, plot in plots.PLOTS.items() if plot.main}
    assert len(main) == 4
    assert {path.stem for path in saved} | set(saved.skipped) == main


def test_save_all_refuses_bad_places(ds, tmp_path):
    with pytest.raises(InputError, match="choices: png, svg, pdf"):
        plots.save_all(ds, tmp_path, format="exe")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write figures"):
        plots.save_all(ds, tmp_path / "file")
    with pytest.raises(InputError, match="cannot write figures"):
        plots.save_all(ds, "a\0b")


def test_no_global_state_and_no_compiler():
    code = (
        "import sys, escalation.plots;"
        "print([m for m in ('numba', 'matplotlib.pyplot') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_user_settings_do_not_leak_in(ds):
    with matplotlib.rc_context({"text.usetex": True, "axes.grid": True, "font.size": 30}):
        figure = plots.risk_ridgelines(ds)
        assert render(figure)


def test_notebook_shows_the_figure(ds):
    assert plots.risk_ridgelines(ds)._repr_png_().startswith(b"\x89PNG")


def test_names():
    assert plain("a$b$") == r"a\$b\$"
    assert plain("_x")[0] != "_"
    assert plain("\ud800\x00") == "  "
    wrapped = plain("abcdefghij" * 30, 10, 3).split("\n")
    assert len(wrapped) == 3
    assert max(map(len, wrapped)) <= 10
    assert wrapped[-1].endswith("ghij")


def test_titles_are_shortened_only_if_they_stay_apart():
    titles = ["Hub and spoke (the alliances of today)", "Pact (with everybody in the region)",
              "Pact (without the great power of old)"]  # fmt: skip
    ds = xr.Dataset(coords={"structure": ["a", "b", "c"], "structure_title": ("structure", titles)})
    assert name_of(ds, "structure", "a") == "Hub and spoke"
    assert name_of(ds, "structure", "b") == titles[1]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.26, "26 %"), (0.0, "0 %"), (1.0, "100 %"), (0.99996, "> 99.9 %"), (0.0099999, "1.0 %"),
     (0.00451, "0.45 %"), (float("nan"), "n/a %")],
)  # fmt: skip
def test_percent(value, text):
    assert percent(value) == text
