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
from toolrun.callbacks._deliver_async import AsyncDelivery
from toolrun.callbacks._delivery import Args, Delivery, Kwargs, Rest, inside
from toolrun.callbacks._errors import log
from toolrun.callbacks._events import AnyEvent
from toolrun.callbacks._handed_over import handed_over
from toolrun.callbacks._line import InLine
from toolrun.callbacks._plan import Table
from toolrun.callbacks._scope import Scope


class SyncDelivery(Delivery):
    """Delivers the events of a run that a sync manager opened; usable from any thread."""

    __slots__ = ("_remote", "_turn")

    def __init__(self, scope: Scope, run_id: UUID | None = None, common: Kwargs | None = None) -> None:
        Delivery.__init__(self, scope, run_id, common)  # `super()` costs as much again, for every run
        self._turn = RLock()
        self._remote: AsyncDelivery | None = None

    def tell(self, event: AnyEvent) -> None:
        """The sync face, and the usual one.

        Another thread's event waits here for its turn. An event that is raised inside a handler of this run, which is
        still at its own event, cannot wait: it follows after that.
        """
        table = self.plan[event.name]
        if table is None:
            return
        turn = self._turn
        if not turn.acquire(False) and not self._wait_for_turn(event, table):
            return
        try:
            if self._busy:
                self._queue((event, table))
                return
            self._busy = True
            try:
                errors = self._call_each(event, table.sync) if table.only_sync else self._deliver_now(event, table)
            finally:
                self._busy = False
        finally:
            turn.release()
        if self._waiting:
            self._take_up_waiting()
        if errors:
            raise errors[0]

    def _wait_for_turn(self, event: AnyEvent, table: Table) -> bool:
        """Take the turn as soon as another thread is through; False if the event cannot wait, or need not any more."""
        if inside.get() is self._run_id or asyncio._get_running_loop() is not None:
            # In a handler that whoever has the turn waits for, or in a loop that its handlers may need: do not wait.
            self._queue((event, table))
            self._take_up_waiting()
            return False
        self._turn.acquire()
        if self._is_overtaken(event):
            self._turn.release()
            return False
        return True

    def _take_up_waiting(self) -> None:
        """Deliver what handlers have put in line, unless another thread is at it and will."""
        while self._waiting and self._turn.acquire(False):
            self._busy = True
            try:
                while self._waiting:
                    event, table = self._waiting.popleft()
                    if not self._is_overtaken(event):
                        for error in self._deliver_now(event, table):
                            log(error, self, event.name, self.run_id)
            finally:
                self._busy = False
                self._turn.release()

    def _deliver_now(self, event: AnyEvent, table: Table) -> list[BaseException]:
        full = self._put_in_lanes(event, table) if table.lanes else ()
        errors = self._call_each(event, table.sync)
        if table.coroutines:
            errors += self._deliver_remote(event, table)
        for passed in full:
            passed.result()
        return errors

    def _deliver_remote(self, event: AnyEvent, table: Table) -> list[BaseException]:
        """Async handlers run on the background loop. Inside a running loop nothing is waited for: the handler
        may need that very loop."""
        remote = self._remote
        if remote is None:
            remote = self._remote = AsyncDelivery(self.scope, self.run_id, None, HANDLER_LOOP.loop())
            remote._make_contexts()  # here: they are copies of the caller's
        table = Table(tasks=table.coroutines)
        if asyncio._get_running_loop() is not None:
            remote.post(InLine(event, table, copy_context(), handed_over()))
            return []
        try:
            remote.post_and_wait(event, table)
        except BaseException as error:
            return [error]
        return []

    def begin(self, event: AnyEvent) -> Rest:
        """The async face, for a coroutine body that a sync caller waits for: delivers from a thread."""
        if self.plan[event.name] is None:
            return None
        return HANDLER_POOL.run_in_thread(copy_context().run, self.tell, event)

    def deliver_at_once(self, name: str, args: Args, kwargs: Kwargs) -> None:
        """For a coroutine that is being closed."""
        self.deliver(name, args, kwargs)

    def announce(self, name: str, args: Args) -> None:
        """Deliver an event before the one that is about to be sent; errors of its handlers are logged."""
        try:
            self.deliver(name, args, {})
        except BaseException as error:
            log(error, self, name, self.run_id)
