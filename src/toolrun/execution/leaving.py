"""Async bodies with a timeout: awaited no longer than that, and then left behind.

A `finally` that awaits can take for ever, so a body that may be left behind cannot be driven in the caller's task. Its
first step is taken at once; if it ends there, no deadline was needed. If it suspends, it goes on in a task of its own
(the very one that its first step saw), and the caller waits for whatever comes first: the end or the deadline. At the
deadline the task is cancelled, and it has a moment to end; then the caller goes on. So it does, without that moment,
when it is cancelled itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from toolrun._eager import Suspended, begin
from toolrun.execution.deadlines import GRACE, wheel
from toolrun.execution.errors import ToolTimeout
from toolrun.execution.job import Job
from toolrun.run import StoppedBy

LEFT_BEHIND: set[asyncio.Task[Any]] = set()
"""Tasks of bodies that were cancelled and have not ended yet. It also keeps them alive."""


async def drive_until(job: Job, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Await the coroutine inside the job's context until its deadline; `ToolTimeout` if it does not make it."""
    suspended, value = begin(coroutine, job.context)
    if suspended is None:
        return value
    suspended.of = job
    body = _Body(job, suspended)
    try:
        await body.ended
    except BaseException:  # the caller is cancelled, or closed
        body.leave()
        raise
    error = body.error()
    try:
        if error is not None:
            raise error
        return body.task.result()
    finally:
        del error, body, suspended  # or an error's traceback would hold this frame, and this frame the error


class _Body:
    """A body in a task of its own, and the caller that waits for it."""

    __slots__ = ("_expired", "_slot", "_wheel", "ended", "job", "task")

    def __init__(self, job: Job, suspended: Suspended) -> None:
        assert job.timeout is not None
        self.job, self.task = job, suspended.task
        self._expired = False
        self._wheel = wheel()
        self._slot = self._wheel.add(self, job.timeout)
        self.ended: asyncio.Future[None] = self._wheel.loop.create_future()
        suspended.at_end = self._end

    def _end(self) -> None:
        self._wheel.discard(self, self._slot)
        if self._expired:
            self.job.was_stopped(StoppedBy.COOPERATION)
        if not self.ended.done():
            self.ended.set_result(None)

    def expire(self) -> None:
        """The deadline has come; the second time, the moment to end is over."""
        if not self._expired:
            self._cancel()
            self._slot = self._wheel.add(self, GRACE)
        elif not self.ended.done():
            self._keep()
            self.ended.set_result(None)

    def leave(self) -> None:
        """The caller goes, deadline or not."""
        self._wheel.discard(self, self._slot)
        self.ended.cancel()
        self._keep()
        if not self._expired:
            self._cancel()

    def _cancel(self) -> None:
        self._expired = True
        self.job.ask_to_stop()
        with suppress(RuntimeError):  # the loop is closed
            self.task.cancel()

    def _keep(self) -> None:
        """Nobody waits for the task any more: keep it alive to its end."""
        self.job.was_stopped(StoppedBy.ABANDONED)
        LEFT_BEHIND.add(self.task)
        self.task.add_done_callback(_forget)

    def error(self) -> BaseException | None:
        """What to raise in a caller that waited for it."""
        if not self._expired:
            return None if self.task.cancelled() else self.task.exception()
        job = self.job
        assert job.timeout is not None
        error = ToolTimeout(job.name, job.timeout, job.stopped_by)
        error.__cause__ = _cause(self.task)
        return error


def _forget(task: asyncio.Task[Any]) -> None:
    LEFT_BEHIND.discard(task)
    if not task.cancelled():
        task.exception()  # nobody else asks for it


def _cause(task: asyncio.Task[Any]) -> BaseException | None:
    """What the body raised instead of letting itself be cancelled."""
    return None if not task.done() or task.cancelled() else task.exception()
