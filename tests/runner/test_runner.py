"""A result for every call, whatever happens; sessions in order, everything else at once."""

from __future__ import annotations

import asyncio
import json
import threading
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from toolrun import CallRequest, CallResult, ToolException, ToolRunner, tool
from toolrun.callbacks import BaseCallbackHandler, current_run
from toolrun.errors import UnknownEvent
from toolrun.runner._batch import READ_AHEAD
from toolrun.testing import AsyncRecordingHandler, RecordingHandler


def call(name: str, session: str | None = None, id: str | None = None, /, **arguments: Any) -> CallRequest:
    return CallRequest(name, arguments, id, session)


def lines(results: list[CallResult]) -> list[dict[str, Any]]:
    return [json.loads(result.line) for result in results]


def double(x: int) -> int:
    """Double it."""
    return 2 * x


async def adouble(x: int) -> int:
    """Double it."""
    await asyncio.sleep(0)
    return 2 * x


def count_up(to: int) -> Iterator[int]:
    """Count; the last number is the result."""
    yield from range(1, to + 1)


async def acount_up(to: int) -> AsyncIterator[int]:
    """Count; the last number is the result."""
    for number in range(1, to + 1):
        yield number


def fail(kind: str) -> None:
    """Raise whatever is asked for."""
    raise {"SystemExit": SystemExit(3), "KeyboardInterrupt": KeyboardInterrupt(), "ValueError": ValueError("bad")}[kind]


async def afail(kind: str) -> None:
    """Raise whatever is asked for."""
    fail(kind)


class Counter:
    """Tools with state: whoever calls them in the wrong order or on the wrong counter can tell."""

    def __init__(self, session: Any = None) -> None:
        self.session, self.numbers = session, []

    def add(self, number: int) -> list[int]:
        """Add a number; gives the state itself, not a copy."""
        self.numbers.append(number)
        return self.numbers

    async def aadd(self, number: int) -> list[int]:
        """Add a number, after others have had their chance to be first."""
        await asyncio.sleep(0)
        return self.add(number)


def test_results_come_in_the_order_of_the_calls(driver: Any) -> None:
    calls = [call(name, x=x) for x in range(20) for name in ("double", "adouble")]
    results = driver.run_all(ToolRunner([double, adouble]), calls)
    assert [result.output for result in results] == [2 * x for x in range(20) for _ in range(2)]


def test_a_result_says_all_about_its_call(driver: Any) -> None:
    [result] = driver.run_all(ToolRunner([double]), [call("double", "s", "c-1", x=4)])
    line = json.loads(result.line)
    assert list(line) == ["id", "run_id", "session", "name", "status", "output", "started_at", "duration_ms"]
    assert (line["id"], line["session"], line["name"], line["status"], line["output"]) == (
        "c-1",
        "s",
        "double",
        "ok",
        8,
    )
    assert line["run_id"] == str(result.run_id)
    assert line["started_at"].endswith("+00:00")
    assert line["duration_ms"] > 0


@pytest.mark.parametrize("id", [2**70, "half \ud800 a pair", 'quoted " id'])
def test_an_id_of_any_kind_is_written_as_it_came(driver: Any, id: Any) -> None:
    [result] = driver.run_all(ToolRunner([double]), [CallRequest("double", {"x": 1}, id)])
    line = json.loads(result.line)
    assert (line["id"], line["output"]) == (id, 2)
    assert line["run_id"] == str(result.run_id)


@pytest.mark.parametrize("name", ["count_up", "acount_up"])
def test_a_generator_tool_ends_with_its_last_value(driver: Any, name: str) -> None:
    [result] = driver.run_all(ToolRunner([count_up, acount_up]), [call(name, to=3)])
    assert result.output == 3


