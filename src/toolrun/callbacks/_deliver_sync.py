"""The sync driver: sync handlers in the caller's thread, async ones on the background loop.

The caller waits for both, unless it is the thread of a running loop: that loop must not be held.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextvars import copy_context
from typing import Any
from uuid import UUID

from toolrun import _background_loop
from toolrun._offload import HANDLER_POOL
from toolrun.callbacks._deliver_async import AsyncDelivery
from toolrun.callbacks._delivery import HOP, Args, Delivery, Kwargs
from toolrun.callbacks._plan import Plan, Table


class SyncDelivery(Delivery):
    """Delivers the events of a run that a sync manager opened; usable from any thread."""

    __slots__ = ("_owner", "_remote", "_turn")

    def __init__(self, run_id: UUID, parent_run_id: UUID | None, plan: Plan, handlers: tuple[Any, ...]) -> None:
        super().__init__(run_id, parent_run_id, plan, handlers)
        self._turn = threading.Lock()
        self._owner = 0
        self._remote: AsyncDelivery | None = None

    def deliver(self, event: str, args: Args, kwargs: Kwargs) -> None:
        """Bring the event to every handler that wants it; raises what `raise_error` handlers raised."""
        table = self.plan.table(event, self.handlers)
        if table is None:
            return
        me = threading.get_ident()
        if not self._turn.acquire(blocking=False):
            if self._owner == me:  # raised inside a handler of this run, which is still at its event
                if self._waiting is None:
                    self._waiting = deque()
                self._waiting.append((event, table, args, kwargs))
                return
            self._turn.acquire()
        self._owner = me
        try:
            self._deliver_now(event, table, args, kwargs)
            while self._waiting:
                self._deliver_now(*self._waiting.popleft())
        finally:
            self._owner = 0
            self._turn.release()

    def _deliver_now(self, event: str, table: Table, args: Args, kwargs: Kwargs) -> None:
        full = self._put_in_lanes(event, table, args, kwargs) if table.lanes else ()
        errors = self._call_each(event, table.sync, args, kwargs) if table.sync else []
        if table.coroutines:
            errors += self._deliver_remote(event, table, args, kwargs)
        for passed in full:
            passed.result()
        if errors:
            raise errors[0]

    def _deliver_remote(self, event: str, table: Table, args: Args, kwargs: Kwargs) -> list[BaseException]:
        """Async handlers run on the background loop. Inside a running loop nothing is waited for: the handler
        may need that very loop."""
        remote = self._remote
        if remote is None:
            remote = self._remote = AsyncDelivery(
                self.run_id, self.parent_run_id, self.plan, self.handlers, _background_loop.loop()
            )
            remote._context(HOP)  # made here: the handlers' contexts are copies of the caller's
        waits = asyncio._get_running_loop() is None
        sent = remote.post(event, Table(tasks=table.coroutines), args, kwargs, waits)
        error = sent.exception() if waits else None
        return [error] if error is not None else []

    async def send(self, event: str, args: Args, kwargs: Kwargs) -> None:
        """The async face, for a coroutine body that a sync caller waits for: delivers from a thread."""
        await HANDLER_POOL.run_in_thread(copy_context().run, self.deliver, event, args, kwargs)

    deliver_at_once = deliver
