"""The watchdog: says which tool or handler holds an event loop, while it still does.

While runs are in flight on a loop, a timer of that loop beats; one thread looks whether the beats are late. If one is,
it reads the frames of the loop's thread (`_culprit`) and reports: at once as a warning of the logger
`toolrun.watchdog`, then as the run's next event, `on_loop_blocked(seconds, stack)`, and in `reports()`.

A run costs two additions; nothing is registered for it. A loop that is late because it has much to do is not blocked:
the same call must be found there twice. C code that holds the GIL holds the watchdog too, and is reported the moment
it returns.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import deque
from time import monotonic

from toolrun.errors import ToolrunError
from toolrun.execution._beats import LoopBlocked, Watch
from toolrun.execution._culprit import Called, job_called, reads

__all__ = [
    "Called",
    "InvalidThreshold",
    "LoopBlocked",
    "Watch",
    "job_called",
    "reads",
    "watch_this_loop",
    "watchdog",
]

logger = logging.getLogger("toolrun.watchdog")

THRESHOLD = 0.1
"""Seconds for which a loop may be held before that is reported, unless said otherwise."""

REPORTS_KEPT = 100
_PATIENCE = 40  # looks at nothing before the thread goes to sleep until it is woken


class InvalidThreshold(ToolrunError, ValueError):
    """The threshold of the watchdog is no positive number of seconds."""

    def __init__(self, threshold: object) -> None:
        self.threshold = threshold
        super().__init__(f"the watchdog's threshold is a number of seconds above 0, or None for off; not {threshold!r}")


class Watchdog:
    """The thread that looks at the beats of all loops, and what it has seen. There is one in a process."""

    def __init__(self, threshold: float | None) -> None:
        self.threshold = threshold
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._watches: set[Watch] = set()
        self._reports: deque[LoopBlocked] = deque(maxlen=REPORTS_KEPT)
        self._thread: threading.Thread | None = None
        self._sleeping = False
        self._wake = threading.Event()
        self._starting = threading.Lock()

    def __call__(self, *, threshold: float | None) -> None:
        """Report whatever holds a loop for longer than `threshold` seconds; None turns the watchdog off."""
        if threshold is not None and not threshold > 0:
            raise InvalidThreshold(threshold)
        self.threshold = threshold

    def reports(self) -> list[LoopBlocked]:
        """The last times that a loop was held, oldest first."""
        return list(self._reports)

    def take_on(self, watch: Watch) -> None:
        """Look at these beats from now on; called in the loop's thread."""
        self._watches.add(watch)
        if self._thread is None:
            self._start()
        elif self._sleeping:
            self._wake.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="toolrun-watchdog", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        idle, last = 0, monotonic()
        while True:
            threshold = THRESHOLD if self.threshold is None else self.threshold
            time.sleep(threshold / 4)
            stalled, last = monotonic() - last > threshold, monotonic()
            for watch in [*self._watches]:
                self._look(watch, threshold, stalled)
            idle = 0 if self._watches else idle + 1
            if idle > _PATIENCE:
                self._sleep()
                idle, last = 0, monotonic()

    def _sleep(self) -> None:
        self._sleeping = True
        if not self._watches:
            self._wake.wait()
        self._sleeping = False
        self._wake.clear()

    def _look(self, watch: Watch, threshold: float, stalled: bool) -> None:
        if not watch.armed or not watch.loop.is_running():
            watch.last_seen = None
            self._watches.discard(watch)  # a loop that runs again takes itself on with its next beat
            return
        try:
            watch.hurry()
            blocked = watch.look(threshold, stalled)
        except Exception:  # the frames of a running thread change while they are read
            logger.debug("a look at a loop failed", exc_info=True)
            return
        if blocked is not None:
            self._reports.append(blocked)
            logger.warning("%s", blocked)


def _threshold_of(text: str | None) -> float | None:
    if text is None:
        return THRESHOLD
    if text.lower() in ("", "0", "off", "no", "none", "false"):
        return None
    try:
        threshold = float(text)
    except ValueError:
        raise InvalidThreshold(text) from None
    if not threshold > 0:
        raise InvalidThreshold(text)
    return threshold


watchdog = Watchdog(_threshold_of(os.environ.get("TOOLRUN_WATCHDOG")))
"""`toolrun.watchdog(threshold=...)`; the environment variable `TOOLRUN_WATCHDOG` has seconds, or `off`."""


class _Here(threading.local):
    watch: Watch | None = None


_here = _Here()


def watch_this_loop() -> Watch:
    """The watch of the running loop, beating. Add one to its `runs`, and take it away when the run is over."""
    watch = _here.watch
    loop = asyncio.get_running_loop()
    if watch is None or watch.loop is not loop:
        watch = _here.watch = Watch(loop, watchdog)
    if not watch.armed:
        watch.arm()
    return watch
