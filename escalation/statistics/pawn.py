r"""PAWN: how far an output's distribution moves when one parameter is held in a slice.

The draws are cut into slices of equal count along a parameter; in each the distance of
Kolmogorov and Smirnov between the output there and the output of all draws is taken, and the index
is the median over slices (Pianosi and Wagener 2015, 2018; by SALib). It looks at
distributions, not variances, and knows no surrogate: a check of another kind. It does not remove
Monte Carlo noise and is never zero, so that it must be read against parameters that
do nothing: columns of ranks in random order. An inert parameter exceeds the largest of 19 of
these in one case of twenty.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from escalation.errors import InputError
from escalation.statistics.shares import Design, checked_output

SLICES = (2, 4, 8, 16, 32)
"""Choices; SALib's cut points of other numbers may pass 1 by rounding."""
DUMMIES = 19


@dataclass(frozen=True)
class Pawn:
    """PAWN indices of an output.

    Attributes
    ----------
    names : tuple of str
        Parameters.
    median : float array, shape (d,)
        Median distance over slices, 0 to 1.
    dummy : float
        Largest index of the columns that do nothing.
    """

    names: tuple[str, ...]
    median: np.ndarray
    dummy: float

    def ranked(self) -> tuple[str, ...]:
        """Return the parameters above the dummies, largest index first."""
        order = np.argsort(-self.median, kind="stable")
        return tuple(self.names[k] for k in order if self.median[k] > self.dummy)


def pawn_indices(
    x: np.ndarray,
    names: Sequence[str],
    y: np.ndarray,
    slices: int = 8,
    seed: int = 0,
    *,
    label: str = "output",
) -> Pawn:
    """Compute PAWN indices.

    Parameters
    ----------
    x : float array, shape (n, d)
        Values of d parameters in n draws.
    names : sequence of str
        The parameters' names.
    y : float array, shape (n,)
        Estimates of the output.
    slices : int
        Slices of each parameter, one of `SLICES`; each should hold some ten draws or more.
    seed : int
        Of the dummies.
    label : str
        The output's name, for messages.

    Raises
    ------
    InputError
        Draws or output that cannot be used, another number of slices, or SALib is missing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from SALib.analyze import pawn
    except ImportError:
        raise InputError(
            "pawn: needs SALib; install it with: pip install 'escalation[sensitivity]'"
        ) from None
    if slices not in SLICES:
        raise InputError(f"slices: {slices!r} is not one of {', '.join(map(str, SLICES))}")
    design = Design(x, names, joint=())
    values, _ = checked_output(design, y, None, label)
    rng = np.random.default_rng([seed, 5])
    dummies = np.argsort(rng.random((design.n, DUMMIES)), axis=0)
    columns = np.hstack([design.z, dummies])
    problem = {
        "num_vars": columns.shape[1],
        "names": [str(k) for k in range(columns.shape[1])],
        "bounds": [[0.0, 1.0]] * columns.shape[1],
    }
    with warnings.catch_warnings():
        # Slices left empty by ties, and p-values that are not used.
        warnings.simplefilter("ignore", RuntimeWarning)
        median = np.asarray(pawn.analyze(problem, columns, values, S=slices)["median"], float)
    d = len(design.names)
    return Pawn(design.names, median[:d], float(median[d:].max()))
