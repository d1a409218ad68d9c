"""Tools with a policy, for tests: `made(body, is_async, timeout=1)`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from toolrun import current_run, tool
from toolrun.tools import BaseTool

CALL = {"type": "tool_call", "id": "call-1", "name": "work", "args": {"x": 1}}


def made(body: Callable[[int], Any], is_async: bool, **options: Any) -> BaseTool:
    """A tool of the body, sync or async."""

    def work(x: int) -> Any:
        """Work."""
        return body(x)

    async def awork(x: int) -> Any:
        """Work."""
        await asyncio.sleep(0)
        return body(x)

    return tool("work", awork if is_async else work, **options)


both_bodies = pytest.mark.parametrize("is_async", [False, True], ids=["sync body", "async body"])


class Fails:
    """A body that fails so many times, then returns its argument."""

    def __init__(self, times: int, error: Exception | None = None) -> None:
        self.times, self.calls, self.error = times, 0, error or OSError("no")

    def __call__(self, x: int) -> int:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return x


def hang(x: int) -> None:
    run: Any = current_run()
    while not run.cancelled:
        time.sleep(0.001)
