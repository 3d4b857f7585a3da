"""Studies spoilt by chance: one clear answer each, whatever the spoilt text says."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from escalation.errors import StudyError
from escalation.study import study_from_text
from escalation.study.loader import load_study

CONFIGS = Path(__file__).parent.parent / "configs"
ROOTS = (
    "asian_nato.yaml", "cases/paracels_1974.yaml", "cases/taiwan_strait_1995.yaml",
    "verify/islands_with_host.yaml", "verify/shoal_no_third_parties.yaml",
)  # fmt: skip
LIMIT_S = 10
LONGEST = 10_000

VALUES = (
    "null", "~", "''", "[]", "{}", "true", "no", "0", "-1", "1e6", "1.0e+308", ".nan", "-.inf",
    "010", "0x1F", "9" * 60, "'a b'", '"\\e[2J\\e]0;x\\a"', '"\\u202e\\0"', "&a x", "*a",
    "[[[[1]]]]", "{a: {b: {c: 1}}}", "hub_and_spoke", "asian_nato.yaml", "../../etc/passwd.yaml",
    "!!set {}",
    "{parameter: nope}", "{value: 1, source: s, mark: read}", "x" * 3_000,
    "{prior: beta, a: 1, b: 2, source: s, mark: read}", "{prior: uniform, low: 2, high: 1}",
    "[" + "q, " * 2_000 + "q]", "{" + ", ".join(f"k{n}: {n}" for n in range(2_000)) + "}",
)
KEYS = ("extends", "name", "pact", "pacts", "members", "covers", "prior", "value", "theatre",
        "parameters", "scenarios", '"\\e[2J"', "'\u202e'", "k" * 300, "<<", "title")  # fmt: skip


@pytest.fixture(scope="module")
def sources() -> dict[str, dict[str, str]]:
    """Text of every file of some shipped studies."""
    return {root: dict(load_study(CONFIGS / root).text) for root in ROOTS}


def _value(lines: list[str], rng: random.Random) -> None:
    """Another value behind a key."""
    n = rng.choice([n for n, line in enumerate(lines) if ":" in line and "#" not in line])
    lines[n] = f"{lines[n].split(':')[0]}: {rng.choice(VALUES)}"


def _key(lines: list[str], rng: random.Random) -> None:
    """Another key, or one more."""
    n = rng.randrange(len(lines))
    indent = lines[n][: len(lines[n]) - len(lines[n].lstrip())]
    said = f"{indent}{rng.choice(KEYS)}: {rng.choice(VALUES)}"
    lines[n : n + rng.randrange(2)] = [said]


def _move(lines: list[str], rng: random.Random) -> None:
    """A line left out, twice, elsewhere or further in."""
    n = rng.randrange(len(lines))
    line = lines[n] if rng.random() < 0.5 else lines.pop(n)
    if rng.random() < 0.7:
        lines.insert(rng.randrange(len(lines) + 1), " " * rng.randrange(4) + line)


def _letters(lines: list[str], rng: random.Random) -> None:
    """Some letters replaced, put in or cut off."""
    n = rng.randrange(len(lines))
    at = rng.randrange(len(lines[n]) + 1)
    stray = rng.choice([*":-{}[]#&*!|>'\"%@`,?\t\0\x1b\x85\u2028\ufeff", ""])
    lines[n] = lines[n][:at] + stray + lines[n][at + rng.randrange(3) :]


SPOIL = (_value, _value, _key, _move, _letters)


def mutant(sources: dict[str, dict[str, str]], number: int) -> dict[str, str]:
    """A study with one to three spoilt places, fixed by its number."""
    rng = random.Random(number)
    texts = dict(sources[rng.choice(ROOTS)])
    for _ in range(rng.choice((1, 1, 2, 3))):
        file = rng.choice(list(texts))
        lines = texts[file].splitlines()
        rng.choice(SPOIL)(lines, rng)
        texts[file] = "\n".join(lines) + "\n"
    return texts


@contextmanager
def limited() -> Iterator[None]:
    """Stop what takes more than the limit of this process's own time."""

    def too_slow(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"more than {LIMIT_S} s")

    before = signal.signal(signal.SIGPROF, too_slow)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def answer(texts: dict[str, str]) -> StudyError | None:
    """What a study is refused with; None where it loads. Anything else ends the test."""
    with limited():
        try:
            study_from_text(texts)
        except StudyError as error:
            return error
    return None


def check(sources: dict[str, dict[str, str]], numbers: range) -> Counter[str]:
    found: Counter[str] = Counter()
    for number in numbers:
        error = answer(mutant(sources, number))
        found["loaded" if error is None else "refused"] += 1
        if error is not None:
            said = str(error)
            assert error.problems, number
            assert 0 < len(said) < LONGEST, number
            assert all(letter.isprintable() or letter == "\n" for letter in said), number
    return found


def test_mutants_of_studies(sources: dict[str, dict[str, str]]) -> None:
    found = check(sources, range(150))
    # Both happen, so that neither the mutants nor the checks are idle.
    assert min(found["loaded"], found["refused"]) >= 20


@pytest.mark.slow
def test_many_mutants_of_studies(sources: dict[str, dict[str, str]]) -> None:
    assert check(sources, range(150, 3_150)).total() == 3_000
