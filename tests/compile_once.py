"""Compile the model and the kernel once, before the workers of the suite start side by side.

Each worker would otherwise compile all of it by itself. What is compiled is kept on disk, as in any
run of the package: what `python tests/compile_once.py kernel log record` compiles, and
`... rules`, share no function, so that two processes can work side by side.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SHARES = (("kernel", "log", "record"), ("rules",))
"""What each of two processes compiles; the work is about the same."""


def compile_kernel() -> None:
    """Compile one trajectory, and what adds blocks up, on tables of zeros."""
    import numpy as np

    from escalation.contracts.tables import empty_tables
    from escalation.kernel.checksum import table_checksums
    from escalation.simulation.threads import simulate_block

    tables = empty_tables(1, 1, 1, 2, 2)
    simulate_block(tables, 1, np.zeros(1, np.int64), 0, 1)
    table_checksums(tables)


def compile_log() -> None:
    """Compile one trajectory that tells what it does."""
    from escalation.contracts.tables import empty_tables
    from escalation.simulation.threads import log_trajectory

    log_trajectory(empty_tables(1, 1, 1, 2, 2), 0, 1, 0, 0)


def compile_rules() -> None:
    """Compile the tables of one cell under every rule."""
    from escalation.contracts.codes import DECISION_RULES

    for rule in DECISION_RULES:
        compile_tables(rule)


def compile_tables(rule: str = "expected_utility") -> None:
    """Compile the tables of one cell under one rule."""
    import cells

    from escalation.model.compile import compile_block, onset_anchor

    study, draws = cells.shipped_study(), cells.defaults()
    flashpoint, structure = study.flashpoints["taiwan_strait"], study.structures["hub_and_spoke"]
    anchor = onset_anchor(study, flashpoint, draws, rule)
    compile_block(study, flashpoint, structure, draws, anchor, rule=rule)


def compile_record() -> None:
    """Compile the exact chain of the record."""
    import cells
    import records

    from escalation.history.likelihood import solve

    solve(records.features(), cells.defaults())


def nothing_compiled() -> bool:
    """Whether the folder of compiled code holds nothing made from the sources as they are."""
    import numba


    folder = numba.config.CACHE_DIR
    return bool(folder) and not any(Path(folder).rglob("*.nbi"))


def compile_all() -> None:
    """Compile both shares, side by side."""
    running = [
        subprocess.Popen([sys.executable, __file__, *share], cwd=Path(__file__).parent)
        for share in SHARES
    ]
    for process in running:
        process.wait()


if __name__ == "__main__":
    parts = {
        "kernel": compile_kernel, "log": compile_log, "record": compile_record,
        "rules": compile_rules, "tables": compile_tables,
    }  # fmt: skip
    for name in sys.argv[1:]:
        parts[name]()
