"""Tells the calls of an event loop when their workers have answered.

A call waits at its socket for microseconds, for which `loop.add_reader` is slow. So the loop watches one epoll of ours,
and that watches the sockets: each of them once, then it has to be asked again.
"""

from __future__ import annotations

import asyncio
import select
import threading
from collections.abc import Callable
from contextvars import Context

Callback = Callable[[], object]

_ONCE = getattr(select, "EPOLLIN", 0) | getattr(select, "EPOLLONESHOT", 0)


class BaseWatch:
    """What there is for one loop, for use in its thread alone."""

    __slots__ = ("_answered", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._answered = 0

    def has_answered_often(self, times: int) -> bool:
        """Count a call that did not suspend; whether this is so many of them."""
        self._answered = (self._answered + 1) % times
        return self._answered == 0


class Watch(BaseWatch):
    """The sockets that calls of one loop wait at."""

    __slots__ = ("_callbacks", "_epoll")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callback] = {}
        # In an empty context: the caller's, kept as long as the loop, would keep its run alive.
        Context().run(loop.add_reader, self._epoll.fileno(), self._turn)

    def add(self, fd: int, callback: Callback) -> None:
        """Call it once, when there is something to read."""
        self._callbacks[fd] = callback
        try:
            self._epoll.modify(fd, _ONCE)
        except FileNotFoundError:  # it is new here
            self._epoll.register(fd, _ONCE)

    def remove(self, fd: int) -> None:
        """Watch it no longer."""
        self._callbacks.pop(fd, None)

    def _turn(self) -> None:
        for fd, _ in self._epoll.poll(0):
            callback = self._callbacks.pop(fd, None)  # an earlier one may have removed it
            if callback is not None:
                callback()


class PlainWatch(BaseWatch):
    """The same, where there is no epoll."""

    __slots__ = ("remove",)

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.remove: Callable[[int], object] = loop.remove_reader

    def add(self, fd: int, callback: Callback) -> None:
        """Call it once, when there is something to read."""
        self.loop.add_reader(fd, self._turn, fd, callback)

    def _turn(self, fd: int, callback: Callback) -> None:
        self.remove(fd)
        callback()


_new_watch = Watch if hasattr(select, "epoll") else PlainWatch


class _Here(threading.local):
    watch: Watch | PlainWatch | None = None


_here = _Here()


def watch() -> Watch | PlainWatch:
    """The watch of the running loop."""
    here, loop = _here.watch, asyncio.get_running_loop()
    if here is None or here.loop is not loop:
        here = _here.watch = _new_watch(loop)
    return here
