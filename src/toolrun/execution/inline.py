"""The inline engine: the body runs right here, in the caller's thread or task.

An async body is driven step by step inside its context, in the caller's own task: no task is made for it, so cancel
scopes and timeouts around the call reach into it as they should. Called by `run`, it goes to the background loop.
With a timeout of its own it must be possible to leave it behind, so what suspends has a task: see `leaving`.
"""

from __future__ import annotations

import types
from asyncio import _get_running_loop
from collections.abc import Awaitable, Coroutine, Generator
from contextvars import Context
from typing import Any

from toolrun._background_loop import TOOL_LOOP, held
from toolrun.execution.job import Job
from toolrun.execution.leaving import drive_until
from toolrun.execution.watchdog import job_called, reads, watch_this_loop


class InlineEngine:
    """Runs bodies where the caller is."""

    name = "inline"

    def run(self, job: Job) -> Any:
        if _get_running_loop() is None:
            result = job.context.run(job.body.call, *job.args, **job.kwargs)
        else:
            with held():
                result = job.call()
        return self.waited(job, result) if type(result) is types.CoroutineType else result

    def arun(self, job: Job) -> Awaitable[Any]:
        if job.body.is_async:
            result = job.context.run(job.body.call, *job.args, **job.kwargs)
        else:
            with held():
                result = job.call()
        if type(result) is types.CoroutineType:
            return self.driven(job, result)
        return _ready(result)

    def waited(self, job: Job, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What the coroutine of a body comes to, for a sync caller."""
        return TOOL_LOOP.run(_awaited(self, job, coroutine))

    def driven(self, job: Job, coroutine: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        """The coroutine of a body, to be awaited in the caller's task."""
        if job.timeout is None:
            return drive(job.context, coroutine)
        return drive_until(job, coroutine)


INLINE = InlineEngine()


async def _awaited(engine: InlineEngine, job: Job, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The body's end, on the background loop, which is watched meanwhile."""
    watch = watch_this_loop()
    watch.runs += 1
    try:
        return await engine.driven(job, coroutine)
    finally:
        watch.runs -= 1


reads(_awaited, lambda frame: job_called(frame.f_locals.get("job")))


async def _ready(value: Any) -> Any:
    return value


@types.coroutine
def drive(context: Context, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Await the coroutine so that each of its steps runs inside the context, in the task of whoever awaits."""
    run, send = context.run, coroutine.send
    try:
        waits_for = run(send, None)
        while True:
            try:
                sent = yield waits_for
            except GeneratorExit:
                run(coroutine.close)
                raise
            except BaseException as error:
                waits_for = run(coroutine.throw, error)
            else:
                waits_for = run(send, sent)
    except StopIteration as end:
        return end.value
