"""What both drivers share: how the events of one run come to its handlers, one event at a time.

    _deliver_sync.SyncDelivery     for runs that a sync manager opened
    _deliver_async.AsyncDelivery   for runs that an async manager opened

Who is called for an event is decided in `_plan`, what a handler's error means in `_errors`. Both drivers keep:

- *Turns.* A second event of the same run waits until the first is delivered. One that is raised inside a handler
  of the first cannot be waited for: it is queued and follows as soon as the first is through.
- *Contexts.* Handlers that do not run in the caller's thread get one context each for the whole run, so that a
  variable set at the start can be reset at the end.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextvars import Context, ContextVar, copy_context
from typing import Any
from uuid import UUID

from toolrun import _background_loop
from toolrun.callbacks._errors import report
from toolrun.callbacks._plan import Call, Plan, Table
from toolrun.run import RunState

Args = tuple[Any, ...]
Kwargs = dict[str, Any]

inside: ContextVar[Any] = ContextVar("toolrun_inside_handler", default=None)
"""The delivery whose handler the code is in; set once in the contexts that handlers run in."""

HOP = -1
"""Stands for the sync handlers that share one hop, in place of a handler's position."""


class Delivery(RunState):
    """What both drivers share: the run's handlers, their plan, and their contexts."""

    __slots__ = ("_base_context", "_contexts", "_waiting", "handlers", "plan")

    def __init__(self, run_id: UUID, parent_run_id: UUID | None, plan: Plan, handlers: tuple[Any, ...]) -> None:
        super().__init__(run_id, parent_run_id)
        self.plan, self.handlers = plan, handlers
        self._contexts: dict[int, Context] | None = None
        self._waiting: deque[Any] | None = None

    def _context(self, key: int) -> Context:
        """The context of one handler for the whole run, copied where the run's first event happened."""
        contexts = self._contexts
        if contexts is None:
            contexts = self._contexts = {}
            self._base_context = copy_context()
            self._base_context.run(inside.set, self)
        context = contexts.get(key)
        if context is None:
            context = contexts[key] = self._base_context.copy()
        return context

    def _put_in_lanes(self, event: str, table: Table, args: Args, kwargs: Kwargs) -> list[Future[None]]:
        """Hand the event to every background lane first; then say which of them are full and must be waited for."""
        full = []
        for position, function, lane in table.lanes:
            if lane.put((self._context(position), function, self.handlers[position], event, args, kwargs)):
                full.append(lane)
        return [lane.passed() for lane in full]

    def _call_each(self, event: str, calls: Sequence[Call], args: Args, kwargs: Kwargs) -> list[BaseException]:
        """Call sync handlers in order, each whatever the others do; returns what has to be raised."""
        errors: list[BaseException] = []
        for position, function in calls:
            handler = self.handlers[position]
            try:
                heard = function(handler, *args, **kwargs)
                if heard is not None and inspect.iscoroutine(heard):
                    _background_loop.finish(heard)
            except BaseException as error:
                if report(error, handler, event, self.run_id):
                    errors.append(error)
        return errors
