r"""Whole histories without third parties, over the full horizon.

Between disputes nothing but the two sides' types, tension and the date matters. With tension
:math:`\tau` at the start of a wait, the hazard of month :math:`k` is
:math:`\lfloor r (1 + \tau_k) \rfloor`, :math:`\tau_{k+1} = \lfloor \kappa \tau_k \rfloor`, and
:math:`H_k` their sum, so that the next dispute comes in month :math:`k` with chance
:math:`P(E \ge H_k) - P(E \ge H_{k+1})`. A dispute takes the months of its length, which come
from its exact distribution, adds to tension, and may end the history.

Waits are exact from each point of a grid of tension; after a dispute, and at the turn of a
year, mass between two points is shared among them so that its mean stays (linear
interpolation). That is the one approximation here: with twice the points no chance moves by
2e-6 (`tests/test_verify.py`).

An event's first year, and the worst rung, come from histories that stop at the event: mass
that stops in year y is the chance that the first one is then.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from escalation.contracts.codes import (
    END_CHALLENGER_WINS,
    END_CONCESSION,
    END_EXCHANGE,
    EVENTS,
    GRAVE,
    N_RUNGS,
    NUCLEAR_USE,
    WAR,
)
from escalation.contracts.tables import (
    ONE15,
    ONE16,
    ONE30,
    SCALAR_TENSION_JUMP,
    SCALAR_TENSION_KEEP,
    SCALAR_TURNOVER,
    Tables,
)
from escalation.errors import InputError
from escalation.verification.disputes import MONTHS, SHAPE, onset_rates, solve_from
from escalation.verification.interpolation import survival
from escalation.verification.states import wide

if TYPE_CHECKING:
    from scipy.sparse import csr_array

DAYS_PER_MONTH = 30
TENSION_LIMIT = 32 * ONE15
TENSION_POINTS = 193
NEGLIGIBLE = 1e-14
N_TYPES = 4


@dataclass(frozen=True)
class Histories:
    """Exact distributions of a cell's histories.

    Attributes
    ----------
    worst_rung : float array, shape (rung,)
        Highest rung of all disputes.
    first_event : float array, shape (event, year)
        Year of the first such event; what is missing to one has none.
    trajectory_end : float array, shape (3,)
        Horizon, object lost, general exchange.
    """

    worst_rung: np.ndarray
    first_event: np.ndarray
    trajectory_end: np.ndarray


@dataclass(frozen=True)
class _Outcomes:
    """What a dispute does to a history, by types (challenger + 2 * defender) and run.

    Attributes
    ----------
    goes_on : float array, shape (month, type, run)
        Chance that it takes so many months and the history goes on.
    ends : float array, shape (2, type, run)
        Chance that the object is lost, that there is a general exchange.
    stops : float array, shape (type, run)
        Chance that it is what the run stops at.
    """

    goes_on: np.ndarray
    ends: np.ndarray
    stops: np.ndarray


@dataclass(frozen=True)
class _Waits:
    """Waits from each point of the tension grid.

    Attributes
    ----------
    dispute : float array, shape (month, type, point)
        Chance that the next dispute comes after so many months, within the year.
    none : float array, shape (month + 1, type, point)
        Chance that so many months pass without one.
    calmed, stirred : tuple of csr_array
        Mass moved to the tension after so many months, without and with a dispute then.
    """

    dispute: np.ndarray
    none: np.ndarray
    calmed: tuple[csr_array, ...]
    stirred: tuple[csr_array, ...]


def solve_histories(tables: Tables, points: int = TENSION_POINTS) -> Histories:
    """Solve the histories of a cell without third parties.

    Parameters
    ----------
    tables : Tables
        One cell.
    points : int
        Points of the tension grid.

    Raises
    ------
    InputError
        There are third parties, or disputes last so long that they are cut off.
    """
    t = wide(tables)
    if len(t.veto):
        raise InputError("exact: histories are solved without third parties only")
    months = MONTHS * len(t.outlook)
    rates = onset_rates(t, np.zeros((1, 0), np.int64))[0]
    outcomes = _outcomes(t, rates, months)
    waits = _waits(t, rates.sum(axis=1), tension_grid(points))
    history = _History(outcomes, waits, _turnover(t), months)
    history.play()
    stopped = history.stopped
    worst = 1.0 - stopped[len(EVENTS) : -1].sum(axis=1)
    none = 1.0 - stopped[0].sum()
    return Histories(
        np.diff(np.concatenate([[0.0, none], worst, [1.0]])),
        stopped[: len(EVENTS)],
        np.array([history.horizon[-1], *history.ended[:, -1]]),
    )


def stopping_runs() -> np.ndarray:
    """Return which disputes each run stops at, shape (run, class, end, peak).

    The runs are the events; a rung above 1, 2, ... 8; nothing.
    """
    end, peak = np.indices(SHAPE[1:3])
    grave = np.zeros((SHAPE[0], *end.shape), bool)
    grave[GRAVE] = True
    war = np.broadcast_to(peak >= WAR, grave.shape)
    none = np.zeros_like(grave)
    events = [~none, grave, grave & (end == END_CONCESSION), war, none, war & (peak >= NUCLEAR_USE)]
    worse = [np.broadcast_to(peak > rung, grave.shape) for rung in range(1, N_RUNGS - 1)]
    return np.array([*events, *worse, none])


def tension_grid(points: int) -> np.ndarray:
    """Return grid points of tension, denser where it is low."""
    return np.round(np.linspace(0.0, 1.0, points) ** 2 * TENSION_LIMIT).astype(np.int64)


def _outcomes(t: Tables, rates: np.ndarray, months: int) -> _Outcomes:
    """Return what disputes do, the class mixed by its share among onsets."""
    slot = np.minimum(np.arange(DAYS_PER_MONTH * months + 1) // DAYS_PER_MONTH, months)
    grave = -(-rates[:, GRAVE] * ONE30 // rates.sum(axis=1)) / ONE30
    share = np.stack([1.0 - grave, grave])
    chance = np.zeros((months + 1, N_TYPES, *SHAPE[:3]))
    for coerced in (0, 1):
        lanes, ended = solve_from(t, np.zeros((1, 0), np.int64), coerced, slot)
        by_end = ended[..., 0].reshape(months + 1, *SHAPE[1:], -1).sum(axis=3)
        for lane, (g, c, d) in enumerate(zip(*lanes[:3], strict=True)):
            chance[:, c + 2 * d, g] += N_TYPES * share[g, c] * by_end[..., lane]
    stop = stopping_runs().astype(float)
    last = np.zeros((2, *SHAPE[:3]))
    last[0, :, END_CHALLENGER_WINS] = last[1, :, END_EXCHANGE] = 1.0
    return _Outcomes(
        np.einsum("mtgep,rgep->mtr", chance, (1.0 - stop) * (1.0 - last.sum(axis=0))),
        np.einsum("mtgep,rgep,lgep->ltr", chance, 1.0 - stop, last),
        np.einsum("mtgep,rgep->tr", chance, stop),
    )


def _waits(t: Tables, rate: np.ndarray, grid: np.ndarray) -> _Waits:
    keep, jump = (int(t.scalar[k]) for k in (SCALAR_TENSION_KEEP, SCALAR_TENSION_JUMP))
    tension, hazard = grid, np.zeros((len(rate), len(grid)), np.int64)
    tensions, none = [tension], [np.ones_like(hazard, float)]
    for _ in range(MONTHS):
        hazard = hazard + rate[:, None] * (ONE15 + tension) // ONE15
        tension = tension * keep // ONE15
        none.append(survival(hazard))
        tensions.append(tension)
    of_type = np.array(none)[:, [0, 1, 0, 1]]
    return _Waits(
        of_type[:-1] - of_type[1:],
        of_type,
        tuple(_shared(grid, x) for x in tensions),
        tuple(_shared(grid, np.minimum(x + jump, TENSION_LIMIT)) for x in tensions[:-1]),
    )


def _shared(grid: np.ndarray, values: np.ndarray) -> csr_array:
    """Return the matrix that shares mass at each value among the two grid points around it."""
    from scipy.sparse import csr_array

    low = np.clip(np.searchsorted(grid, values, side="right") - 1, 0, len(grid) - 2)
    part = (values - grid[low]) / (grid[low + 1] - grid[low])
    source = np.arange(len(grid))
    entries = np.concatenate([1.0 - part, part])
    indexes = np.concatenate([low, low + 1]), np.concatenate([source, source])
    return csr_array((entries, indexes), shape=(len(grid), len(grid)))


def _turnover(t: Tables) -> np.ndarray:
    """Return how types change at the turn of a year, shape (type, type)."""
    flips = t.scalar[SCALAR_TURNOVER] / ONE16 / 2.0
    side = np.array([[1.0 - flips, flips], [flips, 1.0 - flips]])
    return np.kron(side, side)


class _History:
    """Mass over (type, tension, run) by the month in which a wait, or a dispute, begins."""

    def __init__(
        self, outcomes: _Outcomes, waits: _Waits, turnover: np.ndarray, months: int
    ) -> None:
        self.outcomes, self.waits, self.turnover, self.months = outcomes, waits, turnover, months
        n_runs = outcomes.stops.shape[1]
        self.shape = (N_TYPES, waits.none.shape[2], n_runs)
        self.waiting: dict[tuple[int, int], np.ndarray] = defaultdict(lambda: np.zeros(self.shape))
        self.opening: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(self.shape))
        self.horizon = np.zeros(n_runs)
        self.ended = np.zeros((2, n_runs))
        self.stopped = np.zeros((n_runs, months // MONTHS))
        self.waiting[0, 0][:, 0] = 1.0 / N_TYPES

    def play(self) -> None:
        """Play month by month; several disputes may begin in one month."""
        for month in range(self.months):
            new, opening = self._due(month), self.opening.pop(month, np.zeros(self.shape))
            waits, disputes = np.zeros(self.shape), np.zeros(self.shape)
            while new.sum() + opening.sum() > NEGLIGIBLE:
                opening = opening + self._moved(self.waits.stirred[0], self.waits.dispute[0], new)
                waits += new
                disputes += opening
                new = opening * self.outcomes.goes_on[0][:, None]
                opening = np.zeros(self.shape)
            self._dispute(month, disputes)
            self._wait(month, waits)

    def _due(self, month: int) -> np.ndarray:
        """Return what begins to wait now, after the turns of the years that it has seen."""
        mass = np.zeros(self.shape)
        for turns in range(self.months // MONTHS, -1, -1):
            mass = np.tensordot(self.turnover, mass, 1)
            mass += self.waiting.pop((month, turns), 0.0)
        return mass

    def _moved(self, to: csr_array, chance: np.ndarray, mass: np.ndarray) -> np.ndarray:
        part = chance[:, :, None] * mass
        return np.stack([to @ part[kind] for kind in range(N_TYPES)])

    def _wait(self, month: int, mass: np.ndarray) -> None:
        """Let months pass until the next dispute of the year, or its end."""
        left = MONTHS - month % MONTHS
        for k in range(1, left):
            self.opening[month + k] += self._moved(
                self.waits.stirred[k], self.waits.dispute[k], mass
            )
        self._arrive(month, left, self._moved(self.waits.calmed[left], self.waits.none[left], mass))

    def _dispute(self, month: int, opening: np.ndarray) -> None:
        """Play disputes that begin now and do not end within the month."""
        by_type = opening.sum(axis=1)
        self.stopped[:, month // MONTHS] += (by_type * self.outcomes.stops).sum(axis=0)
        self.ended += (by_type * self.outcomes.ends).sum(axis=1)
        for k, chance in enumerate(self.outcomes.goes_on[1:], start=1):
            if chance.max() > 0.0:
                self._arrive(month, k, opening * chance[:, None])

    def _arrive(self, month: int, k: int, mass: np.ndarray) -> None:
        """Let a wait begin `k` months on."""
        if month + k >= self.months:
            self.horizon += mass.sum(axis=(0, 1))
        else:
            turns = (month + k) // MONTHS - month // MONTHS
            self.waiting[month + k, turns] += mass
