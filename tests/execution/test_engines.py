"""Engines: the same bodies, run in different places."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar, copy_context
from functools import wraps
from typing import Any

import pytest

from toolrun.execution.body import Body
from toolrun.execution.engine import ENGINES, Engine, UnknownEngine, engine_named
from toolrun.execution.inline import INLINE, drive
from toolrun.execution.job import Job
from toolrun.execution.threads import THREADS

variable: ContextVar[str] = ContextVar("test_engines", default="unset")


@pytest.fixture(params=list(ENGINES.values()), ids=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


class Runs:
    """`driver.run(Runs(engine), ...)` runs a function on the engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return self.engine.run(Job(Body(function), args, kwargs, copy_context()))

    async def arun(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return await self.engine.arun(Job(Body(function), args, kwargs, copy_context()))


def run_on(driver: Any, engine: Engine, function: Any, *args: Any, **kwargs: Any) -> Any:
    runs = Runs(engine)
    return driver.run(runs.arun(function, *args, **kwargs)) if driver.is_async else runs.run(function, *args, **kwargs)


def add(a: int, b: int) -> int:
    return a + b


async def aadd(a: int, b: int) -> int:
    await asyncio.sleep(0)
    return a + b


def add_by_generator(a: int, b: int) -> Iterator[int]:
    yield a + b


@pytest.mark.parametrize("function", [add, aadd, add_by_generator])
def test_every_engine_runs_every_kind_of_body(driver: Any, engine: Engine, function: Any) -> None:
    assert run_on(driver, engine, function, 1, b=2) == 3


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_every_engine_raises_what_the_body_raised(driver: Any, engine: Engine, error: BaseException) -> None:
    def fail() -> None:
        raise error

    async def caught() -> BaseException | None:
        try:
            await engine.arun(Job(Body(fail), (), {}, copy_context()))
        except BaseException as raised:  # would tear the loop down
            return raised
        return None

    if driver.is_async:
        assert driver.run(caught()) is error
    else:
        with pytest.raises(type(error)):
            engine.run(Job(Body(fail), (), {}, copy_context()))


def test_a_wrapper_that_hides_a_coroutine_function_is_awaited(driver: Any, engine: Engine) -> None:
    @wraps(aadd)
    def wrapper(*args: Any) -> Any:
        return aadd(*args)

    assert run_on(driver, engine, wrapper, 1, 2) == 3


def test_a_body_sees_its_context_and_does_not_change_the_callers(driver: Any, engine: Engine) -> None:
    async def see() -> str:
        seen = variable.get()
        variable.set("changed")
        await asyncio.sleep(0)
        return f"{seen}, {variable.get()}"

    token = variable.set("passed")
    try:
        assert run_on(driver, engine, see) == "passed, changed"
        assert variable.get() == "passed"
    finally:
        variable.reset(token)


def test_sync_bodies_run_in_the_pool_only_on_the_thread_engine(driver: Any) -> None:
    here = run_on(driver, INLINE, threading.current_thread)
    there = run_on(driver, THREADS, threading.current_thread)
    assert here is threading.current_thread()
    assert there.name.startswith("toolrun-tool")


def test_an_async_body_runs_in_the_callers_own_task(async_driver: Any, engine: Engine) -> None:
    async def whose() -> Any:
        return asyncio.current_task()

    async def main() -> bool:
        return await engine.arun(Job(Body(whose), (), {}, copy_context())) is asyncio.current_task()

    assert async_driver.run(main())


def test_a_cancel_reaches_an_async_body(async_driver: Any) -> None:
    heard = []

    async def wait(started: asyncio.Event) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    async def main() -> None:
        started = asyncio.Event()
        task = asyncio.ensure_future(INLINE.arun(Job(Body(wait), (started,), {}, copy_context())))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_driver.run(main())
    assert heard == ["cancelled"]


def test_a_timeout_around_and_inside_the_body_work(async_driver: Any) -> None:
    async def inner() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "inner timeout"
        return "none"

    async def main() -> str:
        async with asyncio.timeout(10):
            return str(await INLINE.arun(Job(Body(inner), (), {}, copy_context())))

    assert async_driver.run(main()) == "inner timeout"


def test_closing_the_caller_closes_the_body() -> None:
    closed = []

    class Waits:
        def __await__(self) -> Iterator[None]:
            yield

    async def body() -> None:
        try:
            await Waits()
        finally:
            closed.append(variable.get())

    context = copy_context()
    context.run(variable.set, "inside")

    async def caller() -> None:
        await drive(context, body())

    coroutine = caller()
    coroutine.send(None)
    coroutine.close()
    assert closed == ["inside"]


def test_an_awaited_thread_does_not_hold_its_caller_when_cancelled(async_driver: Any) -> None:
    release, began, ended = threading.Event(), threading.Event(), threading.Event()

    def wait() -> None:
        began.set()
        try:
            release.wait(10)
        finally:
            ended.set()

    async def main() -> bool:
        task = asyncio.ensure_future(THREADS.arun(Job(Body(wait), (), {}, copy_context())))
        while not began.is_set():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return ended.is_set()

    assert async_driver.run(main()) is False
    release.set()
    assert ended.wait(10)


def test_engines_are_known_by_name() -> None:
    assert engine_named("threads") is THREADS
    with pytest.raises(UnknownEngine, match=r"'nowhere'.*'inline', 'threads', 'processes'"):
        engine_named("nowhere")
