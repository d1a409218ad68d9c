"""One pass over many calls: what runs at once, what waits for what, what is read ahead.

A call with a session waits for the one before it in the same session (a lane); every other call goes its own
way. At most `concurrency` calls run, and at most `READ_AHEAD` more have been read and wait, so that memory stays
flat however long the source is. Nothing that happens in a call leaves it but as a result.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

from toolrun._ids import now
from toolrun.callbacks import flush
from toolrun.run import RunStatus
from toolrun.runner._reading import Calls, Item, items
from toolrun.runner.result import CallResult
from toolrun.tools.formats import CallRequest

READ_AHEAD = 1000

_AT_ONCE = 50
"""Calls that are begun in one turn of the loop: what else is due has its turn in between."""


class Batch:
    """Runs the calls of one source by `run_one`, and gives their results as they end."""

    def __init__(
        self,
        run_one: Callable[[CallRequest], Coroutine[Any, Any, CallResult]],
        concurrency: int,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        """`close` is called when the last call has ended."""
        self._run_one, self._close = run_one, close
        self._slots = asyncio.Semaphore(concurrency)
        self._room = asyncio.Semaphore(concurrency + READ_AHEAD)
        self._results: asyncio.Queue[CallResult | None] = asyncio.Queue()
        self._lanes: dict[Any, deque[CallRequest]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: set[asyncio.Task[Any]] = set()
        self._open = 1  # the feeder, and every call that has no result yet
        self.stopping = False

    async def results(self, source: Calls) -> AsyncGenerator[CallResult, None]:
        """Every result, as calls end. Closed or cancelled early, it cancels what runs and waits for it."""
        feeder = asyncio.create_task(self._feed(source))
        try:
            while (result := await self._results.get()) is not None:
                yield result
                self._room.release()
            await flush()
            await feeder  # raises what the source raised
        finally:
            self.stop()
            try:
                await asyncio.gather(feeder, *self._tasks, return_exceptions=True)
            finally:
                self._close()

    def stop(self) -> None:
        """Read no further and cancel what runs; each call that was read still gets its result."""
        self.stopping = True
        for task in self._running:  # not those that never ran a step: a cancel then would leave no trace
            task.cancel()

    @contextmanager
    def _may_be_cancelled(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            yield
        finally:
            self._running.discard(task)

    async def _feed(self, source: Calls) -> None:
        try:
            with self._may_be_cancelled():
                await self._read(source)
        except CancelledError:
            if not self.stopping:
                raise
        finally:
            self._close_one()

    async def _read(self, source: Calls) -> None:
        async with aclosing(items(source)) as found:
            position = 0
            async for item in found:
                await self._room.acquire()
                if self.stopping:
                    return
                self._open += 1
                self._start(_placed(item, position))
                position += 1
                if position % _AT_ONCE == 0:
                    await asyncio.sleep(0)

    def _start(self, item: Item) -> None:
        if isinstance(item, CallResult):
            self._report(item)
        elif item.session is None:
            self._spawn(self._run(item))
        elif (lane := self._lanes.get(item.session)) is not None:
            lane.append(item)
        else:
            self._lanes[item.session] = deque([item])
            self._spawn(self._run_lane(item.session))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_lane(self, session: Any) -> None:
        lane = self._lanes[session]
        while lane:
            await self._run(lane.popleft())
        del self._lanes[session]

    async def _run(self, call: CallRequest) -> None:
        # No name for the result: its error's traceback can lead to this frame.
        self._report(await self._result_of(call))

    async def _result_of(self, call: CallRequest) -> CallResult:
        try:
            async with self._slots:
                if self.stopping:
                    raise CancelledError
                with self._may_be_cancelled():
                    return await self._run_one(call)
        except CancelledError:
            return never_started(call)

    def _report(self, result: CallResult) -> None:
        self._results.put_nowait(result)
        self._close_one()

    def _close_one(self) -> None:
        self._open -= 1
        if not self._open:
            self._results.put_nowait(None)


def never_started(call: CallRequest) -> CallResult:
    """The result of a call that was read, but stopped before its turn came."""
    error = {"type": "CancelledError", "message": "cancelled before it started"}
    status, moment = RunStatus.CANCELLED, now()
    result = CallResult(
        call.id, None, call.session, call.name, status, moment, 0.0, error=error, position=call.position
    )
    return result.written()


def _placed(item: Item, position: int) -> Item:
    if isinstance(item, CallResult):
        item.position = position
        return item
    return replace(item, position=position, id=f"call-{position + 1}" if item.id is None else item.id)
