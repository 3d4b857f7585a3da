"""Runs with a posterior: what they take from it, what stays as it was, and what they show."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import xarray as xr
from cells import CONFIGS
from click.testing import CliRunner
from matplotlib.text import Text
from posteriors import FITTED, made_up
from synthetic import synthetic_parts
from test_report_tables import cell_of

import escalation
from escalation import plots
from escalation.cli.app import main
from escalation.errors import InputError, ResultsError
from escalation.parameters import posterior as module
from escalation.parameters.posterior import save_posterior
from escalation.plots.prior_posterior import _alike
from escalation.report import format_show
from escalation.report.parameter_table import format_parameters, parameter_frame
from escalation.report.prior_posterior_table import _alike as _mean_too
from escalation.report.prior_posterior_table import contrasts
from escalation.report.source import source_words
from escalation.results import build_dataset, open_results, save_results
from escalation.results.companion import prior_companion
from escalation.results.derive import with_probabilities
from escalation.results.estimates import estimates
from escalation.results.under_rule import under_rule
from escalation.simulation.parameter_source import Source
from escalation.study import load_study, parse_study

SIZE = {"trajectories": 250, "draws": 5, "seed": 3}
COVERED = json.dumps([name for name in module.REGISTRY if name in FITTED])


@pytest.fixture(scope="module")
def small(study):
    """One flashpoint, three structures of which two are compared, one swept parameter."""
    names = ("hub_and_spoke", "trilateral", "asian_nato")
    return study.model_copy(update={
        "flashpoints": {"taiwan_strait": study.flashpoints["taiwan_strait"]},
        "structures": {name: study.structures[name] for name in names},
        "decision_rules": ("expected_utility",), "premises": {},
        "compare": study.compare.model_copy(
            update={"focus": ("asian_nato",), "sweep": ("provocation_stake",)}),
    })  # fmt: skip


@pytest.fixture(autouse=True)
def none_shipped(monkeypatch, tmp_path):
    """Whatever the package ships, these tests start without."""
    monkeypatch.setattr(module, "SHIPPED", tmp_path / "none" / "posterior.csv")


@pytest.fixture(scope="module")
def plain(small):
    return escalation.run(small, source="prior", **SIZE)


@pytest.fixture(scope="module")
def fitted(small):
    return escalation.run(small, source=made_up(), **SIZE)


def ship(monkeypatch, folder):
    path = folder / "posterior.csv"
    save_posterior(made_up(), path)
    monkeypatch.setattr(module, "SHIPPED", path)
    return path


def same(a: xr.Dataset, b: xr.Dataset) -> bool:
    """Whether two runs are equal, but for the time that they were made."""
    return a.assign_attrs(created="").identical(b.assign_attrs(created=""))


def test_prior_run_is_the_run_without_a_posterior(small, plain, monkeypatch, tmp_path):
    assert same(escalation.run(small, **SIZE), plain)
    ship(monkeypatch, tmp_path)
    assert same(escalation.run(small, source="prior", **SIZE), plain)
    used = escalation.run(small, **SIZE)
    assert used.attrs["parameter_source"] == "posterior"
    assert used.attrs["table_checksum"] != plain.attrs["table_checksum"]
    assert not np.array_equal(used.crisis_count, plain.crisis_count)


def test_draws_are_whole_rows_and_the_rest_is_as_without(small):
    posterior = made_up()
    draws = Source(small, posterior).draws(30, 3)
    found = np.array([draws[name] for name in FITTED]).T
    rows = posterior.values.T
    order = [int(np.flatnonzero((rows == row).all(axis=1))[0]) for row in found]
    assert sorted(order[:12]) == list(range(12)), "every row once before any twice"
    assert order[12:24] == order[:12]
    assert order[:12] != list(range(12))
    before = Source(small).draws(30, 3)
    for name in small.parameters:
        assert np.array_equal(draws[name], before[name]) == (name not in FITTED), name


def test_more_draws_extend_fewer_and_seeds_differ(small):
    few, many = (Source(small, made_up()).draws(n, 3) for n in (7, 20))
    assert np.array_equal(few.values, many.values[:, :7])
    other = Source(small, made_up()).draws(7, 4)
    assert not np.array_equal(few["choice_precision"], other["choice_precision"])


def test_draws_stay_within_bounds(small):
    wild = made_up(names=("reliability", "choice_precision"))
    wild.values[0] = 7.0
    draws = Source(small, wild).draws(3, 1)
    assert set(draws["reliability"]) == {small.parameters["reliability"].high}


def test_centre_and_sweep_follow_the_posterior(small):
    posterior = made_up()
    centre = Source(small, posterior).centre()
    for name, parameter in small.parameters.items():
        wanted = np.median(posterior[name]) if name in FITTED else parameter.default
        assert centre[name] == pytest.approx([wanted]), name
    points = Source(small, posterior).points(("provocation_stake", "forced_choice"), (0.1, 0.9))
    assert points[0] == pytest.approx(np.quantile(posterior["provocation_stake"], (0.1, 0.9)))
    assert points[1] == pytest.approx(1 + 1.2816 * np.array([-1, 1]), abs=1e-3)  # N(1, 1)


def test_defaults_are_posterior_medians(small):
    ds = escalation.run(small, trajectories=20, defaults=True, sweep=False, source=made_up())
    value = ds.parameter_value.sel(parameter="choice_precision").item()
    assert value == pytest.approx(np.median(made_up()["choice_precision"]))
    assert "medians in the posterior" in " ".join(format_show(ds).split())
    assert ds.sizes["companion_draw"] == 1


def test_an_override_wins():
    mine = parse_study(
        {"extends": "asian_nato.yaml", "name": "mine",
         "parameters": {"choice_precision": 6.5, "challenger_war_cost": {"default": 0.9}}},
        CONFIGS,
    )  # fmt: skip
    draws = Source(mine, made_up()).draws(4, 1)
    assert set(draws["choice_precision"]) == {6.5}
    before = Source(mine).draws(4, 1)["challenger_war_cost"]
    assert np.array_equal(draws["challenger_war_cost"], before)
    assert Source(mine, made_up()).centre()["challenger_war_cost"] == [0.9]
    ds = escalation.run(mine.model_copy(update={
        "decision_rules": ("expected_utility",), "premises": {},
        "flashpoints": {"taiwan_strait": mine.flashpoints["taiwan_strait"]},
        "structures": {"hub_and_spoke": mine.structures["hub_and_spoke"]},
        "compare": mine.compare.model_copy(update={"focus": (), "sweep": ()}),
    }), trajectories=5, draws=1, source=made_up())  # fmt: skip
    assert json.loads(ds.attrs["posterior_names"]) == ["provocation_stake"]
    assert set(json.loads(ds.attrs["posterior_overridden"])) == {
        "choice_precision", "challenger_war_cost",
    }  # fmt: skip
    assert "overridden by the study: " in " ".join(format_show(ds).split())
    with pytest.raises(InputError, match="speaks for no parameter of study mine"):
        Source.of(mine, made_up(names=("choice_precision",)))


def test_the_companion_is_the_prior_run(plain, fitted):
    assert not [name for name in plain.variables if str(name).startswith("companion")]
    prior = prior_companion(fitted)
    assert prior["structure"].values.tolist() == ["hub_and_spoke", "asian_nato"]
    there = under_rule(plain).sel(structure=prior["structure"].values)
    for name in prior.data_vars:
        assert np.array_equal(prior[name], there[name]), name
    here = under_rule(fitted).sel(structure=prior["structure"].values)
    assert not np.array_equal(prior["crisis_count"], here["crisis_count"])


def test_the_companion_is_smaller(small, monkeypatch):
    monkeypatch.setattr("escalation.simulation.plan.COMPANION_DRAWS", 2)
    monkeypatch.setattr("escalation.simulation.plan.COMPANION_TRAJECTORIES", 10)
    steps = []
    ds = escalation.run(
        small, trajectories=15, draws=3, sweep=False, source=made_up(),
        progress=lambda done, total: steps.append((done, total)),
    )
    assert (ds.sizes["companion_draw"], ds.attrs["companion_trajectories"]) == (2, 10)
    assert steps[-1] == (3 * 3 * 15 + 2 * 2 * 10,) * 2


def test_results_say_where_their_parameters_came_from(plain, fitted, tmp_path):
    assert plain.attrs["parameter_source"] == "prior"
    assert fitted.attrs["posterior_names"] == COVERED
    back = open_results(save_results(fitted, tmp_path / "fitted.nc"))
    assert back.identical(fitted)
    text = " ".join(format_show(back).split())
    n = back.sizes["parameter"]
    assert f"posterior of 12 made-up disputes, 3 of {n}; the rest from priors" in text
    assert "the others at their medians in the posterior" in text
    assert f"Parameters: all {n} from priors" in format_show(plain)
    assert "the others at their defaults" in " ".join(format_show(plain).split())


def test_old_results_still_open_and_read_as_prior(tmp_path):
    arrays, coords, attrs = synthetic_parts(0, flashpoints=1, structures=2, draws=2, years=2)
    old = build_dataset(arrays, coords, attrs | {"format_version": 1})
    back = open_results(save_results(old, tmp_path / "old.nc"))
    assert back.attrs["format_version"] == 1
    assert source_words(back.attrs, 3) == "Parameters: all 3 from priors"
    assert "What the fit to history changed" not in format_show(back)


def test_a_broken_companion_is_refused():
    arrays, coords, attrs = synthetic_parts(0, flashpoints=1, structures=6, companion=True)
    build_dataset(arrays, coords, attrs)
    event = arrays["companion_first_event_count"].copy()
    event[0, 0, 1, 0, 3, 0] += 50
    for change, words in (
        ({"companion_first_event_count": event}, "own.* from the .*prior.*: first_event_count at"),
        ({"companion_crisis_count": -arrays["companion_crisis_count"]}, "negative count"),
        ({"companion_reciprocated_count": arrays["companion_reciprocated_count"] + 9999},
         "more than"),
    ):
        with pytest.raises(ResultsError, match=words):
            build_dataset(arrays | change, coords, attrs)
    rest = {name: array for name, array in arrays.items() if name != "companion_duration_days"}
    with pytest.raises(ResultsError, match="the companions: incomplete"):
        build_dataset(rest, coords, attrs)
    few = {k: v for k, v in attrs.items() if k != "companion_trajectories"}
    with pytest.raises(ResultsError, match="companion_trajectories"):
        build_dataset(arrays, coords, few)
    odd = ["elsewhere", *coords["companion_structure"][1:]]
    with pytest.raises(ResultsError, match="'elsewhere' is no structure of the run"):
        build_dataset(arrays, coords | {"companion_structure": odd}, attrs)


def test_table_has_the_numbers_of_both(plain, fitted):
    both = {"prior": under_rule(with_probabilities(plain)), "posterior": under_rule(fitted)}
    found = contrasts(fitted)
    assert [c.structure for c in found] == ["hub_and_spoke", "asian_nato"]
    for contrast in found:
        here = {"flashpoint": contrast.flashpoint, "structure": contrast.structure}
        for side, ds in both.items():
            for name, e in getattr(contrast, side).items():
                assert e.median == pytest.approx(np.nanmedian(ds[name].sel(here)))
                assert e.mean == pytest.approx(np.nanmean(ds[name].sel(here)))
                # The companion has fewer structures than a run.
                own = prior_companion(fitted) if side == "prior" else ds
                expected = estimates(own, [name]).sel(here).isel(quantity=0)
                for part in ("low", "high", "monte_carlo_se", "bound"):
                    assert getattr(e, part) == pytest.approx(float(expected[part]), nan_ok=True)
                run = estimates(ds, [name]).sel(here).isel(quantity=0)
                error = float(run["monte_carlo_se"])
                assert e.monte_carlo_se == pytest.approx(error, rel=0.4, nan_ok=True), name
    assert max(map(len, format_show(fitted).splitlines())) <= 100
    assert format_show(fitted, 120).count("\n  posterior ") == 2


def test_table_never_sets_a_mean_against_a_median():
    zero = cell_of(np.array([0.0, 0, 9]), np.full(3, 100))
    some = cell_of(np.array([15.0, 17, 22]), np.full(3, 100))
    assert zero.value_text().startswith("m 3.0")
    assert _mean_too(some, zero).value_text().startswith("m 18")
    assert _mean_too(some, some).value_text().startswith("17")
    never = cell_of(np.zeros(3), np.full(3, 100))
    assert _mean_too(some, never).value_text().startswith("17")


def test_figure_shows_both_medians(fitted, plain):
    figure = plots.prior_posterior(fitted)
    figure.draw_without_rendering()
    panel = next(ax for ax in figure.axes if ax.get_title(loc="left") == "P(war), %")
    drawn = np.sort(np.concatenate(
        [line.get_xdata() for line in panel.lines if line.get_linestyle() == "None"]))
    both = (under_rule(plain), under_rule(fitted))
    wanted = [ds.p_war.sel(structure=s).median().item()
              for ds in both for s in ("hub_and_spoke", "asian_nato")]  # fmt: skip
    assert min(wanted) > 0
    np.testing.assert_allclose(drawn, np.sort(wanted))
    seen = " ".join(text.get_text() for text in figure.findobj(Text))
    assert len([ax for ax in figure.axes if ax.get_title(loc="left")]) == 6
    assert "Prior: n = 250 trajectories x 5 draws" in " ".join(seen.split())
    with pytest.raises(ResultsError, match="no prior companion"):
        plots.prior_posterior(plain)


def test_figure_never_sets_a_mean_against_a_median():
    zero, some = (xr.Dataset({
        "median": ("row", np.array([m, 0.2])), "mean": ("row", np.array([0.4, 0.3])),
        "hits": ("row", np.array([3, 3])), "sparse": ("row", np.array([m == 0, False])),
    }) for m in (0.0, 0.1))  # fmt: skip
    sides = _alike({"prior": zero, "posterior": some})
    assert [cells["centre"].values.tolist() for cells in sides.values()] == [[0.4, 0.2]] * 2


def test_parameter_table_shows_prior_and_posterior(small):
    table = parameter_frame(small.parameters, made_up())
    assert set(table.index[table.posterior_50.notna()]) == set(FITTED)
    text = format_parameters(table)
    middle = np.median(made_up()["choice_precision"])
    assert f"posterior {middle:.3g} [" in text
    assert text.count("median [5–95 %]: prior") == 3
    assert max(map(len, text.splitlines())) <= 100


def call(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def study_file(tmp_path, monkeypatch):
    """A study of one flashpoint and two structures; the working folder is empty."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    shipped = os.path.relpath(CONFIGS, tmp_path)
    (tmp_path / "small.yaml").write_text(
        f"extends: {shipped}/asian_nato.yaml\n"
        "name: small\n"
        f"flashpoints: [{shipped}/flashpoints/taiwan_strait.yaml]\n"
        f"structures: [{shipped}/structures/hub_and_spoke.yaml,"
        f" {shipped}/structures/asian_nato.yaml]\n"
        "compare: {focus: [asian_nato], sweep: []}\n"
    )
    return tmp_path / "small.yaml"


