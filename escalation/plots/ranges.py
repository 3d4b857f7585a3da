"""What the figures show of a ratio of counts: median and spread over draws, and its two errors.

Parameter uncertainty is the spread over draws with the Monte Carlo part removed
(:func:`escalation.statistics.intervals.noise_free`). Monte Carlo error is the standard error of the
mean over draws. Where no trial of any draw was a hit, the value is not zero but below an
upper bound. What counts as a hit is defined in `escalation.results.derive`, the formulas of
the errors in `escalation.statistics.intervals`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from escalation.errors import InputError, ResultsError
from escalation.plots.style import percent_number
from escalation.results.derive import count_disputes, rate_noise, ratio, simulated_years
from escalation.results.support import LEAST_SPREAD, trials_tell
from escalation.statistics.intervals import (
    FEW_HITS,
    binomial_noise,
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
        ``mean``, ``sparse`` (whether most draws had fewer than 10 hits), ``centre`` (the
        median, or the mean where it is sparse),
        ``error`` (Monte Carlo standard error), ``hits``, ``trials``, ``full`` (whether every
        trial was a hit) and ``bound``, the 95 % upper bound that stands for the value where
        ``hits`` is zero (``draw_bound``: the same for a single draw). Without any trial
        everything but the bounds is NaN, and what the counts do not carry
        (:mod:`escalation.results.support`) is NaN too.
    """
    trials = trials + xr.zeros_like(hits)
    draws = [["draw"], ["draw"]]
    noise = xr.apply_ufunc(
        binomial_noise, hits, trials, input_core_dims=draws, output_core_dims=draws[:1]
    )
    tell = xr.apply_ufunc(trials_tell, trials, input_core_dims=draws[:1])
    found = _summary(ratio(hits, trials), noise.where(tell), hits, trials, zero_upper_bound)
    return found.assign(full=(found["trials"] > 0) & (found["hits"] == found["trials"]))


def rate_summary(ds: xr.Dataset, kind: str) -> xr.Dataset:
    """As `summary`, for ``dispute`` or ``grave`` crises per year of exposure."""
    events, years = count_disputes(ds)[kind], simulated_years(ds)
    return _summary(ratio(events, years), rate_noise(ds, kind), events, years, zero_rate_bound)


def worst_error(cells: xr.Dataset) -> str:
    """Say how wide the 95 % Monte Carlo intervals of several means are at most."""
    seen = cells["hits"] > 0
    if not bool(seen.any()):
        return "not known, no event was seen"
    worst = float(cells["error"].where(seen).max())
    if not worst > 0:
        return "not known, too few histories differ"
    return f"at most ± {percent_number(Z95 * worst)} points"


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
    known = inner.where((raw != 0) | clean.isnull(), 0.0 * raw)
    return xr.where(raw["quantile"] == 0.5, median, known)


def over_draws(values: xr.DataArray, quantiles: Sequence[float]) -> xr.DataArray:
    """Quantiles over ``draw``, leaving out draws without a value; NaN where none has one."""
    known = values.notnull()
    if bool(known.all()):
        return values.quantile(list(quantiles), "draw", skipna=False)
    some = known.any("draw")
    return values.where(some, 0.0).quantile(list(quantiles), "draw", skipna=True).where(some)


def _summary(
    share: xr.DataArray,
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
    pooled = xr.apply_ufunc(pooled_se, noise**0.5, input_core_dims=[["draw"]])
    spread = pooled.notnull() & (share.notnull().sum("draw") >= LEAST_SPREAD)
    total = trials.sum("draw")
    typical = over_draws(hits.where(trials > 0).astype(float), (0.5,))
    sparse = typical.isel(quantile=0, drop=True) < FEW_HITS
    return xr.Dataset(
        {
            "share": share,
            "clean": clean,
            "low": quantiles.isel(quantile=0, drop=True).where(spread),
            "median": median,
            "high": quantiles.isel(quantile=2, drop=True).where(spread),
            "mean": mean,
            "sparse": sparse,
            "centre": median.where(~sparse, mean),
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
