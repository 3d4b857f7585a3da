"""The progress display: a bar on a terminal, a line now and then elsewhere, nothing on stdout."""

from __future__ import annotations

import importlib
import inspect
import os
import pty
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import backtest_rows
import cells
import pytest
import records
import xarray as xr
from click.testing import CliRunner, Result

import escalation
from escalation import plots
from escalation.analysis.drivers import parameter_design
from escalation.analysis.findings import find
from escalation.analysis.premises import premises
from escalation.archive.dispute_table import COLUMNS, Disputes
from escalation.cli import progress as module
from escalation.cli.app import main
from escalation.cli.progress import Lines, Work, duration_words, part_words, progress
from escalation.history import backtest as backtests
from escalation.history.cases import load_cases, run_cases
from escalation.simulation.parameter_source import Source
from escalation.simulation.plan import Plan
from escalation.simulation.workload import Workload
from escalation.statistics.thresholds import Threshold
from escalation.study import Study, load_study
from escalation.study.loader import parse_study
from escalation.verification import pins
from escalation.verification.verify import Asked, verified

ROOT = Path(__file__).resolve().parent.parent
STRAIT = Path(__file__).with_name("small_study.yaml")
SHOAL = ROOT / "configs" / "verify" / "shoal_no_third_parties.yaml"
SHOWN, GONE = "\x1b[?25l", "\x1b[?25h"
"""What rich writes first, and when it gives the cursor back."""


class Clock:
    """A clock that somebody sets."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 1000.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def duel() -> Study:
    """The Taiwan Strait under two structures."""
    return parse_study({
        "name": "s", "extends": "asian_nato.yaml", "decision_rules": ["expected_utility"],
        "flashpoints": ["flashpoints/taiwan_strait.yaml"], "premises": [],
        "structures": ["structures/hub_and_spoke.yaml", "structures/asian_nato.yaml"],
        "compare": {"focus": ["asian_nato"], "sweep": ["provocation_stake"]},
    }, cells.CONFIGS)  # fmt: skip


class Memory:
    """What takes long in a command is done once, and told again to each display that follows.

    The first call of a command really works; later ones are given what it found, after the reports
    that it made. What is called outside a command works each time.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, int], tuple[list[tuple[str, tuple[Any, ...]]], Any]] = {}
        self._command, self._calls = "", Counter[str]()

    @contextmanager
    def of(self, command: str) -> Iterator[None]:
        self._command = command
        self._calls.clear()
        try:
            yield
        finally:
            self._command = ""

    def remembered(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)

        def again(*arguments: object, **options: object) -> Any:
            if not self._command:
                return function(*arguments, **options)
            key = self._command, name, self._calls[name]
            self._calls[name] += 1
            given = signature.bind(*arguments, **options)
            tell = {word: given.arguments[word] for word in ("progress", "report")
                    if given.arguments.get(word)}  # fmt: skip
            if key not in self._kept:
                told: list[tuple[str, tuple[Any, ...]]] = []
                for word, display in tell.items():
                    given.arguments[word] = noting(told, word, display)
                found = function(*given.args, **given.kwargs)
                found = list(found) if inspect.isgenerator(found) else found
                self._kept[key] = told, found
                return found
            told, found = self._kept[key]
            for word, said in told:
                tell[word](*said)
            return found

        return again


def noting(
    told: list[tuple[str, tuple[Any, ...]]], word: str, display: Callable[..., None]
) -> Callable[..., None]:
    """Return a display that takes note of what it is told."""

    def note(*said: Any) -> None:
        told.append((word, said))
        display(*said)

    return note


MEMORY = Memory()
SLOW = (
    "escalation.simulation.run.execute",
    "escalation.history.cases.load_cases",
    "escalation.history.cases._case",
    "escalation.history.calibrate.find_mode",
    "escalation.history.calibrate.sample",
    "escalation.verification.verify._checks",
    "escalation.verification.pins.find_gaps",
    "escalation.verification.pins._held",
    "escalation.plots._drawn",
    "escalation.analysis.findings.drivers_of",
    "escalation.report.format_show",
    "escalation.report.answer.format_answer",
)
"""What takes long in commands."""


