"""A result for every call, whatever happens, and what it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel
from tests.runner.counting import acount_up, adouble, afail, call, count_up, double, fail

from toolrun import CallRequest, ToolException, ToolRunner, tool


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
