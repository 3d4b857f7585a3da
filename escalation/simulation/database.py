"""One SQLite file of rows that notices what was done to it.

A row has a key, facts that a reader may want, a payload, and a checksum over all three and over
the identity of the campaign. Beside the rows stands their number and the sum of their
checksums modulo 2**256, with a checksum of its own, changed in the same transaction as the rows.
So a row that was changed is named; and rows that were removed, added or rewritten together with
their checksum by anything that does not know of the sum leave a sum that does not fit. Time, host
and seconds of a row stand in no results and no checksum.

SQLite undoes a transaction that a kill, a full disk or a crash cut off. No table has an index:
one that is damaged would hide rows.

Not covered: somebody who makes all sums anew.
"""

from __future__ import annotations

import datetime
import hashlib
import os
import secrets
import socket
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from escalation.contracts.whole_file import reason
from escalation.errors import InputError
from escalation.simulation.manifest import canonical, checksum

NAME = "campaign.sqlite3"
_TABLES = {
    "manifest": "CREATE TABLE manifest (body TEXT, checksum TEXT)",
    "sums": "CREATE TABLE sums (number INTEGER, sum TEXT, checksum TEXT)",
    "row": "CREATE TABLE row (id INTEGER PRIMARY KEY, key TEXT, facts TEXT, payload BLOB, "
           "checksum TEXT, seconds REAL, time TEXT, host TEXT)",
}  # fmt: skip
PRAGMAS = ["synchronous=FULL", "journal_mode=DELETE", "trusted_schema=OFF", "cell_size_check=ON"]
"""Said to every connection: a transaction that has ended is on the disk."""


class Row(NamedTuple):
    """A row as it stands in the file.

    Attributes
    ----------
    id : int
        Number of the row.
    key, facts : str
        JSON text.
    payload : bytes
        Content.
    checksum : str
        See :func:`row_checksum`.
    seconds, time, host : float, str, str
        How long it took, when and where it was written.
    """

    id: int
    key: str
    facts: str
    payload: bytes
    checksum: str
    seconds: float
    time: str
    host: str


def row_checksum(identity: str, row: Row) -> str:
    """Return the checksum that a row of a campaign of this identity should carry."""
    head = canonical([identity, str(row.key), str(row.facts)])
    payload = row.payload if isinstance(row.payload, bytes) else b""
    return hashlib.sha256(len(head).to_bytes(8, "big") + head + payload).hexdigest()