@pytest.fixture(scope="module", autouse=True)
def little_work(ds: xr.Dataset) -> Iterator[None]:
    """What takes long is done once, no file is opened, and no figure of four is painted.

    The last of the figures cannot be drawn from few draws. All is as wide as `terminal`.
    """
    names = ("trade_off", "participation", "rank_probability", "flip_map")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        few = {name: replace(plots.PLOTS[name], main=True) for name in names}
        patch.setattr(plots, "PLOTS", few)
        patch.setattr("matplotlib.figure.Figure.savefig", lambda _, file, **__: file.write(b"x"))
        patch.setattr("escalation.results.open_results", lambda _: ds)
        for name in SLOW:
            place, _, function = name.rpartition(".")
            found = getattr(importlib.import_module(place), function)
            patch.setattr(name, MEMORY.remembered(name, found))
        yield


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return escalation.run(duel(), draws=64, trajectories=50, seed=7)


@pytest.fixture(scope="module")
def commands(ds: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Every command that shows progress, on little work; each may be called again and again."""
    folder = tmp_path_factory.mktemp("commands")
    results = str(escalation.save_results(ds, folder / "r.nc"))
    disputes = records.table(24, seed=5)
    rows = [{name: getattr(disputes, name)[i] for name in COLUMNS} for i in range(len(disputes))]
    record = str(backtest_rows.write(folder / "d.csv", rows))
    cases = str(ROOT / "configs" / "cases")
    return {
        "run": ["run", str(STRAIT), "-o", str(folder / "new.nc"), "--overwrite", "--draws", "2",
                "--trajectories", "20"],
        "cases": ["cases", cases, "--draws", "2", "--trajectories", "20"],
        "backtest": ["backtest", "--disputes", record],
        "calibrate": ["calibrate", "--disputes", record, "-o", str(folder / "p.csv"),
                      "--overwrite", "--walkers", "6", "--warm-up", "2", "--steps", "10",
                      "--draws", "3"],
        "verify": ["verify", str(SHOAL), "--trajectories", "2000"],
        "confirm": ["confirm", results],
        "replay": ["replay", results, "--flashpoint", "taiwan_strait", "--structure",
                   "asian_nato"],
        "premises": ["premises", results],
        "compare": ["compare", results],
        "plot": ["plot", results, "-o", str(folder / "figures")],
        "show": ["show", results],
    }  # fmt: skip


@pytest.fixture(scope="module")
def plain(commands: dict[str, list[str]]) -> Callable[[str], Result]:
    """What a command answers off a terminal, in less time than anything is told of."""
    return cache(lambda name: call(commands[name]))


COMMANDS = ("run", "cases", "backtest", "calibrate", "verify", "confirm", "replay", "premises",
            "compare", "plot", "show")  # fmt: skip
FIRST = {
    "run": module.COMPILING, "cases": module.COMPILING, "backtest": "reading the record",
    "calibrate": "reading the record", "verify": module.COMPILING, "confirm": module.LOOKING,
    "replay": module.COMPILING, "premises": module.COMPARING, "compare": module.COMPARING,
    "plot": module.DRAWING, "show": module.COMPARING,
}  # fmt: skip
"""What the display of a command says first."""
BREAKS = {
    "run": "escalation.simulation.run.execute",
    "cases": "escalation.history.cases._case",
    "backtest": "escalation.history.backtest.predict_baselines",
    "calibrate": "escalation.history.calibrate.sample",
    "verify": "escalation.verification.verify._checks",
    "confirm": "escalation.verification.pins.find_gaps",
    "replay": "escalation.simulation.threads.log_trajectory",
    "premises": "escalation.analysis.premises.compare",
    "compare": "escalation.analysis.findings.drivers_of",
    "plot": "matplotlib.figure.Figure.savefig",
    "show": "escalation.report.format_show",
}
"""What is in the middle of a command."""


def call(arguments: list[str]) -> Result:
    with MEMORY.of(arguments[0]):
        return CliRunner().invoke(main, arguments)


def with_clock(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Let commands look at a clock when something is reported, and only then."""
    monkeypatch.setattr(module, "FIRST_LINE", 10.0)
    monkeypatch.setattr(module, "machine_clock", clock)
    monkeypatch.setattr(module, "beating", lambda refresh: nullcontext())


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Make stderr a pseudo-terminal; yields what closes it and returns what was written."""
    here, there = pty.openpty()
    parts: list[bytes] = []

    def read() -> None:
        try:
            while part := os.read(here, 65_536):
                parts.append(part)
        except OSError:  # the other end is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    stderr = os.fdopen(there, "w", encoding="utf-8")

    def written() -> str:
        stderr.close()
        reader.join()
        return b"".join(parts).decode()

    with monkeypatch.context() as patch:
        patch.setenv("TERM", "xterm")
        patch.setenv("COLUMNS", "200")
        patch.setattr(sys, "stderr", stderr)
        try:
            yield written
        finally:
            written()
            os.close(here)


def on_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> tuple[int, str, str]:
    """Run a command whose stderr is a terminal: exit code, stdout, what the terminal was sent."""
    capsys.readouterr()
    with terminal(monkeypatch) as written, MEMORY.of(arguments[0]):
        try:
            code = main(arguments, standalone_mode=False) or 0
        except SystemExit as end:
            code = end.code
        sent = written()
    return code, capsys.readouterr().out, sent


# ---------------------------------------------------------------- on a terminal


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_a_bar_that_ends(commands, plain, name, monkeypatch, capsys):
    code, out, sent = on_terminal(monkeypatch, capsys, commands[name])
    assert code == plain(name).exit_code < 2
    assert out == plain(name).stdout
    assert FIRST[name] in sent
    assert sent.count(SHOWN) == sent.count(GONE) > 0
    last = sent.rindex(GONE)
    assert sent.rindex(SHOWN) < last
    assert "━" not in sent[last:]
    assert "\x1b[2K" in sent[last:], "the bar is wiped out"


def test_the_parts_of_a_run_are_named(commands, monkeypatch, capsys):
    _, _, sent = on_terminal(monkeypatch, capsys, commands["run"])
    said = [module.COMPILING, module.LOOKING, module.COMPARING, module.DRAWING]
    assert sorted(said, key=sent.index) == said


def test_the_parts_of_a_campaign_are_named(copy, monkeypatch, capsys):
    code, _, sent = on_terminal(monkeypatch, capsys, ["resume", str(copy), "--no-figures"])
    assert code == 0
    assert module.COMPILING in sent
    assert "P(war) % taiwan_strait: " in sent


@pytest.mark.parametrize("name", COMMANDS)
def test_ctrl_c_ends_the_bar_with_one_line(commands, name, monkeypatch, capsys):
    monkeypatch.setattr(BREAKS[name], interrupt)
    code, out, sent = on_terminal(monkeypatch, capsys, commands[name])
    assert code == 130
    assert sent.count(SHOWN) == sent.count(GONE) > 0
    after = sent[sent.rindex(GONE) :].replace("\r", "")
    assert after.endswith("stopped; nothing was written\n")
    assert after.count("\n") == 1
    assert "stopped" not in out


def divide(before: set[threading.Thread], seen: set[threading.Thread]) -> None:
    with progress("dividing", command="c") as display:
        display.counting()(1, 2)
        seen.update(set(threading.enumerate()) - before)
        raise ZeroDivisionError


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(monkeypatch):
    with terminal(monkeypatch) as written:
        monkeypatch.setenv("TERM", "dumb")
        with_clock(monkeypatch, Clock(step=100.0))
        with progress("waiting", command="c") as display:
            display.begin("waiting still")
        assert "\x1b" not in written()


def test_lines_that_others_write_stand_above_the_bar(monkeypatch, capsys):
    with terminal(monkeypatch) as written:
        with progress("waiting", command="c"):
            print("beside", file=sys.stderr)
            print("the answer")
        sent = written()
    assert "beside" in sent
    assert capsys.readouterr().out == "the answer\n"


# ---------------------------------------------------------------- off a terminal


@pytest.mark.parametrize("name", COMMANDS)
def test_stdout_is_the_same_with_and_without_progress(commands, plain, name, monkeypatch):
    quiet = plain(name)
    with_clock(monkeypatch, Clock(step=100.0))
    told = call(commands[name])
    assert told.stdout_bytes == quiet.stdout_bytes
    assert told.exit_code == quiet.exit_code
    lines = told.stderr.splitlines()
    assert [line for line in lines if not line.startswith(f"{name}: ")] == (
        quiet.stderr.splitlines()
    ), "nothing else is told, and of short work nothing"
    if name not in ("replay", "show"):  # which report nothing; the beat tells of them
        assert any(" done" in line or " so far" in line for line in lines)


@pytest.mark.parametrize("name", COMMANDS)
def test_ctrl_c_off_a_terminal_is_one_line(commands, name, monkeypatch):
    monkeypatch.setattr(BREAKS[name], interrupt)
    result = call(commands[name])
    assert result.exit_code == 130
    *before, last = result.stderr.splitlines()
    assert last == "stopped; nothing was written"
    assert before == [line for line in before if line.startswith("step ")]


def test_lines_come_at_the_right_moments(commands, monkeypatch):
    """Twelve cases of five seconds each: lines after 10, 25, 40 and 55 seconds."""
    from escalation.history import cases

    clock, real = Clock(), cases._case
    with_clock(monkeypatch, clock)

    def slow(*arguments: object) -> object:
        clock.now += 5.0
        return real(*arguments)

    monkeypatch.setattr(cases, "_case", slow)
    assert call(commands["cases"]).stderr.splitlines() == [
        "cases: 2 of 12 done, about 50 s left",
        "cases: 5 of 12 done, about 35 s left",
        "cases: 8 of 12 done, about 20 s left",
        "cases: 11 of 12 done, about 5 s left",
    ]


def test_what_does_not_report_is_told_by_the_clock(monkeypatch):
    clock, said = Clock(), []
    with_clock(monkeypatch, clock)
    lines = Lines(Work("run", clock, module.COMPILING), said.append)
    for seconds, words in (
        (9.75, None), (0.25, "10 s"), (14.75, None), (0.25, "25 s"), (95, "2 min"), (10, None),
    ):  # fmt: skip
        clock.now += seconds
        before = len(said)
        lines.refresh()
        told = [f"run: compiling the kernel, {words} so far"] if words else []
        assert said[before:] == told


def test_what_follows_begins_its_own_count():
    clock = Clock()
    work = Work("run", clock, module.COMPILING)
    work.count(1, 4, "simulating")
    assert work.line() == "run: simulating, 1 of 4 done"
    clock.now += 30
    work.count(2, 4, "simulating")
    assert work.line() == "run: simulating, 2 of 4 done, about 60 s left"
    work.begin(module.LOOKING)
    clock.now += 3
    assert work.line() == f"run: {module.LOOKING}, 3 s so far"


def test_the_time_left_runs_down_and_never_below_what_waits():
    clock = Clock()
    work = Work("c", clock)
    assert work.seconds_left() is None
    work.count(1, 5, "")
    clock.now += 10
    assert work.seconds_left() is None, "the first piece knows of compiling too"
    work.count(2, 5, "")
    assert work.seconds_left() == pytest.approx(30)
    clock.now += 4
    assert work.seconds_left() == pytest.approx(26)
    clock.now += 400
    assert work.seconds_left() == pytest.approx(20)
    work.count(5, 5, "")
    assert work.left_words() == ""
    assert work.rate_words() == ""


def test_many_pieces_have_a_rate():
    clock = Clock()
    work = Work("run", clock)
    work.count(1_000_000, 9_000_000, "simulating")
    clock.now += 2
    work.count(2_000_000, 9_000_000, "simulating")
    assert work.rate_words() == "0.50 M/s"
    assert work.line() == "run: simulating, 2,000,000 of 9,000,000 done, about 14 s left"


def test_durations_are_rounded():
    assert [duration_words(s) for s in (1.2, 99, 119, 3600, 36_000)] == [
        "1 s", "99 s", "2 min", "60 min", "10.0 h",
    ]  # fmt: skip


def test_a_reader_that_has_gone_stops_nothing():
    clock = Clock()

    def closed(line: str) -> None:
        raise BrokenPipeError

    lines = Lines(Work("run", clock), closed)
    clock.now += 60
    lines.refresh()


@pytest.mark.parametrize("bars", [False, True])
def test_an_exception_in_the_middle_closes_the_display(monkeypatch, bars):
    with terminal(monkeypatch) as written:
        if not bars:
            monkeypatch.setenv("TERM", "dumb")
        stderr, seen = sys.stderr, set[threading.Thread]()
        with pytest.raises(ZeroDivisionError):
            divide(set(threading.enumerate()), seen)
        assert sys.stderr is stderr
        (beat,) = seen
        beat.join(60)
        assert not beat.is_alive()
        sent = written()
    assert sent.count(SHOWN) == sent.count(GONE) == bars


def test_the_beat_refreshes_while_nothing_is_reported(monkeypatch):
    monkeypatch.setattr(module, "BEAT", 0.0)
    beaten = threading.Event()
    with module.beating(beaten.set):
        assert beaten.wait(60)


# ---------------------------------------------------------------- what is reported


def counted(n: int) -> list[tuple[int, int]]:
    return [(done, n) for done in range(1, n + 1)]


@pytest.fixture
def steps() -> list[tuple[int, int]]:
    return []


@pytest.fixture
def tell(steps: list[tuple[int, int]]) -> Callable[[int, int], None]:
    return lambda done, total: steps.append((done, total))


def test_cases_are_counted(steps, tell):
    studies, outcomes = (dict(list(found.items())[:2]) for found in load_cases("configs/cases"))
    run_cases(studies, outcomes, trajectories=20, draws=2, progress=tell)
    assert steps == counted(2)


@pytest.mark.parametrize("refit", [False, True])
def test_folds_are_counted(steps, tell, refit, monkeypatch):
    from escalation.history import validation

    def same(*_: object) -> Callable[[Disputes, Disputes], object]:
        return lambda train, test: validation.predict_disputes(test, None)

    monkeypatch.setattr(validation, "mode_predictor", same)
    backtests.backtest(records.table(40, seed=5), refit=refit, progress=tell)
    assert steps == counted(backtests.N_FOLDS)


def test_cells_are_counted(steps, tell):
    found = verified(load_study(SHOAL), Asked(trajectories=200), progress=tell)
    assert steps == counted(len(found["cells"]))


def test_pins_are_counted(ds, steps, tell, monkeypatch):
    made_up = [Threshold(name, 0.2, 0.1, 0.3, True, 0.5, 1.0)
               for name in ("reputation", "provocation_onset")]  # fmt: skip
    gap = pins.Gap(None, "", "", parameter_design(ds, "taiwan_strait"))
    monkeypatch.setattr(pins, "find_gaps", lambda *_: {("taiwan_strait", "war"): gap})
    monkeypatch.setattr(pins, "find_thresholds", lambda *_: made_up)
    monkeypatch.setattr(pins.Gap, "leading", lambda *_: [])
    monkeypatch.setattr(pins.Gap, "difference", None)
    monkeypatch.setattr(pins.Gap, "standing", ())
    assert pins.confirm(ds, progress=tell).sizes["pin"] == 2
    assert steps == counted(2)


def test_figures_are_counted_those_that_cannot_be_drawn_too(ds, tmp_path, steps, tell):
    saved = plots.save_all(ds, tmp_path, progress=tell)
    assert (len(saved), len(saved.skipped)) == (3, 1)
    assert steps == counted(4)


def test_premises_and_differences_are_counted(ds, steps, tell):
    found = premises(ds, "war", progress=tell)
    assert steps == counted(found.sizes["belief"])
    steps.clear()
    find(ds, ["war", "concession"], progress=tell)
    assert steps == counted(2)


def test_steps_of_the_chains_are_counted(steps, tell):
    from escalation.history.calibrate import calibrate
    from escalation.history.sampling import SETTLING, Effort

    said: list[str] = []
    calibrate(records.table(10, seed=5), effort=Effort(6, 2, 10, kept=3), report=said.append,
              progress=tell)  # fmt: skip
    assert steps == counted(2 + SETTLING + 10)
    assert all(line.startswith("step ") for line in said)


def test_the_parts_of_a_run_are_told_apart():
    study = duel()
    plan, source = Plan.of(study, draws=4, trajectories=100), Source.of(study)
    workload = Workload.of(plan, source)
    total, own = workload.trajectories(), 2 * 4 * 100
    assert total == own + workload.trajectories_besides()
    words = part_words(workload)
    assert words(own - 1, total) == "simulating"
    assert words(own, total) == "simulating companions and the sweep"
    assert words(total, total) == "putting the results together"
