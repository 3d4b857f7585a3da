"""Probabilities and rates from counts.

With `n` trajectories per cell, an event seen in `x` of them has probability x / n and a
Monte Carlo standard error sqrt(p (1 - p) / (n - 1)), not known for a single one. Conditional
shares are ratios of counts of disputes; 0 / 0 is NaN, never 0. Their errors take disputes as
independent, which repeated disputes in one history are not quite.

Rates are unconditional, per calendar year of the horizon, like published onset rates. (The
time at peace and under observation, in which alone a dispute can begin, is stored as
``exposure_months``.) Disputes come in clusters, so their errors are measured over replicates;
results without replicates take them as Poisson counts, sqrt(x) / years, which is too small.

Every headline quantity comes with both uncertainties: its Monte Carlo interval per draw, and
over draws the two parts of its variance, see :mod:`escalation.statistics.intervals`.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from escalation.contracts.codes import WAR
from escalation.errors import ResultsError
from escalation.results.support import error_known
from escalation.results.variables import VARIABLES, names
from escalation.statistics.intervals import (
    VarianceSplit,
    binomial_se,
    poisson_score,
    replicate_noise,
    split_rates,
    split_variance,
    wilson,
    zero_rate_bound,
    zero_upper_bound,
)

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


def _share_with_error(
    name: str, hits: xr.DataArray, trials: xr.DataArray | int
) -> dict[str, xr.DataArray]:
    """A share of trials with its two uncertainties."""
    trials = trials + xr.zeros_like(hits)
    x, n = hits.values, trials.values
    split = split_variance(x, n, hits.get_axis_num("draw"))
    return _with_error(
        name, ratio(hits, trials), binomial_se(x, n), wilson(x, n), zero_upper_bound(n), split
    )


def _rate_with_error(
    name: str, hits: xr.DataArray, years: xr.DataArray, noise: xr.DataArray
) -> dict[str, xr.DataArray]:
    """A rate per year of exposure with its two uncertainties."""
    x, t, variance = hits.values, years.values, noise.transpose(*hits.dims).values
    # A count whose variance is c times its mean is as well known as a Poisson count c times less.
    clusters = np.where(variance > 0, variance * t**2 / np.maximum(x, 1), 1.0)
    clusters = np.where(np.isfinite(variance), clusters, np.nan)
    interval = poisson_score(x / clusters, t / clusters)
    split = split_rates(x, t, hits.get_axis_num("draw"), variance)
    return _with_error(
        name, ratio(hits, years), np.sqrt(variance), interval, zero_rate_bound(t), split
    )


def _with_error(
    name: str,
    value: xr.DataArray,
    error: np.ndarray,
    interval: tuple[np.ndarray, np.ndarray],
    bound: np.ndarray,
    split: VarianceSplit,
) -> dict[str, xr.DataArray]:
    low, high = interval
    high = np.where(value.values == 0, bound, high)
    over_draws = value.isel(draw=0, drop=True)
    return {
        name: value,
        f"{name}_mc_se": value.copy(data=error),
        f"{name}_mc_low": value.copy(data=low),
        f"{name}_mc_high": value.copy(data=high),
        f"{name}_mc_sd": over_draws.copy(data=np.sqrt(split.monte_carlo)),
        f"{name}_parameter_sd": over_draws.copy(data=np.sqrt(split.parameter)),
    }


def _horizon(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    n = int(ds.attrs["trajectories"])
    found = {"cumulative_risk": ratio(ds["first_event_count"].cumsum("year"), n)}
    for name, event in HORIZON_EVENTS.items():
        found |= _share_with_error(name, horizon_hits(ds, event), n)
    return found


def simulated_years(ds: xr.Dataset) -> xr.DataArray:
    """Calendar years that each cell stands for: trajectories times horizon."""
    years = int(ds.attrs["trajectories"]) * int(ds.attrs["horizon_years"])
    return xr.full_like(ds["exposure_months"], years)


def replicate_trials(ds: xr.Dataset) -> xr.DataArray:
    """Trajectories of every replicate, by ``replicate``."""
    n, size = int(ds.attrs["trajectories"]), ds.sizes["replicate"]
    return xr.DataArray([len(range(b, n, size)) for b in range(size)], dims="replicate")


_REPLICATED = {"dispute": "disputes", "grave": "grave_crises"}


def rate_noise(ds: xr.Dataset, kind: str) -> xr.DataArray:
    """Monte Carlo variance of a rate per year, ``dispute`` or ``grave``, per draw.

    Measured over replicates; that of a Poisson count in results that have none. NaN where too
    few histories tell it.
    """
    n = int(ds.attrs["trajectories"])
    known = error_known(np.full(ds.sizes["draw"], min(n, ds.sizes.get("replicate", n)) - 1))
    if "replicate_count" not in ds:
        return (count_disputes(ds)[kind] / simulated_years(ds) ** 2).where(known)
    hits = ds["replicate_count"].sel(counted=_REPLICATED[kind], drop=True)
    years = replicate_trials(ds) * int(ds.attrs["horizon_years"])
    return xr.apply_ufunc(
        replicate_noise, hits, years + xr.zeros_like(hits),
        input_core_dims=[["replicate"], ["replicate"]],
    ).where(known)  # fmt: skip


def _rates(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    counts, years = count_disputes(ds), simulated_years(ds)
    found: dict[str, xr.DataArray] = {}
    for name, kind in (("disputes_per_year", "dispute"), ("grave_crises_per_year", "grave")):
        found |= _rate_with_error(name, counts[kind], years, rate_noise(ds, kind))
    return found


def _conditional(ds: xr.Dataset) -> dict[str, xr.DataArray]:
    c = count_disputes(ds)
    return {
        **_share_with_error("p_war_given_grave", c["grave_war"], c["grave"]),
        **_share_with_error("p_war_given_dispute", c["war"], c["dispute"]),
        **_share_with_error("p_concession_given_grave", c["grave_concession"], c["grave"]),
        **_share_with_error("immediate_deterrence_failure", c["grave_failure"], c["grave"]),
        **_share_with_error(
            "reciprocation", ds["reciprocated_count"].sum("dispute_class"), c["dispute"]
        ),
        **_share_with_error("us_share_of_wars", c["us_war"], c["war"]),
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
