r"""Structures against a reference, draw by draw, with both uncertainties and no single score.

Draw j has the same parameters and the same random numbers under every structure. With
:math:`d_j` the difference of two structures' risks in draw j and :math:`d^*` its plausible values
without chance (:mod:`escalation.statistics.noise`), over J draws:

difference
    mean of :math:`d_j`; Monte Carlo error :math:`s = \sqrt{\tfrac1J \overline{v}}` with
    :math:`\overline v` the mean Monte Carlo variance of :math:`d_j`, measured over replicates,
    common random numbers included; 5 and 95 % quantiles of :math:`d^*`: ignorance.
ratio
    of the two mean risks, its Monte Carlo interval by the delta method on logarithms; and
    quantiles of the ratio within draws where hardly any draw is too poor in hits for one.
P(safer)
    share of draws in which the risk is lower: of plausible values with :math:`d^* + s z < 0`, z
    standard normal for the mean's own Monte Carlo error, ties one half. Its interval is Wilson's
    for J draws.
variance reduction
    of common random numbers: Monte Carlo variance of the difference of two independent runs
    over that measured. No coupling of two runs with probabilities p and q can do better than
    :math:`[p(1-p) + q(1-q)] / [|p-q| - (p-q)^2]` (Frechet's bound on the joint chance), which
    is shown beside it.
ranks, regret
    over plausible values, the mean's Monte Carlo error added. Regret is the risk above that of
    the best structure in the same draw: what choosing this one for good costs on average.
dominance
    share of the area between the two distributions over draws that speaks against the
    structure, first order (distribution functions) and second order (their integrals from
    above, for those who shun bad draws): 0 if it dominates, 1 if it is dominated (Leshno and
    Levy 2002, almost stochastic dominance).

What the counts do not carry (:mod:`escalation.results.support`) is NaN, and `Comparison.support`
and `Comparison.ranking` say why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from escalation.errors import InputError, ResultsError
from escalation.results.estimates import HIGH, LOW, Panel, panel, summarise
from escalation.results.quantities import LOSS, Quantity
from escalation.results.support import (
    LEAST_HITS,
    Says,
    Support,
    of_difference,
    spread_known,
)
from escalation.results.under_rule import rules_of
from escalation.statistics.intervals import wilson
from escalation.statistics.noise import Cleaned, apart, noise_covariance, root_of

CLEAR_SHARE = 0.8
CLEAR_ERRORS = 2.0
RESAMPLES = 400
Z95 = 1.96


@dataclass(frozen=True)
class Comparison:
    """One risk at one flashpoint: every structure, and every structure against the reference.

    All arrays start with the axis (structure,), in the order of `structures`; the reference
    stands among them, with a difference of exactly zero.

    Attributes
    ----------
    quantity : Quantity
    structures : tuple of str
    reference : str
    draws : int
        Draws in which every structure has a value.
    hits, trials : array
        Summed over draws.
    mean, mc_se, parameter_sd, low, high : array
        Mean over draws, its Monte Carlo error, spread over parameters, 5 and 95 % of draws.
    difference, difference_mc_se, difference_sd, difference_low, difference_high : array
        The same of the difference to the reference.
    ratio, ratio_mc_low, ratio_mc_high, ratio_low, ratio_high : array
        Ratio to the reference; NaN where there are too few hits.
    p_safer, p_safer_low, p_safer_high : array
        Chance that the structure has less of the risk, and its 95 % interval.
    reduction, reduction_low, reduction_high, reduction_bound : array
        Variance reduction by common random numbers, its 95 % interval over draws, and the
        largest possible; NaN without replicates, and where nothing varies.
    rank_probability : array (structure, rank)
        Chance of every rank; rank 1 is the least risk. Ties share.
    regret, regret_mc_se : array
        Expected regret.
    dominance_first, dominance_second : array
        Share of area against the structure; NaN where the distributions are the same.
    support : tuple of Support
        What the difference of every structure to the reference carries; the reference's own is
        that of its level.
    ranking : Support
        What the order of all structures carries.
    verdict : tuple of str
        ``safer``, ``riskier``, ``undecided``, ``reference``, or in a word why there is none: a
        key of :data:`escalation.results.support.REASONS`.
    values, noise : array (structure, draw)
        The risk in every draw, and its Monte Carlo variance.
    difference_noise : array (structure, draw)
        Monte Carlo variance of the difference to the reference.
    clean : Cleaned
        Draws with the Monte Carlo part of their spread removed.
    """

    quantity: Quantity
    structures: tuple[str, ...]
    reference: str
    draws: int
    hits: np.ndarray
    trials: np.ndarray
    mean: np.ndarray
    mc_se: np.ndarray
    parameter_sd: np.ndarray
    low: np.ndarray
    high: np.ndarray
    difference: np.ndarray
    difference_mc_se: np.ndarray
    difference_sd: np.ndarray
    difference_low: np.ndarray
    difference_high: np.ndarray
    ratio: np.ndarray
    ratio_mc_low: np.ndarray
    ratio_mc_high: np.ndarray
    ratio_low: np.ndarray
    ratio_high: np.ndarray
    p_safer: np.ndarray
    p_safer_low: np.ndarray
    p_safer_high: np.ndarray
    reduction: np.ndarray
    reduction_low: np.ndarray
    reduction_high: np.ndarray
    reduction_bound: np.ndarray
    rank_probability: np.ndarray
    regret: np.ndarray
    regret_mc_se: np.ndarray
    dominance_first: np.ndarray
    dominance_second: np.ndarray
    support: tuple[Support, ...]
    ranking: Support
    verdict: tuple[str, ...]
    values: np.ndarray
    noise: np.ndarray
    difference_noise: np.ndarray
    clean: Cleaned


def compare(
    ds: xr.Dataset,
    risks: Sequence[Quantity],
    *,
    reference: str | None = None,
    loss: Mapping[str, float] | None = None,
) -> dict[tuple[str, str, str], Comparison]:
    """Compare all structures on several risks.

    Parameters
    ----------
    ds : Dataset
        Results.
    risks : sequence of Quantity
        From :func:`escalation.results.quantities.chosen_risks`.
    reference : str, optional
        Structure to compare with; that of the study if not given.
    loss : mapping of str to float, optional
        Weights of events; adds the risk ``loss``.

    Returns
    -------
    dict
        By decision rule, flashpoint and name of the risk.

    Raises
    ------
    InputError
        Unknown reference.
    ResultsError
        No reference, or counts are missing.
    """
    base = chosen_reference(ds, reference)
    wanted = [*risks, LOSS] if loss else list(risks)
    flashpoints = [str(name) for name in ds["flashpoint"].values.tolist()]
    return {
        (rule, flashpoint, risk.risk): compare_panel(panel(ds, risk, flashpoint, rule, loss), base)
        for rule in rules_of(ds)
        for flashpoint in flashpoints
        for risk in wanted
    }


def chosen_reference(ds: xr.Dataset, reference: str | None = None) -> str:
    """Structure that the others are compared with.

    Raises
    ------
    InputError
        One was named that the results do not have.
    ResultsError
        None was named, and the results know none.
    """
    known = [str(name) for name in ds["structure"].values.tolist()]
    if reference is None:
        reference = str(ds.attrs.get("reference", ""))
        if reference not in known:
            raise ResultsError("the results have no reference structure: name one")
    if reference not in known:
        raise InputError(f"reference: unknown structure {reference!r} ({_choices(known)})")
    return reference


def _choices(known: Sequence[str]) -> str:
    return f"choices: {', '.join(known)}"


def compare_panel(whole: Panel, reference: str) -> Comparison:
    """Compare the structures of one panel.

    Levels are those of `escalation.results.estimates.summarise`; differences, ranks and regret
    come from the draws in which every structure has a value.

    Parameters
    ----------
    whole : Panel
        From :func:`escalation.results.estimates.panel`.
    reference : str
        One of its structures.
    """
    p = whole.complete()
    r = p.structures.index(reference)
    n = p.values.shape[1]
    if n == 0:
        return _empty(p, reference)
    carried, ranking = _carried(whole, p, r)
    rng, level = p.rng(1), summarise(whole)
    noise, clean = noise_covariance(p.errors), p.cleaned()
    plausible = clean.plausible.reshape(len(p.structures), -1)
    mean = p.values.mean(axis=1)
    difference_noise = ((p.errors - p.errors[r]) ** 2).sum(axis=2)
    difference_se = _mean_error(difference_noise)
    gap = apart(plausible, plausible[r])
    same = (p.values == p.values[r]).all(axis=1)
    difference = np.where(same, 0.0, apart(mean, mean[r]))
    noisy = _with_mean_errors(plausible, noise / n, rng)
    best = noisy.min(axis=0)
    p_safer = (noisy < noisy[r]).mean(axis=1) + (noisy == noisy[r]).mean(axis=1) / 2
    safer_low, safer_high = wilson(p_safer * n, n)
    found = Comparison(
        quantity=p.quantity, structures=p.structures, reference=reference, draws=n,
        hits=level["hits"].values, trials=level["trials"].values,
        mean=level["mean"].values, mc_se=level["monte_carlo_se"].values,
        parameter_sd=level["parameter_sd"].values,
        low=level["low"].values, high=level["high"].values,
        difference=difference, difference_mc_se=difference_se, difference_sd=_sd(gap),
        **_quantiles(gap),
        **_ratios(p, plausible, r),
        p_safer=p_safer, p_safer_low=safer_low, p_safer_high=safer_high,
        **_reduction(p, r, rng),
        rank_probability=_rank_probability(noisy),
        regret=apart(noisy, best).mean(axis=1), regret_mc_se=difference_se_to_best(p, mean),
        **_dominance(plausible, r),
        support=carried, ranking=ranking,
        verdict=_verdicts(carried, r, p_safer, difference, difference_se),
        values=p.values, noise=p.noise, difference_noise=difference_noise, clean=clean,
    )  # fmt: skip
    return _without_what_is_not_carried(found, whole)


def _carried(whole: Panel, p: Panel, r: int) -> tuple[tuple[Support, ...], Support]:
    """What each structure's difference to structure `r` carries, and the order of all."""
    freedom = np.where(np.isfinite(whole.values).all(axis=0), whole.freedom, -1)

    def ask(*some: int) -> Support:
        chosen = list(some)
        return of_difference(
            p.hits[chosen], p.trials[chosen], freedom[chosen], either_or=p.either_or
        )

    every = range(len(p.structures))
    return tuple(ask(s, r) for s in every), ask(*every)


