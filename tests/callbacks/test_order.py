"""The events of a run come one at a time, in their order."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from tests.callbacks.recorders import Recorder

from toolrun.callbacks import AsyncCallbackHandler, AsyncCallbackManager, BaseCallbackHandler, CallbackManager


def test_events_of_several_tasks_of_one_run_never_overlap(async_driver: Any) -> None:
    handler = Recorder()

    async def main() -> None:
        run = await AsyncCallbackManager([handler]).on_tool_start({}, "")
        await asyncio.gather(*(run.on_text(f"{n}") for n in range(5)))
        await run.on_tool_end("")

    async_driver.run(main())
    assert handler.log == [part for n in ["start", *"01234", "end"] for part in (f"<{n}", f"{n}>")]


def test_events_of_several_threads_of_one_run_never_overlap() -> None:
    entered, inside = threading.Semaphore(1), []

    class Alone(BaseCallbackHandler):
        def on_text(self, text: str, **kwargs: Any) -> None:
            assert entered.acquire(blocking=False), "two events of one run at once"
            inside.append(text)
            entered.release()

    handler = Alone()
    handler.raise_error = True
    run = CallbackManager([handler]).on_tool_start({}, "")
    threads = [threading.Thread(target=lambda: [run.on_text("x") for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(inside) == 1600


@pytest.mark.parametrize("inline", [False, True])
def test_an_event_raised_inside_a_handler_follows_after_its_event(driver: Any, inline: bool) -> None:
    log = []

    class Echo(BaseCallbackHandler):
        run_inline = inline
        run: Any = None

        def on_text(self, text: str, **kwargs: Any) -> None:
            log.append(f"<{text}")
            if text == "call":
                self.run.on_text("echo")
            log.append(f"{text}>")

    echo = Echo()

    async def main() -> None:
        run = await AsyncCallbackManager([echo]).on_tool_start({}, "")
        echo.run = run.get_sync()
        await run.on_text("call")
        await run.on_tool_end("")

    if driver.is_async:
        driver.run(main())
    else:
        echo.run = CallbackManager([echo]).on_tool_start({}, "")
        echo.run.on_text("call")
    assert log == ["<call", "call>", "<echo", "echo>"]


@pytest.mark.parametrize("inline", [False, True])
def test_an_async_handler_may_raise_an_event_of_its_own_run(async_driver: Any, inline: bool) -> None:
    log = []

    class Echo(AsyncCallbackHandler):
        run_inline = inline
        run: Any = None

        async def on_text(self, text: str, **kwargs: Any) -> None:
            if text == "call":
                await self.run.on_text("echo")
            await asyncio.sleep(0)
            log.append(text)

    async def main() -> None:
        handler = Echo()
        handler.run = await AsyncCallbackManager([handler]).on_tool_start({}, "")
        await handler.run.on_text("call")
        await handler.run.on_tool_end("")

    async_driver.run(main())
    assert log == ["call", "echo"]


def test_an_async_handler_of_a_sync_run_may_raise_an_event_of_it() -> None:
    log = []

    class Echo(AsyncCallbackHandler):
        run: Any = None

        async def on_text(self, text: str, **kwargs: Any) -> None:
            if text == "call":
                self.run.on_text("echo")
            log.append(text)

    handler = Echo()
    handler.run = CallbackManager([handler]).on_tool_start({}, "")
    handler.run.on_text("call")
    handler.run.on_tool_end("")
    flush_background_loop()
    assert log == ["call", "echo"]


def flush_background_loop() -> None:
    from toolrun._background_loop import HANDLER_LOOP

    HANDLER_LOOP.run(asyncio.sleep(0.01))


def test_an_event_that_waited_in_another_thread_does_not_follow_the_end() -> None:
    log = []
    entered, release = threading.Event(), threading.Event()

    class Slow(BaseCallbackHandler):
        def on_text(self, text: str, **kwargs: Any) -> None:
            entered.set()
            release.wait(10)
            log.append(text)

        def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            log.append("end")

    run = CallbackManager([Slow()]).on_tool_start({}, "")
    threads = [threading.Thread(target=run.on_text, args=(f"{n}",)) for n in range(5)]
    threads[0].start()
    entered.wait(10)
    ending = threading.Thread(target=run.on_tool_end, args=("",))
    for thread in [*threads[1:], ending]:
        thread.start()
    while run.status.value == "running":
        entered.wait(0)
    release.set()
    for thread in [*threads, ending]:
        thread.join(10)
    assert log[-1] == "end"
