"""Compiled code on disk, sealed: a damaged file is compiled anew and never run.

numba keeps an index and data files for each function and writes each whole, under a temporary
name that it then renames, so that several processes may compile at once. It reads them back
unchecked. Here every file ends with the SHA-256 of what stands before it, and every data file
names the signature that it was compiled for, since two processes that begin together may give
two signatures the same file.

Not covered: a change by somebody who makes the seal anew, and memory that fails after reading.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

_SEAL_LENGTH = hashlib.sha256().digest_size
_SAID: set[str] = set()


def keep_compiled(dispatcher: Any, function: Callable[..., Any]) -> Any:
    """Let a compiled function keep its code in the folder that numba was told of."""
    try:
        dispatcher._cache = _SealedCache(function)
    except (OSError, RuntimeError) as error:  # the folder went away since it was looked at
        say_not_kept(error)
    return dispatcher


def say_not_kept(reason: object) -> None:
    """Say once that every start compiles, why, and how to mend it."""
    _say_once(
        "not kept",
        f"compiled code cannot be kept ({reason}), so that every start compiles for about a "
        "minute; set XDG_CACHE_HOME to a folder that can be written to",
    )


def _say_once(kind: str, words: str) -> None:
    """Print a line on stderr, once a process, unless the program has set up logging otherwise."""
    if kind not in _SAID:
        _SAID.add(kind)
        logging.getLogger("escalation").warning(words)


class _SealedFile(IndexDataCacheFile):
    """numba's index and data files, each with a checksum at its end."""

    def load(self, key: Any) -> Any:
        found = super().load(key)
        if found is None:
            return None
        compiled_for, code = found
        if compiled_for != key:
            _remove(self._index_path)
            return None
        return code

    def save(self, key: Any, data: Any) -> None:
        super().save(key, (key, data))

    def _load_index(self) -> Any:
        return super()._load_index() if _is_whole(self._index_path) else {}

    def _load_data(self, name: str) -> Any:
        path = self._data_path(name)
        if not _is_whole(path):
            raise FileNotFoundError(path)  # which numba takes for code that is still to compile
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[io.BytesIO]:
        buffer = io.BytesIO()
        yield buffer
        content = buffer.getvalue()
        with super()._open_for_write(filepath) as file:
            file.write(content + hashlib.sha256(content).digest())


class _SealedCache(FunctionCache):
    """The cache of one function; code that cannot be written is no reason to stop."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _SealedFile(
            self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp()
        )

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            say_not_kept(f"{self._cache_path}: {error.strerror}")


def _is_whole(path: str) -> bool:
    """Whether a file is there and ends with its checksum; a damaged one is removed."""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return False
    if hashlib.sha256(content[:-_SEAL_LENGTH]).digest() == content[-_SEAL_LENGTH:]:
        return True
    _remove(path)
    _say_once("damaged", f"compiled code was damaged and is compiled anew, in a minute: {path}")
    return False


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
