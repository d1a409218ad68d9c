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
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from contextvars import Context, ContextVar, copy_context
from typing import Any
from uuid import UUID

from toolrun._background_loop import HANDLER_LOOP
from toolrun._ids import new_run_id
from toolrun.callbacks._errors import report
from toolrun.callbacks._events import AnyEvent, Event
from toolrun.callbacks._plan import Call, Plan, Table, plan_for
from toolrun.callbacks._scope import Scope
from toolrun.run import NOT_STOPPED, RUNNING, RunState

Args = tuple[Any, ...]
Kwargs = dict[str, Any]
Rest = Coroutine[Any, Any, None] | None

inside: ContextVar[UUID | None] = ContextVar("toolrun_inside_handler", default=None)
"""The id of the run whose handler the code is in; set once in the contexts that handlers run in.

The id and not the delivery: that would be a cycle, and every run would have to wait for the garbage collector.
"""

HOP = -1
"""Stands for the sync handlers that share one hop, in place of a handler's position; an index from the end."""


NOBODY = Plan((), id)
"""The plan where there are no handlers."""


class Delivery(RunState):
    """One open run: its scope, its ids, who listens, and their contexts. Shared by every face of the run."""

    __slots__ = (
        *("__weakref__", "_busy", "_common", "_contexts", "_keywords"),
        *("_run_id", "_waiting", "handlers", "plan", "scope"),
    )

    def __init__(self, scope: Scope, run_id: UUID | None, common: Kwargs | None) -> None:
        # What RunState.__init__ does, a call less on the way of every run.
        self.status = RUNNING
        self.cancelled = False
        self.stopped_by = NOT_STOPPED
        self._right_to_end = [True]
        self.scope = scope
        self.handlers = handlers = scope.handlers
        self.plan = plan_for(handlers) if handlers else NOBODY
        self._run_id = run_id
        self._common = common
        self._keywords: Kwargs | None = None
        self._contexts: list[Context] | None = None
        self._waiting: deque[Any] | None = None
        self._busy = False

    @property
    def run_id(self) -> UUID:
        """The run's id, made when first asked for: a run that nobody watches needs none."""
        run_id = self._run_id
        if run_id is None:
            run_id = self._run_id = new_run_id()
        return run_id

    def _make_keywords(self) -> Kwargs:
        """What every event of the run carries: ids, tags, and for tools the tool call id."""
        scope = self.scope
        self._keywords = keywords = {
            "run_id": self.run_id,
            "parent_run_id": scope.parent_run_id,
            "tags": [*scope.tags],
            **(self._common or {}),
        }
        return keywords

    def event(self, name: str, args: Args, kwargs: Kwargs) -> Event:
        """An event of this run. A custom event carries only its run's id, tags and metadata."""
        if name == "on_custom_event":
            scope = self.scope
            own = {"run_id": self.run_id, "tags": list(scope.tags), "metadata": dict(scope.metadata)}
        else:
            own = self._keywords or self._make_keywords()
        return Event(name, args, {**own, **kwargs})

    def tell(self, event: AnyEvent) -> None:
        """Bring the event to every handler that wants it; raises what `raise_error` handlers raised."""
        raise NotImplementedError

    def begin(self, event: AnyEvent) -> Rest:
        """The same for code on a loop. What remains has to be awaited at once; None if nothing does.

        A coroutine for each event would cost more than most events do.
        """
        raise NotImplementedError

    def deliver(self, name: str, args: Args, kwargs: Kwargs) -> None:
        """Tell the event of this name."""
        if self.plan[name] is not None:
            self.tell(self.event(name, args, kwargs))

    async def send(self, name: str, args: Args, kwargs: Kwargs) -> None:
        """Tell the event of this name, awaited."""
        if self._busy or self.plan[name] is not None:
            rest = self.begin(self.event(name, args, kwargs))
            if rest is not None:
                await rest

    def _queue(self, item: Any) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(item)

    def _is_overtaken(self, event: AnyEvent) -> bool:
        """Whether the run ended while this event waited for its turn: nothing follows a terminal event."""
        return self.status is not RUNNING and not event.name.endswith(("_end", "_error"))

    def _make_contexts(self) -> list[Context]:
        """A context for each handler, and one more, at `HOP`, for those that share a hop.

        They are used for the whole run and copied where its first event happened. A handler that is alone has one.
        """
        base = copy_context()
        base.run(inside.set, self.run_id)
        self._contexts = contexts = [base] if len(self.handlers) == 1 else [base.copy() for _ in self.handlers]
        contexts.append(base)
        return contexts

    def _put_in_lanes(self, event: AnyEvent, table: Table) -> list[Future[None]]:
        """Hand the event to every background lane first; then say which of them are full and must be waited for."""
        full = []
        contexts = self._contexts or self._make_contexts()
        for position, function, lane in table.lanes:
            if lane.put((contexts[position], function, self.handlers[position], event, self.run_id)):
                full.append(lane)
        if full and inside.get() is not None:
            return []  # a handler raised this event, perhaps the very one that would make room
        return [lane.passed() for lane in full]

    def _call_each(self, event: AnyEvent, calls: Sequence[Call]) -> list[BaseException]:
        """Call sync handlers in order, each whatever the others do; returns what has to be raised."""
        errors: list[BaseException] = []
        handlers = self.handlers
        for position, function in calls:
            try:
                heard = event.tell(function, handlers[position])
                if heard is not None:
                    _finish(heard)
            except BaseException as error:
                if report(error, handlers[position], event.name, self.run_id):
                    errors.append(error)
        return errors


def _finish(heard: Any) -> None:
    """Do what a handler left to be awaited, where nobody can: here if it says how, else on the handlers' loop."""
    at_once = getattr(heard, "at_once", None)
    if at_once is not None:
        at_once()
    elif inspect.iscoroutine(heard):
        HANDLER_LOOP.finish(heard)
