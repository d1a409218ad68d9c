"""A LangGraph agent that calls tools of ours in parallel: none waits for another, none is lost, each is told once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

pytest.importorskip("langchain_core")

from tests.interop.langchain.fakes import QUESTION, agent_wanting, tool_messages
from tests.interop.meeting import (
    THREE_ANSWERS,
    THREE_CALLS,
    assert_each_start_has_its_end,
    meeting_tool,
    three_tools,
)

from toolrun import current_run, tool
from toolrun.interop.langchain import to_langchain
from toolrun.testing import AsyncRecordingHandler, RecordingHandler


@pytest.mark.parametrize("handler", [RecordingHandler, AsyncRecordingHandler])
def test_a_blocking_an_async_and_a_failing_tool_of_one_turn_meet_and_all_answer(handler: Any, driver: Any) -> None:
    handler = handler()
    agent = agent_wanting(THREE_CALLS, [to_langchain(one) for one in three_tools()])
    answer = driver.invoke(agent, QUESTION, {"callbacks": [handler]})
    assert [message.content for message in tool_messages(answer)] == THREE_ANSWERS
    assert [message.status for message in tool_messages(answer)] == ["success", "success", "error"]
    assert answer["messages"][-1].content == "done"
    assert len(handler.named("on_tool_start")) == 3
    assert_each_start_has_its_end(handler)


def test_sixty_blocking_tools_of_one_turn_meet(async_driver: Any) -> None:
    handler = RecordingHandler()
    agent = agent_wanting([("meets", {"x": x}) for x in range(60)], [to_langchain(meeting_tool(60))])
    answer = async_driver.invoke(agent, QUESTION, {"callbacks": [handler]})
    assert [message.content for message in tool_messages(answer)] == [str(x) for x in range(60)]
    assert len(handler.named("on_tool_start")) == 60
    assert_each_start_has_its_end(handler)


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
