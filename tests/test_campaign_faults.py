"""Campaigns under fire: kills at random moments, a full disk, flipped bits, cut files, signals."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import campaign_tools as tools
import numpy as np
import pytest
from campaign_tools import digest, little
from click.testing import CliRunner

from escalation.cli.app import main
from escalation.errors import InputError
from escalation.results import files, open_results
from escalation.simulation import journal as journal_module
from escalation.simulation.asked import asked_files
from escalation.simulation.campaign import resume_campaign, run_campaign
from escalation.simulation.campaign_plan import load_plan
from escalation.simulation.status import campaign_status
from escalation.simulation.store import Store
from escalation.simulation.stored import describe

KINDS = ("blocks/*", "parameters/*", "journal.jsonl", "campaign.json", "posterior.csv")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A campaign that was never interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "campaign"
    tools.play(folder)
    return folder


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def call(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


class Player:
    """The process of `campaign_tools`."""

    def __init__(self, folder: Path) -> None:
        # The simplest threading layer survives a fork; others refuse it.
        env = os.environ | {"NUMBA_THREADING_LAYER": "workqueue", "NUMBA_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, tools.__file__, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
        )
        assert self._line() == "ready"

    def kill_in(self, folder: Path, lines: int, pause: float) -> bool:
        """Play in a folder; kill the process a little after so many journal lines."""
        self.process.stdin.write(f"{folder}\n")
        self.process.stdin.flush()
        number = int(self._line())
        journal = folder / "journal.jsonl"
        begun = time.monotonic()
        while time.monotonic() - begun < 60 and not (folder / "results.nc").exists():
            if journal.exists() and journal.read_bytes().count(b"\n") >= lines:
                break
            time.sleep(0.001)
        time.sleep(pause)
        os.kill(number, signal.SIGKILL)
        assert self._line() == "ended"
        return not (folder / "results.nc").exists()

    def _line(self) -> str:
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture(scope="module")
def player(tmp_path_factory):
    found = Player(tmp_path_factory.mktemp("player") / "campaign")
    yield found
    found.end()


def kill_and_resume(player: Player, folder: Path, rng: np.random.Generator, most: int) -> dict:
    """Kill once at a random moment; say what the kill left."""
    early = player.kill_in(folder, int(rng.integers(most)), float(rng.uniform(0, 0.05)))
    told: list[str] = []
    if (folder / "campaign.json").exists():
        resume_campaign(folder, say=told.append)
    else:
        tools.play(folder)
    return {
        "early": early,
        "torn": any("torn" in line for line in told),
        "cut off": any("cut off" in line for line in told),
        "adopted": any("adopted" in line for line in told),
    }


def check_kills(player: Player, whole: Path, place: Path, n: int, seed: int) -> None:
    rng, left = np.random.default_rng(seed), []
    lines = (whole / "journal.jsonl").read_bytes().count(b"\n")
    for k in range(n):
        folder = place / str(k)
        left.append(kill_and_resume(player, folder, rng, lines))
        assert digest(folder) == digest(whole), f"kill {k} left another end: {left[-1]}"
        shutil.rmtree(folder)
    assert sum(one["early"] for one in left) > 0.7 * n, "most kills fall before the end"
    for what in ("torn", "cut off", "adopted"):
        assert any(one[what] for one in left), f"no kill left a write {what}"


def test_twenty_kills_end_in_the_same_bytes(player, whole, tmp_path):
    check_kills(player, whole, tmp_path, 20, seed=1)


@pytest.mark.slow
def test_two_hundred_kills_end_in_the_same_bytes(player, whole, tmp_path):
    check_kills(player, whole, tmp_path, 200, seed=2)


def test_one_campaign_killed_again_and_again(player, whole, tmp_path):
    folder, rng = tmp_path / "campaign", np.random.default_rng(3)
    for lines in (2, 6, 10, 15, 20):
        player.kill_in(folder, lines, float(rng.uniform(0, 0.02)))
    resume_campaign(folder)
    assert digest(folder) == digest(whole)


def files_of(folder: Path, kind: str) -> list[Path]:
    return sorted(folder.glob(kind))


def flip(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit_is_named_and_refused(copy, kind):
    rng = np.random.default_rng(4)
    for _ in range(12):
        path = rng.choice(files_of(copy, kind))
        before = path.read_bytes()
        flip(path, rng)
        with pytest.raises(InputError, match=path.name):
            resume_campaign(copy)
        path.write_bytes(before)


@pytest.mark.parametrize("kind", KINDS)
def test_cut_files_are_named_and_refused(copy, kind):
    path = files_of(copy, kind)[-1]
    before = path.read_bytes()
    for length in (0, 10, len(before) // 2):
        path.write_bytes(before[:length])
        if kind == "journal.jsonl":
            continue  # a torn last line is what a kill leaves: see the test of the journal
        with pytest.raises(InputError, match=path.name):
            resume_campaign(copy)
    path.unlink()
    if kind != "journal.jsonl":
        with pytest.raises(InputError, match=path.name):
            resume_campaign(copy)


def test_damage_is_repaired_on_request(copy, whole):
    rng = np.random.default_rng(5)
    blocks, parameters = files_of(copy, "blocks/*"), files_of(copy, "parameters/*")
    flip(blocks[0], rng)
    blocks[1].write_bytes(blocks[1].read_bytes()[:50])
    blocks[2].unlink()
    flip(parameters[0], rng)
    refused = call("resume", copy, "--no-figures")
    assert refused.exit_code == 2
    assert all(path.name in refused.output for path in [*blocks[:3], parameters[0]])
    assert "--repair" in refused.output
    repaired = call("resume", copy, "--repair", "--no-figures")
    assert repaired.exit_code == 0, repaired.output
    assert repaired.output.count("to be made anew") == 4
    assert digest(copy) == digest(whole)
    for path in [*blocks[:3], parameters[0]]:
        assert path.read_bytes() == (whole / path.relative_to(copy)).read_bytes()


def test_a_repaired_block_must_be_the_one_of_the_journal(copy, monkeypatch):
    flip(files_of(copy, "blocks/*")[0], np.random.default_rng(6))
    from escalation.simulation.simulator import Workshop

    honest = Workshop._play

    def other(self, block):
        played = honest(self, block)
        played.tallies.worst_rung[0, 0] += 1
        return played

    monkeypatch.setattr(Workshop, "_play", other)
    with pytest.raises(InputError, match="differs from what the journal records"):
        resume_campaign(copy, repair=True)


def test_edited_journals_are_refused_and_rebuilt(copy, whole):
    journal = copy / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    edits = {
        "a count raised": [*lines[:3], lines[3].replace(b'"count":6', b'"count":7'), *lines[4:]],
        "two lines exchanged": [*lines[:4], lines[5], lines[4], *lines[6:]],
        "a line taken out": [*lines[:4], *lines[5:]],
        "a line twice": [*lines[:4], lines[3], *lines[4:]],
        "the first line taken out": lines[1:],
    }
    for what, edited in edits.items():
        assert edited != lines, what
        journal.write_bytes(b"".join(edited))
        with pytest.raises(InputError, match=r"journal\.jsonl: line \d+ is damaged"):
            resume_campaign(copy)
        resume_campaign(copy, repair=True)
        assert digest(copy) == digest(whole), what


def test_a_journal_that_was_cut_is_filled_up_from_the_files(copy, whole):
    journal = copy / "journal.jsonl"
    content = journal.read_bytes()
    for length in (0, 10, len(content) // 2, len(content) - 1):
        journal.write_bytes(content[:length])
        told: list[str] = []
        resume_campaign(copy, say=told.append)
        assert any("adopted" in line for line in told)
        assert digest(copy) == digest(whole)


def test_a_block_of_another_campaign_is_refused(copy, tmp_path):
    other = tmp_path / "other"
    run_campaign(little(), other, block_size=tools.BLOCK_SIZE, seed=4)
    block = files_of(copy, "blocks/*")[0]
    shutil.copy(other / "blocks" / block.name, block)
    with pytest.raises(InputError, match=f"{block.name}: from another campaign"):
        resume_campaign(copy)
    blocks = files_of(copy, "blocks/*")
    shutil.copy(blocks[1], blocks[0])
    with pytest.raises(InputError, match="another file under this name"):
        resume_campaign(copy)


class Full:
    """A disk that takes so many writes and then no more, leaving the last one half done."""

    def __init__(self, monkeypatch, writes: int) -> None:
        self.left = writes
        monkeypatch.setattr(files, "_write", self.file)
        monkeypatch.setattr(journal_module, "_write_all", self.line)

    def line(self, handle: int, content: bytes) -> None:
        self.left -= 1
        if self.left < 0:
            os.write(handle, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.write(handle, content)

    def file(self, temporary: Path, content: bytes) -> None:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            self.line(handle, content)
        finally:
            os.close(handle)


@pytest.mark.parametrize("writes", [0, 1, 2, 3, 9, 10])
def test_a_full_disk_tears_nothing(whole, tmp_path, monkeypatch, writes):
    folder = tmp_path / "campaign"
    Full(monkeypatch, writes)
    with pytest.raises(InputError, match="the disk is full"):
        tools.play(folder)
    monkeypatch.undo()
    assert not list(folder.rglob("*.partial"))
    for line in (folder / "journal.jsonl").read_bytes().splitlines() if writes > 2 else ():
        assert line.endswith(b"}")
    tools.play(folder)
    assert digest(folder) == digest(whole)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")
def test_a_small_file_system_fills_up_and_gets_space_again(whole, tmp_path):
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(mounted)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this system lets no file system be mounted")
    try:
        folder = mounted / "campaign"
        with pytest.raises(InputError, match="the disk is full"):
            tools.play(folder)
        done = campaign_status(folder)
        assert done.blocks_done > 0
        refused = call("resume", folder)
        assert refused.exit_code == 2
        assert "the disk is full" in refused.output
        assert len(refused.output.strip().splitlines()) == 1
        subprocess.run(["mount", "-o", "remount,size=4m", str(mounted)], check=True)
        resume_campaign(folder)
        assert digest(folder) == digest(whole)
        assert campaign_status(folder).blocks_done >= done.blocks_done
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_leave_a_campaign_that_continues(tmp_path, sent, code):
    study, folder = tools.little_file(tmp_path), tmp_path / "campaign"
    command = ["run", str(study), "--campaign", str(folder), "--trajectories", "20000000"]
    with subprocess.Popen(
        [sys.executable, "-m", "escalation", *command], stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            journal = folder / "journal.jsonl"
            while process.poll() is None and not (
                journal.exists() and journal.read_bytes().count(b"\n") > 3
            ):
                time.sleep(0.02)
            process.send_signal(sent)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == code, err
    done = campaign_status(folder)
    assert f"stopped; {done.blocks_done} of {done.blocks} blocks done; escalation resume" in err
    assert not done.holder
    assert done.blocks_done >= 2, "the line that was seen last may have been on its way"
    plan = load_plan(folder)
    asked = asked_files(plan, plan.study(), plan.posterior(folder))
    Store(folder, plan.identity, describe).open(False, asked)  # refuses what is damaged
    assert 0 <= campaign_status(folder).blocks_done - done.blocks_done <= 1


def test_results_that_were_damaged_are_written_again(copy, whole):
    flip(copy / "results.nc", np.random.default_rng(7))
    resume_campaign(copy)
    assert digest(copy) == digest(whole)
    open_results(copy)