class Database:
    """The open file of a campaign.

    Parameters
    ----------
    path : Path
        Of the file, which is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open()

    def _open(self) -> None:
        with self._told():
            self._connection = _connected(self.path, "rw")
        try:
            with self._told():
                for pragma in PRAGMAS:
                    self._connection.execute(f"PRAGMA {pragma}")
                self._check_tables()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def manifest(self) -> str:
        """Return the text of the manifest.

        Raises
        ------
        InputError
            It is not what was written.
        """
        with self._told():
            rows = self._connection.execute("SELECT body, checksum FROM manifest").fetchall()
        if len(rows) != 1 or not isinstance(rows[0][0], str) or checksum(rows[0][0]) != rows[0][1]:
            raise InputError(f"{self.path}: its manifest is damaged or edited: it does not match "
                             "its checksum; it cannot be recomputed, restore the file or begin "
                             "another campaign")
        return str(rows[0][0])

    def set_manifest(self, body: str) -> None:
        """Put another manifest in the place of the one that is there."""
        with self._transaction():
            self._set_manifest(body)

    def rows(self) -> Iterator[Row]:
        """Return the rows in the order in which they were written.

        Of a damaged file those that can be read, from its start and from its end.
        """
        last = 0
        with suppress(sqlite3.DatabaseError):
            for row in self._connection.execute("SELECT * FROM row ORDER BY id"):
                last = row[0]
                yield Row(*row)
            return
        with suppress(sqlite3.DatabaseError):
            for row in self._connection.execute("SELECT * FROM row ORDER BY id DESC"):
                if row[0] <= last:
                    return
                yield Row(*row)

    def heads(self, identity: str) -> tuple[list[tuple[int, str, str, float]], bool]:
        """Return number, key, checksum and seconds of every row, and whether the sums fit them."""
        with self._told():
            self._connection.execute("BEGIN")  # so that no row comes in between
            some = self._connection.execute("SELECT id, key, checksum, seconds FROM row")
            found = some.fetchall()
            fit = self.sums_fit(identity, [row[2] for row in found])
            self._connection.execute("COMMIT")
        return found, fit

    def row(self, number: int) -> Row:
        """Return one row."""
        with self._told():
            found = self._connection.execute("SELECT * FROM row WHERE id = ?", (number,))
            rows = found.fetchall()
        if len(rows) != 1:
            raise InputError(f"{self.path}: row {number} went away while the file was open")
        return Row(*rows[0])

    def damage(self) -> str:
        """Return what is wrong with the structure of the file, in words; empty if nothing is."""
        try:
            answer = self._connection.execute("PRAGMA quick_check(1)").fetchall()
        except sqlite3.Error as error:
            return str(error)
        return "" if answer == [("ok",)] else " ".join(str(answer[0][0]).split())

    def sums_fit(self, identity: str, checksums: list[str]) -> bool:
        """Tell whether these are the rows that were written, all of them and no other."""
        try:
            total = sum(int(one, 16) for one in checksums)
            there = self._connection.execute("SELECT * FROM sums").fetchall()
        except (TypeError, ValueError, sqlite3.DatabaseError):
            return False
        return there == [_sums(identity, len(checksums), total)]

    def add(self, identity: str, key: Any, facts: Any, payload: bytes, seconds: float) -> Row:
        """Write a row and the new sums, both or none.

        Raises
        ------
        InputError
            They cannot be written.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        words = canonical(key).decode("ascii"), canonical(facts).decode("ascii")
        row = Row(0, *words, payload, "", seconds, now, socket.gethostname())
        row = row._replace(checksum=row_checksum(identity, row))
        with self._transaction():
            (number, total, _), = self._connection.execute("SELECT * FROM sums").fetchall()
            row = self._insert(row)
            self._set_sums(identity, number + 1, int(total, 16) + int(row.checksum, 16))
        return row

    def rewrite(self, body: str, identity: str, rows: Iterable[Row]) -> None:
        """Put a new file with this content in the place of the old one."""
        create(self.path, body, identity, rows)
        self._connection.close()
        self._open()

    def _insert(self, row: Row) -> Row:
        put = "INSERT INTO row (key, facts, payload, checksum, seconds, time, host) VALUES "
        cursor = self._connection.execute(f"{put}(?, ?, ?, ?, ?, ?, ?)", row[1:])
        return row._replace(id=cursor.lastrowid or 0)

    def _set_manifest(self, body: str) -> None:
        self._connection.execute("DELETE FROM manifest")
        self._connection.execute("INSERT INTO manifest VALUES (?, ?)", (body, checksum(body)))

    def _set_sums(self, identity: str, number: int, total: int) -> None:
        self._connection.execute("DELETE FROM sums")
        sums = _sums(identity, number, total)
        self._connection.execute("INSERT INTO sums VALUES (?, ?, ?)", sums)

    def _check_tables(self) -> None:
        """Refuse a file with other tables, or with triggers and views that would do more."""
        there = self._connection.execute("SELECT name, sql FROM sqlite_schema").fetchall()
        if sorted(there) != sorted(_TABLES.items()):
            raise InputError(f"{self.path}: damaged, or no campaign of this version: it has other "
                             "tables; restore the file or begin another campaign")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                _commit(self._connection)
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn the errors of SQLite into one line."""
        try:
            yield
        except sqlite3.Error as error:
            raise InputError(_words(self.path, error)) from None


def create(path: Path, body: str, identity: str, rows: Iterable[Row] = ()) -> None:
    """Write the file of a campaign with a manifest and rows, whole or not at all.

    Raises
    ------
    InputError
        It cannot be written; a file that was there is as it was.
    """
    temporary = path.with_name(f".escalation-{secrets.token_hex(8)}.partial")
    try:
        with closing(_connected(temporary, "rwc")) as connection:
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            for command in _TABLES.values():
                connection.execute(command)
        with closing(Database(temporary)) as database, database._transaction():
            number, total = 0, 0
            for row in rows:
                database._insert(row)
                number, total = number + 1, total + int(row.checksum, 16)
            database._set_manifest(body)
            database._set_sums(identity, number, total)
        # What a write to the old file left behind must not be applied to the new one.
        path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
        os.replace(temporary, path)
    except (OSError, sqlite3.Error) as error:
        raise InputError(_words(path, error)) from None
    finally:
        for rest in (temporary, temporary.with_name(f"{temporary.name}-journal")):
            rest.unlink(missing_ok=True)


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    # Text that is no text is damage, which checksums tell.
    connection = sqlite3.connect(address, uri=True, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _commit(connection: sqlite3.Connection) -> None:
    connection.execute("COMMIT")


def _sums(identity: str, number: int, total: int) -> tuple[int, str, str]:
    text = f"{total % 2**256:064x}"
    return number, text, checksum([identity, number, text])


def _words(path: Path, error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError):
        return f"cannot write {str(path)[:200]!r}: {reason(error)}; nothing was written"
    kind = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if kind == sqlite3.SQLITE_FULL:
        return f"cannot write {str(path)[:200]!r}: the disk is full; nothing was written"
    if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"{path}: damaged: {error}; restore the file or begin another campaign"
    return f"{path}: cannot be used: {error}"
