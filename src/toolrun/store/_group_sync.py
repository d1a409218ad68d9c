"""One `fdatasync` for all who wait for one: at most every 10 ms, and at once after a pause."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

EVERY_SECONDS = 0.010
IDLE_SECONDS = 2.0


class GroupSync:
    """Calls `sync` in a thread of its own, for everybody who has asked until then."""

    def __init__(self, sync: Callable[[], bool]) -> None:
        self._sync = sync
        self._changed = threading.Condition(threading.Lock())
        self._waiting: list[Future[bool]] = []
        self._runs = False
        self._last = 0.0

    def request(self) -> Future[bool]:
        """A future for the next call that begins from now on."""
        future: Future[bool] = Future()
        with self._changed:
            self._waiting.append(future)
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._work, name="toolrun-sync", daemon=True).start()
            self._changed.notify()
        return future

    def _work(self) -> None:
        while self._wait():
            time.sleep(max(0.0, self._last + EVERY_SECONDS - time.monotonic()))
            self._last = time.monotonic()
            with self._changed:
                waiting, self._waiting = self._waiting, []
            done = self._sync()
            for future in waiting:
                future.set_result(done)

    def _wait(self) -> bool:
        """Wait for somebody to ask; False if nobody has for a while, and the thread may go."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(IDLE_SECONDS)
            self._runs = bool(self._waiting)
            return self._runs
