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
    is given beside it.
ranks, regret
    over plausible values, the mean's Monte Carlo error added. Regret is the risk above that of
    the best structure in the same draw: what choosing this one for good costs on average.
dominance
    share of the area between the two distributions over draws that speaks against the
    structure, first order (distribution functions) and second order (their integrals from
    above, for those who shun bad draws): 0 if it dominates, 1 if it is dominated (Leshno and
    Levy 2002, almost stochastic dominance).

What the counts do not carry (:mod:`escalation.results.support`) is NaN, and the variables
``reason`` and ``rank_reason`` say why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from escalation.analysis.selection import choose, labels
from escalation.results.estimates import HIGH, LOW, Panel, panel, summarise
from escalation.results.quantities import LOSS, RISKS, Quantity
from escalation.results.support import (
    LEAST_HITS,
    Says,
    Support,
    of_difference,
    spread_known,
)
from escalation.statistics.intervals import Z95, wilson
from escalation.statistics.noise import apart, noise_covariance, root_of

CLEAR_SHARE = 0.8
CLEAR_ERRORS = 2.0
RESAMPLES = 400

Arrays = dict[str, np.ndarray]


def compare(
    ds: xr.Dataset,
    on: str | Sequence[str] | None = None,
    *,
    reference: str | None = None,
    loss: Mapping[str, float] | None = None,
    flashpoints: str | Sequence[str] | None = None,
) -> xr.Dataset:
    """Compare all structures with a reference on several risks.

    Parameters
    ----------
    ds : Dataset
        Results.
    on, reference, loss, flashpoints
        What to compare, see :func:`escalation.analysis.selection.choose`.

    Returns
    -------
    Dataset
        By ``decision_rule``, ``flashpoint``, ``risk`` and ``structure`` what `compare_panel`
        returns. The attributes ``reference`` and ``loss`` (JSON) say what was compared.

    Raises
    ------
    InputError
        Unknown name.
    ResultsError
        No reference, one structure only, or counts are missing.

    Examples
    --------
    >>> found = compare(ds, "war")
    >>> war = found.sel(decision_rule="expected_utility", flashpoint="taiwan_strait", risk="war")
    >>> war["verdict"].sel(structure="hub_and_spoke").item()
    'reference'
    >>> bool((war["regret"] >= 0).all())
    True
    """
    chosen = choose(ds, on, reference=reference, loss=loss, flashpoints=flashpoints)
    names = [risk.risk for risk in chosen.risks]
    outer = ("decision_rule", "flashpoint", "risk")
    cells = [
        _compared(panel(ds, risk, flashpoint, rule, chosen.loss), chosen.reference)
        for rule in chosen.rules
        for flashpoint in chosen.flashpoints
        for risk in chosen.risks
    ]
    shape = (len(chosen.rules), len(chosen.flashpoints), len(names))
    return xr.Dataset(
        {
            name: ((*outer, *dims), np.array([c[name] for c in cells]).reshape(*shape, *size))
            for name, (dims, size) in _shapes(cells[0]).items()
        },
        {
            "decision_rule": list(chosen.rules),
            "flashpoint": list(chosen.flashpoints),
            "risk": names,
            "risk_title": ("risk", [risk.title for risk in chosen.risks]),
            "structure": labels(ds, "structure"),
            "rank": 1 + np.arange(ds.sizes["structure"]),
        },
        {"reference": chosen.reference, "loss": json.dumps(chosen.loss)},
    )


def rows_of(found: xr.Dataset) -> dict[tuple[str, str, str, str], Any]:
    """Return a comparison as rows, to be read number by number.

    Parameters
    ----------
    found : Dataset
        From `compare`.

    Returns
    -------
    dict
        By decision rule, flashpoint, risk and structure a named tuple of its variables; of the
        ranks it holds the chances of the first and the last, ``least`` and ``most``.

    Examples
    --------
    >>> rows = rows_of(compare(ds, "war"))
    >>> rows["expected_utility", "taiwan_strait", "war", "hub_and_spoke"].difference
    0.0
    """
    ranks = found["rank_probability"]
    flat = found.drop_dims("rank").assign(
        least=ranks.isel(rank=0, drop=True), most=ranks.isel(rank=-1, drop=True)
    )
    frame = flat.to_dataframe(["decision_rule", "flashpoint", "risk", "structure"])
    return dict(zip(frame.index, frame.itertuples(index=False), strict=True))


