"""The fakes that users test with do what they say, under both kinds of manager."""

from __future__ import annotations

from typing import Any

import pytest

from toolrun import ToolRunner, tool
from toolrun.callbacks.base import EVENTS
from toolrun.testing import AsyncRecordingHandler, FakeTool, RecordingHandler


@tool
def double(x: int) -> int:
    """Double it."""
    return 2 * x


@pytest.mark.parametrize("kind", [RecordingHandler, AsyncRecordingHandler])
def test_a_recording_handler_keeps_every_event_with_its_ids(driver: Any, kind: Any) -> None:
    handler = kind()
    driver.invoke(double, {"x": 2}, {"callbacks": [handler]})
    start, end = handler.events
    assert handler.names == ["on_tool_start", "on_tool_end"]
    assert handler.of(start.run_id) == [start, end]
    assert handler.named("on_tool_end") == [end]
    assert start.keywords["inputs"] == {"x": 2}
    assert (end.payload, end.parent_run_id) == ((4,), None)


@pytest.mark.parametrize("kind", [RecordingHandler, AsyncRecordingHandler])
def test_a_recording_handler_hears_every_event_there_is(kind: Any) -> None:
    assert all(event in vars(kind) for event in EVENTS)


def test_a_fake_tool_gives_its_outcomes_in_order_and_keeps_what_it_was_called_with(driver: Any) -> None:
    fake = FakeTool(name="search", outcomes=[1, ValueError("down"), 3])
    calls = [{"name": "search", "args": {"query": query}} for query in "abcd"]
    results = driver.run_all(ToolRunner(fake, concurrency=1), calls)
    assert [result.output for result in results] == [1, None, 3, 3]
    assert results[1].error == {"type": "ValueError", "message": "down"}
    assert fake.calls == [{"query": query} for query in "abcd"]


def test_a_fake_tool_without_outcomes_returns_nothing(driver: Any) -> None:
    assert driver.invoke(FakeTool(), {"anything": [1]}) is None
