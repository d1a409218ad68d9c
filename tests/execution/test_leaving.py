"""Async bodies with a timeout: what ends in time is as without one, what does not is left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from typing import Any

import anyio
import pytest

from toolrun.execution import leaving
from toolrun.execution.body import Body
from toolrun.execution.errors import ToolTimeout
from toolrun.execution.inline import INLINE
from toolrun.execution.job import Job
from toolrun.execution.leaving import LEFT_BEHIND
from toolrun.execution.statistics import statistics
from toolrun.run import StoppedBy

variable: ContextVar[str] = ContextVar("test_leaving", default="unset")


def job_of(function: Callable[..., Any], *args: Any, timeout: float = 5) -> Job:
    return Job(Body(function), args, {}, copy_context(), None, "t", timeout)


class Runs:
    """`driver.run(Runs(...))` runs the job inline."""

    def __init__(self, job: Job) -> None:
        self.job = job

    async def arun(self) -> Any:
        return await INLINE.arun(self.job)


def run_on(driver: Any, job: Job) -> Any:
    return driver.run(Runs(job).arun()) if driver.is_async else INLINE.run(job)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_a_body_that_ends_in_time_gives_its_result(driver: Any, steps: int) -> None:
    async def body() -> str:
        for _ in range(steps):
            await asyncio.sleep(0)
        return "done"

    assert run_on(driver, job_of(body)) == "done"


@pytest.mark.parametrize("steps", [0, 2])
def test_a_body_that_raises_in_time_raises(driver: Any, steps: int) -> None:
    async def body() -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        run_on(driver, job_of(body))


def test_a_body_that_lets_itself_be_cancelled_stops_by_cooperation(
    driver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "GRACE", 5)

    async def body() -> None:
        await asyncio.Event().wait()

    job = job_of(body, timeout=0.01)
    with pytest.raises(ToolTimeout) as raised:
        run_on(driver, job)
    assert raised.value.stopped_by is job.stopped_by is StoppedBy.COOPERATION


def test_a_finally_cannot_hold_the_timeout_up(driver: Any) -> None:
    release, ended = threading.Event(), threading.Event()

    async def body() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            while not release.is_set():
                await asyncio.sleep(0.001)
            ended.set()

    async def main(job: Job) -> None:
        await check(job, lambda: INLINE.arun(job))
        release.set()
        while LEFT_BEHIND:
            await asyncio.sleep(0.001)

    async def check(job: Job, run: Callable[[], Any]) -> None:
        with pytest.raises(ToolTimeout):
            await run()
        assert_left_behind(job)

    def assert_left_behind(job: Job) -> None:
        assert job.stopped_by is StoppedBy.ABANDONED
        assert statistics().abandoned_tasks == 1

    job = job_of(body, timeout=0.01)
    if driver.is_async:
        driver.run(main(job))
    else:
        with pytest.raises(ToolTimeout):
            INLINE.run(job)
        assert_left_behind(job)
        release.set()
    assert ended.wait(10)


def test_a_body_that_raises_when_cancelled_is_the_cause(driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "GRACE", 5)

    async def body() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError("in the finally")

    with pytest.raises(ToolTimeout) as raised:
        run_on(driver, job_of(body, timeout=0.01))
    assert isinstance(raised.value.__cause__, KeyError)


def test_a_cancelled_caller_goes_at_once_however_often_it_is_cancelled(async_driver: Any) -> None:
    async def main() -> None:
        began, release = asyncio.Event(), asyncio.Event()

        async def body() -> None:
            began.set()
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

        task = asyncio.ensure_future(INLINE.arun(job_of(body)))
        await began.wait()
        task.cancel()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(LEFT_BEHIND) == 1
        release.set()
        while LEFT_BEHIND:
            await asyncio.sleep(0)

    async_driver.run(main())


def test_a_body_is_in_one_task_from_its_first_step_to_its_last(async_driver: Any) -> None:
    async def body() -> bool:
        first = asyncio.current_task()
        variable.set("inside")
        await asyncio.sleep(0)
        return first is asyncio.current_task() and variable.get() == "inside"

    async def main() -> bool:
        return await INLINE.arun(job_of(body)) and variable.get() == "unset"

    assert async_driver.run(main())


def test_timeouts_and_cancel_scopes_inside_the_body_work(async_driver: Any) -> None:
    async def body() -> list[str]:
        seen = []
        try:
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()
        except TimeoutError:
            seen.append("asyncio")
        with anyio.move_on_after(0.001):
            await anyio.Event().wait()
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))
        seen.append("anyio")
        return seen

    async def main() -> Any:
        return await INLINE.arun(job_of(body))

    assert async_driver.run(main()) == ["asyncio", "anyio"]


def test_a_timeout_around_the_call_reaches_the_body(async_driver: Any) -> None:
    heard = []

    async def body() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await INLINE.arun(job_of(body))
        while not heard:
            await asyncio.sleep(0)

    async_driver.run(main())


def test_closing_the_caller_cancels_the_body() -> None:
    heard = []

    async def body() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    async def main() -> None:
        async def caller() -> None:
            await INLINE.arun(job_of(body))

        coroutine = caller()
        coroutine.send(None)
        coroutine.close()
        while not heard:
            await asyncio.sleep(0)

    asyncio.run(main())