_REDUCTION = ("reduction", "reduction_low", "reduction_high", "reduction_bound")
_CHANCE = ("p_safer", "p_safer_low", "p_safer_high", "dominance_first", "dominance_second")
_EXACT = (
    "difference", "difference_mc_se", "ratio", "ratio_mc_low", "ratio_mc_high",
    "difference_sd", "difference_low", "difference_high", "ratio_low", "ratio_high",
)  # fmt: skip
"""Known where two structures are identical too: differences of zero, ratios of one."""
_RANGE = _EXACT[5:]
_RANKED = ("rank_probability", "regret", "regret_mc_se")


def _without_what_is_not_carried(c: Comparison, whole: Panel) -> Comparison:
    """Put NaN where the counts say nothing."""
    says = np.array([support.says for support in c.support])
    exact = np.array([word in ("identical", "reference") for word in c.verdict])
    spread = np.array([spread_known(f) for f in whole.freedom])
    kept = dict.fromkeys(_REDUCTION, says >= Says.DIFFERENCE)
    kept |= dict.fromkeys(_CHANCE, says >= Says.VERDICT)
    kept |= dict.fromkeys(_EXACT, (says >= Says.DIFFERENCE) | exact)
    kept |= {name: kept[name] & (spread | exact) for name in _RANGE}
    # An error of exactly zero says that no two histories differed, not that no other would have.
    kept["difference_mc_se"] &= (c.difference_mc_se > 0) | exact
    kept |= dict.fromkeys(_RANKED, np.full(len(says), c.ranking.says is Says.VERDICT))
    changed: dict[str, Any] = {}
    for name, mask in kept.items():
        values = getattr(c, name)
        changed[name] = np.where(mask[:, None] if values.ndim == 2 else mask, values, np.nan)
    return replace(c, **changed)


