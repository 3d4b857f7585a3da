"""Tables as users have them: files, folders, and zip files as downloaded, read in memory.

A zip file counts as a folder, also inside another one. Nothing is unpacked to disk. What is not
a table in its own right (hidden files, resource forks of macOS) is passed over.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from escalation.errors import InputError

MAX_BYTES = 2**29
"""Largest table read, and the most that zip files inside others may hold together."""

MAX_DEPTH = 3
"""Zip files within each other."""

_MAX_COMPARED = 8
"""Files of one name that are compared byte by byte."""

_REASON = 80
"""Characters of an error in a message."""

_UNREADABLE = (
    OSError, EOFError, ValueError, RuntimeError, struct.error,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What a damaged, encrypted or strangely packed zip file raises."""


@dataclass(frozen=True)
class SourceFile:
    """A file on disk or inside a zip file.

    Attributes
    ----------
    name : str
        Where it is, as a message shows it.
    load : callable
        Returns its bytes.
    """

    name: str
    load: Callable[[], bytes]

    @property
    def base(self) -> str:
        """Name without folders."""
        return PurePosixPath(self.name.replace("\\", "/")).name

    @classmethod
    def on_disk(cls, path: str | Path) -> SourceFile:
        """A file of the file system.

        Reading it raises InputError where that is impossible.
        """
        name = one_line(path)

        def load() -> bytes:
            try:
                with open(path, "rb") as stream:
                    return _bounded(stream, name)
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "not a usable file name"
                raise InputError(f"{name}: {reason}") from None

        return cls(name, load)


@dataclass
class Listing:
    """The tables in a folder or zip file and below.

    Attributes
    ----------
    folder : Path
        Where was looked.
    files : list of SourceFile
        Every CSV file found.
    unread : list of str
        Zip files that could not be opened, and why.
    """

    folder: Path
    files: list[SourceFile] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    _nested: int = 0

    def only(self, pattern: str, prefer: str = "") -> SourceFile:
        """The one file whose name matches, whatever its case.

        Copies with the same content count as one. If several differ, those with `prefer` in
        their name go before the others.

        Raises
        ------
        InputError
            There is none, or more than one.
        """
        name = re.compile(re.escape(pattern).replace(r"\*", ".*"), re.IGNORECASE)
        found = [file for file in self.files if name.fullmatch(file.base)]
        found = [file for file in found if prefer in file.base.lower()] or found
        if not found:
            also = "".join(f"; {line}" for line in self.unread[:3])
            raise InputError(f"{one_line(self.folder)}: no file {pattern}{also}")
        if len(found) > 1 and not _same(found):
            names = ", ".join(self._within(file) for file in found[:_MAX_COMPARED])
            raise InputError(
                f"{one_line(self.folder)}: more than one {pattern}: {names}; leave one"
            )
        return found[0]

    def _within(self, file: SourceFile) -> str:
        return file.name.removeprefix(f"{one_line(self.folder)}/")

    def add_zip(self, source: Path | bytes, name: str, depth: int = 1) -> None:
        """Add the tables in a zip file, given by its path or its bytes."""
        try:
            with _opened(source) as archive:
                for info in archive.infolist():
                    if not info.is_dir() and _counts(PurePosixPath(info.filename)):
                        self._add_member(source, archive, info, name, depth)
        except _UNREADABLE as error:
            self.unread.append(f"{name}: not a zip file that can be read ({_reason(error)})")

    def _add_member(
        self, source: Path | bytes, archive: zipfile.ZipFile, info: zipfile.ZipInfo,
        name: str, depth: int,
    ) -> None:  # fmt: skip
        inside = f"{name}/{one_line(info.filename)}"
        if not _is_zip(info.filename):
            self.files.append(SourceFile(inside, lambda: _member(source, info, inside)))
        elif depth >= MAX_DEPTH or self._nested + info.file_size > MAX_BYTES:
            self.unread.append(f"{inside}: too deep or too large to look into")
        else:
            self._nested += info.file_size
            self.add_zip(archive.read(info), inside, depth + 1)


def listing(folder: str | Path) -> Listing:
    """The tables in a folder and its subfolders, or in a zip file.

    Raises
    ------
    InputError
        The zip file cannot be read.
    """
    folder = Path(folder)
    found = Listing(folder)
    if not folder.is_dir():
        found.add_zip(folder, one_line(folder))
        if found.unread and not found.files:
            raise InputError(found.unread[0])
        return found
    for path in sorted(folder.rglob("*")):
        if path.is_file() and _counts(path.relative_to(folder)):
            if _is_zip(path.name):
                found.add_zip(path, one_line(path))
            else:
                found.files.append(SourceFile.on_disk(path))
    return found


def is_folder(path: str | Path) -> bool:
    """Whether a path is a folder or is named as a zip file, in which several tables may be."""
    return Path(path).is_dir() or _is_zip(Path(path).name)


def one_line(text: object) -> str:
    """One line without control characters.

    >>> one_line("a\\x1b[2J")
    'a?[2J'
    """
    return "".join(c if c.isprintable() else "?" for c in str(text))


def _reason(error: Exception) -> str:
    """The start of what went wrong; a damaged zip file may have any length of name in it."""
    return one_line(getattr(error, "strerror", None) or error)[:_REASON]


def _is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


def _counts(path: PurePosixPath | Path) -> bool:
    """Whether a file is a table or a zip file, and neither hidden nor a resource fork."""
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return path.suffix.lower() in (".csv", ".zip") and not hidden


def _opened(source: Path | bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)


def _member(source: Path | bytes, info: zipfile.ZipInfo, name: str) -> bytes:
    try:
        with _opened(source) as archive, archive.open(info) as stream:
            return _bounded(stream, name)
    except _UNREADABLE as error:
        raise InputError(f"{name}: cannot be read from the zip file ({_reason(error)})") from None


def _bounded(stream: IO[bytes], name: str) -> bytes:
    content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES >> 20} MiB, which no such table is")
    return content


def _same(files: list[SourceFile]) -> bool:
    if len(files) > _MAX_COMPARED:
        return False
    first = files[0].load()
    return all(file.load() == first for file in files[1:])
