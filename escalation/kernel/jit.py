"""Compiler options, in one place.

Compiled code is kept in a folder of our own, private to the user and named by a hash of
the sources that go into it: numba's own check looks at one file only and would serve
stale code after an edit elsewhere. Without a usable folder the code is compiled anew in
each process, and a line on stderr says so.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# Threads that spin while they wait for the next parallel region take the cores from every
# other process: beside a busy neighbour a run is three times slower. GNU's library reads this
# once, when numba loads it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numba

from escalation.kernel.code_cache import keep_compiled, say_not_kept

_PACKAGE = Path(__file__).resolve().parent.parent
_SOURCES = (
    "contracts", "kernel", "model", "simulation/threads.py", "history/dispute_chain.py",
    "history/dyad_types.py",
)


def _source_hash() -> str:
    digest = hashlib.sha256(f"{numba.__version__} {sys.version}".encode())
    for name in _SOURCES:
        place = _PACKAGE / name
        for file in sorted(place.glob("*.py")) if place.is_dir() else (place,):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:20]


def _cache_folder() -> Path:
    """Return the folder, made if need be; OSError says why there is none."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if not os.path.isabs(root):
        raise OSError(f"{root!r} is no absolute path")
    folder = Path(root) / "escalation" / _source_hash()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    # Whoever may write there may run code as this user. Windows keeps profiles apart itself.
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        raise OSError(f"others may write to {str(folder)!r}")
    if not os.access(folder, os.W_OK):
        raise OSError(f"{str(folder)!r} is not writable")
    return folder


def _keeps_code() -> bool:
    """Whether compiled code is kept; tells numba where."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return False
    try:
        numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]
    except OSError as error:
        say_not_kept(error)
        return False
    return True


_KEPT = _keeps_code()


_SHARED: dict[str, Any] = {"error_model": "numpy"}


def _compiler(**options: Any) -> Callable[..., Any]:
    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher = numba.njit(**options, **_SHARED)(function)
        return keep_compiled(dispatcher, function) if _KEPT else dispatcher

    return compiled


jit: Any = _compiler()
"""A function called from Python."""
jit_parallel: Any = _compiler(parallel=True)
"""A function called from Python that shares its loop among threads."""
jit_kernel: Any = _compiler(_nrt=False)
"""As `jit`, without numba's memory management: allocates nothing and counts no references,
which costs more than the work itself when dozens of arrays travel together."""
jit_part: Any = partial(numba.njit, forceinline=True, _nrt=False, **_SHARED)
"""A piece of a larger function; always inlined, since tables are many arguments."""