def _mean_error(noise: np.ndarray) -> np.ndarray:
    """Monte Carlo error of means over draws; those with unknown noise count as the others."""
    known = np.isfinite(noise)
    count = known.sum(axis=1)
    mean = np.where(known, noise, 0.0).sum(axis=1) / np.where(count > 0, count, np.nan)
    return np.sqrt(mean / noise.shape[1])


_NOTHING = Support(Says.NOTHING, "-")


def _empty(p: Panel, reference: str) -> Comparison:
    """Nothing to compare: no draw has a value under every structure."""
    n = len(p.structures)
    nan, none = np.full(n, np.nan), np.zeros(n)
    kinds = Comparison.__annotations__
    arrays = {name: nan for name, kind in kinds.items() if kind == "np.ndarray"}
    arrays |= {
        "rank_probability": np.full((n, n), np.nan), "hits": none, "trials": none,
        "values": p.values, "noise": p.values, "difference_noise": p.values,
    }
    return Comparison(
        quantity=p.quantity, structures=p.structures, reference=reference, draws=0,
        verdict=("-",) * n, support=(_NOTHING,) * n, ranking=_NOTHING,
        clean=Cleaned(p.values, p.values[..., None]), **arrays,
    )  # fmt: skip


def _sd(values: np.ndarray) -> np.ndarray:
    return values.std(axis=1, ddof=1) if values.shape[1] > 1 else np.full(len(values), np.nan)


