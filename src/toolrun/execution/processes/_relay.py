"""Events that come from a worker, told to the handlers here, in the order in which they came.

An event of the call's own run goes through its run manager. A run that was opened inside it, in the worker, gets a run
manager here, with the handlers that the call's run hands down; those that are open when the worker is lost, or when
the call ends, are ended with it, so that every start has its one end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from toolrun.callbacks._scope import Scope
from toolrun.callbacks.run_manager import AsyncRunManager, RunManager
from toolrun.execution.job import Job
from toolrun.execution.processes._pickling import load_value
from toolrun.run import OK, status_of

logger = logging.getLogger("toolrun.execution")

_OF_THE_RUN = ("parent_run_id", "tags", "metadata", "tool_call_id")

Step = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""A method of a run manager, and what to call it with."""


class Relay:
    """The events of one call. `is_async` says which kind of run managers tells them."""

    __slots__ = ("_children", "_error", "_is_async", "_run")

    def __init__(self, job: Job, is_async: bool) -> None:
        self._is_async = is_async
        self._run = _face(job.run, is_async)
        self._children: dict[UUID, tuple[Any, str]] = {}
        self._error: Exception | None = None
        """What a handler with `raise_error` raised: the body cannot hear of it, the caller will."""

    def tell(self, payload: bytes) -> None:
        """Tell one event; returns when the handlers have had it."""
        self._tell(self._step(payload))

    async def atell(self, payload: bytes) -> None:
        """Tell one event, while the loop goes on."""
        await self._atell(self._step(payload))

    def end(self, error: BaseException | None) -> None:
        """Nothing more will come: end what is open, the innermost first.

        Raises what a handler with `raise_error` raised, unless the call failed anyway.
        """
        for step in self._endings(error):
            self._tell(step)
        if self._error is not None and error is None:
            raise self._error

    async def aend(self, error: BaseException | None) -> None:
        """The async twin of `end`."""
        for step in self._endings(error):
            await self._atell(step)
        if self._error is not None and error is None:
            raise self._error

    def close(self, error: GeneratorExit) -> None:
        """The same as `aend`, where nothing can be awaited."""
        while self._children:
            _, (child, start) = self._children.popitem()
            child.close(_ending(start), error)

    def _tell(self, step: Step | None) -> None:
        if step is None:
            return
        method, args, kwargs = step
        try:
            method(*args, **kwargs)
        except Exception as error:
            self._error = self._error or error

    async def _atell(self, step: Step | None) -> None:
        if step is None:
            return
        method, args, kwargs = step
        try:
            await method(*args, **kwargs)
        except Exception as error:
            self._error = self._error or error

    def _step(self, payload: bytes) -> Step | None:
        try:
            event, run_id, args, kwargs = load_value(payload)
        except Exception:
            logger.warning("an event that came from a worker cannot be read", exc_info=True)
            return None
        if event == "on_retry":
            args = (_retry_state(*args),)
        if self._run is not None and run_id == self._run.run_id:
            own = {key: value for key, value in kwargs.items() if key not in _OF_THE_RUN}
            return getattr(self._run, event), args, own
        return self._step_of_child(event, run_id, args, kwargs)

    def _step_of_child(self, event: str, run_id: UUID, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Step | None:
        if event.endswith("_start"):
            child = self._child(run_id, kwargs)
            self._children[run_id] = (child, event)
            return child.send, (event, args, kwargs), {}
        if run_id not in self._children:
            return None
        child, _ = self._children[run_id]
        if event.endswith("_end"):
            del self._children[run_id]
            return child.end, (event, OK, args, kwargs), {}
        if event.endswith("_error"):
            del self._children[run_id]
            return child.end, (event, status_of(args[0]), args, kwargs), {}
        return child._tell, (event, args, kwargs), {}

    def _child(self, run_id: UUID, kwargs: dict[str, Any]) -> Any:
        handlers = tuple(self._run.inheritable_handlers) if self._run is not None else ()
        tags, metadata = tuple(kwargs.get("tags") or ()), kwargs.get("metadata") or {}
        scope = Scope(handlers, handlers, kwargs.get("parent_run_id"), tags, tags, metadata, metadata)
        return (AsyncRunManager if self._is_async else RunManager).of(scope, run_id)

    def _endings(self, error: BaseException | None) -> Iterator[Step]:
        error = error or asyncio.CancelledError("the call that it was part of has ended")
        while self._children:
            _, (child, start) = self._children.popitem()
            yield child.end, (_ending(start), status_of(error), (error,), {}), {}


def _ending(start: str) -> str:
    """The event that ends, with an error, what this one has started."""
    return "on_llm_error" if start == "on_chat_model_start" else start.removesuffix("_start") + "_error"


def _face(run: Any, is_async: bool) -> Any:
    """The face of the run that this driver calls."""
    if run is None or isinstance(run, AsyncRunManager) is is_async:
        return run
    return run.get_async() if is_async else run.get_sync()


def _retry_state(attempt: int, error: BaseException | None, idle_for: float) -> Any:
    """As much of a retry state as crosses from a worker."""
    from tenacity import Future, RetryCallState

    state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
    state.attempt_number, state.idle_for = attempt, idle_for
    if error is not None:
        state.outcome = Future(attempt)
        state.outcome.set_exception(error)
    return state
