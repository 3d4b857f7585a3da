"""Designs of parameter draws side by side: holes in two dimensions, and what they do to answers.

Run with ``python benchmarks/designs.py [--seeds N]``; prints the tables of ``MODEL.md``.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable

import numpy as np
from scipy import special
from scipy.stats import qmc

from escalation.statistics.design import Design
from escalation.statistics.hypercube import nested_hypercube
from escalation.statistics.sensitivity import sensitivity

SIZES = (256, 512, 1024)
DIMENSIONS = 300
FEW = 40
"""Parameters of the test of shares, of which 8 or 12 act: columns of the whole design, left to
chance, since nobody knows beforehand which parameters matter."""


def nested(n: int, d: int, seed: int) -> np.ndarray:
    """Return points of the nested hypercube, shape (n, d)."""
    columns = [nested_hypercube(n, np.random.default_rng([seed, k])) for k in range(d)]
    return np.stack(columns, axis=1)


def lattice(n: int, d: int, seed: int) -> np.ndarray:
    """Return a Korobov lattice with a random generator and shift, folded (baker's transform)."""
    rng = np.random.default_rng(seed)
    a = int(rng.integers(1, n // 2)) * 2 + 1
    powers = np.ones(d, np.int64)
    for k in range(1, d):
        powers[k] = powers[k - 1] * a % n
    points = (np.arange(n)[:, None] * powers[None] / n + rng.random(d)) % 1.0
    return 1.0 - np.abs(2.0 * points - 1.0)


DESIGNS: dict[str, Callable[[int, int, int], np.ndarray]] = {
    "independent": lambda n, d, seed: np.random.default_rng(seed).random((n, d)),
    "nested hypercube": nested,
    "Latin hypercube": lambda n, d, seed: qmc.LatinHypercube(d, rng=seed).random(n),
    "scrambled Sobol": lambda n, d, seed: qmc.Sobol(d, rng=seed).random(n),
    "scrambled Halton": lambda n, d, seed: qmc.Halton(d, rng=seed).random(n),
    "Korobov lattice": lattice,
}


def chi_squares(points: np.ndarray, bins: int) -> np.ndarray:
    """Return chi-square of every pair of dimensions on a grid, shape (pair,)."""
    n, d = points.shape
    cell = np.minimum((points * bins).astype(int), bins - 1)
    hot = np.zeros((n, d * bins), np.float32)
    for k in range(d):
        hot[np.arange(n), k * bins + cell[:, k]] = 1.0
    counts = (hot.T @ hot).reshape(d, bins, d, bins).transpose(0, 2, 1, 3)
    expected = n / bins**2
    return ((counts - expected) ** 2 / expected).sum(axis=(2, 3))[np.triu_indices(d, 1)]


def worse_than_chance(points: np.ndarray, bins: int, seed: int = 0) -> float:
    """Return the share of pairs beyond the 99.9 % quantile of independent uniform draws."""
    rng = np.random.default_rng([seed, 5])
    limit = np.quantile(chi_squares(rng.random((len(points), DIMENSIONS)), bins), 0.999)
    return float((chi_squares(points, bins) > limit).mean())


def polynomial(
    z: np.ndarray, weights: np.ndarray, pairs: dict[tuple[int, int], float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return slopes and products of normal scores, their first-order and their total shares."""
    y = z[:, : len(weights)] @ weights
    first, total = np.zeros(z.shape[1]), np.zeros(z.shape[1])
    first[: len(weights)] = total[: len(weights)] = weights**2
    for (i, j), weight in pairs.items():
        y = y + weight * z[:, i] * z[:, j]
        total[i] += weight**2
        total[j] += weight**2
    variance = (weights**2).sum() + sum(w**2 for w in pairs.values())
    return y, first / variance, total / variance


OUTPUTS = {
    "slopes": (
        np.array([1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
        {(0, 1): 0.5, (2, 3): 0.3, (0, 4): 0.2},
    ),
    "products": (np.full(12, 0.5), {(k, (k + 1) % 12): 0.5 for k in range(12)}),
}
"""Outputs whose shares are known: 8 slopes and 3 products, and as much of products as of slopes."""


def share_errors(
    draw: Callable[[int, int, int], np.ndarray], n: int, seeds: int, output: str = "slopes"
) -> tuple[float, float, float]:
    """Return root mean square errors of first-order and total shares, and of the mean."""
    errors = []
    for seed in range(seeds):
        some = np.random.default_rng([seed, 6]).permutation(DIMENSIONS)[:FEW]
        points = draw(n, DIMENSIONS, seed)[:, some]
        z = special.ndtri(np.clip(points, 2.0**-40, 1 - 2.0**-40))
        y, first, total = polynomial(z, *OUTPUTS[output])
        found = sensitivity(Design(z, [str(k) for k in range(FEW)], joint=[]), y)
        errors.append((
            np.mean((found.first - first) ** 2), np.mean((found.total - total) ** 2),
            y.mean() ** 2 / y.var(),
        ))  # fmt: skip
    one, whole, mean = np.sqrt(np.mean(errors, axis=0))
    return float(one), float(whole), float(mean)


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    seeds = parser.parse_args().seeds
    warnings.simplefilter("ignore")
    print(f"| design, {DIMENSIONS} parameters | n | worse than chance, 8 x 8 | 16 x 16 "
          "| largest correlation |\n|---|---|---|---|---|")
    for name, draw in DESIGNS.items():
        for n in SIZES:
            points = draw(n, DIMENSIONS, 1)
            largest = np.abs(np.corrcoef(points.T)[np.triu_indices(DIMENSIONS, 1)]).max()
            worse = [100 * worse_than_chance(points, bins) for bins in (8, 16)]
            print(f"| {name} | {n} | {worse[0]:.3f} % | {worse[1]:.3f} % | {largest:.2f} |")
    print(f"\n| design, {FEW} parameters | n | slopes: error of first | of total | of the mean, sd "
          "| products: of first | of total | of the mean |\n|---|---|---|---|---|---|---|---|")
    for name, draw in DESIGNS.items():
        for n in SIZES:
            found = [x for output in OUTPUTS for x in share_errors(draw, n, seeds, output)]
            print(f"| {name} | {n} | {' | '.join(f'{x:.4f}' for x in found)} |")


if __name__ == "__main__":
    main()
