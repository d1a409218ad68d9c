"""One run, seen from sync code and from a loop: who delivers, and who waits."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from tests.callbacks.recorders import Recorder

from toolrun.callbacks import AsyncCallbackHandler, AsyncCallbackManager, CallbackManager


def test_the_sync_face_delivers_to_async_handlers_on_the_loop_of_the_run(async_driver: Any) -> None:
    loops = []

    class Where(AsyncCallbackHandler):
        async def on_text(self, text: str, **kwargs: Any) -> None:
            loops.append(asyncio.get_running_loop())

    async def main() -> None:
        run = await AsyncCallbackManager([Where()]).on_tool_start({}, "")
        face = run.get_sync()
        await asyncio.to_thread(face.on_text, "from a thread")
        assert loops == [asyncio.get_running_loop()]
        face.on_text("from the loop itself")
        await run.on_tool_end("")
        assert loops == [asyncio.get_running_loop()] * 2

    async_driver.run(main())


def test_the_sync_face_raises_what_a_raise_error_handler_raised(async_driver: Any) -> None:
    class Strict(AsyncCallbackHandler):
        raise_error = True

        async def on_text(self, text: str, **kwargs: Any) -> None:
            await asyncio.sleep(0)
            raise LookupError(text)

    async def main() -> None:
        run = await AsyncCallbackManager([Strict()]).on_tool_start({}, "")
        with pytest.raises(LookupError, match="hm"):
            await asyncio.to_thread(run.get_sync().on_text, "hm")

    async_driver.run(main())


def test_a_run_whose_loop_is_closed_loses_its_event_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    handler = Recorder()

    async def main() -> Any:
        return (await AsyncCallbackManager([handler]).on_tool_start({}, "")).get_sync()

    asyncio.run(main()).on_text("too late")
    assert "is lost: its event loop is closed" in caplog.text


def test_a_sync_run_in_a_loop_does_not_hold_the_loop_for_its_async_handlers(async_driver: Any) -> None:
    done = threading.Event()

    class NeedsTheLoop(AsyncCallbackHandler):
        loop: Any = None

        async def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.loop))
            done.set()

    async def main() -> None:
        handler = NeedsTheLoop()
        handler.loop = asyncio.get_running_loop()
        CallbackManager([handler]).on_tool_start({}, "").on_tool_end("")
        assert not done.is_set()
        assert await asyncio.to_thread(done.wait, 10)

    async_driver.run(main())
