"""Tracers that tell listeners when the outermost run starts and ends."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from toolrun.tracers.async_base import AsyncBaseTracer
from toolrun.tracers.base import BaseTracer
from toolrun.tracers.schemas import Run

Listener = Callable[[Run], Any] | Callable[[Run, Any], Any]
"""Gets the run, and the config as well if it has a parameter called `config`."""

AsyncListener = Callable[[Run], Awaitable[Any]] | Callable[[Run, Any], Awaitable[Any]]


def _bound(listener: Callable[..., Any] | None, config: Any) -> Callable[[Run], Any] | None:
    """The listener as a function of the run alone."""
    if listener is None or "config" not in inspect.signature(listener).parameters:
        return listener
    return lambda run: listener(run, config=config)


class _Listeners:
    """The three listeners, and which of them an outermost run concerns."""

    def __init__(self, config: Any, start: Any, end: Any, error: Any) -> None:
        self._start, self._end, self._error = (_bound(listener, config) for listener in (start, end, error))

    def of_start(self, run: Run) -> Callable[[Run], Any] | None:
        return None if run.parent_run_id else self._start

    def of_end(self, run: Run) -> Callable[[Run], Any] | None:
        if run.parent_run_id:
            return None
        return self._end if run.error is None else self._error


class RootListenersTracer(BaseTracer):
    """Calls a listener at the start, the end and the error of each outermost run that it sees."""

    log_missing_parent = False

    def __init__(
        self,
        *,
        config: Any = None,
        on_start: Listener | None = None,
        on_end: Listener | None = None,
        on_error: Listener | None = None,
    ) -> None:
        super().__init__(_schema_format="original+chat")
        self._listeners = _Listeners(config, on_start, on_end, on_error)

    def _persist_run(self, run: Run) -> None:
        """Nothing to keep."""

    def _on_run_create(self, run: Run) -> None:
        if listener := self._listeners.of_start(run):
            listener(run)

    def _on_run_update(self, run: Run) -> None:
        if listener := self._listeners.of_end(run):
            listener(run)


class AsyncRootListenersTracer(AsyncBaseTracer):
    """`RootListenersTracer` for listeners that are coroutine functions."""

    log_missing_parent = False

    def __init__(
        self,
        *,
        config: Any = None,
        on_start: AsyncListener | None = None,
        on_end: AsyncListener | None = None,
        on_error: AsyncListener | None = None,
    ) -> None:
        super().__init__(_schema_format="original+chat")
        self._listeners = _Listeners(config, on_start, on_end, on_error)

    async def _persist_run(self, run: Run) -> None:
        """Nothing to keep."""

    async def _on_run_create(self, run: Run) -> None:
        if listener := self._listeners.of_start(run):
            await listener(run)

    async def _on_run_update(self, run: Run) -> None:
        if listener := self._listeners.of_end(run):
            await listener(run)
