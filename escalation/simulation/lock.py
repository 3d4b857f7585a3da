"""One process at a time: a lock that the system frees when its holder dies, however it dies."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from escalation.errors import InputError

NAME = "lock"
_TRIES = 4
_PAUSE_S = 0.05
"""A look at the lock by another process lasts microseconds; wait for that much."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a campaign.

    Raises
    ------
    InputError
        Another process holds it, or the system has no such locks.
    """
    try:
        handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise InputError(f"{folder}: cannot be worked in: {error.strerror}") from error
    try:
        if not _take(handle):
            raise InputError(f"{folder}: in use by {_words(handle)}; one process at a time")
        with suppress(OSError):  # on a full disk the lock holds, though nobody can say whose
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        os.close(handle)


def holder(folder: Path) -> str:
    """Return who holds the lock, in words; empty if nobody does."""
    try:
        handle = os.open(folder / NAME, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise InputError(f"{folder / NAME}: cannot be read: {error.strerror}") from error
    try:
        return "" if _try(handle) else _words(handle)
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    for _ in range(_TRIES):
        if _try(handle):
            return True
        time.sleep(_PAUSE_S)
    return False


def _try(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:
        raise InputError("campaigns need a system with file locks (flock)") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise InputError(f"campaigns need a file system with locks: {error.strerror}") from error
    return True


def _words(handle: int) -> str:
    text = os.pread(handle, 300, 0).decode("utf-8", "replace")
    return text if text.isprintable() and text else "another process"