def quantity_of(risk: str) -> Quantity:
    """Return the quantity behind the word of a risk of a comparison."""
    return LOSS if risk == LOSS.risk else RISKS[risk]


def compare_panel(whole: Panel, reference: str) -> xr.Dataset:
    """Compare the structures of one panel.

    Parameters
    ----------
    whole : Panel
        From :func:`escalation.results.estimates.panel`.
    reference : str
        One of its structures.

    Returns
    -------
    Dataset
        By ``structure`` and ``rank`` (1 has the least risk; ties share), in the unit of the risk:

        mean, monte_carlo_se, low, high, parameter_sd, hits, trials, bound, full
            the level, see :func:`escalation.results.estimates.estimates`;
        draws
            draws in which every structure has a value, on which all that follows rests;
        difference, difference_monte_carlo_se, difference_sd, difference_low, difference_high
            to the reference, whose own is exactly zero;
        difference_noise
            mean Monte Carlo variance of one draw's difference;
        ratio, ratio_mc_low, ratio_mc_high, ratio_low, ratio_high
            to the reference;
        p_safer, p_safer_low, p_safer_high
            chance of less of the risk;
        reduction, reduction_low, reduction_high, reduction_bound
            by common random numbers, its 95 % interval over draws, and the largest possible;
        rank_probability, regret, regret_monte_carlo_se
            NaN unless the order of all structures is carried;
        dominance_first, dominance_second
            share of the area against the structure;
        verdict
            ``safer``, ``riskier``, ``undecided``, ``reference``, or in a word why there is none;
        says, reason, rank_says, rank_reason
            what a difference and the order carry, and the key of
            :data:`escalation.results.support.REASONS` why not more; empty for a verdict;
        twin
            position of the first structure with the same values in every draw.
    """
    arrays = _compared(whole, reference)
    return xr.Dataset(
        {name: (dims, arrays[name]) for name, (dims, _) in _shapes(arrays).items()},
        {"structure": list(whole.structures), "rank": 1 + np.arange(len(whole.structures))},
        {"reference": reference},
    )


def _shapes(arrays: Arrays) -> dict[str, tuple[tuple[str, ...], tuple[int, ...]]]:
    """Dimensions and sizes of what `_compared` returns."""
    dims = ("structure", "rank")
    return {name: (dims[: np.ndim(a)], np.shape(a)) for name, a in arrays.items()}


def _compared(whole: Panel, reference: str) -> Arrays:
    """Return all variables of `compare_panel` by name."""
    kept = np.isfinite(whole.values).all(axis=0)
    r = whole.structures.index(reference)
    carried, ranking = supports(whole, r)
    n = int(kept.sum())
    if not n:
        kept = np.arange(len(kept)) == 0  # a draw of NaN, of which nothing is carried
    p, plausible = whole.only(kept), plausible_values(whole)[:, kept]
    flat = plausible.reshape(len(plausible), -1)
    rng = whole.rng(1)
    noisy = values_by_chance(whole, kept, rng).reshape(flat.shape)
    gap = apart(flat, flat[r])
    noise = ((p.errors - p.errors[r]) ** 2).sum(axis=2)
    mean = p.values.mean(axis=1)
    same = (p.values == p.values[r]).all(axis=1)
    low, high = np.quantile(gap, (LOW, HIGH), axis=1)
    found = {
        "draws": np.array(n),
        "difference": np.where(same, 0.0, apart(mean, mean[r])),
        "difference_monte_carlo_se": _mean_error(noise),
        "difference_noise": _mean_error(noise) ** 2 * noise.shape[1],
        "difference_sd": _sd(gap), "difference_low": low, "difference_high": high,
        **_ratios(p, flat, r),
        **_chances(noisy, r, n),
        **_reduction(p, r, rng),
        **_ranks(noisy, p),
        **_dominance(flat, r),
        "twin": np.array(_first_twin(whole.values)),
    }  # fmt: skip
    verdict = _verdicts(carried, r, found)
    found = _only_what_is_carried(found, whole, carried, ranking, verdict)
    return {
        **{name: array.values for name, array in summarise(whole).items() if name in _LEVEL},
        **found,
        "verdict": verdict,
        "says": np.array([int(support.says) for support in carried]),
        "reason": np.array([support.reason for support in carried]),
        "rank_says": np.array(int(ranking.says)),
        "rank_reason": np.array(ranking.reason),
    }


_LEVEL = ("mean", "monte_carlo_se", "low", "high", "parameter_sd", "hits", "trials", "bound",
          "full")  # fmt: skip