def _quantiles(gap: np.ndarray) -> dict[str, np.ndarray]:
    low, high = np.quantile(gap, (LOW, HIGH), axis=1)
    return {"difference_low": low, "difference_high": high}


def _ratios(p: Panel, clean: np.ndarray, r: int) -> dict[str, np.ndarray]:
    """Ratio of mean risks with its Monte Carlo interval, and quantiles of ratios within draws."""
    mean = p.values.mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = mean / mean[r]
        relative = p.errors / mean[:, None, None]
        error = _mean_error(((relative - relative[r]) ** 2).sum(axis=2))
        within = np.where(clean[r] > 0, np.maximum(clean, 0.0) / clean[r], np.nan)
        spread = np.exp(Z95 * error)
        rich = (p.hits.sum(axis=1) >= LEAST_HITS) & (p.hits[r].sum() >= LEAST_HITS)
        ratio = np.where(rich, ratio, np.nan)
        enough = np.quantile(p.hits[r], LOW) >= LEAST_HITS and np.isfinite(within).all()
        low, high = np.quantile(within, (LOW, HIGH), axis=1) if enough else (ratio * np.nan,) * 2
    return {
        "ratio": ratio, "ratio_mc_low": ratio / spread, "ratio_mc_high": ratio * spread,
        "ratio_low": low, "ratio_high": high,
    }


