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
from campaign_tools import digest
from click.testing import CliRunner

from escalation.cli.app import main
from escalation.contracts import whole_file
from escalation.errors import InputError
from escalation.results import open_results
from escalation.simulation import database
from escalation.simulation.run import resume
from escalation.simulation.status import campaign_status
from escalation.simulation.store import Store
from escalation.simulation.workload import Workload

NAME = database.NAME


def call(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


class Victim:
    """The process of `campaign_tools`."""

    def __init__(self, folder: Path) -> None:
        # The simplest threading layer survives a fork; others refuse it.
        env = os.environ | {"NUMBA_THREADING_LAYER": "workqueue", "NUMBA_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, tools.__file__, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
        )
        assert self._line() == "ready"

    def kill_in(self, folder: Path, blocks: int, pause: float) -> bool:
        """Run in a folder; kill the process a little after so many blocks."""
        self.process.stdin.write(f"{folder}\n")
        self.process.stdin.flush()
        number, line = int(self._line()), ""
        while blocks and line != "ended":
            line, blocks = self._line(), blocks - 1
        time.sleep(pause)
        if line != "ended":
            os.kill(number, signal.SIGKILL)
        while line != "ended":
            line = self._line()
        return not (folder / "results.nc").exists()

    def _line(self) -> str:
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    found = Victim(tmp_path_factory.mktemp("victim") / "campaign")
    yield found
    found.end()


def kill_and_resume(victim: Victim, folder: Path, rng: np.random.Generator, most: int) -> dict:
    """Kill once at a random moment; say what the kill left."""
    early = victim.kill_in(folder, int(rng.integers(most)), float(rng.uniform(0, 0.05)))
    told: list[str] = []
    torn = (folder / f"{NAME}-journal").exists()
    if (folder / NAME).exists():
        resume(Store(folder, say=told.append))
    else:
        tools.simulate(folder)
    assert torn == any("is undone" in line for line in told)
    return {"early": early, "torn": torn}


def check_kills(victim: Victim, whole: Path, place: Path, n: int, seed: int) -> None:
    rng, left = np.random.default_rng(seed), []
    blocks = campaign_status(whole).blocks
    for k in range(n):
        folder = place / str(k)
        left.append(kill_and_resume(victim, folder, rng, blocks))
        assert digest(folder) == digest(whole), f"kill {k} left another end: {left[-1]}"
        shutil.rmtree(folder)
    assert sum(one["early"] for one in left) > 0.7 * n, "most kills fall before the end"
    assert any(one["torn"] for one in left), "no kill fell into a transaction"


def test_twenty_kills_end_in_the_same_bytes(victim, whole, tmp_path):
    check_kills(victim, whole, tmp_path, 20, seed=1)


@pytest.mark.slow
def test_two_hundred_kills_end_in_the_same_bytes(victim, whole, tmp_path):
    check_kills(victim, whole, tmp_path, 200, seed=2)


def test_one_campaign_killed_again_and_again(victim, whole, tmp_path):
    folder, rng = tmp_path / "campaign", np.random.default_rng(3)
    for blocks in (2, 6, 10, 15, 20):
        victim.kill_in(folder, blocks, float(rng.uniform(0, 0.02)))
    resume(folder)
    assert digest(folder) == digest(whole)


def flip(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)


def refusal(store: Store | Path) -> str:
    """Resume a campaign and return why that is refused; empty if it is not."""
    try:
        resume(store)
    except InputError as refused:
        return str(refused)
    return ""


def test_every_flipped_bit_is_named_and_refused_or_without_effect(copy, whole):
    rng, file = np.random.default_rng(4), copy / NAME
    honest, refused = file.read_bytes(), []
    for _ in range(60):
        flip(file, rng)
        refused.append(refusal(copy))
        assert not refused[-1] or NAME in refused[-1]
        assert digest(copy) == digest(whole)
        file.write_bytes(honest)
    assert sum(map(bool, refused)) > 40, "most bits count"


def test_every_bit_of_a_row_counts(copy):
    """Bits of the parts of a row that stand in a result, one after another."""
    rng = np.random.default_rng(6)
    for _ in range(24):
        number = int(rng.integers(1, 30))
        column = str(rng.choice(["key", "facts", "payload", "checksum"]))
        (before,), = tools.sql(copy, f"SELECT {column} FROM row WHERE id = ?", number)
        raw = bytearray(before if isinstance(before, bytes) else before.encode("ascii"))
        raw[int(rng.integers(len(raw)))] ^= 1 << int(rng.integers(7))
        after = bytes(raw) if isinstance(before, bytes) else raw.decode("ascii")
        tools.sql(copy, f"UPDATE row SET {column} = ? WHERE id = ?", after, number)
        with pytest.raises(InputError, match=rf"{NAME}: row {number}, "):
            resume(copy)
        tools.sql(copy, f"UPDATE row SET {column} = ? WHERE id = ?", before, number)
    resume(copy)


def test_cut_files_are_named_and_refused(copy):
    path = copy / NAME
    before = path.read_bytes()
    for length in (0, 10, 1_000, 4_096, len(before) // 2, len(before) - 4_096):
        path.write_bytes(before[:length])
        with pytest.raises(InputError, match=NAME):
            resume(copy)
    path.unlink()
    with pytest.raises(InputError, match=NAME):
        resume(copy)


def test_damage_is_repaired_on_request(copy, whole):
    """What can be told from what is whole is made anew; the rest is refused."""
    rng, file = np.random.default_rng(5), copy / NAME
    honest, repaired = file.read_bytes(), 0
    rows = len(tools.keys_of(whole))
    for size in (1, 1, 1, 4, 16, 16, 64):
        for _ in range(3):
            for _ in range(size):
                flip(file, rng)
            refused = refusal(Store(copy, repair=True))
            assert not refused or "restore the file" in refused
            if not refused:
                repaired += 1
                assert len(tools.keys_of(copy)) == rows
                resume(copy)
            assert digest(copy) == digest(whole)
            file.write_bytes(honest)
    assert repaired >= 3


def test_a_page_of_rows_that_is_gone_is_made_anew(copy, whole):
    """Rows before it, and behind it where they can be found, are kept."""
    file = copy / NAME
    content = bytearray(file.read_bytes())
    middle = len(content) - 3 * 4_096
    content[middle : middle + 4_096] = bytes(4_096)
    file.write_bytes(content)
    with pytest.raises(InputError, match="--repair makes anew"):
        resume(copy)
    told: list[str] = []
    resume(Store(copy, repair=True, say=told.append))
    assert told
    assert digest(copy) == digest(whole)


def test_a_block_of_another_campaign_is_refused(copy, whole, tmp_path):
    import escalation

    other = tmp_path / "other"
    escalation.run(tools.little(), store=other, block_size=tools.BLOCK_SIZE, seed=4)
    key = next(key for key in sorted(tools.keys_of(other)) if key.startswith('["block","study"'))
    (facts, payload, checksum), = tools.sql(
        other, "SELECT facts, payload, checksum FROM row WHERE key = ?", key
    )
    tools.sql(
        copy, "UPDATE row SET facts = ?, payload = ?, checksum = ? WHERE key = ?",
        facts, payload, checksum, key,
    )
    with pytest.raises(InputError, match="of another campaign"):
        resume(copy)
    resume(Store(copy, repair=True))
    assert digest(copy) == digest(whole)


def full_after(monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """Let the file of a campaign hold so many pages."""
    monkeypatch.setattr(database, "PRAGMAS", [*database.PRAGMAS, f"max_page_count={pages}"])


@pytest.mark.parametrize("share", [0, 0.3, 0.6, 0.8, 0.9, 0.95])
def test_a_full_disk_tears_nothing(whole, tmp_path, monkeypatch, share):
    folder = tmp_path / "campaign"
    full_after(monkeypatch, max(int(share * (whole / NAME).stat().st_size / 4_096), 1))
    with pytest.raises(InputError, match="the disk is full"):
        tools.simulate(folder)
    monkeypatch.undo()
    assert not list(folder.rglob("*.partial*"))
    tools.simulate(folder)
    assert digest(folder) == digest(whole)


def test_a_full_disk_at_the_very_end_keeps_every_block(whole, tmp_path, monkeypatch):
    folder = tmp_path / "campaign"

    def full(temporary: Path, content: bytes) -> None:
        temporary.write_bytes(content[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(whole_file, "_write", full)
    with pytest.raises(InputError, match="the disk is full"):
        tools.simulate(folder)
    monkeypatch.undo()
    status = campaign_status(folder)
    assert status.blocks_done == status.blocks
    assert not status.finished
    assert not list(folder.rglob("*.partial"))
    resume(folder)
    assert digest(folder) == digest(whole)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")
def test_a_small_file_system_fills_up_and_gets_space_again(whole, tmp_path):
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    size = (whole / NAME).stat().st_size // 1_024 - 28  # most of it is text of the study
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(mounted)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this system lets no file system be mounted")
    try:
        folder = mounted / "campaign"
        with pytest.raises(InputError, match="the disk is full"):
            tools.simulate(folder)
        done = campaign_status(folder)
        assert done.blocks_done > 0
        refused = call("resume", folder)
        assert refused.exit_code == 2
        assert "the disk is full" in refused.output
        assert len(refused.output.strip().splitlines()) == 1
        subprocess.run(["mount", "-o", "remount,size=8m", str(mounted)], check=True)
        resume(folder)
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
            while process.poll() is None and not (
                (folder / NAME).exists() and campaign_status(folder).blocks_done > 2
            ):
                time.sleep(0.1)
            process.send_signal(sent)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == code, err
    done = campaign_status(folder)
    assert f"stopped; {done.blocks_done} of {done.blocks} blocks done; escalation resume" in err
    assert not done.holder
    assert done.blocks_done >= 2
    assert not (folder / f"{NAME}-journal").exists()
    store = Store(folder)
    manifest = store.manifest()
    source = manifest.source(manifest.study())
    workload = Workload.of(manifest.plan(), source)
    with store.opened(manifest, workload):  # refuses what is damaged
        assert store.first_block(workload) is not None


def test_results_that_were_damaged_are_written_again(copy, whole):
    flip(copy / "results.nc", np.random.default_rng(7))
    resume(copy)
    assert digest(copy) == digest(whole)
    open_results(copy)