@pytest.mark.parametrize("name", ["fail", "afail"])
@pytest.mark.parametrize("kind", ["ValueError", "SystemExit", "KeyboardInterrupt"])
def test_whatever_a_tool_raises_is_a_result_and_harms_no_sibling(driver: Any, name: str, kind: str) -> None:
    calls = [call("double", x=1), call(name, kind=kind), call("double", x=2)]
    first, failed, last = driver.run_all(ToolRunner([double, fail, afail]), calls)
    assert (first.output, last.output) == (2, 4)
    assert not failed.ok
    assert failed.error["type"] == kind
    assert failed.run_id is not None
    assert "output" not in json.loads(failed.line)


def test_an_unknown_tool_is_a_result_with_the_nearest_names(driver: Any) -> None:
    [result] = driver.run_all(ToolRunner([double]), [call("dubble", x=1)])
    assert result.error == {"type": "UnknownTool", "message": "no tool is named 'dubble'. Nearest: double."}
    assert result.run_id is None


class Order(BaseModel):
    lines: list[int]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": "many"}, "x: Input should be a valid integer, unable to parse string as an integer; came 'many' (str)"),
        ({}, "x: required, but missing"),
    ],
)
def test_arguments_that_do_not_validate_name_field_expectation_and_what_came(
    driver: Any, arguments: dict[str, Any], message: str
) -> None:
    [result] = driver.run_all(ToolRunner([double]), [CallRequest("double", arguments)])
    assert result.error == {"type": "ValidationError", "message": message}


def test_every_fault_in_nested_arguments_is_named_with_its_path(driver: Any) -> None:
    def place(order: Order) -> int:
        """Place an order."""
        return len(order.lines)

    [result] = driver.run_all(ToolRunner([place]), [call("place", order={"lines": [1, "a", 2.5]})])
    assert "order.lines.1: Input should be a valid integer" in result.error["message"]
    assert "order.lines.2: " in result.error["message"]


@pytest.mark.parametrize("arguments", ['{"x": 1', [1], 3])
def test_arguments_that_are_no_object_are_refused_before_the_tool(driver: Any, arguments: Any) -> None:
    [result] = driver.run_all(ToolRunner([double]), [CallRequest("double", arguments)])
    assert result.error["type"] == "InvalidArguments"
    assert "must be a JSON object; came" in result.error["message"]


def test_arguments_that_look_like_a_tool_call_are_only_arguments(driver: Any) -> None:
    def echo(type: str, id: str, args: dict[str, Any], name: str) -> list[Any]:
        """Echo."""
        return [type, id, args, name]

    arguments = {"type": "tool_call", "id": "other", "args": {"x": 1}, "name": "double"}
    [result] = driver.run_all(ToolRunner([echo]), [CallRequest("echo", arguments, "mine")])
    assert result.output == ["tool_call", "other", {"x": 1}, "double"]


def test_calls_with_the_same_id_all_run(driver: Any) -> None:
    results = driver.run_all(ToolRunner([double]), [call("double", None, "same", x=x) for x in range(3)])
    assert [(result.id, result.output) for result in results] == [("same", 0), ("same", 2), ("same", 4)]
    assert len({result.run_id for result in results}) == 3


def test_calls_without_an_id_are_numbered(driver: Any) -> None:
    results = driver.run_all(ToolRunner([double]), [call("double", x=1), call("double", x=1)])
    assert [result.id for result in results] == ["call-1", "call-2"]


def test_an_answered_error_is_still_an_error_of_the_call(driver: Any) -> None:
    @tool(handle_tool_error=True)
    def refuse() -> str:
        """Refuse."""
        raise ToolException("the bank refused")

    [result] = driver.run_all(ToolRunner([refuse]), [call("refuse")])
    assert (result.status, result.error) == ("error", {"type": "ToolException", "message": "the bank refused"})


def test_a_stop_iteration_is_written_down_as_what_it_is() -> None:
    def at_end() -> None:
        """End."""
        raise StopIteration("no more")

    [result] = ToolRunner([at_end]).run_all([call("at_end")])
    assert result.error == {"type": "StopIteration", "message": "no more"}