def _reduction(p: Panel, r: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Variance reduction by common random numbers, with a bootstrap over draws."""
    names = ("reduction", "reduction_low", "reduction_high", "reduction_bound")
    nan = np.full(len(p.structures), np.nan)
    if not p.coupled:
        return dict.fromkeys(names, nan)
    known = np.isfinite(p.errors).all(axis=(0, 2))
    if not known.any():
        return dict.fromkeys(names, nan)
    p = p.only(known)
    separate = p.noise + p.noise[r]
    together = ((p.errors - p.errors[r]) ** 2).sum(axis=-1)
    value, base = p.values, p.values[r]
    gap = np.abs(value - base)
    with np.errstate(divide="ignore", invalid="ignore"):
        n = p.trials
        independent = (value * (1 - value) + base * (1 - base)) / n
        least = (gap - gap**2) / n
        whole = separate.mean(axis=1) / together.mean(axis=1)
        bound = independent.mean(axis=1) / least.mean(axis=1)
        pick = rng.integers(0, value.shape[1], (RESAMPLES, value.shape[1]))
        again = separate[:, pick].mean(axis=-1) / together[:, pick].mean(axis=-1)
        low, high = np.quantile(again, (0.025, 0.975), axis=1)
    if p.quantity.trials != "trajectories" or p.quantity is LOSS:
        bound = nan
    found = (whole, low, high, bound)
    varies = np.isfinite(whole)
    return {
        name: np.where(varies, array, np.nan) for name, array in zip(names, found, strict=True)
    }


def _with_mean_errors(
    clean: np.ndarray, covariance: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Plausible values with errors of the mean added; the same for tied structures."""
    noisy = clean + root_of(covariance) @ rng.standard_normal(clean.shape)
    for s, first in enumerate(_first_twin(clean)):
        noisy[s] = noisy[first]
    return noisy


def _first_twin(clean: np.ndarray) -> list[int]:
    """For each structure, the first one with the same values."""
    return [
        next(k for k in range(s + 1) if np.array_equal(clean[k], clean[s]))
        for s in range(len(clean))
    ]


def _rank_probability(noisy: np.ndarray) -> np.ndarray:
    """Chance of every rank, shape (structure, rank); structures that tie share their ranks."""
    n = len(noisy)
    below = (noisy[None] < noisy[:, None]).sum(axis=1)
    tied = (noisy[None] == noisy[:, None]).sum(axis=1)
    found = np.zeros((n, n))
    for rank in range(n):
        here = (below <= rank) & (rank < below + tied)
        found[:, rank] = np.where(here, 1 / tied, 0.0).mean(axis=1)
    return found


def difference_se_to_best(p: Panel, mean: np.ndarray) -> np.ndarray:
    """Monte Carlo error of the mean difference to the structure with the least mean risk."""
    best = int(np.argmin(mean))
    return _mean_error(((p.errors - p.errors[best]) ** 2).sum(axis=2))


def _dominance(clean: np.ndarray, r: int) -> dict[str, np.ndarray]:
    first, second = np.array([_area_against(row, clean[r]) for row in clean]).T
    return {"dominance_first": first, "dominance_second": second}


def _area_against(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Shares of area that speak against `x`, less being better: first and second order."""
    a, b = np.sort(x), np.sort(y)
    gap = a - b  # quantile by quantile: where positive, x has the larger risk
    # From the worst draws down: the mean of the worst k draws, for every k.
    tail = np.cumsum(gap[::-1])
    found = []
    for part in (gap, tail):
        area = np.abs(part).sum()
        found.append(float(np.maximum(part, 0.0).sum() / area) if area > 0 else np.nan)
    return found[0], found[1]


def _verdicts(
    carried: tuple[Support, ...], r: int, p_safer: np.ndarray, difference: np.ndarray,
    error: np.ndarray,
) -> tuple[str, ...]:
    words = []
    for s, support in enumerate(carried):
        if s == r and support.says > Says.NOTHING:
            words.append("reference")
        elif support.says < Says.VERDICT:
            words.append(support.reason)
        else:
            words.append(verdict_word(p_safer[s], difference[s], error[s]))
    return tuple(words)


def verdict_word(p_safer: float, difference: float, error: float) -> str:
    """Word for a comparison: clear in most draws, and the mean clear of its Monte Carlo error."""
    if p_safer >= CLEAR_SHARE and difference < -CLEAR_ERRORS * error:
        return "safer"
    if p_safer <= 1 - CLEAR_SHARE and difference > CLEAR_ERRORS * error:
        return "riskier"
    return "undecided"
