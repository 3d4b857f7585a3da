"""A file is whole or absent: it is written under another name, flushed to the disk and renamed.

Nobody ever meets half a file, and where writing fails the old file is as it was.
"""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from escalation.errors import InputError

_NAME_LIMIT = 255


def write_whole(
    path: str | os.PathLike[str], content: bytes, *, replace: bool = True
) -> Path:
    """Write a file whole or not at all.

    Raises
    ------
    InputError
        The path cannot be used, see `usable_path`, or writing failed.
    FileExistsError
        The file is there and may not be replaced.
    """
    target = usable_path(path)
    try:
        put(target, content, replace=replace)
    except FileExistsError:
        raise
    except OSError as error:
        raise InputError(cannot_write(target, error)) from error
    return target


def put(target: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file whole or not at all, wherever it is.

    Raises
    ------
    OSError
        Writing failed; FileExistsError where the file is there and may not be replaced.
    """
    temporary = target.with_name(f".escalation-{secrets.token_hex(8)}.partial")
    try:
        _write(temporary, content)
        (os.replace if replace else _rename_new)(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    _flush_folder(target.parent)


def check_output(path: str | os.PathLike[str]) -> Path:
    """Return the path if a file could be written there once its folders are made.

    For use before a long run: as `usable_path`, but the folder need not exist yet.

    Raises
    ------
    InputError
        See `usable_path`.
    """
    return _checked_path(path, make_folders=True)


def usable_path(path: str | os.PathLike[str]) -> Path:
    """Return the path if a file can be written there now.

    Raises
    ------
    InputError
        Null byte, ``..``, a name that is too long, a symbolic link, a folder, or a folder that is
        missing or cannot be written to.
    """
    return _checked_path(path, make_folders=False)


def _checked_path(path: str | os.PathLike[str], *, make_folders: bool) -> Path:
    text = os.fsdecode(path)
    shown = repr(text if len(text) <= 80 else f"{text[:60]}...")
    if "\0" in text:
        raise InputError(f"output path {shown} contains a null byte")
    target = Path(text)
    if ".." in target.parts:
        raise InputError(f"output path {shown} contains '..'; name the folder itself")
    if target.name == "":
        raise InputError(f"output path {shown} names no file")
    if any(len(os.fsencode(part)) > _NAME_LIMIT for part in target.parts):
        raise InputError(f"output path {shown}: a name is longer than {_NAME_LIMIT} bytes")
    try:
        _check_place(target, shown, make_folders)
    except OSError as error:
        raise InputError(cannot_write(target, error)) from error
    return target


def _check_place(target: Path, shown: str, make_folders: bool) -> None:
    if target.is_symlink():
        raise InputError(f"output path {shown} is a symbolic link; name the file itself")
    if target.is_dir():
        raise InputError(f"output path {shown} is a folder")
    folder = target.parent
    if make_folders:
        folder = next(place for place in (folder, *folder.parents) if place.exists())
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "does not exist"
        raise InputError(f"output path {shown}: {str(folder)[:80]!r} {what}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"output path {shown}: the folder is not writable")


def cannot_write(target: Path, error: OSError) -> str:
    return f"cannot write {str(target)[:200]!r}: {reason(error)}; nothing was written"


def reason(error: OSError) -> str:
    """Why writing failed, in words."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "the disk is full" if full else error.strerror or str(error)


def _write(temporary: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _rename_new(temporary: Path, target: Path) -> None:
    """Give a file its name unless another has it; a link fails then, where a rename does not."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError(target) from None
        os.replace(temporary, target)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)
