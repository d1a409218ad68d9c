"""The event stream of a batch: everything, in order for each run, and nothing left behind when nobody listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from toolrun import CallRequest, ToolRunner, tool
from toolrun.callbacks import current_run, dispatch_custom_event
from toolrun.runner.stream import events_of
from toolrun.testing import AsyncRecordingHandler

Event = dict[str, Any]


def call(name: str, id: str | None = None, /, **arguments: Any) -> CallRequest:
    return CallRequest(name, arguments, id, None)


def events(driver: Any, runner: ToolRunner, *calls: CallRequest) -> list[Event]:
    async def scenario() -> list[Event]:
        return [event async for event in runner.astream_events(calls)]

    return driver.run(scenario())  # type: ignore[no-any-return]


def names(stream: list[Event]) -> list[str]:
    return [event["event"] for event in stream]


def by_run(stream: list[Event]) -> dict[str, list[Event]]:
    runs: dict[str, list[Event]] = {}
    for event in stream:
        runs.setdefault(event["run_id"], []).append(event)
    return runs


@tool
def count(to: int) -> Iterator[int]:
    """Counts."""
    yield from range(to)


@tool
async def acount(to: int) -> AsyncIterator[int]:
    """Counts."""
    for number in range(to):
        yield number


@tool
async def wait() -> None:
    """Never ends by itself."""
    await asyncio.Event().wait()


def test_an_event_has_the_fields_of_the_v2_schema(async_driver: Any) -> None:
    runner = ToolRunner([acount], tags=["mine"], metadata={"who": "me"})

    start, part, end = events(async_driver, runner, call("acount", "id-1", to=1))

    run_id = start["run_id"]
    shared = {"name": "acount", "run_id": run_id, "parent_ids": [], "tags": ["mine"], "metadata": {"who": "me"}}
    assert start == {
        "event": "on_tool_start",
        **shared,
        "data": {"input": {"to": 1}, "tool_call_id": "id-1"},
    }
    assert part == {"event": "on_tool_stream", **shared, "data": {"chunk": 0, "tool_call_id": "id-1"}}
    assert end["event"] == "on_tool_end"
    assert end["data"]["input"] == {"to": 1}
    assert end["data"]["output"].content == "0"


@pytest.mark.parametrize("name", ["count", "acount"])
def test_the_events_of_each_run_come_in_order(async_driver: Any, name: str) -> None:
    stream = events(async_driver, ToolRunner([count, acount]), *(call(name, to=20) for _ in range(30)))

    runs = by_run(stream)
    assert len(runs) == 30
    for run in runs.values():
        assert names(run) == ["on_tool_start", *["on_tool_stream"] * 20, "on_tool_end"]
        assert [event["data"]["chunk"] for event in run[1:-1]] == list(range(20))


def test_everything_that_a_tool_says_is_in_the_stream(async_driver: Any) -> None:
    @tool
    def talk() -> None:
        """Says all sorts of things."""
        run: Any = current_run()
        run.on_text("hello")
        run.on_tool_progress(1, 2, "half")
        dispatch_custom_event("mine", {"x": 1})

    stream = events(async_driver, ToolRunner([talk]), call("talk", "id-1"))

    assert names(stream) == ["on_tool_start", "on_text", "on_tool_progress", "on_custom_event", "on_tool_end"]
    assert stream[1]["data"] == {"text": "hello", "tool_call_id": "id-1"}
    assert stream[2]["data"] == {"progress": 1, "total": 2, "message": "half", "tool_call_id": "id-1"}
    assert (stream[3]["name"], stream[3]["data"]) == ("mine", {"x": 1})
    assert len({event["run_id"] for event in stream}) == 1


def test_parents_are_listed_root_first(async_driver: Any) -> None:
    @tool
    def leaf() -> None:
        """Does nothing."""

    @tool
    def branch() -> None:
        """Calls the leaf, sync, from a thread."""
        leaf.invoke({})

    @tool
    async def root() -> None:
        """Calls the branch."""
        await branch.ainvoke({})

    stream = events(async_driver, ToolRunner([root]), call("root"))

    ids = {event["name"]: event["run_id"] for event in stream}
    parents = {event["name"]: event["parent_ids"] for event in stream}
    assert parents == {"root": [], "branch": [ids["root"]], "leaf": [ids["root"], ids["branch"]]}
    assert all(names(run) == ["on_tool_start", "on_tool_end"] for run in by_run(stream).values())


KINDS = {
    "chain": ("on_chain_start", ({"name": "c"}, {"x": 1})),
    "retriever": ("on_retriever_start", ({"name": "r"}, "where?")),
    "llm": ("on_llm_start", ({"name": "m"}, ["hi"])),
    "chat_model": ("on_chat_model_start", ({"name": "m"}, [["hi"]])),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_of_every_kind_of_run_is_in_the_stream(async_driver: Any, kind: str) -> None:
    opening, arguments = KINDS[kind]

    @tool
    async def work() -> None:
        """Opens another run, which fails."""
        run: Any = current_run()
        opened = await getattr(run.get_child(), opening)(*arguments)
        for child in opened if isinstance(opened, list) else [opened]:
            await getattr(child, f"on_{'llm' if kind == 'chat_model' else kind}_error")(ValueError("broken"))

    stream = events(async_driver, ToolRunner([work]), call("work"))

    assert names(stream) == ["on_tool_start", f"on_{kind}_start", f"on_{kind}_error", "on_tool_end"]
    assert repr(stream[2]["data"]["error"]) == "ValueError('broken')"
    assert stream[2]["data"]["input"] == stream[1]["data"]["input"]


def test_a_failing_tool_and_a_call_that_reaches_none_are_errors_in_the_stream(async_driver: Any) -> None:
    @tool
    def fail() -> None:
        """Fails."""
        raise ValueError("bad")

    stream = events(async_driver, ToolRunner([fail]), call("fail", "id-1"), call("no_such_tool", "id-2"))

    errors = {event["data"]["tool_call_id"]: event for event in stream if event["event"] == "on_tool_error"}
    assert errors.keys() == {"id-1", "id-2"}
    assert repr(errors["id-1"]["data"]["error"]) == "ValueError('bad')"
    assert "no_such_tool" in str(errors["id-2"]["data"]["error"])
    assert errors["id-2"]["run_id"] is None


def test_a_full_queue_makes_runs_wait_and_loses_nothing(async_driver: Any) -> None:
    told = 0

    @tool
    async def talk() -> None:
        """Says a lot."""
        nonlocal told
        run: Any = current_run()
        for number in range(50):
            await run.on_text(str(number))
            told += 1

    async def scenario() -> list[Event]:
        runner, stream, ahead = ToolRunner([talk]), [], []
        async with aclosing(events_of(runner.batch, [call("talk"), call("talk")], bound=4)) as source:
            async for event in source:
                for _ in range(20):
                    await asyncio.sleep(0)  # all the time that the runs may want
                stream.append(event)
                ahead.append(told - names(stream).count("on_text"))
        assert max(ahead) <= 4
        return stream

    stream = async_driver.run(scenario())
    assert names(stream).count("on_text") == 100


async def break_off(source: Any, started: asyncio.Event) -> None:
    async with aclosing(source) as stream:
        async for _ in stream:
            await started.wait()
            break


async def close(source: Any, started: asyncio.Event) -> None:
    await anext(source)
    await started.wait()
    await source.aclose()


async def be_cancelled(source: Any, started: asyncio.Event) -> None:
    async def consume() -> None:
        async for _ in source:
            pass

    task = asyncio.create_task(consume())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("leave", [break_off, close, be_cancelled])
@pytest.mark.parametrize("bound", [2, 1000])
def test_a_consumer_that_goes_away_cancels_its_runs_and_each_has_its_end(
    async_driver: Any, leave: Any, bound: int
) -> None:
    recorder = AsyncRecordingHandler()

    async def scenario() -> None:
        runner, started = ToolRunner([wait], callbacks=[recorder]), asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, started.set)
        await leave(events_of(runner.batch, [call("wait") for _ in range(10)], bound=bound), started)
        assert len(asyncio.all_tasks()) == 1

    async_driver.run(scenario())

    runs = {event.run_id: [each.name for each in recorder.of(event.run_id)] for event in recorder.events}
    assert len(runs) == 10
    assert set(map(tuple, runs.values())) == {("on_tool_start", "on_tool_error")}


def test_what_a_source_raises_reaches_the_consumer(async_driver: Any) -> None:
    def source() -> Iterator[CallRequest]:
        yield call("count", to=1)
        raise OSError("the disk is gone")

    async def scenario() -> list[Event]:
        stream = []
        with pytest.raises(OSError, match="the disk is gone"):
            async for event in ToolRunner([count]).astream_events(source()):
                stream.append(event)
        return stream

    assert names(async_driver.run(scenario())) in (["on_tool_start", "on_tool_stream", "on_tool_end"], [])
