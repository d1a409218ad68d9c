"""The thread pool grows by demand, is bounded, and never loses an outcome."""

from __future__ import annotations

import asyncio
import threading
from itertools import pairwise
from queue import SimpleQueue
from typing import Any

import pytest

from toolrun._offload import ThreadPool


@pytest.fixture
def pool() -> ThreadPool:
    return ThreadPool("test", max_threads=4, idle_seconds=0.05)


def test_calls_that_block_run_at_the_same_time_up_to_the_bound(pool: ThreadPool, async_driver: Any) -> None:
    all_there = threading.Barrier(4, timeout=10)

    async def main() -> None:
        await asyncio.gather(*(pool.run_in_thread(all_there.wait) for _ in range(4)))

    async_driver.run(main())
    assert pool.threads <= 4


def test_calls_one_after_another_need_one_thread_and_do_not_wake_the_grower(async_driver: Any) -> None:
    pool = ThreadPool("test", max_threads=4)

    async def main() -> None:
        await pool.run_in_thread(int)
        while not pool._idle:
            await asyncio.sleep(0)
        pool._wanted = woken = SimpleQueue()
        for _ in range(500):
            await pool.run_in_thread(int)
        assert woken.empty()

    async_driver.run(main())
    assert pool.threads == 1


def test_more_calls_than_threads_all_get_their_outcome(pool: ThreadPool, async_driver: Any) -> None:
    async def main() -> list[int]:
        return await asyncio.gather(*(pool.run_in_thread(lambda n=n: n * n) for n in range(500)))

    assert async_driver.run(main()) == [n * n for n in range(500)]
    assert pool.threads <= 4


def test_sync_callers_get_a_future(pool: ThreadPool) -> None:
    assert pool.submit(lambda: 42).result(timeout=10) == 42
    with pytest.raises(LookupError):
        pool.submit({}.__getitem__, "missing").result(timeout=10)


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), StopIteration(1)])
def test_whatever_a_call_raises_comes_back_and_the_thread_lives(
    pool: ThreadPool, async_driver: Any, error: BaseException
) -> None:
    def fail() -> None:
        raise error

    async def main() -> None:
        _, raised = await pool.start(fail)
        assert raised is error
        assert await pool.run_in_thread(lambda: "alive") == "alive"

    async_driver.run(main())


def test_a_call_cancelled_before_a_thread_took_it_up_is_never_made(async_driver: Any) -> None:
    pool = ThreadPool("test", max_threads=1)
    release, made = threading.Event(), []

    async def main() -> None:
        first = pool.start(release.wait)
        second = pool.start(made.append, "second")
        second.cancel()
        release.set()
        await first
        await pool.run_in_thread(made.append, "third")

    async_driver.run(main())
    assert made == ["third"]


def test_idle_threads_are_given_back(async_driver: Any) -> None:
    pool = ThreadPool("brief", max_threads=3, idle_seconds=0.001)
    together = threading.Barrier(3, timeout=10)

    async def main() -> None:
        await asyncio.gather(*(pool.run_in_thread(together.wait) for _ in range(3)))

    async_driver.run(main())
    for thread in threading.enumerate():
        if thread.name.startswith("brief-") and not thread.name.endswith("grower"):
            thread.join(timeout=10)
            assert not thread.is_alive()
    assert pool.threads == 0


def test_results_of_a_closed_loop_are_dropped_without_harm(pool: ThreadPool) -> None:
    release = threading.Event()

    async def leave() -> None:
        pool.start(release.wait)

    asyncio.run(leave())
    release.set()
    assert pool.submit(lambda: "alive").result(timeout=10) == "alive"


def test_a_crowd_of_outcomes_leaves_the_loop_its_turns(pool: ThreadPool, async_driver: Any) -> None:
    made: SimpleQueue[None] = SimpleQueue()

    async def main() -> list[int]:
        futures = [pool.start(made.put, None) for _ in range(500)]
        for _ in futures:
            made.get(timeout=10)  # all of them end while the loop is held
        seen = [0]
        while seen[-1] < len(futures):
            await asyncio.sleep(0)
            seen.append(sum(future.done() for future in futures))
        return seen

    seen = async_driver.run(main())
    assert max(after - before for before, after in pairwise(seen)) <= 100


def test_where_no_thread_can_be_started_the_work_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def start_growers_alone(thread: threading.Thread) -> None:
        if not thread.name.endswith("-grower"):
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_growers_alone)
    pool = ThreadPool("test-alone", max_threads=2)
    assert [pool.submit(pow, 2, n).result(10) for n in range(3)] == [1, 2, 4]
