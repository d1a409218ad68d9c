"""The parent's end of one worker. Whoever has taken it from the pool is its only user."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections.abc import Hashable
from concurrent.futures import Future

from toolrun.execution.processes._frames import EXIT, HELLO, Decoder, Frame, exit_code_of

_CHUNK = 1 << 16
_KNOWN_BODIES = 256


class Worker:
    """A worker process: written to, read from, killed. Nothing here waits, but for `wait`."""

    __slots__ = (
        *("_decoder", "_known", "_poll", "_sock", "exit_code", "fd"),
        *("gone", "parting", "pid", "sessions", "waiting"),
    )

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self.fd = sock.fileno()
        self._poll: select.poll | None = None
        self._decoder = Decoder()
        self._known: set[int] = set()
        self.pid: int | None = None
        """None until the worker has said it."""
        self.exit_code: int | None = None
        """None as long as it is not known."""
        self.gone = False
        """Whether nothing more is to be had from it."""
        self.parting = b""
        """What it is to be told with its next call: sessions that have ended."""
        self.sessions: set[Hashable] = set()
        """The sessions that live here."""
        self.waiting: list[tuple[Hashable, Future[Worker]]] = []
        """Calls of those sessions that wait for this very worker."""

    def needs(self, number: int) -> bool:
        """Whether the worker does not know this body yet; from now on it does."""
        if number in self._known:
            return False
        if len(self._known) >= _KNOWN_BODIES:
            self._known.clear()  # the worker drops what it has in the same way, when it gets this one
        self._known.add(number)
        return True

    def send(self, data: bytes | memoryview) -> memoryview | None:
        """Send what goes out without waiting; returns the rest. Raises OSError when the worker is gone."""
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        return memoryview(data)[sent:] if sent < len(data) else None

    def receive(self) -> list[Frame]:
        """The frames that have come, none if there is nothing to read; afterwards it may be `gone`."""
        try:
            data = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if data:
            frames = self._decoder.feed(data)
        else:
            self.gone = True
            frames = self._decoder.last()
        return [each for each in frames if not self._concerns_worker(each)]

    def _concerns_worker(self, frame: Frame) -> bool:
        kind, payload = frame
        if kind == HELLO:
            self.pid = int.from_bytes(payload, "little")
        elif kind == EXIT:
            self.exit_code = exit_code_of(payload)
            self.gone = True
        else:
            return False
        return True

    def wait(self, seconds: float | None, to_write: bool = False) -> None:
        """Hold the thread until there is something to read, or room to write, or the time is over."""
        milliseconds = None if seconds is None else max(0.0, seconds * 1000)
        if to_write:
            poll = select.poll()
            poll.register(self.fd, select.POLLIN | select.POLLOUT)
        else:
            poll = self._poll = self._poll or self._new_poll()
        poll.poll(milliseconds)

    def _new_poll(self) -> select.poll:
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return poll

    def kill(self) -> None:
        """Kill it, with all processes that it has started, and close its socket.

        One that has not said its id yet has not begun, and ends when it finds its socket closed.
        """
        if self.pid is None:
            self.receive()
        self.gone = True
        if self.pid is not None and self.exit_code is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """Let it go: an idle worker ends when its socket closes."""
        self.gone = True
        self._sock.close()
