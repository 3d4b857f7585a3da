"""Public batteries of statistical tests on the streams that the model's keys make.

Two suites read each stream as 32-bit numbers: a part of dieharder (R. G. Brown, 3.31:
Marsaglia's Diehard, tests of NIST's STS and its own) and SmallCrush of TestU01. A suite
that is not installed is skipped.

The rule, stated in advance. Every test gives one p-value: two-sided, ``2 min(p, 1 - p)``;
of a test that dieharder repeats, the exact one of Kolmogorov and Smirnov over the
repetitions (its own measures distances from i / (n + 1), which with few repetitions puts
too many p-values near one). Let ``m`` be the number of p-values of both suites over all
streams. One below ``LEVEL / 2 m`` fails. Where one is below ``AGAIN``, its command is run
once more with another seed, and fails if it is then below ``LEVEL / (2 m AGAIN)``. A
perfect generator then fails anywhere with a chance of at most ``LEVEL``, however much the
tests depend on each other. Seeds are fixed, so that a verdict does not change from run to
run.

Controls: Philox4x64, a generator of another family, passes by the same rule, so that the
suites' own approximations do not decide; and streams of deliberately weak keys must fail.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
import rng_streams as streams
import small_crush
from rng_streams import Digit, Stream
from scipy.stats import kstest

pytestmark = pytest.mark.slow

LEVEL = 1e-3
"""Chance that a perfect generator fails any test of either suite on any stream."""

AGAIN = 0.01
"""A p-value that is looked at twice; dieharder calls it weak."""

SEEDS = (1, 2**63 + 1)
"""Seeds of the first look and of the second."""

ORDERS = {
    "slots": (Digit("slot"),),
    "rounds of crises": (Digit("slot", 16, 64), Digit("slot", 256, 1 << 20), Digit("trajectory")),
    "trajectories": (Digit("trajectory"),),
    "draws": (Digit("draw"),),
    "seeds": (Digit("seed"),),
    "histories": (Digit("slot", 128), Digit("trajectory")),
    "trajectories slot by slot": (Digit("trajectory", 16), Digit("slot")),
    "draws slot by slot": (Digit("draw", 16), Digit("slot")),
    "seeds slot by slot": (Digit("seed", 16), Digit("slot")),
    "draws of seeds": (Digit("draw", 16), Digit("seed", 16), Digit("trajectory")),
    "all four": (Digit("seed", 4), Digit("draw", 4), Digit("trajectory", 4), Digit("slot")),
    "high bits of keys": (Digit("trajectory", 16, 1 << 60), Digit("seed", stride=1 << 32)),
}
"""How the keys run from word to word; the first digit turns fastest."""

FIELDS = {
    "high 30 bits": (34, 30), "low 30 bits": (0, 30), "low 18 bits": (0, 18),
    "low byte": (0, 8), "both look-up bytes": (18, 16), "opening bits": (6, 16),
}
"""Bits that the kernel reads on their own: where they begin and how many they are."""

STREAMS = {name: Stream(digits) for name, digits in ORDERS.items()} | {
    f"{name} of trajectories": Stream(ORDERS["trajectories"], *field)
    for name, field in FIELDS.items()
}


class Suite(NamedTuple):
    """Commands that read 32-bit numbers, their byte order, and how many p-values they print."""

    commands: tuple[tuple[str, ...], ...]
    order: str
    p_values: int
    present: bool
    source: str


DIEHARDER = (
    "-d 0 -p 40", "-d 1 -p 10", "-d 2 -p 10", "-d 3 -p 40", "-d 4 -p 40", "-d 8 -p 40",
    "-d 9 -p 10", "-d 11 -p 40", "-d 12 -p 40", "-d 15 -p 40", "-d 16 -p 20", "-d 102 -n 16 -p 10",
    "-d 200 -n 3 -p 40", "-d 202 -n 5 -p 40", "-d 203 -n 1 -p 10", "-d 205 -t 5000000",
    "-d 206", "-d 207 -t 3000000", "-d 209 -t 10000000",
)
"""Tests that its authors call good and that take seconds; -p is the number of repetitions."""

REPETITIONS = 8 + 65536
"""Output flags: the test's name, and the p-value of each repetition."""

SUITES = {
    "dieharder": Suite(
        tuple(("dieharder", "-g", "200", "-S", "1", "-c", ",", "-D", str(REPETITIONS),
               *options.split()) for options in DIEHARDER),
        "<u4", 51, shutil.which("dieharder") is not None, "apt-get install dieharder",
    ),
    "SmallCrush": Suite(
        ((sys.executable, small_crush.__file__),),
        ">u4", 15, small_crush.library() is not None,
        "apt-get install libtestu01-0, from Debian's non-free",
    ),
}
TESTS = len(STREAMS) * sum(suite.p_values for suite in SUITES.values())
SURE = LEVEL / (2 * TESTS)


