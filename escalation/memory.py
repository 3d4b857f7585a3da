"""How much memory this process may still take, and a refusal of what needs more.

What is not known sets no limit: other systems than Linux tell only their own limit on a
process's address space, if any.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from escalation.errors import InputError

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
_NO_LIMIT = 2**60
"""Version 1 of control groups writes 'no limit' as a number about as large as a word holds."""


class Room(NamedTuple):
    """Bytes that may still be taken, and what sets that limit."""

    size: int
    limit: str


def room() -> Room | None:
    """Return the least of the limits that are known; None where nothing is known."""
    known = [*_address_space(), *_control_groups(), *_machine()]
    return min(known, default=None)


def refuse_beyond_room(what: str, need: int, advice: str) -> None:
    """Refuse what needs more memory than there is.

    Parameters
    ----------
    what : str
        Who needs it, for the message.
    need : int
        Bytes, about.
    advice : str
        What to lower.

    Raises
    ------
    InputError
        It needs more than may still be taken.
    """
    there = room()
    if there is not None and need > there.size:
        raise InputError(
            f"memory: {what} needs about {_words(need)}, and {_words(max(there.size, 0))} are left "
            f"({there.limit}); {advice}"
        )


def _words(size: int) -> str:
    return f"{size / 1e9:,.2g} GB" if size < 10e9 else f"{size / 1e9:,.0f} GB"


def _address_space() -> Iterator[Room]:
    """The process's own limit, as ``ulimit -v`` sets it."""
    try:
        import resource
    except ImportError:
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        taken = _fields(PROC / "self" / "status").get("VmSize", 0)
        yield Room(limit - taken, "limit on the process's address space")


def _control_groups() -> Iterator[Room]:
    """Limits of containers and batch systems, of either version, of the group and those above."""
    for line in _text(PROC / "self" / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root = CGROUPS / controllers
        own = root / path.lstrip("/")  # inside a container it may be shown as the root itself
        for folder in (own, *own.parents):
            if folder.is_relative_to(root):
                yield from _control_group(folder)


def _control_group(folder: Path) -> Iterator[Room]:
    for limit, used, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        most, now = _text(folder / limit).strip(), _text(folder / used).strip()
        if most.isdecimal() and now.isdecimal() and int(most) < _NO_LIMIT:
            freed = _fields(folder / "memory.stat").get(cache, 0)
            yield Room(int(most) - int(now) + freed, "limit of the container or control group")


def _machine() -> Iterator[Room]:
    """What the system could hand out now, swap included."""
    found = _fields(PROC / "meminfo")
    if "MemAvailable" in found:
        size = found["MemAvailable"] + found.get("SwapFree", 0)
        yield Room(size, "free memory of this machine")


def _fields(path: Path) -> dict[str, int]:
    """Return the whole numbers of a file with a name and a number on each line, in bytes."""
    found = {}
    for line in _text(path).splitlines():
        name, *words = line.replace(":", " ").split() or [""]
        if words and words[0].isdecimal():
            found[name] = int(words[0]) * (1024 if words[1:] == ["kB"] else 1)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
