"""A small campaign, and a process that plays it and may be killed at any moment.

Run as a program, this file waits for folders on its standard input, one a line, and plays a
campaign in each in a forked process whose number it prints. All is loaded and compiled before
it forks, so that a kill falls into the campaign and not into the imports.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from functools import cache
from pathlib import Path

from escalation.study import Study, parse_study

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
TEXT = """
name: little
extends: asian_nato.yaml
flashpoints: [flashpoints/taiwan_strait.yaml]
structures: [structures/hub_and_spoke.yaml, structures/trilateral.yaml, structures/asian_nato.yaml]
compare: {focus: [asian_nato], sweep: [provocation_stake]}
plan: {trajectories: 60, draws: 4, seed: 3, design: DESIGN}
"""
BLOCK_SIZE = 100
SLOW_S = 0.004
"""How long the slow process waits in the middle of each write."""


@cache
def little(design: str = "sobol") -> Study:
    """Return a study of one flashpoint and three structures, of which one parameter is swept."""
    return parse_study(TEXT.replace("DESIGN", design), CONFIGS)


def little_file(folder: Path) -> Path:
    """Write that study to a file, for the command line."""
    up = os.path.relpath(CONFIGS, folder)
    text = TEXT.replace("DESIGN", "sobol").replace("extends: ", f"extends: {up}/")
    for kind in ("flashpoints/", "structures/"):
        text = text.replace(kind, f"{up}/{kind}")
    path = folder / "little.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def digest(folder: Path) -> str:
    """Return the checksum of a campaign's results."""
    return hashlib.sha256((folder / "results.nc").read_bytes()).hexdigest()


def play(folder: Path | str) -> None:
    """Play the small campaign in a folder."""
    from escalation.simulation.campaign import run_campaign

    run_campaign(little(), folder, block_size=BLOCK_SIZE)


def slow_writes() -> None:
    """Make every write of this process two, with a pause between and after them."""
    from escalation.contracts import whole_file
    from escalation.simulation import journal

    def write_all(handle: int, content: bytes) -> None:
        middle = len(content) // 2
        os.write(handle, content[:middle])
        time.sleep(SLOW_S)
        os.write(handle, content[middle:])
        time.sleep(SLOW_S)

    def write(temporary: Path, content: bytes) -> None:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        write_all(handle, content)
        os.close(handle)

    journal._write_all = write_all
    whole_file._write = write


def main() -> None:
    """Serve: a folder in, the number of the process that plays there out."""
    play(sys.argv[1])
    slow_writes()
    print("ready", flush=True)
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            play(line.strip())
            os._exit(0)
        print(process, flush=True)
        os.waitpid(process, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main()