def test_messages_of_models_are_calls_too(driver: Any) -> None:
    message = {"tool_calls": [{"id": "1", "function": {"name": "double", "arguments": '{"x": 3}'}}]}
    results = driver.run_all(ToolRunner([double]), [message, {"name": "double", "args": {"x": 4}}])
    assert [result.output for result in results] == [6, 8]


def test_what_is_no_call_gets_a_result_that_says_so(driver: Any) -> None:
    bad, good = driver.run_all(ToolRunner([double]), [{"no": "call"}, call("double", x=1)])
    assert bad.error["type"] == "MalformedCall"
    assert (bad.id, bad.name) == (None, None)
    assert good.ok


@pytest.mark.parametrize("name", ["add", "aadd"])
def test_calls_of_a_session_run_in_order_on_its_own_tools(driver: Any, name: str) -> None:
    calls = [call(name, session, number=number) for number in range(4) for session in ("a", "b", "c")]
    results = driver.run_all(ToolRunner(Counter), calls)
    assert [line["output"] for line in lines(results)] == [list(range(n + 1)) for n in range(4) for _ in range(3)]


def test_a_result_is_written_before_the_next_call_of_its_session(driver: Any) -> None:
    first, second = driver.run_all(ToolRunner(Counter), [call("add", "s", number=1), call("add", "s", number=2)])
    assert first.output is second.output
    assert [line["output"] for line in lines([first, second])] == [[1], [1, 2]]


def test_a_failed_call_does_not_end_its_session(driver: Any) -> None:
    calls = [call("add", "s", number=1), call("add", "s", number="x"), call("add", "s", number=2)]
    results = driver.run_all(ToolRunner(Counter), calls)
    assert [result.ok for result in results] == [True, False, True]
    assert results[2].output == [1, 2]


def test_calls_without_a_session_share_the_tools_made_of_none(driver: Any) -> None:
    sessions: list[Any] = []

    def factory(session: Any) -> Any:
        sessions.append(session)
        return [double]

    driver.run_all(ToolRunner(factory), [call("double", x=x) for x in range(9)])
    assert sessions == [None]


def test_a_factory_is_called_once_a_session_off_the_loop_and_may_be_async(async_driver: Any) -> None:
    made: list[tuple[str, str]] = []

    def factory(session: str) -> Any:
        made.append((session, threading.current_thread().name))

        async def tools() -> list[Any]:
            return [double]

        return tools()

    calls = [call("double", session, x=1) for session in "aabb"]
    results = async_driver.run(ToolRunner(factory).arun_all(calls))
    assert all(result.ok for result in results)
    assert sorted(session for session, _ in made) == ["a", "b"]
    assert threading.current_thread().name not in {thread for _, thread in made}


@pytest.mark.parametrize("error", [KeyError("b"), SystemExit(1)])
def test_a_factory_that_raises_fails_the_calls_of_its_session_only(driver: Any, error: BaseException) -> None:
    asked: list[str] = []

    def factory(session: str) -> Any:
        asked.append(session)
        if session == "b":
            raise error
        return [double]

    results = driver.run_all(ToolRunner(factory), [call("double", session, x=1) for session in "abab"])
    assert [result.ok for result in results] == [True, False, True, False]
    assert results[1].error["type"] == "SessionFailed"
    assert f"the tools of session 'b' could not be made: {type(error).__name__}" in results[1].error["message"]
    assert sorted(asked) == ["a", "b"]


def test_each_call_of_a_session_that_failed_has_an_error_of_its_own(driver: Any) -> None:
    def factory(session: str) -> Any:
        raise LookupError("no such user")

    results = driver.run_all(ToolRunner(factory), [call("double", "a", x=1) for _ in range(3)])
    errors = [result.exception for result in results]
    assert len(set(map(id, errors))) == 3
    assert len({len(traceback.extract_tb(error.__traceback__)) for error in errors}) == 1
    assert len({id(error.cause) for error in errors}) == 1


