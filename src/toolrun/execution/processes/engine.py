"""The process engine: sync callers hold their thread at the worker's socket, async ones have their loop watch it.

Everything between is in `_exchange`; both drivers only send, wait, and tell events. A caller that stops waiting, for
whatever reason, has the worker killed: nobody is left to take its answer.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import socket
import sys
import weakref
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any

from toolrun.execution.body import Body
from toolrun.execution.deadlines import wheel
from toolrun.execution.job import Job
from toolrun.execution.processes._exchange import Exchange, NotStarted
from toolrun.execution.processes._launcher import LAUNCHER
from toolrun.execution.processes._pool import Pool
from toolrun.execution.processes._relay import Relay
from toolrun.execution.processes._worker import Worker
from toolrun.execution.processes.errors import NoWorkers
from toolrun.execution.processes.sessions import Tools, make_session

_MANY_EVENTS = 256
"""Events that wait to be told before the loop stops reading: then the worker has to wait."""


class ProcessEngine:
    """Runs every body in a worker process, `limit` at once, by default twice as many as there are processors."""

    name = "processes"

    def __init__(self, limit: int | None = None) -> None:
        self._pool = Pool(LAUNCHER.launch, limit or 2 * len(os.sched_getaffinity(0)))
        _engines.add(self)

    @property
    def limit(self) -> int:
        """How many bodies run at once."""
        return self._pool.limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._pool.limit = limit

    def run(self, job: Job) -> Any:
        """Run the job in a worker and wait for it."""
        exchange = Exchange(job)
        while True:
            worker = self._taken(job)
            try:
                return _converse(exchange, worker)
            except NotStarted:
                continue
            finally:
                self._pool.give_back(worker)

    async def arun(self, job: Job) -> Any:
        """Run the job in a worker while the event loop goes on."""
        exchange = Exchange(job)
        while True:
            worker = self._pool.take(job.session)
            if isinstance(worker, Future):
                worker = await self._given(worker)
            try:
                return await _Conversation(exchange, worker).held()
            except NotStarted:
                continue
            finally:
                self._pool.give_back(worker)

    def _taken(self, job: Job) -> Worker:
        worker = self._pool.take(job.session)
        if not isinstance(worker, Future):
            return worker
        try:
            return worker.result()
        except BaseException:  # Ctrl-C
            self._refuse(worker)
            raise

    async def _given(self, future: Future[Worker]) -> Worker:
        try:
            return await asyncio.wrap_future(future)
        except BaseException:
            self._refuse(future)
            raise

    def _refuse(self, future: Future[Worker]) -> None:
        """The caller went while it was in line: give back what it may have been given at the last moment."""
        if not future.cancel() and future.exception() is None:
            self._pool.give_back(future.result())

    def open_session(
        self, session: Hashable, factory: Callable[[], Tools], describe: Callable[[Tools], Any] | None = None
    ) -> Any:
        """Make a session's tools in a worker, in which all jobs of that session run from now on.

        `factory` runs there, and raises here what it raises. Its tools, by name, never leave the worker; what
        `describe` says of them is returned. Their jobs have the body `Body(Member(session, name))`.
        """
        try:
            return self.run(_opening(session, factory, describe))
        except BaseException:
            self.close_session(session)
            raise

    async def aopen_session(
        self, session: Hashable, factory: Callable[[], Tools], describe: Callable[[Tools], Any] | None = None
    ) -> Any:
        """The async twin of `open_session`."""
        try:
            return await self.arun(_opening(session, factory, describe))
        except BaseException:
            self.close_session(session)
            raise

    def close_session(self, session: Hashable) -> None:
        """Forget a session, here and in its worker; one that was lost may be opened anew then."""
        self._pool.drop(session)

    def close(self) -> None:
        """End all workers. The engine can be used again: it starts new ones."""
        for worker in self._pool.workers():
            worker.kill()
        self._pool.forget()

    def forget(self) -> None:
        """In a forked child: the workers are the parent's."""
        for worker in self._pool.workers():
            worker.close()
        self._pool.forget()


def _opening(session: Hashable, factory: Any, describe: Any) -> Job:
    return Job(_MAKE_SESSION, (session, factory, describe), {}, copy_context(), name="session", session=session)


_MAKE_SESSION = Body(make_session)


