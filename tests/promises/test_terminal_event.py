"""Promise 1: every start is followed by exactly one end or error, whatever happens, and nothing follows that."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import anyio
import pytest

PATIENCE = 5.0  # seconds after which something that should happen will not


class Body:
    """A tool's body that waits until it is let go; sync and async."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()

    def block(self) -> str:
        """Holds a thread."""
        self.entered.set()
        self.release.wait(PATIENCE)
        return "done"

    async def wait(self) -> str:
        """Holds a task."""
        self.entered.set()
        await asyncio.sleep(PATIENCE)
        return "done"

    def quick(self) -> str:
        """Holds nothing."""
        return "done"


@pytest.mark.defect(5)
def test_a_run_that_is_cancelled_twice_tells_its_error_to_the_end(lib: Any, async_driver: Any) -> None:
    told: list[str] = []

    async def scenario() -> None:
        in_handler = asyncio.Event()

        async def react(seen: Any) -> None:
            if seen.event == "on_tool_error":
                in_handler.set()
                await asyncio.sleep(0.01)
                told.append(seen.event)

        body = Body()
        task = asyncio.create_task(_tool(lib, body.wait).ainvoke({}, {"callbacks": [lib.async_recorder(react)]}))
        await asyncio.to_thread(body.entered.wait, PATIENCE)
        task.cancel()
        await asyncio.wait_for(in_handler.wait(), PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_driver.run(scenario())
    assert told == ["on_tool_error"]


@pytest.mark.defect(5)
def test_a_cancel_during_the_end_event_does_not_cut_it_short(lib: Any, async_driver: Any) -> None:
    told: list[str] = []

    async def scenario() -> list[str]:
        in_handler = asyncio.Event()

        async def react(seen: Any) -> None:
            if seen.event == "on_tool_end":
                in_handler.set()
                await asyncio.sleep(0.01)
                told.append(seen.event)

        recorder = lib.async_recorder(react)
        task = asyncio.create_task(_tool(lib, _quick).ainvoke({}, {"callbacks": [recorder]}))
        await asyncio.wait_for(in_handler.wait(), PATIENCE)
        task.cancel()
        await asyncio.wait([task])
        return list(recorder.events)

    events = async_driver.run(scenario())
    assert told == ["on_tool_end"]
    assert events == ["on_tool_start", "on_tool_end"]


@pytest.mark.defect(5)
def test_a_run_in_a_cancelled_anyio_scope_tells_its_error(lib: Any, async_driver: Any) -> None:
    told: list[str] = []

    async def react(seen: Any) -> None:
        await asyncio.sleep(0)
        told.append(seen.event)

    async def scenario() -> None:
        body = Body()
        async with anyio.create_task_group() as group:
            group.start_soon(_tool(lib, body.wait).ainvoke, {}, {"callbacks": [lib.async_recorder(react)]})
            while not body.entered.is_set():
                await asyncio.sleep(0)
            group.cancel_scope.cancel()

    async_driver.run(scenario())
    assert told == ["on_tool_start", "on_tool_error"]


@pytest.mark.defect(5)
def test_a_sync_tool_whose_caller_was_cancelled_does_not_succeed_afterwards(lib: Any, async_driver: Any) -> None:
    recorder = lib.recorder()
    body = Body()

    async def scenario() -> None:
        task = asyncio.create_task(_tool(lib, body.block).ainvoke({}, {"callbacks": [recorder]}))
        await asyncio.to_thread(body.entered.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        body.release.set()
        await asyncio.get_running_loop().shutdown_default_executor()

    async_driver.run(scenario())
    assert recorder.events == ["on_tool_start", "on_tool_error"]


@pytest.mark.defect(5)
def test_an_error_handler_of_the_tool_that_raises_is_the_error_of_the_run(lib: Any, driver: Any) -> None:
    recorder = lib.recorder()

    def fail() -> str:
        """Fails."""
        raise lib.ToolException("first")

    def handle(error: Exception) -> str:
        raise LookupError("second")

    tool = lib.StructuredTool.from_function(fail, name="fail", handle_tool_error=handle)
    with pytest.raises(LookupError):
        driver.invoke(tool, {}, {"callbacks": [recorder]})
    assert recorder.events == ["on_tool_start", "on_tool_error"]


@pytest.mark.defect(5)
def test_an_output_that_cannot_be_shown_is_the_error_of_the_run(lib: Any, driver: Any) -> None:
    recorder = lib.recorder()

    def strange() -> object:
        """Returns something that has no text."""
        return Unprintable()

    call = {"type": "tool_call", "id": "call-1", "name": "strange", "args": {}}
    with pytest.raises(RuntimeError):
        driver.invoke(lib.StructuredTool.from_function(strange), call, {"callbacks": [recorder]})
    assert recorder.events == ["on_tool_start", "on_tool_error"]


class Unprintable:
    """Has no text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.timeout(20)
@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("kind", ["sync tool", "async tool"])
def test_an_interrupt_in_the_body_is_told_and_goes_on(
    lib: Any, driver: Any, kind: str, interrupt: type[BaseException]
) -> None:
    recorder = lib.recorder()

    def interrupted() -> str:
        """Is interrupted."""
        raise interrupt

    async def async_interrupted() -> str:
        """Is interrupted."""
        raise interrupt

    tool = _tool(lib, interrupted if kind == "sync tool" else async_interrupted)

    async def scenario() -> None:
        with pytest.raises(interrupt):
            await tool.ainvoke({}, {"callbacks": [recorder]})

    if driver.is_async:
        driver.run(scenario())
    else:
        with pytest.raises(interrupt):
            tool.invoke({}, {"callbacks": [recorder]})
    assert recorder.events == ["on_tool_start", "on_tool_error"]


async def _quick() -> str:
    """Returns at once."""
    return "done"


def _tool(lib: Any, body: Any) -> Any:
    """A tool of a function or a method."""
    key = "coroutine" if asyncio.iscoroutinefunction(body) else "func"
    return lib.StructuredTool.from_function(**{key: body}, name="body", description="A body.")