def plausible_values(p: Panel) -> np.ndarray:
    """Return values without chance for differences, shape (structure, draw, copy).

    Without replicates the noise of a difference is not known, and chance stays in.
    """
    return p.cleaned().plausible if p.coupled else np.repeat(p.values[..., None], 2, axis=2)


def values_by_chance(
    whole: Panel, kept: np.ndarray, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Return what chances and ranks are counted from, shape (structure, kept draw, copy).

    These are plausible values with errors of the mean added.
    """
    p, plausible = whole.only(kept), plausible_values(whole)[:, kept]
    flat = plausible.reshape(len(plausible), -1)
    covariance = noise_covariance(p.errors) / len(p.values[0])
    return _with_mean_errors(flat, covariance, rng or whole.rng(1)).reshape(plausible.shape)


def supports(whole: Panel, r: int) -> tuple[tuple[Support, ...], Support]:
    """Return what each structure's difference to structure `r` carries, and the order of all."""
    p = whole.complete()
    freedom = np.where(np.isfinite(whole.values).all(axis=0), whole.freedom, -1)

    def ask(*some: int) -> Support:
        chosen = list(some)
        return of_difference(
            p.hits[chosen], p.trials[chosen], freedom[chosen], either_or=p.either_or
        )

    every = range(len(p.structures))
    return tuple(ask(s, r) for s in every), ask(*every)


_RANGE = ("difference_sd", "difference_low", "difference_high", "ratio_low", "ratio_high")
_EXACT = ("difference", "difference_monte_carlo_se", "ratio", "ratio_mc_low", "ratio_mc_high")
"""Known where two structures are identical too: differences of zero, ratios of one."""
_CHANCE = ("p_safer", "p_safer_low", "p_safer_high", "dominance_first", "dominance_second")
_REDUCTION = (
    "reduction", "reduction_low", "reduction_high", "reduction_bound", "difference_noise",
)  # fmt: skip
_RANKED = ("rank_probability", "regret", "regret_monte_carlo_se")


def _only_what_is_carried(
    found: Arrays,
    whole: Panel,
    carried: tuple[Support, ...],
    ranking: Support,
    verdict: np.ndarray,
) -> Arrays:
    """Put NaN where the counts say nothing."""
    says = np.array([support.says for support in carried])
    exact = np.isin(verdict, ("identical", "reference"))
    spread = np.array([spread_known(f) for f in whole.freedom])
    kept = dict.fromkeys(_REDUCTION, says >= Says.DIFFERENCE)
    kept |= dict.fromkeys(_CHANCE, says >= Says.VERDICT)
    kept |= dict.fromkeys(_EXACT, (says >= Says.DIFFERENCE) | exact)
    kept |= dict.fromkeys(_RANGE, kept["ratio"] & (spread | exact))
    # An error of exactly zero says that no two histories differed, not that no other would have.
    error = "difference_monte_carlo_se"
    kept[error] = kept[error] & ((found[error] > 0) | exact)
    kept |= dict.fromkeys(_RANKED, np.full(len(says), ranking.says is Says.VERDICT))
    masked = {
        name: np.where(mask[:, None] if found[name].ndim == 2 else mask, found[name], np.nan)
        for name, mask in kept.items()
    }
    return {**found, **masked}


def _mean_error(noise: np.ndarray) -> np.ndarray:
    """Monte Carlo error of means over draws; those with unknown noise count as the others."""
    known = np.isfinite(noise)
    count = known.sum(axis=1)
    mean = np.where(known, noise, 0.0).sum(axis=1) / np.where(count > 0, count, np.nan)
    return np.sqrt(mean / noise.shape[1])


def _sd(values: np.ndarray) -> np.ndarray:
    return values.std(axis=1, ddof=1)


def _chances(noisy: np.ndarray, r: int, n: int) -> Arrays:
    """Chance of less of the risk than under structure `r`, with Wilson's interval."""
    p = (noisy < noisy[r]).mean(axis=1) + (noisy == noisy[r]).mean(axis=1) / 2
    low, high = wilson(p * n, np.full(len(p), max(n, 1)))
    return {"p_safer": p, "p_safer_low": low, "p_safer_high": high}


def _ratios(p: Panel, clean: np.ndarray, r: int) -> Arrays:
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
    }  # fmt: skip


