"""The managers, and the names by which the peer delivers one event to a list of handlers."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any

import toolrun.callbacks
from toolrun.callbacks import *  # noqa: F403
from toolrun.callbacks._deliver_async import AsyncDelivery
from toolrun.callbacks._deliver_sync import SyncDelivery
from toolrun.callbacks._scope import Scope


def handle_event(handlers: list[Any], event: str, ignore_condition: str | None, *args: Any, **kwargs: Any) -> None:
    SyncDelivery(Scope(tuple(handlers))).deliver(event, args, kwargs)


async def ahandle_event(
    handlers: list[Any], event: str, ignore_condition: str | None, *args: Any, **kwargs: Any
) -> None:
    await AsyncDelivery(Scope(tuple(handlers))).send(event, args, kwargs)


async def _ahandle_event_for_handler(handler: Any, *args: Any, **kwargs: Any) -> None:
    await ahandle_event([handler], *args, **kwargs)


def trace_as_chain_group(name: str, callback_manager: Any = None, **kwargs: Any) -> AbstractContextManager[Any]:
    return toolrun.callbacks.trace_as_chain_group(name, callback_manager or _traced(), **kwargs)


def atrace_as_chain_group(name: str, callback_manager: Any = None, **kwargs: Any) -> AbstractAsyncContextManager[Any]:
    return toolrun.callbacks.atrace_as_chain_group(name, callback_manager or _traced(), **kwargs)


def _traced() -> Any:
    """The tracer that LangSmith attaches to a group, which is where the peer's tests hand in a handler."""
    from langchain_core.tracers import context

    return context._get_trace_callbacks()
