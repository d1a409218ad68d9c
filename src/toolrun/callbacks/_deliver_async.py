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
from asyncio import AbstractEventLoop
from concurrent.futures import Future, wait
from contextvars import Context, copy_context
from typing import Any, NamedTuple
from uuid import UUID

from toolrun._background_loop import HANDLER_LOOP
from toolrun._eager import eager
from toolrun._offload import HANDLER_POOL
from toolrun.callbacks._delivery import HOP, Args, Delivery, Kwargs, Rest, inside
from toolrun.callbacks._errors import log, report
from toolrun.callbacks._events import AnyEvent
from toolrun.callbacks._plan import Call, Table
from toolrun.callbacks._scope import Scope
from toolrun.callbacks._settle import Uncancellable, settle

logger = logging.getLogger("toolrun.callbacks")

_NOBODY = Table()
_NO_HANDLER = -2  # stands for a full lane, in place of a handler's position

Running = tuple["asyncio.Future[Any]", int]
"""Something under way for an event, and the position of the handler it belongs to."""


class InLine(NamedTuple):
    """An event that nobody awaits directly; `delivered` tells a caller that waits elsewhere."""

    event: AnyEvent
    table: Table
    context: Context
    delivered: asyncio.Future[None] | Future[None] | None = None


class AsyncDelivery(Delivery):
    """Delivers the events of a run on one loop. Whose turn it is, is only touched in that loop's thread."""

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

    def _end_turn(self) -> None:
        if self._waiting:
            self._take_up_waiting()
        else:
            self._busy = False

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
            _report(item, [])

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

    def _begin_unawaited(self, item: InLine) -> None:
        if self._is_overtaken(item.event):
            _report(item, [])
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
        _report(item, errors)
        return True

    def _end_later(self, running: list[Running], errors: list[BaseException], item: InLine) -> None:
        if self._end_with(running, errors, item):
            self._take_up_waiting()

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


def _report(item: InLine, errors: list[BaseException]) -> None:
    """Let a caller that waits for the event know what came of it."""
    if item.delivered is None:
        return
    if errors:
        item.delivered.set_exception(errors[0])
    else:
        item.delivered.set_result(None)
