"""Has the records of a journal indexed while its process goes on, by a process of its own.

A thread sees to it, which sleeps nearly all of the time. It begins with the first record and goes when there have been
none for a while. Where another process indexes the store already, that one does.
"""

from __future__ import annotations

import atexit
import logging
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path

from toolrun.store._locks import FileLock
from toolrun.store.journal import Journal

logger = logging.getLogger("toolrun.store")

DELAY_SECONDS = 0.3
"""After the first record: a program that ends sooner is indexed by who opens the store."""

LOOK_SECONDS = 0.25
QUIET_LOOKS = 12
"""So often nothing new, and there is nothing to be done."""

WAIT_AFTER_ERROR = 30.0

STOP_SECONDS = 2.0
"""How long the end of the process waits for the end of a batch."""


class BackgroundIndexer:
    """Keeps the store of a journal indexed."""

    def __init__(self, store: Path, journal: Journal) -> None:
        self._store = store
        self._journal = weakref.ref(journal)
        self._process = 0
        self._reset()
        journal.wake = self._start
        journal.idle = True
        _all.add(self)

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
        """Leave the rest for later, and wait until nothing is written to the files any more."""
        self._stopping.set()
        thread = self._thread if self._process == os.getpid() else None
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOP_SECONDS)
        self._stopping.clear()
        if (journal := self._journal()) is not None:
            journal.idle = True

    def _work(self) -> None:
        while self._is_needed():
            if not self._stopping.wait(DELAY_SECONDS):
                self._index_until_quiet()

    def _is_needed(self) -> bool:
        """Whether there were records since it was asked the last time; if not, the thread goes."""
        with self._lock:
            needed, self._wanted = self._wanted and not self._stopping.is_set(), False
            if not needed:
                self._thread = None
            return needed

    def _index_until_quiet(self) -> None:
        indexer: subprocess.Popen[bytes] | None = None
        seen, quiet = -1, 0
        try:
            while quiet <= QUIET_LOOKS and (journal := self._journal()) is not None:
                journal.check()
                if quiet == QUIET_LOOKS:
                    journal.idle = True  # before the last look: a record that comes after it asks for the thread
                quiet, seen = (quiet + 1 if journal.seq == seen else 0), journal.seq
                del journal
                indexer = self._kept_running(indexer)
                if self._stopping.wait(LOOK_SECONDS):
                    return
        finally:
            if indexer is not None:
                self._end(indexer)

    def _kept_running(self, indexer: subprocess.Popen[bytes] | None) -> subprocess.Popen[bytes] | None:
        """The process that indexes: the same as long as it runs, a new one if nobody indexes the store."""
        if indexer is not None:
            if indexer.poll() is None:
                return indexer
            self._end(indexer)
        try:
            lock = FileLock(self._store / "indexer.lock")
            free = lock.acquire()
            lock.release()
            return _new_process(self._store) if free else None
        except OSError as error:
            self._tell(str(error))
            return None

    def _end(self, indexer: subprocess.Popen[bytes]) -> None:
        """Have it end after what it is at. A word does, for a forked child may keep the pipe from being closed."""
        _, errors = indexer.communicate(b"end")
        if errors:
            self._tell(errors.decode(errors="replace").strip())
            self._stopping.wait(WAIT_AFTER_ERROR)

    def _tell(self, error: str) -> None:
        """Once for each thing that can be wrong."""
        if error not in self._told:
            self._told.add(error)
            logger.warning("records of %s stay in its journal for now: %s", self._store, error)


_all: weakref.WeakSet[BackgroundIndexer] = weakref.WeakSet()


def _stop_all() -> None:
    for one in list(_all):
        one.stop()


atexit.register(_stop_all)


def _new_process(store: Path) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != "TOOLRUN_STORE"}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "toolrun.store._indexing", str(store)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
    )
