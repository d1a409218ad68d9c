"""A coroutine's first step runs at once, and what suspends keeps the identity it began with."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar, copy_context
from typing import Any

import anyio
import pytest

from toolrun._eager import begin, eager


def called(function: Any, subject: Any) -> Any:
    return function(subject)


def start(coroutine: Any, context: Any = None) -> Any:
    """Run one first step; the task, the error, or None."""
    call = (0, lambda _: coroutine)
    started = eager([call], [None], [context or copy_context()], called, asyncio.get_running_loop())
    return started[0][1] if started else None


def test_a_coroutine_that_never_suspends_needs_no_task(async_driver: Any) -> None:
    done = []

    async def body() -> None:
        done.append(asyncio.current_task())

    async def main() -> None:
        caller = asyncio.current_task()
        assert start(body()) is None
        assert len(done) == 1 and done[0] is not caller
        assert asyncio.current_task() is caller
        assert asyncio.all_tasks() == {caller}

    async_driver.run(main())


def test_the_task_that_carries_on_is_the_one_the_first_step_saw(async_driver: Any) -> None:
    async def body() -> list[Any]:
        seen = [asyncio.current_task()]
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append(asyncio.current_task())
        return seen

    async def main() -> None:
        task = start(body())
        assert set(await task) == {task}

    async_driver.run(main())


def test_a_timeout_begun_in_the_first_step_cancels_only_its_own_coroutine(async_driver: Any) -> None:
    async def body() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            return "timed out"
        return "not reached"

    async def main() -> None:
        assert await start(body()) == "timed out"

    async_driver.run(main())


def test_an_anyio_scope_begun_in_the_first_step_works(async_driver: Any) -> None:
    async def body() -> bool:
        with anyio.move_on_after(0.01) as scope:
            await anyio.sleep(60)
        return scope.cancelled_caught

    async def main() -> None:
        assert await start(body())

    async_driver.run(main())


def test_what_the_first_step_raises_is_handed_back_and_the_others_still_start(async_driver: Any) -> None:
    async def fails(*args: str, keyword: int) -> None:
        raise LookupError("first step")

    async def suspends(*args: str, keyword: int) -> tuple[Any, ...]:
        await asyncio.sleep(0)
        return *args, keyword

    async def ends(*args: str, keyword: int) -> None:
        pass

    async def main() -> None:
        calls = [*enumerate((ends, fails, suspends))]
        contexts = [copy_context() for _ in calls]
        (failed, error), (suspended, task) = eager(
            calls,
            ["subject"] * 3,
            contexts,
            lambda function, subject: function(subject, "argument", keyword=1),
            asyncio.get_running_loop(),
        )
        assert (failed, type(error)) == (1, LookupError)
        assert suspended == 2
        assert await task == ("subject", "argument", 1)

    async_driver.run(main())


def test_variables_set_before_and_after_a_suspension_live_in_one_context(async_driver: Any) -> None:
    variable: ContextVar[int] = ContextVar("variable", default=0)

    async def body() -> None:
        token = variable.set(1)
        await asyncio.sleep(0)
        assert variable.get() == 1
        variable.reset(token)

    async def main() -> None:
        context = copy_context()
        await start(body(), context)
        assert context.get(variable, 0) == 0
        assert variable.get() == 0

    async_driver.run(main())


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_a_task_cancelled_at_any_moment_after_its_first_step_is_cancelled(async_driver: Any, turns: int) -> None:
    cleaned = []

    async def body() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    async def main() -> None:
        task = start(body())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert cleaned == [True]

    async_driver.run(main())


def test_a_future_that_is_done_before_the_task_wakes_is_not_missed(async_driver: Any) -> None:
    async def main() -> None:
        future = asyncio.get_running_loop().create_future()

        async def body() -> str:
            return await future

        task = start(body())
        future.set_result("early")
        assert await task == "early"

    async_driver.run(main())


def test_a_first_step_may_start_others_that_suspend(async_driver: Any) -> None:
    """They need parked tasks of their own: one task cannot go on for two."""

    async def inner(said: list[str]) -> None:
        said.append("inner begins")
        await asyncio.sleep(0)
        said.append("inner ends")

    async def outer(said: list[str]) -> None:
        loop = asyncio.get_running_loop()
        [(_, task)] = eager([(0, inner)], [said], [copy_context()], called, loop)
        assert isinstance(task, asyncio.Task)
        assert task is not asyncio.current_task()
        await task
        said.append("outer ends")

    async def scenario() -> list[list[str]]:
        loop, by_eager, by_begin = asyncio.get_running_loop(), list[str](), list[str]()
        [(_, task)] = eager([(0, outer)], [by_eager], [copy_context()], called, loop)
        assert isinstance(task, asyncio.Task)
        await task
        suspended, _ = begin(outer(by_begin), copy_context())
        assert suspended is not None
        await suspended.task
        return [by_eager, by_begin]

    expected = ["inner begins", "inner ends", "outer ends"]
    assert async_driver.run(scenario()) == [expected, expected]
