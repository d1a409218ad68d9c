"""Tells the calls of an event loop when their workers have answered.

A call adds its socket and takes it out again within microseconds, for which `loop.add_reader` is slow. So the loop
watches one epoll of ours, and that watches the sockets.
"""

from __future__ import annotations

import asyncio
import select
import threading
from collections.abc import Callable
from contextvars import Context

Callback = Callable[[], object]


class Watch:
    """The sockets that calls of one loop wait at, for use in its thread alone."""

    __slots__ = ("_callbacks", "_epoll", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callback] = {}
        # In an empty context: the caller's, kept as long as the loop, would keep its run alive.
        Context().run(loop.add_reader, self._epoll.fileno(), self._turn)

    def add(self, fd: int, callback: Callback) -> None:
        """Call it whenever there is something to read."""
        self._callbacks[fd] = callback
        self._epoll.register(fd, select.EPOLLIN)

    def remove(self, fd: int) -> None:
        """Watch it no longer."""
        del self._callbacks[fd]
        self._epoll.unregister(fd)

    def _turn(self) -> None:
        for fd, _ in self._epoll.poll(0):
            callback = self._callbacks.get(fd)  # an earlier one may have removed it
            if callback is not None:
                callback()


class PlainWatch:
    """The same, where there is no epoll."""

    __slots__ = ("add", "loop", "remove")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.add: Callable[[int, Callback], object] = loop.add_reader
        self.remove: Callable[[int], object] = loop.remove_reader


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
