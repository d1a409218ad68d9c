"""Abilities that can be taken away from who is under test, to find the tests that need them.

A test that still passes when nothing is ever dispatched and no tool ever runs says nothing about either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Do nothing in place of a function."""


async def _nothing_async(*args: Any, **kwargs: Any) -> None:
    """Do nothing in place of a coroutine function."""


def _refuse(*args: Any, **kwargs: Any) -> None:
    """Refuse in place of a tool's run: returning nothing would satisfy a test that looks at nothing."""
    raise RuntimeError("tools never run here")


def _stop_dispatch_of_langchain() -> None:
    from langchain_core.callbacks import manager

    manager.handle_event = _nothing
    manager.ahandle_event = manager._ahandle_event_for_handler = _nothing_async


def _stop_tools_of_langchain() -> None:
    from langchain_core.tools.base import BaseTool

    BaseTool.run = BaseTool.arun = _refuse


def _stop_dispatch_of_toolrun() -> None:
    from toolrun.callbacks._deliver_async import AsyncDelivery
    from toolrun.callbacks._deliver_sync import SyncDelivery

    for delivery in (SyncDelivery, AsyncDelivery):
        delivery.deliver = delivery.deliver_at_once = _nothing
        delivery.send = _nothing_async


def _stop_tools_of_toolrun() -> None:
    from toolrun.tools import BaseTool

    BaseTool.invoke = BaseTool.ainvoke = BaseTool.run = BaseTool.arun = _refuse


def _stop_road_of_toolrun() -> None:
    from toolrun.interop.langchain import _road

    _road.run_call = _road.arun_call = _refuse


KNOCKOUTS: dict[str, dict[str, Callable[[], None]]] = {
    "langchain": {"dispatch": _stop_dispatch_of_langchain, "tools": _stop_tools_of_langchain},
    "toolrun": {"dispatch": _stop_dispatch_of_toolrun, "tools": _stop_tools_of_toolrun},
    "installed": {"dispatch": _stop_dispatch_of_toolrun, "tools": _stop_road_of_toolrun},
}
"""By who is under test: without `dispatch` no event reaches any handler, without `tools` no tool ever runs."""
