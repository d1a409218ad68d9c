"""Promise 11: every event can be correlated with its run and with the model's tool call."""

from __future__ import annotations

from typing import Any

import pytest

CALL = {"type": "tool_call", "id": "call-1", "name": "work", "args": {"x": 1}}


def work(x: int) -> int:
    """Works."""
    return x


async def async_work(x: int) -> int:
    """Works."""
    return x


@pytest.mark.defect(6)
def test_the_tool_call_id_is_on_the_start_and_on_the_end(lib: Any, driver: Any, handler_is_async: bool) -> None:
    recorder = lib.async_recorder() if handler_is_async else lib.recorder()

    driver.invoke(lib.tool(async_work if driver.is_async else work), CALL, {"callbacks": [recorder]})

    assert recorder.events == ["on_tool_start", "on_tool_end"]
    assert [seen.kwargs.get("tool_call_id") for seen in recorder.seen] == ["call-1", "call-1"]


@pytest.mark.defect(6)
def test_the_tool_call_id_is_on_every_part_of_the_output(lib: Any, driver: Any) -> None:
    recorder = lib.recorder()

    def parts(x: int) -> Any:
        """Gives its output in parts."""
        yield x
        yield x + 1

    async def async_parts(x: int) -> Any:
        """Gives its output in parts."""
        yield x
        yield x + 1

    driver.invoke(lib.tool(async_parts if driver.is_async else parts), CALL, {"callbacks": [recorder]})

    assert [seen.args[0] for seen in recorder.of("on_tool_output")] == [1, 2]
    assert {seen.kwargs.get("tool_call_id") for seen in recorder.seen} == {"call-1"}


def test_the_tool_call_id_is_on_the_error(lib: Any, driver: Any) -> None:
    recorder = lib.recorder()

    def fail(x: int) -> int:
        """Fails."""
        raise ValueError(x)

    async def async_fail(x: int) -> int:
        """Fails."""
        raise ValueError(x)

    with pytest.raises(ValueError, match="1"):
        driver.invoke(lib.tool(async_fail if driver.is_async else fail), CALL, {"callbacks": [recorder]})
    assert [seen.kwargs.get("tool_call_id") for seen in recorder.seen] == ["call-1", "call-1"]
