"""Nothing waits for itself: handlers and tools that reach back into their own run, lane, loop or pool go on."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest

from toolrun import tool
from toolrun._offload import ThreadPool
from toolrun.callbacks import (
    AsyncCallbackHandler,
    AsyncCallbackManager,
    BaseCallbackHandler,
    CallbackManager,
    _lane,
    flush,
)

pytestmark = pytest.mark.timeout(30)


def test_async_tools_may_invoke_each_other_to_any_depth() -> None:
    @tool
    async def deep(n: int) -> int:
        """Goes down."""
        return 1 + int(deep.invoke({"n": n - 1})) if n else 0

    assert deep.invoke({"n": 4}) == 4


def test_more_calls_than_threads_may_each_wait_for_another_call_of_the_same_pool(async_driver: Any) -> None:
    pool = ThreadPool("narrow", max_threads=3)
    all_began = threading.Barrier(3, timeout=10)

    def outer() -> str:
        all_began.wait()
        return pool.submit(lambda: "inner").result(timeout=10)

    async def main() -> list[str]:
        return await asyncio.gather(*(pool.run_in_thread(outer) for _ in range(9)))

    assert async_driver.run(main()) == ["inner"] * 9


@pytest.mark.parametrize("by", ["task", "thread"])
def test_an_inline_handler_may_raise_an_event_of_its_run_from_elsewhere(async_driver: Any, by: str) -> None:
    log = []

    class Echo(AsyncCallbackHandler):
        run_inline = True
        run: Any = None

        async def on_text(self, text: str, **kwargs: Any) -> None:
            log.append(text)
            if text == "call" and by == "task":
                await asyncio.create_task(self.run.on_text("echo"))
            elif text == "call":
                await asyncio.to_thread(self.run.get_sync().on_text, "echo")

    async def main() -> None:
        handler = Echo()
        handler.run = await AsyncCallbackManager([handler]).on_tool_start({}, "")
        await handler.run.on_text("call")
        await handler.run.on_tool_end("")

    async_driver.run(main())
    assert log == ["call", "echo"]


def test_a_loop_does_not_wait_for_its_turn_behind_a_thread_that_needs_the_loop(async_driver: Any) -> None:
    log: list[str] = []
    began = threading.Event()

    async def main() -> None:
        loop = asyncio.get_running_loop()

        class NeedsTheLoop(AsyncCallbackHandler):
            async def on_text(self, text: str, **kwargs: Any) -> None:
                if text == "thread":
                    began.set()
                    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop))
                log.append(text)

        run = CallbackManager([NeedsTheLoop()]).on_tool_start({}, "")
        thread = threading.Thread(target=run.on_text, args=("thread",), daemon=True)
        thread.start()
        began.wait(10)
        run.on_text("loop")
        await asyncio.to_thread(thread.join, 10)
        await flush(10)

    async_driver.run(main())
    assert log == ["thread", "loop"]


def test_a_background_handler_may_call_tools_that_it_hears(monkeypatch: pytest.MonkeyPatch, async_driver: Any) -> None:
    monkeypatch.setattr(_lane, "BOUND", 3)

    @tool
    def inner() -> None:
        """Does nothing."""

    class Calls(BaseCallbackHandler):
        background = True
        heard = 0

        def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            self.heard += 1
            if self.heard == 1:
                for _ in range(20):
                    inner.invoke({}, {"callbacks": [self]})

    async def main() -> None:
        handler = Calls()
        await inner.ainvoke({}, {"callbacks": [handler]})
        while handler.heard < 21:
            assert await flush(10)

    async_driver.run(main())


def test_many_held_lanes_leave_other_handlers_their_threads(async_driver: Any) -> None:
    release = threading.Event()

    class Held(BaseCallbackHandler):
        background = True

        def on_text(self, text: str, **kwargs: Any) -> None:
            release.wait(10)

    class Free(BaseCallbackHandler):
        heard = ""

        def on_text(self, text: str, **kwargs: Any) -> None:
            self.heard = text

    async def main() -> None:
        free = Free()
        run = await AsyncCallbackManager([*(Held() for _ in range(40)), free]).on_tool_start({}, "")
        await run.on_text("x")
        assert free.heard == "x"
        release.set()
        await flush(10)

    async_driver.run(main())


def test_flush_waits_for_what_a_sync_run_in_a_loop_handed_over(async_driver: Any) -> None:
    log = []

    class Slow(AsyncCallbackHandler):
        async def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            log.append(output)

    async def main() -> None:
        CallbackManager([Slow()]).on_tool_start({}, "").on_tool_end("kept")
        assert await flush(10)
        assert log == ["kept"]

    async_driver.run(main())


def test_a_thread_does_not_wait_for_a_loop_that_was_stopped_and_closed(caplog: pytest.LogCaptureFixture) -> None:
    class Heard(AsyncCallbackHandler):
        async def on_text(self, text: str, **kwargs: Any) -> None: ...

    loop = asyncio.new_event_loop()
    run = loop.run_until_complete(AsyncCallbackManager([Heard()]).on_tool_start({}, ""))
    thread = threading.Thread(target=run.get_sync().on_text, args=("late",), daemon=True)
    thread.start()
    while not loop._ready and thread.is_alive():  # type: ignore[attr-defined]
        time.sleep(0.001)
    loop.close()
    thread.join(10)
    assert not thread.is_alive()
    assert "is lost: its event loop" in caplog.text


def test_a_handlers_own_cancel_is_not_the_callers(async_driver: Any, caplog: pytest.LogCaptureFixture) -> None:
    class CancelsItself(AsyncCallbackHandler):
        async def on_text(self, text: str, **kwargs: Any) -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

    async def main() -> None:
        run = await AsyncCallbackManager([CancelsItself()]).on_tool_start({}, "")
        await run.on_text("x")
        await run.on_tool_end("")

    async_driver.run(main())
    assert "CancelsItself.on_text failed" in caplog.text


def test_a_handler_that_suspends_leaves_no_cycle_behind(async_driver: Any) -> None:
    class Suspends(AsyncCallbackHandler):
        async def on_text(self, text: str, **kwargs: Any) -> None:
            await asyncio.sleep(0)

    async def main() -> None:
        run = await AsyncCallbackManager([Suspends()]).on_tool_start({}, "")
        await run.on_text("first")
        gc.collect()
        gc.disable()
        try:
            for _ in range(50):
                await run.on_text("x")
            await asyncio.sleep(0)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            assert not [one for one in gc.garbage if type(one).__name__ == "_Parked"]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    async_driver.run(main())
