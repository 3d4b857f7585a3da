"""Derived variables against a count by hand."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from synthetic import ACTORS, synthetic_dataset

from escalation.contracts import codes
from escalation.errors import ResultsError
from escalation.results.derive import with_probabilities, without_probabilities
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


def test_monte_carlo_errors(ds):
    p = float(cell(ds, "p_war"))
    assert float(cell(ds, "p_war_mc_se")) == pytest.approx((p * (1 - p) / 299) ** 0.5)
    disputes = int(cell(ds, "crisis_count").sum())
    years = 300 * int(ds.attrs["horizon_years"])
    by_replicate = cell(ds, "replicate_count").sel(counted="disputes").values
    sizes = np.array([19] * 12 + [18] * 4)
    apart = by_replicate - disputes / 300 * sizes
    error = np.sqrt((apart**2).sum() / (1 - (sizes**2).sum() / 300**2)) / years
    assert float(cell(ds, "disputes_per_year_mc_se")) == pytest.approx(error)
    old = with_probabilities(ds.drop_vars("replicate_count"))
    assert float(cell(old, "disputes_per_year_mc_se")) == pytest.approx(disputes**0.5 / years)


def test_one_history_has_no_monte_carlo_error():
    ds = with_probabilities(synthetic_dataset(3, flashpoints=1, structures=2, trajectories=1))
    for name in ("p_war", "p_dispute", "disputes_per_year"):
        assert bool(ds[f"{name}_mc_se"].isnull().all()), name
        assert bool(ds[f"{name}_parameter_sd"].isnull().all()), name


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


def test_missing_counts_are_named():
    with pytest.raises(ResultsError, match="crisis_count"):
        with_probabilities(xr.Dataset(attrs={"trajectories": 1}))