def test_command_line(study_file, tmp_path, monkeypatch):
    path = ship(monkeypatch, tmp_path)
    small = ("--trajectories", 5, "--draws", 1, "--no-figures")
    used = call("run", study_file, "-o", "used.nc", *small)
    assert used.exit_code == 0, used.output
    words = " ".join(used.output.split())
    assert " Parameters: posterior of 12 made-up disputes (file " in words
    assert f", 3 of {len(load_study(study_file).parameters)}; the rest from priors" in words
    assert "What the fit to history changed" in call("show", "used.nc").output
    assert "posterior 5" in call("parameters").output
    prior = call("run", study_file, "-o", "prior.nc", "--prior", *small)
    assert prior.exit_code == 0, prior.output
    assert "Parameters: all" in prior.output
    assert open_results("prior.nc").attrs["parameter_source"] == "prior"
    assert path.is_file()


@pytest.mark.parametrize("case", ["edited", "missing", "both", "shipped"])
def test_bad_posterior_gives_one_line_and_writes_nothing(study_file, tmp_path, monkeypatch, case):
    path = tmp_path / "mine.csv"
    save_posterior(made_up(), path)
    options, words = {
        "edited": (("--posterior", path), "mine.csv: damaged or edited"),
        "missing": (("--posterior", tmp_path / "no.csv"), "no.csv: cannot read the posterior"),
        "both": (("--prior", "--posterior", path), "exclude each other"),
        "shipped": ((), "mine.csv: damaged or edited"),
    }[case]
    if case in ("edited", "shipped"):
        path.write_text(path.read_text().replace("12 made-up", "99 made-up"))
    if case == "shipped":
        monkeypatch.setattr(module, "SHIPPED", path)
    result = call("run", study_file, *options)
    assert result.exit_code == 2
    assert words in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert os.listdir() == []
