"""Progress on its way from the server's loop to that of the caller.

Bounded: of a server that tells more than its caller can take, the oldest is left out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
Progress = tuple[float, float | None, str | None]

BOUND = 100


class Mail:
    """What one caller has not had yet."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Progress] = deque(maxlen=BOUND)
        self._came = asyncio.Event()
        self._is_announced = False

    def put(self, progress: float, total: float | None, message: str | None) -> None:
        """From any thread."""
        self._waiting.append((progress, total, message))
        if not self._is_announced:
            self._is_announced = True
            with suppress(RuntimeError):  # the caller's loop is closed
                self._loop.call_soon_threadsafe(self._came.set)

    async def until(self, answer: Future[T], tell: Callable[..., Awaitable[None]]) -> T:
        """The answer, once it is there; meanwhile tell what comes. Cancelled, it cancels what works on the answer."""
        awaited = asyncio.wrap_future(answer)
        awaited.add_done_callback(lambda _: self._came.set())
        try:
            while not awaited.done():
                await self._came.wait()
                await self._tell_all(tell)
            await self._tell_all(tell)
            return awaited.result()
        finally:
            awaited.cancel()

    async def _tell_all(self, tell: Callable[..., Awaitable[None]]) -> None:
        self._came.clear()
        self._is_announced = False
        while self._waiting:
            await tell(*self._waiting.popleft())
