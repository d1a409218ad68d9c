"""What an inline handler returns when a record takes time: an account that can be awaited, or settled at once.

The async driver awaits it, so that the loop goes on meanwhile and the run waits for its record. Where nothing can be
awaited, `at_once` does the work in the caller's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any

from toolrun._offload import HANDLER_POOL
from toolrun.callbacks._settle import Uncancellable, settle


class Later:
    """Work that is done in a thread of the handlers' pool. A cancel of who awaits it waits for its end."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work

    def at_once(self) -> None:
        """Do it here."""
        self._work()

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()

    async def _wait(self) -> None:
        done = Uncancellable(loop=asyncio.get_running_loop())
        HANDLER_POOL.start_for(done, self._work)
        cancelled = await settle([done])
        _, error = done.result()
        if cancelled is not None or error is not None:
            raise cancelled or error


class Acknowledged:
    """Waits for something that another thread will say is done."""

    __slots__ = ("_done",)

    def __init__(self, done: Future[bool]) -> None:
        self._done = done

    def at_once(self) -> None:
        """Wait here."""
        self._done.result()

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        done = Uncancellable(loop=loop)
        self._done.add_done_callback(lambda _: loop.call_soon_threadsafe(_tell, done))
        cancelled = await settle([done])
        if cancelled is not None:
            raise cancelled


def _tell(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
