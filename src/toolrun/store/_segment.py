"""A file of the journal: one process appends to it, and holds a lock on it for as long as it lives.

OPEN    version, pid, host, when           written before the file has its name, so that it never lacks them
DROPS   what could not be written          rewritten in place
...     records
CLOSE   if the process came to it          with the segment in which it goes on, if there is one
"""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from functools import cache
from pathlib import Path

import orjson

from toolrun._ids import new_run_id
from toolrun.store._drops import Drops, drops_frame
from toolrun.store._frames import FrameKind, frame
from toolrun.store._locks import try_lock

FOLDER = "journal"
SUFFIX = ".journal"
UNFINISHED = ".new"
DAMAGED = ".damaged"
"""Behind the name of a segment that is kept aside, for not all of it could be stored."""
FORM = 1
"""The version of the form of segments."""

DROPS_SEQ = 1  # OPEN has 0, records follow


class ShortWrite(OSError):
    """Less was written than was given, twice, and has been taken back."""


class TornWrite(ShortWrite):
    """The part that was written could not be taken back: nothing that followed it would be read."""


class Segment:
    """A segment that this process writes. Whoever calls its methods sees to it that one thread does at a time."""

    def __init__(self, folder: Path, on_disk: bool = False) -> None:
        """Begin a new segment in the folder, which is there; `on_disk` says that its name has to last as well."""
        self.path = folder / f"{new_run_id().hex}{SUFFIX}"
        unfinished = self.path.with_name(self.path.name + UNFINISHED)
        self.descriptor = self._in_place = -1
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        self.descriptor = os.open(unfinished, flags | os.O_APPEND, 0o600)
        self.size = 0
        """Its bytes."""
        try:
            try_lock(self.descriptor)
            opening = frame(0, FrameKind.OPEN, _opening())
            self._drops_at = len(opening)
            self.append(opening + drops_frame(Counter()))
            self._in_place = os.open(unfinished, os.O_WRONLY | os.O_CLOEXEC)
            unfinished.rename(self.path)
            if on_disk:
                sync_folder(folder)
        except BaseException:
            self.release()
            unfinished.unlink(missing_ok=True)
            raise

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.name

    @property
    def is_gone(self) -> bool:
        """Whether somebody deleted the file."""
        return os.fstat(self.descriptor).st_nlink == 0

    def append(self, data: bytes) -> None:
        """Write at the end, all of it or nothing."""
        written = os.write(self.descriptor, data)
        if written != len(data):
            self._take_back(written)
            written = os.write(self.descriptor, data)  # to learn what is wrong
            if written != len(data):
                self._take_back(written)
                raise ShortWrite
        self.size += written

    def _take_back(self, written: int) -> None:
        try:
            os.ftruncate(self.descriptor, os.lseek(self.descriptor, 0, os.SEEK_CUR) - written)
        except OSError as error:
            raise TornWrite from error

    def write_drops(self, drops: Drops) -> None:
        """Rewrite the counts; the place for them is there, also on a full disk."""
        os.pwrite(self._in_place, drops_frame(drops), self._drops_at)

    def close(self, seq: int, successor: str | None = None) -> None:
        """Say that nothing follows here, and give the lock back."""
        try:
            self.append(frame(seq, FrameKind.CLOSE, orjson.dumps({"next": successor} if successor else {})))
        except OSError:
            pass  # it ends as if the process had died
        finally:
            self.release()

    def sync(self) -> None:
        """Bring it to the disk."""
        sync_data(self.descriptor)

    def release(self) -> None:
        """Close the files, and with them give the lock back."""
        for descriptor in (self.descriptor, self._in_place):
            if descriptor >= 0:
                os.close(descriptor)
        self.descriptor = self._in_place = -1

    __del__ = release


def sync_data(descriptor: int) -> None:
    """Bring what is in a file to the disk."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(descriptor)
    else:  # macOS
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opening() -> bytes:
    return orjson.dumps(
        {
            "version": FORM,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started": time.time_ns() // 1000,
            "boot": _boot_id(),
        }
    )


@cache
def _boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
