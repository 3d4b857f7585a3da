"""The one estimator: what is known of a quantity over draws, and how much of that is chance.

Over draws there are two uncertainties. The Monte Carlo error of the mean shrinks with more
histories. The standard deviation P over parameters is what is left of that over draws, T, when the
Monte Carlo part is removed, jointly over structures (:mod:`escalation.statistics.noise`); the range
over draws is that of the draws moved towards their mean by the factor P / T (the constrained
estimates of Louis 1984 and Ghosh 1992), which keeps the form of their distribution.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from escalation.results.panels import Panel, of_independent, panel, panel_from_counts
from escalation.results.quantities import QUANTITIES, Quantity
from escalation.results.support import LEAST_SPREAD, Says, level_known
from escalation.results.under_rule import under_rule
from escalation.statistics.intervals import FEW_HITS, Z95, zero_rate_bound, zero_upper_bound

__all__ = [
    "HIGH",
    "LOW",
    "Panel",
    "estimates",
    "panel",
    "panel_from_counts",
    "quantiles",
    "ratio_estimates",
    "ratio_quantiles",
    "summarise",
]

LOW, HIGH = 0.05, 0.95
"""Ends of a range over draws."""


def quantiles(p: Panel, chances: Sequence[float]) -> np.ndarray:
    """Quantiles over draws without the Monte Carlo part, shape (chance, structure).

    They keep to their side of the median. A quantile of draws without a hit is zero, for which a
    bound must stand. NaN where chance cannot be told from the rest.

    Parameters
    ----------
    p : Panel
    chances : sequence of float
        One half gives the plain median.
    """
    narrowed, at, spread = p.narrowed(), np.array(chances), _spread_known(p)
    found = np.full((len(at), len(p.structures)), np.nan)
    for s, values in enumerate(p.values):
        present = np.isfinite(values)
        if not present.any():
            continue
        raw, median = np.quantile(values[present], at), np.median(values[present])
        free = np.quantile(narrowed[s, present], at)
        sided = np.where(at < 0.5, np.minimum(free, median), np.maximum(free, median))
        known = np.where(raw == 0, 0.0, sided) if spread[s] else np.nan
        found[:, s] = np.where(at == 0.5, median, known)
    return found


def summarise(p: Panel) -> xr.Dataset:
    """Return what is known of a quantity under every structure.

    Parameters
    ----------
    p : Panel

    Returns
    -------
    Dataset
        See `estimates`, by ``structure`` alone.

    Examples
    --------
    >>> hits = np.array([[[1, 0, 2, 1, 1, 1], [0, 1, 0, 1, 0, 1], [4, 2, 3, 3, 2, 4]]])
    >>> trials = np.full(hits.shape, 10)
    >>> p = panel_from_counts(QUANTITIES["p_war"], ("quad",), hits, trials)
    >>> found = summarise(p).sel(structure="quad")
    >>> round(float(found["mean"]), 3), round(float(found["monte_carlo_se"]), 3)
    (0.15, 0.017)
    """
    return xr.Dataset(
        {name: ("structure", array) for name, array in _summary(p).items()},
        {"structure": list(p.structures)},
    )


def estimates(
    ds: xr.Dataset, quantities: Iterable[str] | None = None, *, rule: str | None = None
) -> xr.Dataset:
    """Return what is known of every quantity at every flashpoint under every structure.

    Parameters
    ----------
    ds : Dataset
        Results; only counts are read.
    quantities : iterable of str, optional
        Names of `QUANTITIES`; all of them if not given.
    rule : str, optional
        Decision rule; the headline rule if not given.

    Returns
    -------
    Dataset
        By ``quantity``, ``flashpoint`` and ``structure``:

        median, mean
            over the draws that have a value;
        centre
            what tables and figures show: the median, or the mean where it is ``sparse``;
        low, high
            5 and 95 % of draws, the Monte Carlo part removed; see `quantiles`;
        parameter_sd
            standard deviation over draws, the Monte Carlo part removed;
        monte_carlo_se
            Monte Carlo standard error of the mean; NaN where it is not known, and where every
            trial went the same way, since other histories might have differed;
        mc_low, mc_high
            95 % interval of the mean by chance: 1.96 such errors either way; from 0 to `bound`
            where nothing was seen, NaN where the error is not known;
        hits, trials, draws
            summed over draws, and the draws with at least one trial (trials of a rate are years);
        bound, draw_bound
            95 % upper bound that stands for a mean of zero, and that of one draw, the median over
            draws;
        sparse
            whether most draws had fewer than 10 hits, so that the mean says more than the median;
        full
            whether every trial was a hit;
        says
            `escalation.results.support.Says`: nothing, or a level.

        Units are those of the quantity.

    Raises
    ------
    InputError
        A rule that the results do not have.
    ResultsError
        The counts that are needed are missing.

    Examples
    --------
    >>> found = estimates(ds, ["p_war"])
    >>> cell = found.sel(quantity="p_war", flashpoint="taiwan_strait", structure="quad")
    >>> bool(cell["low"] <= cell["median"] <= cell["high"])
    True
    """
    ds = under_rule(ds, rule)
    names = list(QUANTITIES if quantities is None else quantities)
    flashpoints = [str(name) for name in ds["flashpoint"].values.tolist()]
    cells = [[_summary(panel(ds, QUANTITIES[q], f)) for f in flashpoints] for q in names]
    dims = ("quantity", "flashpoint", "structure")
    return xr.Dataset(
        {
            name: (dims, np.array([[cell[name] for cell in row] for row in cells]))
            for name in cells[0][0]
        },
        {"quantity": names, "flashpoint": flashpoints, "structure": ds["structure"].values},
    )


def ratio_estimates(hits: xr.DataArray, trials: xr.DataArray | int) -> xr.Dataset:
    """As `estimates`, for a share that is no quantity of the table: each cell by itself.

    Parameters
    ----------
    hits, trials
        Counts with the dimension ``draw``; a plain number of trials holds for every draw.

    Returns
    -------
    Dataset
        By the dimensions of `hits` other than ``draw``.

    Examples
    --------
    >>> found = ratio_estimates(xr.DataArray([0, 0, 0], dims="draw"), 100)
    >>> float(found["mean"]), round(float(found["bound"]), 4)
    (0.0, 0.0099)
    """
    p, dims, shape = _flat(hits, trials)
    coords = {d: hits[d] for d in dims if d in hits.coords}
    found = {name: (dims, array.reshape(shape)) for name, array in _summary(p).items()}
    return xr.Dataset(found, coords)


def ratio_quantiles(
    hits: xr.DataArray, trials: xr.DataArray | int, chances: Sequence[float]
) -> xr.DataArray:
    """As `quantiles`, for a share that is no quantity of the table; ``quantile`` comes first."""
    p, dims, shape = _flat(hits, trials)
    coords = {"quantile": list(chances), **{d: hits[d] for d in dims if d in hits.coords}}
    values = quantiles(p, chances).reshape(len(chances), *shape)
    return xr.DataArray(values, coords, ("quantile", *dims))


_SHARE = Quantity("share", "", "share", ("", ""), "share", "", "")


def _flat(
    hits: xr.DataArray, trials: xr.DataArray | int
) -> tuple[Panel, tuple[str, ...], tuple[int, ...]]:
    """Lay all cells side by side, as structures of a panel; with their dimensions and shape."""
    dims = tuple(str(d) for d in hits.dims if d != "draw")
    hits, trials = xr.broadcast(hits, trials + xr.zeros_like(hits))
    x, n = (a.transpose(*dims, "draw").values.astype(float) for a in (hits, trials))
    rows = tuple(str(k) for k in range(int(np.prod(x.shape[:-1]))))
    x_flat, n_flat = (a.reshape(len(rows), -1) for a in (x, n))
    return of_independent(_SHARE, rows, x_flat, n_flat, (), 0), dims, x.shape[:-1]


def _summary(p: Panel) -> dict[str, np.ndarray]:
    """Estimates by name, each with the shape (structure,)."""
    present = p.trials > 0
    draws = present.sum(axis=1)
    hits, trials = p.hits.sum(axis=1), p.trials.sum(axis=1)
    some = draws > 0
    full = some & (hits == trials) & p.either_or
    median, typical = (_median(np.where(present, a, np.nan)) for a in (p.values, p.hits))
    low, high = quantiles(p, (LOW, HIGH))
    bound = zero_upper_bound if p.either_or else zero_rate_bound
    error = p.mean_error()
    known = level_known(p.freedom)
    mean = np.nansum(p.values, axis=1) / np.where(some, draws, np.nan)
    sparse = (typical < FEW_HITS) & (p.quantity.kind != "mean")
    shown = np.where(known & (hits > 0) & ~full & (error > 0), error, np.nan)
    most = np.where(some, bound(np.where(some, trials, 1)), np.nan)
    none = some & (hits == 0)
    least = np.maximum(mean - Z95 * shown, 0.0)
    top = np.minimum(mean + Z95 * shown, 1.0 if p.either_or else np.inf)
    return {
        "median": median,
        "mean": mean,
        "centre": np.where(sparse, mean, median),
        "low": low,
        "high": high,
        "parameter_sd": np.where(_spread_known(p), p.cleaned().sd, np.nan),
        "monte_carlo_se": shown,
        "mc_low": np.where(none, 0.0, np.where(full, 1.0 - most, least)),
        "mc_high": np.where(none, most, np.where(full, 1.0, top)),
        "hits": hits,
        "trials": trials,
        "draws": draws,
        "bound": most,
        "draw_bound": _median(np.where(present, bound(np.where(present, p.trials, 1)), np.nan)),
        "sparse": sparse,
        "full": full,
        "says": np.where(hits > 0, Says.LEVEL, Says.NOTHING),
    }


def _spread_known(p: Panel) -> np.ndarray:
    return level_known(p.freedom) & (np.isfinite(p.values).sum(axis=1) >= LEAST_SPREAD)


def _median(values: np.ndarray) -> np.ndarray:
    """Median over draws; NaN is left out."""
    return np.array([
        np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in values
    ])  # fmt: skip
