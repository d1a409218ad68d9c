"""Stopping a body in a thread: rung by rung, truthfully told, and never to the harm of the thread."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import pytest

from toolrun._offload import TOOL_POOL, ThreadPool
from toolrun.callbacks import BaseCallbackHandler, CallbackManager
from toolrun.callbacks.context import current_run, run_context
from toolrun.execution import _stopping, threads
from toolrun.execution._haste import HASTE
from toolrun.execution._stopping import ABANDONED, BodyStopped, GuardedCall
from toolrun.execution.body import Body
from toolrun.execution.errors import ToolTimeout
from toolrun.execution.job import Job
from toolrun.execution.statistics import statistics
from toolrun.execution.threads import THREADS
from toolrun.run import StoppedBy, status_of
from toolrun.tools import tool

INJECTIONS = 1500


def open_run(*handlers: BaseCallbackHandler) -> Any:
    return CallbackManager(handlers=list(handlers)).on_tool_start({"name": "t"}, "")


def job_of(function: Callable[..., Any], *args: Any, run: Any = None, timeout: float | None = None) -> Job:
    run = run or open_run()
    return Job(Body(function), args, {}, run_context(run), run, "t", timeout)


class Runs:
    """`driver.run(Runs(job))` runs the job in a thread."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def run(self) -> Any:
        return THREADS.run(self.job)

    async def arun(self) -> Any:
        return await THREADS.arun(self.job)


def run_on(driver: Any, job: Job) -> Any:
    return driver.run(Runs(job).arun()) if driver.is_async else THREADS.run(job)


def polite() -> str:
    run: Any = current_run()
    while not run.cancelled:
        time.sleep(0.001)
    return "stopped"


def spinning() -> None:
    while True:
        pass


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """More time on each rung, for a machine that is busy with other things."""
    monkeypatch.setattr(_stopping, "GRACE", 0.2)
    monkeypatch.setattr(threads, "LATE", 10)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()
    wait_until(lambda: not ABANDONED)


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_a_body_that_looks_at_cancelled_stops_by_cooperation(driver: Any) -> None:
    job = job_of(polite, timeout=0.01)
    with pytest.raises(ToolTimeout, match="stopped when asked") as raised:
        run_on(driver, job)
    assert raised.value.stopped_by is job.stopped_by is job.run._delivery.stopped_by is StoppedBy.COOPERATION
    assert not HASTE._hasty


def test_a_body_that_does_not_is_stopped_by_an_exception(driver: Any) -> None:
    job = job_of(spinning, timeout=0.01)
    with pytest.raises(ToolTimeout, match="stopped by an exception") as raised:
        run_on(driver, job)
    assert job.stopped_by is StoppedBy.EXCEPTION
    assert isinstance(raised.value.__cause__, BodyStopped)


def test_a_body_that_will_not_is_abandoned_and_counted_until_it_ends(driver: Any, gate: threading.Event) -> None:
    before = statistics().abandoned_threads
    job = job_of(gate.wait, timeout=0.01)
    with pytest.raises(ToolTimeout, match="left behind"):
        run_on(driver, job)
    assert job.stopped_by is StoppedBy.ABANDONED
    assert statistics().abandoned_threads == before + 1
    gate.set()
    wait_until(lambda: statistics().abandoned_threads == before)
    wait_until(lambda: job.stopped_by is not StoppedBy.ABANDONED)


def test_an_abandoned_thread_is_replaced(gate: threading.Event) -> None:
    pool = ThreadPool("replaced", max_threads=1)
    stuck, began = threading.Event(), threading.Event()

    def hang() -> int:
        began.set()
        stuck.wait(10)
        return threading.get_ident()

    hanging = pool.submit(hang)
    began.wait(10)
    waiting = pool.submit(threading.get_ident)
    with contextlib.suppress(TimeoutError):
        waiting.result(0.01)
    assert not waiting.done()
    thread = next(t.ident for t in threading.enumerate() if t.name == "replaced-1")
    assert thread is not None
    pool.replace(thread)
    assert waiting.result(10) != thread
    stuck.set()
    assert hanging.result(10) == thread
    pool.take_back(thread)


def test_the_timeout_of_a_body_begins_when_it_does(driver: Any) -> None:
    release, taken = threading.Event(), threading.Semaphore(0)

    def occupy() -> None:
        taken.release()
        release.wait(10)

    # With every thread of the pool taken, the body waits for far longer than its timeout, and that does not count.
    busy = [TOOL_POOL.submit(occupy) for _ in range(TOOL_POOL.max_threads)]
    for _ in busy:
        assert taken.acquire(timeout=10)
    threading.Timer(0.9, release.set).start()
    assert run_on(driver, job_of(lambda: "done", timeout=0.7)) == "done"
    for each in busy:
        each.result(10)


