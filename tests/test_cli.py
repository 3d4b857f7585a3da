"""The command line as a user meets it: exit codes, messages, files, nothing lost."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import test_study_bad_input as bad
from click.testing import CliRunner, Result

from escalation import plots
from escalation.cli.app import main
from escalation.contracts import whole_file
from escalation.results import open_results

STUDY = Path(__file__).resolve().parent.parent / "configs" / "asian_nato.yaml"
STRAIT = Path(__file__).with_name("small_study.yaml")
"""One flashpoint and one rule: what is played, where the shipped study itself is not the point."""
FEW = {
    name: replace(plots.PLOTS[name], main=True)
    for name in ("trade_off", "risk_heat_map", "break_even")
}
SMALL = ("--trajectories", "60", "--draws", "2", "--seed", "5")


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """A small finished run and its results file."""
    file = tmp_path_factory.mktemp("run") / "small.nc"
    return call("run", STRAIT, "-o", file, *SMALL), file


def test_run_ends_with_the_answer_and_names_its_files(finished):
    result, file = finished
    assert result.exit_code == 0, result.output
    assert "1 flashpoints x 8 structures x 2 parameter draws x 60 histories" in result.output
    *screen, last = result.stdout.splitlines()
    assert last.startswith(f"all of it: escalation show {file} (")
    screen = screen[-23:]
    assert any(line.startswith("Taiwan Strait, 10 years: Asian NATO, or ") for line in screen)
    assert sum(line.startswith("asian_nato ") for line in screen) == 1
    assert max(len(line) for line in screen) <= 80
    assert (file.with_suffix("") / "decision_table.csv").is_file()
    assert len(list((file.with_suffix("") / "figures").glob("*.png"))) >= 2


def test_results_hold_the_study_and_its_numbers(finished):
    ds = open_results(finished[1])
    assert ds.attrs["seed"] == 5
    assert ds.sizes["draw"] == 2
    assert "asian_nato" in ds.attrs["study_text"]
    assert bool((ds.worst_rung_count.sum("worst_rung") == 60).all())
    assert ds.parameter_value.notnull().all()


def test_default_output_is_a_new_folder_each_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ("run", STRAIT, "--trajectories", "5", "--draws", "1", "--no-figures")
    assert call(*arguments).exit_code == 0
    assert call(*arguments).exit_code == 0
    folders = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert len(folders) == 2
    assert folders[1].endswith("-2")
    assert (tmp_path / "results" / folders[0] / "results.nc").is_file()


def test_show_and_plot_open_a_saved_file(finished, tmp_path, monkeypatch):
    monkeypatch.setattr("escalation.plots.PLOTS", FEW)
    shown = call("show", finished[1])
    assert shown.exit_code == 0, shown.output
    assert "Rates to hold against history" in shown.output
    drawn = call("plot", finished[1], "-o", tmp_path / "figures")
    assert drawn.exit_code == 0, drawn.output
    assert len(drawn.stdout.split()) == len(list((tmp_path / "figures").iterdir())) > 0


@pytest.fixture(scope="module")
def opened(finished):
    return open_results(finished[1])


@pytest.mark.usefixtures("read_once")
def test_replay_tells_one_history(finished):
    where = ("--flashpoint", "taiwan_strait", "--structure", "asian_nato", "--draw", 1)
    stories = [call("replay", finished[1], *where, "--trajectory", i).output for i in range(12)]
    text = "\n".join(stories)
    for words in ("China opens a", "day ", "Taiwan", "Immediate deterrence", "now believes"):
        assert words in text
    assert call("replay", finished[1], *where, "--trajectory", 3).output == stories[3]


@pytest.mark.usefixtures("read_once")
@pytest.mark.parametrize(("option", "value", "words"), [
    ("--flashpoint", "taiwan", "unknown name 'taiwan' (did you mean 'taiwan_strait'?)"),
    ("--structure", "nato", "unknown name 'nato' (choices: us_retrenchment"),
    ("--draw", 2, "draw: 2 is not between 0 and 1"),
    ("--trajectory", 60, "trajectory: 60 is not between 0 and 59"),
])
def test_replay_refuses_what_is_not_there(finished, option, value, words):
    where = {"--flashpoint": "taiwan_strait", "--structure": "asian_nato", "--draw": 0,
             "--trajectory": 0} | {option: value}
    result = call("replay", finished[1], *(x for pair in where.items() for x in pair))
    assert result.exit_code == 2
    assert words in result.output


def test_small_commands():
    assert "no mistakes" in call("validate", STUDY).output
    listed = call("parameters", STUDY).output
    assert "provocation_stake" in listed
    assert "taiwan_strait.onset_rate" in listed
    assert max(map(len, listed.splitlines())) <= 100
    folder = STUDY.parent / "structures"
    differences = call("diff", folder / "asian_nato.yaml", folder / "asian_nato_with_india.yaml")
    assert differences.exit_code == 0
    assert "india" in differences.output
    same = call("diff", folder / "asian_nato.yaml", folder / "asian_nato.yaml")
    assert same.output.strip() == "no difference"
    assert call("--version").exit_code == 0


@pytest.mark.parametrize("case", bad.CASES)
def test_malformed_study_gives_its_line_and_writes_nothing(tmp_path, monkeypatch, case):
    file, old, new, where, message = bad.CASES[case]
    study = tmp_path / "study"
    study.mkdir()
    for name, text in (bad.FILES | {file: bad.FILES[file].replace(old, new, 1)}).items():
        (study / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    result = call("run", study / "study.yaml")
    assert result.exit_code == 2
    assert message in result.output
    assert f"{study / file}:{where.split(' ')[0]}" in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert os.listdir(tmp_path) == ["study"]


@pytest.mark.parametrize(("option", "value"), [
    ("--trajectories", "0"), ("--trajectories", "-1"), ("--trajectories", str(2**63)),
    ("--trajectories", "1e6"), ("--draws", "0"), ("--draws", "many"), ("--seed", "-1"),
    ("--seed", str(2**64)), ("--threads", "0"), ("--threads", "100000"),
])
def test_numbers_out_of_range(tmp_path, monkeypatch, option, value):
    monkeypatch.chdir(tmp_path)
    result = call("run", STUDY, option, value)
    assert result.exit_code == 2
    assert value in result.output
    assert os.listdir(tmp_path) == []


def test_threads_beyond_the_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = call("run", STUDY, "--threads", "4096", *SMALL)
    assert result.exit_code == 2
    assert "threads: 4096 is not between 1 and" in result.output
    assert os.listdir(tmp_path) == []


def test_extreme_seeds_are_valid_and_differ(tmp_path):
    counts = []
    for seed in (0, 1, 2**64 - 1):
        file = tmp_path / f"{seed}.nc"
        result = call("run", STRAIT, "-o", file, "--trajectories", 20, "--draws", 1, "--seed", seed,
                      "--no-figures")
        assert result.exit_code == 0, result.output
        ds = open_results(file)
        assert ds.attrs["seed"] == seed
        counts.append(ds.crisis_count.values)
    assert not np.array_equal(counts[0], counts[1])
    assert not np.array_equal(counts[0], counts[2])
    assert not np.array_equal(counts[1], counts[2])


@pytest.mark.parametrize(("output", "words"), [
    ("a/../b.nc", "'..'"),
    ("x" * 300 + ".nc", "longer than 255"),
    ("results.csv", "does not end in .nc"),
])
def test_unusable_output(tmp_path, monkeypatch, output, words):
    monkeypatch.chdir(tmp_path)
    result = call("run", STUDY, "-o", output, *SMALL)
    assert result.exit_code == 2
    assert words in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_output_through_a_symbolic_link(tmp_path):
    (tmp_path / "real.nc").write_text("precious")
    (tmp_path / "link.nc").symlink_to(tmp_path / "real.nc")
    result = call("run", STUDY, "-o", tmp_path / "link.nc", *SMALL)
    assert result.exit_code == 2
    assert (tmp_path / "real.nc").read_text() == "precious"


def test_results_that_cannot_be_opened(tmp_path):
    (tmp_path / "damaged.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + b"0" * 200)
    for path in (tmp_path / "damaged.nc", tmp_path / "missing.nc"):
        result = call("show", path)
        assert result.exit_code == 2
        assert str(path) in result.output


def test_an_output_folder_that_is_not_writable(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    allowed = os.access
    monkeypatch.setattr(
        "os.access", lambda path, mode, **k: not mode & os.W_OK and allowed(path, mode, **k)
    )
    result = call("run", STUDY, "-o", "small.nc", *SMALL)
    assert result.exit_code == 2
    assert "the folder is not writable" in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert os.listdir(tmp_path) == []


@pytest.fixture
def played(opened, monkeypatch):
    """A run that takes no time, with a short table and three figures only."""
    ds = opened
    monkeypatch.setattr("escalation.simulation.run.run", lambda *_, **__: ds)
    monkeypatch.setattr("escalation.report.answer.format_answer", lambda *_, **__: "The answer")
    monkeypatch.setattr("escalation.plots.PLOTS", FEW)
    return ds


def full_disk(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Let every write below these folders meet a full disk."""
    write = whole_file._write

    def full(path: Path, content: bytes) -> None:
        if any(path.absolute().is_relative_to(folder) for folder in folders):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr("escalation.contracts.whole_file._write", full)


