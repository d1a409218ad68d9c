"""The parent's end of one worker. Whoever has taken it from the pool is its only user."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections import deque
from collections.abc import Hashable

from toolrun.execution.processes._frames import EXIT, HELLO, KNOWN_BODIES, LOADED, Decoder, Frame, exit_code_of
from toolrun.execution.processes._ticket import Ticket

_MOMENT = 0.00005
"""Seconds."""

_SELECTABLE = 1024  # `select` knows no higher descriptors, and `poll` no microseconds


class Worker:
    """A worker process: written to, read from, killed. Nothing here waits, but for `wait` and `answers_at_once`."""

    __slots__ = (
        *("_decoder", "_known", "_poll", "_sock", "exit_code", "fd"),
        *("gone", "loaded", "parting", "pid", "sessions", "waiting", "was_quick"),
    )

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self.fd = sock.fileno()
        self._poll: select.poll | None = None
        self._decoder = Decoder()
        self._known: set[int] = set()
        self.loaded: set[int] = set()
        """Bodies that it has said it has."""
        self.pid: int | None = None
        """None until the worker has said it."""
        self.exit_code: int | None = None
        """None as long as it is not known."""
        self.was_quick = False
        """Whether its last answer came in no time."""
        self.gone = False
        """Whether nothing more is to be had from it."""
        self.parting = b""
        """What it is to be told before its next call."""
        self.sessions: set[Hashable] = set()
        """The sessions that live here."""
        self.waiting: deque[Ticket] = deque()
        """Calls of those sessions that wait for this very worker."""

    def needs(self, number: int) -> bool:
        """Whether the worker does not know this body yet; from now on it does."""
        if number in self._known:
            return False
        if len(self._known) >= KNOWN_BODIES:
            self._known.clear()
            self.loaded.clear()
        self._known.add(number)
        return True

    def send(self, data: bytes | memoryview) -> memoryview | None:
        """Send what goes out without waiting; returns the rest. Raises OSError when the worker is gone."""
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        return memoryview(data)[sent:] if sent < len(data) else None

    def tell(self, data: bytes) -> None:
        """Send what needs no answer, now or before the next call."""
        self.parting += data
        with contextlib.suppress(OSError):  # it has died: the next call finds out
            self.parting = bytes(self.send(self.parting) or b"")

    def send_rest(self, rest: memoryview) -> memoryview | None:
        """Send more of what did not go out at once. That the worker is gone is told by reading."""
        try:
            return self.send(rest)
        except OSError:
            return None

    def receive(self) -> list[Frame]:
        """The frames that have come, none if there is nothing to read; afterwards it may be `gone`."""
        try:
            data = self._sock.recv(self._decoder.room)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if data:
            return self._decoder.feed(data)
        self.gone = True
        return self._decoder.last()

    def hear(self, kind: int, payload: bytes) -> None:
        """Take note of a frame that is about the worker itself, not about its call."""
        if kind == HELLO:
            self.pid = int.from_bytes(payload, "little")
        elif kind == LOADED:
            self.loaded.add(int.from_bytes(payload, "little"))
        elif kind == EXIT:
            self.exit_code = exit_code_of(payload)
            self.gone = True

    def has_spoken(self) -> bool:
        """Whether it is there, or gone; may be asked by any thread, for it reads nothing."""
        return self.pid is not None or self.gone or bool(_readable(self.fd).poll(0))

    def answers_at_once(self) -> bool:
        """Whether there is something to read within a moment; holds the thread for so long."""
        return self.fd < _SELECTABLE and bool(select.select((self.fd,), (), (), _MOMENT)[0])

    def wait(self, seconds: float | None, to_write: bool = False) -> None:
        """Hold the thread until there is something to read, or room to write, or the time is over."""
        poll = self._poll
        if to_write:
            poll = select.poll()
            poll.register(self.fd, select.POLLIN | select.POLLOUT)
        elif poll is None:
            poll = self._poll = _readable(self.fd)
        poll.poll(None if seconds is None else max(0.0, seconds * 1000))

    def kill(self) -> None:
        """Kill it, with all processes that it has started, and close its socket.

        One that has not said its id yet has not begun, and ends when it finds its socket closed.
        """
        if self.pid is None:
            for kind, payload in self.receive():
                self.hear(kind, payload)
        self.gone = True
        if self.pid is not None and self.exit_code is None:
            _hurry(self.pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Let it go: an idle worker ends when its socket closes."""
        self.gone = True
        self._sock.close()


def _readable(fd: int) -> select.poll:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return poll


def _hurry(pid: int) -> None:
    """A nice process is slow to die, too: it has to have its turn for that. Only the privileged may help it."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PGRP, pid, os.getpriority(os.PRIO_PROCESS, 0))
