"""What a consumer of the event stream sees: progress and parts of a tool's output, and every error."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

CALL = {"type": "tool_call", "id": "call-1", "name": "work", "args": {"x": 1}}


async def stream_of(lib: Any, function: Any) -> list[dict[str, Any]]:
    """The events of one call of the function as a tool."""
    tool = lib.tool("work")(function)
    if lib.name == "toolrun":
        stream = lib.ToolRunner([tool]).astream_events([CALL])
    else:
        stream = tool.astream_events(CALL, version="v2")
    return [event async for event in stream]


def parts(x: int) -> Iterator[int]:
    """Gives its output in parts."""
    yield x
    yield x + 1


async def async_parts(x: int) -> AsyncIterator[int]:
    """Gives its output in parts."""
    yield x
    yield x + 1


@pytest.mark.defect(4)
@pytest.mark.parametrize("function", [parts, async_parts])
def test_parts_of_a_tools_output_are_in_the_stream_with_its_tool_call_id(
    lib: Any, async_driver: Any, function: Any
) -> None:
    stream = async_driver.run(stream_of(lib, function))

    told = [event["data"] for event in stream if event["event"] == "on_tool_stream"]
    assert [data["chunk"] for data in told] == [1, 2]
    assert {data["tool_call_id"] for data in told} == {"call-1"}


@pytest.mark.defect(4)
def test_progress_is_told_with_the_tool_call_id(lib: Any, driver: Any) -> None:
    recorder = lib.recorder()

    def work(x: int) -> None:
        """Says how far it is."""
        lib.current_run().on_tool_progress(1, 2, "half")

    async def async_work(x: int) -> None:
        """Says how far it is."""
        await lib.current_run().on_tool_progress(1, 2, "half")

    driver.invoke(lib.tool("work")(async_work if driver.is_async else work), CALL, {"callbacks": [recorder]})

    [told] = recorder.of("on_tool_progress")
    assert told.args == (1, 2, "half")
    assert told.kwargs["tool_call_id"] == "call-1"


@pytest.mark.defect(4)
def test_a_custom_event_of_a_tool_is_told_as_part_of_its_run(lib: Any, async_driver: Any) -> None:
    async def work(x: int) -> None:
        """Dispatches an event of its own."""
        await lib.adispatch_custom_event("mine", {"x": x})

    stream = async_driver.run(stream_of(lib, work))

    [start, mine, end] = stream
    assert (mine["event"], mine["name"], mine["data"]) == ("on_custom_event", "mine", {"x": 1})
    assert mine["run_id"] == start["run_id"]
    assert start["data"].get("tool_call_id") == end["data"].get("tool_call_id") == "call-1"


OTHERS = {
    "chain": ("on_chain_start", ({"name": "c"}, {"x": 1})),
    "retriever": ("on_retriever_start", ({"name": "r"}, "where?")),
    "llm": ("on_llm_start", ({"name": "m"}, ["hi"])),
}


@pytest.mark.defect(19)
@pytest.mark.parametrize("kind", OTHERS)
def test_the_error_of_every_kind_of_run_is_in_the_stream(lib: Any, async_driver: Any, kind: str) -> None:
    opening, arguments = OTHERS[kind]

    async def work(x: int, callbacks: Any) -> str:
        """Opens another run, which fails."""
        manager = lib.AsyncCallbackManager.configure(callbacks)
        opened = await getattr(manager, opening)(*arguments)
        run = opened[0] if isinstance(opened, list) else opened
        await getattr(run, f"on_{kind}_error")(ValueError("broken"))
        return "done"

    work.__annotations__ = {"x": int, "callbacks": lib.Callbacks, "return": str}

    stream = async_driver.run(stream_of(lib, work))

    errors = [event for event in stream if event["event"] == f"on_{kind}_error"]
    assert [repr(event["data"]["error"]) for event in errors] == ["ValueError('broken')"]
    assert errors[0]["parent_ids"] == [stream[0]["run_id"]]


@pytest.mark.defect(19)
def test_the_last_event_of_a_run_has_its_input(lib: Any, async_driver: Any) -> None:
    async def work(x: int) -> int:
        """Works."""
        return x

    *_, end = async_driver.run(stream_of(lib, work))

    assert end["event"] == "on_tool_end"
    assert end["data"].get("input") == {"x": 1}
