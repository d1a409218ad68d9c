"""The rows of runs that are new in a file, made one by one and written all at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import repeat

from toolrun.store._columns import (
    NOTHING,
    PREVIEW,
    RUNNING,
    Fields,
    Record,
    Row,
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

INSERT_EVENT = "INSERT OR IGNORE INTO event VALUES(?,?,?,?,?)"
INSERT_TAG = "INSERT OR IGNORE INTO tag VALUES(?,?)"
INSERT_UNSEARCHED = "INSERT OR IGNORE INTO unsearched VALUES(?)"
ADD_TO_ROLL = (
    "INSERT INTO roll VALUES(?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
    "n = n + excluded.n, err = err + excluded.err, sum_us = sum_us + excluded.sum_us"
)
_INSERT_RUN = f"INSERT INTO run VALUES({','.join(repeat('?', 20))})"
_INSERT_PAYLOAD = "INSERT INTO payload VALUES(?,?,?,?,?,?,?,?)"


class Told:
    """What a batch of records says of one run."""

    __slots__ = ("end", "events", "start")

    def __init__(self) -> None:
        self.start: Fields | None = None
        self.end: Fields | None = None
        self.events: list[Record] = []

    def base(self, run_id: str) -> Fields:
        """The fields that say which run it is; of one that was only heard in passing, as far as they are known."""
        if self.end or self.start:
            return self.end or self.start or NOTHING
        return {"id": run_id, "kind": "custom", "name": "", "at": self.events[0].fields["at"]}

    def each(self) -> Iterator[Told]:
        """The same, each record by itself."""
        for start, end in ((self.start, None), (None, self.end)):
            if start is not None or end is not None:
                yield _told(start, end, [])
        for event in self.events:
            yield _told(None, None, [event])

    @property
    def kind(self) -> FrameKind:
        """Of which kind the record is, where there is but one."""
        if self.start is not None:
            return FrameKind.START
        return FrameKind.END if self.end is not None else FrameKind.EVENT


def _told(start: Fields | None, end: Fields | None, events: list[Record]) -> Told:
    told = Told()
    told.start, told.end, told.events = start, end, events
    return told


class NewRuns:
    """Runs that are not in the file yet."""

    def __init__(self, named_id: Callable[[str, str], int], last_seq: int, segment_id: int | None) -> None:
        self._named_id, self._seq, self._segment_id = named_id, last_seq, segment_id
        self._runs: list[Row] = []
        self._payloads: list[Row] = []
        self._events: list[Row] = []
        self._tags: list[Row] = []
        self._ended: list[Row] = []
        self._roll: dict[Row, list[int]] = {}

    def add(self, run_id: str, told: Told) -> None:
        """Number a run, and make its rows."""
        self._seq = seq = self._seq + 1
        start, end, base = told.start or NOTHING, told.end, told.base(run_id)
        named_id = self._named_id(base["kind"], base["name"])
        how = RUNNING if end is None else ending(end)
        of_run = bytes.fromhex(run_id)
        self._runs.append((seq, of_run, *identity(base, named_id), *how, *given(start), self._segment_id))
        self._payloads.append(_payload(seq, start, end or NOTHING))
        if tags := tags_of(start):
            self._tags += [(self._named_id("tag", tag), seq) for tag in tags]
        if told.events:
            self._events += [event_row(seq, one) for one in told.events]
        if end is not None:
            self._ended.append((seq,))
            self._count(end, named_id)

    def _count(self, end: Fields, named_id: int) -> None:
        sums = self._roll.setdefault(roll_key(end, named_id), [0, 0, 0])
        sums[0] += 1
        sums[1] += is_failed(end)
        sums[2] += end["us"]

    def write(self, connection: sqlite3.Connection) -> None:
        """Insert all of them."""
        for statement, rows in (
            (_INSERT_RUN, self._runs),
            (_INSERT_PAYLOAD, self._payloads),
            (INSERT_UNSEARCHED, self._ended),
            (INSERT_EVENT, self._events),
            (INSERT_TAG, self._tags),
            (ADD_TO_ROLL, [(*key, *sums) for key, sums in self._roll.items()]),
        ):
            if rows:
                connection.executemany(statement, rows)


def _payload(seq: int, start: Fields, end: Fields) -> Row:
    inputs, (output, error) = optional(start, "inputs"), outcome(end)
    preview = f"{(inputs or '')[:PREVIEW]}\n{(output or error or '')[:PREVIEW]}"
    notes = notes_of(end, notes_of(start))
    return seq, preview, inputs, output, error, optional(start, "tags"), optional(start, "metadata"), notes
