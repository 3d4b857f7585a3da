r"""A dispute as an absorbing Markov chain: its states, its matrices, its solution.

A round is a product of sparse matrices, one per step, on vectors over (state, lane). Classes of
frailty are columns: settlement is the one thing that depends on them. With :math:`T` the round,
:math:`E` its exits, and :math:`x_s` the mass whose round ends at moment :math:`s`,

.. math:: x_s = \sum_r D_r\, T x_{s - d_r}, \qquad P(\text{end at } s) = E x_s ,

:math:`D_r` the states of rung :math:`r`: mass that enters them arrives :math:`d_r` days later,
at the end of its round. The kernel cuts disputes off after 512 rounds. The solution does not,
and refuses tables under which more than 1e-9 of all disputes last as long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from escalation.contracts.codes import (
    END_CHALLENGER_WINS,
    END_COALITION_WINS,
    END_SETTLEMENT,
    MAX_ROUNDS,
    WAR,
)
from escalation.contracts.tables import ONE30, Tables
from escalation.errors import InputError
from escalation.verification.states import BELIEF, CLOCK, RUNG, asked, distinct, with_column
from escalation.verification.steps import (
    N_ENDS,
    Branches,
    Rules,
    Step,
    challenger,
    defender,
    end_number,
    incident_chance,
    third_party,
    victory_chance,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_array

NEGLIGIBLE, CUT_OFF = 1e-12, 1e-9
"""Mass at which a solution stops, and mass that may at most be left at the last round."""
MAX_STATES = 200_000


@dataclass(frozen=True)
class Layer:
    """One step of a round as matrices over (state, lane)."""

    step: csr_array
    leave: csr_array


@dataclass(frozen=True)
class Chain:
    """A dispute's chain.

    Attributes
    ----------
    rules : Rules
        Tables, coercion and lanes.
    rows : int array, shape (state, column)
        States before a round.
    up : float array, shape (state * lane, 1)
        Chance of an incident that takes the dispute up.
    ending : float array, shape (state * lane, frailty)
        Chance that the dispute ends otherwise.
    stop : csr_array, shape (N_ENDS * lane, state * lane)
        Where it then ends.
    risen : int array
        Places in `up` from which a dispute may rise by an incident.
    layers : tuple of Layer
        Challenger, third parties, defender; the first takes the risen states after the others.
    """

    rules: Rules
    rows: np.ndarray
    up: np.ndarray
    risen: np.ndarray
    ending: np.ndarray
    stop: csr_array
    layers: tuple[Layer, ...]

    @property
    def n_lanes(self) -> int:
        """Number of lanes."""
        return len(self.rules.profile)

    def round(self, mass: np.ndarray, ending: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Play a round: returns the mass after it, and the mass that has ended."""
        still = (1.0 - self.up) * mass
        stopped = ending * still
        ended = self.stop @ stopped
        mass = np.concatenate([still - stopped, (self.up * mass)[self.risen]])
        for layer in self.layers:
            ended += layer.leave @ mass
            mass = layer.step @ mass
        return mass, ended


def first_states(t: Tables, beliefs: np.ndarray) -> np.ndarray:
    """Return the states in which disputes open, on rungs 1 to 3 for each first belief.

    Parameters
    ----------
    t : Tables
        Of one cell.
    beliefs : int array, shape (belief, party)
        First beliefs.

    Returns
    -------
    int array, shape (3 * belief, column)
        Rung by rung.
    """
    rows = np.zeros((3 * len(beliefs), BELIEF + beliefs.shape[1]), np.int64)
    rows[:, RUNG] = np.repeat([1, 2, 3], len(beliefs))
    rows[:, BELIEF:] = np.tile(beliefs, (3, 1))
    return asked(t, rows, np.full(len(rows), True))


def build_chain(rules: Rules, start: np.ndarray) -> Chain:
    """Enumerate the states that are reached from `start` and fill the matrices.

    Raises
    ------
    InputError
        There are more than `MAX_STATES`.
    """
    rows = _reached(rules, start)
    up = incident_chance(rules, rows)
    n_lanes = up.shape[1]
    may_rise = np.any(up > 0.0, axis=1)
    risen = (np.flatnonzero(may_rise)[:, None] * n_lanes + np.arange(n_lanes)).ravel()
    ending = rules.t.ending[:, rows[:, RUNG]].T / ONE30
    at, layers, steps = _after_incident(rows, may_rise), [], _steps(rules)
    for step in steps:
        taken = step(at)
        after = rows if step is steps[-1] else distinct(taken.states.target)[0]
        layers.append(_layer(taken, len(at), after, n_lanes))
        at = after
    return Chain(
        rules, rows, up.reshape(-1, 1), risen, np.repeat(ending, n_lanes, axis=0),
        _stop(rules, rows), tuple(layers),
    )  # fmt: skip


def _after_incident(rows: np.ndarray, may_rise: np.ndarray) -> np.ndarray:
    """Return the states without an incident, and after one where that may happen."""
    still = with_column(rows, CLOCK, rows[:, RUNG])
    up = still[may_rise]
    return np.concatenate([still, with_column(up, RUNG, up[:, RUNG] + 1)])


def _steps(rules: Rules) -> list[Callable[[np.ndarray], Step]]:
    parties = [partial(third_party, rules, i) for i in range(len(rules.t.veto))]
    return [partial(challenger, rules), *parties, partial(defender, rules)]


