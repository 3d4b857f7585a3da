"""The compiled kernel equals the plain-Python player, step for step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cells
import numpy as np
import pytest
from player import MINUS_LOG, POINTS, SIGMA, Player, curve, minus_log

from escalation.contracts import codes
from escalation.contracts.tables import Tables
from escalation.contracts.tallies import Tallies
from escalation.kernel.survival import exponential, logistic
from escalation.simulation.threads import log_trajectory, simulate_block

KINDS = codes.LOG_GATE + 1
HERE = Path(__file__).resolve().parent


def differing(a: Tallies, b: Tallies) -> list[str]:
    """Return the fields in which two single tallies differ."""
    return [f for f, x, y in zip(a._fields, a, b, strict=True) if not np.array_equal(x, y)]


def first(tallies: Tallies) -> Tallies:
    return Tallies(*(array[0] for array in tallies))


def tough_block() -> Tables:
    """Return cells that are rich in what is rare: war, coalitions, exits, nuclear steps."""
    often = cells.pinned(
        cells.sampled(2, seed=8), incident_scale=4.0, spiral_scale=5.0, double_step=0.5,
        inadvertent_scale=10.0, nuclear_authorisation=0.9, turnover=0.5,
        joining_intercept=1.0, reputation=2.0, choice_precision=2.0, challenger_war_cost=0.1,
        nuclear_shadow=0.05, wedge_probability=0.9, aftershock_branching=0.8, veto_scale=2.0,
    )
    loose = cells.pinned(cells.sampled(2, seed=8), exit_rate=2.0, exit_stake=0.1, turnover=0.3)
    lonely = cells.pinned(often, joining_intercept=-4.0, choice_precision=0.0)
    tables = cells.stacked(
        cells.compiled("second_thomas_shoal", "us_retrenchment", lonely),
        cells.compiled("second_thomas_shoal", "asian_nato", often),
        cells.compiled("second_thomas_shoal", "hub_and_spoke", often),
        cells.compiled("second_thomas_shoal", "asian_nato", loose),
    )
    return tables._replace(onset=np.full_like(tables.onset, 1 << 23))


@pytest.mark.parametrize("x", [-(2**21), -(2**20), -70_001, -1, 0, 1, 1023, 333_333, 2**20, 2**22])
def test_logistic(x: int) -> None:
    assert logistic(x) == curve(SIGMA, x)
    assert logistic(x) / 2**30 == pytest.approx(
        1 / (1 + np.exp(-max(min(x / 2**16, 16), -16))), abs=4e-6
    )


@pytest.mark.parametrize("bits", [0, 1, 17, 2**20, 2**28 - 1, 2**28, 3 * 2**30, 2**32 - 1])
def test_exponential(bits: int) -> None:
    assert exponential(bits) == minus_log(bits)
    assert exponential(bits) / 2**26 == pytest.approx(-np.log((bits | 1) / 2**32), abs=4e-5)


def test_curves_are_tabulated_at_equal_points() -> None:
    assert len(POINTS) == len(SIGMA) == 2049
    assert MINUS_LOG[1024] == 0


def test_varied_cells_trajectory_by_trajectory(varied: Tables) -> None:
    """Every structure in four parameter draws: log and tallies of each trajectory."""
    for cell in range(varied.veto.shape[0]):
        player = Player(varied, cell)
        alone = cells.chosen(varied, cell)
        for trajectory in range(8):
            plain = player.play(3, 0, trajectory)
            assert plain.log == log_trajectory(varied, cell, 3, 0, trajectory).tolist()
            compiled = cells.count(alone, 1, seed=3, first=trajectory)
            assert differing(plain.tallies(), first(compiled)) == []


def test_tough_cells_trajectory_by_trajectory() -> None:
    """The rare paths: every event of the log and every end state occurs, and agrees."""
    tables = tough_block()
    kinds: set[int] = set()
    ends: set[int] = set()
    for cell in range(tables.veto.shape[0]):
        player = Player(tables, cell)
        alone = cells.chosen(tables, cell)
        for trajectory in range(25):
            plain = player.play(2**64 - 1, 9, trajectory)
            log = log_trajectory(tables, cell, 2**64 - 1, 9, trajectory)
            assert plain.log == log.tolist()
            compiled = simulate_block(alone, 2**64 - 1, np.array([9]), trajectory, 1)
            assert differing(plain.tallies(), first(compiled)) == []
            kinds |= {row[0] for row in plain.log}
            ends |= {row[4] for row in plain.log if row[0] == codes.LOG_END}
    assert kinds == set(range(KINDS))
    assert {0, 1, 2, 3, 4, 5} <= ends


def test_a_whole_cell(varied: Tables) -> None:
    """One cell's counts over a range of trajectories, in one go."""
    cell = 5
    plain = Player(varied, cell).play(11, 0, 100, 700).tallies()
    assert differing(plain, first(cells.count(cells.chosen(varied, cell), 700, 11, 100))) == []


def test_a_changed_threshold_shows(varied: Tables) -> None:
    """Negative control: a chance of an incident one permille higher, and the counts part."""
    incident = varied.incident.copy()
    incident[5, :, 1:5] += 1 << 20
    other = Player(varied._replace(incident=incident), 5).play(11, 0, 100, 700).tallies()
    parted = differing(other, first(cells.count(cells.chosen(varied, 5), 700, 11, 100)))
    assert "crisis" in parted


SCRIPT = """
import json
import cells
tallies = cells.count(cells.chosen(cells.varied_block(), 3, 20), 4, seed=5, threads=1)
print(json.dumps([array.tolist() for array in tallies]))
"""


def test_without_compilation(varied: Tables) -> None:
    """The same modules, run by the Python interpreter, give the same counts."""
    environment = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]),
    }
    # NumPy warns of the wrap-around that unsigned arithmetic is used for.
    done = subprocess.run(
        [sys.executable, "-W", "ignore::RuntimeWarning", "-c", SCRIPT],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    compiled = cells.count(cells.chosen(varied, 3, 20), 4, seed=5)
    assert json.loads(done.stdout) == [array.tolist() for array in compiled]
