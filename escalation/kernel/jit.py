"""Compiler options, in one place.

Compiled code is kept in a folder of our own, private to the user and named by a hash of
the sources that go into it: numba's own check looks at one file only and would serve
stale code after an edit elsewhere. Without a usable folder the code is compiled anew in
each process.
"""

from __future__ import annotations

import hashlib
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numba

_PACKAGE = Path(__file__).resolve().parent.parent
_SOURCES = ("codes.py", "tables.py", "tallies.py", "kernel", "engines", "model")


def _source_hash() -> str:
    digest = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    for name in _SOURCES:
        place = _PACKAGE / name
        for file in sorted(place.glob("*.py")) if place.is_dir() else (place,):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:20]


def _cache_folder() -> Path | None:
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if not os.path.isabs(root) or os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return None
    folder = Path(root) / "escalation" / _source_hash()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        private = status.st_uid == os.getuid() and not status.st_mode & 0o022
        return folder if private and os.access(folder, os.W_OK) else None
    except (OSError, AttributeError):
        return None


_FOLDER = _cache_folder()
if _FOLDER is not None:
    numba.config.CACHE_DIR = str(_FOLDER)  # type: ignore[attr-defined]

_SHARED: dict[str, Any] = {"error_model": "numpy"}

jit: Any = partial(numba.njit, cache=_FOLDER is not None, **_SHARED)
"""A function called from Python."""
jit_parallel: Any = partial(numba.njit, cache=_FOLDER is not None, parallel=True, **_SHARED)
"""A function called from Python that shares its loop among threads."""
jit_kernel: Any = partial(numba.njit, cache=_FOLDER is not None, _nrt=False, **_SHARED)
"""As `jit`, without numba's memory management: allocates nothing and counts no references,
which costs more than the work itself when dozens of arrays travel together."""
jit_part: Any = partial(numba.njit, forceinline=True, _nrt=False, **_SHARED)
"""A piece of a larger function; always inlined, since tables are many arguments."""
