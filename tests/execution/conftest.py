"""Jobs for the tests of engines, on either driver."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import pytest

from toolrun.callbacks import AsyncCallbackManager, CallbackManager
from toolrun.callbacks.context import run_context
from toolrun.execution.body import Body
from toolrun.execution.job import Job
from toolrun.execution.processes._launcher import LAUNCHER
from toolrun.execution.processes.engine import PROCESSES, ProcessEngine

LAUNCHER.preload["pytest"] = None  # which every module here imports, and so every worker


class Workers:
    """Runs functions in worker processes: `workers.call(function, 1, timeout=2)`; the job is kept as `job`."""

    def __init__(self, engine: ProcessEngine, driver: Any) -> None:
        self.engine, self.driver = engine, driver
        self.job: Any = None

    def call(self, function: Callable[..., Any], *args: Any, **bounds: Any) -> Any:
        """What the function returns, called in a worker."""
        return self.call_with(function, args, {}, **bounds)

    def call_with(self, function: Callable[..., Any], args: Any, kwargs: Any, **bounds: Any) -> Any:
        """The same, with keywords."""
        bounds = {"name": "tool", **bounds}
        self.job = Job(Body(function), args, kwargs, copy_context(), **bounds)
        return self.driver.run(self.engine.arun(self.job)) if self.driver.is_async else self.engine.run(self.job)

    def call_in_run(
        self, function: Callable[..., Any], *args: Any, handlers: Any, timeout: Any = None, **scope: Any
    ) -> Any:
        """The same, as the body of a tool run with these handlers; its end event is told, too."""
        if self.driver.is_async:
            return self.driver.run(self._acall_in_run(function, args, handlers, timeout, scope))
        manager = CallbackManager.configure(inheritable_callbacks=handlers, **scope)
        run = manager.on_tool_start({"name": "tool"}, "")
        self.job = self._job_in(run, function, args, timeout)
        try:
            result = self.engine.run(self.job)
        except Exception as error:
            run.on_tool_error(error)
            raise
        run.on_tool_end(result)
        return result

    async def _acall_in_run(self, function: Any, args: Any, handlers: Any, timeout: Any, scope: Any) -> Any:
        manager = AsyncCallbackManager.configure(inheritable_callbacks=handlers, **scope)
        run = await manager.on_tool_start({"name": "tool"}, "")
        self.job = self._job_in(run, function, args, timeout)
        try:
            result = await self.engine.arun(self.job)
        except Exception as error:
            await run.on_tool_error(error)
            raise
        await run.on_tool_end(result)
        return result

    def _job_in(self, run: Any, function: Any, args: Any, timeout: Any) -> Job:
        body = Body(function)
        if body.is_async != self.driver.is_async:
            run = run.get_async() if body.is_async else run.get_sync()
        return Job(body, args, {}, run_context(run), run=run, name="tool", timeout=timeout)


@pytest.fixture
def workers(driver: Any) -> Workers:
    """The worker processes that all tests share."""
    return Workers(PROCESSES, driver)


@pytest.fixture
def new_engine() -> Any:
    """Makes engines of a test's own, for what changes their workers; ended with the test."""
    engines: list[ProcessEngine] = []

    def make(limit: int) -> ProcessEngine:
        engines.append(ProcessEngine(limit))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture
def new_workers(driver: Any, new_engine: Any) -> Any:
    """The same, as `workers`."""
    return lambda limit: Workers(new_engine(limit), driver)
