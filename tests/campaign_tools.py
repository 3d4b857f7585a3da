"""A small campaign, and a process that runs it and may be killed at any moment.

Run as a program, this file waits for folders on its standard input, one a line, and runs a
campaign in each in a forked process whose number it prints. All is loaded and compiled before
it forks, so that a kill falls into the campaign and not into the imports.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
import time
from contextlib import closing
from functools import cache
from pathlib import Path

import escalation
from escalation.simulation import database
from escalation.simulation.store import Store, Watch
from escalation.study import Study, parse_study

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
TEXT = """
name: little
extends: asian_nato.yaml
premises: []
flashpoints: [flashpoints/taiwan_strait.yaml]
structures: [structures/hub_and_spoke.yaml, structures/trilateral.yaml, structures/asian_nato.yaml]
compare: {focus: [asian_nato], sweep: [provocation_stake]}
plan: {trajectories: 60, draws: 4, seed: 3, design: DESIGN}
"""
BLOCK_SIZE = 100
SLOW_S = 0.004
"""How long the slow process waits before the end of each write, and after it."""


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


def sql(folder: Path, command: str, *values: object) -> list[tuple]:
    """Do something to the file of a campaign, as a stranger might."""
    with closing(sqlite3.connect(folder / database.NAME)) as connection:
        found = connection.execute(command, values).fetchall()
        connection.commit()
    return found


def keys_of(folder: Path) -> set[str]:
    """Return the keys of all rows of a campaign."""
    return {key for key, in sql(folder, "SELECT key FROM row")}


def simulate(folder: Path | str, watch: Watch | None = None) -> None:
    """Run the small campaign in a folder."""
    escalation.run(little(), store=Store(folder, watch=watch), block_size=BLOCK_SIZE)


def slow_writes() -> None:
    """Make every write of this process two, with a pause between and after them."""
    from escalation.contracts import whole_file

    def commit(connection: sqlite3.Connection) -> None:
        time.sleep(SLOW_S)
        connection.execute("COMMIT")
        time.sleep(SLOW_S)

    def write(temporary: Path, content: bytes) -> None:
        middle = len(content) // 2
        with temporary.open("xb") as file:
            for part in (content[:middle], content[middle:]):
                file.write(part)
                file.flush()
                time.sleep(SLOW_S)

    # So few pages are held back that most are in the file before their transaction ends.
    database.PRAGMAS += ["cache_size=1", "cache_spill=1"]
    database._commit = commit
    whole_file._write = write


def main() -> None:
    """Serve: a folder in, the number of the process that works there out, a line a block."""
    simulate(sys.argv[1])
    slow_writes()
    print("ready", flush=True)
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            simulate(line.strip(), lambda *_: print("block", flush=True))
            os._exit(0)
        print(process, flush=True)
        os.waitpid(process, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main()
