"""LangChain's `handle_event` and `ahandle_event`, through which all events of its managers go, on our delivery.

LangChain delivers each event by itself; we deliver the events of a run, in one context and one at a time. So the first
event of a run opens a delivery for its handlers, and the last one takes it away. LangChain tells the start of a chat
model to one handler after another, and its end to all at once: then each goes on with the delivery that it began with.
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
Group = tuple[int, ...]
"""Handlers that began a run together, by their ids."""

_ON_LOOP = (AsyncCallbackHandler, TheirAsyncHandler)

_open: OrderedDict[UUID, dict[Group, Delivery]] = OrderedDict()
_lock = threading.Lock()


def handle_event(
    handlers: Handlers, event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> None:
    """Bring one event of a run to its handlers.

    In the thread of a running loop async handlers take their first step on that loop before this returns: those of
    event streams never suspend, and would come too late for a stream that ends soon.
    """
    deliveries: list[Delivery] = []
    if asyncio._get_running_loop() is not None:
        on_loop = [handler for handler in handlers if isinstance(handler, _ON_LOOP)]
        handlers = [handler for handler in handlers if not isinstance(handler, _ON_LOOP)] if on_loop else handlers
        deliveries += _deliveries(AsyncDelivery, on_loop, event_name, kwargs)
    deliveries += _deliveries(SyncDelivery, handlers, event_name, kwargs)
    if len(deliveries) == 1:
        deliveries[0].deliver(event_name, args, kwargs)
    else:
        _deliver_each(deliveries, event_name, args, kwargs)


def _deliver_each(deliveries: list[Delivery], event: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Deliver to all of them; then raise the first error of a handler that insists."""
    errors: list[BaseException] = []
    for delivery in deliveries:
        try:
            delivery.deliver(event, args, kwargs)
        except BaseException as error:
            errors.append(error)
    if errors:
        raise errors[0]


async def ahandle_event(
    handlers: Handlers, event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> None:
    """The async twin of `handle_event`."""
    deliveries = _deliveries(AsyncDelivery, handlers, event_name, kwargs)
    if len(deliveries) == 1:
        await deliveries[0].send(event_name, args, kwargs)
    elif deliveries:
        sent = (delivery.send(event_name, args, kwargs) for delivery in deliveries)
        for outcome in await asyncio.gather(*sent, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome


async def ahandle_event_for_handler(
    handler: Any, event_name: str, ignore_condition_name: str | None, *args: Any, **kwargs: Any
) -> None:
    """The same for a single handler."""
    await ahandle_event([handler], event_name, ignore_condition_name, *args, **kwargs)


def forget_all() -> None:
    """Take no more notice of runs that are open."""
    with _lock:
        _open.clear()


def _deliveries(kind: type[Delivery], handlers: Handlers, event: str, kwargs: dict[str, Any]) -> list[Delivery]:
    """The deliveries that these handlers began the run with, and one more for those that did not."""
    if not handlers:
        return []
    ours = {id(handler): handler for handler in map(for_toolrun, handlers)}
    run_id = kwargs.get("run_id")
    if run_id is None or event == "on_custom_event":
        return [kind(scope_for_handlers(ours.values()), run_id)]
    with _lock:
        groups = _open.setdefault(run_id, {})
        found = {group: one for group, one in groups.items() if _is_usable(one) and ours.keys() >= set(group)}
        for group in found:
            for handler in group:
                ours.pop(handler, None)
        if ours:
            found[tuple(ours)] = kind(scope_for_handlers(ours.values()), run_id)
        _note(run_id, groups, found, is_last=event.endswith(("_end", "_error")))
    return list(found.values())


def _note(run_id: UUID, groups: dict[Group, Delivery], found: dict[Group, Delivery], *, is_last: bool) -> None:
    """Keep what was found for the run's next event, or let it go after the last one."""
    if not is_last:
        for group, delivery in found.items():
            groups.setdefault(group, delivery)
        if len(_open) > MOST_OPEN:
            _open.popitem(last=False)
        return
    for group in found:
        groups.pop(group, None)
    if not groups:
        _open.pop(run_id, None)


def _is_usable(delivery: Delivery) -> bool:
    """Whether this code may deliver by it: not from a thread for whose end the loop may be waiting."""
    return not isinstance(delivery, AsyncDelivery) or delivery.loop is asyncio._get_running_loop()