def test_what_the_body_raises_in_time_is_raised(driver: Any) -> None:
    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        run_on(driver, job_of(fail, timeout=5))


def test_a_cancelled_caller_goes_at_once_and_the_body_is_stopped_behind_its_back(async_driver: Any) -> None:
    began, seen = threading.Event(), []

    def body() -> None:
        began.set()
        try:
            while True:
                pass
        except BodyStopped:
            seen.append("stopped")
            raise

    async def main() -> Job:
        job = job_of(body)
        task = asyncio.ensure_future(THREADS.arun(job))
        while not began.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not seen:
            await asyncio.sleep(0.001)
        return job

    job = async_driver.run(main())
    wait_until(lambda: job.stopped_by is StoppedBy.EXCEPTION)
    assert job.run.cancelled


def test_a_call_that_waits_for_a_thread_is_never_made_once_cancelled() -> None:
    call = GuardedCall(job_of(lambda: pytest.fail("it ran")))
    call.ask()
    with pytest.raises(BodyStopped):
        call.run()


def test_where_threads_keep_the_loop_from_running_a_body_is_left_behind_at_once(
    async_driver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "LATE", 0)
    job = job_of(spinning, timeout=0.01)
    with pytest.raises(ToolTimeout) as raised:
        async_driver.run(Runs(job).arun())
    assert raised.value.stopped_by in (StoppedBy.ABANDONED, StoppedBy.EXCEPTION)
    wait_until(lambda: job.stopped_by is StoppedBy.EXCEPTION)


def test_a_body_is_stopped_in_time_while_its_loop_has_no_turn(async_driver: Any) -> None:
    """Whoever holds the loop here waits for the body to end, so the loop's own deadline never comes."""
    began, ended = threading.Event(), threading.Event()

    @tool(timeout=0.01)
    def spins() -> None:
        """Never ends."""
        began.set()
        try:
            spinning()
        finally:
            ended.set()

    async def main() -> bool:
        task = asyncio.create_task(spins.ainvoke({}))
        while not began.is_set():
            await asyncio.sleep(0)
        held_until = ended.wait(10)
        with pytest.raises(ToolTimeout, match="stopped by an exception"):
            await task
        return held_until

    assert async_driver.run(main())


def test_events_on_their_way_are_not_interrupted() -> None:
    """The exception waits until the handlers are through: it may not be raised in the delivery of an event."""
    inside, leave, told = threading.Event(), threading.Event(), []

    class Slow(BaseCallbackHandler):
        def on_text(self, text: str, **kwargs: Any) -> None:
            inside.set()
            while not leave.is_set():
                pass
            told.append(text)

    def body() -> None:
        current_run().on_text("hello")  # type: ignore[union-attr]
        while True:
            pass

    call = GuardedCall(job_of(body, run=open_run(Slow())))
    future = TOOL_POOL.submit(call.run)
    assert inside.wait(10)
    call.ask()
    assert not call._interrupt()
    leave.set()
    wait_until(call._interrupt)
    assert isinstance(future.exception(10), BodyStopped)
    assert told == ["hello"]


def test_a_run_inside_a_stopped_body_ends_as_cancelled() -> None:
    assert status_of(BodyStopped()) == "cancelled"


@pytest.mark.parametrize("switch_interval", [1e-6, 0.005])
def test_a_late_exception_never_leaks_into_the_pool(switch_interval: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies that end about when they are interrupted: each ends in one of two ways, and no thread is lost."""
    lost: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lost.append)
    pool, chance = ThreadPool("guarded", max_threads=2), random.Random(1)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(switch_interval)
    stopped = sent = 0
    try:
        for _ in range(INJECTIONS):
            call = GuardedCall(Job(Body(count), (chance.randrange(400),), {}, copy_context()))
            future = pool.submit(call.run)
            while call.began is None:
                time.sleep(0)
            count(chance.randrange(400))
            call.ask()
            call._interrupt()
            sent += call._sent
            error = future.exception(10)
            assert error is None or isinstance(error, BodyStopped)
            stopped += error is not None
    finally:
        sys.setswitchinterval(usual)
    assert not lost
    assert {pool.submit(threading.get_ident).result(10) for _ in range(50)}
    assert pool.threads <= 2
    assert stopped > 0 < sent


def count(steps: int) -> int:
    total = 0
    for step in range(steps):
        total += step
        if step % 40 == 0:
            time.sleep(0)  # lets the other thread go on
    return total
