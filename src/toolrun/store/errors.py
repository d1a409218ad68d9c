"""What can be wrong with a store. Each says where it is, what is wrong with it, and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolrun.errors import ToolrunError


class StoreError(ToolrunError):
    """The base of everything that can be wrong with a store; `path` says with which."""

    path: Path


class NoStore(StoreError, FileNotFoundError):
    """There is no store in this place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"There is no store at {path}: record runs with Recorder({str(path)!r}), TOOLRUN_STORE={path} or "
            "`toolrun run --store`, or name another folder."
        )


class NotAStore(StoreError, ValueError):
    """What lies there was not written by toolrun."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"{path} is no store of toolrun: {why}. Name the folder of a store, or an empty or new one.")


class NewerStore(StoreError):
    """A later release of toolrun wrote this store, in a form that this one does not know."""

    def __init__(self, path: Path, version: int, known: int) -> None:
        self.path, self.version, self.known = path, version, known
        super().__init__(
            f"{path} has version {version} of the store's form; this toolrun knows versions up to {known}. "
            "Nothing was changed. Upgrade toolrun to read it."
        )


class CorruptStore(StoreError):
    """A file of the store is damaged."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(
            f"{path} is damaged: {why}. Nothing was changed. `toolrun check` tells how far; "
            f"`sqlite3 {path} .recover` gets out what can be read; the store works on once the file is moved away."
        )


class StoreUnwritable(StoreError, OSError):
    """Nothing can be written to the store."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(
            f"The store at {path} cannot be written: {why}. Make the folder writable, or name another one."
        )


class StoreUnreadable(StoreError, OSError):
    """The store's files cannot be read."""

    def __init__(self, path: Path, why: str) -> None:
        self.path, self.why = path, why
        super().__init__(f"The store at {path} cannot be read: {why}. Check who owns the folder, and its disk.")


class StoreBusy(StoreError):
    """Another process is doing what only one can do at a time."""

    def __init__(self, path: Path, doing: str) -> None:
        self.path, self.doing = path, doing
        super().__init__(f"Another process is {doing} the store at {path}. Try again when it is done.")


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors in the block into the store's."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _translated(path, error) from error


def _translated(path: Path, error: sqlite3.DatabaseError) -> Exception:
    primary, why = _code(error) & 0xFF, str(error)
    if primary == sqlite3.SQLITE_NOTADB:
        return NotAStore(path, "it is not an SQLite file, or its beginning is damaged")
    if primary == sqlite3.SQLITE_CORRUPT:
        return CorruptStore(path, why)
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL):
        return StoreUnwritable(path, why)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(path, "writing to")
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StoreUnreadable(path, why)
    return error


def _code(error: sqlite3.DatabaseError) -> int:
    return getattr(error, "sqlite_errorcode", 0) or 0
