"""Trade-offs: no structure is best on every risk.

A structure is *dominated* if another has no more of any risk and less of one. The Pareto set
holds those that are not. Membership is judged on the mean risks, and again draw by draw on
plausible values without chance: the share of draws in which a structure belongs to the set.
Structures whose counts are the same do not dominate each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from escalation.analysis.comparison import Comparison
from escalation.errors import InputError


@dataclass(frozen=True)
class ParetoSet:
    """Structures that no other beats on all risks at once.

    Attributes
    ----------
    risks, structures : tuple of str
    on_means : bool array (structure,)
        Whether the structure belongs to the set, judged on mean risks.
    probability : array (structure,)
        Share of draws in which it does.
    """

    risks: tuple[str, ...]
    structures: tuple[str, ...]
    on_means: np.ndarray
    probability: np.ndarray

    @property
    def members(self) -> tuple[str, ...]:
        """Structures of the set, judged on mean risks."""
        return tuple(s for s, inside in zip(self.structures, self.on_means, strict=True) if inside)


def pareto_set(comparisons: Sequence[Comparison]) -> ParetoSet:
    """Pareto set of the structures over several risks at one flashpoint.

    Parameters
    ----------
    comparisons : sequence of Comparison
        One per risk, of the same results, flashpoint and rule.

    Raises
    ------
    InputError
        Fewer than two risks, or draws that do not match.
    """
    if len(comparisons) < 2:
        raise InputError("a trade-off needs at least two risks")
    if len({c.clean.plausible.shape for c in comparisons}) != 1:
        raise InputError("the risks of a trade-off must have values in the same draws")
    means = np.stack([c.mean for c in comparisons])[..., None]
    n = len(comparisons[0].structures)
    plausible = np.stack([c.clean.plausible.reshape(n, -1) for c in comparisons])
    return ParetoSet(
        tuple(c.quantity.risk for c in comparisons),
        comparisons[0].structures,
        undominated(means)[:, 0],
        undominated(plausible).mean(axis=1),
    )


def undominated(risks: np.ndarray) -> np.ndarray:
    """Whether each structure is in the Pareto set, shape (structure, draw).

    Parameters
    ----------
    risks : array (risk, structure, draw)
        Less is better.
    """
    n = risks.shape[1]
    inside = np.ones(risks.shape[1:], bool)
    for s in range(n):
        for other in range(n):
            no_more = (risks[:, other] <= risks[:, s]).all(axis=0)
            less = (risks[:, other] < risks[:, s]).any(axis=0)
            inside[s] &= ~(no_more & less)
    return inside
