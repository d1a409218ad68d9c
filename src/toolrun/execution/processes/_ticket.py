"""A place in line for a worker."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolrun.execution.processes._worker import Worker


class Ticket:
    """Waits for a worker, in a thread or on an event loop. The pool settles it, under its lock."""

    __slots__ = ("_wake", "error", "session", "settled", "withdrawn", "worker")

    def __init__(self, session: Hashable | None) -> None:
        self.session = session
        self.worker: Worker | None = None
        self.error: BaseException | None = None
        self.settled = self.withdrawn = False
        self._wake: Callable[[], object] | None = None

    def settle(self, worker: Worker | None, error: BaseException | None = None) -> None:
        """Give it a worker, or say why it gets none."""
        self.worker, self.error, self.settled = worker, error, True
        wake = self._wake  # set before `settled` is looked at: one of both sides sees the other
        if wake is not None:
            wake()

    def wait(self) -> Worker:
        """Hold the thread until it is settled."""
        settled = threading.Event()
        self._wake = settled.set
        if not self.settled:
            settled.wait()
        return self._given()

    async def waited(self) -> Worker:
        """Wait until it is settled while the loop goes on."""
        loop = asyncio.get_running_loop()
        settled = loop.create_future()

        def set_settled() -> None:
            if not settled.done():
                settled.set_result(None)

        def wake() -> None:
            if asyncio._get_running_loop() is loop:
                set_settled()
            else:
                with contextlib.suppress(RuntimeError):  # it is closed: the coroutine that waited gives back in the end
                    loop.call_soon_threadsafe(set_settled)

        self._wake = wake
        if not self.settled:
            await settled
        return self._given()

    def _given(self) -> Worker:
        if self.error is not None:
            raise self.error
        assert self.worker is not None
        return self.worker
