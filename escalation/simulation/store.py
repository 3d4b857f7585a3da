"""Sealed files of a campaign with their journal: written whole, verified when read.

The file comes first, its line in the journal second. A file without a line was written by a
process that died in between: it is adopted if its own seal is whole and it belongs here.
"""

from __future__ import annotations

import datetime
import hashlib
import socket
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from escalation.contracts.whole_file import cannot_write, write_whole
from escalation.errors import InputError
from escalation.simulation.entries import well_formed
from escalation.simulation.journal import DamagedJournal, Entry, Journal
from escalation.simulation.seals import Content, decode, encode
from escalation.study.names import shown

FOLDERS = ("parameters", "blocks")
_PARTIAL = ".escalation-*.partial"
_NAMED = 10
"""Strangers that are named."""

Words = Callable[[Content], dict[str, Any]]


class Fault(NamedTuple):
    """A file that is not what was written, and what is wrong with it."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


class Store:
    """Sealed files in a folder.

    Parameters
    ----------
    folder, identity
        See below.
    words : callable
        What the journal says of the content of a file.

    Attributes
    ----------
    folder : Path
        Of the campaign.
    identity : str
        Of the campaign; every file carries it.
    recorded : dict of str to dict
        Entry in the journal by file.
    """

    def __init__(self, folder: Path, identity: str, words: Words) -> None:
        self.folder = folder
        self.identity = identity
        self.journal = Journal(folder, well_formed)
        self._words = words
        self.recorded: dict[str, Entry] = {}
        self._wanted: dict[str, str] = {}

    def open(self, repair: bool, asked: Collection[str]) -> list[str]:
        """Read the journal, look at every file that is asked for, adopt those that lack a line.

        Parameters
        ----------
        repair : bool
            Remove what is damaged, so that it is made anew, instead of refusing.
        asked : collection of str
            Every file that the plan asks for. Any other is somebody else's and left alone.

        Returns
        -------
        list of str
            What was found and done, in words.

        Raises
        ------
        InputError
            Something is damaged: every such file, one a line; or the journal records a file
            that the plan does not ask for.
        """
        done = self._clear()
        faults = self._read_journal(repair, done)
        self._refuse_unasked(asked)
        found = self._found()
        done += _strangers(sorted(found.difference(asked)))
        for file in sorted(found.intersection(asked) | set(self.recorded)):
            try:
                content = self._verified(file)
            except InputError as error:
                faults.append(Fault(file, str(error)))
                continue
            if file not in self.recorded:
                self._record(file, self._sum(file), self._words(content) | {"adopted": True})
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
        places = [self.folder / place for place in ("", *FOLDERS)]
        rest = [p for place in places for p in place.glob(_PARTIAL) if p.is_file()]
        for path in rest:
            path.unlink()
        return [f"{path.relative_to(self.folder)}: removed, a write was cut off" for path in rest]

    def _found(self) -> set[str]:
        """Return what lies in the folders, whosever it is."""
        try:
            return {f"{part}/{p.name}" for part in FOLDERS for p in (self.folder / part).iterdir()}
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be read: {error.strerror}") from error

    def _refuse_unasked(self, asked: Collection[str]) -> None:
        """Refuse a journal and a plan that do not belong together."""
        for file in self.recorded:
            if file not in asked:
                raise InputError(f"{self.journal.path}: records {shown(file)}, which the plan of "
                                 "the campaign does not ask for; restore the plan or the journal")

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
            content, digest = decode(raw), hashlib.sha256(raw).hexdigest()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise InputError(str(error)) from None
        if content.header.get("campaign") != self.identity or content.header.get("file") != file:
            raise InputError("from another campaign, or another file under this name")
        words = self._described(content)
        if words["file"] != file:
            raise InputError("its content belongs under another name")
        entry = self.recorded.get(file, {**words, "sha256": digest})
        if {**entry, **words, "sha256": digest} != entry:
            raise InputError("not the content that the journal records")
        return content

    def _described(self, content: Content) -> dict[str, Any]:
        try:
            return self._words(content)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            raise InputError("not the content of such a file") from None

    def _sum(self, file: str) -> str:
        return hashlib.sha256((self.folder / file).read_bytes()).hexdigest()

    def _removed(self, fault: Fault) -> str:
        path = self.folder / fault.file
        if path.is_dir() and not path.is_symlink():
            raise InputError(f"{path}: a file of the campaign belongs here but there is a folder; "
                             "move it away")
        path.unlink(missing_ok=True)
        entry = self.recorded.pop(fault.file, None)
        if entry is not None:
            self._wanted[fault.file] = entry["sha256"]
        return f"{fault}; removed, to be made anew"


def _strangers(files: list[str]) -> list[str]:
    """Say which files are not the campaign's."""
    lines = [f"{shown(file)[1:-1]}: not of this campaign, left alone" for file in files[:_NAMED]]
    more = len(files) - len(lines)
    return [*lines, f"and {more:,} more that are not of this campaign"] if more else lines
