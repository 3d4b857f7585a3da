"""Sealed files of a campaign with their journal: written whole, verified when read.

The file comes first, its line in the journal second. A file without a line was written by a
process that died in between: it is adopted if its own seal is whole and it belongs here.
"""

from __future__ import annotations

import datetime
import hashlib
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from escalation.campaigns.journal import DamagedJournal, Entry, Journal
from escalation.campaigns.sealed import Content, decode, encode
from escalation.errors import InputError
from escalation.results.files import cannot_write, write_whole

FOLDERS = ("parameters", "blocks")
_PARTIAL = ".escalation-*.partial"


class Fault(NamedTuple):
    """A file that is not what was written, and what is wrong with it."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


class Store:
    """Sealed files in a folder.

    Attributes
    ----------
    folder : Path
        Of the campaign.
    identity : str
        Of the campaign; every file carries it.
    recorded : dict of str to dict
        Entry in the journal by file.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        self.identity = identity
        self.journal = Journal(folder)
        self.recorded: dict[str, Entry] = {}
        self._wanted: dict[str, str] = {}

    def open(self, repair: bool, describe: Callable[[Content], dict[str, Any]]) -> list[str]:
        """Read the journal, look at every file, adopt those that lack a line.

        Parameters
        ----------
        repair : bool
            Remove what is damaged, so that it is made anew, instead of refusing.
        describe : callable
            What the journal says of the content of a file.

        Returns
        -------
        list of str
            What was found and done, in words.

        Raises
        ------
        InputError
            Something is damaged: every such file, one a line.
        """
        done = self._clear()
        faults = self._read_journal(repair, done)
        found = {f"{part}/{p.name}" for part in FOLDERS for p in (self.folder / part).iterdir()}
        for file in sorted(found | set(self.recorded)):
            try:
                content = self._verified(file)
            except InputError as error:
                faults.append(Fault(file, str(error)))
                continue
            if file not in self.recorded:
                self._record(file, self._sum(file), describe(content) | {"adopted": True})
                done.append(f"{file}: adopted, it was whole but not in the journal")
        if faults and not repair:
            lines = [f"{self.folder / fault.file}: {fault.reason}" for fault in faults]
            advice = f"escalation resume {self.folder} --repair makes anew what is damaged"
            raise InputError("\n".join([*lines, advice]))
        return done + [self._removed(fault) for fault in faults if fault.file != self.journal_name]

    @property
    def journal_name(self) -> str:
        """Name of the journal's file."""
        return self.journal.path.name

    def get(self, file: str) -> Content | None:
        """Return the verified content of a file; None if it is not there.

        Raises
        ------
        InputError
            It is damaged.
        """
        if file not in self.recorded:
            return None
        try:
            return self._verified(file)
        except InputError as error:
            raise InputError(f"{self.folder / file}: {error}") from None

    def put(
        self,
        file: str,
        header: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
        words: Mapping[str, Any],
    ) -> None:
        """Write a file and its line in the journal.

        Parameters
        ----------
        file : str
            Folder and name.
        header, arrays : mapping
            Its content.
        words : mapping
            What the journal says of it.

        Raises
        ------
        InputError
            It cannot be written, or it was removed as damaged and is now another one.
        """
        content = encode({**header, "file": file, "campaign": self.identity}, arrays)
        digest = hashlib.sha256(content).hexdigest()
        if self._wanted.get(file, digest) != digest:
            raise InputError(
                f"{self.folder / file}: made anew, it differs from what the journal records: this "
                "machine computes other numbers than the one that made it; restore the file"
            )
        write_whole(self.folder / file, content)
        self._record(file, digest, {**words, "repaired": True} if file in self._wanted else words)

    def _record(self, file: str, digest: str, words: Mapping[str, Any]) -> None:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        place = {"file": file, "sha256": digest, "time": now, "host": socket.gethostname()}
        self.journal.append({**words, **place})
        self.recorded[file] = self.journal.entries[-1]

    def _clear(self) -> list[str]:
        """Make the folders and remove what a killed process was writing."""
        for part in FOLDERS:
            try:
                (self.folder / part).mkdir(exist_ok=True)
            except OSError as error:
                raise InputError(cannot_write(self.folder / part, error)) from error
        rest = [p for place in ("", *FOLDERS) for p in (self.folder / place).glob(_PARTIAL)]
        for path in rest:
            path.unlink()
        return [f"{path.relative_to(self.folder)}: removed, a write was cut off" for path in rest]

    def _read_journal(self, repair: bool, done: list[str]) -> list[Fault]:
        faults = []
        try:
            self.journal.read()
        except DamagedJournal as error:
            faults.append(Fault(self.journal_name, error.reason))
            self.journal.read(cut=True)
            if repair:
                done.append(f"{self.journal_name}: cut off at the first damaged line")
        if self.journal.torn:
            done.append(f"{self.journal_name}: a torn last line was dropped")
        self.recorded = {entry["file"]: entry for entry in self.journal.entries}
        return faults

    def _verified(self, file: str) -> Content:
        path = self.folder / file
        try:
            raw = path.read_bytes()
            content = decode(raw)
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise InputError(str(error)) from None
        if content.header.get("campaign") != self.identity or content.header.get("file") != file:
            raise InputError("from another campaign, or another file under this name")
        entry = self.recorded.get(file)
        if entry is not None and entry["sha256"] != hashlib.sha256(raw).hexdigest():
            raise InputError("not the content that the journal records")
        return content

    def _sum(self, file: str) -> str:
        return hashlib.sha256((self.folder / file).read_bytes()).hexdigest()

    def _removed(self, fault: Fault) -> str:
        (self.folder / fault.file).unlink(missing_ok=True)
        entry = self.recorded.pop(fault.file, None)
        if entry is not None:
            self._wanted[fault.file] = entry["sha256"]
        return f"{fault}; removed, to be made anew"
