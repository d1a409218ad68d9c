"""Promise 3: the events of one run share a context, and a nested run is a child of the run whose body started it."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Any

import pytest

span: ContextVar[str] = ContextVar("span", default="none")


class Tracing:
    """What an OpenTelemetry handler does: sets a variable at the start, resets it at the end."""

    def __init__(self) -> None:
        self.token: Token[str] | None = None
        self.at_end: list[str] = []

    def react(self, seen: Any) -> None:
        if seen.event == "on_tool_start":
            self.token = span.set("this run")
        elif seen.event == "on_tool_end":
            self.at_end.append(span.get())
            assert self.token is not None
            span.reset(self.token)
            self.at_end.append(span.get())

    async def areact(self, seen: Any) -> None:
        self.react(seen)


@pytest.mark.defect(1)
def test_a_variable_set_at_the_start_is_there_at_the_end_and_can_be_reset(
    lib: Any, driver: Any, handler_is_async: bool
) -> None:
    tracing = Tracing()
    handler = lib.async_recorder(tracing.areact) if handler_is_async else lib.recorder(tracing.react)

    driver.invoke(lib.tool(double if not driver.is_async else async_double), {"x": 1}, {"callbacks": [handler]})

    assert tracing.at_end == ["this run", "none"]


def test_an_inline_handler_and_the_body_share_the_callers_context(lib: Any, async_driver: Any) -> None:
    """`run_inline` keeps its meaning: what such a handler sets, the body sees."""

    async def open_span(seen: Any) -> None:
        if seen.event == "on_tool_start":
            span.set("inline")

    def read() -> str:
        """Reads the span."""
        return span.get()

    async def async_read() -> str:
        """Reads the span."""
        return span.get()

    config = {"callbacks": [lib.async_recorder(open_span, run_inline=True)]}

    async def both() -> list[str]:
        return [await lib.tool(one).ainvoke({}, config) for one in (async_read, read)]

    assert async_driver.run(both()) == ["inline", "inline"]


@pytest.mark.defect(9)
def test_work_with_the_config_that_a_tool_was_given_is_a_child_of_the_tool(lib: Any, driver: Any) -> None:
    recorder = lib.recorder()
    inner = lib.tool(async_double if driver.is_async else double)

    def outer(x: int, config: Any) -> int:
        """Calls another tool."""
        return int(inner.invoke({"x": x}, config))

    async def async_outer(x: int, config: Any) -> int:
        """Calls another tool."""
        return int(await inner.ainvoke({"x": x}, config))

    body = async_outer if driver.is_async else outer
    body.__annotations__ = {"x": int, "config": lib.RunConfig, "return": int}
    driver.invoke(lib.tool(body), {"x": 1}, {"callbacks": [recorder]})

    of_outer, of_inner = recorder.of("on_tool_start")
    assert of_outer.kwargs["parent_run_id"] is None
    assert of_inner.kwargs["parent_run_id"] == of_outer.kwargs["run_id"]


def test_a_nested_call_is_a_child_without_any_config(lib: Any, driver: Any) -> None:
    recorder = lib.recorder()
    inner = lib.tool(async_double if driver.is_async else double)

    def outer(x: int) -> int:
        """Calls another tool."""
        return int(inner.invoke({"x": x}))

    async def async_outer(x: int) -> int:
        """Calls another tool."""
        return int(await inner.ainvoke({"x": x}))

    driver.invoke(lib.tool(async_outer if driver.is_async else outer), {"x": 1}, {"callbacks": [recorder]})

    of_outer, of_inner = recorder.of("on_tool_start")
    assert of_inner.kwargs["parent_run_id"] == of_outer.kwargs["run_id"]


def double(x: int) -> int:
    """Doubles a number."""
    return 2 * x


async def async_double(x: int) -> int:
    """Doubles a number."""
    return 2 * x
