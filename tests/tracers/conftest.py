"""Tracers under test: each claim is made of both kinds of tracer, under both kinds of manager."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from toolrun.callbacks import AsyncCallbackManager, CallbackManager
from toolrun.tracers import AsyncBaseTracer, BaseTracer, Run

Scenario = Callable[[Any], Coroutine[Any, Any, Any]]


class SyncRecorder(BaseTracer):
    """Keeps finished roots, and the names of the hooks that were called."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.roots: list[Run] = []
        self.hooks: list[str] = []

    def _persist_run(self, run: Run) -> None:
        self.roots.append(run)

    def _on_run_create(self, run: Run) -> None:
        self.hooks.append("create")

    def _on_tool_start(self, run: Run) -> None:
        self.hooks.append("tool_start")

    def _on_run_update(self, run: Run) -> None:
        self.hooks.append("update")

    def _on_tool_end(self, run: Run) -> None:
        self.hooks.append("tool_end")


class AsyncRecorder(AsyncBaseTracer):
    """The same, with hooks that suspend."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.roots: list[Run] = []
        self.hooks: list[str] = []

    async def _persist_run(self, run: Run) -> None:
        await asyncio.sleep(0)
        self.roots.append(run)

    async def _on_run_create(self, run: Run) -> None:
        await asyncio.sleep(0)
        self.hooks.append("create")

    async def _on_tool_start(self, run: Run) -> None:
        self.hooks.append("tool_start")

    async def _on_run_update(self, run: Run) -> None:
        await asyncio.sleep(0)
        self.hooks.append("update")

    async def _on_tool_end(self, run: Run) -> None:
        self.hooks.append("tool_end")


async def done(value: Any) -> Any:
    """The value, awaited if it has to be."""
    return await value if inspect.isawaitable(value) else value


class Calls:
    """A manager or run manager whose every method is awaited, whichever kind it is."""

    def __init__(self, subject: Any) -> None:
        self.subject = subject

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.subject, name)
        if not inspect.ismethod(found):
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            result = await done(found(*args, **kwargs))
            if isinstance(result, list):
                return [Calls(one) for one in result]
            return result if result is None else Calls(result)

        return call


class Pair:
    """One kind of tracer under one kind of manager."""

    def __init__(self, tracer: type[Any], is_async: bool) -> None:
        self.tracer, self.is_async = tracer, is_async

    def trace(self, scenario: Scenario, **options: Any) -> Any:
        """Run the scenario, which gets a manager, and give back the tracer that watched it."""
        tracer = self.tracer(**options)
        self.run(scenario, [tracer])
        return tracer

    def run(self, scenario: Scenario, handlers: list[Any]) -> Any:
        if self.is_async:
            return asyncio.run(scenario(Calls(AsyncCallbackManager(handlers, handlers))))
        try:
            scenario(Calls(CallbackManager(handlers, handlers))).send(None)  # it never suspends
        except StopIteration as end:
            return end.value
        raise AssertionError("a sync manager made its caller wait")


PAIRS = [
    pytest.param(tracer, is_async, id=f"{kind} tracer, {'async' if is_async else 'sync'} manager")
    for tracer, kind in ((SyncRecorder, "sync"), (AsyncRecorder, "async"))
    for is_async in (False, True)
]


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def sync_tracer(request: pytest.FixtureRequest) -> Pair:
    """A sync tracer under both kinds of manager."""
    return Pair(SyncRecorder, request.param)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "pair" in metafunc.fixturenames:
        metafunc.parametrize("pair", [pytest.param(Pair(*one.values), id=one.id) for one in PAIRS])
