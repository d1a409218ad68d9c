"""Run a coroutine's first step at once; only what suspends costs a task.

Most event handlers never wait for anything, and a task for each of them would cost more than the
handler itself. `eager` sends the first step directly. If the coroutine ends there, no
task was needed. If it suspends, a task must carry on, and it must be the *same* task that the first step
saw as `asyncio.current_task()`: `asyncio.timeout` and anyio's cancel scopes remember it. So the first
step runs under the identity of a *parked* task, one that already exists and waits for a coroutine to adopt.

Per event loop one parked task is kept in waiting. It is unregistered while it waits, so it neither shows
up in `asyncio.all_tasks()` nor is cancelled at shutdown, and is registered when it adopts.

Swapping the current task uses `asyncio._enter_task` and `_leave_task`, which the asyncio documentation
("Extending asyncio", task lifetime support) lists for third-party tasks. Works the same under uvloop.
"""

from __future__ import annotations

import asyncio
import threading
import types
from asyncio import AbstractEventLoop
from asyncio.tasks import _enter_task, _leave_task, _register_task, _unregister_task, current_task
from collections.abc import Coroutine, Generator, Iterable
from contextvars import Context
from typing import Any


class _Adopted:
    """A coroutine that has taken its first step, and what it waits for."""

    __slots__ = ("context", "coroutine", "waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], context: Context, waits_for: Any) -> None:
        self.coroutine = coroutine
        self.context = context
        self.waits_for = waits_for


class _Parked:
    """A task that waits for a coroutine to adopt, then is that coroutine's task."""

    __slots__ = ("adopted", "loop", "task", "wake")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self.adopted: _Adopted | None = None
        self.wake: asyncio.Future[None] = loop.create_future()
        self.task: asyncio.Task[Any] = asyncio.Task(self._wait(), loop=loop, name="toolrun-handler")
        self.task._log_destroy_pending = False  # type: ignore[attr-defined]
        _unregister_task(self.task)

    def adopt(self, adopted: _Adopted) -> asyncio.Task[Any]:
        self.adopted = adopted
        _register_task(self.task)
        if not self.wake.done():
            self.wake.set_result(None)
        return self.task

    async def _wait(self) -> Any:
        interrupted: BaseException | None = None
        try:
            await self.wake
        except asyncio.CancelledError as cancelled:  # between adoption and this wake-up
            interrupted = cancelled
        if self.adopted is None:
            raise interrupted or asyncio.CancelledError
        return await _carry_on(self.adopted, interrupted)


@types.coroutine
def _carry_on(adopted: _Adopted, interrupted: BaseException | None) -> Generator[Any, Any, Any]:
    """Drive a half-run coroutine in its own context to its end."""
    run, coroutine, waits_for = adopted.context.run, adopted.coroutine, adopted.waits_for
    try:
        if interrupted is not None:
            waits_for = run(coroutine.throw, interrupted)
        while True:
            try:
                sent = yield waits_for
            except GeneratorExit:
                raise
            except BaseException as error:
                waits_for = run(coroutine.throw, error)
            else:
                waits_for = run(coroutine.send, sent)
    except StopIteration as end:
        return end.value
    finally:
        coroutine.close()


class _Here(threading.local):
    """The parked task of the loop that runs in this thread."""

    parked: _Parked | None = None


_here = _Here()


def _parked(loop: AbstractEventLoop) -> _Parked:
    parked = _here.parked
    if parked is None or parked.loop is not loop:
        parked = _here.parked = _Parked(loop)
    return parked


Started = tuple[int, "asyncio.Task[Any] | BaseException"]


def eager(calls: Iterable[tuple[Coroutine[Any, Any, Any], Context]], loop: AbstractEventLoop) -> list[Started]:
    """Run the first step of each coroutine in its context, now, one after another.

    Call it in the thread of the running `loop`. Returns nothing for coroutines that ended there; for the
    others their position with the task that carries on, or with the exception that the first step raised.
    """
    parked = _parked(loop)
    caller = current_task(loop)
    if caller is not None:
        _leave_task(loop, caller)
    _enter_task(loop, parked.task)
    started: list[Started] = []
    position = 0
    try:
        for coroutine, context in calls:
            try:
                waits_for = context.run(coroutine.send, None)
            except StopIteration:
                pass
            except BaseException as error:
                started.append((position, error))
            else:
                _leave_task(loop, parked.task)
                started.append((position, parked.adopt(_Adopted(coroutine, context, waits_for))))
                parked = _here.parked = _Parked(loop)
                _enter_task(loop, parked.task)
            position += 1
    finally:
        _leave_task(loop, parked.task)
        if caller is not None:
            _enter_task(loop, caller)
    return started
