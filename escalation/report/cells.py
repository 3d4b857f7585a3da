"""What a table shows of a quantity: centre and spread over draws, Monte Carlo error, bound."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from escalation.errors import InputError, ResultsError
from escalation.report.text import error_number, short_number
from escalation.results.derive import count_disputes, horizon_hits, rate_noise, simulated_years
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

Kind = Literal["share", "rate", "mean"]


@dataclass(frozen=True)
class Metric:
    """One column of a table.

    Attributes
    ----------
    name : str
        Name of the derived variable.
    heading : tuple of str
        Two lines of heading.
    kind : {"share", "rate", "mean"}
        Share of trials (printed in per cent), events per year, or a mean without a known
        Monte Carlo error.
    """

    name: str
    heading: tuple[str, str]
    kind: Kind = "share"

    @property
    def scale(self) -> float:
        """Factor from the value to what is printed."""
        return 100.0 if self.kind == "share" else 1.0


DISPUTES = Metric("disputes_per_year", ("disputes", "per year"), "rate")
GRAVE_CRISES = Metric("grave_crises_per_year", ("grave crises", "per year"), "rate")
WAR_GIVEN_GRAVE = Metric("p_war_given_grave", ("P(war | grave", "crisis) %"))
WAR_GIVEN_DISPUTE = Metric("p_war_given_dispute", ("P(war |", "dispute) %"))
WAR = Metric("p_war", ("P(war)", "%"))
GREAT_POWER_WAR = Metric("p_great_power_war", ("P(great-", "power war) %"))
NUCLEAR_USE = Metric("p_nuclear_use", ("P(nuclear", "use) %"))
CONCESSION = Metric("p_concession", ("P(conces-", "sion) %"))
RECIPROCATION = Metric("reciprocation", ("recipro-", "cation %"))
US_SHARE = Metric("us_share_of_wars", ("US fought,", "% of wars"))
DURATION = Metric("mean_duration_days", ("mean", "days"), "mean")

DECISION_METRICS = (DISPUTES, WAR_GIVEN_GRAVE, WAR, GREAT_POWER_WAR, NUCLEAR_USE, CONCESSION)
RATE_METRICS = (
    DISPUTES, GRAVE_CRISES, WAR_GIVEN_GRAVE, WAR_GIVEN_DISPUTE, GREAT_POWER_WAR, NUCLEAR_USE,
    RECIPROCATION, US_SHARE, DURATION,
)


@dataclass(frozen=True)
class Estimate:
    """A quantity in one cell of flashpoint and structure, over all draws.

    Attributes
    ----------
    median : float
        Over draws.
    low, high : float
        Quantiles over draws, 5 and 95 %, with the Monte Carlo part of the spread removed:
        parameter uncertainty. 0 where that quantile of the draws had no hit; NaN where chance
        cannot be told from it.
    mean : float
        Mean over draws.
    mc_error : float
        Monte Carlo standard error of that mean; NaN where it is not known.
    full : bool
        Whether every trial was a hit.
    has_error : bool
        Whether the quantity is of a kind that has a Monte Carlo error.
    hits, trials : float
        Summed over draws. Trials of a rate are years.
    bound : float
        Upper bound (95 %) of the mean if there was no hit in any draw.
    draw_bound : float
        The same for one draw alone, the median over draws: what a quantile of 0 stands for.
    draws : int
        Draws with at least one trial.
    sparse : bool
        Whether most draws had fewer than 10 hits, so that the mean says more than the median.
    """

    median: float
    low: float
    high: float
    mean: float
    mc_error: float
    hits: float
    trials: float
    bound: float
    draw_bound: float
    draws: int
    sparse: bool
    full: bool = False
    has_error: bool = True

    def value_text(self, scale: float = 1.0) -> str:
        """Median and Monte Carlo error; a bound where there was no hit, ``-`` without trials.

        Where most draws had few hits the median is coarse or zero: the mean stands
        in its place, marked with an ``m``. ``±?`` where too few histories tell no error.
        """
        if self.trials <= 0:
            return "-"
        if self.hits == 0:
            return f"<{short_number(self.bound * scale)}"
        if self.full:
            return f">{short_number((1.0 - self.bound) * scale)}"
        centre = short_number(self.median * scale)
        if self.sparse:
            centre = f"m {short_number(self.mean * scale)}"
        if not self.has_error:
            return centre
        return f"{centre} ±{error_number(self.mc_error * scale)}"

    def spread_text(self, scale: float = 1.0) -> str:
        """``[5 % – 95 %]`` over draws; empty where it is not known and where there was no hit.

        ``[≤95 %]`` where the lower end had no hit, and ``[<bound]``, the upper bound of a
        single draw, where neither end had.
        """
        if self.hits == 0 or self.full or not math.isfinite(self.high):
            return ""
        if self.high == 0:
            return f"[<{short_number(self.draw_bound * scale)}]"
        if self.low == 0:
            return f"[≤{short_number(self.high * scale)}]"
        return f"[{short_number(self.low * scale)}–{short_number(self.high * scale)}]"


@dataclass(frozen=True)
class Sample:
    """Hits and trials per draw, both (flashpoint, structure, draw), and the noise of a rate."""

    metric: Metric
    hits: xr.DataArray
    trials: xr.DataArray
    noise: xr.DataArray | None = None

    def at(self, flashpoint: str, structure: str) -> Estimate:
        """Summarise one cell over draws."""
        place = {"flashpoint": flashpoint, "structure": structure}
        hits = self.hits.sel(place).values.astype(float)
        trials = np.broadcast_to(self.trials.sel(place).values, hits.shape).astype(float)
        noise = None if self.noise is None else self.noise.sel(place).values
        return estimate(hits, trials, self.metric.kind, noise)


def samples(ds: xr.Dataset, metrics: Sequence[Metric]) -> dict[str, Sample]:
    """Hits and trials of several metrics by name.

    Raises
    ------
    ResultsError
        The dataset has no counts.
    """
    needed = ("crisis_count", "first_event_count", "exposure_months")
    missing = [name for name in needed if name not in ds]
    if missing:
        raise ResultsError(f"missing from the results: {', '.join(missing)}")
    counts = count_disputes(ds)
    everything = xr.full_like(counts["dispute"], int(ds.attrs["trajectories"]))
    years = simulated_years(ds)
    known: dict[str, tuple[xr.DataArray, xr.DataArray]] = {
        "disputes_per_year": (counts["dispute"], years),
        "grave_crises_per_year": (counts["grave"], years),
        "p_war_given_grave": (counts["grave_war"], counts["grave"]),
        "p_war_given_dispute": (counts["war"], counts["dispute"]),
        "p_war": (horizon_hits(ds, "war"), everything),
        "p_great_power_war": (horizon_hits(ds, "great_power_war"), everything),
        "p_nuclear_use": (horizon_hits(ds, "nuclear_use"), everything),
        "p_concession": (horizon_hits(ds, "concession"), everything),
        "reciprocation": (ds["reciprocated_count"].sum("dispute_class"), counts["dispute"]),
        "us_share_of_wars": (counts["us_war"], counts["war"]),
        "mean_duration_days": (ds["duration_days"].sum("dispute_class"), counts["dispute"]),
    }
    noise = {"disputes_per_year": "dispute", "grave_crises_per_year": "grave"}
    return {
        metric.name: Sample(
            metric, *known[metric.name],
            rate_noise(ds, noise[metric.name]) if metric.kind == "rate" else None,
        )
        for metric in metrics
    }  # fmt: skip


def estimate(
    hits: np.ndarray, trials: np.ndarray, kind: Kind = "share", noise: np.ndarray | None = None
) -> Estimate:
    """Summarise hits out of trials over draws.

    Parameters
    ----------
    hits, trials : array (draw,)
        Per draw.
    kind : {"share", "rate", "mean"}
        See `Metric`.
    noise : array (draw,), optional
        Monte Carlo variance of a rate; that of Poisson counts if not given.
    """
    present = trials > 0
    if not present.any():
        nan = math.nan
        return Estimate(nan, nan, nan, nan, nan, 0.0, 0.0, nan, nan, 0, False)
    x, n = hits[present], trials[present]
    value = x / n
    low, median, high = np.quantile(value, (LOW, 0.5, HIGH))
    error = math.nan
    if kind != "mean":
        within = _noise(x, n, kind, None if noise is None else noise[present])
        error = float(pooled_se(np.sqrt(within)))
        spread = np.quantile(noise_free(value, within), (LOW, HIGH))
        if len(x) < LEAST_SPREAD or not math.isfinite(error):
            spread = np.full(2, math.nan)
        raw = np.array((low, high))
        low, high = np.where((raw == 0) & np.isfinite(spread), 0.0, spread)
    full = kind == "share" and bool((x == n).all())
    if full or not x.any() or error == 0:
        error = math.nan  # not zero: other histories might have differed
    bound = zero_upper_bound if kind == "share" else zero_rate_bound
    return Estimate(
        median=float(median),
        low=float(low),
        high=float(high),
        mean=float(value.mean()),
        mc_error=error,
        hits=float(x.sum()),
        trials=float(n.sum()),
        bound=float(bound(n.sum())),
        draw_bound=float(np.median(bound(n))),
        draws=int(present.sum()),
        sparse=bool(np.median(x) < FEW_HITS) and kind != "mean",
        full=full,
        has_error=kind != "mean",
    )


def _noise(
    hits: np.ndarray, trials: np.ndarray, kind: Kind, noise: np.ndarray | None
) -> np.ndarray:
    """Monte Carlo variance of every draw; NaN where the trials do not tell it."""
    if kind == "rate":
        return hits / trials**2 if noise is None else noise
    return np.where(trials_tell(trials), binomial_noise(hits, trials), math.nan)


def all_estimates(
    found: Mapping[str, Sample], flashpoint: str, structure: str
) -> dict[str, Estimate]:
    """Summaries of every metric in one cell."""
    return {name: sample.at(flashpoint, structure) for name, sample in found.items()}


def labels(ds: xr.Dataset, dim: str) -> list[str]:
    """Labels of a dimension as text."""
    return [str(label) for label in ds[dim].values.tolist()]


def reference_of(ds: xr.Dataset, reference: str | None = None) -> str | None:
    """Name of the reference structure, None if the results know none.

    Raises
    ------
    InputError
        A reference was asked for that the results do not have.
    """
    known = labels(ds, "structure")
    if reference is not None:
        if reference not in known:
            raise InputError(f"unknown structure {reference!r}; choices: {', '.join(known)}")
        return reference
    stored = ds.attrs.get("reference", "")
    return stored if stored in known else None
