"""What the figures show of a ratio of counts: median and spread over draws, and its two errors.

Parameter uncertainty is the spread over draws with the Monte Carlo part removed
(:func:`escalation.results.intervals.noise_free`). Monte Carlo error is the standard error of the
mean over draws. Where no trial of any draw was a hit, the value is not zero but below an
upper bound. What counts as a hit is defined in `escalation.results.derive`, the formulas of
the errors in `escalation.results.intervals`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from escalation.errors import InputError, ResultsError
from escalation.results.derive import ratio
from escalation.results.intervals import (
    binomial_noise,
    binomial_se,
    noise_free,
    pooled_se,
    zero_rate_bound,
    zero_upper_bound,
)

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


def summary(hits: xr.DataArray, trials: xr.DataArray | int) -> xr.Dataset:
    """Summarise hits out of trials over the dimension ``draw``.

    Parameters
    ----------
    hits, trials
        Counts, both with ``draw``; a plain number of trials holds for every draw.

    Returns
    -------
    Dataset
        ``share`` and ``clean`` (the same without the Monte Carlo part of its spread), with
        draw; without it ``median``, ``low``, ``high`` (5 and 95 % of draws, see `ranges`),
        ``mean``, ``centre`` (the median, or the mean where the median is zero),
        ``error`` (Monte Carlo standard error), ``hits``, ``trials`` and ``bound``, the 95 %
        upper bound that stands for the value where ``hits`` is zero (``draw_bound``: the
        same for a single draw). Without any trial everything but the bounds is NaN.
    """
    trials = trials + xr.zeros_like(hits)
    share = ratio(hits, trials)
    error = xr.apply_ufunc(binomial_se, hits, trials)
    noise = xr.apply_ufunc(binomial_noise, hits, trials)
    return _summary(share, error, noise, hits, trials, zero_upper_bound)


def rate_summary(events: xr.DataArray, years: xr.DataArray) -> xr.Dataset:
    """As `summary`, for events per year of exposure; the error is that of Poisson counts."""
    error = ratio(events**0.5, years)
    return _summary(ratio(events, years), error, error**2, events, years, zero_rate_bound)


def ranges(cells: xr.Dataset, quantiles: Sequence[float]) -> xr.DataArray:
    """Quantiles over ``draw`` with the Monte Carlo part removed, around the median as it is.

    A quantile of draws without a hit stays zero, for which a bound must stand.

    Parameters
    ----------
    cells : Dataset
        ``share`` and ``clean`` of `summary`.
    quantiles : sequence of float
        Ascending; 0.5 gives the plain median.
    """
    raw, clean = over_draws(cells["share"], quantiles), over_draws(cells["clean"], quantiles)
    median = over_draws(cells["share"], (0.5,)).isel(quantile=0, drop=True)
    inner = xr.where(raw["quantile"] < 0.5, np.minimum(clean, median), np.maximum(clean, median))
    return xr.where(raw["quantile"] == 0.5, median, inner.where(raw != 0, 0.0 * raw))


def over_draws(values: xr.DataArray, quantiles: Sequence[float]) -> xr.DataArray:
    """Quantiles over ``draw``, leaving out draws without a value; NaN where none has one."""
    known = values.notnull()
    if bool(known.all()):
        return values.quantile(list(quantiles), "draw", skipna=False)
    some = known.any("draw")
    return values.where(some, 0.0).quantile(list(quantiles), "draw", skipna=True).where(some)


def _summary(
    share: xr.DataArray,
    error: xr.DataArray,
    noise: xr.DataArray,
    hits: xr.DataArray,
    trials: xr.DataArray,
    bound: Callable[..., np.ndarray],
) -> xr.Dataset:
    draws = [["draw"], ["draw"]]
    clean = xr.apply_ufunc(
        noise_free, share, noise, input_core_dims=draws, output_core_dims=draws[:1]
    )
    quantiles = ranges(xr.Dataset({"share": share, "clean": clean}), (LOW, 0.5, HIGH))
    median = quantiles.isel(quantile=1, drop=True)
    mean = share.mean("draw")
    pooled = xr.apply_ufunc(pooled_se, error, input_core_dims=[["draw"]])
    total = trials.sum("draw")
    return xr.Dataset(
        {
            "share": share,
            "clean": clean,
            "low": quantiles.isel(quantile=0, drop=True),
            "median": median,
            "high": quantiles.isel(quantile=2, drop=True),
            "mean": mean,
            "centre": median.where(median != 0, mean),
            "error": pooled,
            "hits": hits.sum("draw"),
            "trials": total,
            "bound": xr.apply_ufunc(bound, total),
            "draw_bound": xr.apply_ufunc(bound, total / trials.sizes["draw"]),
        }
    )


def focus(ds: xr.Dataset) -> list[str]:
    """The reference and the structures that the study compares with it.

    They are taken from the sweep when there is one. Without it the reference is shown with
    the last structure.
    """
    known = chosen(ds, "structure", None)
    if "sweep_structure" in ds.coords:
        swept = [str(name) for name in ds["sweep_structure"].values.tolist()]
        return [name for name in known if name in swept]
    reference = str(ds.attrs.get("reference", known[0]))
    return [name for name in known if name in (reference, known[-1])]
