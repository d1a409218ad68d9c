"""Reading a segment of the journal, from where the last reader was to where its writer is."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from toolrun.store._drops import Drops, frame_bytes, read_drops
from toolrun.store._frames import Frame, FrameKind, next_frame, read_frames, wanted_bytes
from toolrun.store._locks import is_locked
from toolrun.store._records import object_of
from toolrun.store._segment import FOLDER, FORM, SUFFIX, UNFINISHED
from toolrun.store.errors import NewerStore

CHUNK = 1024 * 1024
FRAMES_AT_ONCE = 2000
_BEGINNING = 4096
_NAME = re.compile(rf"[0-9a-f]{{32}}{re.escape(SUFFIX)}")


class Opening(NamedTuple):
    """What the first frames of a segment say."""

    about: dict[str, Any]
    drops: Drops


class Damage(NamedTuple):
    """A damaged place in a segment."""

    end: int
    """The offset of the next whole frame."""
    bytes: int
    records: int
    """How many are missing, as far as that can be told."""


class SegmentReader:
    """One segment as a reader sees it. `offset` is how far it has been read."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.name = path.name
        self.offset = offset
        self.dead = False
        """Whether it is known that nobody will write to it any more."""
        self.successor: str | None = None
        """The segment in which its process went on."""
        self._closing_bytes = 0
        self._last_seq: int | None = None
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._refuse_newer()

    def _refuse_newer(self) -> None:
        first = self._first_frame()
        version = object_of(first.body).get("version") if first is not None else None
        if type(version) is int and version > FORM:
            raise NewerStore(self.path, version, FORM)

    def _first_frame(self) -> Frame | None:
        first = next(read_frames(os.pread(self._descriptor, _BEGINNING, 0)), None)
        return first if first is not None and first.kind == FrameKind.OPEN else None

    def opening(self) -> Opening | None:
        """What stands at its beginning now; None while the counts of drops are being rewritten, or if it is damaged."""
        frames = list(islice(read_frames(os.pread(self._descriptor, _BEGINNING, 0)), 2))
        if len(frames) < 2 or frames[1].kind != FrameKind.DROPS:
            return None
        return Opening(object_of(frames[0].body), read_drops(frames[1].body))

    def read(self) -> list[Frame]:
        """The next records; `offset` is to be set to the last one's `end` when they are safe."""
        if not self.offset and not self._skip_opening():
            return []
        data = os.pread(self._descriptor, CHUNK, self.offset)
        wanted = wanted_bytes(data)
        if wanted > len(data) and wanted <= self.size - self.offset:
            data = os.pread(self._descriptor, wanted, self.offset)
        base = self.offset
        frames = list(islice(read_frames(data, base), FRAMES_AT_ONCE))
        if frames and frames[-1].kind == FrameKind.CLOSE:
            closing = frames.pop()
            self.successor = object_of(closing.body).get("next")
            self._closing_bytes = closing.end - (frames[-1].end if frames else base)
        if frames:
            self._last_seq = frames[-1].seq
        return frames

    def damage(self) -> Damage | None:
        """The damaged place at which reading has stopped; None if no whole frame follows: what is there is torn.

        Only for a segment that is dead: in another one the next frame is about to be written.
        """
        start = self.offset + self._closing_bytes
        data = os.pread(self._descriptor, self.size - start, start)
        begin = next_frame(data, 0)
        if begin is None:
            return None
        after = next(read_frames(data[begin:]))
        missing = 1 if self._last_seq is None else max(after.seq - self._last_seq - 1, 1)
        return Damage(start + begin, begin, missing)

    def _skip_opening(self) -> bool:
        """The counts are passed over unseen, for they may be in the midst of being rewritten."""
        first = self._first_frame()
        if first is None or first.end + frame_bytes() > self.size:
            return False
        self.offset = first.end + frame_bytes()
        return True

    @property
    def torn_bytes(self) -> int:
        """What is behind the last whole record, when all that is whole has been read."""
        return self.size - self.offset - self._closing_bytes

    def look_whether_dead(self) -> bool:
        """Find out whether its process lives. What it has written until then is there to be read."""
        self.dead = self.dead or not is_locked(self._descriptor)
        return self.dead

    @property
    def size(self) -> int:
        """Its bytes now."""
        return os.fstat(self._descriptor).st_size

    def close(self) -> None:
        """Close the file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    __del__ = close


def segments_of(store: Path) -> list[Path]:
    """The segments of a store, in the order in which they were begun. Other files in their folder are left alone."""
    try:
        names = [name for name in os.listdir(store / FOLDER) if _NAME.fullmatch(name)]
    except FileNotFoundError:
        return []
    return [store / FOLDER / name for name in sorted(names)]


def remove_unfinished(store: Path) -> None:
    """Delete what a process left that died while it began a segment."""
    for path in (store / FOLDER).glob(f"*{SUFFIX}{UNFINISHED}"):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            if not is_locked(descriptor) and not _was_just_made(descriptor):
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _was_just_made(descriptor: int) -> bool:
    """Between its making and its locking there is a moment, in which it has no bytes."""
    return os.fstat(descriptor).st_size == 0
