"""Sealed files: a few arrays and a header, with a checksum over every byte.

The layout is::

    b"escalation-sealed 1\\n"
    length of the header in bytes, 8 bytes, little-endian
    header, JSON: {"header": {...}, "arrays": [[name, dtype, shape], ...]}
    the arrays one after another, C order, little-endian
    SHA-256 of all bytes before it, 32 bytes

Whole numbers that are not negative are stored in the narrowest type that holds them, and come
back as int64; everything else is float64. The same content gives the same bytes everywhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

MAGIC = b"escalation-sealed 1\n"
_SUM = 32
_WIDTHS = ("|u1", "<u2", "<u4", "<i8")


class Content(NamedTuple):
    """What a sealed file holds."""

    header: dict[str, Any]
    arrays: dict[str, np.ndarray]


def canonical(value: Any) -> bytes:
    """Return JSON text of plain data that is the same for equal data."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
    ).encode("ascii")


def encode(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the bytes of a sealed file.

    Parameters
    ----------
    header : mapping
        Plain data.
    arrays : mapping of str to array
        Of int64 without negative numbers, or of float64.
    """
    stored = {name: _narrow(array) for name, array in arrays.items()}
    table = [[name, array.dtype.str, list(array.shape)] for name, array in stored.items()]
    head = canonical({"header": dict(header), "arrays": table})
    body = b"".join(
        [MAGIC, len(head).to_bytes(8, "little"), head, *(a.tobytes() for a in stored.values())]
    )
    return body + hashlib.sha256(body).digest()


def decode(content: bytes) -> Content:
    """Return what a sealed file holds; ValueError says what is wrong with it."""
    if not content.startswith(MAGIC):
        raise ValueError("not a sealed file of this version, or its start is damaged")
    body, seal = content[:-_SUM], content[-_SUM:]
    if len(body) < len(MAGIC) + 8 or hashlib.sha256(body).digest() != seal:
        raise ValueError("damaged or truncated: its bytes do not match its checksum")
    try:
        return _content(body)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:
        raise ValueError("not a sealed file of this version") from error


def _content(body: bytes) -> Content:
    start = len(MAGIC) + 8
    place = start + int.from_bytes(body[len(MAGIC) : start], "little")
    head = json.loads(body[start:place])
    arrays = {}
    for name, kind, shape in head["arrays"]:
        count = int(np.prod(shape, dtype=np.int64))
        array = np.frombuffer(body, np.dtype(kind), count, place).reshape(shape)
        arrays[name] = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        place += array.nbytes
    return Content(head["header"], arrays)


def _narrow(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "f":
        return np.ascontiguousarray(array, "<f8")
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    if low < 0:
        raise ValueError(f"a negative count: {low}")
    kind = next(k for k in _WIDTHS if high <= np.iinfo(np.dtype(k)).max)
    return np.ascontiguousarray(array, kind)
