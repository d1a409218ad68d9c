"""One file of a store: SQLite, opened for reading beside a writer, or for writing.

page_size 8192, WAL          readers never wait for the writer, nor it for them
synchronous NORMAL           a commit is on disk with the next checkpoint; until then the journal has it too
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from toolrun.store import schema
from toolrun.store.errors import CorruptStore, NewerStore, NotAStore, store_errors

BUSY_SECONDS = 5.0
_FILE = re.compile(r"runs-(\d{8})\.db")

_WRITING = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -65536;
PRAGMA temp_store = MEMORY;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
PRAGMA secure_delete = OFF;
"""
_READING = """
PRAGMA query_only = ON;
PRAGMA cache_size = -65536;
PRAGMA temp_store = MEMORY;
PRAGMA mmap_size = 1073741824;
"""


class StoreFile:
    """A file of a store, by its path; opening it is up to who uses it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"StoreFile({self.path.name!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoreFile) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    @property
    def name(self) -> str:
        """`runs-YYYYMMDD.db`, the day on which it was begun."""
        return self.path.name

    @property
    def size(self) -> int:
        """Its bytes on disk, those that SQLite has not yet moved into it included."""
        return sum(_size(self.path.with_name(self.name + suffix)) for suffix in ("", "-wal"))

    def writing(self) -> sqlite3.Connection:
        """A connection that may write; makes the file if there is none, and migrates one of an earlier version."""
        with store_errors(self.path):
            connection = _connect(_uri(self.path))
            try:
                _prepare(connection, self.path)
            except BaseException:
                connection.close()
                raise
            return connection

    def reading(self) -> sqlite3.Connection:
        """A connection that cannot write; keep one for each thread that reads."""
        with store_errors(self.path):
            if self._wants_a_writer():
                self.writing().close()
            connection = _connect(_read_only_uri(self.path))
            try:
                _version(connection, self.path)
                connection.executescript(_READING)
            except BaseException:
                connection.close()
                raise
            return connection

    def _wants_a_writer(self) -> bool:
        """Whether it has to be made or migrated, or a process died while it was at that: a reader cannot undo it."""
        connection = _connect(_read_only_uri(self.path))
        try:
            return _version(connection, self.path) < schema.VERSION
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK:
                return True
            raise
        finally:
            connection.close()

    def remove(self) -> None:
        """Delete it, with what belongs to it."""
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.name + suffix).unlink(missing_ok=True)


def _connect(place: str) -> sqlite3.Connection:
    return sqlite3.connect(place, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=True)


def store_files(folder: Path) -> list[StoreFile]:
    """The files of a store, the newest first."""
    try:
        names = [name for name in os.listdir(folder) if _FILE.fullmatch(name)]
    except FileNotFoundError:
        return []
    return [StoreFile(folder / name) for name in sorted(names, reverse=True)]


def file_of_today(folder: Path) -> StoreFile:
    """The file that would be begun now."""
    return StoreFile(folder / f"runs-{datetime.now(UTC):%Y%m%d}.db")


def begun_us(connection: sqlite3.Connection) -> int:
    """When a file was begun, in microseconds since 1970."""
    (begun,) = connection.execute("SELECT value FROM meta WHERE key = 'begun_us'").fetchone()
    return int(begun)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    if _version(connection, path) == schema.VERSION:
        connection.executescript(_WRITING)
        return
    connection.execute("PRAGMA page_size = 8192")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.executescript(_WRITING)
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection, path)  # another process may have been faster
        if version == 0:
            schema.create(connection, time.time_ns() // 1000)
        elif version < schema.VERSION:
            schema.migrate(connection, version)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's version of the schema, 0 if it is empty. Refuses what is no store, or newer than this release."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != schema.APPLICATION_ID:
        if application or version or connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            raise NotAStore(path, "another program's SQLite file")
        return 0
    if version > schema.VERSION:
        raise NewerStore(path, version, schema.VERSION)
    if version < 1:
        raise CorruptStore(path, f"its version is {version}")
    return int(version)


def _read_only_uri(path: Path) -> str:
    """A file that is all there is, in a folder that cannot be written, is opened as one that nobody changes."""
    alone = not _size(path.with_name(path.name + "-wal"))
    immutable = "&immutable=1" if alone and not os.access(path.parent, os.W_OK) else ""
    return f"{_uri(path)}?mode=ro{immutable}"


def _uri(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
