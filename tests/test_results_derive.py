"""Derived variables against a count by hand."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import xarray as xr
from synthetic import ACTORS, synthetic_dataset

from escalation.contracts import codes
from escalation.errors import ResultsError
from escalation.results import derive
from escalation.results.derive import with_probabilities, without_probabilities
from escalation.results.estimates import estimates, panel
from escalation.results.files import save_results
from escalation.results.quantities import QUANTITIES
from escalation.results.variables import names


@pytest.fixture(scope="module")
def ds():
    return with_probabilities(
        synthetic_dataset(2, flashpoints=2, structures=2, draws=3, trajectories=300)
    )


def cell(ds, name):
    return ds[name].isel(decision_rule=0, flashpoint=0, structure=1, draw=2)


def test_against_plain_loops(ds):
    crises = cell(ds, "crisis_count").values
    disputes = crises.sum()
    grave = crises[codes.GRAVE].sum()
    wars = crises[:, :, codes.WAR :].sum()
    grave_wars = crises[codes.GRAVE, :, codes.WAR :].sum()
    conceded = crises[codes.GRAVE, codes.END_CONCESSION].sum()
    failed = sum(
        crises[codes.GRAVE, end, peak].sum()
        for end in range(len(codes.END_STATES))
        for peak in range(codes.N_RUNGS)
        if peak >= codes.WAR or end == codes.END_CONCESSION
    )
    years = 300 * int(ds.attrs["horizon_years"])
    expected = {
        "disputes_per_year": disputes / years,
        "grave_crises_per_year": grave / years,
        "p_war_given_grave": grave_wars / grave,
        "p_war_given_dispute": wars / disputes,
        "p_concession_given_grave": conceded / grave,
        "immediate_deterrence_failure": failed / grave,
        "us_share_of_wars": crises[:, :, codes.WAR :, 1].sum() / wars,
        "reciprocation": int(cell(ds, "reciprocated_count").sum()) / disputes,
        "mean_duration_days": int(cell(ds, "duration_days").sum()) / disputes,
        "p_war": int(cell(ds, "worst_rung_count")[codes.WAR :].sum()) / 300,
        "p_dispute": 1 - int(cell(ds, "worst_rung_count")[0]) / 300,
    }
    for name, value in expected.items():
        assert float(cell(ds, name)) == pytest.approx(value), name


def test_unconditional_and_cumulative_agree(ds):
    last = ds["cumulative_risk"].isel(year=-1)
    for event, name in (("war", "p_war"), ("nuclear_use", "p_nuclear_use")):
        np.testing.assert_allclose(last.sel(event=event), ds[name])
    assert bool((ds["cumulative_risk"].diff("year") >= 0).all())
    reach = ds["p_reach_rung"]
    np.testing.assert_allclose(reach.sel(worst_rung=0), 1)
    np.testing.assert_allclose(reach.sel(worst_rung=codes.WAR), ds["p_war"])
    np.testing.assert_allclose(
        ds["p_reach_rung_given_grave"].sel(peak_rung=codes.WAR), ds["p_war_given_grave"]
    )
    np.testing.assert_allclose(
        ds["p_reach_rung_given_dispute"].sel(peak_rung=codes.WAR), ds["p_war_given_dispute"]
    )


def noise(ds, name):
    """Monte Carlo error of one draw of the cell that `cell` takes."""
    place = str(ds["flashpoint"].values[0])
    return float(panel(ds, QUANTITIES[name], place).noise[1, 2] ** 0.5)


def test_monte_carlo_errors(ds):
    disputes = int(cell(ds, "crisis_count").sum())
    years = 300 * int(ds.attrs["horizon_years"])
    by_replicate = cell(ds, "replicate_count").sel(counted="disputes").values
    sizes = np.array([19] * 12 + [18] * 4)
    apart = by_replicate - disputes / 300 * sizes
    error = np.sqrt((apart**2).sum() / (1 - (sizes**2).sum() / 300**2)) / years
    assert noise(ds, "disputes_per_year") == pytest.approx(error)
    old = ds.drop_vars("replicate_count")
    assert noise(old, "disputes_per_year") == pytest.approx(disputes**0.5 / years)
    p = float(cell(ds, "p_war"))
    assert noise(old, "p_war") == pytest.approx((p * (1 - p) / 299) ** 0.5)


def test_one_history_has_no_monte_carlo_error():
    ds = synthetic_dataset(3, flashpoints=1, structures=2, trajectories=1)
    for counts in (ds, ds.drop_vars("replicate_count")):
        found = estimates(counts, ["p_war", "p_dispute", "disputes_per_year"])
        for name in ("monte_carlo_se", "parameter_sd", "low", "high"):
            assert bool(found[name].isnull().all()), name


def test_shares_of_those_who_are_no_third_party_are_unknown(ds):
    fought = ds["fought_per_war"].sel(flashpoint="taiwan_strait")
    assert bool(fought.sel(actor=["china", "taiwan"]).isnull().all())
    shown = fought.sel(actor="united_states")
    np.testing.assert_allclose(shown, ds["us_share_of_wars"].sel(flashpoint="taiwan_strait"))
    assert set(ACTORS) == set(fought["actor"].values)


def test_nothing_to_count_is_not_a_number_and_warns_not():
    quiet = synthetic_dataset(1, flashpoints=1, structures=1, draws=1, trajectories=1, years=1)
    assert int(quiet["crisis_count"].sum()) == 0, "the seed was chosen so"
    ds = with_probabilities(quiet)
    for name in ("p_war_given_grave", "p_war_given_dispute", "us_share_of_wars", "reciprocation"):
        assert bool(ds[name].isnull().all()), name
    assert float(ds["p_war"].item()) == 0
    assert float(ds["disputes_per_year"].item()) == 0


def test_derived_variables_can_be_dropped_and_made_again(ds):
    counts = without_probabilities(ds)
    assert not set(names("derived")) & set(counts.variables)
    assert with_probabilities(ds).identical(ds)
    assert with_probabilities(counts).identical(ds)


def test_derived_variables_are_made_when_they_are_asked_for(ds, monkeypatch):
    made = []
    formula = derive._FORMULAS["p_war"]
    monkeypatch.setattr(
        derive, "_FORMULAS", {**derive._FORMULAS, "p_war": lambda ds: made.append(1) or formula(ds)}
    )
    fresh = with_probabilities(ds)
    assert len(repr(fresh).splitlines()) < 60
    here = fresh.sel(structure="hub_and_spoke", flashpoint="taiwan_strait").isel(draw=[2, 0])
    copy, back = fresh.copy(deep=True), pickle.loads(pickle.dumps(fresh))
    assert not made
    expected = ds.sel(structure="hub_and_spoke", flashpoint="taiwan_strait").isel(draw=[2, 0])
    np.testing.assert_array_equal(here["p_war"], expected["p_war"])
    assert here["p_war"].values.tolist() == here["p_war"].values.tolist()
    assert made == [1], "once, whatever part is looked at"
    assert copy.identical(ds)
    assert back.identical(ds)


def test_what_is_written_into_a_derived_variable_stays_there(ds):
    fresh = with_probabilities(ds)
    other = fresh.copy(deep=True)
    other["p_war"][{"draw": 0}] = 7.0
    other["p_dispute"].values[...] = 7.0
    assert (other["p_war"].isel(draw=0) == 7).all()
    assert (fresh["p_war"] <= 1).all()
    assert (fresh["p_dispute"] <= 1).all()


def test_plain_xarray_finds_the_quantities_in_a_file(ds, tmp_path):
    with xr.open_dataset(save_results(ds, tmp_path / "results.nc"), engine="h5netcdf") as plain:
        for name in QUANTITIES:
            np.testing.assert_array_equal(plain[name], ds[name])
            assert plain[name].attrs["long_name"]


def test_missing_counts_are_named():
    with pytest.raises(ResultsError, match="crisis_count"):
        with_probabilities(xr.Dataset(attrs={"trajectories": 1}))
