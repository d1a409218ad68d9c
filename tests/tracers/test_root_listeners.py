"""Listeners that hear of the outermost run alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from toolrun.tracers import AsyncRootListenersTracer, RootListenersTracer, Run


class Heard(list[str]):
    """Listeners of both kinds that note what they were told."""

    def listeners(self, is_async: bool) -> dict[str, Any]:
        names = {"on_start": "start", "on_end": "end", "on_error": "error"}
        make = self._async_listener if is_async else self._listener
        return {option: make(name) for option, name in names.items()}

    def _listener(self, name: str) -> Any:
        return lambda run: self.append(f"{name} {run.name}")

    def _async_listener(self, name: str) -> Any:
        async def listener(run: Run) -> None:
            await asyncio.sleep(0)
            self.append(f"{name} {run.name}")

        return listener


@pytest.fixture(params=[RootListenersTracer, AsyncRootListenersTracer])
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


async def a_nested_run(manager: Any, error: Exception | None = None) -> None:
    chain = await manager.on_chain_start({"name": "chain"}, {})
    await (await (await chain.get_child()).on_tool_start({"name": "tool"}, "x")).on_tool_end(1)
    await (chain.on_chain_error(error) if error else chain.on_chain_end({}))


def test_listeners_hear_of_the_outermost_run_alone(kind: Any, sync_tracer: Any) -> None:
    heard = Heard()
    sync_tracer.run(a_nested_run, [kind(**heard.listeners(kind is AsyncRootListenersTracer))])
    assert heard == ["start chain", "end chain"]


def test_a_failure_is_told_as_an_error_and_not_as_an_end(kind: Any, sync_tracer: Any) -> None:
    heard = Heard()
    tracer = kind(**heard.listeners(kind is AsyncRootListenersTracer))
    sync_tracer.run(lambda manager: a_nested_run(manager, ValueError()), [tracer])
    assert heard == ["start chain", "error chain"]


def test_one_tracer_serves_any_number_of_runs(kind: Any, sync_tracer: Any) -> None:
    heard = Heard()
    tracer = kind(**heard.listeners(kind is AsyncRootListenersTracer))
    for _ in range(2):
        sync_tracer.run(a_nested_run, [tracer])
    assert heard == ["start chain", "end chain"] * 2


def test_a_listener_that_wants_the_config_gets_it(sync_tracer: Any) -> None:
    got: list[Any] = []

    def listener(run: Run, config: Any) -> None:
        got.append(config)

    sync_tracer.run(a_nested_run, [RootListenersTracer(config={"tags": ["a"]}, on_end=listener)])
    assert got == [{"tags": ["a"]}]
