"""Background lanes: an ordered, bounded queue of its own for a handler that sets `background`.

The run puts an event into the lane and goes on. One thread at a time takes events out, in order, so the handler
is never called twice at once. A full lane makes the run wait until its own event has been handled, which bounds
the lane to `BOUND` events and one for each waiting run; with `on_full = "drop"` the event is dropped and counted.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import weakref
from collections import deque
from concurrent.futures import Future
from contextvars import Context
from typing import Any
from uuid import UUID

from toolrun._background_loop import HANDLER_LOOP
from toolrun._offload import LANE_POOL
from toolrun.callbacks._errors import log
from toolrun.callbacks._events import AnyEvent, Heard

BOUND = 1000
"""How many events a lane holds before it makes runs wait, or drops."""

_Item = tuple[Context, Heard, Any, AnyEvent, UUID]


class Lane:
    """The lane of one handler."""

    __slots__ = ("__weakref__", "_draining", "_items", "dropped", "drops")

    def __init__(self, drops: bool) -> None:
        self._items: deque[_Item | Future[None]] = deque()
        self._draining = threading.Lock()
        self.drops = drops
        self.dropped = 0

    def put(self, item: _Item) -> bool:
        """Queue one event; True when the lane is full and the run has to wait for `passed`."""
        items = self._items
        full = len(items) >= BOUND
        if full and self.drops:
            self.dropped += 1
            return False
        items.append(item)
        if self._draining.acquire(False):
            LANE_POOL.spawn(self._drain)
        return full

    def passed(self) -> Future[None]:
        """A future that is done when everything queued so far has been handled."""
        future: Future[None] = Future()
        self._items.append(future)
        if self._draining.acquire(False):
            LANE_POOL.spawn(self._drain)
        return future

    def _drain(self) -> None:
        items = self._items
        while True:
            while items:
                self._handle(items.popleft())
            self._draining.release()
            # An item put between the last look and the release found the lock taken: look again.
            if not items or not self._draining.acquire(False):
                return

    def _handle(self, item: _Item | Future[None]) -> None:
        if isinstance(item, Future):
            item.set_result(None)
            return
        context, function, handler, event, run_id = item
        try:
            heard = context.run(event.tell, function, handler)
            if inspect.iscoroutine(heard):
                HANDLER_LOOP.submit(_in_context(context, heard)).result()
        except BaseException as error:
            log(error, handler, event.name, run_id)  # there is no caller left to raise it to


async def _in_context(context: Context, coroutine: Any) -> None:
    await asyncio.get_running_loop().create_task(coroutine, context=context)


_by_id: dict[int, tuple[weakref.ref[Any], Lane]] = {}
_open: weakref.WeakSet[Lane] = weakref.WeakSet()


def lane_of(handler: Any) -> Lane:
    """The handler's lane, made at its first event and gone with it."""
    key = id(handler)
    known = _by_id.get(key)
    if known is None or known[0]() is not handler:
        lane = Lane(getattr(handler, "on_full", "wait") == "drop")
        _open.add(lane)
        known = _by_id[key] = (weakref.ref(handler, lambda _: _by_id.pop(key, None)), lane)
    return known[1]


def _forget() -> None:
    """A forked child starts with empty lanes: what they held is the parent's to deliver."""
    for lane in _open:
        lane._items.clear()
        lane._draining = threading.Lock()


os.register_at_fork(after_in_child=_forget)


def open_lanes() -> list[Lane]:
    """Every lane in use."""
    return list(_open)
