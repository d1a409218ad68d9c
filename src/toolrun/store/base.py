"""A store as those see it who read it: its folder, its files, and what was found when it was opened."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from toolrun.store._reading import segments_of
from toolrun.store._segment import FOLDER
from toolrun.store.errors import NoStore, NotAStore, StoreError, StoreUnreadable, StoreUnwritable, store_errors
from toolrun.store.indexer import Indexer, Recovered
from toolrun.store.sqlite import StoreFile, store_files

LOOK_SECONDS = 0.01


def open_store(path: str | os.PathLike[str], *, readonly: bool = False) -> Store:
    """Open a store that is there, and bring its files up to date with its journal.

    Records of processes that have died are recovered; what living ones have written is read as far as it goes. With
    `readonly` nothing is written, and what is in the journal alone is not seen.

    Raises an error of `toolrun.store.errors` for what is no store, or cannot be read.
    """
    folder = Path(path).expanduser()
    _check(folder)
    store = Store(folder.resolve(), readonly)
    for file in store.files:
        file.reading().close()
    if not readonly:
        store.refresh()
    return store


class Store:
    """An open store. It holds nothing but its path: connections are opened by who reads, see `StoreFile.reading`."""

    def __init__(self, path: Path, readonly: bool = False) -> None:
        self.path = path
        self.readonly = readonly
        self.recovered = Recovered()
        """What was found of processes that had ended, since this was opened."""

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    @property
    def files(self) -> list[StoreFile]:
        """Its SQLite files, the newest first."""
        return store_files(self.path)

    @property
    def size(self) -> int:
        """Its bytes on disk, the journal included."""
        return sum(file.size for file in self.files) + self.journal_bytes

    @property
    def journal_bytes(self) -> int:
        """Of these, what is in the journal."""
        return sum(_bytes(path) for path in (self.path / FOLDER).glob("*"))

    def refresh(self, *, words: bool = False, wait: float = 2.0) -> bool:
        """Take over what the journal has; with `words`, make all of it searchable too.

        If another process is at it, wait until that has taken over what is there now; False if it has not, after so
        many seconds.
        """
        if self.readonly:
            raise StoreUnwritable(self.path, "it was opened with readonly=True")
        try:
            with store_errors(self.path):
                return self._refresh(words, wait)
        except OSError as error:
            if isinstance(error, StoreError):
                raise
            raise StoreUnwritable(self.path, error.strerror or str(error)) from error

    def _refresh(self, words: bool, wait: float) -> bool:
        indexer, written = Indexer(self.path), _sizes(self.path)
        until = time.monotonic() + wait
        try:
            while not indexer.lock.acquire():
                if self._has_read(written):
                    return True
                if time.monotonic() > until:
                    return False
                time.sleep(LOOK_SECONDS)
            indexer.drain()
            while words and indexer.index_words(5000):
                pass
        finally:
            indexer.close()
            self.recovered.add(indexer.recovered)
        return True

    def _has_read(self, written: dict[str, int]) -> bool:
        """Whether all that had been written is in the newest file: what is gone from the journal is."""
        left = written.keys() & _sizes(self.path).keys()
        if not left:
            return True
        offsets: dict[str, int] = {}
        for file in self.files[:1]:
            with closing(file.reading()) as connection:
                offsets = dict(connection.execute("SELECT name, offset FROM segment WHERE ended_us IS NULL"))
        return all(offsets.get(name, 0) >= written[name] for name in left)

    def close(self) -> None:
        """Nothing is held open; here so that a store can be used in a `with` block."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _check(folder: Path) -> None:
    try:
        entries = os.listdir(folder)
    except FileNotFoundError:
        raise NoStore(folder) from None
    except NotADirectoryError:
        raise NotAStore(folder, "it is a file, and a store is a folder") from None
    except PermissionError as error:
        raise StoreUnreadable(folder, error.strerror or str(error)) from error
    if FOLDER not in entries and not store_files(folder):
        if entries:
            raise NotAStore(folder, "it has neither a journal nor a file of runs")
        raise NoStore(folder)


def _sizes(store: Path) -> dict[str, int]:
    return {path.name: _bytes(path) for path in segments_of(store)}


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
