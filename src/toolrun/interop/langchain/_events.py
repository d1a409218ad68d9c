"""LangChain's `handle_event` and `ahandle_event`, through which all events of its managers go, on our delivery.

LangChain delivers each event by itself; we deliver the events of a run, in one context and one at a time. So the first
event of a run opens a delivery for its handlers, and the last one takes it away.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackHandler as TheirAsyncHandler

from toolrun.callbacks import AsyncCallbackHandler
from toolrun.callbacks._deliver_async import AsyncDelivery
from toolrun.callbacks._deliver_sync import SyncDelivery
from toolrun.callbacks._scope import scope_for_handlers
from toolrun.interop.langchain._heard import MOST_OPEN, for_toolrun

Delivery = SyncDelivery | AsyncDelivery
Handlers = Sequence[Any]
Key = tuple[UUID | None, tuple[int, ...]]
"""The run, and which of its handlers: LangGraph tells some of them other inputs than the rest."""

_ON_LOOP = (AsyncCallbackHandler, TheirAsyncHandler)

_open: OrderedDict[Key, Delivery] = OrderedDict()
_lock = threading.Lock()


def handle_event(
    handlers: Handlers, event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> None:
    """Bring one event of a run to its handlers.

    In the thread of a running loop async handlers take their first step on that loop before this returns: those of
    event streams never suspend, and would come too late for a stream that ends soon.
    """
    if asyncio._get_running_loop() is not None:
        on_loop = [handler for handler in handlers if isinstance(handler, _ON_LOOP)]
        handlers = [handler for handler in handlers if not isinstance(handler, _ON_LOOP)] if on_loop else handlers
        if on_loop:
            _delivery(AsyncDelivery, on_loop, event_name, kwargs).deliver(event_name, args, kwargs)
    if handlers:
        _delivery(SyncDelivery, handlers, event_name, kwargs).deliver(event_name, args, kwargs)


async def ahandle_event(
    handlers: Handlers, event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> None:
    """The async twin of `handle_event`."""
    if handlers:
        await _delivery(AsyncDelivery, handlers, event_name, kwargs).send(event_name, args, kwargs)


async def ahandle_event_for_handler(
    handler: Any, event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> None:
    """The same for a single handler."""
    await ahandle_event([handler], event_name, ignore_condition_name, *args, **kwargs)


def forget_all() -> None:
    """Take no more notice of runs that are open."""
    with _lock:
        _open.clear()


def _delivery(kind: type[Delivery], handlers: Handlers, event: str, kwargs: dict[str, Any]) -> Delivery:
    """The delivery that the run's earlier events took, or a new one."""
    ours = tuple(map(for_toolrun, handlers))
    run_id = kwargs.get("run_id")
    if run_id is None or event == "on_custom_event":
        return kind(scope_for_handlers(ours), run_id)
    key = run_id, tuple(map(id, ours))
    with _lock:
        delivery = _open.pop(key, None)
        if delivery is None or _is_of_another_loop(delivery):
            delivery = kind(scope_for_handlers(ours), run_id)
        if not event.endswith(("_end", "_error", "_finish")):
            _open[key] = delivery
            if len(_open) > MOST_OPEN:
                _open.popitem(last=False)
    return delivery


def _is_of_another_loop(delivery: Delivery) -> bool:
    return isinstance(delivery, AsyncDelivery) and delivery.loop is not asyncio._get_running_loop()
