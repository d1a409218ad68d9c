"""The journal: where a process writes each record at once, so that it survives the process.

One `os.write` a record, to a segment that belongs to this process alone. When it has returned, the kernel has the
record, whatever becomes of the process. What cannot be written is counted and never raised. A forked child
begins a segment of its own with its first record.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import logging
import os
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from toolrun.store._drops import Drops, reason_of, record_of
from toolrun.store._frames import frame
from toolrun.store._group_sync import GroupSync
from toolrun.store._segment import DROPS_SEQ, FOLDER, Segment, ShortWrite, TornWrite, sync_data
from toolrun.store.errors import NotAStore, StoreUnwritable
from toolrun.store.sqlite import store_files

logger = logging.getLogger("toolrun.store")

SEGMENT_BYTES = 64 * 1024 * 1024
"""A segment that has grown so large is followed by another one."""

RETRY_SECONDS = 1.0
"""How often a segment that could not be begun is tried again."""

_OURS = (".gitignore", FOLDER)
_SEQS_OF_A_PROCESS = 1 << 40  # a forked child counts from its process id times this, apart from its parent


class Journal:
    """The records of this process for one store. May be used from any thread, and in forked children."""

    _segment: Segment | None

    def __init__(self, store: Path, on_disk: bool = False, segment_bytes: int = SEGMENT_BYTES) -> None:
        """`on_disk`: somebody will wait for `synced`. Raises `StoreUnwritable` if nothing can be written there."""
        self.on_disk = on_disk
        self._folder = store / FOLDER
        self._store = store
        self._segment_bytes = segment_bytes
        self.idle = True
        self.wake: Callable[[], None] = _nobody
        """Called for the first record after `idle` was set, which whoever reads the journal does."""
        self._dropped: Drops = Counter()
        self._reset(DROPS_SEQ)
        try:
            make_store_folder(store)
            self._segment = Segment(self._folder, self.on_disk)
        except NotAStore:
            raise
        except OSError as error:
            raise StoreUnwritable(store, error.strerror or repr(error)) from error
        _journals.add(self)

    def _reset(self, seq: int) -> None:
        self._lock = threading.RLock()  # reentrant: a signal's handler may have records in the midst of a write
        self._seq = seq
        self._segment = None
        self._of_segment: Drops = Counter()
        self._told: set[str] = set()
        self._retry_at = 0.0
        self._sync = GroupSync(self._sync_now)

    @property
    def dropped(self) -> Drops:
        """What this process could not write so far."""
        return Counter(self._dropped)

    @property
    def seq(self) -> int:
        """The number of the last record; it changes with each."""
        return self._seq

    @property
    def segment(self) -> str | None:
        """The name of the segment that is written to now."""
        return None if self._segment is None else self._segment.name

    def write(self, kind: int, body: bytes) -> bool:
        """Write one record; False if it had to be dropped. Raises nothing."""
        with self._lock:
            self._seq = seq = self._seq + 1
            data = frame(seq, kind, body)
            segment = self._segment or self._begin(kind)
            if segment is None:
                return False
            try:
                segment.append(data)
            except OSError as error:
                return self._retry(kind, data, error)
            if segment.size >= self._segment_bytes:
                self._rotate()
        if self.idle:
            self.idle = False
            self.wake()
        return True

    def synced(self) -> Future[bool]:
        """A future for when all that was written so far is on the disk; False if it could not be brought there."""
        return self._sync.request()

    def check(self) -> None:
        """Go on in a new segment if somebody has deleted the one that is written to."""
        with self._lock:
            if self._segment is not None and self._segment.is_gone:
                logger.warning(
                    "the journal at %s was deleted while it was written to: a new one is begun", self._folder
                )
                self._segment.release()
                self._segment = None

    def close(self) -> None:
        """End the segment. What is written after that begins another one."""
        with self._lock:
            segment, self._segment = self._segment, None
            if segment is not None:
                self._leave(segment)

    # ── when it does not go well ───────────────────────────────────────────────────────────────────────

    def _begin(self, kind: int) -> Segment | None:
        """A new segment; None if that cannot be now, and the record is counted."""
        if time.monotonic() < self._retry_at:
            self._drop(kind, "no segment")
            return None
        try:
            make_store_folder(self._store)
            self._segment = Segment(self._folder, self.on_disk)
        except (OSError, NotAStore) as error:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self._drop(kind, reason_of(error), error)
            return None
        self._write_drops()
        return self._segment

    def _retry(self, kind: int, data: bytes, error: OSError) -> bool:
        """A write failed. What a new segment can mend is written there, the rest is counted."""
        if (isinstance(error, ShortWrite) or error.errno == errno.EFBIG) and self._rotate():
            assert self._segment is not None
            try:
                self._segment.append(data)
                return True
            except OSError as again:
                error = again
        if isinstance(error, TornWrite) and self._segment is not None:
            self._segment.release()
            self._segment = None
        self._drop(kind, "short write" if isinstance(error, ShortWrite) else reason_of(error), error)
        return False

    def _rotate(self) -> bool:
        """Go on in a new segment."""
        before = self._segment
        assert before is not None
        try:
            self._segment = Segment(self._folder, self.on_disk)
        except OSError:
            return False
        self._of_segment = Counter()
        self._leave(before, self._segment.name)
        return True

    def _leave(self, segment: Segment, successor: str | None = None) -> None:
        """End a segment; who waits for the disk waits for the one that is written to, so this one gets there now."""
        if self.on_disk:
            self._count_if_not_synced(segment.sync)
        self._seq += 1
        segment.close(self._seq, successor)

    def _drop(self, kind: int, reason: str, error: Exception | None = None) -> None:
        self._count(record_of(kind), reason, error)

    def _count(self, record: str, reason: str, error: Exception | None) -> None:
        """Count what could not be written, by reason; say so once for each reason."""
        drop = (record, reason)
        self._dropped[drop] += 1
        self._of_segment[drop] += 1
        self._write_drops()
        if reason not in self._told:
            self._told.add(reason)
            logger.warning(
                "runs are not recorded in %s: %s%s. What is lost is counted, and recording goes on when it can.",
                *(self._store, reason, f" ({error})" if error else ""),
            )

    def _write_drops(self) -> None:
        if self._segment is not None and self._of_segment:
            with contextlib.suppress(OSError):
                self._segment.write_drops(self._of_segment)

    def _sync_now(self) -> bool:
        """Bring what is written to the disk; off the lock, for it takes long."""
        with self._lock:
            descriptor = os.dup(self._segment.descriptor) if self._segment is not None else -1
        if descriptor < 0:  # what was written has been synced when its segment was left
            return True
        try:
            return self._count_if_not_synced(lambda: sync_data(descriptor))
        finally:
            os.close(descriptor)

    def _count_if_not_synced(self, sync: Callable[[], None]) -> bool:
        try:
            sync()
        except OSError as error:
            with self._lock:
                self._count("sync", reason_of(error), error)
            return False
        return True

    # ── processes ──────────────────────────────────────────────────────────────────────────────────────

    def _after_fork(self) -> None:
        """In the child: the segment, the counts and the thread are the parent's."""
        segment = self._segment
        self._reset(os.getpid() * _SEQS_OF_A_PROCESS)
        self._dropped = Counter()
        self.idle = True
        if segment is not None:
            segment.release()


def make_store_folder(store: Path) -> None:
    """Make the folder of a store, into which git does not look. A folder with other things in it is left alone."""
    journal = store / FOLDER
    if journal.is_dir():
        return
    if store.is_dir() and any(entry.name not in _OURS for entry in store.iterdir()) and not store_files(store):
        raise NotAStore(store, "the folder holds other things")
    journal.mkdir(parents=True, exist_ok=True)
    (store / ".gitignore").write_text("*\n")


def _nobody() -> None:
    """Nobody reads along."""


_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _after_fork() -> None:
    for journal in list(_journals):
        journal._after_fork()


def _close_all() -> None:
    for journal in list(_journals):
        journal.close()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_close_all)
