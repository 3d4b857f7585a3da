"""The shelf of a campaign: blocks and parameter values, as files in its store."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from escalation.contracts import codes
from escalation.contracts.tallies import Tallies
from escalation.errors import InputError
from escalation.model.draws import Draws
from escalation.simulation.entries import EVENTS
from escalation.simulation.journal import Entry
from escalation.simulation.seals import Content, canonical
from escalation.simulation.simulator import Block, Played, Shelf
from escalation.simulation.store import Store

Watch = Callable[[Entry], None]
"""Called with the journal's entry of every block, found or played."""

_TABLES = "tables"


class CampaignShelf(Shelf):
    """Keeps blocks in the files of a campaign.

    Attributes
    ----------
    sizes, block_size
        See :class:`escalation.simulation.simulator.Shelf`.
    store : Store
        Where the files are; opened.
    watch : callable, optional
        Told of every block.
    """

    def __init__(
        self,
        store: Store,
        sizes: tuple[tuple[int, int], ...],
        block_size: int,
        watch: Watch | None = None,
    ) -> None:
        self.store, self.sizes, self.block_size = store, sizes, block_size
        self.watch = watch
        self._clock = time.monotonic()

    def values(self, part: str, make: Callable[[], Draws]) -> Draws:
        """Return the kept parameter values of a part, with those that are new made and kept.

        Values that were kept once stay as they are, whatever this machine would compute.

        Raises
        ------
        InputError
            The values that are made do not begin with those that are kept.
        """
        fresh = make()
        file = parameters_file(part, fresh.n)
        kept = self.store.get(file)
        if kept is None:
            values = _extended(part, self._latest(part), fresh)
            header = {"kind": "parameters", "part": part, "names": list(fresh.names)}
            content = Content(header, {"values": values})
            self.store.put(file, *content, describe(content))
            return Draws(fresh.names, values)
        return Draws(tuple(kept.header["names"]), kept.arrays["values"])

    def find(self, block: Block) -> Played | None:
        """Return what a block yielded, if its file is there."""
        file = block_file(block)
        content = self.store.get(file)
        if content is None:
            return None
        self._done(file)
        return played_of(content)

    def keep(self, block: Block, played: Played) -> None:
        """Write the file of a block and its line in the journal."""
        content = content_of(block, played)
        seconds = round(time.monotonic() - self._clock, 3)
        self.store.put(
            block_file(block), *content, describe(content) | {"seconds": seconds}
        )
        self._done(block_file(block))

    def _done(self, file: str) -> None:
        self._clock = time.monotonic()
        if self.watch is not None:
            self.watch(self.store.recorded[file])

    def _latest(self, part: str) -> np.ndarray | None:
        """Return the widest kept values of a part."""
        entries = [
            e for e in self.store.recorded.values() if e["kind"] == "parameters"
            and e["part"] == part
        ]  # fmt: skip
        widest = max(entries, key=lambda e: e["draws"], default=None)
        kept = None if widest is None else self.store.get(widest["file"])
        return None if kept is None else kept.arrays["values"]


def block_file(block: Block) -> str:
    """Return the file of a block."""
    return f"blocks/{_short(asdict(block))}.sealed"


def parameters_file(part: str, draws: int) -> str:
    """Return the file of the parameter values of a part."""
    return f"parameters/{_short([part, draws])}.sealed"


def _short(identity: Any) -> str:
    return hashlib.sha256(canonical(identity)).hexdigest()[:24]


def content_of(block: Block, played: Played) -> Content:
    """Return what the file of a block holds."""
    arrays = {**played.tallies._asdict(), _TABLES: played.checksums}
    return Content({"kind": "block", "block": asdict(block)}, arrays)


def played_of(content: Content) -> Played:
    """Return what a block yielded from what its file holds."""
    arrays = dict(content.arrays)
    checksums = arrays.pop(_TABLES)
    return Played(Tallies(**arrays), checksums)


def describe(content: Content) -> Entry:
    """Return what the journal says of a file."""
    kind = content.header["kind"]
    if kind == "parameters":
        part, n = content.header["part"], content.arrays["values"].shape[1]
        return {"kind": kind, "part": part, "draws": n, "file": parameters_file(part, n)}
    block = Block(**content.header["block"])
    first = content.arrays["first_event"].sum(axis=2)
    hits = {event: first[:, codes.EVENTS.index(event)].tolist() for event in EVENTS}
    return {
        "kind": kind, **asdict(block), "histories": block.size, "hits": hits,
        "tables": content.arrays[_TABLES].tolist(), "file": block_file(block),
    }  # fmt: skip


def _extended(part: str, kept: np.ndarray | None, fresh: Draws) -> np.ndarray:
    """Return the kept values with the new ones that follow them, shape (parameter, draw)."""
    if kept is None:
        return fresh.values
    n = kept.shape[1]
    if not np.allclose(kept, fresh.values[:, :n], rtol=1e-9, atol=1e-12):
        raise InputError(f"parameters of {part}: {fresh.n} draws do not extend the {n} that are "
                         "kept; begin another campaign")
    return np.hstack([kept, fresh.values[:, n:]])
