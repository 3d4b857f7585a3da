"""Compile the model and the kernel once, before the workers of the suite start side by side.

Each worker would otherwise compile all of it by itself. What is compiled is kept on disk, as in any
run of the package: `python tests/compile_once.py kernel` and `... model` share no function, so
the two processes can work side by side.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PARTS = ("kernel", "model")


def compile_kernel() -> None:
    """Compile one trajectory, its log, and what adds blocks up, on tables of zeros."""
    import numpy as np

    from escalation.contracts.tables import empty_tables
    from escalation.kernel.checksum import table_checksums
    from escalation.simulation.threads import log_trajectory, simulate_block

    tables = empty_tables(1, 1, 1, 2, 2)
    simulate_block(tables, 1, np.zeros(1, np.int64), 0, 1)
    log_trajectory(tables, 0, 1, 0, 0)
    table_checksums(tables)


def compile_model() -> None:
    """Compile the tables of one cell under every rule, and the exact chain of the record."""
    import cells
    import records

    from escalation.contracts.codes import DECISION_RULES
    from escalation.history.predict import solve
    from escalation.model.compile import compile_block, onset_anchor

    study, draws = cells.shipped_study(), cells.defaults()
    place, structure = study.flashpoints["taiwan_strait"], study.structures["hub_and_spoke"]
    for rule in DECISION_RULES:
        anchor = onset_anchor(study, place, draws, rule)
        compile_block(study, place, structure, draws, anchor, rule=rule)
    solve(records.features(), draws)


def nothing_compiled() -> bool:
    """Whether the folder of compiled code holds nothing made from the sources as they are."""
    import numba


    folder = numba.config.CACHE_DIR
    return bool(folder) and not any(Path(folder).rglob("*.nbi"))


def compile_all() -> None:
    """Compile both parts, side by side."""
    running = [
        subprocess.Popen([sys.executable, __file__, part], cwd=Path(__file__).parent)
        for part in PARTS
    ]
    for process in running:
        process.wait()


if __name__ == "__main__":
    {"kernel": compile_kernel, "model": compile_model}[sys.argv[1]]()
