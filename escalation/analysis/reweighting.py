r"""The draws of a run weighted to other beliefs, and the comparison that follows; no new run.

With :math:`p` the prior of the run and :math:`p'` that of somebody else, for each parameter that
they speak of, draw :math:`j` gets

.. math:: w_j \propto \prod_k p'_k(\theta_{jk}) / p_k(\theta_{jk}).

The priors :math:`p'` are those of a premise, or the run's own moved on the scale of normal scores
(:mod:`escalation.statistics.weighting`). Below `LEAST_EFFECTIVE` draws nothing is said, and below
`GOOD_EFFECTIVE` little. Parameters that the run took from a posterior cannot be weighted like this,
and are refused.

What a weighting needs of a risk is a `Cell`; `escalation page` writes the same into its file.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from escalation.analysis.comparison import rank_shares, supports, values_by_chance
from escalation.analysis.selection import choose, labels
from escalation.errors import InputError
from escalation.parameters.priors import Fixed
from escalation.parameters.registry import Parameter
from escalation.results.estimates import HIGH, Panel, panel
from escalation.results.kept_study import kept_parameters, kept_with_premise
from escalation.results.support import Says
from escalation.statistics.intervals import wilson
from escalation.statistics.noise import apart
from escalation.statistics.weighting import effective, moved_log_ratio, weighted_quantile

LEAST_EFFECTIVE = 30
"""Draws, effectively, below which weighted ones say nothing."""
GOOD_EFFECTIVE = 100
"""Draws, effectively, below which what weighted ones say is rough."""
_RATHER = "run the study with this premise among its `premises`"


class Moved(NamedTuple):
    """A belief that differs from the prior of the run, on its scale of normal scores.

    Attributes
    ----------
    shift : float
        Where its median lies: 0 leaves it where it is, 1 puts it at the 84 % quantile.
    spread : float
        How wide it is, as a share of the prior: above 0, at most 1.
    """

    shift: float
    spread: float = 1.0


@dataclass(frozen=True)
class Cell:
    """What a weighting needs of one risk at one flashpoint.

    Attributes
    ----------
    whole : Panel
        The risk under every structure.
    kept : array (draw,)
        Draws in which every structure has a value; of these is all that follows.
    less : array (structure, other, draw)
        Share of plausible values in which the structure has less than the other; ties are halves.
    least, most : array (structure, draw)
        How far it has the least or the most of all; ties share.
    regret : array (structure, draw)
        What it has more than the least.
    factor : array (structure,)
        How far draws move towards their mean when the part of chance is removed.
    noise : array (structure,)
        Mean Monte Carlo variance of one draw.
    """

    whole: Panel
    kept: np.ndarray
    less: np.ndarray
    least: np.ndarray
    most: np.ndarray
    regret: np.ndarray
    factor: np.ndarray
    noise: np.ndarray

    @property
    def values(self) -> np.ndarray:
        """Values of the draws that are kept, shape (structure, draw)."""
        return self.whole.values[:, self.kept]


def cell_of(whole: Panel) -> Cell:
    """Return what a weighting needs of a panel in which some draw has every value."""
    kept = np.isfinite(whole.values).all(axis=0)
    noisy = values_by_chance(whole, kept)
    less = np.stack([
        ((row < noisy) + 0.5 * (row == noisy)).mean(axis=2) for row in noisy
    ])  # fmt: skip
    shares = rank_shares(noisy)
    p = whole.only(kept)
    deviation = p.values.std(axis=1, ddof=1) if kept.sum() > 1 else np.zeros(len(p.values))
    factor = np.divide(
        whole.cleaned().sd, deviation, out=np.ones(len(deviation)), where=deviation > 0
    )
    return Cell(
        whole, kept, less, shares[0].mean(axis=2), shares[-1].mean(axis=2),
        apart(noisy, noisy.min(axis=0)).mean(axis=2), np.minimum(factor, 1.0),
        p.mean_error() ** 2 * p.values.shape[1],
    )  # fmt: skip


def reweight(
    ds: xr.Dataset,
    beliefs: str | os.PathLike[str] | Mapping[str, float | Moved],
    on: str | Sequence[str] | None = None,
    *,
    reference: str | None = None,
    flashpoints: str | Sequence[str] | None = None,
) -> xr.Dataset:
    """Compare structures with a reference for somebody who believes otherwise, without a new run.

    Parameters
    ----------
    ds : Dataset
        Results of a study read from files.
    beliefs : path or mapping
        File of a premise, as in ``configs/premises/``; or by parameter the median that it should
        have, in its own unit, or a `Moved`. An empty mapping leaves the draws as they are.
    on, reference, flashpoints
        What to compare, see :func:`escalation.compare`.

    Returns
    -------
    Dataset
        By ``flashpoint``, ``risk`` and ``structure``, under the headline decision rule:

        mean, monte_carlo_se, high
            mean over draws, its Monte Carlo error, and the 95 % quantile over draws, the Monte
            Carlo part removed;
        difference, p_safer (with _error, _low and _high)
            to the reference; the interval counts draws as what they are worth;
        p_least, p_most, mean_rank, regret
            place among all structures, and what it has more than the best of them.

        And ``weight`` by ``draw``. NaN where the counts carry no comparison. Attributes
        ``premise``, ``reference`` and ``effective`` (draws).

    Raises
    ------
    InputError
        The file cannot be read or is no premise, a parameter cannot be weighted, or hardly a draw
        is left.
    ResultsError
        The study cannot be read, there is nothing to compare, or counts are missing.

    Examples
    --------
    >>> found = reweight(ds, {}, "war")
    >>> round(found.attrs["effective"]) == ds.sizes["draw"]
    True
    """
    premise, weight = _weights_of(ds, beliefs)
    left = effective(weight)
    chosen = choose(ds, on, reference=reference, loss={}, flashpoints=flashpoints)
    structures = labels(ds, "structure")
    r = structures.index(chosen.reference)
    rows = [
        [weigh(panel(ds, q, f, chosen.rules[0]), weight, r) for q in chosen.risks]
        for f in chosen.flashpoints
    ]
    dims = ("flashpoint", "risk", "structure")
    return xr.Dataset(
        {
            **{name: (dims, np.array([[cell[name] for cell in row] for row in rows]))
               for name in rows[0][0]},
            "weight": ("draw", weight),
        },
        {
            "flashpoint": list(chosen.flashpoints), "risk": [q.risk for q in chosen.risks],
            "structure": structures, "draw": ds["draw"].values,
        },
        {"premise": premise, "reference": chosen.reference, "effective": left},
    )  # fmt: skip


def _weights_of(
    ds: xr.Dataset, beliefs: str | os.PathLike[str] | Mapping[str, float | Moved]
) -> tuple[str, np.ndarray]:
    """Return the title of a premise, empty for single beliefs, and the weights of draws."""
    if isinstance(beliefs, Mapping):
        own = kept_parameters(ds) if beliefs else {}
        return "", moved_weights(ds, own, beliefs)
    try:
        text = Path(beliefs).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise InputError(f"premise: cannot read {os.fspath(beliefs)!r}: {reason}") from None
    study, premise = kept_with_premise(ds, text)
    return premise.title, weights(ds, study.parameters, premise.parameters)


def weigh(whole: Panel, weight: np.ndarray, r: int) -> dict[str, np.ndarray]:
    """Return the variables of `reweight` of one panel against structure `r`, by structure."""
    names = ("mean", "monte_carlo_se", "high", "difference", "p_safer", "p_safer_error",
             "p_safer_low", "p_safer_high", "p_least", "p_most", "mean_rank", "regret")  # fmt: skip
    kept = np.isfinite(whole.values).all(axis=0)
    total = weight[kept].sum()
    if not total > 0:
        return {name: np.full(len(whole.structures), np.nan) for name in names}
    found = _of_cell(cell_of(whole), weight[kept] / total, r)
    carried, ranking = supports(whole, r)
    verdict = np.array([support.says >= Says.VERDICT for support in carried])
    ranked = ranking.says >= Says.VERDICT
    known = verdict | (whole.values[:, kept] == whole.values[r, kept]).all(axis=1)
    for name in names:
        if name in ("p_least", "p_most", "mean_rank", "regret"):
            found[name] = np.where(ranked, found[name], np.nan)
        elif name.startswith("p_safer"):
            found[name] = np.where(verdict, found[name], np.nan)
    found["difference"] = np.where(known, found["difference"], np.nan)
    return found


def _of_cell(cell: Cell, w: np.ndarray, r: int) -> dict[str, np.ndarray]:
    mean = cell.values @ w
    less = cell.less[:, r]
    p = less @ w
    low, high = wilson(p * effective(w), np.full(len(p), effective(w)))
    return {
        "mean": mean,
        "monte_carlo_se": np.sqrt(cell.noise * (w**2).sum()),
        "high": np.array([_tail(cell, w, s, mean[s]) for s in range(len(mean))]),
        "difference": apart(mean, mean[r]),
        "p_safer": p,
        "p_safer_error": np.sqrt(((less - p[:, None]) ** 2) @ w**2),
        "p_safer_low": low,
        "p_safer_high": high,
        "p_least": cell.least @ w,
        "p_most": cell.most @ w,
        "mean_rank": 0.5 + (1.0 - cell.less).sum(axis=1) @ w,
        "regret": cell.regret @ w,
    }


def _tail(cell: Cell, w: np.ndarray, s: int, mean: float) -> float:
    """The 95 % quantile, moved towards the mean by what is chance, but not below the median."""
    values = cell.values[s]
    raw, median = (weighted_quantile(values, w, chance) for chance in (HIGH, 0.5))
    return max(mean + cell.factor[s] * (raw - mean), median) if raw > 0 else 0.0


def moved_weights(
    ds: xr.Dataset, own: Mapping[str, Parameter], beliefs: Mapping[str, float | Moved]
) -> np.ndarray:
    """Return the weight of every draw for somebody whose beliefs are moved; they add up to one.

    Parameters
    ----------
    ds : Dataset
        Results.
    own : mapping of str to Parameter
        The parameters of the study.
    beliefs : mapping of str to float or Moved
        See `reweight`.

    Raises
    ------
    InputError
        An unknown parameter, one that cannot be weighted, or hardly a draw is left.
    """
    total = np.zeros(ds.sizes["draw"])
    for name, belief in beliefs.items():
        if name not in own:
            raise InputError(f"beliefs: the study has no parameter {name!r}")
        why = unweightable(ds, own[name])
        if why:
            raise InputError(f"beliefs: parameter {name} {why}, so draws cannot be weighted")
        prior = own[name].prior
        if not isinstance(belief, Moved):
            belief = Moved(float(prior.score(np.array(belief))))
        if not (abs(belief.shift) < 8 and 0 < belief.spread <= 1):
            raise InputError(f"beliefs: {name} is moved beyond its prior, or is less sure than it")
        total += moved_log_ratio(prior.score(_drawn(ds, name)), *belief)
    return _normalised(total, "beliefs", "move them less")


def weights(
    ds: xr.Dataset, own: Mapping[str, Parameter], other: Mapping[str, Parameter]
) -> np.ndarray:
    """Return the weight of every draw of a run under other priors; they add up to one.

    Parameters
    ----------
    ds : Dataset
        Results.
    own, other : mapping of str to Parameter
        The parameters of the study, and those that a premise changes.

    Returns
    -------
    float array, shape (draw,)

    Raises
    ------
    InputError
        A parameter is fixed, or was taken from a posterior, or hardly a draw is left.
    """
    if not other:
        raise InputError("premise: it says nothing of any parameter of the study")
    total = np.zeros(ds.sizes["draw"])
    for name, entry in other.items():
        why = _unlike(ds, own.get(name), entry)
        if why:
            raise InputError(
                f"premise: parameter {name} {why}, so draws cannot be weighted: {_RATHER}"
            )
        drawn = _drawn(ds, name)
        total += entry.prior.log_density(drawn) - own[name].prior.log_density(drawn)
    return _normalised(total, "premise", _RATHER)


def _unlike(ds: xr.Dataset, own: Parameter | None, other: Parameter) -> str:
    """Return why draws from one prior cannot be weighted to another; empty if they can."""
    if own is None:
        return "is none of this scenario"
    return "is fixed" if isinstance(other.prior, Fixed) else unweightable(ds, own)


def unweightable(ds: xr.Dataset, own: Parameter) -> str:
    """Return why draws cannot be weighted for a parameter; empty if they can."""
    if isinstance(own.prior, Fixed):
        return "is fixed"
    if own.name in json.loads(ds.attrs.get("posterior_names") or "[]"):
        return "was taken from the posterior"
    return "was set to a number" if own.name in json.loads(ds.attrs.get("pinned") or "{}") else ""


def _drawn(ds: xr.Dataset, name: str) -> np.ndarray:
    return ds["parameter_value"].sel(parameter=name).values


def _normalised(logs: np.ndarray, what: str, rather: str) -> np.ndarray:
    found = np.exp(logs - logs.max())
    found /= found.sum()
    left = effective(found)
    if not left >= LEAST_EFFECTIVE and logs.any():
        number = "0" if math.isnan(left) else f"{left:.0f}"
        raise InputError(
            f"{what}: the draws at hand are worth {number} under it, fewer than "
            f"{LEAST_EFFECTIVE}: {rather}"
        )
    return found
