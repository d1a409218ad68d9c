"""What to keep: whole traces go, the oldest first; a file of which nothing is kept goes at once.

Readers beside it see a trace whole or not at all. Recording goes on meanwhile.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from toolrun.store._buckets import bucket
from toolrun.store._locks import FileLock
from toolrun.store.base import Store
from toolrun.store.errors import StoreBusy, StoreUnwritable, store_errors
from toolrun.store.schema import IS_FAILED
from toolrun.store.sqlite import StoreFile
from toolrun.store.words import FORGET_WORDS

TRACES_AT_ONCE = 500
PAGES_AT_ONCE = 2000

_OLD = """
INSERT INTO doomed_trace SELECT trace_id FROM (
  SELECT DISTINCT trace_id FROM (SELECT trace_id FROM run WHERE start_us < :before ORDER BY start_us)
) AS old
WHERE NOT EXISTS (SELECT 1 FROM run WHERE trace_id = old.trace_id AND (start_us >= :before OR status = 'running'))
  AND NOT (:keep_errors AND EXISTS (SELECT 1 FROM run WHERE trace_id = old.trace_id AND {failed}))
LIMIT :limit
""".format(failed=IS_FAILED)  # noqa: UP032 - the braces of an f-string would hide the statement
_OF_TAGS = """
DELETE FROM tag WHERE (named_id, seq) IN (
  SELECT named.id, payload.seq FROM doomed JOIN payload USING(seq), json_each(payload.tags) AS one
  JOIN named ON named.kind = 'tag' AND named.name = one.value WHERE payload.tags IS NOT NULL
)
"""
_ROLL = f"""
INSERT INTO roll SELECT start_us / 60000000, named_id, bucket(dur_us), count(*), sum({IS_FAILED}), sum(dur_us)
FROM run WHERE start_us < :before AND dur_us IS NOT NULL GROUP BY 1, 2, 3
"""
_MINUTE = 60_000_000


@dataclass(frozen=True)
class Pruned:
    """What was deleted."""

    runs: int
    files: int
    bytes_before: int
    bytes_after: int


def prune(
    store: Store,
    *,
    older_than: timedelta | None = None,
    max_bytes: int | None = None,
    keep_errors: bool = False,
    now_us: int | None = None,
) -> Pruned:
    """Delete traces: those whose last run began longer ago than `older_than`, and the oldest until the files have no
    more than `max_bytes`. With `keep_errors` traces in which a run failed are kept. Traces that go on always are.

    Raises `StoreBusy` if another process is pruning.
    """
    if store.readonly:
        raise StoreUnwritable(store.path, "it was opened with readonly=True")
    now_us = time.time_ns() // 1000 if now_us is None else now_us
    before = store.size
    with _alone(store):
        pruning = _Pruning(store, keep_errors)
        if older_than is not None:
            pruning.older_than(now_us - int(older_than / timedelta(microseconds=1)))
        if max_bytes is not None:
            pruning.down_to(max_bytes, now_us)
        pruning.give_back()
    return Pruned(pruning.runs, pruning.files, before, store.size)


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    try:
        lock = FileLock(store.path / "prune.lock")
        if not lock.acquire():
            raise StoreBusy(store.path, "pruning")
    except OSError as error:
        raise StoreUnwritable(store.path, error.strerror or str(error)) from error
    try:
        yield
    finally:
        lock.release()


class _Pruning:
    def __init__(self, store: Store, keep_errors: bool) -> None:
        self._store, self._keep_errors = store, keep_errors
        self.runs = self.files = 0

    def older_than(self, before_us: int) -> None:
        for number, file in enumerate(self._store.files):
            with _writing(file) as connection:
                whole = number > 0 and not self._keep_errors and _is_all_before(connection, before_us)
                if whole:
                    self.runs += _count(connection)
                else:
                    while self._delete_batch(connection, before_us):
                        continue
                whole = number > 0 and not _count(connection)
            if whole:
                self._remove(file)

    def down_to(self, max_bytes: int, now_us: int) -> None:
        """Delete the oldest traces until what is left takes no more than this."""
        for number, file in reversed(list(enumerate(self._store.files))):
            others = sum(_used(one) for one in self._store.files if one != file)
            with _writing(file) as connection:
                while (excess := others + _used_by(connection) - max_bytes) > 0:
                    if not self._delete_batch(connection, now_us, _traces_of(connection, excess)):
                        break
                empty = number > 0 and not _count(connection)
            if empty:
                self._remove(file)

    def give_back(self) -> None:
        """Let the files shrink."""
        for file in self._store.files:
            with _writing(file) as connection:
                while free := _pragma(connection, "freelist_count"):
                    connection.executescript(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})")  # execute does one page
                    if _pragma(connection, "freelist_count") >= free:
                        break
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _delete_batch(self, connection: sqlite3.Connection, before_us: int, limit: int = TRACES_AT_ONCE) -> int:
        """Delete some of the oldest traces, in one transaction; gives how many runs they had."""
        execute = connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            facts = {"before": before_us, "keep_errors": self._keep_errors, "limit": limit}
            execute(_OLD, facts)
            execute("INSERT INTO doomed SELECT seq FROM run WHERE trace_id IN (SELECT id FROM doomed_trace)")
            count = _delete_doomed(connection)
            execute("DELETE FROM doomed")
            execute("DELETE FROM doomed_trace")
            execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                execute("ROLLBACK")
            raise
        self.runs += count
        return count

    def _remove(self, file: StoreFile) -> None:
        file.remove()
        self.files += 1


def _delete_doomed(connection: sqlite3.Connection) -> int:
    execute = connection.execute
    (last,) = execute("SELECT max(start_us) FROM run WHERE seq IN (SELECT seq FROM doomed)").fetchone()
    if last is None:
        return 0
    execute(FORGET_WORDS.format(seqs="doomed"))
    execute(_OF_TAGS)
    for table in ("payload", "event", "unsearched"):
        execute(f"DELETE FROM {table} WHERE seq IN (SELECT seq FROM doomed)")
    count = execute("DELETE FROM run WHERE seq IN (SELECT seq FROM doomed)").rowcount
    before = last - last % _MINUTE + _MINUTE
    execute("DELETE FROM roll WHERE minute < ?", (before // _MINUTE,))
    execute(_ROLL, {"before": before})
    return count


@contextmanager
def _writing(file: StoreFile) -> Iterator[sqlite3.Connection]:
    connection = file.writing()
    try:
        with store_errors(file.path):
            connection.create_function("bucket", 1, bucket, deterministic=True)
            connection.execute("CREATE TEMP TABLE doomed(seq INTEGER PRIMARY KEY)")
            connection.execute("CREATE TEMP TABLE doomed_trace(id BLOB PRIMARY KEY)")
            yield connection
    finally:
        connection.close()


def _is_all_before(connection: sqlite3.Connection, before_us: int) -> bool:
    found = connection.execute("SELECT 1 FROM run WHERE start_us >= ? OR status = 'running' LIMIT 1", (before_us,))
    return found.fetchone() is None


def _count(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM run").fetchone()
    return int(count)


def _traces_of(connection: sqlite3.Connection, size: int) -> int:
    """How many traces may go at once where so many bytes are over: half of them by their average size, at least one."""
    (traces,) = connection.execute("SELECT count(*) FROM run WHERE run_id = trace_id").fetchone()
    return max(1, min(TRACES_AT_ONCE, size * int(traces) // _used_by(connection) // 2))


def _used(file: StoreFile) -> int:
    with _writing(file) as connection:
        return _used_by(connection)


def _used_by(connection: sqlite3.Connection) -> int:
    """The bytes that are not free."""
    pages = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
    return pages * _pragma(connection, "page_size")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