def installed(name: str) -> Suite:
    """Return a suite, or skip the test."""
    suite = SUITES[name]
    if not suite.present:
        pytest.skip(f"{name} is not installed: {suite.source}")
    return suite


# ------------------------------------------------------------------ running a suite


def printed(command: tuple[str, ...], pieces: Iterator[np.ndarray], order: str
            ) -> tuple[str, int]:
    """Return what a command printed while it read numbers, and how many bytes it was sent."""
    sent = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, bufsize=0) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            for piece in pieces:
                sent += process.stdin.write(piece.view(np.uint32).astype(order).tobytes()) or 0
        return process.stdout.read().decode(), sent


def one_p_value(repetitions: list[float]) -> float:
    """Return the p-value of equal tests: Kolmogorov and Smirnov's, exact; of one, two-sided."""
    if len(repetitions) == 1:
        return 2 * min(repetitions[0], 1 - repetitions[0])
    return float(kstest(repetitions, "uniform", method="exact").pvalue)


def p_values(text: str) -> dict[str, float]:
    """Return p-values by name, from what either suite printed.

    dieharder prints a name and, a line each with commas about them, the repetitions. Lines
    of a summary look like names without any.
    """
    found: list[tuple[str, list[float]]] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if cells[0] == "p-value":
            found.append((cells[1], [float(cells[2])]))
        elif len(cells) == 3 and cells[0] == cells[2] == "":
            found[-1][1].append(float(cells[1]))
        elif len(cells) == 1 and cells[0] and cells[0][0] != "#":
            found.append((cells[0], []))
    found = [(name, values) for name, values in found if values]
    return {f"{name} {k}": one_p_value(values) for k, (name, values) in enumerate(found)}


class Verdict(NamedTuple):
    """All p-values of a stream, those that were looked at twice, and those that failed."""

    first: dict[str, float]
    again: dict[str, float]
    failed: dict[str, float]
    sent: int


def judge(suite: Suite, numbers: Callable[[int], Iterator[np.ndarray]],
          first_failure: bool = False) -> Verdict:
    """Apply the rule to one stream; `numbers` takes a seed."""
    verdict = Verdict({}, {}, {}, 0)
    for command in suite.commands:
        text, sent = printed(command, numbers(SEEDS[0]), suite.order)
        once = p_values(text)
        weak = [name for name, p in once.items() if p < AGAIN]
        failed = {name: once[name] for name in weak if once[name] < SURE}
        twice = {}
        if weak and not failed:
            text, more = printed(command, numbers(SEEDS[1]), suite.order)
            twice = {name: p_values(text)[name] for name in weak}
            failed = {name: p for name, p in twice.items() if p < SURE / AGAIN}
            sent += more
        verdict = Verdict(verdict.first | once, verdict.again | twice, verdict.failed | failed,
                          verdict.sent + sent)
        if first_failure and failed:
            break
    return verdict


def told(stream: str, suite: str, verdict: Verdict) -> str:
    """Return a verdict in one line."""
    first = verdict.first
    return (
        f"{stream}, {suite}: {len(first)} p-values from {verdict.sent / 2**20:.0f} MiB, least "
        f"{min(first.values()):.2g}; twice {verdict.again}; failed {verdict.failed}"
    )


# ------------------------------------------------------------------ tests


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("stream", STREAMS)
def test_stream_passes(stream: str, name: str) -> None:
    """Family-wise level 1e-3 over all streams and both suites."""
    suite = installed(name)
    verdict = judge(suite, partial(streams.chunks, STREAMS[stream]))
    print(told(stream, name, verdict))
    assert len(verdict.first) == suite.p_values
    assert not verdict.failed


def philox(seed: int) -> Iterator[np.ndarray]:
    """Yield the words of numpy's Philox4x64."""
    words = np.random.Philox(seed)
    while True:
        yield words.random_raw(streams.CHUNK)


@pytest.mark.parametrize("name", SUITES)
def test_another_generator_passes(name: str) -> None:
    """The suites' own approximations are good enough for the rule."""
    suite = installed(name)
    verdict = judge(suite, philox)
    print(told("Philox", name, verdict))
    assert len(verdict.first) == suite.p_values
    assert not verdict.failed


WEAK = {
    "the counter without the output function": (streams.unmixed, "slots"),
    "half of the output function": (streams.half_mixed, "high bits of keys"),
    "trajectories one word apart": (streams.added_trajectory, "trajectories slot by slot"),
    "seed and draw by their sum": (streams.added_draw, "draws of seeds"),
}


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("weak", WEAK)
def test_weak_keys_are_caught(weak: str, name: str) -> None:
    """Negative control: each stream fails one test at least."""
    keying, stream = WEAK[weak]
    suite = installed(name)
    verdict = judge(suite, partial(streams.chunks, STREAMS[stream], keying=keying), True)
    print(told(weak, name, verdict))
    assert verdict.failed
