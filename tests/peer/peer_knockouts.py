"""Abilities that can be taken away from the peer, to find the tests that need them.

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


def stop_dispatch() -> None:
    """No event reaches any handler."""
    from langchain_core.callbacks import manager

    manager.handle_event = _nothing
    manager.ahandle_event = manager._ahandle_event_for_handler = _nothing_async


def stop_tools() -> None:
    """No tool ever runs."""
    from langchain_core.tools.base import BaseTool

    BaseTool.run = BaseTool.arun = _refuse


KNOCKOUTS: dict[str, Callable[[], None]] = {"dispatch": stop_dispatch, "tools": stop_tools}
