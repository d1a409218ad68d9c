"""The worker: takes a call, runs it, answers; one at a time, until the parent closes the socket.

Bodies run in the main thread, async ones on a loop of the worker's own. Only the bytes of events may come from other
threads, so writing is under a lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import resource
import socket
import sys
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from threading import Lock
from time import monotonic
from types import CoroutineType
from typing import Any

from toolrun.callbacks.context import run_context
from toolrun.execution.body import Body
from toolrun.execution.carried import set_carried
from toolrun.execution.processes import _forward
from toolrun.execution.processes._frames import (
    BEGAN,
    CALL,
    DROP,
    EVENT,
    HELLO,
    KNOWN_BODIES,
    LOAD,
    LOADED,
    RAISE,
    REFUSE,
    RETURN,
    TOOK,
    Decoder,
    Frame,
    frame,
    time_frame,
)
from toolrun.execution.processes._pickling import culprit, dump_or_show, dump_value, load_value, sendable_error, told
from toolrun.execution.processes._shipping import unpacked
from toolrun.execution.processes.sessions import Member, drop_session


def serve(sock: socket.socket) -> None:
    """Serve the parent at the other end."""
    server = Server(sock)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the parent does not wait any more
        server.send(frame(HELLO, os.getpid().to_bytes(4, "little")))
        for kind, payload in server.frames():
            if kind == LOAD:
                server.load(payload)
            elif kind == CALL:
                server.call(payload)
            elif kind == DROP:
                drop_session(pickle.loads(payload))


class Server:
    """One worker at work."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._writing = Lock()
        self._bodies: dict[int, Body | BaseException] = {}
        self._calls = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def send(self, data: bytes) -> None:
        with self._writing:
            self._sock.sendall(data)

    def frames(self) -> Iterator[Frame]:
        """What the parent sends, until it goes."""
        decoder = Decoder()
        while True:
            data = self._sock.recv(decoder.room)
            if not data:
                return
            yield from decoder.feed(data)

    def load(self, payload: bytes) -> None:
        """Learn a body. Why one cannot be had is told by the call that asks for it."""
        if len(self._bodies) >= KNOWN_BODIES:
            self._bodies.clear()
        number, body = unpacked(payload)
        try:
            self._bodies[number] = body()
        except BaseException as error:
            self._bodies[number] = error
        self.send(frame(LOADED, payload[:8]))

    def call(self, payload: bytes) -> None:
        """Run a call and say what it came to."""
        target, facts, memory_limit, is_timed, *given = pickle.loads(payload)
        began = monotonic()
        if is_timed:
            self.send(time_frame(BEGAN, began))
        try:
            if memory_limit is None:
                value = self._value(target, facts, *given)
            else:
                with limited_memory(memory_limit):
                    value = self._value(target, facts, *given)
            took = monotonic() - began
            answer = _answer(value)
        except BaseException as error:
            took = monotonic() - began
            answer = _failure(error)
        if is_timed:
            answer = time_frame(TOOK, took) + answer
        _flush()
        with self._writing:
            self._calls += 1  # nothing that belongs to this call is sent any more
            self._sock.sendall(answer)

    def _body(self, target: Any) -> Body:
        if type(target) is tuple:
            return Member(*target).body()
        body = self._bodies[target]
        if isinstance(body, BaseException):
            raise body
        return body

    def _value(self, target: Any, facts: Any, carried: bytes | None, args: Any, kwargs: Any) -> Any:
        body = self._body(target)
        run = _forward.begin_run(facts, self._event_sender, self._event_loop() if body.is_async else None)
        if kwargs is None:
            args, kwargs = load_value(args)
        context = copy_context() if run is None else run_context(run)
        if carried is not None:
            context.run(set_carried, load_value(carried))
        result = context.run(body.call, *args, **kwargs)
        return self._awaited(result, context) if type(result) is CoroutineType else result

    def _awaited(self, coroutine: Any, context: Context) -> Any:
        loop = self._event_loop()
        return loop.run_until_complete(loop.create_task(coroutine, context=context))

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        return self._loop

    def _event_sender(self) -> Callable[[Any], None]:
        """Sends events of the call that begins now; what threads that it leaves behind say later, is not sent."""
        call = self._calls

        def send(event: Any) -> None:
            data = frame(EVENT, dump_or_show(event))
            with self._writing:
                if call == self._calls:
                    self._sock.sendall(data)

        return send


def _answer(value: Any) -> bytes:
    try:
        return frame(RETURN, dump_value(value))
    except Exception as error:
        way, thing = culprit(value, "the result") or ("the result", value)
        return _refusal(way, thing, error)


def _refusal(way: str, thing: Any, error: BaseException) -> bytes:
    return frame(REFUSE, pickle.dumps((way, type(thing).__qualname__, f"{type(error).__name__}: {error}")))


def _failure(error: BaseException) -> bytes:
    return frame(RAISE, dump_value((sendable_error(error), told(error))))


def _flush() -> None:
    """What bodies print is seen when their call ends, not when the worker does."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except Exception:  # closed, or replaced by the body
        pass


@contextlib.contextmanager
def limited_memory(limit: int | None) -> Iterator[None]:
    """Let the body take this many bytes more than the worker has now; beyond them it meets a MemoryError."""
    if limit is None:
        yield
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + limit, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _address_space() -> int:
    """How many bytes of addresses this process has taken; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as facts:
            return int(facts.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0
