"""Synthetic disputes and crises for the tests of the backtest, and predictors to score."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from escalation.archive.crisis_table import COLUMNS as CRISIS_COLUMNS
from escalation.archive.crisis_table import TRIGGERS, VIOLENCE
from escalation.archive.dispute_table import COLUMNS, Disputes

DISPUTE: dict[str, Any] = dict.fromkeys(COLUMNS, 0) | {
    "dispnum": 1,
    "year": 1960,
    "hostlev": 4,
    "mindur": 10,
    "maxdur": 10,
    "n_side_a": 1,
    "n_side_b": 1,
    "initiator_cinc": 0.02,
    "target_cinc": 0.01,
    "contiguity": 1,
    "dyad": "2>365",
}
CRISIS: dict[str, Any] = {
    "crisno": 110,
    "crisname": "A CRISIS",
    "year": 1960,
    "trigger": "violent act",
    "violence": "minor_clashes",
    "us_involvement": "low",
    "ussr_russia_involvement": "",
    "form_of_outcome": "other",
    "n_actors": 2,
    "n_nuclear_actors": 0,
    "china_actor": 0,
    "duration_days": 30,
}
WEIGHTS = {"land": 1.2, "post": -0.9}
"""How strongly a land border and the period act on reciprocation in `synthetic`."""


def write(path: Path, rows: list[dict[str, Any]], columns: tuple[str, ...] = COLUMNS) -> Path:
    """Write rows as CSV."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def dispute(**changes: Any) -> dict[str, Any]:
    return DISPUTE | changes


def crises_file(path: Path, n: int = 40, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    rows = [
        CRISIS | {"crisno": i, "violence": VIOLENCE[k], "trigger": TRIGGERS[k]}
        for i, k in enumerate(rng.integers(0, 4, n))
    ]
    return write(path, rows, CRISIS_COLUMNS)


def synthetic_rows(n: int, seed: int, first: int = 0) -> list[dict[str, Any]]:
    """Disputes of random pairs whose reciprocation follows a logit in land and period."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        a, b = sorted(rng.choice(np.arange(100, 140), 2, replace=False))
        land, year = int(rng.integers(0, 2)), int(rng.integers(1946, 2015))
        z = WEIGHTS["land"] * (land - 0.5) + WEIGHTS["post"] * ((year >= 1990) - 0.4)
        defenders = int(rng.integers(0, 3))
        rows.append(
            dispute(
                dispnum=first + i,
                year=year,
                dyad=f"{a}>{b}" if rng.random() < 0.5 else f"{b}>{a}",
                recip=int(rng.random() < 1 / (1 + np.exp(-z))),
                hostlev=int(rng.choice([2, 3, 4, 5], p=[0.1, 0.25, 0.6, 0.05])),
                contiguity=1 if land else 6,
                n_target_defenders=defenders,
                n_defenders_joined_target=int(defenders > 0 and rng.random() < 0.1),
                target_has_unshared_nuclear_defender=int(rng.random() < 0.3),
                maxdur=int(rng.choice([1, 20, 100, 400])) if rng.random() < 0.95 else -9,
                initiator_cinc=float(rng.uniform(0.001, 0.1)),
                target_cinc=float(rng.uniform(0.001, 0.1)),
            )
        )
    return rows


def synthetic(n: int, seed: int, first: int = 0) -> Disputes:
    """Table of `synthetic_rows`."""
    rows = synthetic_rows(n, seed, first)
    for i, row in enumerate(rows):
        row["row"] = i + 2
        row["maxdur"] = np.nan if row["maxdur"] < 0 else row["maxdur"]
    return Disputes.of(rows)


def prediction(disputes: Disputes, recip: np.ndarray | float = 0.5, draws: int | None = 20) -> Any:
    """Constant probabilities, the true shares of `synthetic`, but for reciprocation."""
    n = len(disputes)
    reciprocation = np.broadcast_to(np.asarray(recip, float), n)
    joining = np.where(disputes.n_target_defenders > 0, 0.1, 0.0)
    level = np.tile([0.1, 0.25, 0.6, 0.05], (n, 1))
    constant = {"use": np.full(n, 0.65), "war": np.full(n, 0.05),
                "reciprocation": reciprocation, "joining": joining}  # fmt: skip
    return SimpleNamespace(
        level=level,
        reciprocation=reciprocation,
        joining=joining,
        duration=np.full((n, 4), 0.25),
        per_draw=None
        if draws is None
        else {name: np.tile(p, (draws, 1)) for name, p in constant.items()},
    )


class FakePredictor:
    """Predicts `prediction` and equal chances for crises; remembers what it was asked."""

    def __init__(self, recip: float = 0.5) -> None:
        self.recip, self.asked = recip, {}

    def predict_disputes(self, disputes: Disputes, history: Disputes | None, *, prior: bool) -> Any:
        self.asked = {"history": history, "prior": prior}
        return prediction(disputes, self.recip)

    def predict_crises(self, crises: Any, *, prior: bool) -> np.ndarray:
        return np.full((len(crises), 4), 0.25)

    def provenance(self, *, prior: bool) -> dict[str, Any]:
        return {"fitted_on": "nothing"}