def _reached(rules: Rules, start: np.ndarray) -> np.ndarray:
    """Return every state that can be reached, in sorted order."""
    known, new = distinct(start)[0], start
    while len(new):
        at = _after_incident(new, np.any(incident_chance(rules, new) > 0.0, axis=1))
        for step in _steps(rules):
            at = distinct(step(at).states.target)[0]
        new = at[indexes(known, at) < 0]
        known = distinct(np.concatenate([known, new]))[0]
        if len(known) > MAX_STATES:
            raise InputError(
                f"exact: more than {MAX_STATES:,} states; keep fewer third parties or first beliefs"
            )
    return known


def indexes(known: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return where each row stands among known, distinct rows; -1 where it does not."""
    found, which = distinct(np.concatenate([known, rows]))
    index = np.full(len(found), -1)
    index[which[: len(known)]] = np.arange(len(known))
    return index[which[len(known) :]]


def _layer(taken: Step, n_before: int, after: np.ndarray, n_lanes: int) -> Layer:
    states, ends = taken
    numbered = states._replace(target=indexes(after, states.target))
    return Layer(
        _matrix(numbered, (len(after), n_before), n_lanes),
        _matrix(ends, (N_ENDS, n_before), n_lanes),
    )


def _matrix(branches: Branches, shape: tuple[int, int], n_lanes: int) -> csr_array:
    """Return chances as a matrix from (state, lane) to (state or end, lane)."""
    from scipy.sparse import csr_array

    lanes = np.arange(n_lanes)
    target = (branches.target[:, None] * n_lanes + lanes).ravel()
    source = (branches.source[:, None] * n_lanes + lanes).ravel()
    entries = (branches.chance.ravel(), (target, source))
    matrix = csr_array(entries, shape=(shape[0] * n_lanes, shape[1] * n_lanes))
    matrix.eliminate_zeros()
    return matrix


def _stop(rules: Rules, rows: np.ndarray) -> csr_array:
    """Return where a dispute ends that is settled, or whose war ends."""
    war = rows[:, RUNG] >= WAR
    wins = victory_chance(rules.t, rows)
    outcomes = (
        (END_SETTLEMENT, 1.0 - war),
        (END_CHALLENGER_WINS, war * wins),
        (END_COALITION_WINS, war * (1.0 - wins)),
    )
    n_lanes = len(rules.profile)
    parts = [
        Branches(
            np.arange(len(rows)),
            end_number(rules.t, end, rows),
            np.repeat(chance[:, None], n_lanes, axis=1),
        )
        for end, chance in outcomes
    ]
    joined = Branches(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return _matrix(joined, (N_ENDS, len(rows)), n_lanes)


def solve(chain: Chain, mass: np.ndarray, slot_of_day: np.ndarray) -> np.ndarray:
    """Return how and when disputes end.

    Parameters
    ----------
    chain : Chain
        The dispute.
    mass : float array, shape (state * lane, start * frailty)
        Chances of the states before the first round, for some starts.
    slot_of_day : int array, shape (day,)
        Slot of a length of so many days; longer disputes belong to the last slot.

    Returns
    -------
    float array, shape (slot, N_ENDS * lane, start * frailty)

    Raises
    ------
    InputError
        Disputes last so long that the largest number of rounds matters.
    """
    ending = np.tile(chain.ending, mass.shape[1] // chain.ending.shape[1])
    ended = np.zeros((slot_of_day[-1] + 1, N_ENDS * chain.n_lanes, mass.shape[1]))
    ahead = _Ahead(chain, mass)
    for moment in ahead.moments():
        mass, more = chain.round(ahead.waiting.pop(moment), ending)
        ended[slot_of_day[min(moment // 8, len(slot_of_day) - 1)]] += more
        ahead.put(moment, mass)
    if ahead.left() > CUT_OFF:
        raise InputError(f"exact: {ahead.left():.1g} of all disputes last too long to be solved")
    return ended


class _Ahead:
    """Mass on its way to the end of its round, by moment, in eighths of a day."""

    def __init__(self, chain: Chain, mass: np.ndarray) -> None:
        lengths = chain.rules.t.days[chain.rows[:, RUNG]]
        self.last = MAX_ROUNDS * int(lengths.min())
        self.indexes = {
            int(x): np.flatnonzero(np.repeat(lengths == x, chain.n_lanes))
            for x in np.unique(lengths)
        }
        self.waiting: dict[int, np.ndarray] = {}
        self.put(0, mass)

    def put(self, moment: int, mass: np.ndarray) -> None:
        """Send mass on its way, each state to the end of its round."""
        for length, rows in self.indexes.items():
            at = moment + length
            if at not in self.waiting and len(self.indexes) == 1:
                self.waiting[at] = mass
            else:
                self.waiting.setdefault(at, np.zeros_like(mass))[rows] += mass[rows]

    def moments(self) -> Iterator[int]:
        """Yield the next moment as long as mass is on its way and no round is the last."""
        while (moment := min(self.waiting)) <= self.last and self.left() > NEGLIGIBLE:
            yield moment

    def left(self) -> float:
        """Return how much is on its way."""
        return float(sum(mass.sum() for mass in self.waiting.values()))
