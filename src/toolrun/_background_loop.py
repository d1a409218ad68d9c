"""Long-lived event loops in daemon threads, for async code that sync callers need done.

    HANDLER_LOOP    async handlers of runs that a sync manager opened
    TOOL_LOOP       bodies of async-only tools that are called by `invoke`, batches of `run_all`

Two, so that a body that blocks its loop keeps no handler waiting, least of all one that it waits for itself. Each is
started on first use, and anew in a forked child.

Code on a background loop may itself wait for one, and so hold the loop that it runs on. While it does, marked by
`held`, that loop is out of service and another one takes its place: whoever waits for a background loop waits for one
that runs.
"""

from __future__ import annotations

import asyncio
import os
import threading
from asyncio import AbstractEventLoop
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


class BackgroundLoop:
    """The loops of one name; all that are not held by their own code are in service, the first is the one used."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._in_service: list[AbstractEventLoop] = []
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._in_service.clear()

    def loop(self) -> AbstractEventLoop:
        """A loop that runs, and is not the one in whose thread the code here runs: that may be about to be held."""
        return self._beside_this_one() or self._start()

    def _beside_this_one(self) -> AbstractEventLoop | None:
        here = asyncio._get_running_loop()
        for each in self._in_service:
            if each is not here:
                return each
        return None

    def _start(self) -> AbstractEventLoop:
        with self._lock:
            if (started_meanwhile := self._beside_this_one()) is not None:
                return started_meanwhile
            fresh = Context().run(asyncio.new_event_loop)  # the caller's context would keep its run alive
            _homes[fresh] = self
            threading.Thread(target=_serve, args=(fresh,), name=self.name, daemon=True).start()
            self._in_service.append(fresh)
            return fresh

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start the coroutine, from any thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run the coroutine to its end and wait for it; Ctrl-C cancels it."""
        with held():
            future = self.submit(coroutine)
            try:
                return future.result()
            except BaseException:
                if not future.done():
                    future.cancel()
                raise
            finally:
                del future  # or an error's traceback would hold this frame, and this frame the error

    def finish(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run the coroutine to its end; inside a running loop, only start it: that loop must not be held."""
        if asyncio._get_running_loop() is None:
            self.run(coroutine)
        else:
            self.submit(coroutine)

    @contextmanager
    def _without(self, loop: AbstractEventLoop) -> Iterator[None]:
        with self._lock:
            was_in_service = loop in self._in_service
            if was_in_service:
                self._in_service.remove(loop)
        try:
            yield
        finally:
            if was_in_service:
                with self._lock:
                    self._in_service.insert(0, loop)


_homes: dict[AbstractEventLoop, BackgroundLoop] = {}
HANDLER_LOOP = BackgroundLoop("toolrun-handler-loop")
TOOL_LOOP = BackgroundLoop("toolrun-tool-loop")


def held() -> AbstractContextManager[None]:
    """While the code inside waits, a background loop in whose thread it runs is out of service."""
    here = asyncio._get_running_loop()
    home = None if here is None else _homes.get(here)
    return _NOT_HELD if here is None or home is None else home._without(here)


_NOT_HELD = nullcontext()


def _serve(loop: AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    while True:
        try:
            loop.run_forever()
        except BaseException:  # a task raised SystemExit or KeyboardInterrupt: its future has it, the loop goes on
            continue
