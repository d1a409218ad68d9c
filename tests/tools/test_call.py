"""The road of a call: what goes in, what comes out, and which events are told on the way."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from toolrun.callbacks import CallbackManager, current_run
from toolrun.errors import ControlFlow
from toolrun.run import RunStatus
from toolrun.testing import AsyncRecordingHandler, RecordingHandler
from toolrun.tools import BaseTool, StructuredTool, ToolException, ToolMessage, tool
from toolrun.tools._call import Call, arun_call, run_call
from toolrun.tools.exceptions import InvalidOutput, InvalidToolInput


@tool
def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


@tool
async def aadd(a: int, b: int = 1) -> int:
    """Add."""
    await asyncio.sleep(0)
    return a + b


@tool
def failing(error: Any) -> None:
    """Fail."""
    raise error


def tool_call(arguments: dict[str, Any], call_id: str = "call-1") -> dict[str, Any]:
    return {"type": "tool_call", "id": call_id, "name": "any", "args": arguments}


def told(driver: Any, subject: BaseTool, given: Any, **config: Any) -> RecordingHandler:
    """What a handler is told of a call, whether it fails or not."""
    handler = RecordingHandler()
    with contextlib.suppress(Exception):
        driver.invoke(subject, given, {"callbacks": [handler], **config})
    return handler


@pytest.mark.parametrize("subject", [add, aadd], ids=["sync tool", "async tool"])
@pytest.mark.parametrize(
    ("given", "result"),
    [
        ({"a": 1, "b": 2}, 3),
        ("4", 5),
        (tool_call({"a": 1}), ToolMessage("2", "call-1", None)),
        (tool_call({"a": 1}, ""), ToolMessage("2", "", None)),
    ],
    ids=["dict", "string", "tool call", "tool call without id"],
)
def test_what_goes_in_decides_what_comes_out(driver: Any, subject: BaseTool, given: Any, result: Any) -> None:
    if isinstance(result, ToolMessage):
        result.name = subject.name
    assert driver.invoke(subject, given) == result


def test_the_start_event_tells_all_about_the_call(driver: Any) -> None:
    handler = told(
        driver, add, tool_call({"a": "1"}), run_name="first", run_id=UUID(int=5), tags=["t"], metadata={"m": 1}
    )
    start = handler.events[0]
    assert start.run_id == UUID(int=5)
    assert start.parent_run_id is None
    assert start.payload == ({"name": "add", "description": "Add."}, "{'a': '1'}")
    assert start.keywords == {
        "inputs": {"a": "1"},
        "name": "first",
        "tool_call_id": "call-1",
        "color": "green",
        "tags": ["t"],
        "metadata": {"m": 1},
    }


def test_the_end_event_has_the_output_and_the_tools_name(driver: Any) -> None:
    end = told(driver, add, tool_call({"a": 1}), run_name="first").events[-1]
    assert end.name == "on_tool_end"
    assert end.payload == (ToolMessage("2", "call-1", "add"),)
    engine = "threads" if driver.is_async else "inline"
    told_beside = {"name": "add", "tool_call_id": "call-1", "color": "green", "tags": []}
    assert end.keywords == {**told_beside, "engine": engine, "value": 2}
    assert told(driver, add, {"a": 1}).events[-1].payload == (2,)


def test_the_error_event_has_the_exception_and_the_tool_call_id(driver: Any) -> None:
    error = ValueError("bad")
    end = told(driver, failing, tool_call({"error": error})).events[-1]
    assert end.name == "on_tool_error"
    assert end.payload == (error,)
    assert end.keywords["tool_call_id"] == "call-1"


def test_without_a_run_name_the_start_has_the_tools_name(driver: Any) -> None:
    assert told(driver, add, {"a": 1}).events[0].keywords["name"] == "add"


def test_a_bare_string_has_no_inputs(driver: Any) -> None:
    start = told(driver, add, "4").events[0]
    assert start.payload[1] == "4"
    assert start.keywords["inputs"] is None


def test_keywords_of_a_call_go_with_its_events(driver: Any) -> None:
    handler = RecordingHandler()
    config = {"callbacks": [handler]}
    driver.invoke(add, {"a": 1}, config, trace="x", start_color="red", color="blue")
    start, end = handler.events
    assert (start.keywords["trace"], start.keywords["color"]) == ("x", "red")
    assert (end.keywords["trace"], end.keywords["color"]) == ("x", "blue")


def test_run_takes_the_parts_of_the_config_as_arguments(driver: Any) -> None:
    handler, run_id = RecordingHandler(), UUID(int=9)
    parts: dict[str, Any] = {
        "callbacks": [handler],
        "tags": ["t"],
        "metadata": {"m": 1},
        "run_name": "n",
        "run_id": run_id,
    }
    parts |= {"tool_call_id": "call-2", "color": "blue"}
    message = driver.run(add.arun({"a": 1}, **parts)) if driver.is_async else add.run({"a": 1}, **parts)
    assert message == ToolMessage("2", "call-2", "add")
    start, end = handler.events
    assert start.run_id == run_id
    assert (start.keywords["name"], start.keywords["tags"], start.keywords["metadata"]) == ("n", ["t"], {"m": 1})
    assert end.keywords["color"] == "blue"


def test_what_the_tool_itself_adds_is_not_inherited(driver: Any) -> None:
    @tool
    def inner() -> str:
        """Do."""
        return "inner"

    own, passed = RecordingHandler(), RecordingHandler()

    @tool(callbacks=[own], tags=["own"], metadata={"own": 1})
    def outer() -> Any:
        """Do."""
        return inner.invoke({})

    driver.invoke(outer, {}, {"callbacks": [passed], "tags": ["passed"]})
    assert own.names == ["on_tool_start", "on_tool_end"]
    first, second = passed.named("on_tool_start")
    assert (first.keywords["tags"], first.keywords["metadata"]) == (["passed", "own"], {"own": 1})
    assert (second.keywords["tags"], second.keywords["metadata"]) == (["passed"], {})


def test_a_manager_in_the_config_decides_alone(driver: Any) -> None:
    around, given = RecordingHandler(), RecordingHandler()

    @tool
    def outer() -> Any:
        """Do."""
        return add.invoke({"a": 1}, {"callbacks": CallbackManager([given], [given])})

    driver.invoke(outer, {}, {"callbacks": [around]})
    assert around.names == ["on_tool_start", "on_tool_end"]
    assert given.names == ["on_tool_start", "on_tool_end"]
    assert given.events[0].parent_run_id is None


@pytest.mark.parametrize("error", [ValueError("x"), ToolException("x"), ControlFlow(), SystemExit(2)], ids=repr)
def test_every_start_has_one_end(driver: Any, error: BaseException) -> None:
    handler = RecordingHandler()

    async def caught() -> None:
        with pytest.raises(type(error)):
            await failing.ainvoke({"error": error}, {"callbacks": [handler]})

    if driver.is_async:
        driver.run(caught())
    else:
        with pytest.raises(type(error)):
            failing.invoke({"error": error}, {"callbacks": [handler]})
    assert handler.names == ["on_tool_start", "on_tool_error"]
    assert handler.events[-1].payload == (error,)
    assert handler.events[-1].keywords.get("paused", False) is isinstance(error, ControlFlow)


def test_arguments_that_do_not_validate_end_the_run_too(driver: Any) -> None:
    handler = told(driver, add, {"a": "one"})
    assert handler.names == ["on_tool_start", "on_tool_error"]
    assert isinstance(handler.events[-1].payload[0], ValidationError)


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("cannot be shown")


def test_an_output_that_cannot_be_formatted_ends_the_run_by_an_error(driver: Any) -> None:
    @tool
    def unprintable() -> Any:
        """Do."""
        return Unprintable()

    handler = RecordingHandler()
    with pytest.raises(RuntimeError, match="cannot be shown"):
        driver.invoke(unprintable, tool_call({}), {"callbacks": [handler]})
    assert handler.names == ["on_tool_start", "on_tool_error"]


@tool(response_format="content_and_artifact")
def pair(result: Any) -> Any:
    """Do."""
    return result


def test_an_artifact_goes_with_the_message_and_not_without(driver: Any) -> None:
    assert driver.invoke(pair, tool_call({"result": ("text", [1])})) == ToolMessage(
        "text", "call-1", "pair", artifact=[1]
    )
    assert driver.invoke(pair, {"result": ("text", [1])}) == "text"


@pytest.mark.parametrize("result", ["ab", ("a",), ("a", "b", "c"), ["a", "b"]], ids=repr)
def test_an_artifact_needs_a_pair(driver: Any, result: Any) -> None:
    handler = RecordingHandler()
    with pytest.raises(InvalidOutput, match=r"a two-tuple.*'pair'"):
        driver.invoke(pair, {"result": result}, {"callbacks": [handler]})
    assert handler.names == ["on_tool_start", "on_tool_error"]


@tool
def counts(n: int) -> Iterator[int]:
    """Count."""
    yield from range(n)


@tool
async def acounts(n: int) -> AsyncIterator[int]:
    """Count."""
    for i in range(n):
        await asyncio.sleep(0)
        yield i


@pytest.mark.parametrize("subject", [counts, acounts], ids=["sync generator", "async generator"])
def test_what_a_generator_tool_yields_is_output(driver: Any, subject: BaseTool) -> None:
    handler = told(driver, subject, tool_call({"n": 3}))
    assert handler.names == ["on_tool_start", *["on_tool_output"] * 3, "on_tool_end"]
    assert [event.payload for event in handler.named("on_tool_output")] == [(0,), (1,), (2,)]
    assert {event.keywords["tool_call_id"] for event in handler.events} == {"call-1"}
    assert handler.events[-1].payload[0].content == "2"


def test_async_handlers_are_told_the_same(driver: Any) -> None:
    handler = AsyncRecordingHandler()
    assert driver.invoke(acounts, {"n": 2}, {"callbacks": [handler]}) == 1
    assert handler.names == ["on_tool_start", "on_tool_output", "on_tool_output", "on_tool_end"]


def test_a_tool_knows_its_run(driver: Any) -> None:
    @tool
    def progresses() -> str:
        """Do."""
        run: Any = current_run()
        run.on_tool_progress(1, total=2, message="half")
        return str(run.run_id)

    handler = RecordingHandler()
    run_id = driver.invoke(progresses, {}, {"callbacks": [handler]})
    assert handler.names == ["on_tool_start", "on_tool_progress", "on_tool_end"]
    assert {str(event.run_id) for event in handler.events} == {run_id}


def where() -> str:
    """Tell the thread."""
    return threading.current_thread().name


@pytest.mark.parametrize(
    ("of_tool", "of_call", "when_invoked", "when_awaited"),
    [
        (None, None, "MainThread", "toolrun-tool"),
        ("threads", None, "toolrun-tool", "toolrun-tool"),
        ("inline", None, "MainThread", "MainThread"),
        ("threads", "inline", "MainThread", "MainThread"),
        (None, "threads", "toolrun-tool", "toolrun-tool"),
    ],
)
def test_the_nearest_engine_wins(driver: Any, of_tool: Any, of_call: Any, when_invoked: str, when_awaited: str) -> None:
    subject = StructuredTool.from_function(where, engine=of_tool)
    ran_in = driver.invoke(subject, {}, {"engine": of_call} if of_call else None)
    assert ran_in.startswith(when_awaited if driver.is_async else when_invoked)


def test_a_tool_that_is_only_async_can_be_invoked_inside_a_loop() -> None:
    async def main() -> int:
        return int(aadd.invoke({"a": 1}))

    assert asyncio.run(main()) == 2


def test_a_tool_with_both_runs_each_for_its_own_callers(driver: Any) -> None:
    async def there() -> str:
        return "async"

    both = StructuredTool.from_function(lambda: "sync", there, name="both", description="Do.")
    assert driver.invoke(both, {}) == ("async" if driver.is_async else "sync")


class Desk(BaseTool):
    """A tool by subclass."""

    name: str = "desk"
    description: str = "A desk."

    def _run(self, item: str) -> Iterator[str]:
        yield "opening"
        yield item

    async def _arun(self, item: str) -> AsyncIterator[str]:
        yield "opening softly"
        yield item


def test_a_subclass_may_write_generators(driver: Any) -> None:
    handler = told(driver, Desk(), {"item": "pen"})
    first = "opening softly" if driver.is_async else "opening"
    assert [event.payload[0] for event in handler.named("on_tool_output")] == [first, "pen"]
    assert handler.events[-1].payload == ("pen",)


def test_a_cancelled_call_ends_by_an_error(async_driver: Any) -> None:
    handler = RecordingHandler()

    @tool
    async def waits(started: Any) -> None:
        """Wait."""
        started.set()
        await asyncio.Event().wait()

    async def main() -> None:
        started = asyncio.Event()
        task = asyncio.create_task(waits.ainvoke({"started": started}, {"callbacks": [handler]}))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_driver.run(main())
    assert handler.names == ["on_tool_start", "on_tool_error"]
    assert isinstance(handler.events[-1].payload[0], asyncio.CancelledError)


def test_a_closed_call_ends_by_an_error_for_sync_handlers() -> None:
    handler = RecordingHandler()
    handler.run_inline = True

    class Waits:
        def __await__(self) -> Iterator[None]:
            yield

    @tool
    async def waits() -> None:
        """Wait."""
        await Waits()

    async def main() -> None:
        call = waits.ainvoke({}, {"callbacks": [handler]})
        call.send(None)
        call.close()

    asyncio.run(main())
    assert handler.names == ["on_tool_start", "on_tool_error"]
    assert isinstance(handler.events[-1].payload[0], GeneratorExit)


def recorded(driver: Any, call: Call) -> Call:
    """The call, made, whether it fails or not."""

    async def make() -> None:
        with contextlib.suppress(BaseException):
            await arun_call(call)

    if driver.is_async:
        driver.run(make())
    else:
        with contextlib.suppress(BaseException):
            run_call(call)
    return call


def test_a_call_is_the_record_of_what_became_of_it(driver: Any) -> None:
    call = recorded(driver, Call(pair, {"result": ({"a": 1}, "extra")}, tool_call_id="call-1"))
    assert (call.value, call.artifact, call.error, call.status) == ({"a": 1}, "extra", None, RunStatus.OK)
    assert call.run is not None


def test_the_record_keeps_an_error_that_was_answered(driver: Any) -> None:
    error = ToolException("no")
    call = recorded(driver, Call(failing.with_options(handle_tool_error=True), {"error": error}, is_record=True))
    assert (call.value, call.error, call.status) == ("no", error, RunStatus.ERROR)


def test_the_record_keeps_an_error_that_was_raised(driver: Any) -> None:
    error = KeyboardInterrupt()
    call = recorded(driver, Call(failing, {"error": error}, is_record=True))
    assert (call.value, call.error, call.status) == (None, error, RunStatus.CANCELLED)


@pytest.mark.parametrize("engine", ["inline", "threads"])
def test_a_stop_iteration_of_a_sync_tool_is_told_as_it_is(driver: Any, engine: Any) -> None:
    error = StopIteration("x")
    subject, handler = failing.with_options(engine=engine), RecordingHandler()
    call = recorded(driver, Call(subject, {"error": error}, {"callbacks": [handler]}, is_record=True))
    assert handler.named("on_tool_error")[0].payload == (error,)
    assert call.take_error() is error
    assert driver.invoke(subject.with_options(handle_tool_error=StopIteration), {"error": error}) == "StopIteration: x"


def test_a_stop_iteration_that_became_another_error_in_the_body_is_told_as_that(driver: Any) -> None:
    @tool
    def in_generator() -> int:
        """End."""
        return sum(next(iter(())) for _ in "1")

    @tool
    async def in_coroutine() -> None:
        """End."""
        raise StopIteration

    for subject in (in_generator, in_coroutine):
        assert isinstance(told(driver, subject, {}).named("on_tool_error")[0].payload[0], RuntimeError)


def test_a_validation_error_of_the_body_is_an_error_of_the_body(driver: Any) -> None:
    class Place(BaseModel):
        name: str

    @tool(handle_validation_error=True)
    def places() -> None:
        """Do."""
        Place.model_validate({})

    with pytest.raises(ValidationError):
        driver.invoke(places, {})


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def deep_list() -> list[Any]:
    inner: list[Any] = []
    for _ in range(1000):
        inner = [inner]
    return inner


@pytest.mark.parametrize("value", [Unshowable(), deep_list()], ids=["repr raises", "nested deep"])
def test_listening_to_a_call_does_not_make_it_fail(driver: Any, value: Any) -> None:
    @tool
    def takes(value: Any) -> str:
        """Do."""
        return "ran"

    handler = told(driver, takes, {"value": value})
    assert handler.names == ["on_tool_start", "on_tool_end"]
    assert handler.named("on_tool_start")[0].keywords["inputs"]["value"] is value


def test_input_that_is_refused_need_not_have_a_repr(driver: Any) -> None:
    with pytest.raises(InvalidToolInput, match="got list: <list whose repr raised RuntimeError>"):
        driver.invoke(add, [Unshowable()])
