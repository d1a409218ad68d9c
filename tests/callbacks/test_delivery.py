"""Turns, shielding and faces of a run: what the two drivers keep whatever happens."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

from toolrun.callbacks import AsyncCallbackHandler, AsyncCallbackManager, BaseCallbackHandler, CallbackManager
from toolrun.errors import ControlFlow


class Recorder(AsyncCallbackHandler):
    """Writes down when each event begins and ends; suspends in between."""

    def __init__(self, turns: int = 3) -> None:
        self.log: list[str] = []
        self.turns = turns
        self.errors: list[BaseException] = []

    async def note(self, event: str) -> None:
        self.log.append(f"<{event}")
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.log.append(f"{event}>")

    async def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        await self.note("start")

    async def on_text(self, text: str, **kwargs: Any) -> None:
        await self.note(text)

    async def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        await self.note("end")

    async def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self.errors.append(error)
        await self.note("error")


class SyncRecorder(BaseCallbackHandler):
    def __init__(self) -> None:
        self.log: list[str] = []
        self.threads: set[str] = set()

    def note(self, event: str) -> None:
        self.threads.add(threading.current_thread().name)
        self.log.append(event)

    def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
        self.note("start")

    def on_text(self, text: str, **kwargs: Any) -> None:
        self.note(text)

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.note("end")

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self.note("error")


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
