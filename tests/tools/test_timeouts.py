"""Timeouts of calls: what callers, handlers and bodies see of them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from tests.tools.policed import CALL, both_bodies, hang, made

from toolrun import ToolTimeout, tool
from toolrun.run import RunStatus, StoppedBy
from toolrun.testing import AsyncRecordingHandler, RecordingHandler
from toolrun.tools._call import Call, arun_call, run_call

pytestmark = pytest.mark.usefixtures("patience")


@both_bodies
@pytest.mark.parametrize("handler_type", [RecordingHandler, AsyncRecordingHandler])
def test_a_timeout_is_the_runs_one_end(driver: Any, is_async: bool, handler_type: Any) -> None:
    handler = handler_type()
    body = asyncio.Event().wait if is_async else None

    async def awork(x: int) -> None:
        """Work."""
        await body()  # type: ignore[misc]

    tool_ = tool("work", awork, timeout=0.01) if is_async else made(hang, False, timeout=0.01)
    with pytest.raises(ToolTimeout):
        driver.invoke(tool_, {"x": 1}, {"callbacks": [handler]})
    assert handler.names == ["on_tool_start", "on_tool_error"]
    assert isinstance(handler.events[1].payload[0], ToolTimeout)


def test_the_call_knows_how_its_body_was_stopped(driver: Any) -> None:
    call = Call(made(hang, False, timeout=0.01), {"x": 1})
    with pytest.raises(ToolTimeout):
        driver.run(arun_call(call)) if driver.is_async else run_call(call)
    assert call.status is RunStatus.TIMEOUT
    assert call.stopped_by is StoppedBy.COOPERATION
    assert call.run is not None and call.run.cancelled


def test_a_sync_call_with_a_timeout_runs_in_a_thread() -> None:
    assert made(lambda x: threading.current_thread(), False).invoke({"x": 1}) is threading.current_thread()
    assert made(lambda x: threading.current_thread().name, False, timeout=5).invoke({"x": 1}).startswith("toolrun-tool")


@both_bodies
@pytest.mark.parametrize("options", [{}, {"timeout": 9}, {"retry": 2}], ids=repr)
def test_a_cancelled_call_stops_its_body(async_driver: Any, is_async: bool, options: dict[str, Any]) -> None:
    began, ended = threading.Event(), threading.Event()

    def work(x: int) -> None:
        """Work."""
        began.set()
        hang(x)
        ended.set()

    async def awork(x: int) -> None:
        """Work."""
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def main() -> Call:
        call = Call(tool(awork if is_async else work, **options), {"x": 1})
        task = asyncio.create_task(arun_call(call))
        while not began.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not ended.is_set():
            await asyncio.sleep(0.001)
        return call

    call = async_driver.run(main())
    assert call.status is RunStatus.CANCELLED
    assert call.run is not None and call.run.cancelled
    assert is_async is False or call.stopped_by in (StoppedBy.COOPERATION, StoppedBy.ABANDONED)


@pytest.mark.parametrize("handle", [True, "Try another tool."])
def test_a_timeout_is_answered_where_tool_errors_are(driver: Any, handle: Any) -> None:
    message = driver.invoke(made(hang, False, timeout=0.01, handle_tool_error=handle), CALL)
    assert message.status == "error"
    assert message.content == handle if isinstance(handle, str) else "timeout of 0.01 s" in message.content
