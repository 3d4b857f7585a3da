"""The store of a campaign: blocks and parameter values, as rows of one file in its folder."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from escalation.contracts import codes
from escalation.errors import InputError
from escalation.model.draws import Draws
from escalation.simulation import lock
from escalation.simulation.accumulate import BlockCounts, packed, unpacked
from escalation.simulation.database import NAME, Database, Row, create, row_checksum
from escalation.simulation.manifest import Manifest, canonical, manifest_from_text
from escalation.simulation.simulator import NoStore
from escalation.simulation.workload import Block, Workload
from escalation.study import Study
from escalation.study.names import shown

Say = Callable[[str], None]
"""Told in words what was found and done."""
Watch = Callable[[Block, BlockCounts], None]
"""Called with every block, found or simulated."""

OLD_NAME = "campaign.json"
"""Of the campaigns of earlier versions."""
EVENTS = ("war", "great_power_war")
"""Whose hits are written beside a block, for readers."""
_PARTIAL = ".escalation-*.partial*"
_MISFIT = ("its rows are not those that were written: some were removed, added or edited, and none "
           "can be trusted")


class Store(NoStore):
    """Keeps the blocks of a campaign in one file.

    Parameters
    ----------
    folder : path
        Of the campaign.
    repair : bool
        Simulate again what is damaged, instead of refusing it.
    watch : callable, optional
        Told of every block.
    say : callable, optional
        Told in words what was found and done.

    Attributes
    ----------
    folder, path : Path
        Of the campaign, and of its file.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        repair: bool = False,
        watch: Watch | None = None,
        say: Say | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.path = self.folder / NAME
        self.repair = repair
        self._watch = watch or (lambda *_: None)
        self.say = say or (lambda _: None)
        self._rows: dict[str, int] = {}
        self._wanted: dict[str, str] = {}
        self._clock = time.monotonic()

    @property
    def exists(self) -> bool:
        """Whether a campaign is there.

        Raises
        ------
        InputError
            It is one of an earlier version.
        """
        try:
            if (self.folder / OLD_NAME).exists() and not self.path.exists():
                raise InputError(f"{self.folder / OLD_NAME}: a campaign of an earlier version, "
                                 "which this one does not read; begin another in another folder")
            return self.path.exists()
        except (OSError, ValueError):
            return False

    def make_folder(self) -> None:
        """Make the folder; one that is there may hold a campaign or nothing.

        Raises
        ------
        InputError
            It holds something else, or cannot be used.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            there = {p.name for p in self.folder.iterdir() if not p.name.startswith(".")}
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or "not a usable name"
            name = str(self.folder)[:100]
            raise InputError(f"campaign: cannot use folder {name!r}: {words}") from None
        if not self.exists and there - {lock.NAME}:
            raise InputError(f"campaign: folder {str(self.folder)!r} holds something else")

    def manifest(self) -> Manifest:
        """Read what the campaign asks.

        Raises
        ------
        InputError
            There is no campaign, it is damaged, or of another version.
        """
        with self._opened() as database:
            return self._manifest(database)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock of the campaign, and clear away what a killed process was writing."""
        with lock.held(self.folder):
            for path in self.folder.glob(_PARTIAL):
                if path.is_file():
                    path.unlink()
                    self.say(f"{path.name}: removed, a write was cut off")
            if self.path.with_name(f"{NAME}-journal").exists():
                self.say(f"{NAME}: a write was cut off, and is undone")
            yield

    def begin(self, manifest: Manifest) -> None:
        """Write the file: with it the campaign exists."""
        create(self.path, manifest.text(), manifest.identity)

    def grow(self, manifest: Manifest) -> None:
        """Write a larger size into the file."""
        with self._opened() as database:
            database.set_manifest(manifest.text())

    @contextmanager
    def opened(self, manifest: Manifest, workload: Workload) -> Iterator[None]:
        """Verify every row, and keep the file open for the context.

        Raises
        ------
        InputError
            Something is damaged: every such row, one a line; or there is a row that the
            manifest does not ask for.
        """
        with self._opened() as database:
            self._database, self._identity = database, manifest.identity
            self._study, self._ranges = workload.study, workload.draw_ranges()
            self._verify(manifest, workload)
            yield

    def stored_blocks(self, manifest: Manifest) -> list[StoredBlock]:
        """Return which blocks are stored, in the order in which they were written.

        Raises
        ------
        InputError
            The rows are not those that were written.
        """
        with self._opened() as database:
            heads, fit = database.heads(manifest.identity)
        if not fit:
            raise InputError(f"{self.path}: {_MISFIT}")
        found = [StoredBlock(id, block_of_key(key), seconds) for id, key, _, seconds in heads]
        return [row for row in found if row.block.part]

    def contents(
        self, manifest: Manifest, study: Study, rows: Iterable[StoredBlock]
    ) -> Iterator[tuple[Block, BlockCounts]]:
        """Return what stored blocks yielded; verified.

        Raises
        ------
        InputError
            A row is not what was written.
        """
        with self._opened() as self._database:
            self._identity, self._study = manifest.identity, study
            for row in rows:
                self._rows[_text(block_key(row.block))] = row.id
                yield row.block, self._counts(row.block)

    def values(self, part: str, make: Callable[[], Draws]) -> Draws:
        """Return the stored parameter values of a part, with those that are new made and kept.

        Values that were stored once stay as they are, whatever this machine would compute.

        Raises
        ------
        InputError
            The values that are made do not begin with those that are stored.
        """
        fresh = make()
        values = fresh.values.copy()
        for begin, end in self._ranges[part]:
            key = _parameters_key(part, begin, end)
            if _text(key) not in self._rows:
                payload = np.ascontiguousarray(values[:, begin:end], "<f8").tobytes()
                self._put(key, {"parameters": len(fresh.names)}, payload)
                continue
            payload, there = self._row(key).payload, values[:, begin:end]
            fits = len(payload) == there.nbytes
            stored = np.frombuffer(payload, "<f8").reshape(there.shape) if fits else there + np.nan
            if not np.allclose(stored, there, rtol=1e-9, atol=1e-12):
                raise InputError(f"{self.path}: parameters of {part}: the {fresh.n} draws do not "
                                 "extend those that are stored; begin another campaign")
            there[...] = stored
        return Draws(fresh.names, values)

    def find(self, block: Block) -> BlockCounts | None:
        """Return what a block yielded, if it is stored."""
        key = block_key(block)
        if _text(key) not in self._rows:
            return None
        counts = self._counts(block)
        self._done(block, counts)
        return counts

    def keep(self, block: Block, counts: BlockCounts) -> None:
        """Write the row of a block."""
        first = counts.tallies.first_event.sum(axis=(0, 2))
        hits = {event: int(first[codes.EVENTS.index(event)]) for event in EVENTS}
        facts = {"histories": block.size, "hits": hits}
        self._put(block_key(block), facts, packed(counts))
        self._done(block, counts)

    def first_block(self, workload: Workload) -> tuple[Block, BlockCounts] | None:
        """Return a block of the study that is stored, if there is one."""
        for block in workload.study_blocks():
            if _text(block_key(block)) in self._rows:
                return block, self._counts(block)
        return None

    def _counts(self, block: Block) -> BlockCounts:
        row = self._row(block_key(block))
        try:
            return unpacked(row.payload, self._study, block)
        except ValueError as error:
            raise InputError(f"{self.path}: row {row.id}, {shown(row.key)}: {error}") from None

    def _done(self, block: Block, counts: BlockCounts) -> None:
        self._clock = time.monotonic()
        self._watch(block, counts)

    def _row(self, key: list[Any]) -> Row:
        row = self._database.row(self._rows[_text(key)])
        if row.checksum != row_checksum(self._identity, row):
            raise InputError(f"{self.path}: {_fault(row)}")
        return row

    def _put(self, key: list[Any], facts: Mapping[str, Any], payload: bytes) -> None:
        seconds = round(time.monotonic() - self._clock, 3)
        words = _text(key)
        probe = Row(0, words, canonical(facts).decode("ascii"), payload, "", 0.0, "", "")
        if self._wanted.get(words, found := row_checksum(self._identity, probe)) != found:
            raise InputError(
                f"{self.path}: {shown(words)}: made anew, it differs from what was written: this "
                "machine computes other numbers than the one that made it; restore the file"
            )
        row = self._database.add(self._identity, key, facts, payload, seconds)
        self._rows[words] = row.id

    @contextmanager
    def _opened(self) -> Iterator[Database]:
        try:
            if not self.exists:
                self.path.stat()
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or "not a usable name"
            name = str(self.folder)[:100]
            raise InputError(f"{name!r} holds no campaign: {NAME}: {words}") from None
        with closing(Database(self.path)) as database:
            yield database

    def _manifest(self, database: Database) -> Manifest:
        text = database.manifest()
        try:
            return manifest_from_text(text)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None

    def _verify(self, manifest: Manifest, workload: Workload) -> None:
        """Look at every row; refuse what is wrong with them, or leave it out and say so."""
        database, identity = self._database, manifest.identity
        broken, faults, heads = database.damage(), [], []
        for row in database.rows():
            whole = row.checksum == row_checksum(identity, row)
            heads.append(_Head(row.id, str(row.key), row.checksum, whole))
            if not whole:
                faults.append(_fault(row))
        fit = database.sums_fit(identity, [head.checksum for head in heads])
        if broken:
            faults.append(f"the file itself is damaged: {broken}")
        elif not fit:
            faults.append(_MISFIT)
        if faults and not self.repair:
            advice = f"escalation resume {self.folder} --repair makes anew what is damaged"
            raise InputError("\n".join([*(f"{self.path}: {fault}" for fault in faults), advice]))
        trusted = [head for head in heads if head.whole and (broken or fit)]
        self._refuse_unasked(trusted, workload)
        if faults:
            if fit:
                self._wanted = {head.key: head.checksum for head in heads if not head.whole}
            self._leave_out(database, manifest, {head.id for head in trusted})
            for fault in faults:
                self.say(f"{self.path}: {fault}; removed, to be made anew")
            trusted = [_Head(row.id, row.key, row.checksum, True) for row in database.rows()]
        self._rows = {head.key: head.id for head in trusted}

    def _refuse_unasked(self, heads: list[_Head], workload: Workload) -> None:
        asked = {_text(block_key(block)) for block in workload.blocks()}
        for part, ranges in workload.draw_ranges().items():
            asked |= {_text(_parameters_key(part, *ends)) for ends in ranges}
        for head in heads:
            if head.key not in asked:
                raise InputError(f"{self.path}: row {head.id}, {shown(head.key)[1:-1]}: the "
                                 "campaign does not ask for it; restore the file")
            asked.discard(head.key)

    def _leave_out(self, database: Database, manifest: Manifest, kept: set[int]) -> None:
        rows = (row for row in database.rows() if row.id in kept)
        database.rewrite(manifest.text(), manifest.identity, rows)


