"""A deadline wheel: one timer of the event loop for all runs on it, instead of one for each run.

Deadlines are put in slots of 5 ms, so putting one in and taking it out again, which is what happens to nearly all,
is a look into a dict. The loop has at most one timer pending, for the earliest slot. A deadline is met up to one
tick late, never early. A sync caller needs no wheel: it waits by itself, no longer than it may.
"""

from __future__ import annotations

import asyncio
import threading
import time
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextvars import Context
from typing import Any, Protocol

TICK = 0.005
"""Seconds."""

GRACE = 0.008
"""Seconds that a body has to stop by one means before the next one is tried; on a wheel it is two ticks."""

LATE = 0.050
"""Seconds after which a deadline comes too late: other threads keep the loop from running."""

_TICKS = 1 / TICK


class Expires(Protocol):
    """What a deadline is put on."""

    def expire(self) -> None:
        """Called in the wheel's thread when the deadline has come. It must not block."""
        ...


class Wheel:
    """The deadlines of one event loop, for use in its thread alone."""

    __slots__ = ("_call_later", "_next", "_slots", "_timer", "clock", "loop")

    def __init__(self, loop: AbstractEventLoop, clock: Callable[[], float] = time.monotonic) -> None:
        self.loop, self.clock = loop, clock
        self._call_later = loop.call_later
        self._slots: dict[int, set[Expires]] = {}
        self._next: float = float("inf")
        """The slot that the timer is set for."""
        self._timer: Any = None

    def __len__(self) -> int:
        return sum(map(len, self._slots.values()))

    def add(self, waits: Expires, seconds: float) -> int:
        """Have it expire in so many seconds; gives the slot, to be handed to `discard`."""
        slot = int((self.clock() + seconds) * _TICKS) + 1
        others = self._slots.get(slot)
        if others is not None:
            others.add(waits)
            return slot
        self._slots[slot] = {waits}
        if slot < self._next:
            self._set_timer(slot)
        return slot

    def discard(self, waits: Expires, slot: int) -> None:
        """Take it out again; nothing happens if it has expired."""
        others = self._slots.get(slot)
        if others is not None:
            others.discard(waits)
            if not others:
                del self._slots[slot]

    def hurry(self) -> None:
        """Called in another thread when the loop is late: whatever is overdue and can be helped along from there is."""
        now = self.clock() * _TICKS
        overdue = [waits for slot, waits in list(self._slots.items()) if slot < now]
        for waits in (each for slot in overdue for each in list(slot)):
            hurry = getattr(waits, "hurry", None)
            if hurry is not None:
                hurry()

    def _set_timer(self, slot: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._next = slot
        delay = max(0.0, slot * TICK - self.clock())
        self._timer = self._call_later(delay, self._turn, context=Context())  # the caller's keeps its run alive

    def _turn(self) -> None:
        self._timer, self._next = None, float("inf")
        now = self.clock() * _TICKS
        due = [self._slots.pop(slot) for slot in sorted(self._slots) if slot <= now]
        for waits in (each for slot in due for each in slot):
            waits.expire()
        if self._slots and (earliest := min(self._slots)) < self._next:
            self._set_timer(earliest)


class _Here(threading.local):
    wheel: Wheel | None = None


_here = _Here()


def wheel() -> Wheel:
    """The wheel of the running loop."""
    here = _here.wheel
    loop = asyncio.get_running_loop()
    if here is None or here.loop is not loop:
        here = _here.wheel = Wheel(loop)
    return here