def test_a_full_disk_loses_no_results(played, tmp_path, monkeypatch):
    """They go to another folder, the table to the terminal, and no empty folder stays."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    full_disk(monkeypatch, tmp_path / "full")
    result = call("run", STRAIT, "-o", tmp_path / "full" / "deep" / "small.nc", *SMALL)
    assert result.exit_code == 2
    assert "The answer" in result.stdout
    assert len(result.stderr.splitlines()) == 1
    assert "the disk is full; nothing was written; it is kept as" in result.stderr
    (kept,) = here.glob("small-*.nc")
    assert repr(str(kept)) in result.stderr
    assert open_results(kept).identical(played)
    assert not (tmp_path / "full").exists()


def test_a_default_folder_on_a_full_disk_is_not_left_empty(played, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    full_disk(monkeypatch, tmp_path / "results")
    result = call("run", STRAIT, *SMALL)
    assert result.exit_code == 2
    assert not (tmp_path / "results").exists()
    (kept,) = tmp_path.glob("results-*.nc")
    assert open_results(kept).identical(played)


def test_disks_that_are_all_full_leave_the_table(played, tmp_path, monkeypatch):
    full_disk(monkeypatch, Path("/"))
    result = call("run", STRAIT, "-o", tmp_path / "small.nc", *SMALL)
    assert result.exit_code == 2
    assert "The answer" in result.stdout
    assert "the disk is full; nothing was written; it could not be kept in" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_json_on_a_full_disk_is_kept_elsewhere(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    full_disk(monkeypatch, tmp_path / "full")
    result = call("compare", finished[1], "--json", "full/numbers.json")
    assert result.exit_code == 2
    (kept,) = tmp_path.glob("numbers-*.json")
    assert repr(str(kept)) in result.stderr
    assert "provenance" in json.loads(kept.read_text())


def test_a_full_disk_under_the_figures_names_results_and_what_is_missing(
    played, tmp_path, monkeypatch
):
    full_disk_for_figures(monkeypatch, after=1)
    result = call("run", STRAIT, "-o", tmp_path / "small.nc", *SMALL)
    assert result.exit_code == 2
    assert "the disk is full; missing: risk_heat_map, break_even;" in result.stderr
    assert f"the results are whole, in {str(tmp_path / 'small.nc')!r}" in result.stderr
    assert open_results(tmp_path / "small.nc").identical(played)


def full_disk_for_figures(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    from matplotlib.figure import Figure

    save, done = Figure.savefig, []

    def full(figure: Figure, path: Path, **options: object) -> None:
        if len(done) == after:
            raise OSError(errno.ENOSPC, "No space left on device")
        done.append(path)
        save(figure, path, **options)

    monkeypatch.setattr(Figure, "savefig", full)


def test_plot_on_a_full_disk_says_what_is_missing(finished, played, tmp_path, monkeypatch):
    full_disk_for_figures(monkeypatch, after=1)
    result = call("plot", finished[1], "-o", tmp_path)
    assert result.exit_code == 2
    assert "the disk is full; missing: risk_heat_map, break_even\n" in result.stderr
    assert "trade_off" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["trade_off.png"]


@pytest.mark.parametrize("where", [
    "matplotlib.figure.Figure.savefig", "escalation.report.answer.format_answer",
])
def test_an_interrupt_after_saving_tells_that_results_are_whole(
    played, tmp_path, monkeypatch, where
):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(where, interrupt)
    result = call("run", STRAIT, "-o", tmp_path / "small.nc", *SMALL)
    assert result.exit_code == 130
    assert result.stderr == f"stopped; the results are whole, in {str(tmp_path / 'small.nc')!r}\n"
    open_results(tmp_path / "small.nc")


def test_results_are_replaced_only_if_asked(played, tmp_path):
    file = tmp_path / "small.nc"
    file.write_text("a larger run")
    result = call("run", STRAIT, "-o", file, *SMALL)
    assert result.exit_code == 2
    assert result.output == (
        f"output: {str(file)!r} is there already; --overwrite replaces it, its table and figures\n"
    )
    assert file.read_text() == "a larger run"
    assert call("run", STRAIT, "-o", file, "--overwrite", "--no-figures", *SMALL).exit_code == 0
    assert open_results(file).identical(played)


@pytest.mark.parametrize("arguments", [("--overwrite",), ("--overwrite", "--campaign", "c")])
def test_overwrite_without_effect_is_refused(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    result = call("run", STRAIT, *arguments, *SMALL)
    assert result.exit_code == 2
    assert result.output.startswith("overwrite: ")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("figures", [(), ("--no-figures",)])
def test_no_figure_of_an_old_run_stays_beside_new_results(
    played, tmp_path, monkeypatch, figures
):
    old = tmp_path / "small" / "figures"
    old.mkdir(parents=True)
    (old / "break_even.png").write_text("old")
    (old / "mine.png").write_text("not ours")
    monkeypatch.setattr(
        "escalation.simulation.run.run",
        lambda *_, **__: played.drop_vars([n for n in played.variables if "sweep" in str(n)]),
    )
    result = call("run", STRAIT, "-o", tmp_path / "small.nc", *SMALL, *figures)
    assert result.exit_code == 0, result.output
    assert not (old / "break_even.png").exists()
    assert ("no break_even: " in result.stderr) == (figures == ())
    assert (old / "mine.png").read_text() == "not ours"


@pytest.mark.parametrize("output", [(), ("-o", "small.nc")])
def test_two_runs_at_once_keep_both(played, tmp_path, monkeypatch, output):
    """The other begins after this one has chosen its place, and ends before it."""
    monkeypatch.chdir(tmp_path)
    runs = [played.assign_attrs(seed=1), played.assign_attrs(seed=2)]
    arguments = ("run", STRAIT, *output, *SMALL, "--no-figures")

    def simulate(*_: object, **__: object) -> object:
        mine = runs.pop()
        if runs:
            assert call(*arguments).exit_code == 0
        return mine

    monkeypatch.setattr("escalation.simulation.run.run", simulate)
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    kept = sorted(tmp_path.rglob("*.nc"))
    assert sorted(open_results(file).attrs["seed"] for file in kept) == [1, 2]
    named = [file for file in kept if f" show {file.relative_to(tmp_path)}\n" in result.stdout]
    assert [open_results(file).attrs["seed"] for file in named] == [2]
    if output:
        assert result.stderr.endswith("another run has written small.nc meanwhile\n")


def test_figures_need_no_backend(finished, tmp_path):
    """A command that a notebook starts inherits a backend that need not be installed here."""
    done = subprocess.run(
        [sys.executable, "-c",
         "import sys, escalation as esc\n"
         "esc.plots.risk_heat_map(esc.open_results(sys.argv[1])).savefig(sys.argv[2])",
         str(finished[1]), str(tmp_path / "map.png")],
        env=os.environ | {"MPLBACKEND": "of_the_notebook"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert (tmp_path / "map.png").is_file()


def test_results_from_a_newer_version(finished, tmp_path):
    from escalation.results import save_results, variables

    newer = variables.FORMAT_VERSION + 1
    ds = open_results(finished[1])
    save_results(ds.assign_attrs(format_version=newer), tmp_path / "newer.nc")
    before = os.listdir(tmp_path)
    for command in ("show", "compare"):
        result = call(command, tmp_path / "newer.nc")
        assert result.exit_code == 2
        assert f"written by a newer version (format {newer}" in result.output
        assert len(result.output.strip().splitlines()) == 1
    assert os.listdir(tmp_path) == before


def test_interrupt_stops_within_seconds_and_writes_nothing(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "escalation", "run", str(STUDY), "--trajectories", "10000000"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # A shell that runs the tests in the background has its children ignore the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            assert "5 flashpoints" in process.stdout.readline()
            time.sleep(4)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert "stopped" in err
    assert not (tmp_path / "results").exists()
