"""The events of a batch as one stream: `ToolRunner.astream_events`.

Between the runs and the consumer stands a queue of `BOUND` events. When it is full, a run with a further event waits,
the others go on. A sync run that is called on the consumer's own loop and holds it cannot wait: after `PATIENCE` its
events go in all the same. A consumer that goes away (`break`, `aclose`, a cancel) cancels the runs; each has its
terminal event all the same, in the other handlers.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from concurrent.futures import Future
from contextlib import aclosing, suppress
from typing import Any

from toolrun.runner._batch import Batch
from toolrun.runner._events import EventHandler, StreamEvent
from toolrun.runner.result import CallResult

BOUND = 1000
"""How many events wait for the consumer at most."""


PATIENCE = 1.0
"""Seconds that an event of another loop waits for room: the consumer's loop may be held by the very run that waits."""


class EventQueue:
    """A bounded queue of one loop, into which the events of other loops' runs go as well."""

    def __init__(self, bound: int, loop: AbstractEventLoop) -> None:
        self._bound, self._loop = bound, loop
        self._events: deque[StreamEvent | None] = deque()
        self._waiting: deque[asyncio.Future[None] | Future[None]] = deque()
        self._getter: asyncio.Future[None] | None = None
        self._closed = False

    async def take(self, event: StreamEvent) -> None:
        """Put the event; waits while the queue is full. Once closed, the event is dropped."""
        if asyncio.get_running_loop() is self._loop:
            while self._is_full():
                room = self._loop.create_future()
                self._waiting.append(room)
                await room
            self.add(event)
        else:  # a sync run inside a tool: its handlers live on the background loop
            await self._take_from_afar(event)

    async def _take_from_afar(self, event: StreamEvent) -> None:
        if self._is_full():
            room: Future[None] = Future()
            self._waiting.append(room)
            if self._is_full():
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.wrap_future(room), PATIENCE)
        with suppress(RuntimeError):  # the consumer's loop is closed
            if not self._closed:
                self._events.append(event)
                self._loop.call_soon_threadsafe(self._wake_getter)

    def _is_full(self) -> bool:
        return len(self._events) >= self._bound and not self._closed

    def add(self, event: StreamEvent | None) -> None:
        """Put the event although the queue may be full; None ends the stream."""
        if not self._closed:
            self._events.append(event)
            self._wake_getter()

    def _wake_getter(self) -> None:
        if self._getter is not None and not self._getter.done():
            self._getter.set_result(None)

    async def get(self) -> StreamEvent | None:
        """The next event, or None at the end."""
        while not self._events:
            self._getter = self._loop.create_future()
            await self._getter
        event = self._events.popleft()
        self._make_room(1)
        return event

    def close(self) -> None:
        """Nobody listens any more: let everyone who waits go on."""
        self._closed = True
        self._events.clear()
        self._make_room(len(self._waiting))

    def _make_room(self, count: int) -> None:
        waiting = self._waiting
        while waiting and count:
            if not (room := waiting.popleft()).done():
                room.set_result(None)
                count -= 1


async def events_of(
    batch_with: Callable[[EventHandler], Batch], calls: Iterable[Any] | AsyncIterable[Any], bound: int = BOUND
) -> AsyncGenerator[StreamEvent, None]:
    """The events of a batch, which is made with a handler of them; at most `bound` of them wait."""
    queue = EventQueue(bound, asyncio.get_running_loop())
    batch = batch_with(EventHandler(queue.take))
    running = asyncio.create_task(_run(batch, calls, queue))
    try:
        while (event := await queue.get()) is not None:
            yield event
        await running  # raises what the source of the calls raised
    finally:
        queue.close()
        running.cancel()
        await asyncio.wait([running])


async def _run(batch: Batch, calls: Iterable[Any] | AsyncIterable[Any], queue: EventQueue) -> None:
    try:
        async with aclosing(batch.results(calls)) as results:
            async for result in results:
                if result.run_id is None:
                    await queue.take(_without_run(result))
    finally:
        queue.add(None)


def _without_run(result: CallResult) -> StreamEvent:
    """The error of a call that reached no tool; no run began, so it has no id."""
    return {
        "event": "on_tool_error",
        "name": result.name,
        "run_id": None,
        "parent_ids": [],
        "tags": [],
        "metadata": {},
        "data": {"error": result.exception or result.error, "tool_call_id": result.id},
    }
