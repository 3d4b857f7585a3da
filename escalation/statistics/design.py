r"""Draws of the parameters, with all that depends on them alone: made once for many outcomes.

Everything is built on the normal scores of the parameters
(:mod:`escalation.statistics.polynomials`). The curves of one parameter use polynomials that are
orthonormal over the draws at hand, the surrogate uses Hermite polynomials, and both share the
draws, the checks, and one bootstrap over draws. Each part is computed when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from functools import cached_property

import numpy as np

from escalation.errors import InputError
from escalation.statistics.dependence import (
    copula_correlation,
    copula_points,
    innovations,
    whitened,
)
from escalation.statistics.polynomials import hermite, normal_scores, polynomials

FEWEST_DRAWS = 16
SHOWN_NAMES = 12
DEGREE = 3
"""Highest degree in one parameter of a curve and of a term of the surrogate."""
REACH = 5
"""Highest degree that a design keeps, to see what a surrogate missed."""
RESAMPLES = 200
GRID = 64
"""Groups of neighbouring draws that stand for all when a resample is averaged."""
TAILS = (0.025, 0.975)
RIDGE = 1e-9
"""Keeps the fit to a resample that lacks the rare values of a parameter finite."""


class Design:
    """Draws of d parameters.

    Parameters
    ----------
    values : float array, shape (n, d)
        In any unit; monotone changes of scale make no difference.
    names : sequence of str
        The parameters' names.
    joint : collection of str, optional
        Parameters that were drawn jointly from a posterior, each draw independent of the next;
        all others count as independent and evenly spread, whatever their correlation in the
        sample. Left out, those count as joint whose correlation is beyond chance. Pass an
        empty one where all come from a Sobol sequence: some of its projections are
        correlated although the priors are not.
    seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        Too few draws, a value that is not finite, a constant or unknown parameter.

    Attributes
    ----------
    scores : float array, shape (n, d)
        Normal scores.
    correlation : float array, shape (d, d)
        Correlation of the scores in the population, see :mod:`escalation.statistics.dependence`.
    joint : bool array, shape (d,)
        Parameters that depend on others.

    Examples
    --------
    >>> draws = Design(np.arange(32.0).reshape(16, 2) ** 2, ["stake", "delay"])
    >>> draws.n, draws.column("delay"), draws.basis.shape
    (16, 1, (2, 16, 4))
    """

    def __init__(
        self,
        values: np.ndarray,
        names: Sequence[str],
        joint: Collection[str] | None = None,
        *,
        seed: int = 0,
    ) -> None:
        self.names = tuple(names)
        self.values = _checked(np.asarray(values, float), self.names)
        self.seed = seed
        for name in joint or ():
            self.column(name)
        self.scores = normal_scores(self.values)
        block = None if joint is None else np.isin(self.names, list(joint))
        self.correlation = copula_correlation(self.scores, block)
        self.joint = (self.correlation != np.eye(len(self.names))).any(axis=0)

    @property
    def n(self) -> int:
        """Number of draws."""
        return len(self.values)

    def column(self, name: str) -> int:
        """Return the column of a parameter, or raise InputError with the choices."""
        if name not in self.names:
            close = get_close_matches(name, self.names, 1)
            more = f", ... {len(self.names)} in all" if len(self.names) > SHOWN_NAMES else ""
            choices = f"choices: {', '.join(self.names[:SHOWN_NAMES])}{more}"
            raise InputError(
                f"unknown parameter {name!r} "
                f"({f'did you mean {close[0]!r}?' if close else choices})"
            )
        return self.names.index(name)

    def only(self, names: Sequence[str]) -> Design:
        """Return the design of some of the parameters.

        Raises
        ------
        InputError
            None is named, or one that is not in it.
        """
        columns = [self.column(name) for name in names]
        joint = [self.names[k] for k in columns if self.joint[k]]
        return Design(self.values[:, columns], names, joint, seed=self.seed)

    def scores_at(self, name: str, values: np.ndarray) -> np.ndarray:
        """Return normal scores of other values of a parameter, flat beyond the draws."""
        k = self.column(name)
        known, first = np.unique(self.values[:, k], return_index=True)
        return np.interp(values, known, self.scores[first, k])

    def checked(self, outcomes: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """Return outcomes as floats, shape (outcome, n).

        Raises
        ------
        InputError
            Wrong shape, or a value that is not a finite number.
        """
        y = np.asarray(outcomes, float)
        if y.shape != (len(labels), self.n):
            raise InputError(f"outcomes: shape {y.shape} is not ({len(labels)}, {self.n})")
        for label, row in zip(labels, y, strict=True):
            bad = np.flatnonzero(~np.isfinite(row))
            if len(bad):
                raise InputError(f"outcome {label}: {row[bad[0]]} in draw {bad[0]} is not finite")
        return y

    # ------------------------------------------------ Hermite polynomials, for the surrogate

    @cached_property
    def powers(self) -> np.ndarray:
        """Hermite polynomials of the scores, shape (d, REACH, n)."""
        return powers_of(self.scores)

    @cached_property
    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Polynomials at points of the copula, and with each score drawn anew there."""
        z, redrawn = copula_points(self.correlation)
        return powers_of(z), powers_of(redrawn)

    @cached_property
    def own(self) -> tuple[np.ndarray, np.ndarray]:
        """Polynomials of each score's part of its own, and that part's standard deviation."""
        unit, sd = innovations(self.scores, self.correlation)
        return powers_of(unit), sd

    @cached_property
    def uncorrelated(self) -> np.ndarray:
        """Scores freed of their correlation, shape (d, n)."""
        return np.ascontiguousarray(whitened(self.scores, self.correlation).T)

    # ------------------------------------- polynomials orthonormal over the draws, for curves

    @cached_property
    def transform(self) -> np.ndarray:
        """Takes 1 and the Hermite polynomials of a score to the orthonormal q, (d, 4, 4).

        Columns beyond the degree that the number of distinct values allows are zero.
        """
        z = with_one(self.scores.T)
        root = np.linalg.qr(z, mode="r") / np.sqrt(self.n)
        size = np.diagonal(root, axis1=1, axis2=2)
        redundant = np.abs(size) < RIDGE  # more polynomials than distinct values
        k = np.arange(DEGREE + 1)
        root[:, k, k] = np.where(redundant, 1.0, size)
        signs = np.where(size < 0, -1.0, 1.0) * ~redundant
        return np.linalg.inv(root) * signs[:, None, :]

    @cached_property
    def basis(self) -> np.ndarray:
        """The q of every draw, shape (d, n, 4); their mean squares are 1."""
        return with_one(self.scores.T) @ self.transform

    @cached_property
    def weights(self) -> np.ndarray:
        """How often a resample holds a draw, over the number of draws: (RESAMPLES, n)."""
        n = self.n
        rng = np.random.default_rng(self.seed)
        return rng.multinomial(n, np.full(n, 1.0 / n), RESAMPLES) / n

    @cached_property
    def groups(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean q of groups of neighbours in a parameter, and their shares in every resample.

        Shapes are (d, group, 4) and (d, RESAMPLES, group).
        """
        count = min(GRID, self.n)
        begins = np.arange(count) * self.n // count
        sizes = np.diff(np.append(begins, self.n))
        means, shares = [], []
        for i, order in enumerate(np.argsort(self.values, axis=0, kind="stable").T):
            means.append(np.add.reduceat(self.basis[i, order], begins) / sizes[:, None])
            shares.append(np.add.reduceat(self.weights[:, order], begins, axis=1))
        return np.stack(means), np.stack(shares)

    @cached_property
    def inverses(self) -> np.ndarray:
        """Inverse Gram matrices of the fits of degree 1 to 3 to each resample, zeros beyond.

        Shape (3, RESAMPLES, d, 4, 4).
        """
        d, n, size = self.basis.shape
        products = (self.basis[..., :, None] * self.basis[..., None, :]).transpose(1, 0, 2, 3)
        grams = (self.weights @ products.reshape(n, -1)).reshape(-1, d, size, size)
        grams += RIDGE * np.eye(size)
        found = np.zeros((DEGREE, *grams.shape))
        for k in range(1, DEGREE + 1):
            part = slice(0, k + 1)
            found[k - 1, :, :, part, part] = np.linalg.inv(grams[:, :, part, part])
        return found


def powers_of(z: np.ndarray) -> np.ndarray:
    """Return Hermite polynomials of normal scores, shape (n, d) -> (d, REACH, n)."""
    return np.stack(polynomials(np.ascontiguousarray(z.T), REACH), axis=1)


def with_one(z: np.ndarray) -> np.ndarray:
    """Return 1 and the Hermite polynomials up to DEGREE, shape (*z.shape, 4)."""
    return np.concatenate([np.ones_like(z)[..., None], hermite(z, DEGREE)], axis=-1)


def _checked(x: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Return draws, shape (n, d), that can tell something of every parameter."""
    if x.ndim != 2 or x.shape[1] != len(names) or not names:
        raise InputError(f"draws: shape {x.shape} is not (draw, parameter) of {len(names)} names")
    if len(x) < FEWEST_DRAWS:
        raise InputError(f"draws: {len(x)} are too few; at least {FEWEST_DRAWS} are needed")
    for name, column in zip(names, x.T, strict=True):
        bad = np.flatnonzero(~np.isfinite(column))
        if len(bad):
            raise InputError(f"parameter {name}: {column[bad[0]]} in draw {bad[0]} is not finite")
        if np.ptp(column) == 0.0:
            raise InputError(f"parameter {name}: the same value, {column[0]:g}, in all draws")
    return x
