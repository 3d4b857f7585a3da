"""What the figures show of a ratio of counts: median and spread over draws, and its two errors.

Parameter uncertainty is the spread over draws. Monte Carlo error is the binomial standard
error of the mean over draws, sqrt(sum_j p_j (1 - p_j) / n_j) / J. When no trial of any draw
was a hit the value is not zero but below the bound 1 - 0.05^(1/n), n all trials (95 %).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from escalation.codes import WAR
from escalation.errors import InputError, ResultsError

LOW, HIGH = 0.05, 0.95
Z95 = 1.96

EVENT_TITLES = {
    "dispute": "P(dispute)",
    "grave_crisis": "P(grave crisis)",
    "concession": "P(concession)",
    "war": "P(war)",
    "great_power_war": "P(great-power war)",
    "nuclear_use": "P(nuclear use)",
}


def need(ds: xr.Dataset, *names: str) -> None:
    """Refuse a dataset without the variables `names`.

    Raises
    ------
    ResultsError
        Names what is missing.
    """
    missing = [name for name in names if name not in ds.variables]
    if missing:
        raise ResultsError(f"the results have no {', '.join(missing)}")


def chosen(ds: xr.Dataset, dim: str, wanted: str | Sequence[str] | None) -> list[str]:
    """Values of `dim` to show, all of them when `wanted` is None.

    Raises
    ------
    InputError
        A value that the results do not have, with the choices.
    """
    known = [str(key) for key in ds[dim].values.tolist()]
    if wanted is None:
        return known
    keys = [wanted] if isinstance(wanted, str) else list(wanted)
    for key in keys:
        if key not in known:
            raise InputError(f"unknown {dim} {key!r}; choices: {', '.join(known)}")
    return keys


def one(ds: xr.Dataset, dim: str, wanted: str | None) -> str:
    """One value of `dim`, the first when `wanted` is None."""
    return chosen(ds, dim, wanted)[0]


def event_hits(ds: xr.Dataset, event: str) -> xr.DataArray:
    """Trajectories with `event` within the horizon (flashpoint, structure, draw)."""
    return ds["first_event_count"].sel(event=event).sum("year")


def disputes(ds: xr.Dataset) -> xr.DataArray:
    """Disputes of both classes by peak rung (flashpoint, structure, draw, peak_rung)."""
    return ds["crisis_count"].sum(("dispute_class", "end_state", "us_fought"))


def grave_crises(ds: xr.Dataset) -> xr.DataArray:
    """Grave crises by peak rung (flashpoint, structure, draw, peak_rung)."""
    return ds["crisis_count"].sel(dispute_class="grave").sum(("end_state", "us_fought"))


def wars(ds: xr.Dataset) -> xr.DataArray:
    """Disputes of either class that became wars (flashpoint, structure, draw)."""
    peaks = disputes(ds)
    return peaks.where(peaks["peak_rung"] >= WAR, 0).sum("peak_rung")


def summary(hits: xr.DataArray, trials: xr.DataArray | int) -> xr.Dataset:
    """Summarise hits out of trials over the dimension ``draw``.

    Parameters
    ----------
    hits, trials
        Counts, both with ``draw``; a plain number of trials holds for every draw.

    Returns
    -------
    Dataset
        ``share`` (with draw), and without it ``median``, ``low``, ``high`` (5 and 95 % of
        draws), ``error`` (Monte Carlo standard error), ``hits``, ``trials`` and ``bound``,
        the 95 % upper bound that stands for the value where ``hits`` is zero. Where there
        was no trial at all everything is NaN.
    """
    trials = trials + xr.zeros_like(hits)
    known = trials.where(trials > 0)
    share = hits / known
    quantiles = share.quantile([LOW, 0.5, HIGH], "draw")
    draws = share.notnull().sum("draw")
    variance = (share * (1.0 - share) / known).sum("draw")
    total = known.sum("draw")
    return xr.Dataset(
        {
            "share": share,
            "low": quantiles.isel(quantile=0, drop=True),
            "median": quantiles.isel(quantile=1, drop=True),
            "high": quantiles.isel(quantile=2, drop=True),
            "error": np.sqrt(variance) / draws.where(draws > 0),
            "hits": hits.sum("draw"),
            "trials": total,
            "bound": -np.expm1(np.log(0.05) / total.where(total > 0)),
        }
    )


def rate_summary(events: xr.DataArray, years: xr.DataArray) -> xr.Dataset:
    """As `summary`, for events per year of exposure; the error is that of Poisson counts."""
    known = years.where(years > 0)
    rate = events / known
    quantiles = rate.quantile([LOW, 0.5, HIGH], "draw")
    draws = rate.notnull().sum("draw")
    return xr.Dataset(
        {
            "share": rate,
            "low": quantiles.isel(quantile=0, drop=True),
            "median": quantiles.isel(quantile=1, drop=True),
            "high": quantiles.isel(quantile=2, drop=True),
            "error": np.sqrt((rate / known).sum("draw")) / draws.where(draws > 0),
            "hits": events.sum("draw"),
            "trials": known.sum("draw"),
            "bound": -np.log(0.05) / known.sum("draw"),
        }
    )
