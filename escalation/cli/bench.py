"""Measuring the kernel on the machine at hand.

Every comparison is interleaved (A B A B ...) in one process and reported as the median of
the ratios, because shared machines drift. The yardstick is a bare scalar loop that draws
the same number of 64-bit words from the same generator and compares each with a threshold
from a table. Two forms of it stand in the table: one branches on every comparison, as a
simulation must, the other counts without branching, the least that a processor can do.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from escalation.contracts.tables import Tables
from escalation.contracts.tallies import TOTAL_ROUNDS, TOTAL_WORDS, Tallies
from escalation.kernel.jit import jit
from escalation.kernel.rng import stream, word
from escalation.model.compile import compile_block, onset_anchor
from escalation.model.draws import default_draws, draw_parameters
from escalation.simulation.threads import available_threads, simulate_block
from escalation.study.schema import Study

_HIGH30 = np.uint64(34)
_MILLION = 1_000_000


@dataclass(frozen=True)
class Row:
    """One measured figure."""

    name: str
    value: str
    note: str


@jit
def bare_loop(seed, n, words, thresholds, tally):  # type: ignore[no-untyped-def]
    """Draw `words` words for each of `n` streams, compare each and branch."""
    for k in range(n):
        start, step = stream(seed, np.uint64(0), np.uint64(k))
        for slot in range(words):
            if np.int64(word(start, step, slot) >> _HIGH30) < thresholds[slot & 63]:
                tally[slot & 63] += 1


@jit
def bare_loop_straight(seed, n, words, thresholds, tally):  # type: ignore[no-untyped-def]
    """Do the same without a branch."""
    for k in range(n):
        start, step = stream(seed, np.uint64(0), np.uint64(k))
        for slot in range(words):
            hit = np.int64(word(start, step, slot) >> _HIGH30) < thresholds[slot & 63]
            tally[slot & 63] += 1 if hit else 0


def measure(study: Study, *, quick: bool = False, full: bool = False) -> list[Row]:
    """Measure everything and return the table's rows.

    Parameters
    ----------
    study : Study
        Study whose cells are run.
    quick : bool
        Tiny sizes: checks that the benchmarks work, the figures mean nothing.
    full : bool
        Also measure peak memory up to 1e8 trajectories, which takes minutes.
    """
    repeats, n = (2, 200) if quick else (7, 160_000)
    cells = _cells(study)
    rows = _kernel_rows(cells, n, repeats)
    rows += _thread_rows(cells, n, repeats)
    rows += _table_rows(study, 4 if quick else 64, repeats)
    rows += _python_rows(study, 20 if quick else 200)
    rows += _start_rows(quick)
    sizes = (10**5, 10**6, 10**7, 10**8) if full else (10**5, 10**6, 10**7)
    return rows + _memory_rows(study, (300,) if quick else sizes, 1 if quick else 64)


def format_table(rows: list[Row]) -> str:
    """Return the rows as aligned text."""
    width = max(len(row.name) for row in rows)
    return "\n".join(f"{row.name:<{width}}  {row.value:>14}  {row.note}" for row in rows)


def _cells(study: Study) -> Tables:
    """Return every structure of every flashpoint at defaults, as blocks of one cell."""
    draws = default_draws(study.parameters)
    blocks = []
    for flashpoint in study.flashpoints.values():
        anchor = onset_anchor(study, flashpoint, draws)
        blocks += [
            compile_block(study, flashpoint, structure, draws, anchor)
            for structure in study.structures.values()
        ]
    parties = blocks[0].veto.shape[1]
    same = [block for block in blocks if block.veto.shape[1] == parties]
    return Tables(*(np.concatenate(arrays) for arrays in zip(*same, strict=True)))


def _seconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def _interleaved(
    a: Callable[[], object], b: Callable[[], object], repeats: int
) -> tuple[float, float, float]:
    """Return median seconds of both and the median of their ratios a / b."""
    a(), b()
    pairs = [(_seconds(a), _seconds(b)) for _ in range(repeats)]
    median = statistics.median
    return (
        median(x for x, _ in pairs),
        median(y for _, y in pairs),
        median(x / y for x, y in pairs),
    )


def _play(cells: Tables, n: int, threads: int) -> Tallies:
    keys = np.zeros(cells.veto.shape[0], np.int64)
    return simulate_block(cells, 1, keys, 0, n, threads=threads)


def _kernel_rows(cells: Tables, n: int, repeats: int) -> list[Row]:
    n_cells = cells.veto.shape[0]
    n = max(n // n_cells, 10)
    total = _play(cells, n, 1).total.sum(axis=0)
    histories = n * n_cells
    words = round(total[TOTAL_WORDS] / histories)
    thresholds, tally = np.full(64, 1 << 27), np.zeros(64, np.int64)
    arguments = (np.uint64(1), histories, words, thresholds, tally)
    kernel, bare, ratio = _interleaved(
        lambda: _play(cells, n, 1), lambda: bare_loop(*arguments), repeats
    )
    _, straight, straight_ratio = _interleaved(
        lambda: _play(cells, n, 1), lambda: bare_loop_straight(*arguments), repeats
    )
    return [
        Row(
            "kernel, per history",
            f"{kernel / histories * 1e6:.2f} us",
            f"1 thread, {n_cells} cells at defaults",
        ),
        Row(
            "kernel, per round",
            f"{kernel / total[TOTAL_ROUNDS] * 1e9:.0f} ns",
            f"{total[TOTAL_ROUNDS] / histories:.1f} rounds per history",
        ),
        Row(
            "kernel, per random word",
            f"{kernel / total[TOTAL_WORDS] * 1e9:.1f} ns",
            f"{words} words per history",
        ),
        Row(
            "bare loop, per word",
            f"{bare / (words * histories) * 1e9:.2f} ns",
            "draws, compares, branches (one in eight taken)",
        ),
        Row(
            "kernel / bare loop", f"{ratio:.2f}", f"same number of words, median of {repeats} pairs"
        ),
        Row(
            "branch-free loop, per word",
            f"{straight / (words * histories) * 1e9:.2f} ns",
            "draws, compares, counts",
        ),
        Row(
            "kernel / branch-free loop",
            f"{straight_ratio:.2f}",
            f"same number of words, median of {repeats} pairs",
        ),
    ]


def _thread_rows(cells: Tables, n: int, repeats: int) -> list[Row]:
    if available_threads() < 2:
        return [Row("two threads / one", "-", "only one thread here")]
    n = max(n // cells.veto.shape[0], 10)
    _, _, ratio = _interleaved(lambda: _play(cells, n, 1), lambda: _play(cells, n, 2), repeats)
    return [
        Row("two threads against one", f"{ratio:.2f} x", f"speed-up, median of {repeats} pairs")
    ]


def _table_rows(study: Study, n_draws: int, repeats: int) -> list[Row]:
    """Measure table compilation beside the simulation of the same cells."""
    flashpoint = next(iter(study.flashpoints.values()))
    structure = study.structures[study.reference]
    draws = draw_parameters(study.parameters, n_draws, 1)
    anchor = onset_anchor(study, flashpoint, draws)
    tables = compile_block(study, flashpoint, structure, draws, anchor)
    size = sum(array.nbytes for array in tables) / n_draws
    n = study.plan.trajectories if n_draws > 4 else 100

    def compile_() -> None:
        onset_anchor(study, flashpoint, draws)
        compile_block(study, flashpoint, structure, draws, anchor)

    compile_s, _play_s, ratio = _interleaved(
        compile_, lambda: simulate_block(tables, 1, np.arange(n_draws), 0, n), min(repeats, 5)
    )
    return [
        Row(
            "tables, per cell",
            f"{compile_s / n_draws * 1e3:.2f} ms",
            f"{size / 1e3:.0f} kB each, all threads",
        ),
        Row(
            "tables / (tables + simulation)",
            f"{ratio / (1 + ratio):.1%}",
            f"{n} histories per cell, all threads",
        ),
    ]


_PLAIN = """
import json, sys, time, numpy as np
import escalation
from escalation.simulation.threads import simulate_block
from escalation.model.compile import compile_block, onset_anchor
from escalation.model.compile import Grid
from escalation.model.draws import default_draws
study = escalation.Study.model_validate_json(sys.stdin.read())
point = next(iter(study.flashpoints.values()))
draws = default_draws(study.parameters)
np.seterr(over="ignore")
grid = Grid(4, 5)
anchor = onset_anchor(study, point, draws)
tables = compile_block(study, point, study.structures[study.reference], draws, anchor, grid)
n = int(sys.argv[1])
simulate_block(tables, 1, np.array([0]), 0, 1)
begin = time.perf_counter()
tallies = simulate_block(tables, 1, np.array([0]), 0, n, threads=1)
seconds = time.perf_counter() - begin
print(json.dumps([seconds / n, tallies.worst_rung[0].tolist()]))
"""


def _python_rows(study: Study, n: int) -> list[Row]:
    """Compare with the same source run by the Python interpreter."""
    text = study.model_dump_json()

    def per_history(size: int, plain: bool) -> float:
        environment = dict(os.environ, NUMBA_DISABLE_JIT="1" if plain else "0")
        answer = subprocess.run(
            [sys.executable, "-c", _PLAIN, str(size)],
            input=text,
            text=True,
            capture_output=True,
            check=True,
            env=environment,
        )
        return float(json.loads(answer.stdout)[0])

    ratio = per_history(n, plain=True) / per_history(n * 200, plain=False)
    return [
        Row(
            "plain Python / kernel",
            f"{ratio:,.0f}",
            "the same source with the compiler off, one cell",
        )
    ]


def _start_rows(quick: bool) -> list[Row]:
    """Measure how long the first call takes, with and without compiled code on disk."""
    code = (
        "import time; t = time.perf_counter(); import escalation.simulation.threads as e, "
        "escalation.model.compile as c, numpy as np; "
        "from escalation.contracts.tables import empty_tables; "
        "b = empty_tables(1, 2, 1, 2, 2); e.simulate_block(b, 1, np.array([0]), 0, 1); "
        "print(time.perf_counter() - t)"
    )

    def start(cache: str) -> float:
        answer = subprocess.run(
            [sys.executable, "-c", code],
            text=True,
            capture_output=True,
            check=True,
            env=dict(os.environ, **({"XDG_CACHE_HOME": cache} if cache else {})),
        )
        return float(answer.stdout)

    if quick:  # compiling everything anew is most of what this takes
        return [Row("first call later", f"{start(''):.1f} s", "compiled code found on disk")]
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = start(cache), start(cache)
    return [
        Row("first call ever", f"{cold:.1f} s", "imports and compiles the kernel"),
        Row("first call later", f"{warm:.1f} s", "compiled code found on disk"),
    ]


_MEMORY = """
import resource, sys, escalation
study = escalation.Study.model_validate_json(sys.stdin.read())
size, draws = int(sys.argv[1]), int(sys.argv[2])
cells = len(study.flashpoints) * len(study.structures) * draws
escalation.run(study, draws=draws, trajectories=max(size // cells, 1), sweep=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def _memory_rows(study: Study, sizes: tuple[int, ...], draws: int) -> list[Row]:
    """Measure peak memory of whole runs of more and more histories."""
    text = study.model_dump_json()
    rows, base = [], 0.0
    for size in sizes:
        answer = subprocess.run(
            [sys.executable, "-c", _MEMORY, str(size), str(draws)],
            input=text,
            text=True,
            capture_output=True,
            check=True,
        )
        peak = int(answer.stdout) / 1024
        base = base or peak
        rows.append(
            Row(
                f"peak memory, {size:.0e} histories",
                f"{peak:.0f} MB",
                f"{peak / base:.2f} x the first row",
            )
        )
    return rows
