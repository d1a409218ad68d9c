"""Locks between processes: held by an open file, given back by the kernel when its process dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def try_lock(descriptor: int) -> bool:
    """Lock the open file, or say that another one has it; never waits."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class FileLock:
    """A lock that has a file of its own. One of it serves one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        self._process = 0

    def acquire(self) -> bool:
        """Take the lock, or say that another has it."""
        if self._descriptor is not None and self._process != os.getpid():
            self.release()  # a fork: this is the parent's
        if self._descriptor is not None:
            return True
        descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        if not try_lock(descriptor):
            os.close(descriptor)
            return False
        self._descriptor, self._process = descriptor, os.getpid()
        return True

    def release(self) -> None:
        """Give it back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
