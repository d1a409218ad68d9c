"""Is all well with a store? Looks at every frame and every page, and changes nothing."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from toolrun.store._drops import Drops
from toolrun.store._reading import SegmentReader, segments_of
from toolrun.store._records import read_records
from toolrun.store._segment import DAMAGED, FOLDER
from toolrun.store.base import Store
from toolrun.store.errors import CorruptStore, StoreError, store_errors
from toolrun.store.sqlite import StoreFile

_COUNTS = {
    "runs without a payload": "SELECT count(*) FROM run WHERE seq NOT IN (SELECT seq FROM payload)",
    "payloads without a run": "SELECT count(*) FROM payload WHERE seq NOT IN (SELECT seq FROM run)",
    "events without a run": "SELECT count(*) FROM event WHERE seq NOT IN (SELECT seq FROM run)",
    "runs of tools that have no name": "SELECT count(*) FROM run WHERE named_id NOT IN (SELECT id FROM named)",
    "ended runs too few or too many in the roll-ups": (
        "SELECT abs((SELECT count(*) FROM run WHERE dur_us IS NOT NULL) - (SELECT coalesce(sum(n), 0) FROM roll))"
    ),
    "runs that can be searched and are not there": (
        "SELECT count(*) FROM words_docsize WHERE id NOT IN (SELECT seq FROM run)"
    ),
}
_DROPPED = "SELECT name, record, reason, n FROM dropped JOIN segment ON segment.id = segment_id"


@dataclass
class FileReport:
    """One SQLite file."""

    name: str
    size: int
    runs: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class SegmentReport:
    """One segment of the journal."""

    name: str
    size: int
    records: int
    """Whole records that are not in SQLite yet."""
    alive: bool
    """Whether its process lives."""
    torn_bytes: int
    """Behind the last whole record; a living process may be about to complete them."""
    unreadable: int = 0
    """Whole records that hold something else than a record does."""
    damaged_bytes: int = 0
    """Before whole records that follow."""


@dataclass
class Checked:
    """The whole store."""

    files: list[FileReport] = field(default_factory=list)
    segments: list[SegmentReport] = field(default_factory=list)
    dropped: Drops = field(default_factory=Counter)
    """What could not be written, of all processes so far."""
    cut_bytes: int = 0
    """Torn tails that were left out, of all processes so far."""
    set_aside: list[str] = field(default_factory=list)
    """Segments that were kept, for not all of them could be stored."""
    unreadable: list[str] = field(default_factory=list)
    """What of the journal cannot be looked at, and why."""

    @property
    def problems(self) -> list[str]:
        """What is damaged, in sentences; none if all is well."""
        torn = [one for one in self.segments if one.torn_bytes and not one.alive]
        return [
            *(f"{file.name}: {problem}" for file in self.files for problem in file.problems),
            *(f"{one.name}: the last {one.torn_bytes} bytes are torn" for one in torn),
            *(f"{one.name}: {one.damaged_bytes} bytes are damaged" for one in self.segments if one.damaged_bytes),
            *(f"{one.name}: {one.unreadable} records cannot be read" for one in self.segments if one.unreadable),
            *(
                f"{name} holds records that could not be stored; what could be is. Delete it once it is of no use"
                for name in self.set_aside
            ),
            *self.unreadable,
        ]


def check(store: Store) -> Checked:
    """Look through the whole store; takes its time."""
    checked = Checked()
    offsets: dict[str, int] = {}
    dropped: dict[str, Drops] = {}
    for file in store.files:
        checked.files.append(_check_file(file, checked, offsets, dropped))
    for counts in dropped.values():
        checked.dropped += counts
    _check_journal(store, checked, offsets)
    return checked


def _check_journal(store: Store, checked: Checked, offsets: dict[str, int]) -> None:
    path = store.path / FOLDER
    try:
        for path in segments_of(store.path):
            with suppress(FileNotFoundError):  # it has just been indexed and deleted
                checked.segments.append(_check_segment(SegmentReader(path, offsets.get(path.name, 0))))
        checked.set_aside = sorted(f"{FOLDER}/{path.name}" for path in (store.path / FOLDER).glob(f"*{DAMAGED}"))
    except OSError as error:
        checked.unreadable.append(f"{path.name} cannot be read: {error.strerror}")


def _check_file(file: StoreFile, checked: Checked, offsets: dict[str, int], dropped: dict[str, Drops]) -> FileReport:
    report = FileReport(file.name, file.size)
    try:
        connection = file.reading()
    except (StoreError, sqlite3.DatabaseError) as error:
        report.problems.append(_problem(error))
        return report
    try:
        with store_errors(file.path):
            _look_through(connection, report)
            for name, offset, cut in connection.execute("SELECT name, offset, cut_bytes FROM segment"):
                if name not in offsets:  # the newest file is asked first
                    offsets[name] = offset
                    checked.cut_bytes += cut
            for segment, record, reason, number in connection.execute(_DROPPED):
                counts = dropped.setdefault(segment, Counter())
                counts[record, reason] = max(counts[record, reason], number)  # noted in each file that was the newest
    except (StoreError, sqlite3.DatabaseError) as error:
        report.problems.append(_problem(error))
    finally:
        connection.close()
    return report


def _problem(error: Exception) -> str:
    """What is wrong with a file that cannot be looked through, to who is looking already."""
    if isinstance(error, CorruptStore):
        return f"{error.why}; `sqlite3 {error.path} .recover` gets out what can be read"
    return str(error)


def _look_through(connection: sqlite3.Connection, report: FileReport) -> None:
    found = [one for (one,) in connection.execute("PRAGMA integrity_check(20)")]
    report.problems += [] if found == ["ok"] else [one for text in found for one in text.splitlines()]
    for what, query in _COUNTS.items():
        (count,) = connection.execute(query).fetchone()
        if count:
            report.problems.append(f"{count} {what}")
    (report.runs,) = connection.execute("SELECT count(*) FROM run").fetchone()


def _check_segment(reader: SegmentReader) -> SegmentReport:
    try:
        report = SegmentReport(reader.name, reader.size, 0, not reader.look_whether_dead(), 0)
        while _look_on(reader, report):
            continue
        report.torn_bytes = reader.torn_bytes
        return report
    finally:
        reader.close()


def _look_on(reader: SegmentReader, report: SegmentReport) -> bool:
    """Look at the next frames; False if there are none."""
    if frames := reader.read():
        report.records += len(frames)
        report.unreadable += read_records(frames)[1].total()
        reader.offset = frames[-1].end
        return True
    damage = None if report.alive else reader.damage()
    if damage is not None:
        report.damaged_bytes += damage.bytes
        reader.offset = damage.end
    return damage is not None
