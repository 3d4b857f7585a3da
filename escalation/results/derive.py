"""Probabilities and rates from counts.

With `n` trajectories per cell, an event seen in `x` of them has probability x / n and a
Monte Carlo standard error sqrt(p (1 - p) / n). Conditional shares are ratios of counts of
disputes; 0 / 0 is NaN, never 0. Their errors take disputes as independent, which repeated
disputes in one history are not quite.

Rates are unconditional, per calendar year of the horizon, like published onset rates. (The
time at peace and under observation, in which alone a dispute can begin, is stored as
``exposure_months``.) Their errors are those of Poisson counts, sqrt(x) / years.

Every headline quantity comes with both uncertainties: its Monte Carlo interval per draw, and
over draws the two parts of its variance, see :mod:`escalation.results.intervals`.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from escalation.codes import WAR
from escalation.errors import ResultsError
from escalation.results.intervals import (
    poisson_score,
    split_rates,
    split_variance,
    wilson,
    zero_rate_bound,
    zero_upper_bound,
)
from escalation.results.variables import VARIABLES, names

HORIZON_EVENTS = {
    "p_dispute": "dispute",
    "p_grave_crisis": "grave_crisis",
    "p_concession": "concession",
    "p_war": "war",
    "p_great_power_war": "great_power_war",
    "p_nuclear_use": "nuclear_use",
}
"""Unconditional probabilities by the event that they count."""


def with_probabilities(ds: xr.Dataset) -> xr.Dataset:
    """Add every derived variable of the registry to a dataset of counts.

    Parameters
    ----------
    ds : Dataset
        Counts, as `build_dataset` makes them. Derived variables that are already there are
        computed anew.

    Returns
    -------
    Dataset
        The counts and the derived variables, each with its definition in its attributes.
        Headline quantities come with ``<name>_mc_se``, the Monte Carlo error per draw.

    Raises
    ------
    ResultsError
        A count is missing.
    """
    ds = without_probabilities(ds)
    needed = [name for name in names("stored") if not VARIABLES[name].optional]
    missing = [name for name in needed if name not in ds.variables]
    if missing:
        raise ResultsError(f"missing from the results: {', '.join(missing)}")
    found = {
        **_horizon(ds),
        **_rates(ds),
        **_conditional(ds),
        **_ladder(ds),
        **_parties(ds),
        **_durations(ds),
    }
    return ds.assign({name: _annotated(name, found[name]) for name in names("derived")})


def without_probabilities(ds: xr.Dataset) -> xr.Dataset:
    """Drop the derived variables."""
    return ds.drop_vars([name for name in names("derived") if name in ds.variables])


def horizon_hits(ds: xr.Dataset, event: str) -> xr.DataArray:
    """Trajectories with `event` within the horizon (flashpoint, structure, draw)."""
    return ds["first_event_count"].sel(event=event, drop=True).sum("year")


def count_disputes(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    """Count disputes of several kinds, each (flashpoint, structure, draw).

    Returns
    -------
    dict
        ``dispute``, ``grave``, ``war`` (either class), ``grave_war``, ``us_war``,
        ``grave_concession`` and ``grave_failure`` (a grave crisis in which the defender
        conceded, or that became war, or both).
    """
    crises = ds["crisis_count"]
    grave = crises.sel(dispute_class="grave", drop=True)
    war = crises.sel(peak_rung=slice(WAR, None)).sum(("dispute_class", "end_state", "peak_rung"))
    grave_war = grave.sel(peak_rung=slice(WAR, None)).sum(("end_state", "peak_rung", "us_fought"))
    conceded = grave.sel(end_state="defender_concedes", drop=True).sum("us_fought")
    conceded_below_war = conceded.sel(peak_rung=slice(0, WAR - 1)).sum("peak_rung")
    return {
        "dispute": crises.sum(("dispute_class", "end_state", "peak_rung", "us_fought")),
        "grave": grave.sum(("end_state", "peak_rung", "us_fought")),
        "war": war.sum("us_fought"),
        "us_war": war.sel(us_fought=1, drop=True),
        "grave_war": grave_war,
        "grave_concession": conceded.sum("peak_rung"),
        "grave_failure": grave_war + conceded_below_war,
    }


def ratio(hits: xr.DataArray, trials: xr.DataArray | int) -> xr.DataArray:
    """Hits by trials; NaN where there was no trial."""
    if isinstance(trials, int):
        return hits / (trials if trials > 0 else np.nan)
    return hits / trials.where(trials > 0)


def _with_error(
    name: str, hits: xr.DataArray, trials: xr.DataArray | int, *, rate: bool = False
) -> dict[str, xr.DataArray]:
    """A share of trials, or a rate per year of exposure, with its two uncertainties."""
    value = ratio(hits, trials)
    trials = trials + xr.zeros_like(hits)
    variance = value / trials if rate else value * (1 - value) / trials
    low, high = (poisson_score if rate else wilson)(hits.values, trials.values)
    bound = (zero_rate_bound if rate else zero_upper_bound)(trials.values)
    high = np.where((hits.values == 0) & (trials.values > 0), bound, high)
    split = (split_rates if rate else split_variance)(
        hits.values, trials.values, hits.get_axis_num("draw")
    )
    over_draws = value.isel(draw=0, drop=True)
    return {
        name: value,
        f"{name}_mc_se": variance**0.5,
        f"{name}_mc_low": value.copy(data=low),
        f"{name}_mc_high": value.copy(data=high),
        f"{name}_mc_sd": over_draws.copy(data=np.sqrt(split.monte_carlo)),
        f"{name}_parameter_sd": over_draws.copy(data=np.sqrt(split.parameter)),
    }


def _horizon(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    n = int(ds.attrs["trajectories"])
    found = {"cumulative_risk": ratio(ds["first_event_count"].cumsum("year"), n)}
    for name, event in HORIZON_EVENTS.items():
        found |= _with_error(name, horizon_hits(ds, event), n)
    return found


def simulated_years(ds: xr.Dataset) -> xr.DataArray:
    """Calendar years that each cell stands for: trajectories times horizon."""
    years = int(ds.attrs["trajectories"]) * int(ds.attrs["horizon_years"])
    return xr.full_like(ds["exposure_months"], years)


def _rates(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    counts, years = count_disputes(ds), simulated_years(ds)
    found: dict[str, xr.DataArray] = {}
    for name, kind in (("disputes_per_year", "dispute"), ("grave_crises_per_year", "grave")):
        found |= _with_error(name, counts[kind], years, rate=True)
    return found


def _conditional(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    c = count_disputes(ds)
    return {
        **_with_error("p_war_given_grave", c["grave_war"], c["grave"]),
        **_with_error("p_war_given_dispute", c["war"], c["dispute"]),
        **_with_error("p_concession_given_grave", c["grave_concession"], c["grave"]),
        **_with_error("immediate_deterrence_failure", c["grave_failure"], c["grave"]),
        **_with_error(
            "reciprocation", ds["reciprocated_count"].sum("dispute_class"), c["dispute"]
        ),
        **_with_error("us_share_of_wars", c["us_war"], c["war"]),
    }


def _at_least(counts: xr.DataArray, rung: str) -> xr.DataArray:
    """Counts at this rung or above."""
    reverse = {rung: slice(None, None, -1)}
    return counts.isel(reverse).cumsum(rung).isel(reverse)


def _ladder(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    by_class = ds["crisis_count"].sum(("end_state", "us_fought"))
    dispute = by_class.sum("dispute_class")
    grave = by_class.sel(dispute_class="grave", drop=True)
    return {
        "p_reach_rung": ratio(
            _at_least(ds["worst_rung_count"], "worst_rung"), int(ds.attrs["trajectories"])
        ),
        "p_reach_rung_given_dispute": ratio(
            _at_least(dispute, "peak_rung"), dispute.sum("peak_rung")
        ),
        "p_reach_rung_given_grave": ratio(_at_least(grave, "peak_rung"), grave.sum("peak_rung")),
    }


def _parties(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    c, third = count_disputes(ds), ds["is_third_party"]
    shares = {
        "supported_per_dispute": ratio(ds["supported_count"], c["dispute"]),
        "fought_per_war": ratio(ds["fought_count"], c["war"]),
        "entrapped_per_fought": ratio(ds["entrapped_count"], ds["fought_count"]),
        "abandoned_per_war": ratio(ds["abandoned_count"], c["war"]),
        "exited_per_trajectory": ratio(ds["exited_count"], int(ds.attrs["trajectories"])),
    }
    return {name: share.where(third) for name, share in shares.items()}


def _durations(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    by_class = ds["crisis_count"].sum(("end_state", "peak_rung", "us_fought"))
    days = ds["duration_days"]
    return {
        "mean_duration_days": ratio(days.sum("dispute_class"), by_class.sum("dispute_class")),
        "mean_duration_days_by_class": ratio(days, by_class),
    }


def _annotated(name: str, array: xr.DataArray) -> xr.DataArray:
    variable = VARIABLES[name]
    array = array.transpose(*variable.dims).astype(np.float64)
    array.attrs = variable.attrs()
    return array
