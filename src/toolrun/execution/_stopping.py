"""Stopping a sync body that runs in a thread: a ladder of three rungs.

    cooperation   `run_manager.cancelled` is true: a body that looks at it returns
    exception     `BodyStopped` is raised in the thread, where the body is between two steps of Python
    abandoned     the body runs on; its thread is counted and replaced, and given back when it ends after all

The exception is guarded, for it must never come out in a pool thread's own code, nor in a callback's delivery:
- It is sent under a lock, only while the body is live, and once at most. When the body ends, the lock is taken, it is
  live no more, and an exception that was sent and has not arrived yet is taken back. It may still arrive just
  before that; there it is caught, and since there is only one, what follows cannot be interrupted.
- It is not sent while the innermost frame of toolrun's is any other than those that call bodies: events are being
  delivered then, or a call inside the call is under way. The next tick tries again.
Who climbs is the caller, or the wheel of its loop; where that loop is late itself, the watchdog's thread helps.
A body in a C call (`time.sleep`, a lock, a socket) gets it when that call returns; one that catches everything, never.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from toolrun._offload import TOOL_POOL
from toolrun.execution import body, inline, job
from toolrun.execution.deadlines import GRACE, TICK
from toolrun.execution.job import Job
from toolrun.run import RunStatus, StoppedBy

ABANDONED: set[GuardedCall] = set()
"""Bodies that would not stop and still run."""


class BodyStopped(BaseException):
    """Raised in a body that runs too long or whose caller has gone. Not an `Exception`, so that few catch it."""

    run_status = RunStatus.CANCELLED  # of runs inside the body, which it passes through


class GuardedCall:
    """One body in a pool thread, which can be stopped from other threads."""

    __slots__ = ("_asked", "_live", "_lock", "_rung", "_sent", "abandoned", "began", "job", "thread", "was_late")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.began: float | None = None
        """When the body began."""
        self.thread = 0
        self.abandoned = False
        self.was_late = False
        """Whether it was stopped for its deadline before its caller's loop had the time to say so."""
        self._lock = threading.Lock()
        self._live = self._asked = self._sent = False
        self._rung = 0

    # --- in the thread ---

    def run(self) -> Any:
        """Run the body; raises what it raises. Nothing that is sent to stop it outlives this call."""
        value, error = None, None
        try:
            try:
                self._begin()
                value = self.job.call()
            except BaseException as raised:
                error = raised
            self._retire(error)
        except BodyStopped as late:  # between the end of the body and _retire, or in it
            error = late
            self._retire(error)
        if self.abandoned:
            ABANDONED.discard(self)
            TOOL_POOL.take_back(self.thread)
        try:
            if error is not None:
                raise error
        finally:
            del error  # or its traceback would hold this frame, and this frame the error
        return value

    def _begin(self) -> None:
        if self.job.timeout is not None:
            import ctypes  # noqa: F401  # now, and not when it is urgent and all threads are busy
        self.thread, self.began = threading.get_ident(), time.monotonic()
        with self._lock:
            if self._asked:
                raise BodyStopped
            self._live = True

    def _retire(self, error: BaseException | None) -> None:
        with self._lock:
            self._live = False
            if self._sent:
                _send(self.thread, None)
            if self._asked:
                stopped = isinstance(error, BodyStopped)
                self.job.was_stopped(StoppedBy.EXCEPTION if stopped else StoppedBy.COOPERATION)

    # --- in other threads ---

    def climb(self, *, hurry: bool = False) -> float | None:
        """Go one rung up; gives the seconds to wait before the next, or None after the last.

        In a hurry all rungs are climbed at once: the body is left behind, and stops a moment later if it does.
        """
        self._rung += 1
        if self._rung == 1:
            self.ask()
            if not hurry:
                return GRACE
        if hurry:
            self._interrupt()
        elif self._rung < _LAST_RUNG and not self._sent:
            return GRACE if self._interrupt() else TICK
        self._abandon()
        return None

    def seconds_left(self) -> float:
        """What remains of the timeout; all of it as long as the body has not begun."""
        timeout = self.job.timeout or 0.0
        return timeout if self.began is None else self.began + timeout - time.monotonic()

    def stop_late(self) -> None:
        """Stop a body whose deadline has come: ask it the first time, interrupt it the next."""
        with self._lock:
            if not self._live:
                return
            was_asked, self._asked = self._asked, True
            self.was_late = True
        if was_asked:
            self._interrupt()
        else:
            self.job.ask_to_stop()

    def ask(self) -> None:
        """The first rung. A body that has not begun will not."""
        with self._lock:
            self._asked = True
        self.job.ask_to_stop()

    def _interrupt(self) -> bool:
        """The second rung: raise `BodyStopped` in the body, if it can be done right now."""
        with self._lock:
            if self._live and not self._sent and _is_in_body(sys._current_frames().get(self.thread)):
                self._sent = True
                _send(self.thread, BodyStopped)
            return self._sent or not self._live

    def _abandon(self) -> None:
        """The last rung."""
        with self._lock:
            if not self._live or self.abandoned:
                return
            self.abandoned = True
            ABANDONED.add(self)
            self.job.was_stopped(StoppedBy.ABANDONED)
        TOOL_POOL.replace(self.thread)


_LAST_RUNG = 5  # one to ask, and up to three tries to interrupt

_TOOLRUN = str(Path(__file__).parents[1]) + os.sep
_CALL_BODIES = frozenset({__file__, body.__file__, inline.__file__, job.__file__})


def _is_in_body(frame: FrameType | None) -> bool:
    """Whether a body is what this thread is at: no code of ours that was called by the body is under way."""
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename.startswith(_TOOLRUN):
            return filename in _CALL_BODIES
        frame = frame.f_back
    return False


def _send(thread: int, exception: type[BaseException] | None) -> None:
    """Raise the exception in the thread at its next step of Python, or with None take it back."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), ctypes.py_object(exception) if exception else None
    )
