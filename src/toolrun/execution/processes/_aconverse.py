"""The async driver of one call: the loop watches the worker's socket, the caller's task tells the events.

To watch a socket and to be woken takes longer than many a body does. So a worker that was quick the last time, while no
other one is at work, is waited for on the spot: for a moment that is shorter than most callbacks of a loop. Such calls
do not suspend; every few of them the loop has its turn all the same.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from toolrun.execution.deadlines import wheel
from toolrun.execution.processes._exchange import Exchange
from toolrun.execution.processes._relay import Relay
from toolrun.execution.processes._watch import watch
from toolrun.execution.processes._worker import Worker

_MANY_EVENTS = 256
"""Events that wait to be told before the loop stops reading: then the worker has to wait."""


_QUICK = 0.0002
"""Seconds in which a worker that is quick has answered."""

_IN_A_ROW = 10
"""Calls that were answered on the spot before the loop has its turn."""


async def aconverse(exchange: Exchange, worker: Worker, *, is_alone: bool = False) -> Any:
    """Have the call run by the worker; returns what it came to. Left early, it kills the worker.

    `is_alone` says that no other worker is at work.
    """
    began = monotonic()
    try:
        rest = exchange.begin(worker)
        if is_alone and rest is None and worker.was_quick:
            while not (exchange.done or exchange.events) and worker.answers_at_once():
                exchange.take(worker.receive())
    except BaseException:
        exchange.kill()
        raise
    if not exchange.done or exchange.events:
        await _listen(exchange, worker, rest)
        worker.was_quick = monotonic() - began < _QUICK
    elif watch().has_answered_often(_IN_A_ROW):
        await asyncio.sleep(0)
    return exchange.result()


async def _listen(exchange: Exchange, worker: Worker, rest: memoryview | None) -> None:
    """Watch the socket and tell the events, to the end of the call; `rest` is still to be sent."""
    conversation = Conversation(exchange, worker)
    relay: Relay | None = None
    try:
        conversation.start(rest)
        while not exchange.done or exchange.events:
            if exchange.events:
                relay = relay or Relay(exchange.job, is_async=True)
                await relay.atell(exchange.events.popleft())
                conversation.read()
            else:
                await conversation.news()
    except GeneratorExit as error:  # nothing can be awaited any more
        conversation.stop()
        exchange.kill()
        if relay is not None:
            relay.close(error)
        raise
    except BaseException as error:
        conversation.stop()
        exchange.kill()
        if relay is not None:
            await relay.aend(error)
        raise
    if relay is not None:
        await relay.aend(exchange.error)


class Conversation:
    """What the loop does for one call: read, write, and look at the clock."""

    __slots__ = ("_loop", "_reading", "_rest", "_slot", "_waiter", "_watch", "exchange", "worker")

    def __init__(self, exchange: Exchange, worker: Worker) -> None:
        self.exchange, self.worker = exchange, worker
        self._watch = watch()
        self._loop = self._watch.loop
        self._waiter: asyncio.Future[None] | None = None
        self._reading = False
        self._slot: int | None = None
        self._rest: memoryview | None = None

    def start(self, rest: memoryview | None) -> None:
        """Watch the socket and the clock; `rest` is still to be sent."""
        self.read()
        if rest is not None:
            self._rest = rest
            self._loop.add_writer(self.worker.fd, self._on_writable)
        if self.exchange.deadline is not None:
            self._set_deadline()

    def stop(self) -> None:
        """Watch nothing any more."""
        self._pause()
        if self._rest is not None:
            self._rest = None
            self._loop.remove_writer(self.worker.fd)
        if self._slot is not None:
            wheel().discard(self, self._slot)
            self._slot = None

    def news(self) -> asyncio.Future[None]:
        """Done when there is an event, or the end."""
        self._waiter = self._loop.create_future()
        return self._waiter

    def read(self) -> None:
        """Read on, unless there is enough to tell already."""
        if not self._reading and not self.exchange.done and len(self.exchange.events) < _MANY_EVENTS:
            self._reading = True
            self._watch.add(self.worker.fd, self._on_readable)

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._watch.remove(self.worker.fd)

    def _set_deadline(self) -> None:
        seconds = self.exchange.seconds_left()
        if seconds is not None:
            if self._slot is not None:
                wheel().discard(self, self._slot)
            self._slot = wheel().add(self, seconds)

    def expire(self) -> None:
        """The deadline has come."""
        self._slot = None
        if not self.exchange.done:
            self.stop()
            self.exchange.time_out()
            self._wake()

    def _on_readable(self) -> None:
        self._reading = False
        exchange = self.exchange
        deadline = exchange.deadline
        exchange.take(self.worker.receive())
        if exchange.done:
            self.stop()
        else:
            self.read()
            if exchange.deadline != deadline:
                self._set_deadline()
        if exchange.done or exchange.events:
            self._wake()

    def _on_writable(self) -> None:
        assert self._rest is not None
        self._rest = self.worker.send_rest(self._rest)
        if self._rest is None:
            self._loop.remove_writer(self.worker.fd)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
