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
from asyncio import AbstractEventLoop
from asyncio.tasks import _enter_task, _leave_task, _register_task, _unregister_task, current_task
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from contextvars import Context
from typing import Any


class _Parked(Coroutine[Any, Any, Any]):
    """A coroutine, and its task, that waits to become another coroutine.

    Its task may have to throw a cancel in before it has sent anything, which a coroutine function would not survive:
    its body would never begin. So this is a coroutine object of our own.
    """

    __slots__ = ("_coroutine", "_run", "_waits_for", "_wake", "at_end", "is_taken", "loop", "of", "task")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self.is_taken = False
        """Whether a first step is under way in its name, or was and goes on."""
        self._wake = loop.create_future()
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._waits_for: Any = None
        self.of: Any = None
        """Whom the adopted coroutine belongs to, for those who watch."""
        self.at_end: Callable[[], None] | None = None
        """Called in the last step, a turn of the loop before the callbacks of the task."""
        # The context is an empty one: a copy of the caller's would keep the run alive that the caller is in.
        self.task: asyncio.Task[Any] = asyncio.Task(self, loop=loop, name="toolrun-handler", context=Context())
        self.task._log_destroy_pending = False  # type: ignore[attr-defined]
        _unregister_task(self.task)

    def adopt(self, coroutine: Coroutine[Any, Any, Any], context: Context, waits_for: Any) -> asyncio.Task[Any]:
        """Become this coroutine, which has taken its first step and now waits."""
        if _here.parked is self:
            _here.parked = None
        self._coroutine, self._run, self._waits_for = coroutine, context.run, waits_for
        _register_task(self.task)
        self._wake.set_result(None)
        return self.task

    def send(self, value: Any) -> Any:
        """The task's step: the first one waits for adoption, the next says what the adopted coroutine waits for."""
        if self._coroutine is None:
            self._wake._asyncio_future_blocking = True
            return self._wake
        if self._waits_for is not _TAKEN:
            waits_for, self._waits_for = self._waits_for, _TAKEN
            return waits_for
        try:
            return self._run(self._coroutine.send, value)
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        at_end, self.at_end = self.at_end, None
        if at_end is not None:
            at_end()
        del self.task  # it holds this object, and both would have to wait for the garbage collector

    def throw(self, *error: Any) -> Any:
        """The task's step with an exception: a cancel, or a future's."""
        try:
            if self._coroutine is None:  # a handler cancelled "its" task in a first step that ended all the same
                if _here.parked is self:
                    _here.parked = None
                raise error[0]
            self._waits_for = _TAKEN
            try:
                return self._run(self._coroutine.throw, *error)
            except BaseException:
                self._end()
                raise
        finally:
            del error  # or its traceback would hold this frame, and this frame the error

    def close(self) -> None:
        """The task goes before its end."""
        if self._coroutine is not None:
            self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        raise NotImplementedError("only its task drives it")


_TAKEN = object()


class _Here(threading.local):
    """The parked task of the loop that runs in this thread."""

    parked: _Parked | None = None


_here = _Here()


Function = Callable[..., Coroutine[Any, Any, Any]]
Started = tuple[int, "asyncio.Task[Any] | BaseException"]


def eager(
    calls: Iterable[tuple[int, Function]],
    subjects: Sequence[Any],
    contexts: Sequence[Context],
    call: Callable[[Function, Any], Coroutine[Any, Any, Any]],
    loop: AbstractEventLoop,
) -> list[Started]:
    """Call each coroutine function and run its first step, now, one after another.

    Each comes with a position, which says what its subject is and in which context it runs; `call` calls the function
    for the subject. Returns nothing for coroutines that ended there; for the others their position with the task that
    carries on, or with the exception that the first step raised.

    To be called in the thread of the running `loop`.
    """
    parked = _taken(loop)
    caller = current_task(loop)
    if caller is not None:
        _leave_task(loop, caller)
    _enter_task(loop, parked.task)
    started: list[Started] = []
    try:
        for position, function in calls:
            try:
                coroutine = call(function, subjects[position])
                waits_for = contexts[position].run(coroutine.send, None)
            except StopIteration:
                pass
            except BaseException as error:
                started.append((position, error))
            else:
                _leave_task(loop, parked.task)
                started.append((position, parked.adopt(coroutine, contexts[position], waits_for)))
                parked = _taken(loop)
                _enter_task(loop, parked.task)
    finally:
        _leave_task(loop, parked.task)
        if caller is not None:
            _enter_task(loop, caller)
        parked.is_taken = False
    return started


def _taken(loop: AbstractEventLoop) -> _Parked:
    """The parked task, for one user alone: a first step may itself start handlers, which need another one."""
    parked = _here.parked
    if parked is None or parked.is_taken or parked.loop is not loop or parked.task.cancelling():
        parked = _here.parked = _Parked(loop)
    parked.is_taken = True
    return parked


Suspended = _Parked
"""A coroutine that goes on in a task."""


def begin(coroutine: Coroutine[Any, Any, Any], context: Context) -> tuple[Suspended | None, Any]:
    """Run the coroutine's first step, now: (None, what it returned) if it ended there, else what goes on, and None."""
    loop = asyncio.get_running_loop()
    parked = _taken(loop)
    caller = current_task(loop)
    if caller is not None:
        _leave_task(loop, caller)
    _enter_task(loop, parked.task)
    try:
        waits_for = context.run(coroutine.send, None)
    except BaseException as end:
        parked.is_taken = False
        if isinstance(end, StopIteration):
            return None, end.value
        raise
    finally:
        _leave_task(loop, parked.task)
        if caller is not None:
            _enter_task(loop, caller)
    _ = parked.adopt(coroutine, context, waits_for)
    return parked, None
