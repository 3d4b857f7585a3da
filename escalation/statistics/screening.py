r"""Which parameters stand out from chance at all, tested together: the false discovery rate.

With a hundred inert parameters some look like drivers in any finite set of draws. Each parameter is
tested by the F ratio of its curve, the polynomials of its score up to degree 3, in an additive
model of the output that holds the curves of the parameters found so far, and the p-values are
judged together by the step-up rule of Benjamini and Hochberg (1995, Journal of the Royal
Statistical Society B 57: 289-300) at `LEVEL`. What is found joins the model, which leaves less
noise to hide the rest, and the test is repeated until nothing changes. The output enters by its
normal scores: a few extreme draws would otherwise make drivers of whatever was extreme in them.
Parameters that are drawn jointly are tested by the part of their score that the others do not tell,
so that one that does nothing but goes with a driver is not found for it.

The level is 1 %, not 5: with m drivers a fraction of at most 1 % of those printed is expected to
be false. Interactions without any effect of their own are not found.
"""

from __future__ import annotations

import numpy as np

from escalation.statistics.dependence import innovations
from escalation.statistics.design import DEGREE, Design, with_one
from escalation.statistics.polynomials import normal_scores

LEVEL = 0.01
PASSES = 6
DRAWS_PER_TERM = 4
"""Draws that every term of the additive model must have, at least."""
RANK = 1e-9
"""Share of the largest eigenvalue below which a term adds nothing to the others."""


def standing(design: Design, y: np.ndarray, level: float = LEVEL) -> tuple[str, ...]:
    """Return the parameters whose effect on an output stands out from chance.

    Parameters
    ----------
    design : Design
        Draws of the parameters.
    y : float array, shape (n,)
        The output in the draws.
    level : float
        False discovery rate over all parameters.

    Raises
    ------
    InputError
        Wrong shape, or an output that is not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x = rng.standard_normal((400, 30))
    >>> design = Design(x, [f"p{k}" for k in range(30)], joint=[])
    >>> standing(design, x[:, 4] - 0.5 * x[:, 9] ** 2 + 0.3 * rng.standard_normal(400))
    ('p4', 'p9')
    """
    (y,) = design.checked(np.asarray(y, float)[None], ["output"])
    if np.ptp(y) == 0.0:
        return ()
    whole, own = _terms(design)
    y = normal_scores(y[:, None])[:, 0]
    found: tuple[int, ...] = ()
    for _ in range(PASSES):
        p = _p_values(whole, own, y, found)
        most = max(1, design.n // DRAWS_PER_TERM // DEGREE - 1)
        told = tuple(sorted(_discoveries(p, level)[:most]))
        if told == found:
            break
        found = told
    return tuple(design.names[k] for k in found)


def _terms(design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Return the polynomials of every score and of its own part, centred, (d, n, DEGREE) each."""
    own = design.scores
    if design.joint.any():
        own = np.where(design.joint, innovations(own, design.correlation)[0], own)
    return _centred(design.scores), _centred(own)


def _centred(scores: np.ndarray) -> np.ndarray:
    terms = with_one(scores.T)[..., 1:]
    return terms - terms.mean(axis=1, keepdims=True)


def _p_values(
    whole: np.ndarray, own: np.ndarray, y: np.ndarray, held: tuple[int, ...]
) -> np.ndarray:
    """Return the p-value of every parameter's own part beside those that are held, shape (d,)."""
    p = _beside(own, y, [whole[k] for k in held])
    for k in held:
        p[k] = _beside(own[[k]], y, [whole[j] for j in held if j != k])[0]
    return p


def _beside(own: np.ndarray, y: np.ndarray, held: list[np.ndarray]) -> np.ndarray:
    """Return p-values of F tests of each block of terms beside the held ones, shape (d,)."""
    from scipy.special import fdtrc

    n = len(y)
    base, _ = np.linalg.qr(np.concatenate([np.ones((n, 1)), *held], axis=1))
    left = y - base @ (base.T @ y)
    terms = own - base @ (base.T @ own)
    gram = terms.transpose(0, 2, 1) @ terms
    along = terms.transpose(0, 2, 1) @ left
    terms_left = np.linalg.matrix_rank(gram, hermitian=True, rtol=RANK)
    inverse = np.linalg.pinv(gram, rtol=RANK, hermitian=True)
    explained = np.einsum("di,dij,dj->d", along, inverse, along)
    freedom = np.maximum(n - base.shape[1] - terms_left, 1)
    rest = np.maximum(left @ left - explained, 1e-300)
    ratio = explained / np.maximum(terms_left, 1) / (rest / freedom)
    return np.where(terms_left > 0, fdtrc(np.maximum(terms_left, 1), freedom, ratio), 1.0)


def _discoveries(p: np.ndarray, level: float) -> list[int]:
    """Return the parameters that the step-up rule finds, the surest first."""
    order = np.argsort(p, kind="stable")
    below = np.flatnonzero(p[order] <= level * np.arange(1, len(p) + 1) / len(p))
    return order[: below[-1] + 1].tolist() if len(below) else []