def _converse(exchange: Exchange, worker: Worker) -> Any:
    """The sync driver of one call."""
    rest = exchange.begin(worker)
    job = exchange.job
    relay = Relay(job, is_async=False)
    tell, events = relay.tell, exchange.events
    try:
        while not exchange.done:
            worker.wait(exchange.seconds_left(), to_write=rest is not None)
            if rest is not None:
                rest = _sent(worker, rest)
            exchange.take(worker.receive())
            while events:
                job.context.run(tell, events.popleft())
            if exchange.deadline is not None and (exchange.seconds_left() or 0) <= 0:
                exchange.time_out()
    except BaseException:
        exchange.kill()
        raise
    finally:
        relay.end(exchange.error)
    if relay.error is not None:
        raise relay.error
    return exchange.result()


def _sent(worker: Worker, rest: memoryview) -> memoryview | None:
    try:
        return worker.send(rest)
    except OSError:  # it is gone: reading says how
        return None


class _Conversation:
    """The async driver of one call: its loop reads and writes, `held` tells the events in the caller's task."""

    __slots__ = ("_loop", "_reading", "_rest", "_slot", "_waiter", "_wheel", "exchange", "worker")

    def __init__(self, exchange: Exchange, worker: Worker) -> None:
        self.exchange, self.worker = exchange, worker
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._reading = False
        self._wheel = wheel() if exchange.job.timeout is not None else None
        self._slot: int | None = None
        self._rest: memoryview | None = None

    async def held(self) -> Any:
        """Have the conversation; returns what it came to."""
        exchange = self.exchange
        self._rest = exchange.begin(self.worker)
        relay = Relay(exchange.job, is_async=True)
        try:
            self._start()
            while not exchange.done or exchange.events:
                if exchange.events:
                    await relay.atell(exchange.events.popleft())
                    self._read_again()
                else:
                    self._waiter = self._loop.create_future()
                    await self._waiter
        except BaseException:
            self._stop()
            exchange.kill()
            raise
        finally:
            self._stop()
            if relay.open:
                await relay.aend(exchange.error)
        if relay.error is not None:
            raise relay.error
        return exchange.result()

    def _start(self) -> None:
        self._read_again()
        if self._rest is not None:
            self._loop.add_writer(self.worker.fd, self._on_writable)
        if self.exchange.begun:
            self._set_deadline()

    def _read_again(self) -> None:
        if not self._reading and not self.exchange.done and len(self.exchange.events) < _MANY_EVENTS:
            self._reading = True
            self._loop.add_reader(self.worker.fd, self._on_readable)

    def _read_no_more(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self.worker.fd)

    def _stop(self) -> None:
        self._read_no_more()
        if self._rest is not None:
            self._rest = None
            self._loop.remove_writer(self.worker.fd)
        if self._wheel is not None and self._slot is not None:
            self._wheel.discard(self, self._slot)
            self._slot = None

    def _set_deadline(self) -> None:
        seconds = self.exchange.seconds_left()
        if self._wheel is not None and seconds is not None:
            if self._slot is not None:
                self._wheel.discard(self, self._slot)
            self._slot = self._wheel.add(self, seconds)

    def expire(self) -> None:
        """The deadline has come."""
        self._slot = None
        if not self.exchange.done:
            self._stop()
            self.exchange.time_out()
            self._wake()

    def _on_readable(self) -> None:
        exchange, begun = self.exchange, self.exchange.begun
        exchange.take(self.worker.receive())
        if exchange.done:
            self._stop()
        elif len(exchange.events) >= _MANY_EVENTS:
            self._read_no_more()
        if exchange.begun is not begun:
            self._set_deadline()
        if exchange.done or exchange.events:
            self._wake()

    def _on_writable(self) -> None:
        assert self._rest is not None
        rest = _sent(self.worker, self._rest)
        if rest is None:
            self._loop.remove_writer(self.worker.fd)
        self._rest = rest

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


_engines: weakref.WeakSet[ProcessEngine] = weakref.WeakSet()


def _close_all() -> None:
    for engine in list(_engines):
        engine.close()
    LAUNCHER.close()


def _forget_all() -> None:
    for engine in list(_engines):
        engine.forget()
    LAUNCHER.forget()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_all)

if not hasattr(socket, "send_fds"):
    raise NoWorkers(sys.platform)

PROCESSES = ProcessEngine()
