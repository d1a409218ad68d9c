"""The async driver: all on the loop of the run, sync handlers in one hop off it.

`begin` is for code on that loop. `tell` is the sync face, for threads and for code that cannot await. Async handlers
that suspend go on in tasks of their own, so a cancelled caller cannot take them along: it keeps waiting for them and
is cancelled afterwards, however often it is cancelled meanwhile.

An event that finds another one of its run under way is put in line, and whoever ends that one takes it up.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from concurrent.futures import Future, wait
from contextvars import copy_context
from typing import Any

from toolrun._background_loop import HANDLER_LOOP
from toolrun.callbacks._delivery import Args, Kwargs, Rest, inside
from toolrun.callbacks._errors import log, report
from toolrun.callbacks._events import AnyEvent
from toolrun.callbacks._line import InLine, Line, Running, tell_waiter
from toolrun.callbacks._plan import Table
from toolrun.callbacks._settle import settle

logger = logging.getLogger("toolrun.callbacks")

_NOBODY = Table()


class AsyncDelivery(Line):
    """Delivers the events of a run on one loop."""

    __slots__ = ()

    def begin(self, event: AnyEvent) -> Rest:
        table = self.plan[event.name]
        if self._busy:
            return self._wait_in_line(event, table or _NOBODY)  # if nobody hears this one, what is in line comes first
        if table is None:
            return None
        self._busy = True
        errors: list[BaseException] = []
        if table.inline and (rest := self._call_inline(event, table, errors)) is not None:
            return rest
        return self._begin_rest(event, table, errors)

    async def _wait_in_line(self, event: AnyEvent, table: Table) -> None:
        if inside.get() is self._run_id:
            self._queue(InLine(event, table, copy_context()))  # a handler cannot wait for itself
            return
        delivered = self.loop.create_future()
        self._queue(InLine(event, table, copy_context(), delivered))
        cancelled = await settle([delivered])
        error = delivered.exception()
        if cancelled is not None or error is not None:
            raise cancelled or error or AssertionError

    def _call_inline(self, event: AnyEvent, table: Table, errors: list[BaseException]) -> Rest:
        """Call `run_inline` handlers one by one in the caller's own context; stops at the first to be awaited."""
        handlers = self.handlers
        for index, (position, function, is_async) in enumerate(table.inline):
            try:
                heard = event.tell(function, handlers[position])
                if is_async or (heard is not None and inspect.isawaitable(heard)):
                    return self._await_inline(event, table, errors, index, heard)
            except BaseException as error:
                if report(error, handlers[position], event.name, self.run_id):
                    errors.append(error)
        return None

    async def _await_inline(
        self, event: AnyEvent, table: Table, errors: list[BaseException], first: int, heard: Any
    ) -> None:
        """Await `run_inline` handlers one by one in the caller's own task, from the one that was called already."""
        handlers = self.handlers
        try:
            for position, function, is_async in table.inline[first:]:
                try:
                    if heard is None:
                        heard = event.tell(function, handlers[position])
                    if is_async or (heard is not None and inspect.isawaitable(heard)):
                        token = inside.set(self.run_id)  # for what it starts in tasks and threads of its own
                        try:
                            await heard
                        finally:
                            inside.reset(token)
                except GeneratorExit:
                    raise
                except BaseException as error:
                    if report(error, handlers[position], event.name, self.run_id):
                        errors.append(error)
                heard = None
        except GeneratorExit:
            self._end_turn()
            raise
        rest = self._begin_rest(event, table, errors)
        if rest is not None:
            await rest

    def _begin_rest(self, event: AnyEvent, table: Table, errors: list[BaseException]) -> Rest:
        """Begin with all but the inline handlers; None if all have ended already."""
        running: list[Running] = []
        try:
            if table.hands_off:
                self._hand_off(event, table, running)
            if table.tasks:
                errors += self._start_tasks(event, table.tasks, running)
        except BaseException:  # no thread, no memory
            self._end_later(running, errors, InLine(event, table, copy_context()))
            raise
        if running:
            return self._await_rest(event, table, running, errors)
        self._end_turn()
        if errors:
            raise errors[0]
        return None

    async def _await_rest(
        self, event: AnyEvent, table: Table, running: list[Running], errors: list[BaseException]
    ) -> None:
        try:
            cancelled = await settle([future for future, _ in running])
            errors += self._errors_of(event, running)
            running = []
            if cancelled is not None:
                errors.insert(0, cancelled)
        finally:
            if running:  # this coroutine is being closed; the handlers go on
                self._end_later(running, errors, InLine(event, table, copy_context()))
            else:
                self._end_turn()
        if errors:
            raise errors[0]

    # ── from a thread, or where nothing can be awaited ─────────────────────────────────────────────────

    def tell(self, event: AnyEvent) -> None:
        """The sync face. In another thread: wait until the loop has delivered. In the loop's own thread: sync
        inline handlers at once, the others in order without waiting, since the loop cannot run meanwhile."""
        table = self.plan[event.name]
        if table is None:
            return
        if asyncio._get_running_loop() is self.loop:
            self._begin_unawaited(InLine(event, table, copy_context()))
        elif inside.get() is self._run_id:
            self.post(InLine(event, table, copy_context()))
        else:
            self.post_and_wait(event, table)

    def deliver_at_once(self, name: str, args: Args, kwargs: Kwargs) -> None:
        """For a coroutine that is being closed and can await nothing: sync handlers now, async ones on the loop,
        or on the background loop where theirs runs no more."""
        table = self.plan[name]
        if table is None:
            return
        event = self.event(name, args, kwargs)
        for error in self._call_each(event, table.sync):
            log(error, self, name, self.run_id)
        later = InLine(event, Table(tasks=table.coroutines, lanes=table.lanes), copy_context())
        if self.loop.is_closed():
            self.loop, self._busy = HANDLER_LOOP.loop(), False
        if asyncio._get_running_loop() is self.loop:
            self._begin_unawaited(later)
        else:
            self.post(later)

    def post(self, item: InLine) -> None:
        """Have the loop deliver the event, from any thread; events are delivered in the order of the posts."""
        try:
            self.loop.call_soon_threadsafe(self._begin_unawaited, item)
        except RuntimeError:
            logger.warning("%s of run %s is lost: its event loop is closed", item.event.name, self.run_id)
            tell_waiter(item, [])

    def post_and_wait(self, event: AnyEvent, table: Table) -> None:
        """Have the loop deliver the event and wait for it, in a thread that is not the loop's."""
        delivered: Future[None] = Future()
        self.post(InLine(event, table, copy_context(), delivered))
        while not delivered.done():
            wait([delivered], timeout=1.0)
            if self.loop.is_closed() and not delivered.done():
                logger.warning("%s of run %s is lost: its event loop was closed", event.name, self.run_id)
                return
        delivered.result()

    def announce(self, name: str, args: Args) -> None:
        """Deliver an event before the one that is about to be sent, which may be the terminal one; on the loop."""
        if (table := self.plan[name]) is not None:
            self._begin_or_queue(InLine(self.event(name, args, {}), table, copy_context()))
