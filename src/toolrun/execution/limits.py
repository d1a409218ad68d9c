"""Limits: how many calls run at once, and how many begin in a second. Sync and async callers share them.

A slot is an item of a list. Taking one is `list.pop`, which is atomic, so no lock is needed as long as there are slots.
A caller that finds none puts itself in line and then looks again; one that gives a slot back puts it in the list and
then looks whether someone waits. Each writes before it reads, so one of the two sees the other, and only then the lock
is taken. Nobody takes a slot while others wait: the line is first come, first served.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any
from weakref import WeakSet

from toolrun._background_loop import HANDLER_LOOP

LIMITS: WeakSet[Limit] = WeakSet()
"""All there are, for statistics."""


class _Waiter:
    """A caller in line; `wake` lets it go on."""

    __slots__ = ("served", "wake")

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        self.served = False


class Limit:
    """So many slots. `with limit:` and `async with limit:` hold one."""

    def __init__(self, slots: int) -> None:
        self._free: list[None] = [None] * slots
        self._line: OrderedDict[_Waiter, None] = OrderedDict()
        self._lock = threading.Lock()
        LIMITS.add(self)

    @property
    def waiting(self) -> int:
        """How many callers are in line."""
        return len(self._line)

    def try_acquire(self) -> bool:
        """Take a slot if there is one and nobody waits for it."""
        if self._line:
            return False
        try:
            self._free.pop()
        except IndexError:
            return False
        self._taken()
        return True

    def acquire(self) -> None:
        """Take a slot, waiting in line for it."""
        if self.try_acquire():
            return
        turn = threading.Lock()
        turn.acquire()
        waiter = self._stand_in_line(turn.release)
        try:
            turn.acquire()
        except BaseException:
            self._leave_line(waiter)
            raise

    async def aacquire(self) -> None:
        """The async twin of `acquire`."""
        if self.try_acquire():
            return
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        waiter = self._stand_in_line(lambda: _wake(loop, turn))
        try:
            await turn
        except BaseException:
            self._leave_line(waiter)
            raise

    def release(self) -> None:
        """Give a slot back."""
        self._free.append(None)
        if self._line:
            with self._lock:
                self._serve()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()

    async def __aenter__(self) -> None:
        await self.aacquire()

    async def __aexit__(self, *error: object) -> None:
        self.release()

    def _stand_in_line(self, wake: Callable[[], None]) -> _Waiter:
        waiter = _Waiter(wake)
        with self._lock:
            self._line[waiter] = None
            self._serve()
        return waiter

    def _leave_line(self, waiter: _Waiter) -> None:
        """Called by a waiter that is cancelled; a slot that it has got meanwhile goes to the next."""
        with self._lock:
            self._line.pop(waiter, None)
        if waiter.served:
            self._return_unused()

    def _return_unused(self) -> None:
        self.release()

    def _serve(self) -> None:
        """Give free slots to those who wait. Called under the lock."""
        while self._line:
            try:
                self._free.pop()
            except IndexError:
                return
            waiter, _ = self._line.popitem(last=False)
            waiter.served = True
            self._taken()
            waiter.wake()

    def _taken(self) -> None:
        """A slot was taken."""


class RateLimit(Limit):
    """So many slots a second: a slot comes back by itself, a period after it was taken.

    In any period no more than `slots` are taken: `rate` and a second if the rate is a whole number; else the next
    whole number, and the time that makes it that rate.
    """

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], Any] | None = None,
    ) -> None:
        """`later` calls a function in so many seconds, in any thread."""
        slots = math.ceil(rate)
        super().__init__(slots)
        self.period = slots / rate
        self._clock, self._later = clock, later or _later
        self._used: deque[float] = deque()
        """When the slots that are taken come back."""
        self._is_due = False

    def release(self) -> None:
        """Nothing is given back but by time."""

    def try_acquire(self) -> bool:
        """Take a slot if there is one; only when the list is empty is it looked for those that are back."""
        if super().try_acquire():
            return True
        if self._line:
            return False
        with self._lock:
            self._restock()
        return super().try_acquire()

    def _taken(self) -> None:
        self._used.append(self._clock() + self.period)

    def _return_unused(self) -> None:
        with self._lock:
            if self._used:
                self._used.pop()
            self._free.append(None)
            self._serve()

    def _serve(self) -> None:
        self._restock()
        super()._serve()
        if self._line and not self._is_due:
            self._is_due = True
            self._later(max(0.0, self._used[0] - self._clock()) if self._used else 0.001, self._come_back)

    def _restock(self) -> None:
        now = self._clock()
        while self._used and self._used[0] <= now:
            self._used.popleft()
            self._free.append(None)

    def _come_back(self) -> None:
        with self._lock:
            self._is_due = False
            self._serve()


def _later(seconds: float, function: Callable[[], None]) -> None:
    loop = HANDLER_LOOP.loop()
    Context().run(loop.call_soon_threadsafe, loop.call_later, seconds, function)  # the caller's keeps its run alive


def _wake(loop: asyncio.AbstractEventLoop, turn: asyncio.Future[None]) -> None:
    def set_result() -> None:
        if not turn.done():
            turn.set_result(None)

    with suppress(RuntimeError):  # the loop is closed, and its waiters were cancelled: they leave the line themselves
        loop.call_soon_threadsafe(set_result)
