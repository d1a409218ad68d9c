"""What all recorders of one store share in this process: its journal, and the runs that are open."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path
from typing import NamedTuple

from toolrun.store._background import BackgroundIndexer
from toolrun.store.journal import Journal


class OpenRun(NamedTuple):
    """A run that goes on."""

    by: object
    """The recorder that keeps it: where there are several for a store, the first one does."""
    own: str
    """Its id."""
    trace: str
    """The id of its trace."""
    head: str
    """The beginning of its records: all that says which run it is."""
    started: float


class Book:
    """The journal of a store, and its open runs by their id's number; they are forgotten when they end."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.journal = Journal(store)
        self.open: dict[int, OpenRun] = {}
        self._indexer: BackgroundIndexer | None = None

    def index(self) -> None:
        """Have what is written moved into SQLite while the process goes on."""
        if self._indexer is None:
            self._indexer = BackgroundIndexer(self.store, self.journal)

    def close(self) -> None:
        """Write nothing more for now, and wait for the thread that indexes."""
        if self._indexer is not None:
            self._indexer.stop()
        self.journal.close()


_books: weakref.WeakValueDictionary[Path, Book] = weakref.WeakValueDictionary()
_lock = threading.Lock()


def book_of(store: Path) -> Book:
    """The book of a store, the same for all who ask."""
    place = store.expanduser().resolve()
    with _lock:
        book = _books.get(place)
        if book is None:
            book = _books[place] = Book(place)
    return book
