"""Limits: never more at once than there are slots, first come first served, and no slot is ever lost."""

from __future__ import annotations

import asyncio
import math
import random
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolrun.execution.limits import Limit, RateLimit, _later


def all_free(limit: Limit, slots: int) -> bool:
    """Whether every slot can be had, and no more than these."""
    taken = [limit.try_acquire() for _ in range(slots + 1)]
    for _ in range(slots):
        limit.release()
    return taken == [True] * slots + [False]


def test_a_slot_is_had_until_there_is_none() -> None:
    assert all_free(Limit(3), 3)


def test_nobody_overtakes_those_who_wait(async_driver: Any) -> None:
    async def main() -> list[int]:
        limit, order = Limit(1), list[int]()

        async def call(number: int) -> None:
            async with limit:
                order.append(number)

        async with limit:
            waiting = [asyncio.create_task(call(i)) for i in range(5)]
            while limit.waiting < 5:
                await asyncio.sleep(0)
        assert not limit.try_acquire()  # the slot is free, or promised; those in line come first
        await asyncio.gather(*waiting)
        assert all_free(limit, 1)
        return order

    assert async_driver.run(main()) == [0, 1, 2, 3, 4]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=30), st.randoms())
def test_cancelled_callers_lose_no_slot(slots: int, calls: list[tuple[int, bool]], chance: random.Random) -> None:
    async def main() -> None:
        limit, running, most = Limit(slots), 0, 0

        async def call(steps: int) -> None:
            nonlocal running, most
            async with limit:
                running += 1
                most = max(most, running)
                try:
                    for _ in range(steps):
                        await asyncio.sleep(0)
                finally:
                    running -= 1

        tasks = [asyncio.create_task(call(steps)) for steps, _ in calls]
        for task, (_, is_cancelled) in zip(tasks, calls, strict=True):
            if is_cancelled:
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)
                task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome, (_, is_cancelled) in zip(done, calls, strict=True):
            assert outcome is None or is_cancelled  # nobody starves
        assert most <= slots
        await asyncio.sleep(0)
        assert limit.waiting == 0
        assert all_free(limit, slots)

    asyncio.run(main())


def test_threads_and_loops_share_a_limit() -> None:
    limit, running, most, lock = Limit(3), 0, 0, threading.Lock()

    def enter(change: int) -> None:
        nonlocal running, most
        with lock:
            running += change
            most = max(most, running)

    def in_threads() -> None:
        for _ in range(100):
            with limit:
                enter(1)
                enter(-1)

    async def call(number: int) -> None:
        async with limit:
            enter(1)
            try:
                await asyncio.sleep(0)
            finally:
                enter(-1)

    async def on_loop() -> None:
        tasks = [asyncio.create_task(call(i)) for i in range(300)]
        await asyncio.sleep(0)
        for task in tasks[::3]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    threads = [threading.Thread(target=in_threads) for _ in range(4)]
    threads += [threading.Thread(target=lambda: asyncio.run(on_loop())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert most <= 3
    assert all_free(limit, 3)


def test_a_waiter_whose_loop_is_gone_leaves_no_hole() -> None:
    limit = Limit(1)

    async def wait() -> None:
        await limit.aacquire()

    with limit:
        loop = asyncio.new_event_loop()
        task = loop.create_task(wait())
        loop.run_until_complete(asyncio.sleep(0, None))
        task.cancel()
        loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()
        assert limit.waiting == 0
    assert all_free(limit, 1)


class Time:
    """A clock, and calls that are due at some time; both move when the test says so."""

    def __init__(self) -> None:
        self.now, self.due = 0.0, list[tuple[float, Callable[[], None]]]()

    def clock(self) -> float:
        return self.now

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        self.due.append((self.now + seconds, function))

    def pass_to_next(self) -> None:
        self.due.sort(key=lambda due: due[0])
        at, function = self.due.pop(0)
        self.now = max(self.now, at)
        function()


@pytest.mark.parametrize(("rate", "slots", "period"), [(5, 5, 1.0), (0.5, 1, 2.0), (2.5, 3, 1.2)])
def test_a_rate_is_so_many_slots_in_a_period(rate: float, slots: int, period: float) -> None:
    time = Time()
    limit = RateLimit(rate, time.clock, time.later)
    assert limit.period == pytest.approx(period)
    assert [limit.try_acquire() for _ in range(slots + 1)] == [True] * slots + [False]
    time.now = period
    assert [limit.try_acquire() for _ in range(slots + 1)] == [True] * slots + [False]


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([0.5, 1, 2.5, 7]), st.lists(st.tuples(st.floats(0, 1.5), st.booleans()), max_size=25))
def test_no_more_than_the_rate_begin_in_any_period(rate: float, calls: list[tuple[float, bool]]) -> None:
    async def settled() -> None:
        """Whoever was let go on is under way."""
        for _ in range(4):
            await asyncio.sleep(0)

    async def main() -> None:
        time = Time()
        limit, begun = RateLimit(rate, time.clock, time.later), list[tuple[float, int]]()

        async def call(number: int) -> None:
            async with limit:
                begun.append((time.now, number))

        tasks = []
        for number, (gap, is_cancelled) in enumerate(calls):
            time.now += gap
            tasks.append(asyncio.create_task(call(number)))
            await settled()
            if is_cancelled:
                tasks[-1].cancel()
                await settled()
        while limit.waiting:
            time.pass_to_next()
            await settled()
        await asyncio.gather(*tasks, return_exceptions=True)
        expected = [i for i, task in enumerate(tasks) if not task.cancelled()]
        assert [number for _, number in begun] == expected
        for (first, _), (later, _) in zip(begun, begun[math.ceil(rate) :], strict=False):
            assert later - first >= limit.period - 1e-9

    asyncio.run(main())


def test_a_rate_really_lets_the_next_one_go_on(driver: Any) -> None:
    class Takes:
        def __init__(self, limit: Limit) -> None:
            self.limit = limit

        def take(self, times: int) -> None:
            for _ in range(times):
                self.limit.acquire()

        async def atake(self, times: int) -> None:
            for _ in range(times):
                await self.limit.aacquire()

    def fast_clock() -> float:
        return monotonic() * 50

    driver.take(Takes(RateLimit(5, fast_clock, lambda seconds, function: _later(seconds / 50, function))), 12)
