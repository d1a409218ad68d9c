"""Locks between processes: held by an open file, given back by the kernel when its process dies."""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path


def try_lock(descriptor: int) -> bool:
    """Lock the open file, or say that another one has it; never waits."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(descriptor: int) -> bool:
    """Whether a living process has locked this file."""
    if not try_lock(descriptor):
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)  # a process forked right now has this descriptor too, and must not keep it
    return False


class FileLock:
    """A lock that has a file of its own. A forked child does not have it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        _locks.add(self)

    def acquire(self) -> bool:
        """Take the lock, or say that another has it."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        if not try_lock(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give it back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def _leave_to_parent(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


_locks: weakref.WeakSet[FileLock] = weakref.WeakSet()


def _after_fork() -> None:
    for lock in list(_locks):
        lock._leave_to_parent()


os.register_at_fork(after_in_child=_after_fork)
