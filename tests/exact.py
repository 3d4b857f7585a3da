"""Exact distribution of one dispute, from the same integer tables, without sampling.

A dispute is a Markov chain over (rung, last answer, pending decisions, who supports, who
fights, beliefs). Its states are enumerated from the start, and the chain is run for as
many rounds as the kernel plays. A look-up between grid points is the mixture of the four
points around it. Nothing here is shared with the kernel; the integer curves are those of
the plain-Python player.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from player import SIGMA, curve
from scipy.sparse import csr_matrix

from escalation import tables as formats
from escalation.tables import Tables

ONE = 2**15
ROUNDS = 512


class State(NamedTuple):
    """State of a dispute before a round."""

    rung: int
    reciprocal: int
    fresh: bool
    pending: tuple[bool, ...]
    supports: tuple[bool, ...]
    fights: tuple[bool, ...]
    belief: tuple[int, ...]


class End(NamedTuple):
    """How a dispute ended."""

    end: int
    peak: int
    us_fought: int


def changed(values: tuple, i: int, value: object) -> tuple:
    """Return a tuple with entry `i` replaced."""
    return (*values[:i], value, *values[i + 1 :])


class Chain:
    """One dispute whose types, class, coercion and first beliefs are given."""

    def __init__(
        self, tables: Tables, cell: int, grave: int, challenger: int, defender: int,
        coerced: bool, staunch: tuple[bool, ...], belief: tuple[int, ...],
    ) -> None:
        self.t = Tables(*(array[cell].tolist() for array in tables))
        self.n = len(self.t.veto)
        self.n_us = len(self.t.brink[0][0])
        self.profile = 2 * grave + challenger + (2 if coerced else 0)
        self.who = 2 * grave + defender
        self.coerced, self.staunch, self.belief = coerced, staunch, belief
        force, at_least_show = (x / 2**16 for x in self.t.opening[challenger])
        self.opening = {1: 1.0 - at_least_show, 2: at_least_show - force, 3: force}
        s = self.t.scalar
        self.us, self.host = s[formats.SCALAR_GREAT_POWER], s[formats.SCALAR_HOST]
        self.double, self.authorise = s[formats.SCALAR_DOUBLE_STEP], s[formats.SCALAR_AUTHORISATION]
        self.access_loss = s[formats.SCALAR_ACCESS_LOSS]
        self.power_without_host = s[formats.SCALAR_POWER_WITHOUT_HOST]
        self.some, self.most = s[formats.SCALAR_SOME], s[formats.SCALAR_MOST]
        self.view = lru_cache(None)(self._view)
        self.defend = lru_cache(None)(self._defend)

    # ---------------------------------------------------------------- what is seen

    def already_in(self, supports: tuple[bool, ...], fights: tuple[bool, ...]) -> int:
        share = sum(self.t.share[i] for i in range(self.n) if supports[i] or fights[i])
        return 0 if share < self.some else 1 if share < self.most else 2

    def _view(self, supports: tuple, fights: tuple, belief: tuple) -> tuple[int, int]:
        """Return the positions on the two grids, in 1/256 cells."""
        n = self.already_in(supports, fights)
        chance = []
        for i in range(self.n):
            view = self.t.outlook[0][self.coerced][0][supports[i]][n]
            low, high = view[0][i], view[1][i]
            trust = curve(SIGMA, belief[i]) // 2**15
            mixed = low + trust * (high - low) // ONE
            chance.append(ONE if fights[i] else mixed)
        power = sum(g * c for g, c in zip(self.t.grid_power, chance, strict=True)) // 2**23
        if self.us < 0:
            return power, 0
        seen = chance[self.us]
        if self.host >= 0:
            seen = seen * (ONE - self.access_loss * (ONE - chance[self.host]) // ONE) // ONE
        return power, seen * (self.n_us - 1) // 2**7

    @staticmethod
    def mixture(position: tuple[int, int]) -> Iterator[tuple[float, int, int]]:
        """Yield weight and place of the grid points around a position."""
        (k, x), (p, y) = divmod(position[0], 256), divmod(position[1], 256)
        for (a, i), (b, j) in product(((256 - x, k), (x, k + 1)), ((256 - y, p), (y, p + 1))):
            if a * b:
                yield a * b / 2**16, i, j

    def may_rise(self, rung: int, fights: tuple[bool, ...]) -> bool:
        if rung <= 5:
            return rung < 5 or any(fights)
        return self.us >= 0 and fights[self.us]

    def brink(self, position: tuple[int, int]) -> float:
        table = self.t.brink[self.profile]
        return sum(w * table[k][p] for w, k, p in self.mixture(position)) / 2**30

    def pair(self, table: list, position: tuple[int, int]) -> tuple[float, float]:
        """Return the chances of the first and of the second option."""
        first = second = 0.0
        for w, k, p in self.mixture(position):
            one, both = table[k][p]
            first += w * min(one, both) / 2**30
            second += w * max(both - one, 0) / 2**30
        return first, second

    # ---------------------------------------------------------------- a round

    def challenger(self, clock: int, rung: int, s: State) -> Iterator[tuple[float, int | End]]:
        """Yield what the challenger's turn may lead to: a rung, or an end."""
        if rung == 9:
            yield 1.0, End(5, 9, self.fought(s.fights))
            return
        revises = self.t.revision[0][clock] / 2**18
        position = self.view(s.supports, s.fights, s.belief)
        down, up = self.pair(self.t.challenger[self.profile][rung], position)
        if not self.may_rise(rung, s.fights):
            up = 0.0
        if rung >= 6:
            up *= self.authorise / 2**30
        yield revises * down, End(0, rung, self.fought(s.fights))
        yield 1.0 - revises * (down + up), rung
        jump = self.double / 2**30 if rung < 4 else 0.0
        if rung + 1 == 9:
            yield revises * up, End(5, 9, self.fought(s.fights))
        else:
            yield revises * up * (1.0 - jump), rung + 1
        war = self.brink(position) if rung == 3 else 1.0
        yield revises * up * jump * war, rung + 2
        yield revises * up * jump * (1.0 - war), rung + 1

    def decisions(self, clock: int, rung: int, s: State) -> Iterator[tuple[float, State]]:
        """Yield the states that the third parties' decisions may lead to."""
        pending = s.pending
        if s.fresh or rung > s.rung:
            inside = s.fights if rung >= 5 else s.supports
            pending = tuple(not x for x in inside)
        s = s._replace(rung=rung, fresh=False, pending=pending)
        yield from self.decide_from(0, clock, s)

    def decide_from(self, i: int, clock: int, s: State) -> Iterator[tuple[float, State]]:
        if i == self.n:
            yield 1.0, s
            return
        for weight, after in self.decide(i, clock, s):
            if weight > 0.0:
                for rest, final in self.decide_from(i + 1, clock, after):
                    yield weight * rest, final

    def decide(self, i: int, clock: int, s: State) -> Iterator[tuple[float, State]]:
        if not s.pending[i]:
            yield 1.0, s
            return
        now = self.t.resolve[clock][i] / 2**16
        yield 1.0 - now, s
        s = s._replace(pending=changed(s.pending, i, False))
        war = s.rung >= 5
        row = min(s.rung, 5) - 1 + int(war and s.supports[i])
        n = self.already_in(s.supports, s.fights)
        entry = self.t.decision[0][self.coerced][0][row][n][i]
        joins = entry[int(self.staunch[i])] / 2**30
        vetoed = self.t.veto[i] / 2**16
        stays = self.learnt(s, i, entry[2])
        comes = self.learnt(s, i, entry[3])
        if war:
            comes = comes._replace(fights=changed(s.fights, i, True))
        else:
            comes = comes._replace(supports=changed(s.supports, i, True))
        yield now * (1.0 - joins), stays
        yield now * joins * vetoed, s
        yield now * joins * (1.0 - vetoed), comes

    def learnt(self, s: State, i: int, news: int) -> State:
        """Return the state after the challenger has heard news of party `i`."""
        belief = max(-(2**19), min(2**19, s.belief[i] + news))
        return s._replace(belief=changed(s.belief, i, belief))

    def _defend(self, clock: int, s: State) -> list[tuple[float, State | End]]:
        """Return what the defender's turn leads to."""
        revises = self.t.revision[1][clock] / 2**18
        position = self.view(s.supports, s.fights, s.belief)
        status = int(self.us >= 0 and (s.supports[self.us] or s.fights[self.us]))
        concede, match = self.pair(self.t.defender[status][self.who][s.rung], position)
        spiral = self.t.spiral[s.rung] / 2**30 if self.may_rise(s.rung, s.fights) else 0.0
        if s.rung == 4:
            spiral *= self.brink(position)
        return [
            (1.0 - revises, s),
            (revises * concede, End(2, s.rung, self.fought(s.fights))),
            (revises * (1.0 - concede - match), s._replace(reciprocal=0)),
            (revises * match * (1.0 - spiral), s._replace(reciprocal=1)),
            (revises * match * spiral, s._replace(reciprocal=1, rung=s.rung + 1, fresh=True)),
        ]

    def turns(self, clock: int, rung: int, s: State) -> dict[State | End, float]:
        """Return the distribution after the two sides and the third parties had their turn."""
        result: dict[State | End, float] = defaultdict(float)
        for w1, at in self.challenger(clock, rung, s):
            if w1 <= 0.0:
                continue
            if isinstance(at, End):
                result[at] += w1
                continue
            for w2, settled in self.decisions(clock, at, s):
                for w3, final in self.defend(clock, settled):
                    if w2 * w3 > 0.0:
                        result[final] += w1 * w2 * w3
        return result

    def fought(self, fights: tuple[bool, ...]) -> int:
        return int(self.us >= 0 and fights[self.us])

    def winning(self, s: State) -> float:
        """Return the chance that the challenger wins a war."""
        power = 0
        for i in range(self.n):
            if s.fights[i]:
                away = i == self.us and self.host >= 0
                away = away and not (s.fights[self.host] or s.supports[self.host])
                power += self.power_without_host if away else self.t.true_power[i]
        k = min(power // 2**16, 255)
        low, high = self.t.victory[k], self.t.victory[k + 1]
        return (low + (high - low) * (power - k * 2**16) // 2**16) / 2**30

    # ---------------------------------------------------------------- the chain

    @cached_property
    def states(self) -> dict[State, tuple[float, dict, dict]]:
        """Enumerate reachable states: chance of an incident step, and what follows."""
        nobody = (False,) * self.n
        everybody = (True,) * self.n
        ahead = [State(r, 0, True, everybody, nobody, nobody, self.belief) for r in self.opening]
        found: dict[State, tuple[float, dict, dict]] = {}
        while ahead:
            s = ahead.pop()
            if s in found:
                continue
            up = self.t.incident[s.reciprocal][s.rung] / 2**30
            up = up if self.may_rise(s.rung, s.fights) else 0.0
            if s.rung == 4:
                up *= self.brink(self.view(s.supports, s.fights, s.belief))
            risen = self.turns(s.rung, s.rung + 1, s) if up > 0.0 else {}
            found[s] = (up, risen, self.turns(s.rung, s.rung, s))
            for after in found[s][1:]:
                ahead += [x for x in after if isinstance(x, State) and x not in found]
        return found

    def distribution(self, frailty: int) -> dict[End, float]:
        """Return the distribution over ends, given the class of frailty."""
        order = {s: k for k, s in enumerate(self.states)}
        ends: dict[End, int] = {}
        where: tuple[list, list, list] = ([], [], [])
        out: tuple[list, list, list] = ([], [], [])

        def put(row: int, target: State | End, weight: float) -> None:
            rows, columns, values = where if isinstance(target, State) else out
            column = order[target] if isinstance(target, State) else ends.setdefault(
                target, len(ends)
            )
            rows.append(row), columns.append(column), values.append(weight)

        for s, row in order.items():
            up, risen, stayed = self.states[s]
            stops = (1.0 - up) * self.t.ending[frailty][s.rung] / 2**30
            for target, weight in risen.items():
                put(row, target, up * weight)
            for target, weight in stayed.items():
                put(row, target, (1.0 - up - stops) * weight)
            us = self.fought(s.fights)
            win = self.winning(s) if s.rung >= 5 else 0.0
            if s.rung < 5:
                put(row, End(1, s.rung, us), stops)
            else:
                put(row, End(3, s.rung, us), stops * win)
                put(row, End(4, s.rung, us), stops * (1.0 - win))
        n = len(order)
        step = csr_matrix((where[2], (where[0], where[1])), shape=(n, n)).T.tocsr()
        leave = csr_matrix((out[2], (out[0], out[1])), shape=(n, len(ends))).T.tocsr()
        mass = np.zeros(n)
        start = next(s for s in order if s.rung == 1 and s.fresh and s.belief == self.belief)
        for rung, chance in self.opening.items():
            mass[order[start._replace(rung=rung)]] = chance
        total = np.zeros(len(ends))
        for _ in range(ROUNDS):
            total += leave @ mass
            mass = step @ mass
        result = {end: float(total[k]) for end, k in ends.items()}
        for s, k in order.items():
            end = End(6, s.rung, self.fought(s.fights))
            result[end] = result.get(end, 0.0) + float(mass[k])
        return result


def distribution(tables: Tables, cell: int, grave: int) -> np.ndarray:
    """Return the chance of (end state, peak rung, us fought) in the first dispute.

    Averages over resolve types, third parties' types, first beliefs, coercion, opening rung
    and frailty. Shape (7, 10, 2).
    """
    t = Tables(*(array[cell] for array in tables))
    n = t.veto.shape[0]
    coercion = t.scalar[formats.SCALAR_WEDGE] / 2**16 if grave else 0.0
    errors, how_often = np.unique(t.belief_error, return_counts=True)
    frailties, first, among = np.unique(t.ending, axis=0, return_index=True, return_counts=True)
    result = np.zeros((7, 10, 2))
    for c, d, coerced in product((0, 1), (0, 1), (False, True)):
        for staunch in product((False, True), repeat=n):
            for error in product(range(len(errors)), repeat=n):
                weight = 0.25 * (coercion if coerced else 1.0 - coercion)
                for i in range(n):
                    is_staunch = t.staunch[i] / 2**30
                    weight *= is_staunch if staunch[i] else 1.0 - is_staunch
                    weight *= how_often[error[i]] / 256
                if weight == 0.0:
                    continue
                belief = tuple(int(t.belief_start[i] + errors[error[i]]) for i in range(n))
                chain = Chain(tables, cell, grave, c, d, coerced, staunch, belief)
                for which, number in zip(first, among, strict=True):
                    part = weight * number / len(t.ending)
                    for end, chance in chain.distribution(int(which)).items():
                        result[end] += part * chance
    assert frailties.shape[0] == len(first)
    return result
