"""A run has one terminal event, which nothing cuts short and nothing follows."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from tests.callbacks.recorders import Recorder, SyncRecorder

from toolrun.callbacks import AsyncCallbackManager, BaseCallbackHandler, CallbackManager
from toolrun.errors import ControlFlow


def test_a_cancel_and_a_second_cancel_do_not_cut_the_terminal_event_short(async_driver: Any) -> None:
    handler = Recorder(turns=10)

    async def main() -> None:
        run = await AsyncCallbackManager([handler]).on_tool_start({}, "")
        ending = asyncio.create_task(run.on_tool_end(""))
        for _ in range(3):
            await asyncio.sleep(0)
            ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        assert handler.log[-1] == "end>"

    async_driver.run(main())


def test_an_anyio_cancel_scope_does_not_either(async_driver: Any) -> None:
    handler = Recorder(turns=10)

    async def main() -> None:
        run = await AsyncCallbackManager([handler]).on_tool_start({}, "")
        with anyio.CancelScope() as scope:
            scope.cancel()
            await run.on_tool_end("")
        assert scope.cancelled_caught
        assert handler.log[-1] == "end>"

    async_driver.run(main())


def test_a_cancel_during_the_start_still_ends_the_run(async_driver: Any) -> None:
    handler = Recorder(turns=10)

    async def main() -> None:
        starting = asyncio.create_task(AsyncCallbackManager([handler]).on_tool_start({}, ""))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    async_driver.run(main())
    assert handler.log == ["<start", "start>", "<error", "error>"]


def test_nothing_follows_the_terminal_event_and_it_comes_once(driver: Any) -> None:
    handler = SyncRecorder()

    async def main() -> None:
        run = await AsyncCallbackManager([handler]).on_tool_start({}, "")
        await run.on_tool_end("")
        await run.on_tool_error(ValueError())
        await run.on_text("late")

    if driver.is_async:
        driver.run(main())
    else:
        run = CallbackManager([handler]).on_tool_start({}, "")
        run.on_tool_end("")
        run.on_tool_error(ValueError())
        run.on_text("late")
    assert handler.log == ["start", "end"]


def test_a_coroutine_that_is_closed_still_ends_its_run(async_driver: Any) -> None:
    sync, twin = SyncRecorder(), Recorder()

    async def body() -> None:
        run = await AsyncCallbackManager([sync, twin]).on_tool_start({}, "")
        try:
            await asyncio.get_running_loop().create_future()
        except GeneratorExit as error:
            run.close("on_tool_error", error)
            raise

    async def main() -> None:
        task = body()
        waits = task.send(None)
        while not sync.log:  # the start event's hop and task
            await asyncio.wait([waits]) if waits is not None else await asyncio.sleep(0)
            waits = task.send(None)
        while twin.log != ["<start", "start>"]:
            await asyncio.sleep(0)
        task.close()
        assert sync.log == ["start", "error"]
        for _ in range(20):
            await asyncio.sleep(0)
        assert twin.log == ["<start", "start>", "<error", "error>"]

    async_driver.run(main())


def test_control_flow_pauses(driver: Any) -> None:
    seen = []

    class Errors(BaseCallbackHandler):
        def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
            seen.append(kwargs.get("paused", False))

    async def main() -> None:
        for error in (ControlFlow(), ValueError()):
            run = await AsyncCallbackManager([Errors()]).on_tool_start({}, "")
            await run.on_tool_error(error)

    if driver.is_async:
        driver.run(main())
    else:
        for error in (ControlFlow(), ValueError()):
            CallbackManager([Errors()]).on_tool_start({}, "").on_tool_error(error)
    assert seen == [True, False]
