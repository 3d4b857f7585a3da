r"""The risks on which structures are compared, and how much of each is chance.

A risk is a ratio of counts p = H / T: hits by trajectories, disputes by years, wars by grave
crises. Every trajectory belongs to one of B replicates, the same under every structure, and
with :math:`h_b, t_b` the counts of a replicate

.. math:: e_b = \Bigl(1 - \sum_c t_c^2 / T^2\Bigr)^{-1/2}\; \frac{h_b - p\, t_b}{T}

(the factor is :math:`\sqrt{B / (B - 1)}` if all :math:`t_b` are equal) are B draws of the Monte
Carlo error of p: :math:`\sum_b e_b^2` estimates its variance (the delta method for a ratio), and
:math:`\sum_b e_b e'_b` its covariance with the risk under another structure, which is what
common random numbers bring about. Nothing needs to be assumed about how the histories of two
structures are coupled. Where fewer than two replicates
have trials the errors are not known (NaN): one history says nothing about chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import xarray as xr

from escalation.errors import InputError, ResultsError
from escalation.results.derive import count_disputes, replicate_trials
from escalation.results.under_rule import under_rule
from escalation.statistics.intervals import binomial_se, replicate_scale


@dataclass(frozen=True)
class Risk:
    """A risk that structures are compared on; less is better.

    Attributes
    ----------
    name, title : str
        Name in commands and files, and in words.
    hits : str
        What is counted.
    trials : str
        What it is divided by: ``trajectories``, ``years`` or another count.
    """

    name: str
    title: str
    hits: str
    trials: str = "trajectories"


_ALL = (
    Risk("onset", "disputes per year", "disputes", "years"),
    Risk("grave_onset", "grave crises per year", "grave_crises", "years"),
    Risk("dispute", "P(dispute)", "dispute"),
    Risk("grave_crisis", "P(grave crisis)", "grave_crisis"),
    Risk("concession", "P(concession)", "concession"),
    Risk("war", "P(war)", "war"),
    Risk("great_power_war", "P(great-power war)", "great_power_war"),
    Risk("nuclear_use", "P(nuclear use)", "nuclear_use"),
    Risk("war_given_grave", "P(war | grave crisis)", "grave_wars", "grave_crises"),
)
RISKS: Mapping[str, Risk] = MappingProxyType({risk.name: risk for risk in _ALL})
"""Every risk by name."""

LOSS = Risk("loss", "weighted loss", "")
"""Weighted sum of risks per history, for studies that state weights."""

MAX_WEIGHT = 1e12
"""Largest weight of an event, as in a study."""

LOSS_EVENTS = ("dispute", "grave_crisis", "concession", "war", "great_power_war", "nuclear_use")
"""Events that a loss may weigh: each counts once per history."""

HEADLINE = ("war", "great_power_war", "nuclear_use", "concession")
TRADE_OFF = ("onset", "concession", "war", "great_power_war", "nuclear_use")
"""Risks between which structures trade off."""


@dataclass(frozen=True)
class Panel:
    """One risk at one flashpoint under one rule: every structure in every draw.

    Attributes
    ----------
    risk : Risk
    structures : tuple of str
    values : array (structure, draw)
        The risk; NaN where there was nothing to divide by.
    errors : array (structure, draw, replicate)
        Monte Carlo errors, see the module; without replicates those of independent samples.
    coupled : bool
        Whether the errors know of the common random numbers.
    hits, trials : array (structure, draw)
    freedom : array (structure, draw)
        Independent parts of every value less one: how well its error is known.
    """

    risk: Risk
    structures: tuple[str, ...]
    values: np.ndarray
    errors: np.ndarray
    coupled: bool
    hits: np.ndarray
    trials: np.ndarray
    freedom: np.ndarray

    @property
    def either_or(self) -> bool:
        """Whether a trial is a hit or not."""
        return self.risk.trials != "years" and self.risk is not LOSS

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


_BY_DRAW = ("values", "errors", "hits", "trials", "freedom")


def chosen_risks(names: Sequence[str] | str | None) -> list[Risk]:
    """Risks by name; the headline risks if none are named.

    Raises
    ------
    InputError
        Unknown name, or one that is named twice.
    """
    if names is None:
        names = HEADLINE
    wanted = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in RISKS:
            raise InputError(f"on: unknown risk {name!r} (choices: {', '.join(RISKS)})")
        if wanted.count(name) > 1:
            raise InputError(f"on: risk {name!r} is named twice")
    return [RISKS[name] for name in wanted]


def parse_loss(text: str) -> dict[str, float]:
    """Read weights such as ``war=1,nuclear_use=50``.

    Raises
    ------
    InputError
        Not of that form, unknown event, or a weight that is no finite number of at least zero.
    """
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        name = name.strip()
        if name not in LOSS_EVENTS:
            raise InputError(f"loss: unknown event {name!r} (choices: {', '.join(LOSS_EVENTS)})")
        try:
            weight = float(number)
        except ValueError:
            weight = np.nan
        if not 0 <= weight <= MAX_WEIGHT:
            raise InputError(
                f"loss: weight of {name}: {number!r} is no number from 0 to {MAX_WEIGHT:g}"
            )
        if name in weights:
            raise InputError(f"loss: {name} is weighed twice")
        weights[name] = weight
    if not any(weights.values()):
        raise InputError("loss: every weight is zero")
    return weights


def panel(
    ds: xr.Dataset,
    risk: Risk,
    flashpoint: str,
    rule: str | None = None,
    loss: Mapping[str, float] | None = None,
) -> Panel:
    """Read one risk at one flashpoint off the results.

    Parameters
    ----------
    ds : Dataset
        Results.
    risk : Risk
        Which; `LOSS` needs the weights in `loss`.
    flashpoint : str
    rule : str, optional
        Decision rule; the headline rule if not given.

    Raises
    ------
    ResultsError
        The counts that are needed are missing.
    """
    cell = under_rule(ds, rule).sel(flashpoint=flashpoint)
    structures = tuple(str(name) for name in ds["structure"].values.tolist())
    n, years = int(ds.attrs["trajectories"]), int(ds.attrs["horizon_years"])
    if "replicate_count" not in cell:
        return _without_replicates(cell, risk, structures, n, years, loss or {})
    counts = cell["replicate_count"].transpose("structure", "draw", "replicate", "counted")
    columns = [str(name) for name in counts["counted"].values.tolist()]
    sizes = replicate_trials(cell).values
    data = counts.values

    def column(name: str) -> np.ndarray:
        if name in ("trajectories", "years"):
            return np.broadcast_to(sizes * (years if name == "years" else 1), data.shape[:3])
        return data[..., columns.index(name)].astype(float)

    if risk is not LOSS:
        return panel_from_counts(risk, structures, column(risk.hits), column(risk.trials))
    weighed = {event: weight for event, weight in (loss or {}).items() if weight > 0}
    hits = sum((weight * column(event) for event, weight in weighed.items()), np.zeros(1))
    found = panel_from_counts(risk, structures, np.asarray(hits, float), column(risk.trials))
    squares = sum((w**2 * column(event).sum(axis=-1) for event, w in weighed.items()), np.zeros(1))
    # What a comparison can be built on is the number of events, not their weight: as many of
    # equal weight as would have the same relative error (Kish 1965).
    total = np.broadcast_to(found.hits, found.values.shape)
    effective = np.divide(total**2, squares, out=np.zeros(total.shape), where=squares > 0)
    return replace(found, hits=effective)


def panel_from_counts(
    risk: Risk, structures: tuple[str, ...], hits: np.ndarray, trials: np.ndarray
) -> Panel:
    """Put a panel together from counts by replicate.

    Parameters
    ----------
    risk : Risk
    structures : tuple of str
    hits, trials : array (structure, draw, replicate)
    """
    total = trials.sum(axis=-1)
    known = np.where(total > 0, total, np.nan)
    values = hits.sum(axis=-1) / known
    scale = np.sqrt(replicate_scale(trials))
    errors = scale[..., None] * (hits - values[..., None] * trials) / known[..., None]
    freedom = (trials > 0).sum(axis=-1) - 1
    return Panel(risk, structures, values, errors, True, hits.sum(axis=-1), total, freedom)


def _without_replicates(
    cell: xr.Dataset, risk: Risk, structures: tuple[str, ...], n: int, years: int,
    loss: Mapping[str, float],
) -> Panel:
    """As if every structure had random numbers of its own: an upper bound of the errors.

    Those of rates are of Poisson counts, which come in no clusters.
    """
    if risk is LOSS:
        raise ResultsError("a loss needs results with replicates (format 3): run the study again")
    c = count_disputes(cell)
    first = cell["first_event_count"].sum("year")
    events = [str(name) for name in first["event"].values.tolist()]
    known = {"disputes": c["dispute"], "grave_crises": c["grave"], "grave_wars": c["grave_war"]}

    def column(name: str) -> np.ndarray:
        if name in ("trajectories", "years"):
            return np.full(c["dispute"].shape, float(n * (years if name == "years" else 1)))
        array = first.sel(event=name, drop=True) if name in events else known[name]
        return array.transpose("structure", "draw").values.astype(float)

    hits, trials = column(risk.hits), column(risk.trials)
    share = hits / np.where(trials > 0, trials, np.nan)
    rate = risk.trials == "years"
    own = np.sqrt(hits) / trials if rate else binomial_se(hits, trials)
    errors = own[..., None] * np.eye(len(structures))[:, None]
    freedom = np.full(hits.shape, n - 1) if rate else trials - 1
    return Panel(risk, structures, share, errors, False, hits, trials, freedom)
