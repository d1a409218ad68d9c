"""The async driver: all on the loop of the run, sync handlers in one hop off it.

`send` is awaited on that loop; `deliver` is the sync face, for threads and for code that cannot await. Async handlers
that suspend go on in tasks of their own, so a cancelled caller cannot take them along: it keeps waiting for them
and is cancelled afterwards, however often it is cancelled meanwhile.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any
from uuid import UUID

from toolrun import _background_loop
from toolrun._eager import eager
from toolrun._offload import HANDLER_POOL
from toolrun.callbacks._delivery import HOP, Args, Delivery, Kwargs, inside
from toolrun.callbacks._errors import log, report
from toolrun.callbacks._plan import Plan, Table
from toolrun.callbacks._settle import settle

logger = logging.getLogger("toolrun.callbacks")

_NO_HANDLER = -2  # stands for a full lane, in place of a handler's position

Running = tuple["asyncio.Future[Any]", int]
"""Something under way for an event, and the position of the handler it belongs to."""


class AsyncDelivery(Delivery):
    """Delivers the events of a run on one loop. Its turn is only touched in that loop's thread."""

    __slots__ = ("_busy", "_owner", "loop")

    def __init__(
        self,
        run_id: UUID,
        parent_run_id: UUID | None,
        plan: Plan,
        handlers: tuple[Any, ...],
        loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(run_id, parent_run_id, plan, handlers)
        self.loop = loop or asyncio.get_running_loop()
        self._busy = False
        self._owner: Any = None

    # ── awaited on the loop ────────────────────────────────────────────────────────────────────────────

    def send(self, event: str, args: Args, kwargs: Kwargs) -> Coroutine[Any, Any, None]:
        """Bring the event to every handler that wants it; raises what `raise_error` handlers raised."""
        table = self.plan.table(event, self.handlers)
        return _nobody() if table is None else self._send(event, table, args, kwargs)

    async def _send(self, event: str, table: Table, args: Args, kwargs: Kwargs) -> None:
        cancelled: BaseException | None = None
        if self._busy:
            if self._is_inside():
                self._queue((event, table, args, kwargs))
                return
            cancelled = await self._turn()
        self._busy = True
        running: list[Running] = []
        errors: list[BaseException] = []
        try:
            if table.inline:
                await self._send_inline(event, table, args, kwargs, errors)
            running = self._start(event, table, args, kwargs, errors)
            if running:
                cancelled = await settle([future for future, _ in running]) or cancelled
                errors += self._errors_of(event, running)
                running = []
        finally:
            self._pass_turn_after(event, running)
        if cancelled is not None:
            raise cancelled
        if errors:
            raise errors[0]

    async def _turn(self) -> BaseException | None:
        """Wait for this caller's turn; returns a cancel that came meanwhile."""
        turn = self.loop.create_future()
        self._queue(turn)
        try:
            return await settle([turn])
        except GeneratorExit:
            if not turn.cancel():  # it had come already: the next one shall have it
                self._pass_turn()
            raise

    def _is_inside(self) -> bool:
        return inside.get() is self or (self._owner is not None and self._owner is asyncio.current_task())

    async def _send_inline(
        self, event: str, table: Table, args: Args, kwargs: Kwargs, errors: list[BaseException]
    ) -> None:
        """`run_inline` handlers, one by one in the caller's own task and context."""
        self._owner = asyncio.current_task()
        try:
            for position, function, _ in table.inline:
                handler = self.handlers[position]
                try:
                    heard = function(handler, *args, **kwargs)
                    if heard is not None and inspect.isawaitable(heard):
                        await heard
                except GeneratorExit:
                    raise
                except BaseException as error:
                    if report(error, handler, event, self.run_id):
                        errors.append(error)
        finally:
            self._owner = None

    # ── from a thread, or where nothing can be awaited ─────────────────────────────────────────────────

    def deliver(self, event: str, args: Args, kwargs: Kwargs) -> None:
        """The sync face. In another thread: wait until the loop has delivered. In the loop's own thread: sync
        inline handlers at once, the others in order without waiting, since the loop cannot run meanwhile."""
        table = self.plan.table(event, self.handlers)
        if table is None:
            return
        if asyncio._get_running_loop() is self.loop:
            self._send_without_waiting(event, table, args, kwargs)
            return
        waits = inside.get() is not self
        sent = self.post(event, table, args, kwargs, waits)
        if waits:
            sent.result()

    def deliver_at_once(self, event: str, args: Args, kwargs: Kwargs) -> None:
        """For a coroutine that is being closed and can await nothing: sync handlers now, async ones on the loop,
        or on the background loop where theirs runs no more."""
        table = self.plan.table(event, self.handlers)
        if table is None:
            return
        self._log(event, self._call_each(event, table.sync, args, kwargs))
        later = Table(tasks=table.coroutines, lanes=table.lanes)
        if self.loop.is_closed():
            self.loop, self._busy = _background_loop.loop(), False
        if asyncio._get_running_loop() is self.loop:
            self._send_without_waiting(event, later, args, kwargs)
        else:
            self.post(event, later, args, kwargs, waits=False)

    def post(self, event: str, table: Table, args: Args, kwargs: Kwargs, waits: bool) -> Future[None]:
        """Have the loop deliver the event, in the order of the posts; the future is done when it is delivered,
        or, where nobody waits, when it is under way."""
        sent: Future[None] = Future()

        def begin() -> None:
            if waits:
                task = self.loop.create_task(self._send(event, table, args, kwargs))
                task.add_done_callback(lambda task: _copy_outcome(task, sent))
            else:
                self._send_without_waiting(event, table, args, kwargs)
                sent.set_result(None)

        try:
            self.loop.call_soon_threadsafe(begin)
        except RuntimeError:
            logger.warning("%s of run %s is lost: its event loop is closed", event, self.run_id)
            sent.set_result(None)
        return sent

    def _send_without_waiting(self, event: str, table: Table, args: Args, kwargs: Kwargs) -> None:
        if self._busy:
            self._queue((event, table, args, kwargs))
            return
        self._busy = True
        self._pass_turn_after(event, self._start_all(event, table, args, kwargs))

    def _start_all(self, event: str, table: Table, args: Args, kwargs: Kwargs) -> list[Running]:
        """Start everything, `run_inline` handlers as well; errors can only be logged."""
        inline_sync = [(position, function) for position, function, is_async in table.inline if not is_async]
        inline_async = tuple((position, function) for position, function, is_async in table.inline if is_async)
        errors = self._call_each(event, inline_sync, args, kwargs)
        running = self._start(event, table._replace(tasks=table.tasks + inline_async), args, kwargs, errors)
        self._log(event, errors)
        return running

    def _log(self, event: str, errors: list[BaseException]) -> None:
        for error in errors:
            log(error, self, event, self.run_id)

    # ── turns ──────────────────────────────────────────────────────────────────────────────────────────

    def _queue(self, item: Any) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(item)

    def _pass_turn_after(self, event: str, running: list[Running]) -> None:
        """Free the turn when all that runs has ended: at once, as a rule."""
        for future, _ in running:
            if not future.done():
                future.add_done_callback(lambda _: self._pass_turn_after(event, running))
                return
        if running:
            self._log(event, self._errors_of(event, running))
        if self._waiting:
            self._pass_turn()
        else:
            self._busy = False

    def _pass_turn(self) -> None:
        """Give the turn to the next in line: a caller that waits, or an event whose caller does not."""
        while self._waiting:
            item = self._waiting.popleft()
            if not isinstance(item, asyncio.Future):
                running = self._start_all(*item)
                if running:
                    self._pass_turn_after(item[0], running)
                    return
            elif not item.done():
                item.set_result(None)
                return
        self._busy = False

    # ── what is started ────────────────────────────────────────────────────────────────────────────────

    def _start(
        self, event: str, table: Table, args: Args, kwargs: Kwargs, errors: list[BaseException]
    ) -> list[Running]:
        """Start lanes, the hop and the async handlers; returns what has not ended yet."""
        running: list[Running] = []
        if table.lanes:
            full = self._put_in_lanes(event, table, args, kwargs)
            running += [(asyncio.wrap_future(passed, loop=self.loop), _NO_HANDLER) for passed in full]
        if table.blocking:
            run_in_context = self._context(HOP).run
            running.append(
                (HANDLER_POOL.start(run_in_context, self._call_each, event, table.blocking, args, kwargs), HOP)
            )
        if table.tasks:
            handlers, contexts = self.handlers, self._context
            calls = [(function(handlers[at], *args, **kwargs), contexts(at)) for at, function in table.tasks]
            for order, outcome in eager(calls, self.loop):
                position = table.tasks[order][0]
                if isinstance(outcome, asyncio.Future):
                    running.append((outcome, position))
                elif report(outcome, handlers[position], event, self.run_id):
                    errors.append(outcome)
        return running

    def _errors_of(self, event: str, running: list[Running]) -> list[BaseException]:
        """What has to be raised of all that ran."""
        errors: list[BaseException] = []
        for future, position in running:
            if position == HOP:
                errors += future.result()[0]
            elif position != _NO_HANDLER:
                error = asyncio.CancelledError() if future.cancelled() else future.exception()
                if error is not None and report(error, self.handlers[position], event, self.run_id):
                    errors.append(error)
        return errors


async def _nobody() -> None:
    """What is awaited when nobody listens."""


def _copy_outcome(task: asyncio.Task[None], sent: Future[None]) -> None:
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is not None:
        sent.set_exception(error)
    else:
        sent.set_result(None)