def _reduction(p: Panel, r: int, rng: np.random.Generator) -> Arrays:
    """Variance reduction by common random numbers, with a bootstrap over draws."""
    names = _REDUCTION[:4]
    nan = np.full(len(p.structures), np.nan)
    known = np.isfinite(p.errors).all(axis=(0, 2))
    if not p.coupled or not known.any():
        return dict.fromkeys(names, nan)
    p = p.only(known)
    separate = p.noise + p.noise[r]
    together = ((p.errors - p.errors[r]) ** 2).sum(axis=-1)
    value, base = p.values, p.values[r]
    gap = np.abs(value - base)
    with np.errstate(divide="ignore", invalid="ignore"):
        independent = (value * (1 - value) + base * (1 - base)) / p.trials
        least = (gap - gap**2) / p.trials
        whole = separate.mean(axis=1) / together.mean(axis=1)
        bound = independent.mean(axis=1) / least.mean(axis=1)
        pick = rng.integers(0, value.shape[1], (RESAMPLES, value.shape[1]))
        again = separate[:, pick].mean(axis=-1) / together[:, pick].mean(axis=-1)
        low, high = np.quantile(again, (0.025, 0.975), axis=1)
    if p.quantity.trials != "trajectories" or not p.either_or:
        bound = nan
    varies = np.isfinite(whole)
    found = (np.where(varies, array, np.nan) for array in (whole, low, high, bound))
    return dict(zip(names, found, strict=True))


def _with_mean_errors(
    clean: np.ndarray, covariance: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Plausible values with errors of the mean added; the same for tied structures."""
    noisy = clean + root_of(covariance) @ rng.standard_normal(clean.shape)
    return noisy[_first_twin(clean)]


def _first_twin(values: np.ndarray) -> list[int]:
    """For each structure, the first one with the same values."""
    return [
        next(k for k in range(s + 1) if np.array_equal(values[k], values[s], equal_nan=True))
        for s in range(len(values))
    ]


def _ranks(noisy: np.ndarray, p: Panel) -> Arrays:
    """Chance of every rank, shape (structure, rank), tied structures sharing theirs; regret."""
    shares = rank_shares(noisy)
    best = int(np.argmin(p.values.mean(axis=1)))
    return {
        "rank_probability": np.stack([share.mean(axis=1) for share in shares], axis=1),
        "regret": apart(noisy, noisy.min(axis=0)).mean(axis=1),
        "regret_monte_carlo_se": _mean_error(((p.errors - p.errors[best]) ** 2).sum(axis=2)),
    }


def rank_shares(noisy: np.ndarray) -> list[np.ndarray]:
    """Return for every rank how far each structure has it, shape as `noisy`; ties share."""
    below = (noisy[None] < noisy[:, None]).sum(axis=1)
    tied = np.maximum((noisy[None] == noisy[:, None]).sum(axis=1), 1)
    return [((below <= k) & (k < below + tied)) / tied for k in range(len(noisy))]


def _dominance(clean: np.ndarray, r: int) -> Arrays:
    first, second = np.array([_area_against(row, clean[r]) for row in clean]).T
    return {"dominance_first": first, "dominance_second": second}


def _area_against(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Shares of area that speak against `x`, less being better: first and second order."""
    gap = np.sort(x) - np.sort(y)  # quantile by quantile: where positive, x has the larger risk
    # From the worst draws down: the mean of the worst k draws, for every k.
    tail = np.cumsum(gap[::-1])
    found = []
    for part in (gap, tail):
        area = np.abs(part).sum()
        found.append(float(np.maximum(part, 0.0).sum() / area) if area > 0 else np.nan)
    return found[0], found[1]


def _verdicts(carried: tuple[Support, ...], r: int, found: Arrays) -> np.ndarray:
    words = []
    for s, support in enumerate(carried):
        if s == r and support.says > Says.NOTHING:
            words.append("reference")
        elif support.says < Says.VERDICT:
            words.append(support.reason)
        else:
            error = found["difference_monte_carlo_se"][s]
            words.append(verdict_word(found["p_safer"][s], found["difference"][s], error))
    return np.array(words)


def verdict_word(p_safer: float, difference: float, error: float) -> str:
    """Return the word for a comparison: clear in most draws, and beyond the mean's error.

    >>> verdict_word(0.9, -0.02, 0.005), verdict_word(0.9, -0.02, 0.015)
    ('safer', 'undecided')
    """
    if p_safer >= CLEAR_SHARE and difference < -CLEAR_ERRORS * error:
        return "safer"
    if p_safer <= 1 - CLEAR_SHARE and difference > CLEAR_ERRORS * error:
        return "riskier"
    return "undecided"
