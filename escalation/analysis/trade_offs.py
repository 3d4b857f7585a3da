"""Trade-offs: no structure is best on every risk.

A structure is *dominated* if another has no more of any risk and less of one. The Pareto set
holds those that are not. Membership is judged on the mean risks, and again draw by draw on
plausible values without chance: the share of draws in which a structure belongs to the set.
Structures whose counts are the same do not dominate each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from escalation.analysis.comparison import plausible_values
from escalation.analysis.selection import choose, labels
from escalation.results.estimates import Panel, panel
from escalation.results.quantities import TRADE_OFF
from escalation.results.support import Says, of_difference


def trade_offs(
    ds: xr.Dataset,
    on: str | Sequence[str] | None = TRADE_OFF,
    *,
    flashpoints: str | Sequence[str] | None = None,
) -> xr.Dataset:
    """Find the structures that no other beats on all risks at once.

    Parameters
    ----------
    ds : Dataset
        Results.
    on : sequence of str, optional
        Risks to trade off against each other. Those whose counts carry no order of the structures
        are left out.
    flashpoints : str or sequence of str, optional
        Only these.

    Returns
    -------
    Dataset
        By ``decision_rule`` and ``flashpoint``: ``counted`` (by ``risk``), the risks that take
        part; ``member`` (by ``structure``), whether a structure belongs to the set, judged on
        mean risks; ``probability`` (by ``structure``), the share of draws in which it does.
        Where fewer than two risks take part nobody is a member and the share is NaN.

    Raises
    ------
    InputError
        Unknown name.
    ResultsError
        No reference, one structure only, or counts are missing.

    Examples
    --------
    >>> found = trade_offs(ds).sel(decision_rule="expected_utility", flashpoint="taiwan_strait")
    >>> bool((found["probability"] <= 1).all())
    True
    """
    chosen = choose(ds, on, loss={}, flashpoints=flashpoints)
    cells = [
        [_pareto([panel(ds, risk, f, rule) for risk in chosen.risks]) for f in chosen.flashpoints]
        for rule in chosen.rules
    ]
    place = ("decision_rule", "flashpoint")
    return xr.Dataset(
        {
            name: ((*place, dim), np.array([[cell[k] for cell in row] for row in cells]))
            for k, (name, dim) in enumerate(
                (("counted", "risk"), ("member", "structure"), ("probability", "structure"))
            )
        },
        {
            "decision_rule": list(chosen.rules),
            "flashpoint": list(chosen.flashpoints),
            "risk": [risk.risk for risk in chosen.risks],
            "structure": labels(ds, "structure"),
        },
    )


def _pareto(panels: Sequence[Panel]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which risks count, and who is a member on means and in which share of draws."""
    counted = np.array([_ordered(p) for p in panels])
    n = len(panels[0].structures)
    if counted.sum() < 2:
        return counted, np.zeros(n, bool), np.full(n, np.nan)
    some = [p for p, counts in zip(panels, counted, strict=True) if counts]
    means = np.stack([p.values.mean(axis=1) for p in some])[..., None]
    plausible = np.stack([plausible_values(p).reshape(n, -1) for p in some])
    return counted, undominated(means)[:, 0], undominated(plausible).mean(axis=1)


def _ordered(p: Panel) -> bool:
    """Whether the counts carry an order of the structures, in every draw."""
    if not np.isfinite(p.values).all():
        return False
    return of_difference(p.hits, p.trials, p.freedom, either_or=p.either_or).says is Says.VERDICT


def undominated(risks: np.ndarray) -> np.ndarray:
    """Return whether each structure is in the Pareto set, shape (structure, draw).

    Parameters
    ----------
    risks : array (risk, structure, draw)
        Less is better.

    Examples
    --------
    >>> undominated(np.array([[1.0, 2.0, 2.0], [2.0, 1.0, 2.0]])[..., None])[:, 0].tolist()
    [True, True, False]
    """
    n = risks.shape[1]
    inside = np.ones(risks.shape[1:], bool)
    for s in range(n):
        for other in range(n):
            no_more = (risks[:, other] <= risks[:, s]).all(axis=0)
            less = (risks[:, other] < risks[:, s]).any(axis=0)
            inside[s] &= ~(no_more & less)
    return inside
