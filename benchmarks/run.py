"""Print the benchmark table, with the independent plain-Python player of ``tests/`` added.

Usage: python benchmarks/run.py [--quick] [--full]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402

from escalation.cli.bench import Row, format_table, measure  # noqa: E402
from escalation.model.compile import compile_block, onset_anchor  # noqa: E402
from escalation.model.draws import default_draws  # noqa: E402
from escalation.simulation.threads import simulate_block  # noqa: E402
from escalation.study import Study, load_study  # noqa: E402


def player_row(study: Study, n: int) -> Row:
    """Compare the kernel with the plain-Python player on one cell."""
    import player

    place = next(iter(study.flashpoints.values()))
    draws = default_draws(study.parameters)
    structure = study.structures[study.reference]
    tables = compile_block(study, place, structure, draws, onset_anchor(study, place, draws))
    key = np.array([0])
    simulate_block(tables, 1, key, 0, 10, threads=1)
    begin = time.perf_counter()
    simulate_block(tables, 1, key, 0, n * 1_000, threads=1)
    kernel = (time.perf_counter() - begin) / (n * 1_000)
    begin = time.perf_counter()
    player.Player(tables, 0).play(1, 0, 0, n)
    slow = (time.perf_counter() - begin) / n
    return Row("plain-Python player / kernel", f"{slow / kernel:,.0f}", "same tables, one cell")


def main(arguments: list[str]) -> None:
    """Measure and print."""
    study = load_study(ROOT / "configs" / "asian_nato.yaml")
    quick = "--quick" in arguments
    rows = measure(study, quick=quick, full="--full" in arguments)
    rows.append(player_row(study, 5 if quick else 300))
    print(format_table(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
