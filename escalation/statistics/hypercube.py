r"""A Latin hypercube that grows: every dimension stratified by itself, at every power of two.

Of the first :math:`2^k` points of a dimension exactly one lies in each of :math:`2^k` equal strata,
for every :math:`k`: points :math:`2^k` to :math:`2^{k+1} - 1` are put, in random order, into the
halves of strata that the points before left empty, each at a random position there (nested Latin
hypercubes: Qian 2009, Biometrika 96: 957-970). So more points extend fewer, whatever their number.

Every dimension has random numbers of its own. Two dimensions are thus paired at random, as in a
Latin hypercube, whatever the number of dimensions; a dimension that is added moves no other.
"""

from __future__ import annotations

import numpy as np


def nested_hypercube(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return the first `n` points of one dimension, from 0 up to but not including 1.

    Parameters
    ----------
    n : int
        Number of points, at least 1.
    rng : Generator
        Random numbers of this dimension; as many are used as for the next power of two.

    Examples
    --------
    >>> points = nested_hypercube(8, np.random.default_rng(1))
    >>> np.sort(np.floor(8 * points)).tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    >>> bool((points[:3] == nested_hypercube(3, np.random.default_rng(1))).all())
    True
    """
    points = rng.random(1)
    while len(points) < n:
        half = 2 * len(points)
        taken = np.floor(points * half).astype(np.int64)
        empty = rng.permutation(taken ^ 1)  # the other half of every stratum
        points = np.concatenate([points, (empty + rng.random(len(empty))) / half])
    return points[:n]
