r"""One quantity under every structure in every draw, and how much of each value is chance.

A quantity is a ratio of counts p = H / T: hits by trajectories, disputes by years, wars by grave
crises. Every trajectory belongs to one of B replicates, the same under every structure, and
with :math:`h_b, t_b` the counts of a replicate

.. math:: e_b = \Bigl(1 - \sum_c t_c^2 / T^2\Bigr)^{-1/2}\; \frac{h_b - p\, t_b}{T}

(the factor is :math:`\sqrt{B / (B - 1)}` if all :math:`t_b` are equal) are B draws of the Monte
Carlo error of p: :math:`\sum_b e_b^2` estimates its variance (the delta method for a ratio), and
:math:`\sum_b e_b e'_b` its covariance with the quantity under another structure, which is what
common random numbers bring about. Nothing needs to be assumed about how the histories of two
structures are coupled, or about disputes that come in clusters. A draw in which fewer than two
replicates have trials does not tell its error: that of a trial, pooled over the other draws,
stands in. Where no draw tells it, it is not known (NaN): one history says nothing about chance.

What is not counted by replicate takes its trials as independent: :math:`\sqrt{p (1 - p) / (n - 1)}`
for shares, :math:`\sqrt{x}` for a number of events.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from escalation.errors import ResultsError
from escalation.results.quantities import LOSS, Quantity
from escalation.results.tally import by_replicate, count
from escalation.results.under_rule import under_rule
from escalation.statistics.intervals import binomial_se, replicate_scale
from escalation.statistics.noise import Cleaned, cleaned, cleaned_alone, noise_covariance


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

    def narrowed(self) -> np.ndarray:
        """Draws moved towards their mean until only the spread of the parameters is left."""
        count = np.isfinite(self.values).sum(axis=1, keepdims=True)
        mean = np.nansum(self.values, axis=1, keepdims=True) / np.maximum(count, 1)
        apart = self.values - mean
        raw = np.sqrt(np.nansum(apart**2, axis=1) / np.maximum(count[:, 0] - 1, 1))
        factor = np.divide(self.cleaned().sd, raw, out=np.ones(len(raw)), where=raw > 0)
        return mean + np.minimum(factor, 1.0)[:, None] * apart

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
    found = of_independent(quantity, structures, x, n, where, most)
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
    >>> from escalation.results.quantities import QUANTITIES
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
    errors = _with_pooled(errors, total, freedom)
    return Panel(
        quantity, structures, values, errors, True, hits.sum(axis=-1), total, freedom, where
    )


def _with_pooled(errors: np.ndarray, trials: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Give draws that do not tell their error that of the others, trial for trial."""
    known = freedom > 0
    weight = np.where(known, freedom, 0).astype(float)
    variance = np.where(known, (errors**2).sum(axis=-1), 0.0)
    sums = weight.sum(axis=1, keepdims=True)
    per_trial = (weight * variance * trials).sum(axis=1, keepdims=True) / np.where(
        sums > 0, sums, np.nan
    )
    own = np.sqrt(per_trial / np.where(trials > 0, trials, np.nan) / errors.shape[-1])
    return np.where(known[..., None], errors, own[..., None])


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


def of_independent(
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