def test_a_factory_that_makes_no_tools_fails_the_calls_of_its_session(driver: Any) -> None:
    [result] = driver.run_all(ToolRunner(lambda session: 3), [call("double", "s", x=1)])
    assert "SessionFailed" in result.error["type"]
    assert "A function given as the tools is called as their factory" in result.error["message"]
    assert "NotATool: 3 is no tool" in result.error["message"]


def test_no_more_calls_run_at_once_than_the_concurrency(driver: Any) -> None:
    now_running = most = 0

    async def busy(x: int) -> None:
        """Be busy."""
        nonlocal now_running, most
        now_running += 1
        most = max(most, now_running)
        for _ in range(3):
            await asyncio.sleep(0)
        now_running -= 1

    driver.run_all(ToolRunner([busy], concurrency=3), [call("busy", x=x) for x in range(20)])
    assert most == 3


def test_calls_without_a_session_run_at_once(driver: Any) -> None:
    meeting = threading.Barrier(8, timeout=30)

    def meet() -> int:
        """Wait until all have come."""
        return meeting.wait()

    results = driver.run_all(ToolRunner([meet]), [call("meet")] * 8)
    assert sorted(result.output for result in results) == list(range(8))


def test_the_source_is_read_no_further_ahead_than_there_is_room(async_driver: Any) -> None:
    read = 0
    gate: asyncio.Event

    async def wait() -> None:
        """Wait for the gate."""
        await gate.wait()

    def source() -> Iterator[CallRequest]:
        nonlocal read
        while read < 3 * READ_AHEAD:
            read += 1
            yield call("wait")

    async def main() -> int:
        nonlocal gate
        gate = asyncio.Event()
        results = ToolRunner([wait], concurrency=2).astream(source())
        first = asyncio.create_task(anext(results))
        for _ in range(20):
            await asyncio.sleep(0)
        before = read
        gate.set()
        await first
        assert sum([1 async for _ in results]) == 3 * READ_AHEAD - 1
        return before

    assert async_driver.run(main()) <= READ_AHEAD + 2 + 1


def test_results_stream_out_as_calls_end(async_driver: Any) -> None:
    async def main() -> list[str]:
        gate = asyncio.Event()

        async def slow() -> str:
            """Wait for the others."""
            await gate.wait()
            return "slow"

        async def quick() -> str:
            """Be quick."""
            return "quick"

        order = []
        async for result in ToolRunner([slow, quick]).astream([call("slow"), call("quick")]):
            order.append(result.output)
            gate.set()
        return order

    assert async_driver.run(main()) == ["quick", "slow"]


def test_a_source_that_raises_does_so_after_the_results_of_what_it_gave(async_driver: Any) -> None:
    def source() -> Iterator[CallRequest]:
        yield call("double", x=1)
        raise OSError("the disk is gone")

    async def main() -> None:
        outputs = []
        with pytest.raises(OSError, match="the disk is gone"):
            async for result in ToolRunner([double]).astream(source()):
                outputs.append(result.output)
        assert outputs == [2]

    async_driver.run(main())


def test_a_batch_that_is_stopped_gives_a_result_for_every_call_it_has_read(async_driver: Any) -> None:
    async def main() -> None:
        started = asyncio.Event()
        released = threading.Event()

        async def hang() -> None:
            """Never end."""
            started.set()
            await asyncio.Event().wait()

        def block() -> None:
            """Block until the test is over."""
            released.wait(30)

        batch = ToolRunner([hang, block], concurrency=2).batch()
        calls = [call("hang"), call("block"), call("hang"), call("hang", "s"), call("hang", "s")]
        results = []
        stream = batch.results(calls)
        pending = asyncio.create_task(anext(stream))
        await started.wait()
        batch.stop()
        results = [await pending, *[result async for result in stream]]
        released.set()
        assert sorted(result.position for result in results) == [0, 1, 2, 3, 4]
        assert {result.status for result in results} == {"cancelled"}
        assert sum(result.run_id is not None for result in results) == 2

    async_driver.run(main())


