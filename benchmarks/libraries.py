"""The two libraries under one face, and the tools and handlers that they are measured with.

Both use the same names, so a subject is written once; langchain-core is a development dependency and may be absent.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

from benchmarks.harness import OURS, PEER, Measure, per_run

ARGUMENTS = {"a": 1, "b": 2}


@dataclass(frozen=True)
class Library:
    """A library's callbacks and tools, with what the benchmarks make of them."""

    name: str
    callbacks: ModuleType
    tools: ModuleType

    def sync_handlers(self, count: int, **attributes: bool) -> list[Any]:
        base = self.callbacks.BaseCallbackHandler
        return [type("Listener", (base,), attributes | SYNC_EVENTS)() for _ in range(count)]

    def async_handlers(self, count: int) -> list[Any]:
        base = self.callbacks.AsyncCallbackHandler
        return [type("AsyncListener", (base,), ASYNC_EVENTS)() for _ in range(count)]

    def tool(self, function: Any) -> Any:
        return self.tools.tool(function)


def load(name: str) -> Library:
    return Library(name, import_module(f"{name}.callbacks"), import_module(f"{name}.tools"))


def libraries() -> list[Library]:
    """langchain-core, when it is installed, and ours."""
    try:
        return [load(PEER), load(OURS)]
    except ModuleNotFoundError as missing:
        if missing.name != PEER:
            raise
        return [load(OURS)]


def yardstick() -> Measure | None:
    """langchain-core's bare `tool.invoke`, if it is installed: how fast is this machine, now?"""
    peer = next((library for library in libraries() if library.name == PEER), None)
    return per_run(partial(peer.tool(add).invoke, ARGUMENTS)) if peer else None


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


async def async_add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


async def nap(a: int, b: int) -> int:
    """Adds two numbers, after ten milliseconds."""
    await asyncio.sleep(0.01)
    return a + b


def block(a: int, b: int) -> int:
    """Adds two numbers, and holds its thread for a tenth of a second."""
    time.sleep(0.1)
    return a + b


def _start(self: object, serialized: Any, input_str: str, **kwargs: Any) -> None:
    """Sees the start."""


def _end(self: object, output: Any, **kwargs: Any) -> None:
    """Sees the end."""


async def _async_start(self: object, serialized: Any, input_str: str, **kwargs: Any) -> None:
    """Sees the start."""


async def _async_end(self: object, output: Any, **kwargs: Any) -> None:
    """Sees the end."""


SYNC_EVENTS = {"on_tool_start": _start, "on_tool_end": _end}
ASYNC_EVENTS = {"on_tool_start": _async_start, "on_tool_end": _async_end}
