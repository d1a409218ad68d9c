"""The files of a store, open for reading: each thread has connections of its own, kept until the reader is closed."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolrun.store.errors import store_errors
from toolrun.store.sqlite import StoreFile


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file and a connection to it. `number` is its day, as in 20261122: the newer the file, the greater."""

    number: int
    path: Path
    connection: sqlite3.Connection

    def rows(self, sql: str, *parameters: object) -> Iterator[Any]:
        """The rows of a statement, fetched as they are asked for; SQLite's errors come as the store's."""
        with store_errors(self.path):
            yield from self.connection.execute(sql, parameters)

    def row(self, sql: str, *parameters: object) -> Any:
        """The first row, or None."""
        with store_errors(self.path):
            return self.connection.execute(sql, parameters).fetchone()


class OpenFiles:
    """What files there are is looked up each time: new ones come, and old ones are pruned."""

    def __init__(self, files: Callable[[], list[StoreFile]]) -> None:
        self._files = files
        self._process = os.getpid()
        self._mine = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._parents: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[OpenFile]:
        """The newest first."""
        mine = self._of_this_thread()
        there = self._files()
        for path in mine.keys() - {file.path for file in there}:
            mine.pop(path).connection.close()
        for file in there:
            if file.path not in mine:
                mine[file.path] = OpenFile(int(file.path.stem.rpartition("-")[2]), file.path, self._open(file))
            yield mine[file.path]

    def of_number(self, number: int) -> OpenFile | None:
        """The file of a run, if it is still there; as quick as can be where it was read before."""
        for files in (list(self._of_this_thread().values()), self):
            for file in files:
                if file.number == number:
                    return file
        return None

    def _of_this_thread(self) -> dict[Path, OpenFile]:
        """What the thread has open. A forked child begins anew: its parent's connections are not its own."""
        if self._process != os.getpid():
            self._process, self._mine, self._lock = os.getpid(), threading.local(), threading.Lock()
            self._parents, self._all = self._all, []
        files: dict[Path, OpenFile] = self._mine.__dict__.setdefault("files", {})
        return files

    def _open(self, file: StoreFile) -> sqlite3.Connection:
        connection = file.reading()
        with self._lock:
            self._all.append(connection)
        return connection

    @contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """What is read in the block is as it was at one moment in each file, whatever is written meanwhile.

        A block inside another one is part of that one's moment.
        """
        opened = [file for file in self if not file.connection.in_transaction]
        for file in opened:
            file.row("BEGIN")
        try:
            yield
        finally:
            for file in opened:
                with suppress(sqlite3.Error):
                    file.connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close what any thread has opened."""
        with self._lock:
            while self._all:
                self._all.pop().close()
        self._mine = threading.local()
