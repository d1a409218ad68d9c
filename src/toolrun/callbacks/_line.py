"""The line of events that nobody awaits, and what is started on a loop for any event.

Of the events of a run one is delivered at a time. Who finds another one under way puts an event in line, and whoever
ends that one takes it up. All of it happens in the loop's thread.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from concurrent.futures import Future
from contextvars import Context
from typing import Any, NamedTuple
from uuid import UUID

from toolrun._eager import eager
from toolrun._offload import HANDLER_POOL
from toolrun.callbacks._delivery import HOP, Delivery, Kwargs
from toolrun.callbacks._errors import log, report
from toolrun.callbacks._events import AnyEvent
from toolrun.callbacks._plan import Call, Table
from toolrun.callbacks._scope import Scope
from toolrun.callbacks._settle import Uncancellable

_NO_HANDLER = -2  # stands for a full lane, in place of a handler's position

Running = tuple["asyncio.Future[Any]", int]
"""Something under way for an event, and the position of the handler it belongs to."""


class InLine(NamedTuple):
    """An event that nobody awaits directly; `delivered` tells a caller that waits elsewhere."""

    event: AnyEvent
    table: Table
    context: Context
    delivered: asyncio.Future[None] | Future[None] | None = None


class Line(Delivery):
    """A delivery on one loop, as far as nothing is awaited. Whose turn it is, is only touched in that loop's thread."""

    __slots__ = ("loop",)

    def __init__(
        self,
        scope: Scope,
        run_id: UUID | None = None,
        common: Kwargs | None = None,
        loop: AbstractEventLoop | None = None,
    ) -> None:
        Delivery.__init__(self, scope, run_id, common)
        self.loop = loop or asyncio.get_running_loop()

    def _begin_unawaited(self, item: InLine) -> None:
        if self._is_overtaken(item.event):
            tell_waiter(item, [])
        else:
            self._begin_or_queue(item)

    def _begin_or_queue(self, item: InLine) -> None:
        if self._busy:
            self._queue(item)
        else:
            self._busy = True
            if self._take_up(item):
                self._take_up_waiting()

    def _take_up_waiting(self) -> None:
        """Deliver what is in line, as far as that needs no waiting."""
        while self._waiting:
            if not self._take_up(self._waiting.popleft()):
                return
        self._busy = False

    def _take_up(self, item: InLine) -> bool:
        """Deliver one event of the line; False if handlers are still at it, who will then go on with the line."""
        errors: list[BaseException] = []
        running = item.context.run(self._start_all, item.event, item.table, errors)
        return self._end_with(running, errors, item)

    def _start_all(self, event: AnyEvent, table: Table, errors: list[BaseException]) -> list[Running]:
        """Start everything, `run_inline` handlers as well: nobody can await those here."""
        running: list[Running] = []
        sync = [(position, function) for position, function, is_async in table.inline if not is_async]
        tasks = [(position, function) for position, function, is_async in table.inline if is_async]
        errors += self._call_each(event, sync)
        self._hand_off(event, table, running)
        errors += self._start_tasks(event, (*tasks, *table.tasks), running)
        return running

    def _end_with(self, running: list[Running], errors: list[BaseException], item: InLine) -> bool:
        """Report what the event came to as soon as all that runs has ended; True if that is now."""
        for future, _ in running:
            if not future.done():
                future.add_done_callback(lambda _: self._end_later(running, errors, item))
                return False
        errors += self._errors_of(item.event, running)
        if item.delivered is None:
            for error in errors:
                log(error, self, item.event.name, self.run_id)
        tell_waiter(item, errors)
        return True

    def _end_later(self, running: list[Running], errors: list[BaseException], item: InLine) -> None:
        if self._end_with(running, errors, item):
            self._take_up_waiting()

    def _end_turn(self) -> None:
        if self._waiting:
            self._take_up_waiting()
        else:
            self._busy = False

    # ── what is started ────────────────────────────────────────────────────────────────────────────────

    def _hand_off(self, event: AnyEvent, table: Table, running: list[Running]) -> None:
        """Fill the lanes, and send the blocking handlers off the loop, all in one hop."""
        if table.lanes:
            full = self._put_in_lanes(event, table)
            running += [(asyncio.wrap_future(passed, loop=self.loop), _NO_HANDLER) for passed in full]
        if table.blocking:
            run = (self._contexts or self._make_contexts())[HOP].run
            hop = Uncancellable(loop=self.loop)
            HANDLER_POOL.start_for(hop, run, self._call_each, event, table.blocking)
            running.append((hop, HOP))

    def _start_tasks(self, event: AnyEvent, tasks: tuple[Call, ...], running: list[Running]) -> list[BaseException]:
        """Run the first step of the async handlers; returns what has to be raised of those that failed in it."""
        contexts = self._contexts or self._make_contexts()
        errors: list[BaseException] = []
        for position, outcome in eager(tasks, self.handlers, contexts, event.tell, self.loop):
            if isinstance(outcome, asyncio.Task):
                outcome.get_coro().of = self, position, event  # type: ignore[union-attr]
                running.append((outcome, position))
            elif self._has_to_be_raised(outcome, position, event):
                errors.append(outcome)
        return errors

    def _errors_of(self, event: AnyEvent, running: list[Running]) -> list[BaseException]:
        """What has to be raised of all that ran."""
        errors: list[BaseException] = []
        for future, position in running:
            if position == HOP:
                errors += future.result()[0]
            elif position != _NO_HANDLER:
                error = asyncio.CancelledError() if future.cancelled() else future.exception()
                if error is not None and self._has_to_be_raised(error, position, event):
                    errors.append(error)
        return errors

    def _has_to_be_raised(self, error: BaseException, position: int, event: AnyEvent) -> bool:
        """Whether an error of an async handler propagates. Its own cancel does not: it is none of the caller's."""
        handler = self.handlers[position]
        if isinstance(error, asyncio.CancelledError):
            log(error, handler, event.name, self.run_id)
            return False
        return report(error, handler, event.name, self.run_id) is not None


def tell_waiter(item: InLine, errors: list[BaseException]) -> None:
    """Let a caller that waits for the event know what came of it."""
    if item.delivered is None:
        return
    if errors:
        item.delivered.set_exception(errors[0])
    else:
        item.delivered.set_result(None)
