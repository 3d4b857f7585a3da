"""Finer tables and shorter rounds move no headline by more than its stated error.

Measured with 600,000 trajectories each at Taiwan (three structures) and Second Thomas Shoal,
at defaults, in two draws from the priors and at the posterior's median:

=====================  ==============  ==============
headline               bins doubled    rounds halved
=====================  ==============  ==============
disputes a year        below 0.05 %    0 to +0.7 %
grave crises a year    below 0.2 %     0 to +0.8 %
P(war | grave)         below 0.3 %     -1 to +3.5 %
great-power war        below 0.7 %     -12 to -1 %
reciprocation          below 0.01 %    +4.6 to +7.2 %
Asian NATO / hub       below 0.3 %     below 0.5 %, in one draw 3.1 %, of P(war | grave)
=====================  ==============  ==============

In that draw, and for great-power war, the shift is beyond the stated error: a structure decides
within a round there. With N trajectories the Monte Carlo margin hides it.

(Great-power war at Second Thomas Shoal is too rare to be measured so.) What remains of the
length of a round: a side revises at most once in it; settlement and the war's end come
before the sides' moves; third parties decide in the round of a step up as if it had come
at its start; and the last round counts in full.
"""

from __future__ import annotations

from functools import cache

import cells
import numpy as np
import pytest

from escalation.contracts.codes import EVENT_GREAT_POWER_WAR
from escalation.model.compile import DEFAULT_GRID, Grid
from escalation.model.draws import Draws

N = 100_000
YEARS = 10
SIGMAS = 4.0
"""Monte Carlo standard errors of a difference that are allowed for, runs being independent."""

FINE = Grid(n_power=32, n_us=33)
HALF = Grid(round_scale=0.5)
COARSE = Grid(n_power=3, n_us=3)
LONG = Grid(round_scale=4.0)

STATED = {
    FINE: {"disputes": 0.002, "grave": 0.005, "war": 0.01, "great power war": 0.01,
           "reciprocation": 0.002},
    HALF: {"disputes": 0.012, "grave": 0.012, "war": 0.12, "great power war": 0.10,
           "reciprocation": 0.08},
}
"""Stated relative errors, beyond the Monte Carlo error."""
BETWEEN_STRUCTURES = 0.02
"""The same for the ratio of P(war | grave) between two structures."""

PLACES = [
    ("taiwan_strait", "us_retrenchment"), ("taiwan_strait", "hub_and_spoke"),
    ("taiwan_strait", "asian_nato"), ("second_thomas_shoal", "asian_nato"),
]


def three_draws() -> Draws:
    """Return the defaults and two draws from the priors."""
    some = cells.sampled(2, seed=21)
    return Draws(some.names, np.hstack([cells.defaults().values, some.values]))


@cache
def headlines(flashpoint: str, structure: str, grid: Grid) -> dict[str, tuple[np.ndarray, ...]]:
    """Return value and standard error of every headline, each of shape (draw,)."""
    counts = cells.count(cells.compiled(flashpoint, structure, three_draws(), grid), N)
    disputes = counts.crisis.sum(axis=(1, 2, 3, 4)).astype(float)
    grave = counts.crisis[:, 1].sum(axis=(1, 2, 3)).astype(float)

    def share(part: np.ndarray, whole: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        p = part / whole
        return p, np.sqrt((p * (1.0 - p) + 1.0 / whole) / whole)

    def rate(number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Disputes come in clusters, up to three times as variable as a Poisson count.
        return number / N / YEARS, np.sqrt(3.0 * number) / N / YEARS

    return {
        "disputes": rate(disputes),
        "grave": rate(grave),
        "war": share(counts.crisis[:, 1, :, 5:].sum(axis=(1, 2, 3)), grave),
        "great power war": share(counts.first_event[:, EVENT_GREAT_POWER_WAR].sum(axis=1), N),
        "reciprocation": share(counts.reciprocated.sum(axis=1), disputes),
    }


def excess(flashpoint: str, structure: str, grid: Grid, stated: dict[str, float]) -> list[str]:
    """Return the headlines that a grid moves beyond the stated and the Monte Carlo error."""
    before, after = (headlines(flashpoint, structure, g) for g in (DEFAULT_GRID, grid))
    found = []
    for name, error in stated.items():
        (x, dx), (y, dy) = before[name], after[name]
        allowed = error * x + SIGMAS * np.sqrt(dx**2 + dy**2)
        found += [f"{name} {j}" for j in np.flatnonzero(np.abs(y - x) > allowed)]
    return found


@pytest.mark.parametrize("grid", [FINE, HALF], ids=["bins doubled", "rounds halved"])
@pytest.mark.parametrize(("flashpoint", "structure"), PLACES)
def test_refinement_moves_no_headline(flashpoint: str, structure: str, grid: Grid) -> None:
    assert excess(flashpoint, structure, grid, STATED[grid]) == []


@pytest.mark.parametrize(
    ("grid", "like"), [(COARSE, FINE), (LONG, HALF)], ids=["three bins", "long rounds"]
)
def test_coarsening_moves_headlines(grid: Grid, like: Grid) -> None:
    """Negative control: three points to an axis, or rounds four times as long, show."""
    assert excess("taiwan_strait", "hub_and_spoke", grid, STATED[like]) != []


@pytest.mark.parametrize("grid", [FINE, HALF], ids=["bins doubled", "rounds halved"])
def test_comparisons_between_structures_move_less(grid: Grid) -> None:
    """The ratio of P(war | grave) under the Asian NATO to that under hub and spoke."""
    ratios, errors = [], []
    for g in (DEFAULT_GRID, grid):
        (x, dx), (y, dy) = (
            headlines("taiwan_strait", s, g)["war"] for s in ("asian_nato", "hub_and_spoke")
        )
        ratios.append(x / y)
        errors.append(x / y * np.sqrt((dx / x) ** 2 + (dy / y) ** 2))
    allowed = BETWEEN_STRUCTURES + SIGMAS * np.hypot(*errors)
    assert (np.abs(ratios[1] - ratios[0]) <= allowed).all()


def test_no_round_is_shorter_than_the_clock_resolves() -> None:
    """Days are counted in eighths; halved rounds still are whole eighths."""
    for grid in (DEFAULT_GRID, HALF):
        days = cells.compiled(grid=grid).days[0, 1:9] / 8.0
        expected = [
            cells.shipped_study().parameters[f"round_days_{r}"].default * grid.round_scale
            for r in range(1, 9)
        ]
        assert days.tolist() == expected