def test_a_stream_that_is_left_early_leaves_nothing_running(async_driver: Any) -> None:
    async def main() -> None:
        ended = []

        async def hang(x: int) -> None:
            """Never end, and tell when it is cancelled."""
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(x)

        async def quick() -> None:
            """End."""

        calls = [call("hang", x=0), call("hang", x=1), call("quick")]
        stream = ToolRunner([hang, quick]).astream(calls)
        await anext(stream)
        await stream.aclose()
        assert sorted(ended) == [0, 1]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async_driver.run(main())


@pytest.mark.parametrize("kind", [RecordingHandler, AsyncRecordingHandler])
def test_handlers_hear_every_run_with_the_id_of_its_call_and_its_session(driver: Any, kind: Any) -> None:
    handler = kind()
    runner = ToolRunner([double], callbacks=[handler], tags=["batch"])
    results = driver.run_all(runner, [call("double", f"s-{x}", f"c-{x}", x=x) for x in range(3)])
    for x, result in enumerate(results):
        start, end = handler.of(result.run_id)
        assert (start.name, end.name) == ("on_tool_start", "on_tool_end")
        assert (start.keywords["tool_call_id"], end.keywords["tool_call_id"]) == (f"c-{x}", f"c-{x}")
        assert start.keywords["metadata"] == {"session": f"s-{x}"}
        assert start.keywords["tags"] == ["batch"]


def test_background_handlers_have_had_everything_when_the_batch_ends(driver: Any) -> None:
    class Slow(RecordingHandler):
        background = True

    handler = Slow()
    driver.run_all(ToolRunner([double], callbacks=[handler]), [call("double", x=x) for x in range(50)])
    assert [handler.names.count(event) for event in ("on_tool_start", "on_tool_end")] == [50, 50]


def test_a_run_of_a_batch_is_the_current_run_of_its_tool(driver: Any) -> None:
    def who() -> str:
        """Say which run this is."""
        run = current_run()
        assert run is not None
        return str(run.run_id)

    [result] = driver.run_all(ToolRunner([who]), [call("who")])
    assert result.output == str(result.run_id)


def test_run_all_works_inside_a_running_loop(async_driver: Any) -> None:
    async def main() -> Any:
        return ToolRunner([adouble]).run_all([call("adouble", x=2)])[0].output

    assert async_driver.run(main()) == 4


def test_a_handler_that_misspells_an_event_is_refused_when_the_runner_is_made() -> None:
    class Misspelt(BaseCallbackHandler):
        def on_tol_end(self, output: Any, **kwargs: Any) -> None: ...

    with pytest.raises(UnknownEvent, match="Did you mean 'on_tool_end'"):
        ToolRunner([double], callbacks=[Misspelt()])


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, None, "2"])
def test_a_concurrency_that_is_no_number_of_slots_is_refused(concurrency: Any) -> None:
    with pytest.raises(ValueError, match=f"a whole number of at least 1, not {concurrency!r}"):
        ToolRunner([double], concurrency=concurrency)


@pytest.mark.parametrize("calls", [{"name": "double"}, CallRequest("double", {"x": 1}), "double", None])
def test_one_call_where_many_are_taken_is_refused_and_says_what_to_do(driver: Any, calls: Any) -> None:
    with pytest.raises(TypeError, match=r"a runner takes many calls; .* is not a list: put it into one"):
        driver.run_all(ToolRunner([double]), calls)


@pytest.mark.parametrize(("given", "kept"), [("24", "24"), (24, 24), ([24], None), (None, None)])
def test_a_call_that_cannot_be_read_keeps_its_id_where_that_can_be_read(driver: Any, given: Any, kept: Any) -> None:
    [result] = driver.run_all(ToolRunner([double]), [{"id": given, "name": 5}])
    assert (result.id, result.error["type"], json.loads(result.line)["id"]) == (kept, "MalformedCall", kept)
