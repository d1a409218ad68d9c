"""The sync driver: sync handlers in the caller's thread, async ones on the background loop.

The caller waits for both, unless it is the thread of a running loop: that loop must not be held.
"""

from __future__ import annotations

import asyncio
from _thread import RLock  # what `threading.RLock` calls
from contextvars import copy_context
from uuid import UUID

from toolrun._background_loop import HANDLER_LOOP
from toolrun._offload import HANDLER_POOL
from toolrun.callbacks._deliver_async import AsyncDelivery, Event
from toolrun.callbacks._delivery import Args, Delivery, Kwargs, inside
from toolrun.callbacks._errors import log
from toolrun.callbacks._handed_over import handed_over
from toolrun.callbacks._plan import Table
from toolrun.callbacks._scope import Scope


class SyncDelivery(Delivery):
    """Delivers the events of a run that a sync manager opened; usable from any thread."""

    __slots__ = ("_remote", "_turn")

    def __init__(self, scope: Scope, run_id: UUID | None = None, common: Kwargs | None = None) -> None:
        Delivery.__init__(self, scope, run_id, common)  # `super()` costs as much again, for every run
        self._turn = RLock()
        self._remote: AsyncDelivery | None = None

    def deliver(self, event: str, args: Args, kwargs: Kwargs) -> None:
        """Bring the event to every handler that wants it; raises what `raise_error` handlers raised.

        Another thread's event waits here for its turn. An event that is raised inside a handler of this run, which is
        still at its own event, cannot wait: it follows after that.
        """
        table = self.plan[event]
        if table is None:
            return
        kwargs = self._all_keywords(event, kwargs)
        turn = self._turn
        if not turn.acquire(False):
            # In a handler that whoever has the turn waits for, or in a loop that its handlers may need: do not wait.
            if inside.get() is self._run_id or asyncio._get_running_loop() is not None:
                self._queue((event, table, args, kwargs))
                self._take_up_waiting()
                return
            turn.acquire()
            if self._is_overtaken(event):
                turn.release()
                return
        try:
            if self._busy:
                self._queue((event, table, args, kwargs))
                return
            self._busy = True
            try:
                if table.only_sync:
                    errors = self._call_each(event, table.sync, args, kwargs)
                else:
                    errors = self._deliver_now(event, table, args, kwargs)
            finally:
                self._busy = False
        finally:
            turn.release()
        if self._waiting:
            self._take_up_waiting()
        if errors:
            raise errors[0]

    def _take_up_waiting(self) -> None:
        """Deliver what handlers have put in line, unless another thread is at it and will."""
        while self._waiting and self._turn.acquire(False):
            self._busy = True
            try:
                while self._waiting:
                    item = self._waiting.popleft()
                    if not self._is_overtaken(item[0]):
                        for error in self._deliver_now(*item):
                            log(error, self, item[0], self.run_id)
            finally:
                self._busy = False
                self._turn.release()

    def _deliver_now(self, event: str, table: Table, args: Args, kwargs: Kwargs) -> list[BaseException]:
        full = self._put_in_lanes(event, table, args, kwargs) if table.lanes else ()
        errors = self._call_each(event, table.sync, args, kwargs)
        if table.coroutines:
            errors += self._deliver_remote(event, table, args, kwargs)
        for passed in full:
            passed.result()
        return errors

    def _deliver_remote(self, event: str, table: Table, args: Args, kwargs: Kwargs) -> list[BaseException]:
        """Async handlers run on the background loop. Inside a running loop nothing is waited for: the handler
        may need that very loop."""
        remote = self._remote
        if remote is None:
            remote = self._remote = AsyncDelivery(self.scope, self.run_id, None, HANDLER_LOOP.loop())
            remote._make_contexts()  # here: they are copies of the caller's
        table = Table(tasks=table.coroutines)
        if asyncio._get_running_loop() is not None:
            remote.post(Event(event, table, args, kwargs, copy_context(), handed_over()))
            return []
        try:
            remote.post_and_wait(event, table, args, kwargs)
        except BaseException as error:
            return [error]
        return []

    async def send(self, event: str, args: Args, kwargs: Kwargs) -> None:
        """The async face, for a coroutine body that a sync caller waits for: delivers from a thread."""
        await HANDLER_POOL.run_in_thread(copy_context().run, self.deliver, event, args, kwargs)

    deliver_at_once = deliver

    def announce(self, event: str, args: Args) -> None:
        """Deliver an event before the one that is about to be sent; errors of its handlers are logged."""
        try:
            self.deliver(event, args, {})
        except BaseException as error:
            log(error, self, event, self.run_id)