class StoredBlock(NamedTuple):
    """A row of a block: its number, the block, and how many seconds it took."""

    id: int
    block: Block
    seconds: float


class _Head(NamedTuple):
    """What is remembered of a row; `whole` tells whether it is what was written."""

    id: int
    key: str
    checksum: str
    whole: bool


def block_key(block: Block) -> list[Any]:
    """Return the key of a block's row."""
    b = block
    return ["block", b.part, b.rule, b.flashpoint, b.structure, b.begin, b.end, b.first, b.count]


def block_of_key(key: str) -> Block:
    """Return the block of a row; one without a part for a row of parameter values.

    >>> block_of_key('["block","study","expected_utility","a","b",0,4,0,25]').size
    100
    """
    kind, *rest = json.loads(key)
    if kind != "block":
        return Block("", "", "", 0, 0, 0, 0, "")
    part, rule, flashpoint, structure, begin, end, first, count = rest
    return Block(rule, flashpoint, structure, begin, end, first, count, part)


def _parameters_key(part: str, begin: int, end: int) -> list[Any]:
    return ["parameters", part, begin, end]


def _text(key: list[Any]) -> str:
    return canonical(key).decode("ascii")


def _fault(row: Row) -> str:
    return (f"row {row.id}, {shown(str(row.key))[1:-1]}: damaged, edited or of another campaign: "
            "it does not match its checksum")
