"""A LangGraph agent that calls tools of ours in parallel: none waits for another, none is lost, each is told once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

pytest.importorskip("langchain_core")

from tests.interop.langchain.fakes import QUESTION, agent_wanting, tool_messages

from toolrun import current_run, tool
from toolrun.interop.langchain import to_langchain
from toolrun.testing import AsyncRecordingHandler, RecordingHandler


class Meeting:
    """Tools that can only end once all of them run at the same time."""

    def __init__(self, parties: int) -> None:
        self.barrier = threading.Barrier(parties)

    def wait(self) -> None:
        self.barrier.wait(timeout=60)


def tools_of(meeting: Meeting) -> list[Any]:
    @tool
    def blocking(x: int) -> str:
        """Block."""
        meeting.wait()
        return f"blocked {x}"

    @tool
    async def later(x: int) -> str:
        """Suspend."""
        import asyncio

        await asyncio.get_running_loop().run_in_executor(None, meeting.wait)
        return f"later {x}"

    @tool
    def failing(x: int) -> str:
        """Fail."""
        meeting.wait()
        raise ValueError(f"no {x}")

    return [to_langchain(one) for one in (blocking, later, failing)]


@pytest.mark.parametrize("handler", [RecordingHandler, AsyncRecordingHandler])
def test_a_blocking_an_async_and_a_failing_tool_of_one_turn_meet_and_all_answer(handler: Any, driver: Any) -> None:
    handler = handler()
    agent = agent_wanting([("blocking", {"x": 0}), ("later", {"x": 1}), ("failing", {"x": 2})], tools_of(Meeting(3)))
    answer = driver.invoke(agent, QUESTION, {"callbacks": [handler]})
    told = [(message.content, message.status) for message in tool_messages(answer)]
    assert told == [("blocked 0", "success"), ("later 1", "success"), ("ValueError: no 2", "error")]
    assert answer["messages"][-1].content == "done"
    assert_each_start_has_its_end(handler, 3)


def test_sixty_blocking_tools_of_one_turn_meet(async_driver: Any) -> None:
    handler, meeting = RecordingHandler(), Meeting(60)

    @tool
    def blocking(x: int) -> int:
        """Block."""
        meeting.wait()
        return x

    agent = agent_wanting([("blocking", {"x": x}) for x in range(60)], [to_langchain(blocking)])
    answer = async_driver.invoke(agent, QUESTION, {"callbacks": [handler]})
    assert [message.content for message in tool_messages(answer)] == [str(x) for x in range(60)]
    assert_each_start_has_its_end(handler, 60)


def test_a_tool_that_hangs_is_answered_and_its_siblings_are_not_lost(driver: Any) -> None:
    gate = threading.Event()

    @tool(timeout=0.05)
    def hangs() -> bool:
        """Hang."""
        return gate.wait(60)

    @tool
    def quick() -> str:
        """Answer."""
        return "quick"

    agent = agent_wanting([("hangs", {}), ("quick", {})], [to_langchain(hangs), to_langchain(quick)])
    try:
        answer = driver.invoke(agent, QUESTION)
    finally:
        gate.set()
    first, second = tool_messages(answer)
    assert (first.status, second.content) == ("error", "quick")
    assert "0.05" in str(first.content)


def test_partial_output_and_progress_are_told_with_the_id_of_the_call(driver: Any) -> None:
    @tool
    def counts() -> Any:
        """Count."""
        yield "one"
        run: Any = current_run()
        run.on_tool_progress(1, 2)
        yield "two"

    handler = RecordingHandler()
    agent = agent_wanting([("counts", {})], [to_langchain(counts)])
    driver.invoke(agent, QUESTION, {"callbacks": [handler]})
    parts = [*handler.named("on_tool_output"), *handler.named("on_tool_progress")]
    assert [event.payload[0] for event in parts] == ["one", "two", 1]
    assert {event.keywords["tool_call_id"] for event in parts} == {"c0"}


def assert_each_start_has_its_end(handler: Any, count: int) -> None:
    starts = handler.named("on_tool_start")
    assert len(starts) == count
    for start in starts:
        names = [event.name for event in handler.of(start.run_id)]
        assert names in (["on_tool_start", "on_tool_end"], ["on_tool_start", "on_tool_error"])
