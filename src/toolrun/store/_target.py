"""A file of the store that records are written into, with what its connection knows of it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from toolrun.store._batch import Told
from toolrun.store._drops import Drops, record_of
from toolrun.store._reading import Opening
from toolrun.store._records import NOT_INDEXED, is_integer, is_text, not_indexed
from toolrun.store.errors import store_errors
from toolrun.store.rows import Rows
from toolrun.store.sqlite import StoreFile, begun_us

_UNFIT = (
    *(TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError),
    *(sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.DataError),
)
"""What a record raises that cannot be stored, whatever the state of the disk is."""


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

    def write(self, runs: dict[str, Told], segment_id: int | None) -> Drops:
        """Store what records say of runs, in the transaction that is open; gives what cannot be stored, by reason.

        One record that cannot be does not keep the others out: each is written by itself then.
        """
        try:
            with self._savepoint():
                self.rows.apply(runs, segment_id)
            return Drops()
        except _UNFIT:
            return self._write_each(runs, segment_id)

    def _write_each(self, runs: dict[str, Told], segment_id: int | None) -> Drops:
        left_out = Drops()
        for run_id, told in runs.items():
            for one in told.each():
                try:
                    with self._savepoint():
                        self.rows.apply({run_id: one}, segment_id)
                except _UNFIT as error:
                    left_out[record_of(one.kind), not_indexed(type(error).__name__)] += 1
        return left_out

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        """A part of the transaction that is undone by itself."""
        self.connection.execute("SAVEPOINT part")
        try:
            yield
        except _UNFIT:
            self.rows.forget()
            self.connection.execute("ROLLBACK TO part")
            raise
        finally:
            if self.connection.in_transaction:
                self.connection.execute("RELEASE part")

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
        about = {
            name: one for name, one in (opening.about if opening else {}).items() if is_text(one) or is_integer(one)
        }
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

    def note_left_out(self, segment_id: int, left_out: Drops) -> None:
        """Count records of the segment that could not be stored."""
        self.connection.executemany(
            "INSERT INTO dropped VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            [(segment_id, record, reason, number) for (record, reason), number in left_out.items()],
        )

    def has_left_out(self, segment: str) -> bool:
        """Whether there are such records of the segment."""
        found = self.connection.execute(
            "SELECT 1 FROM dropped JOIN segment ON segment.id = segment_id WHERE name = ? AND reason LIKE ? LIMIT 1",
            (segment, f"{NOT_INDEXED}%"),
        )
        return found.fetchone() is not None

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
            "UPDATE segment SET ended_us = ?, cut_bytes = cut_bytes + ? WHERE id = ? AND ended_us IS NULL",
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
