"""A file of the store that records are written into, with what its connection knows of it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from toolrun.store._batch import Told
from toolrun.store._drops import Drops
from toolrun.store._reading import Opening
from toolrun.store.errors import store_errors
from toolrun.store.rows import Rows
from toolrun.store.sqlite import StoreFile, begun_us


class Target:
    """One file, open for writing."""

    def __init__(self, file: StoreFile) -> None:
        self.file = file
        self.connection = file.writing()
        self.begun_us = begun_us(self.connection)
        self.rows = Rows(self.connection)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written in the block, or nothing."""
        with store_errors(self.file.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                self.rows.forget()
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    # ── segments ───────────────────────────────────────────────────────────────────────────────────────

    def offset_of(self, segment: str) -> int | None:
        """How far the segment has been read, if this file knows of it."""
        row = self.connection.execute("SELECT offset FROM segment WHERE name = ?", (segment,)).fetchone()
        return None if row is None else int(row[0])

    def segment_id(self, segment: str, opening: Opening | None = None, offset: int = 0) -> int:
        """The number of the segment here; it gets one if it has none."""
        row = self.connection.execute("SELECT id FROM segment WHERE name = ?", (segment,)).fetchone()
        if row is not None:
            return int(row[0])
        about = opening.about if opening else {}
        made = self.connection.execute(
            "INSERT INTO segment(name, offset, pid, host, started_us) VALUES(?, ?, ?, ?, ?)",
            (segment, offset, about.get("pid"), about.get("host"), about.get("started")),
        )
        return int(made.lastrowid or 0)

    def note_drops(self, segment_id: int, drops: Drops) -> None:
        """Write down what the segment's process could not write so far."""
        self.connection.executemany(
            "INSERT OR REPLACE INTO dropped VALUES(?, ?, ?, ?)",
            [(segment_id, record, reason, number) for (record, reason), number in drops.items()],
        )

    def end_segment(self, segment: str, cut_bytes: int, successor: str | None) -> int:
        """Nobody will write to the segment any more. Its open runs are interrupted, unless they go on in another one.

        Gives the number of runs that were found interrupted.
        """
        execute = self.connection.execute
        row = execute("SELECT id FROM segment WHERE name = ?", (segment,)).fetchone()
        if row is None:
            return 0
        (segment_id,) = row
        now = time.time_ns() // 1000
        execute(
            "UPDATE segment SET ended_us = coalesce(ended_us, ?), cut_bytes = ? WHERE id = ?",
            (now, cut_bytes, segment_id),
        )
        if successor is not None:
            heir = self.segment_id(successor)
            execute("UPDATE run SET segment_id = ? WHERE status = 'running' AND segment_id = ?", (heir, segment_id))
            (ended,) = execute("SELECT ended_us FROM segment WHERE id = ?", (heir,)).fetchone()
            if ended is None:
                return 0
            segment_id = heir
        execute(
            "INSERT OR IGNORE INTO unsearched SELECT seq FROM run WHERE status = 'running' AND segment_id = ?",
            (segment_id,),
        )
        found = execute(
            "UPDATE run SET status = 'interrupted' WHERE status = 'running' AND segment_id = ?", (segment_id,)
        )
        return found.rowcount

    # ── which runs are whose ───────────────────────────────────────────────────────────────────────────

    def has_trace(self, trace: str) -> bool:
        """Whether a run of the trace is here."""
        found = self.connection.execute("SELECT 1 FROM run WHERE trace_id = ? LIMIT 1", (bytes.fromhex(trace),))
        return found.fetchone() is not None

    def has_run(self, run_id: str) -> bool:
        """Whether the run is here."""
        return bool(self.rows.known([run_id]))

    def checkpoint(self) -> bool:
        """Bring what is committed to the disk; False if a reader is in the way of a part of it."""
        busy, pages, done = self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        return not busy and pages == done

    def close(self) -> None:
        """Close the connection."""
        with suppress(sqlite3.Error):  # it only makes later queries faster
            self.connection.execute("PRAGMA optimize")
        self.connection.close()


def target_for(targets: list[Target], run_id: str, told: Told) -> Target:
    """The file that a run belongs to: that of its trace, which is the newest one when the trace began.

    `targets` has the newest first.
    """
    if len(targets) == 1:
        return targets[0]
    fields = told.start or told.end
    if fields is None:
        return next((target for target in targets if target.has_run(run_id)), targets[0])
    trace = fields.get("trace") or run_id
    began = _time_of(trace)
    if began is None:
        return next((target for target in targets if target.has_trace(trace)), targets[0])
    return next((target for target in targets if target.begun_us <= began), targets[-1])


def _time_of(run_id: str) -> int | None:
    """The microseconds since 1970 at which an id was made, if it says so."""
    made = UUID(run_id)
    return (made.int >> 80) * 1000 if made.version == 7 else None
