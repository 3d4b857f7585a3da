"""Made-up disputes of the record, and a player of records that owes nothing to the filter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import backtest_rows
import numpy as np

from escalation.archive.dispute_table import Disputes
from escalation.history.features import Features, Record
from escalation.history.likelihood import Solved

LOW, HIGH = 0, 1


def features(**columns: Any) -> Features:
    """Return features of disputes of equals, far apart, without allies, but for what is given."""
    n = max((np.size(values) for values in columns.values()), default=1)
    values = {
        "defender_power": 1.0, "ally_power": 0.0, "n_allies": 0.0, "umbrella": False,
        "land": False, "sea": False, "shared": 0.0, "decade": 0.0, "after_1990": False,
        "china": False,
    } | columns  # fmt: skip
    return Features(**{name: np.resize(value, n) for name, value in values.items()})


def table(n: int, seed: int, pairs: int | None = None) -> Disputes:
    """Return `n` disputes between random pairs, four a pair by default; outcomes mean nothing.

    Half of the targets have allies, and half of those a nuclear one.
    """
    rng = np.random.default_rng([seed, 21])
    pairs = max(n // 4, 1) if pairs is None else pairs
    rows = []
    for i in range(n):
        a = 100 + 2 * int(rng.integers(pairs))
        year, allies = int(rng.integers(1946, 2015)), int(rng.integers(2) * rng.integers(1, 6))
        apart, total = np.sort(rng.uniform(0.002, 0.2, 2))
        level = int(rng.choice([2, 3, 4, 5], p=[0.1, 0.3, 0.55, 0.05]))
        rows.append(
            backtest_rows.dispute(
                row=i + 2,
                dispnum=i + 1,
                year=year,
                dyad=f"{a}>{a + 1}" if rng.random() < 0.5 else f"{a + 1}>{a}",
                hostlev=level,
                recip=int(rng.random() < 0.5),
                maxdur=float(rng.choice([1, 20, 100, 400])),
                contiguity=int(rng.choice([1, 2, 6])),
                initiator_cinc=float(np.exp(rng.normal(-4.5, 1.0))),
                target_cinc=float(np.exp(rng.normal(-4.5, 1.0))),
                n_target_defenders=allies,
                target_defender_cinc=float(total) if allies else 0.0,
                target_unshared_defender_cinc=float(apart) if allies else 0.0,
                target_has_unshared_nuclear_defender=int(allies > 0 and rng.random() < 0.5),
                n_defenders_joined_target=int(allies > 0 and rng.random() < 0.1),
                china_initiator=int(rng.random() < 0.1),
            )
        )
    return Disputes.of(rows)


def played(record: Record, solved: Solved, turnover: float, seed: int) -> np.ndarray:
    """Play a record one dispute after the other; returns the cells, shape (n,).

    Parameters
    ----------
    record : Record
        Sorted by pair and date; its own cells are not looked at.
    solved : Solved
        Its disputes under one draw of the parameters.
    turnover : float
        Rate per year at which a side's type is redrawn.
    seed : int
        Seed of the outcomes.
    """
    rng = np.random.default_rng([seed, 22])
    cells = np.zeros(record.n, int)
    for i, mixture in predicted(record, solved, turnover, cells):
        cells[i] = rng.choice(len(mixture), p=mixture)
    return cells


def log_chance(record: Record, solved: Solved, turnover: float) -> float:
    """Return the log of the chance of a record's cells under one draw of the parameters."""
    found = predicted(record, solved, turnover, record.cell)
    return float(sum(np.log(mixture[record.cell[i]]) for i, mixture in found))


def predicted(
    record: Record, solved: Solved, turnover: float, cells: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each dispute and the chances of its cells; then `cells` says what happened."""
    chances, onset = solved.cells[0], solved.outcome.onset[0].sum(axis=-1)
    belief: dict[tuple[int, int], float] = {}
    for i in range(record.n):
        if i == 0 or record.pair[i] != record.pair[i - 1]:
            belief = {(one, two): 0.25 for one in (LOW, HIGH) for two in (LOW, HIGH)}
        else:
            stays = np.exp(-turnover * (record.year[i] - record.year[i - 1]))
            belief = later(belief, stays)
        roles = {types: types[::-1] if record.reversed_[i] else types for types in belief}
        met = {types: belief[types] * onset[i, roles[types][0]] for types in belief}
        by_types = {types: chances[i, roles[types][0] + 2 * roles[types][1]] for types in belief}
        mixture = sum(met[types] * by_types[types] for types in belief)
        yield i, mixture / mixture.sum()
        if record.learnt[i]:
            belief = {types: met[types] * by_types[types][cells[i]] for types in belief}
            total = sum(belief.values())
            belief = {types: value / total for types, value in belief.items()}


def later(belief: dict[tuple[int, int], float], stays: float) -> dict[tuple[int, int], float]:
    """Return a belief over the types of two sides after some time."""

    def moves(before: int, after: int) -> float:
        return stays * (before == after) + (1.0 - stays) / 2

    return {
        (one, two): sum(
            weight * moves(old[0], one) * moves(old[1], two) for old, weight in belief.items()
        )
        for one, two in belief
    }
