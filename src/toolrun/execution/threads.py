"""The thread engine: sync bodies run in toolrun's own elastic pool, never in asyncio's default one.

Nobody can make a thread stop; how it is asked to, and what becomes of one that does not, is in `_stopping`. A body
that overruns its timeout is answered for when it has stopped, or when nothing more can be done, a few hundredths of a
second later. A caller that is cancelled does not wait even that long: the body is asked to stop behind its back.

A sync caller waits by itself, no longer than it may; an async one puts a deadline on the wheel of its loop.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from toolrun._background_loop import held
from toolrun._offload import TOOL_POOL, Outcome
from toolrun.execution._haste import HASTE
from toolrun.execution._stopping import GuardedCall
from toolrun.execution.deadlines import LATE, Wheel, wheel
from toolrun.execution.errors import ToolTimeout
from toolrun.execution.inline import INLINE
from toolrun.execution.job import Job


class ThreadEngine:
    """Runs sync bodies in pool threads, async ones inline."""

    name = "threads"

    def run(self, job: Job) -> Any:
        if job.body.is_async:
            return INLINE.run(job)
        call = GuardedCall(job)
        future = TOOL_POOL.submit(call.run)
        try:
            with held():
                value = _waited(future, call)
        except BaseException:
            if not future.done() and not call.abandoned:  # Ctrl-C in this thread: no time to wait on any rung
                while call.climb() is not None:
                    pass
            raise
        finally:
            del future  # see GuardedCall.run
        return INLINE.waited(job, value) if type(value) is types.CoroutineType else value

    def arun(self, job: Job) -> Awaitable[Any]:
        return INLINE.arun(job) if job.body.is_async else _arun(job)


THREADS = ThreadEngine()


def _waited(future: Future[Any], call: GuardedCall) -> Any:
    """The result of the body, for a sync caller."""
    timeout = call.job.timeout
    try:
        if timeout is None or _ends_within(future, call, timeout):
            return future.result()
        while (grace := call.climb()) is not None and not _ends(future, grace):
            pass
        raise _timeout(call.job, future.exception() if future.done() else None)
    finally:
        del future  # see GuardedCall.run


def _ends_within(future: Future[Any], call: GuardedCall, timeout: float) -> bool:
    """Wait for the body until its deadline; its clock starts when it begins."""
    remaining = timeout
    while remaining > 0:
        if _ends(future, remaining):
            return True
        remaining = call.seconds_left()
    return False


def _ends(future: Future[Any], seconds: float) -> bool:
    try:
        future.exception(seconds)
    except TimeoutError:
        return False
    return True


async def _arun(job: Job) -> Any:
    call = GuardedCall(job)
    future = TOOL_POOL.start(call.run)
    deadline = None if job.timeout is None else _Deadline(call, future)
    try:
        value, error = await future
    except BaseException:  # the caller is cancelled, or closed
        _leave(call, deadline)
        raise
    if deadline is not None and deadline.discarded_late():
        raise _timeout(job, error)
    try:
        if error is not None:
            raise error
    finally:
        del error, future, deadline  # see GuardedCall.run
    if type(value) is types.CoroutineType:
        return await INLINE.driven(job, value)
    return value


class _Deadline:
    """The deadline of a body in a thread, and then the moments of the ladder, on the wheel of the caller's loop."""

    __slots__ = ("_call", "_due", "_future", "_slot", "_wheel", "expired")

    def __init__(self, call: GuardedCall, future: asyncio.Future[Outcome] | None) -> None:
        self._call, self._future = call, future
        self.expired = future is None
        self._wheel: Wheel = wheel()
        self._due = 0.0
        self._slot = self._wheel.add(self, call.job.timeout or 0.0)

    def expire(self) -> None:
        """The deadline has come, or the time on a rung is over."""
        wait = self._remaining() or self._call.climb(hurry=self._wheel.clock() - self._due > LATE)
        if wait is not None:
            self._slot = self._wheel.add(self, wait)
        elif self._future is not None and not self._future.done():
            self._future.set_result((None, None))

    def hurry(self) -> None:
        """The wheel does not get its turn, perhaps because of this very body: stop it from the watchdog's thread."""
        if self.expired or self._call.seconds_left() <= 0:
            self._call.stop_late()

    def _remaining(self) -> float | None:
        """The seconds that remain of the timeout, if the body began later than this deadline was set."""
        if self.expired:
            return None
        remaining = self._call.seconds_left()
        if remaining > 0:
            return remaining
        self.expired, self._due = True, self._wheel.clock() + remaining
        HASTE.begin(self)
        return None

    def discarded_late(self) -> bool:
        """Take the deadline off the wheel; whether it had come."""
        self._wheel.discard(self, self._slot)
        if self.expired:
            HASTE.end(self)
        return self.expired or self._call.was_late

    def go_on_alone(self) -> None:
        """The caller has gone: climb without it."""
        self._wheel.discard(self, self._slot)
        HASTE.end(self)
        self.expired, self._future, self._due = True, None, self._wheel.clock()
        self.expire()


def _leave(call: GuardedCall, deadline: _Deadline | None) -> None:
    """Leave the body behind; the wheel goes on up the ladder, if its loop still runs."""
    with suppress(RuntimeError):
        (deadline or _Deadline(call, None)).go_on_alone()


def _timeout(job: Job, cause: BaseException | None) -> ToolTimeout:
    assert job.timeout is not None
    error = ToolTimeout(job.name, job.timeout, job.stopped_by)
    error.__cause__ = cause
    return error
