"""Records become rows: what START, EVENT and END say of a run, in whatever order and however often they come.

A batch is merged by run first, so that a run whose start and end are both in it is written once. A run that is there
already is completed, never doubled: a start fills in what its end did not know, the first end decides.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from toolrun.store._batch import ADD_TO_ROLL, INSERT_EVENT, INSERT_TAG, NewRuns, Told
from toolrun.store._columns import (
    PREVIEW,
    Fields,
    Record,
    ending,
    event_row,
    given,
    identity,
    is_failed,
    notes_of,
    optional,
    outcome,
    roll_key,
    tags_of,
)
from toolrun.store._frames import FrameKind
from toolrun.store.words import search_again

__all__ = ["Record", "Rows", "apply", "by_run"]

_NEWLINE = "instr(preview, char(10))"
_START_RUN = "UPDATE run SET session = ?, call_id = ?, batch = ?, line = ? WHERE seq = ?"
_START_PAYLOAD = (
    f"UPDATE payload SET preview = ? || substr(preview, {_NEWLINE}), inputs = ?, tags = ?, metadata = ?, notes = ? "
    "WHERE seq = ?"
)
_END_RUN = (
    "UPDATE run SET trace_id = ?, parent_id = ?, named_id = ?, start_us = ?, status = ?, dur_us = ?, error_type = ?, "
    "error_message = ?, stopped_by = ?, engine = ?, worker = ?, attempts = ?, cached = ? WHERE seq = ?"
)
_END_PAYLOAD = (
    f"UPDATE payload SET preview = substr(preview, 1, {_NEWLINE}) || ?, output = ?, error = ?, notes = ? WHERE seq = ?"
)
_LOOK_UP_AT_ONCE = 1000
_NAMES_KEPT = 10_000


def apply(connection: sqlite3.Connection, records: Iterable[Record], segment_id: int | None = None) -> int:
    """Write the records into a file of the store; gives the number of runs they are about.

    In one transaction, unless the connection has one open. Doing it twice is the same as once.
    """
    if connection.in_transaction:
        return Rows(connection).apply(by_run(records), segment_id)
    connection.execute("BEGIN IMMEDIATE")
    try:
        count = Rows(connection).apply(by_run(records), segment_id)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return count


def by_run(records: Iterable[Record]) -> dict[str, Told]:
    """What the records say, by run; of two starts or ends the first counts."""
    told: dict[str, Told] = {}
    for record in records:
        run_id = record.fields["id"]
        one = told.get(run_id)
        if one is None:
            one = told[run_id] = Told()
        if record.kind == FrameKind.START:
            one.start = one.start or record.fields
        elif record.kind == FrameKind.END:
            one.end = one.end or record.fields
        else:
            one.events.append(record)
    return told


class Rows:
    """Writes records into one file, through one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._named: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """Forget what a transaction that was rolled back had made."""
        self._named.clear()

    def apply(self, told: dict[str, Told], segment_id: int | None) -> int:
        """Write one batch, in the transaction that is open; gives the number of runs."""
        known = self.known(told)
        new = NewRuns(self.named_id, self._last_seq(), segment_id)
        for run_id, one in told.items():
            if run_id not in known:
                new.add(run_id, one)
        new.write(self._connection)
        for run_id, (seq, status) in known.items():
            self._complete(seq, status, told[run_id])
        return len(told)

    def known(self, run_ids: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Those of the runs that are in the file: their numbers and statuses."""
        last = self._last_run_id()  # ids are ordered by time: of new runs hardly any has to be looked up
        wanted = [run_id for one in run_ids if (run_id := bytes.fromhex(one)) <= last]
        known = {}
        for begin in range(0, len(wanted), _LOOK_UP_AT_ONCE):
            some = wanted[begin : begin + _LOOK_UP_AT_ONCE]
            marks = ",".join("?" * len(some))
            found = self._connection.execute(f"SELECT run_id, seq, status FROM run WHERE run_id IN ({marks})", some)
            known.update({run_id.hex(): (seq, status) for run_id, seq, status in found})
        return known

    def named_id(self, kind: str, name: str) -> int:
        """The number of a tool, chain, ... or tag of this name."""
        number = self._named.get((kind, name))
        return number if number is not None else self._look_up(kind, name)

    def _look_up(self, *key: str) -> int:
        kind, name = key
        self._connection.execute("INSERT OR IGNORE INTO named(kind, name) VALUES(?, ?)", key)
        (number,) = self._connection.execute("SELECT id FROM named WHERE kind = ? AND name = ?", key).fetchone()
        if len(self._named) >= _NAMES_KEPT:
            self._named.clear()
        self._named[kind, name] = number
        return int(number)

    def _last_seq(self) -> int:
        (last,) = self._connection.execute("SELECT max(seq) FROM run").fetchone()
        return int(last or 0)

    def _last_run_id(self) -> bytes:
        (last,) = self._connection.execute("SELECT max(run_id) FROM run").fetchone()
        return last or b""

    def _complete(self, seq: int, status: str, told: Told) -> None:
        """Add to a run that is there."""
        if told.start is not None:
            self._add_start(seq, status, told.start)
        if told.end is not None and status in ("running", "interrupted"):
            self._add_end(seq, told.end)
        if told.events:
            self._connection.executemany(INSERT_EVENT, [event_row(seq, one) for one in told.events])

    def _add_start(self, seq: int, status: str, start: Fields) -> None:
        execute = self._connection.execute
        inputs, notes = execute("SELECT inputs, notes FROM payload WHERE seq = ?", (seq,)).fetchone()
        if inputs is not None:
            return
        if status != "running":
            search_again(self._connection, seq)
        inputs = optional(start, "inputs")
        execute(_START_RUN, (*given(start), seq))
        what = ((inputs or "")[:PREVIEW], inputs, optional(start, "tags"), optional(start, "metadata"))
        execute(_START_PAYLOAD, (*what, notes_of(start, notes), seq))
        for tag in tags_of(start):
            execute(INSERT_TAG, (self.named_id("tag", tag), seq))

    def _add_end(self, seq: int, end: Fields) -> None:
        execute = self._connection.execute
        (notes,) = execute("SELECT notes FROM payload WHERE seq = ?", (seq,)).fetchone()
        search_again(self._connection, seq)
        named_id = self.named_id(end["kind"], end["name"])
        output, error = outcome(end)
        execute(_END_RUN, (*identity(end, named_id), *ending(end), seq))
        execute(_END_PAYLOAD, ((output or error or "")[:PREVIEW], output, error, notes_of(end, notes), seq))
        execute(ADD_TO_ROLL, (*roll_key(end, named_id), 1, is_failed(end), end["us"]))
