"""How an event comes to a handler: in which context, awaited or not, and what is left of it."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextvars import ContextVar
from typing import Any

from tests.callbacks.recorders import Recorder, SyncRecorder

from toolrun.callbacks import AsyncCallbackHandler, AsyncCallbackManager, BaseCallbackHandler, CallbackManager


def test_a_token_set_at_the_start_can_be_reset_at_the_end(driver: Any) -> None:
    variable: ContextVar[str] = ContextVar("span", default="none")

    class Spans(BaseCallbackHandler):
        raise_error = True

        def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
            self.token = variable.set("tool")

        def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            assert variable.get() == "tool"
            variable.reset(self.token)

    class AsyncSpans(AsyncCallbackHandler):
        raise_error = True

        async def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
            await asyncio.sleep(0)
            self.token = variable.set("async tool")

        async def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            await asyncio.sleep(0)
            assert variable.get() == "async tool"
            variable.reset(self.token)

    handlers = [Spans(), AsyncSpans()]

    async def main() -> None:
        run = await AsyncCallbackManager(handlers).on_tool_start({}, "")
        await run.on_tool_end("")

    if driver.is_async:
        driver.run(main())
    else:
        CallbackManager(handlers).on_tool_start({}, "").on_tool_end("")


def test_a_method_that_returns_a_coroutine_is_run_to_its_end(driver: Any) -> None:
    done = []

    class Hidden(BaseCallbackHandler):
        def on_text(self, text: str, **kwargs: Any) -> Any:
            async def later() -> None:
                await asyncio.sleep(0)
                done.append(text)

            return later()

    async def main() -> None:
        run = await AsyncCallbackManager([Hidden()]).on_tool_start({}, "")
        await run.on_text("x")
        assert done == ["x"]

    if driver.is_async:
        driver.run(main())
    else:
        CallbackManager([Hidden()]).on_tool_start({}, "").on_text("x")
    assert done == ["x"]


def test_a_run_is_freed_when_it_is_dropped_without_the_garbage_collector(driver: Any) -> None:
    gc.collect()
    gc.disable()
    try:
        handlers = [SyncRecorder(), Recorder(turns=0)]
        if driver.is_async:

            async def main() -> Any:
                run = await AsyncCallbackManager(handlers).on_tool_start({}, "")
                await run.on_tool_end("")
                return weakref.ref(run._delivery)

            state = driver.run(main())
        else:
            run = CallbackManager(handlers).on_tool_start({}, "")
            run.on_tool_end("")
            state = weakref.ref(run._delivery)
            del run
        assert state() is None
    finally:
        gc.enable()


def test_what_an_inline_handler_returns_is_awaited_before_anyone_else_is_told(async_driver: Any) -> None:
    log = []

    class Saves(BaseCallbackHandler):
        run_inline = True

        def __init__(self, name: str, later: bool) -> None:
            self.name, self.later = name, later

        def on_text(self, text: str, **kwargs: Any) -> Any:
            log.append(f"<{self.name}")
            return self.save() if self.later else None

        async def save(self) -> None:
            await asyncio.sleep(0)
            log.append(f"{self.name}>")

    class Last(AsyncCallbackHandler):
        async def on_text(self, text: str, **kwargs: Any) -> None:
            log.append("last")

    handlers = [Last(), Saves("a", False), Saves("b", True), Saves("c", False), Saves("d", True)]

    async def main() -> None:
        run = await AsyncCallbackManager(handlers).on_tool_start({}, "")
        await run.on_text("x")
        assert log == ["<a", "<b", "b>", "<c", "<d", "d>", "last"]

    async_driver.run(main())


def test_an_inline_handler_that_is_closed_while_it_is_awaited_gives_the_turn_back(async_driver: Any) -> None:
    log = []

    class Hangs(AsyncCallbackHandler):
        run_inline = True

        async def on_text(self, text: str, **kwargs: Any) -> None:
            log.append(text)
            if text == "for ever":
                await asyncio.get_running_loop().create_future()

    async def main() -> None:
        run = await AsyncCallbackManager([Hangs()]).on_tool_start({}, "")
        hanging = run.on_text("for ever")
        hanging.send(None)
        hanging.close()
        await run.on_text("next")

    async_driver.run(main())
    assert log == ["for ever", "next"]


def test_an_event_whose_handlers_end_at_once_leaves_nothing_to_await(async_driver: Any) -> None:
    class Inline(SyncRecorder):
        run_inline = True

    async def main() -> None:
        run = await AsyncCallbackManager([Inline(), Recorder(turns=0)]).on_tool_start({}, "")
        delivery = run._delivery
        assert delivery.begin(delivery.event("on_text", ("x",), {})) is None
        run = await AsyncCallbackManager([Recorder(turns=1)]).on_tool_start({}, "")
        rest = run._delivery.begin(run._delivery.event("on_text", ("x",), {}))
        assert rest is not None
        await rest

    async_driver.run(main())
