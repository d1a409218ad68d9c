"""The thread that indexes while its process records: begun by the first record, gone when there is nothing to do."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import weakref
from pathlib import Path

from toolrun.store._reading import FRAMES_AT_ONCE
from toolrun.store.errors import StoreError
from toolrun.store.indexer import Indexer
from toolrun.store.journal import Journal

logger = logging.getLogger("toolrun.store")

EVERY_SECONDS = 0.050
IDLE_ROUNDS = 40
"""So often nothing to do, and the thread goes."""

WAIT_FOR_OTHERS = 0.25
WAIT_AFTER_ERROR = 1.0


class BackgroundIndexer:
    """Indexes the store of a journal in a thread, if no other process does."""

    def __init__(self, store: Path, journal: Journal) -> None:
        self._store = store
        self._journal = weakref.ref(journal)
        self._process = 0
        self._reset()
        journal.wake = self._start
        journal.idle = True

    def _reset(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._wanted = False
        self._told: set[str] = set()

    def _start(self) -> None:
        """Called by the journal, for the first record after it was idle."""
        if self._process != os.getpid():
            self._reset()  # a forked child has none of its parent's threads
        with self._lock:
            self._wanted = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="toolrun-indexer", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Leave the rest for later, and wait for the thread."""
        self._stopping.set()
        thread = self._thread if self._process == os.getpid() else None
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._stopping.clear()

    def _work(self) -> None:
        indexer = Indexer(self._store)
        try:
            while self._is_needed():
                self._work_until_quiet(indexer)
        finally:
            indexer.close()

    def _is_needed(self) -> bool:
        """Whether there were records since it was asked the last time; if not, the thread goes."""
        with self._lock:
            needed, self._wanted = self._wanted and not self._stopping.is_set(), False
            if not needed:
                self._thread = None
            return needed

    def _work_until_quiet(self, indexer: Indexer) -> None:
        quiet = 0
        while quiet <= IDLE_ROUNDS and not self._stopping.is_set():
            journal = self._journal()
            if journal is None:
                return
            if quiet == IDLE_ROUNDS:
                journal.idle = True  # before the last look: a record that comes after it asks for the thread
            found, pause = self._round(indexer, journal)
            quiet = 0 if found else quiet + 1
            del journal
            self._stopping.wait(pause)

    def _round(self, indexer: Indexer, journal: Journal) -> tuple[bool, float]:
        """Whether there was anything to do, and how long to wait now."""
        try:
            journal.check()
            if not indexer.lock.acquire():
                return False, WAIT_FOR_OTHERS
            count = indexer.run()
            found = bool(count or indexer.index_words())
            return found, 0.0 if count >= FRAMES_AT_ONCE else EVERY_SECONDS
        except (OSError, StoreError, sqlite3.Error) as error:
            self._tell(error)
            indexer.close()
            return False, WAIT_AFTER_ERROR

    def _tell(self, error: Exception) -> None:
        """Once for each thing that can be wrong."""
        if str(error) not in self._told:
            self._told.add(str(error))
            logger.warning("records of %s stay in its journal for now: %s", self._store, error)
