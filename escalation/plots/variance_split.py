r"""Where the variance of one draw's estimate comes from.

With :math:`p_{rj}` the estimate under decision rule r in draw j, pick one of both at random:

.. math:: Var(p) = Var_r(\bar p_r) + \overline{P_r} + \overline{N_r},

the variance between the rules' means over draws, the mean variance over parameters and the mean
Monte Carlo variance (law of total variance; the second and third as everywhere,
:mod:`escalation.results.panels`). All rules weigh the same and share their draws. The first part
keeps Monte Carlo error of its own, less than the third divided by the number of draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator

from escalation.errors import ResultsError
from escalation.plots.grid import beside, chosen, empty, need, risk_grid
from escalation.plots.style import (
    footnote,
    headline,
    in_style,
    percent_axis,
    percent_number,
    plain,
)
from escalation.results.estimates import panel
from escalation.results.quantities import RISKS
from escalation.results.support import LEAST_HITS, LEAST_SPREAD, REASONS
from escalation.results.under_rule import rules_of, under_rule

EVENTS = ("war", "great_power_war", "nuclear_use")
ROUNDING = 1e-9
"""Share of a variance below which it is what rounding left of zero."""


class Parts(NamedTuple):
    """Variances of one draw's estimate, each of shape (structure,).

    Attributes
    ----------
    parameter, monte_carlo, rule
        See the module.
    hits
        Histories with the event, over all draws and rules.
    """

    parameter: np.ndarray
    monte_carlo: np.ndarray
    rule: np.ndarray
    hits: np.ndarray


LOOKS = {
    "parameter": ("parameters: more knowledge would help", "#0072B2", ""),
    "monte_carlo": ("Monte Carlo: more trajectories would help", "#DDDDDD", "/////"),
    "rule": ("decision rule: how the two sides choose", "#E69F00", "xxxx"),
}
"""Part: words, colour, hatch."""


@in_style
def variance_split(
    ds: xr.Dataset,
    events: str | Sequence[str] = EVENTS,
    flashpoints: str | Sequence[str] | None = None,
    *,
    decision_rule: str | None = None,
) -> Figure:
    """Variance of one draw's estimate, split into its sources.

    Parameters
    ----------
    ds : Dataset
        Results; see `escalation.results`.
    events
        Names of events, of `escalation.contracts.codes.EVENTS`.
    flashpoints
        Which to show; all when None.
    decision_rule
        One rule; all together when None, and the variance between them is a part then.

    Returns
    -------
    Figure
        Columns are events, rows flashpoints. Bars are shares of the variance, at the right
        stand the standard deviations.

    Raises
    ------
    InputError
        Unknown flashpoint, event or rule.
    ResultsError
        The counts are missing, or there are fewer than three draws.
    """
    need(ds, "first_event_count")
    if ds.sizes["draw"] < LEAST_SPREAD:
        raise ResultsError(
            f"{ds.sizes['draw']} draws are too few to split a variance; "
            f"at least {LEAST_SPREAD} are needed"
        )
    rules = rules_of(ds)
    if decision_rule is not None or len(rules) == 1:
        ds = under_rule(ds, decision_rule)
        rules = rules_of(ds)
    events, shown = chosen(ds, "event", events), chosen(ds, "flashpoint", flashpoints)
    structures = chosen(ds, "structure", None)
    names = list(LOOKS) if len(rules) > 1 else list(LOOKS)[:2]
    figure, axes = risk_grid(ds, shown, [RISKS[e] for e in events], structures, _legend(names))
    for (flashpoint, event), ax in axes.items():
        found = parts(ds, flashpoint, event)
        _panel(ax, found, names)
        if flashpoint == shown[-1] and any(part.any() for part in found):
            ax.set_xlabel("share of the variance, %", fontsize=8)
    years = int(ds.attrs["horizon_years"])
    headline(figure, ds, f"Where the variance of one draw comes from: risks within {years} years")
    footnote(figure, ds, _note(rules, names))
    return figure


def parts(ds: xr.Dataset, flashpoint: str, event: str) -> Parts:
    """Split the variance of one risk at one flashpoint, over all decision rules of `ds`."""
    panels = [panel(ds, RISKS[event], flashpoint, rule) for rule in rules_of(ds)]
    means = np.array([np.nanmean(p.values, axis=1) for p in panels])
    return Parts(
        parameter=np.mean([p.cleaned().sd ** 2 for p in panels], axis=0),
        monte_carlo=np.mean([np.nanmean(p.noise, axis=1) for p in panels], axis=0),
        rule=means.var(axis=0),
        hits=np.sum([p.hits.sum(axis=1) for p in panels], axis=0),
    )


def _legend(names: Sequence[str]) -> tuple[list[Artist], list[str]]:
    handles: list[Artist] = [_patch(name) for name in names]
    return handles, [LOOKS[name][0] for name in names]


def _patch(name: str) -> Patch:
    _, colour, hatch = LOOKS[name]
    return Patch(facecolor=colour, hatch=hatch, edgecolor="#555555", linewidth=0.4)


def _panel(ax: Axes, found: Parts, names: Sequence[str]) -> None:
    if not np.isfinite(found.monte_carlo).all():
        return empty(ax, REASONS["too few histories"])
    if not sum(part.sum() for part in found) > 0:
        return empty(ax)
    ax.set_xlim(0.0, 1.0)
    ax.xaxis.set_major_locator(FixedLocator([0.0, 0.25, 0.5, 0.75, 1.0]))
    percent_axis(ax.xaxis)
    beside(ax, 0.72, "sd, points")
    for row in range(len(found.parameter)):
        variances = np.array([getattr(found, name)[row] for name in names])
        if not found.hits[row] or not variances.sum() > 0:
            beside(ax, -row, "none seen")
            continue
        if found.hits[row] < LEAST_HITS:
            beside(ax, -row, "rare")
            continue
        shares = variances / variances.sum()
        variances[shares < ROUNDING] = 0.0
        for share, start, name in zip(shares, np.cumsum(shares) - shares, names, strict=True):
            _, colour, hatch = LOOKS[name]
            ax.barh(-row, share, left=start, height=0.72, facecolor=colour, hatch=hatch,
                    edgecolor="#555555", linewidth=0.4)  # fmt: skip
        beside(ax, -row, " · ".join(percent_number(sd) for sd in np.sqrt(variances)))


def _note(rules: Sequence[str], names: Sequence[str]) -> str:
    words = {"parameter": "over parameters", "monte_carlo": "Monte Carlo", "rule": "between rules"}
    order = ", ".join(words[name] for name in names)
    between = ""
    if len(rules) > 1:
        listed = ", ".join(plain(rule.replace("_", " ")) for rule in rules)
        between = (
            f" Decision rules, each with the same weight: {listed}; the part between them is the "
            "variance of their means over draws."
        )
    return (
        "Variance of the estimate from the trajectories of a single draw. The Monte Carlo part is "
        "measured over replicates, the parameters' part is the variance over draws without it, "
        f"jointly over structures (0 where chance hides it).{between} Right: standard deviations "
        "in percentage points: "
        f"{order}. The mean over all draws has a Monte Carlo error smaller by the root of the "
        "number of draws. none seen: no event in any draw; rare: fewer than "
        f"{LEAST_HITS} in all."
    )
