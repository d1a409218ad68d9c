"""Promise 8: a tool that hangs is stopped, answered for and told; an attempt that failed is tried again, visibly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

CALL = {"type": "tool_call", "id": "call-1", "name": "hang", "args": {"x": 1}}


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hanging tools wait for; opened at the end, so that no thread is left behind."""
    gate = threading.Event()
    yield gate
    gate.set()


def hanging(gate: threading.Event, is_async: bool) -> Any:
    """A tool's function that does not end before the gate opens."""

    def hang(x: int) -> int:
        """Hangs."""
        gate.wait(20)
        return x

    async def async_hang(x: int) -> int:
        """Hangs."""
        while not gate.is_set():
            await asyncio.sleep(0.01)
        return x

    return async_hang if is_async else hang


@pytest.mark.defect(2)
@pytest.mark.parametrize("body_is_async", [False, True], ids=["sync body", "async body"])
def test_a_tool_that_hangs_ends_at_its_timeout_and_is_told_once(
    lib: Any, driver: Any, gate: threading.Event, body_is_async: bool
) -> None:
    recorder = lib.recorder()
    tool = lib.tool("hang", timeout=0.05)(hanging(gate, body_is_async))

    with pytest.raises(TimeoutError, match="did not end within its timeout"):
        driver.invoke(tool, {"x": 1}, {"callbacks": [recorder]})

    assert not gate.is_set()
    assert recorder.events == ["on_tool_start", "on_tool_error"]
    assert isinstance(recorder.seen[1].args[0], TimeoutError)


@pytest.mark.defect(2)
def test_a_timeout_can_be_answered_as_an_error_message(lib: Any, driver: Any, gate: threading.Event) -> None:
    tool = lib.tool("hang", timeout=0.05, handle_tool_error=True)(hanging(gate, driver.is_async))

    message = driver.invoke(tool, CALL)

    assert (message.status, message.tool_call_id) == ("error", "call-1")
    assert "timeout" in message.content


@pytest.mark.defect(2)
def test_a_tool_that_hangs_leaves_its_siblings_alone(lib: Any, driver: Any, gate: threading.Event) -> None:
    def work(x: int) -> int:
        """Hangs for zero."""
        return gate.wait(20) if x == 0 else x

    async def async_work(x: int) -> int:
        """Hangs for zero."""
        while x == 0 and not gate.is_set():
            await asyncio.sleep(0.01)
        return x

    tool = lib.tool("work", timeout=0.2)(async_work if driver.is_async else work)

    hung, *others = driver.batch(tool, [{"x": 0}, {"x": 1}, {"x": 2}], return_exceptions=True)

    assert isinstance(hung, TimeoutError)
    assert others == [1, 2]


def failing(times: int, is_async: bool) -> tuple[Any, list[int]]:
    """A tool's function that fails so many times, and where it counts its calls."""
    calls: list[int] = []

    def work(x: int) -> int:
        """Fails at first."""
        calls.append(x)
        if len(calls) <= times:
            raise ConnectionError(f"attempt {len(calls)}")
        return x

    async def async_work(x: int) -> int:
        """Fails at first."""
        return work(x)

    return (async_work if is_async else work), calls


@pytest.mark.defect(15)
def test_a_tool_is_tried_again_and_every_attempt_that_failed_is_told(lib: Any, driver: Any) -> None:
    failures: list[str] = []

    def note(seen: Any) -> None:
        if seen.event == "on_retry":
            failures.append(str(seen.args[0].outcome.exception()))

    recorder = lib.recorder(note)
    function, calls = failing(2, driver.is_async)
    tool = lib.tool("work", retry=lib.Retry(3, wait=0))(function)

    assert driver.invoke(tool, {"x": 1}, {"callbacks": [recorder]}) == 1

    assert calls == [1, 1, 1]
    assert recorder.events == ["on_tool_start", "on_retry", "on_retry", "on_tool_end"]
    assert failures == ["attempt 1", "attempt 2"]


@pytest.mark.defect(15)
def test_the_last_failure_is_raised_when_all_attempts_have_failed(lib: Any, driver: Any) -> None:
    recorder = lib.recorder()
    function, _ = failing(9, driver.is_async)
    tool = lib.tool("work", retry=lib.Retry(2, wait=0))(function)

    with pytest.raises(ConnectionError, match="attempt 2"):
        driver.invoke(tool, {"x": 1}, {"callbacks": [recorder]})

    assert recorder.events == ["on_tool_start", "on_retry", "on_tool_error"]


@pytest.mark.defect(15)
def test_a_tool_that_must_not_be_repeated_is_not_unless_that_is_asked_for(lib: Any, driver: Any) -> None:
    function, calls = failing(1, driver.is_async)
    tool = lib.tool("work", idempotent=False)(function)

    with pytest.raises(ValueError, match="not idempotent"):
        driver.invoke(tool, {"x": 1}, {"retry": lib.Retry(3, wait=0)})
    assert calls == []

    assert driver.invoke(tool, {"x": 1}, {"retry": lib.Retry(3, wait=0, not_idempotent=True)}) == 1
    assert calls == [1, 1]
