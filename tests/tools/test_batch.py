"""Batches: siblings do not harm each other."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import pytest

from toolrun.testing import RecordingHandler
from toolrun.tools import tool
from toolrun.tools._batch import DEFAULT_THREADS

variable: ContextVar[int] = ContextVar("test_batch", default=0)


@tool
def half(n: int) -> int:
    """Halve."""
    if n % 2:
        raise ValueError(n)
    return n // 2


def test_results_come_in_the_order_of_the_inputs(driver: Any) -> None:
    assert driver.batch(half, [{"n": n} for n in range(0, 100, 2)]) == list(range(50))
    assert driver.batch(half, []) == []


def test_all_run_to_their_end_and_the_first_error_is_raised(driver: Any) -> None:
    handler = RecordingHandler()
    with pytest.raises(ValueError, match=r"^1$"):
        driver.batch(half, [{"n": n} for n in range(6)], {"callbacks": [handler]})
    assert len(handler.named("on_tool_end")) == len(handler.named("on_tool_error")) == 3


def test_errors_can_stand_for_their_results(driver: Any) -> None:
    results = driver.batch(half, [{"n": 4}, {"n": 3}, {"wrong": 1}, 7.5], return_exceptions=True)
    assert results[0] == 2
    assert [type(error).__name__ for error in results[1:]] == ["ValueError", "ValidationError", "InvalidToolInput"]


def test_a_tool_that_wants_to_leave_the_program_does_not_take_its_siblings_along(driver: Any) -> None:
    @tool
    def leaving(n: int) -> int:
        """Leave."""
        if n:
            raise SystemExit(n)
        return n

    first, second = driver.batch(leaving, [{"n": 0}, {"n": 1}], return_exceptions=True)
    assert first == 0
    assert isinstance(second, SystemExit)


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_run_at_once_than_the_config_says(driver: Any, limit: int) -> None:
    running, most, lock = 0, 0, threading.Lock()

    @tool
    def counted(n: int) -> int:
        """Count."""
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.001)
        with lock:
            running -= 1
        return n

    assert driver.batch(counted, [{"n": n} for n in range(12)], {"max_concurrency": limit}) == list(range(12))
    assert most <= limit


def test_calls_of_a_batch_run_at_once(driver: Any) -> None:
    together = threading.Barrier(4)

    @tool
    def meets(n: int) -> int:
        """Meet."""
        together.wait(20)
        return n

    assert driver.batch(meets, [{"n": n} for n in range(4)]) == [0, 1, 2, 3]


def test_each_call_may_have_its_own_config(driver: Any) -> None:
    handler = RecordingHandler()
    configs = [{"run_name": name, "callbacks": [handler]} for name in "ab"]
    driver.batch(half, [{"n": 2}, {"n": 4}], configs)
    assert {start.keywords["name"] for start in handler.named("on_tool_start")} == {"a", "b"}
    with pytest.raises(ValueError, match="same length"):
        driver.batch(half, [{"n": 2}], configs)


def test_a_run_id_is_for_the_first_call_alone(driver: Any) -> None:
    handler, run_id = RecordingHandler(), UUID(int=3)
    driver.batch(half, [{"n": 2}, {"n": 4}], {"run_id": run_id, "callbacks": [handler]})
    by_input = {start.payload[1]: start.run_id for start in handler.named("on_tool_start")}
    assert by_input["{'n': 2}"] == run_id
    assert by_input["{'n': 4}"] != run_id


def test_calls_see_the_callers_context_and_not_each_others(driver: Any) -> None:
    @tool
    def sets(n: int) -> int:
        """Set."""
        seen = variable.get()
        variable.set(n)
        return seen

    token = variable.set(42)
    try:
        assert driver.batch(sets, [{"n": n} for n in range(5)]) == [42] * 5
        assert variable.get() == 42
    finally:
        variable.reset(token)


def test_batches_inside_batches_end() -> None:
    @tool
    def nested(n: int) -> int:
        """Do."""
        return sum(half.batch([{"n": n}] * 4))

    assert nested.batch([{"n": 2}] * 2 * DEFAULT_THREADS) == [4] * 2 * DEFAULT_THREADS


def test_a_cancelled_batch_cancels_its_calls(async_driver: Any) -> None:
    handler = RecordingHandler()

    async def main() -> None:
        started = asyncio.Event()

        @tool
        async def waits(n: int) -> None:
            """Wait."""
            started.set()
            await asyncio.Event().wait()

        batch = asyncio.create_task(waits.abatch([{"n": 1}, {"n": 2}], {"callbacks": [handler]}))
        await started.wait()
        batch.cancel()
        with pytest.raises(asyncio.CancelledError):
            await batch

    async_driver.run(main())
    assert len(handler.named("on_tool_start")) == len(handler.named("on_tool_error")) > 0
