r"""The journal of a campaign: JSON lines, each chained to those before it.

With :math:`b_k` the JSON text of entry k without its chain, and the empty text as
:math:`c_0`, the line carries

.. math:: c_k = \mathrm{SHA256}(c_{k-1} \Vert b_k)

so that a line that was changed, moved, inserted or removed before others is noticed. A last
line without its line feed was torn by a kill; it is dropped, and what it spoke of is looked up
in the files themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from escalation.contracts.whole_file import cannot_write
from escalation.errors import InputError
from escalation.simulation.seals import canonical

NAME = "journal.jsonl"

Entry = dict[str, Any]


class DamagedJournal(InputError):
    """A journal with a line that is not what was written."""

    def __init__(self, path: Path, line: int) -> None:
        self.reason = f"line {line} is damaged, edited or moved: it is not what was written"
        super().__init__(f"{path}: {self.reason}")


class Journal:
    """The journal of a folder.

    Parameters
    ----------
    folder : Path
        Of the campaign.
    well_formed : callable
        Tells whether an entry says what a line may say.

    Attributes
    ----------
    entries : list of dict
        What the lines say, in order.
    torn : bool
        Whether a torn last line was left out.
    """

    def __init__(
        self, folder: Path, well_formed: Callable[[Entry], bool] = lambda entry: True
    ) -> None:
        self.path = folder / NAME
        self._well_formed = well_formed
        self.entries: list[Entry] = []
        self.torn = False
        self._chain = ""
        self._length = 0

    def read(self, *, cut: bool = False) -> None:
        """Read and verify all lines.

        Parameters
        ----------
        cut : bool
            Leave out a damaged line and all that follow, instead of refusing.

        Raises
        ------
        DamagedJournal
            A line is damaged, and is not to be cut off.
        InputError
            The file cannot be read.
        """
        self.entries, self._chain, self._length = [], "", 0
        lines = _content(self.path).split(b"\n")
        self.torn = bool(lines.pop())
        for number, line in enumerate(lines, 1):
            entry = _checked(line, self._chain)
            chain = "" if entry is None else entry.pop("chain")
            if entry is None or not self._well_formed(entry):
                if cut:
                    return
                raise DamagedJournal(self.path, number)
            self._chain = chain
            self._length += len(line) + 1
            self.entries.append(entry)

    def append(self, entry: Mapping[str, Any]) -> None:
        """Append a line behind the last good one and flush it to the disk.

        Raises
        ------
        InputError
            It cannot be written; the journal is then as it was.
        """
        chain = _link(self._chain, entry)
        line = canonical({**entry, "chain": chain}) + b"\n"
        try:
            _write_at(self.path, self._length, line)
        except OSError as error:
            raise InputError(cannot_write(self.path, error)) from error
        self._chain = chain
        self._length += len(line)
        self.entries.append(dict(entry))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _link(chain: str, entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(chain.encode("ascii") + canonical(entry)).hexdigest()


def _checked(line: bytes, chain: str) -> Entry | None:
    """Return the entry of a line, with its chain, or None if it is not what was written."""
    try:
        entry = json.loads(line)
        stated = entry.pop("chain")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    whole = {**entry, "chain": stated}
    if canonical(whole) != line or stated != _link(chain, entry):
        return None
    return whole


def _write_at(path: Path, length: int, line: bytes) -> None:
    """Make the file `length` bytes long and append the line; on failure cut it back."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.ftruncate(handle, length)
        try:
            _write_all(handle, line)
            os.fsync(handle)
        except BaseException:
            os.ftruncate(handle, length)
            raise
    finally:
        os.close(handle)


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]
