"""The one table of quantities: what is counted, by what it is divided, and how it is called.

Tables, figures, files, commands and precision targets take their numbers and their names from
here; :mod:`escalation.results.estimates` makes the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from escalation.errors import InputError

Kind = Literal["share", "rate", "mean"]


@dataclass(frozen=True)
class Quantity:
    """A ratio of two counts.

    Attributes
    ----------
    name : str
        Variable of the dataset, such as ``p_war``.
    risk : str
        Word in commands and in JSON, such as ``war``; empty for a quantity on which structures
        are not compared. Of a risk less is better.
    title : str
        What it is, in words.
    heading : tuple of str
        The same in two lines of at most 13 characters, with the unit that tables print.
    kind : {"share", "rate", "mean"}
        Share of trials (a trial is a hit or not; printed in per cent), events per year, or a mean
        of a size whose Monte Carlo error the counts do not tell.
    hits, trials : str
        Counts of :func:`escalation.results.tally.count`.
    comment : str
        Definition, where the title does not say all.
    """

    name: str
    risk: str
    title: str
    heading: tuple[str, str]
    kind: Kind
    hits: str
    trials: str
    comment: str = ""

    @property
    def scale(self) -> float:
        """Factor from the value to what is printed."""
        return 100.0 if self.kind == "share" else 1.0


_NAN = "NaN where there was nothing to count"
_HORIZON = "share of trajectories with the event within the horizon; unconditional"
_PER_YEAR = "per calendar year of the horizon; unconditional"


def _event(name: str, title: str, heading: tuple[str, str], comment: str = "") -> Quantity:
    """Return the chance that an event happens within the horizon."""
    return Quantity(
        f"p_{name}", name, title, heading, "share", name, "trajectories", _HORIZON + comment
    )


_ALL = (
    Quantity("disputes_per_year", "onset", "disputes per year", ("disputes", "per year"), "rate",
             "disputes", "years", _PER_YEAR),
    Quantity("grave_crises_per_year", "grave_onset", "grave crises per year",
             ("grave crises", "per year"), "rate", "grave_crises", "years", _PER_YEAR),
    _event("dispute", "P(dispute)", ("P(dispute)", "%")),
    _event("grave_crisis", "P(grave crisis)", ("P(grave", "crisis) %")),
    _event("concession", "P(concession)", ("P(conces-", "sion) %"), "; in a grave crisis"),
    _event("war", "P(war)", ("P(war)", "%")),
    _event("great_power_war", "P(great-power war)", ("P(great-", "power war) %")),
    _event("nuclear_use", "P(nuclear use)", ("P(nuclear", "use) %")),
    Quantity("p_war_given_grave", "war_given_grave", "P(war | grave crisis)",
             ("P(war | grave", "crisis) %"), "share", "grave_wars", "grave_crises", _NAN),
    Quantity("p_war_given_dispute", "", "P(war | dispute)", ("P(war |", "dispute) %"), "share",
             "wars", "disputes", _NAN),
    Quantity("p_concession_given_grave", "", "P(concession | grave crisis)",
             ("P(concession |", "grave crisis)"), "share", "grave_concessions", "grave_crises",
             _NAN),
    Quantity("immediate_deterrence_failure", "",
             "P(immediate deterrence failure | grave crisis)", ("deterrence", "fails, %"), "share",
             "grave_failures", "grave_crises",
             f"the defender concedes, or war, or both; {_NAN}"),
    Quantity("reciprocation", "", "share of disputes in which the defender matched",
             ("recipro-", "cation %"), "share", "reciprocated", "disputes", _NAN),
    Quantity("us_share_of_wars", "", "share of wars in which the great power fought",
             ("great power", "in % of wars"), "share", "great_power_wars", "wars", _NAN),
    Quantity("mean_duration_days", "", "mean duration of a dispute", ("mean", "days"), "mean",
             "days", "disputes", _NAN),
)  # fmt: skip

QUANTITIES: Mapping[str, Quantity] = MappingProxyType({q.name: q for q in _ALL})
"""Every quantity by the name of its variable."""

RISKS: Mapping[str, Quantity] = MappingProxyType({q.risk: q for q in _ALL if q.risk})
"""The quantities on which structures are compared, by their word."""

LOSS = Quantity("loss", "loss", "weighted loss", ("weighted", "loss"), "mean", "", "trajectories")
"""Weighted sum of events per history, for studies that state weights."""

MAX_WEIGHT = 1e12
"""Largest weight of an event, as in a study."""

LOSS_EVENTS = ("dispute", "grave_crisis", "concession", "war", "great_power_war", "nuclear_use")
"""Events that a loss may weigh: each counts once per history."""

DECISION = (
    "disputes_per_year", "p_war_given_grave", "p_war", "p_great_power_war", "p_nuclear_use",
    "p_concession",
)
"""Quantities of the decision table."""

HEADLINE = ("war", "great_power_war", "nuclear_use", "concession")
TRADE_OFF = ("onset", "concession", "war", "great_power_war", "nuclear_use")
"""Risks between which structures trade off."""


def chosen_risks(names: Sequence[str] | str | None) -> list[Quantity]:
    """Return risks by their words; the headline risks if none are named.

    Raises
    ------
    InputError
        Unknown word, or one that is named twice.

    Examples
    --------
    >>> [risk.name for risk in chosen_risks("war, onset")]
    ['p_war', 'disputes_per_year']
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
    """Read weights of events.

    Raises
    ------
    InputError
        Not of that form, unknown event, or a weight that is no finite number of at least zero.

    Examples
    --------
    >>> parse_loss("war=1,nuclear_use=50")
    {'war': 1.0, 'nuclear_use': 50.0}
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
