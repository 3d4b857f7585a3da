r"""The one estimator: what is known of a quantity, and how much of that is chance.

A quantity is a ratio of counts p = H / T: hits by trajectories, disputes by years, wars by grave
crises. Every trajectory belongs to one of B replicates, the same under every structure, and
with :math:`h_b, t_b` the counts of a replicate

.. math:: e_b = \Bigl(1 - \sum_c t_c^2 / T^2\Bigr)^{-1/2}\; \frac{h_b - p\, t_b}{T}

(the factor is :math:`\sqrt{B / (B - 1)}` if all :math:`t_b` are equal) are B draws of the Monte
Carlo error of p: :math:`\sum_b e_b^2` estimates its variance (the delta method for a ratio), and
:math:`\sum_b e_b e'_b` its covariance with the quantity under another structure, which is what
common random numbers bring about. Nothing needs to be assumed about how the histories of two
structures are coupled, or about disputes that come in clusters. Where fewer than two replicates
have trials the errors are not known (NaN): one history says nothing about chance.

What is not counted by replicate takes its trials as independent: :math:`\sqrt{p (1 - p) / (n - 1)}`
for shares, :math:`\sqrt{x}` for a number of events.

Over draws there are two uncertainties. The Monte Carlo error of the mean shrinks with more
histories. The range over draws is that of *plausible values*
(:mod:`escalation.statistics.noise`), from which the Monte Carlo part has been removed, jointly
over structures: it is what is not known about the parameters.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from escalation.errors import ResultsError
from escalation.results.quantities import LOSS, QUANTITIES, Quantity
from escalation.results.support import Says, error_known, spread_known
from escalation.results.tally import by_replicate, count
from escalation.results.under_rule import under_rule
from escalation.statistics.intervals import (
    FEW_HITS,
    binomial_se,
    replicate_scale,
    zero_rate_bound,
    zero_upper_bound,
)
from escalation.statistics.noise import Cleaned, cleaned, cleaned_alone, noise_covariance

LOW, HIGH = 0.05, 0.95
"""Ends of a range over draws."""


@dataclass(frozen=True)
class Panel:
    """One quantity at one flashpoint under one rule: every structure in every draw.

    Attributes
    ----------
    quantity : Quantity
    structures : tuple of str
    values : array (structure, draw)
        NaN where there was nothing to divide by.
    errors : array (structure, draw, replicate)
        Monte Carlo errors, see the module; zero for a mean of which none is known.
    coupled : bool
        Whether the errors know of the common random numbers; otherwise they are upper bounds of
        those of differences.
    hits, trials : array (structure, draw)
    freedom : array (structure, draw)
        Independent parts of every value less one: how well its error is known.
    where : tuple of str
        Flashpoint and decision rule. With the quantity they choose the random numbers of the
        plausible values, which are the same wherever they are asked for.
    """

    quantity: Quantity
    structures: tuple[str, ...]
    values: np.ndarray
    errors: np.ndarray
    coupled: bool
    hits: np.ndarray
    trials: np.ndarray
    freedom: np.ndarray
    where: tuple[str, ...] = ()

    @property
    def either_or(self) -> bool:
        """Whether a trial is a hit or not."""
        return self.quantity.kind == "share"

    @property
    def noise(self) -> np.ndarray:
        """Monte Carlo variance of every value, shape (structure, draw)."""
        return (self.errors**2).sum(axis=-1)

    def complete(self) -> Panel:
        """Only the draws in which every structure has a value."""
        return self.only(np.isfinite(self.values).all(axis=0))

    def only(self, kept: np.ndarray) -> Panel:
        """Only some draws, given by a mask."""
        if kept.all():
            return self
        return replace(self, **{name: getattr(self, name)[:, kept] for name in _BY_DRAW})

    def rng(self, purpose: int = 0) -> np.random.Generator:
        """Random numbers that belong to this quantity at this place."""
        words = (self.quantity.name, *self.where)
        return np.random.default_rng([purpose, *(zlib.crc32(w.encode()) for w in words)])

    def cleaned(self) -> Cleaned:
        """Draws without the Monte Carlo part of their spread, jointly for all structures.

        Where the errors know nothing of the common random numbers, each structure by itself.
        """
        return self._cleaned

    @cached_property
    def _cleaned(self) -> Cleaned:
        if self.coupled:
            return cleaned(self.values, noise_covariance(self.errors), self.rng())
        known = np.isfinite(self.noise)
        sums = np.where(known, self.noise, 0.0).sum(axis=1)
        return cleaned_alone(self.values, sums / np.maximum(known.sum(axis=1), 1), self.rng())

    def mean_error(self) -> np.ndarray:
        """Monte Carlo error of the mean over draws; draws of unknown error count as the others."""
        known = np.isfinite(self.noise)
        some, draws = known.sum(axis=1), np.isfinite(self.values).sum(axis=1)
        mean = np.where(known, self.noise, 0.0).sum(axis=1) / np.where(some > 0, some, np.nan)
        return np.sqrt(mean / np.maximum(draws, 1))


_BY_DRAW = ("values", "errors", "hits", "trials", "freedom")


def panel(
    ds: xr.Dataset,
    quantity: Quantity,
    flashpoint: str,
    rule: str | None = None,
    loss: Mapping[str, float] | None = None,
) -> Panel:
    """Read one quantity at one flashpoint off the results.

    Parameters
    ----------
    ds : Dataset
        Results; only counts are read.
    quantity : Quantity
        Which; `LOSS` needs the weights in `loss`.
    flashpoint : str
    rule : str, optional
        Decision rule; the headline rule if not given.
    loss : mapping of str to float, optional
        Weights of events.

    Raises
    ------
    ResultsError
        The counts that are needed are missing.
    """
    cell = under_rule(ds, rule)
    where = (flashpoint, str(cell.attrs["decision_rule"]))
    cell = cell.sel(flashpoint=flashpoint)
    structures = tuple(str(name) for name in ds["structure"].values.tolist())
    if quantity is LOSS:
        return replace(_loss(cell, structures, loss or {}), where=where)
    hits, trials = (_counts(cell, name) for name in (quantity.hits, quantity.trials))
    if hits is not None and trials is not None:
        return panel_from_counts(quantity, structures, hits, trials, where)
    x, n = (
        count(cell, name).transpose("structure", "draw").values.astype(float)
        for name in (quantity.hits, quantity.trials)
    )
    most = int(cell.attrs["trajectories"]) - 1
    found = _of_independent(quantity, structures, x, n, where, most)
    own = found.errors * np.eye(len(structures))[:, None]
    return replace(found, errors=own)


def panel_from_counts(
    quantity: Quantity,
    structures: tuple[str, ...],
    hits: np.ndarray,
    trials: np.ndarray,
    where: tuple[str, ...] = (),
) -> Panel:
    """Put a panel together from counts by replicate.

    Parameters
    ----------
    quantity : Quantity
    structures : tuple of str
    hits, trials : array (structure, draw, replicate)
    where : tuple of str, optional
        Flashpoint and decision rule.

    Examples
    --------
    >>> hits = np.array([[[1.0, 0.0], [1.0, 1.0]]])
    >>> p = panel_from_counts(QUANTITIES["p_war"], ("quad",), hits, np.full((1, 2, 2), 4.0))
    >>> p.values.tolist()
    [[0.125, 0.25]]
    """
    total = trials.sum(axis=-1)
    known = np.where(total > 0, total, np.nan)
    values = hits.sum(axis=-1) / known
    scale = np.sqrt(replicate_scale(trials))
    errors = scale[..., None] * (hits - values[..., None] * trials) / known[..., None]
    freedom = (trials > 0).sum(axis=-1) - 1
    return Panel(
        quantity, structures, values, errors, True, hits.sum(axis=-1), total, freedom, where
    )


def _counts(cell: xr.Dataset, name: str) -> np.ndarray | None:
    """Counts by replicate (structure, draw, replicate), where they are known."""
    found = by_replicate(cell, name)
    if found is None:
        return None
    return found.transpose("structure", "draw", "replicate").values.astype(float)


def _loss(cell: xr.Dataset, structures: tuple[str, ...], loss: Mapping[str, float]) -> Panel:
    """Weigh events; the hits are as many of equal weight as would be known as well (Kish 1965).

    What a comparison can be built on is the number of events, not their weight.
    """
    trials = _counts(cell, "trajectories")
    if trials is None:
        raise ResultsError("a loss needs results with replicates (format 3): run the study again")
    hits, squares = np.zeros(trials.shape), np.zeros(trials.shape[:2])
    for event, weight in loss.items():
        seen = _counts(cell, event)
        if weight > 0 and seen is not None:
            hits += weight * seen
            squares += weight**2 * seen.sum(axis=-1)
    found = panel_from_counts(LOSS, structures, hits, trials)
    effective = np.divide(found.hits**2, squares, out=np.zeros(squares.shape), where=squares > 0)
    return replace(found, hits=effective)


def _of_independent(
    quantity: Quantity,
    structures: tuple[str, ...],
    hits: np.ndarray,
    trials: np.ndarray,
    where: tuple[str, ...],
    most: int,
) -> Panel:
    """As if every structure had random numbers of its own: an upper bound of the errors."""
    known = np.where(trials > 0, trials, np.nan)
    if quantity.kind == "share":
        own, freedom = binomial_se(hits, trials), trials - 1
    elif quantity.kind == "rate":
        own, freedom = np.sqrt(hits) / known, np.full(hits.shape, most)
        own = np.where(freedom > 0, own, np.nan)
    else:
        own, freedom = 0.0 * known, trials - 1
    return Panel(
        quantity, structures, hits / known, own[..., None], False, hits, trials, freedom, where
    )


def quantiles(p: Panel, chances: Sequence[float]) -> np.ndarray:
    """Quantiles over draws without the Monte Carlo part, shape (chance, structure).

    Each is the mean over sets of plausible values, one value a draw: without chance it is the
    plain quantile. They keep to what is possible and to their side of the median. A quantile of
    draws without a hit is zero, for which a bound must stand. NaN where chance cannot be told from
    the rest.

    Parameters
    ----------
    p : Panel
    chances : sequence of float
        One half gives the plain median.
    """
    plausible, at = p.cleaned().plausible, np.array(chances)
    found = np.full((len(at), len(p.structures)), np.nan)
    most = 1.0 if p.either_or else np.inf
    for s, values in enumerate(p.values):
        present = np.isfinite(values)
        if not present.any():
            continue
        raw, median = np.quantile(values[present], at), np.median(values[present])
        free = np.quantile(plausible[s, present], at, axis=0).mean(axis=-1).clip(0.0, most)
        sided = np.where(at < 0.5, np.minimum(free, median), np.maximum(free, median))
        known = np.where(raw == 0, 0.0, sided) if spread_known(p.freedom[s]) else np.nan
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
    return _of_independent(_SHARE, rows, x_flat, n_flat, (), 0), dims, x.shape[:-1]


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
    known = np.array([error_known(f) for f in p.freedom])
    mean = np.nansum(p.values, axis=1) / np.where(some, draws, np.nan)
    sparse = (typical < FEW_HITS) & (p.quantity.kind != "mean")
    return {
        "median": median,
        "mean": mean,
        "centre": np.where(sparse, mean, median),
        "low": low,
        "high": high,
        "parameter_sd": np.where([spread_known(f) for f in p.freedom], p.cleaned().sd, np.nan),
        "monte_carlo_se": np.where(known & (hits > 0) & ~full & (error > 0), error, np.nan),
        "hits": hits,
        "trials": trials,
        "draws": draws,
        "bound": np.where(some, bound(np.where(some, trials, 1)), np.nan),
        "draw_bound": _median(np.where(present, bound(np.where(present, p.trials, 1)), np.nan)),
        "sparse": sparse,
        "full": full,
        "says": np.where(hits > 0, Says.LEVEL, Says.NOTHING),
    }


def _median(values: np.ndarray) -> np.ndarray:
    """Median over draws; NaN is left out."""
    return np.array([
        np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in values
    ])  # fmt: skip
