"""Batches: what runs at once, what is read ahead, what becomes of one that ends early."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.runner.counting import call, double

from toolrun import CallRequest, ToolRunner
from toolrun.runner._batch import READ_AHEAD


def test_no_more_calls_run_at_once_than_the_concurrency(driver: Any) -> None:
    now_running = most = 0

    async def busy(x: int) -> None:
        """Be busy."""
        nonlocal now_running, most
        now_running += 1
        most = max(most, now_running)
        for _ in range(3):
            await asyncio.sleep(0)
        now_running -= 1

    driver.run_all(ToolRunner([busy], concurrency=3), [call("busy", x=x) for x in range(20)])
    assert most == 3


def test_calls_without_a_session_run_at_once(driver: Any) -> None:
    meeting = threading.Barrier(8, timeout=30)

    def meet() -> int:
        """Wait until all have come."""
        return meeting.wait()

    results = driver.run_all(ToolRunner([meet]), [call("meet")] * 8)
    assert sorted(result.output for result in results) == list(range(8))


def test_the_source_is_read_no_further_ahead_than_there_is_room(async_driver: Any) -> None:
    read = 0
    gate: asyncio.Event

    async def wait() -> None:
        """Wait for the gate."""
        await gate.wait()

    def source() -> Iterator[CallRequest]:
        nonlocal read
        while read < 3 * READ_AHEAD:
            read += 1
            yield call("wait")

    async def main() -> int:
        nonlocal gate
        gate = asyncio.Event()
        results = ToolRunner([wait], concurrency=2).astream(source())
        first = asyncio.create_task(anext(results))
        for _ in range(20):
            await asyncio.sleep(0)
        before = read
        gate.set()
        await first
        assert sum([1 async for _ in results]) == 3 * READ_AHEAD - 1
        return before

    assert async_driver.run(main()) <= READ_AHEAD + 2 + 1


def test_results_stream_out_as_calls_end(async_driver: Any) -> None:
    async def main() -> list[str]:
        gate = asyncio.Event()

        async def slow() -> str:
            """Wait for the others."""
            await gate.wait()
            return "slow"

        async def quick() -> str:
            """Be quick."""
            return "quick"

        order = []
        async for result in ToolRunner([slow, quick]).astream([call("slow"), call("quick")]):
            order.append(result.output)
            gate.set()
        return order

    assert async_driver.run(main()) == ["quick", "slow"]


def test_a_source_that_raises_does_so_after_the_results_of_what_it_gave(async_driver: Any) -> None:
    def source() -> Iterator[CallRequest]:
        yield call("double", x=1)
        raise OSError("the disk is gone")

    async def main() -> None:
        outputs = []
        with pytest.raises(OSError, match="the disk is gone"):
            async for result in ToolRunner([double]).astream(source()):
                outputs.append(result.output)
        assert outputs == [2]

    async_driver.run(main())


def test_a_batch_that_is_stopped_gives_a_result_for_every_call_it_has_read(async_driver: Any) -> None:
    async def main() -> None:
        started = asyncio.Event()
        released = threading.Event()

        async def hang() -> None:
            """Never end."""
            started.set()
            await asyncio.Event().wait()

        def block() -> None:
            """Block until the test is over."""
            released.wait(30)

        batch = ToolRunner([hang, block], concurrency=2).batch()
        calls = [call("hang"), call("block"), call("hang"), call("hang", "s"), call("hang", "s")]
        results = []
        stream = batch.results(calls)
        pending = asyncio.create_task(anext(stream))
        await started.wait()
        batch.stop()
        results = [await pending, *[result async for result in stream]]
        released.set()
        assert sorted(result.position for result in results) == [0, 1, 2, 3, 4]
        assert {result.status for result in results} == {"cancelled"}
        assert sum(result.run_id is not None for result in results) == 2

    async_driver.run(main())


def test_a_stream_that_is_left_early_leaves_nothing_running(async_driver: Any) -> None:
    async def main() -> None:
        ended = []

        async def hang(x: int) -> None:
            """Never end, and tell when it is cancelled."""
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(x)

        async def quick() -> None:
            """End."""

        calls = [call("hang", x=0), call("hang", x=1), call("quick")]
        stream = ToolRunner([hang, quick]).astream(calls)
        await anext(stream)
        await stream.aclose()
        assert sorted(ended) == [0, 1]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async_driver.run(main())
