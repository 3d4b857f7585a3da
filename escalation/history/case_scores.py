r"""Forecast of one case from counts, and where the actual outcome fell in it.

With :math:`p_k` the predicted probability of category k and y the one that happened:

log score
    :math:`\log \max(p_y, 10^{-7})`.
percentile
    mid-p probability integral transform, :math:`\sum_{k<y} p_k + p_y / 2`; uniform on average
    if predictions are right (Czado, Gneiting and Held 2009).
central 90 %
    from the lowest k with :math:`P_k \ge 0.05` to the lowest with :math:`P_k \ge 0.95`, both
    included; it holds at least 90 %, on a ladder of few rungs often more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from escalation.contracts import codes
from escalation.errors import InputError
from escalation.history.case_outcomes import DaysFact, EndFact, FlagFact, Outcome, RungFact
from escalation.results.under_rule import under_rule
from escalation.statistics.scores import FLOOR

if TYPE_CHECKING:
    import xarray as xr

Json = dict[str, Any]

LEVELS = (2, 3, 4, 5)
END_STATES = codes.END_STATES[: codes.END_ROUND_CAP]
FLAGS = ("reciprocated", "great_power_supported", "great_power_fought")


@dataclass(frozen=True)
class CaseForecast:
    """Shares of the disputes of one class in every draw; NaN in a draw without any.

    Attributes
    ----------
    rung : float array, shape (draw, 10)
        By highest rung.
    end : float array, shape (draw, 7)
        By end state, in the order of ``codes.END_STATES``.
    duration : float array, shape (draw, bin)
        By bin of ``codes.DURATION_EDGES_DAYS``.
    reciprocated, fought : float array, shape (draw,)
        Answered in kind; war in which the great power fights.
    supported : float array, shape (draw,)
        Supported by the great power below war; NaN if it is no third party.
    mean_days : float array, shape (draw,)
        Mean duration.
    n : int
        Disputes in all draws.
    """

    rung: np.ndarray
    end: np.ndarray
    duration: np.ndarray
    reciprocated: np.ndarray
    fought: np.ndarray
    supported: np.ndarray
    mean_days: np.ndarray
    n: int

    @property
    def level(self) -> np.ndarray:
        """By MID hostility level 2 to 5, shape (draw, 4)."""
        level = np.array(codes.MID_LEVELS)
        return np.stack([self.rung[:, level == k].sum(axis=1) for k in LEVELS], axis=1)

    @property
    def war(self) -> np.ndarray:
        """War, shape (draw,)."""
        return self.rung[:, codes.WAR :].sum(axis=1)


def forecast(ds: xr.Dataset, dispute_class: str) -> CaseForecast:
    """Read the shares of one class off a run of one flashpoint under one structure.

    Support is counted over both classes, so it is right only where all disputes are of one.

    Raises
    ------
    InputError
        No dispute of that class was played.
    """
    cell = under_rule(ds).isel(flashpoint=0, structure=0).sel(dispute_class=dispute_class)
    crisis = cell["crisis_count"].transpose("draw", "end_state", "peak_rung", "us_fought").values
    n = crisis.sum(axis=(1, 2, 3))
    if not n.any():
        raise InputError(f"cases: not one {dispute_class} crisis; raise the number of trajectories")
    total = np.where(n > 0, n, np.nan)
    power = str(ds.attrs["great_power"])
    party = bool(cell["is_third_party"].sel(actor=power))
    supported = cell["supported_count"].sel(actor=power).values
    return CaseForecast(
        rung=crisis.sum(axis=(1, 3)) / total[:, None],
        end=crisis.sum(axis=(2, 3)) / total[:, None],
        duration=cell["duration_count"].transpose("draw", "duration_bin").values / total[:, None],
        reciprocated=cell["reciprocated_count"].values / total,
        fought=crisis[..., 1].sum(axis=(1, 2)) / total,
        supported=supported / total if party else np.full(len(n), np.nan),
        mean_days=cell["duration_days"].values / total,
        n=int(n.sum()),
    )


def percentile(p: np.ndarray, happened: int) -> float:
    """Mid-p percentile of what happened among ordered categories.

    >>> percentile(np.array([0.2, 0.5, 0.3]), 1)
    0.45
    """
    return float(p[:happened].sum() + p[happened] / 2)


def in_central(p: np.ndarray, happened: int, share: float = 0.9) -> bool:
    """Whether what happened lies in the central interval of an ordered distribution.

    >>> [in_central(np.array([0.04, 0.5, 0.42, 0.04]), k) for k in range(4)]
    [False, True, True, False]
    """
    tail = (1 - share) / 2
    cumulative = np.cumsum(p) + 1e-12
    low, high = np.argmax(cumulative >= tail), np.argmax(cumulative >= 1 - tail)
    return bool(low <= happened <= high)


def _spread(values: np.ndarray) -> Json | None:
    """Mean and 5-95 % over draws; None where nothing is known."""
    if np.isnan(values).all():
        return None
    low, high = np.nanquantile(values, [0.05, 0.95], axis=0)
    return {"mean": np.nanmean(values, axis=0).tolist(), "low": low.tolist(), "high": high.tolist()}


def predicted(found: CaseForecast) -> Json:
    """Return mean and 5-95 % over draws of everything in a forecast, ready for JSON."""
    shares = {
        "peak_rung": found.rung,
        "mid_level": found.level,
        "end_state": found.end,
        "duration_bin": found.duration,
        "war": found.war,
        "reciprocated": found.reciprocated,
        "great_power_supported": found.supported,
        "great_power_fought": found.fought if _spread(found.supported) else found.supported,
        "mean_days": found.mean_days,
    }
    return {"n": found.n, **{name: _spread(values) for name, values in shares.items()}}


def scored(prediction: Json, outcome: Outcome) -> Json:
    """Return where the actual outcome fell in a prediction, target by target.

    Each entry holds ``p``, the probability of what happened, its ``log_score``, that of every
    arguable coding (``also``), and for ordered targets ``percentile`` and ``in_90``.
    """
    rungs = _codings(outcome.peak_rung)
    levels = [LEVELS.index(codes.MID_LEVELS[rung]) for rung in rungs]
    ends = [END_STATES.index(end) for end in _codings(outcome.end_state)]
    bins = [duration_bin(days) for days in _codings(outcome.duration_days)]
    found = {
        "peak_rung": _placed(prediction["peak_rung"], rungs, ordered=True),
        "mid_level": _placed(prediction["mid_level"], levels, ordered=True),
        "duration": _placed(prediction["duration_bin"], bins, ordered=True),
        "end_state": _placed(prediction["end_state"], ends),
    }
    for name in FLAGS:
        fact = getattr(outcome, name)
        if fact is not None and prediction[name] is not None:
            p = prediction[name]["mean"]
            found[name] = _placed({"mean": [1 - p, p]}, [int(v) for v in _codings(fact)])
    return found


def duration_bin(days: int) -> int:
    """Bin of ``codes.DURATION_EDGES_DAYS`` that holds so many days."""
    return int(np.searchsorted(codes.DURATION_EDGES_DAYS, days, side="right")) - 1


def _codings(fact: RungFact | EndFact | FlagFact | DaysFact) -> list[Any]:
    return [fact.value, *fact.also]


def _placed(spread: Json, codings: Sequence[int], ordered: bool = False) -> Json:
    p = np.array(spread["mean"])
    scores = [math.log(max(float(p[k]), FLOOR)) for k in codings]
    found: Json = {"p": float(p[codings[0]]), "log_score": scores[0], "also": scores[1:]}
    if ordered:
        found |= {"percentile": percentile(p, codings[0]), "in_90": in_central(p, codings[0])}
    return found
