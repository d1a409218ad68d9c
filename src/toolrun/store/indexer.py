"""The indexer: moves records from the journal's segments into SQLite. One process at a time does it for a store.

How far a segment has been read is committed together with what was read, so that nothing is lost or doubled if the
indexer dies. A segment whose process has died is read to its end; what is torn there is cut off and counted, and its
open runs are `interrupted`. It is deleted when a checkpoint has brought all of it to the disk.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from toolrun.store._batch import Told
from toolrun.store._drops import Drops
from toolrun.store._frames import Frame
from toolrun.store._locks import FileLock
from toolrun.store._reading import Damage, SegmentReader, remove_unfinished, segments_of
from toolrun.store._records import not_indexed, read_records
from toolrun.store._segment import DAMAGED
from toolrun.store._target import Target, target_for
from toolrun.store.rows import by_run
from toolrun.store.sqlite import file_of_today, store_files
from toolrun.store.words import index_words

logger = logging.getLogger("toolrun.store")

FILE_BYTES = 1024 * 1024 * 1024
"""A file that has grown so large is followed by another one, on another day."""

WORDS_AT_ONCE = 500
_BREATH = 64  # records decoded between two chances for other threads to run


@dataclass
class Recovered:
    """What was found in segments of processes that have ended."""

    segments: int = 0
    records: int = 0
    interrupted: int = 0
    cut_bytes: int = 0

    def add(self, more: Recovered) -> None:
        """Count more of it."""
        self.segments += more.segments
        self.records += more.records
        self.interrupted += more.interrupted
        self.cut_bytes += more.cut_bytes


class Indexer:
    """Indexes one store. Only for who has `lock`; its methods are for one thread."""

    def __init__(self, store: Path, file_bytes: int = FILE_BYTES) -> None:
        self._store = store
        self._file_bytes = file_bytes
        self.lock = FileLock(store / "indexer.lock")
        self.recovered = Recovered()
        self._targets: list[Target] = []
        self._readers: dict[str, SegmentReader] = {}
        self._noted: dict[str, object] = {}
        self._finished: dict[str, SegmentReader] = {}
        """Read to their end, and not yet safe on the disk."""

    def run(self) -> int:
        """Read a batch of every segment; gives how many records there were."""
        new = self._new_readers()  # first: where there is one of a later release, nothing is changed
        self._open_targets()
        for reader in new:
            reader.offset = self._offset_of(reader.name)
            self._readers[reader.name] = reader
        count = sum(self._read(reader) for reader in list(self._readers.values()))
        self._delete_finished()
        return count

    def drain(self) -> None:
        """Read all that is there now; what is written meanwhile may be read too."""
        remove_unfinished(self._store)
        there = {path.name: path.stat().st_size for path in segments_of(self._store)}
        while self.run() and not all(self._is_done(name, size) for name, size in there.items()):
            continue

    def _is_done(self, segment: str, size: int) -> bool:
        reader = self._readers.get(segment)
        return reader is None or (reader.offset >= size and not reader.look_whether_dead())

    def index_words(self, limit: int = WORDS_AT_ONCE) -> int:
        """Index the words of some runs; gives of how many."""
        for target in self._targets:
            if done := index_words(target.connection, limit):
                return done
        return 0

    def close(self) -> None:
        """Close all files, and give the lock back."""
        self._close_files()
        self.lock.release()

    def _close_files(self) -> None:
        for reader in self._readers.values():
            reader.close()
        for target in self._targets:
            target.close()
        for reader in self._finished.values():
            reader.close()
        self._readers, self._finished, self._targets, self._noted = {}, {}, [], {}

    # ── files ──────────────────────────────────────────────────────────────────────────────────────────

    def _open_targets(self) -> None:
        """Open what there is; begin a new file where the newest is large, and of another day."""
        if not all(target.file.path.exists() for target in self._targets):
            self._close_files()  # somebody deleted the store
        if not self._targets:
            self._targets = [Target(file) for file in store_files(self._store) or [file_of_today(self._store)]]
        newest, today = self._targets[0], file_of_today(self._store)
        if newest.file.name < today.name and newest.file.size >= self._file_bytes:
            self._targets.insert(0, Target(today))

    def _new_readers(self) -> list[SegmentReader]:
        new = []
        for path in segments_of(self._store):
            if path.name not in self._readers and path.name not in self._finished:
                with suppress(FileNotFoundError):  # somebody deleted it meanwhile
                    new.append(SegmentReader(path))
        return new

    def _offset_of(self, segment: str) -> int:
        offsets = (target.offset_of(segment) for target in self._targets)
        return next((offset for offset in offsets if offset is not None), 0)

    # ── segments ───────────────────────────────────────────────────────────────────────────────────────

    def _read(self, reader: SegmentReader) -> int:
        """Write the next batch of a segment; end it if there is none and never will be."""
        frames = reader.read()
        if not frames and reader.dead:
            if (damage := reader.damage()) is not None:
                self._skip(reader, damage)
                return 1
            self._end(reader)
            return 0
        if not frames and not reader.look_whether_dead():
            self._note_drops(reader)
            return 0
        if frames:
            self._write(reader, frames)
        return len(frames) or 1  # once more, for what came between reading and its end

    def _write(self, reader: SegmentReader, frames: list[Frame]) -> None:
        """Commit a batch, and with it how far the segment has been read."""
        homes: dict[Target, dict[str, Told]] = {self._targets[0]: {}}
        records, left_out = read_records(frames, _breathe)
        for run_id, told in by_run(records).items():
            homes.setdefault(target_for(self._targets, run_id, told), {})[run_id] = told
        newest = homes.pop(self._targets[0])
        opening, end = reader.opening(), frames[-1].end
        for target, runs in homes.items():  # first: should the process die in between, this is done again, to no effect
            with target.transaction():
                left_out += target.write(runs, target.segment_id(reader.name, opening))
        target = self._targets[0]
        with target.transaction() as connection:
            segment_id = target.segment_id(reader.name, opening)
            left_out += target.write(newest, segment_id)
            target.note_left_out(segment_id, left_out)
            if opening is not None and opening.drops != self._noted.get(reader.name):
                target.note_drops(segment_id, opening.drops)
            connection.execute("UPDATE segment SET offset = ? WHERE id = ?", (end, segment_id))
        reader.offset = end
        self._tell(reader, left_out)
        self.recovered.records += len(frames) if reader.dead else 0
        self._noted[reader.name] = opening.drops if opening else None

    def _skip(self, reader: SegmentReader, damage: Damage) -> None:
        """Pass over a damaged place, and count what was there."""
        left_out: Drops = Drops({("unknown", not_indexed("damaged")): damage.records})
        target = self._targets[0]
        with target.transaction() as connection:
            segment_id = target.segment_id(reader.name, reader.opening())
            target.note_left_out(segment_id, left_out)
            connection.execute(
                "UPDATE segment SET offset = ?, cut_bytes = cut_bytes + ? WHERE id = ?",
                (damage.end, damage.bytes, segment_id),
            )
        reader.offset = damage.end
        self.recovered.cut_bytes += damage.bytes
        self._tell(reader, left_out)

    def _tell(self, reader: SegmentReader, left_out: Drops) -> None:
        for (record, reason), number in left_out.items():
            logger.warning("%d %s records of %s are left out, %s", number, record, reader.path, reason)

    def _note_drops(self, reader: SegmentReader) -> None:
        """Take over the counts of a segment in which nothing is written, for nothing can be."""
        opening = reader.opening()
        if opening is None or opening.drops == self._noted.get(reader.name, {}):
            return
        target = self._targets[0]
        with target.transaction():
            target.note_drops(target.segment_id(reader.name, opening, reader.offset), opening.drops)
        self._noted[reader.name] = opening.drops

    def _end(self, reader: SegmentReader) -> None:
        self._note_drops(reader)
        cut = reader.torn_bytes
        for target in self._targets:
            with target.transaction():
                if target is self._targets[0]:
                    target.segment_id(reader.name, reader.opening(), reader.offset)
                self.recovered.interrupted += target.end_segment(reader.name, cut, reader.successor)
        self.recovered.segments += 1
        self.recovered.cut_bytes += cut
        if cut:
            logger.warning("the last %d bytes of %s were torn, and are left out", cut, reader.path)
        del self._readers[reader.name]
        self._finished[reader.name] = reader

    def _delete_finished(self) -> None:
        if self._finished and all(target.checkpoint() for target in self._targets):
            for reader in self._finished.values():
                self._put_away(reader)
                reader.close()
                self._noted.pop(reader.name, None)
            self._finished.clear()

    def _put_away(self, reader: SegmentReader) -> None:
        """Delete a segment; one with something that could not be stored is kept aside, for whoever can read it."""
        is_no_segment = not reader.offset and reader.size
        if is_no_segment or any(target.has_left_out(reader.name) for target in self._targets):
            with suppress(FileNotFoundError):
                reader.path.rename(reader.path.with_name(reader.name + DAMAGED))
        else:
            reader.path.unlink(missing_ok=True)


def _breathe(number: int) -> None:
    if not number % _BREATH:
        time.sleep(0)
