"""Sessions: calls in their order, on tools of their own."""

from __future__ import annotations

import threading
import traceback
from typing import Any

import pytest
from tests.runner.counting import Counter, call, double, lines

from toolrun import ToolRunner


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
