"""Heaps of an HDF5 file, where its text stands: whether they can be walked to their end.

The HDF5 library walks a heap from object to object by their sizes. Where a damaged one says that
free space is zero bytes long it stays there for ever, and no signal to Python reaches it.
"""

from __future__ import annotations

_START = b"GCOL\x01\0\0\0"
_HEAD = 16
"""Bytes before the first object of a heap, and before the content of an object."""


def heaps_are_sound(content: bytes) -> bool:
    """Tell whether every heap of a file ends; see "Global Heap" in the format's specification."""
    start = content.find(_START)
    while start >= 0:
        if not _ends(content, start):
            return False
        start = content.find(_START, start + 1)
    return True


def _ends(content: bytes, start: int) -> bool:
    end = start + _number(content, start + 8, 8)
    position = start + _HEAD
    while position + _HEAD <= min(end, len(content)):
        index, size = _number(content, position, 2), _number(content, position + 8, 8)
        # The size of free space, which has index 0, counts its own head.
        step = _HEAD + -(-size // 8) * 8 if index else size
        if step == 0:
            return False
        position += step
    return True


def _number(content: bytes, position: int, length: int) -> int:
    return int.from_bytes(content[position : position + length], "little")
