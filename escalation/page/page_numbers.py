"""The numbers in the page: what weighting needs of every risk at every flashpoint, packed."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from escalation.analysis.comparison import supports
from escalation.analysis.reweighting import Cell, cell_of
from escalation.analysis.selection import labels
from escalation.results.estimates import panel
from escalation.results.quantities import Quantity
from escalation.results.support import REASONS, Says
from escalation.results.under_rule import rules_of

TIES = 840
"""Ties of up to eight structures share a rank in whole parts of this."""
Arrays = dict[str, np.ndarray]


def cells_in(
    ds: xr.Dataset, risks: Sequence[Quantity], progress: Callable[[int, int], None] | None = None
) -> tuple[dict[str, Any], Arrays]:
    """Return what is known of every risk at every flashpoint, and its numbers by draw.

    Parameters
    ----------
    ds : Dataset
        Results.
    risks : sequence of Quantity
        Shares of histories.
    progress : callable, optional
        Called with (cells done, cells in all).
    """
    words: dict[str, Any] = {}
    arrays: Arrays = {}
    keys = [(f, q) for f in labels(ds, "flashpoint") for q in risks]
    for done, (flashpoint, quantity) in enumerate(keys, 1):
        key = f"{flashpoint}/{quantity.risk}"
        cell = cell_of(panel(ds, quantity, flashpoint, rules_of(ds)[0]))
        words[key] = _words_of(cell)
        arrays |= {f"{key}/{name}": array for name, array in _numbers_of(cell).items()}
        if progress is not None:
            progress(done, len(keys))
    return words, arrays


def _words_of(cell: Cell) -> dict[str, Any]:
    """What the counts carry of each pair, in words why not, and what is not by draw."""
    found = [supports(cell.whole, r) for r in range(len(cell.whole.structures))]
    ranking = found[0][1]
    return {
        "reasons": [
            ["" if one.says >= Says.VERDICT else REASONS.get(one.reason, "the same") for one in row]
            for row, _ in found
        ],
        "ranked": bool(ranking.says >= Says.VERDICT),
        "factor": cell.factor.tolist(),
        "noise": np.nan_to_num(cell.noise).tolist(),
    }


def _numbers_of(cell: Cell) -> Arrays:
    """Counts and shares as whole numbers, so that they say exactly what they say in Python.

    Shares are parts of the plausible values of a draw: half a one for a tie of two structures, and
    parts of `TIES` for ranks. Of every pair the one with the smaller number comes first.
    """
    number = len(cell.whole.structures)
    first, second = np.triu_indices(number, 1)
    return {
        "hits": cell.whole.hits[:, cell.kept].astype("<u4"),
        "trials": cell.whole.trials[:, cell.kept].astype("<u4"),
        "less": np.round(cell.less[first, second] * PARTS).astype("<u1"),
        "least": np.round(cell.least * (PARTS // 2) * TIES).astype("<u2"),
        "most": np.round(cell.most * (PARTS // 2) * TIES).astype("<u2"),
        "regret": cell.regret.astype("<f4"),
        "kept": np.flatnonzero(cell.kept).astype("<u4"),
    }


PARTS = 32
"""Halves of the plausible values of a draw."""


def packed(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return arrays as text: where each begins, and all of them deflated in base 64.

    Examples
    --------
    >>> packed({"a": np.arange(2, dtype="<u4")})["arrays"]
    [{'name': 'a', 'type': 'u4', 'shape': [2], 'at': 0}]
    """
    listed, parts, at = [], [], 0
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array).tobytes()
        padded = raw + bytes(-len(raw) % 8)
        listed.append({
            "name": name, "type": array.dtype.str[1:], "shape": list(array.shape), "at": at,
        })  # fmt: skip
        parts.append(padded)
        at += len(padded)
    text = base64.b64encode(zlib.compress(b"".join(parts), 9)).decode("ascii")
    return {"arrays": listed, "deflated": text}
