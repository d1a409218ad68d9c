"""What the events of a tool run say about how its body ran: engine, attempts, stop, worker, cache, session."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import threading
import weakref
from typing import Any

import pytest

from toolrun import ToolRunner
from toolrun.callbacks import current_run
from toolrun.callbacks.base import BaseCallbackHandler
from toolrun.execution.retry import Retry
from toolrun.testing import RecordingHandler
from toolrun.tools import BaseTool, ToolException, ToolMessage, tool
from toolrun.tools.formats import CallRequest

FACTS = ("engine", "attempts", "stopped_by", "worker", "cached")
AT_ONCE = Retry(3, wait=0)


def own_process() -> int:
    """The process that the body is in."""
    return os.getpid()


def leave_process() -> None:
    """Crash."""
    os._exit(3)


def facts_told(driver: Any, subject: BaseTool, given: Any = None, **config: Any) -> dict[str, Any]:
    """The facts on the terminal event of a call, whether it fails or not."""
    handler = RecordingHandler()
    with contextlib.suppress(Exception):
        driver.invoke(subject, given or {}, {"callbacks": [handler], **config})
    end = handler.events[-1]
    assert end.name in ("on_tool_end", "on_tool_error")
    return {name: end.keywords[name] for name in FACTS if name in end.keywords}


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("engine", [None, "inline", "threads"])
def test_the_end_names_the_engine_and_nothing_that_goes_without_saying(driver: Any, engine: Any, fails: bool) -> None:
    @tool
    def work() -> None:
        """Work."""
        if fails:
            raise ValueError

    config = {"engine": engine} if engine else {}
    usual = "threads" if driver.is_async else "inline"
    assert facts_told(driver, work, **config) == {"engine": engine or usual}


def test_an_async_tool_runs_inline(driver: Any) -> None:
    @tool
    async def work() -> None:
        """Work."""

    assert facts_told(driver, work) == {"engine": "inline"}


def test_a_call_that_never_came_to_its_body_names_the_engine_that_it_had(driver: Any) -> None:
    class Refuses(BaseCallbackHandler):
        raise_error = run_inline = True

        def on_tool_start(self, serialized: Any, input_str: str, **kwargs: Any) -> None:
            raise ValueError

    work = tool("work", engine="threads")(own_process)
    assert facts_told(driver, work, {"unknown": 1}) == {"engine": "threads"}
    handler = RecordingHandler()
    with pytest.raises(ValueError):
        driver.invoke(work, {}, {"callbacks": [Refuses(), handler]})
    assert handler.names == ["on_tool_start", "on_tool_error"]
    assert handler.events[-1].keywords["engine"] == "threads"


@pytest.mark.parametrize("failures", [2, 9])
def test_the_end_says_how_often_the_body_was_tried(driver: Any, failures: int) -> None:
    calls = []

    @tool(retry=AT_ONCE, engine="inline")
    def work() -> None:
        """Work in the end."""
        calls.append(1)
        if len(calls) <= failures:
            raise OSError

    assert facts_told(driver, work) == {"engine": "inline", "attempts": 3}


def test_the_end_says_that_the_result_was_in_the_cache(driver: Any) -> None:
    work = tool("work", cache=True, engine="inline")(own_process)
    assert facts_told(driver, work) == {"engine": "inline"}
    assert facts_told(driver, work) == {"engine": "inline", "cached": True}


@pytest.mark.parametrize("answered", [False, True])
def test_the_end_says_how_the_body_was_stopped(driver: Any, answered: bool) -> None:
    @tool(timeout=0.05, handle_tool_error=answered)
    def work() -> None:
        """Work until told to stop."""
        run: Any = current_run()
        while not run.cancelled:
            threading.Event().wait(0.001)

    facts = facts_told(driver, work)
    assert facts.pop("stopped_by") in ("cooperation", "exception")  # on a busy machine it is not asked for long
    assert facts == {"engine": "threads"}


def test_a_cancelled_run_says_how_its_body_was_stopped(async_driver: Any) -> None:
    handler = RecordingHandler()

    async def main() -> None:
        began = asyncio.Event()

        @tool
        async def work() -> None:
            """Wait for ever."""
            began.set()
            await asyncio.get_running_loop().create_future()

        task = asyncio.create_task(work.ainvoke({}, {"callbacks": [handler]}))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_driver.run(main())
    end = handler.events[-1]
    assert (end.name, end.keywords["engine"], end.keywords["stopped_by"]) == ("on_tool_error", "inline", "cooperation")


def test_a_call_that_is_closed_names_its_engine_too(async_driver: Any) -> None:
    class Inline(RecordingHandler):
        run_inline = True

    handler = Inline()

    @tool
    async def work() -> None:
        """Wait for ever."""
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        call = work.ainvoke({}, {"callbacks": [handler]})
        call.send(None)
        call.close()

    async_driver.run(main())
    assert handler.names == ["on_tool_start", "on_tool_error"]
    assert handler.events[-1].keywords["engine"] == "inline"


def test_the_end_has_the_pid_of_the_worker(driver: Any) -> None:
    handler = RecordingHandler()
    pid = driver.invoke(tool("own", engine="processes")(own_process), {}, {"callbacks": [handler]})
    assert pid != os.getpid()
    assert (handler.events[-1].keywords["engine"], handler.events[-1].keywords["worker"]) == ("processes", pid)


def test_the_end_has_the_pid_of_a_worker_that_crashed(driver: Any) -> None:
    facts = facts_told(driver, tool("leave", engine="processes")(leave_process))
    assert facts.pop("worker") != os.getpid()
    assert facts == {"engine": "processes"}


def test_the_start_has_the_session_of_a_call_that_has_one(driver: Any) -> None:
    handler = RecordingHandler()
    runner = ToolRunner([tool("own")(own_process)], callbacks=[handler])
    driver.run_all(runner, [CallRequest("own", {}, "a", "s-1"), CallRequest("own", {}, "b")])
    by_call = {start.keywords["tool_call_id"]: start.keywords for start in handler.named("on_tool_start")}
    assert by_call["a"]["session"] == "s-1"
    assert "session" not in by_call["b"]


def ended(driver: Any, subject: BaseTool, given: Any) -> Any:
    """The terminal event of a call."""
    handler = RecordingHandler()
    driver.invoke(subject, given, {"callbacks": [handler]})
    return handler.named("on_tool_end")[0]


def tool_call(**arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": "c", "name": "any", "args": arguments}


def test_a_message_goes_with_the_value_that_it_was_made_of(driver: Any) -> None:
    @tool
    def add(x: int) -> Any:
        """Add."""
        return {"sum": x + 1}

    assert "value" not in ended(driver, add, {"x": 1}).keywords
    end = ended(driver, add, tool_call(x=1))
    assert (type(end.payload[0]), end.keywords["value"]) == (ToolMessage, {"sum": 2})


@pytest.mark.parametrize("given", [{}, tool_call()], ids=["arguments", "tool call"])
def test_content_goes_with_all_that_the_body_returned(driver: Any, given: Any) -> None:
    @tool(response_format="content_and_artifact")
    def draw() -> Any:
        """Draw."""
        return "a picture", b"..."

    assert ended(driver, draw, given).keywords["value"] == ("a picture", b"...")


@pytest.mark.parametrize("given", [{}, tool_call()], ids=["arguments", "tool call"])
def test_an_answer_goes_with_the_error_that_it_answers(driver: Any, given: Any) -> None:
    error = ToolException("no")

    @tool(handle_tool_error=True)
    def fail() -> Any:
        """Fail."""
        raise error

    keywords = ended(driver, fail, given).keywords
    assert (keywords["answered"], "value" in keywords) == (error, False)


def test_a_handler_that_forgets_an_answered_error_leaves_no_cycle(driver: Any) -> None:
    class Deaf(BaseCallbackHandler):
        def on_tool_end(self, output: Any, **kwargs: Any) -> None:
            seen.append("answered" in kwargs)

    class Telltale(ToolException):
        pass

    @tool(handle_tool_error=True)
    def fail() -> Any:
        """Fail."""
        raise remembered(Telltale("no"))

    def remembered(error: Exception) -> Exception:
        weakref.finalize(error, gone.set)
        return error

    seen: list[bool] = []
    gone = threading.Event()
    gc.collect()
    gc.disable()
    try:
        driver.invoke(fail, {}, {"callbacks": [Deaf()]})
        assert seen == [True]
        assert gone.wait(2)  # a pool thread may have it in hand for a moment longer
    finally:
        gc.enable()
