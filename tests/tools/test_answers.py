"""What a tool answers when something goes wrong."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from toolrun.errors import ControlFlow, register_control_flow
from toolrun.testing import RecordingHandler
from toolrun.tools import BaseTool, ToolException, ToolMessage, tool

BLOCKS = [{"type": "text", "text": "no"}]


class Interrupt(Exception):
    """Stands for another framework's control flow, which may be an ordinary exception."""


register_control_flow(Interrupt)


@tool
def failing(error: Any) -> None:
    """Fail."""
    raise error


def answered(**options: Any) -> BaseTool:
    return failing.with_options(**options)


CALL = {"type": "tool_call", "id": "call-1", "name": "failing"}


@pytest.mark.parametrize(
    ("handler", "error", "answer"),
    [
        (True, ToolException("no money"), "no money"),
        (True, ToolException(), "Tool execution error"),
        ("sorry", ToolException("no money"), "sorry"),
        (lambda error: f"sorry: {error}", ToolException("no money"), "sorry: no money"),
        (lambda error: BLOCKS, ToolException("no money"), BLOCKS),
        (ValueError, ValueError("bad"), "ValueError: bad"),
        ((KeyError, OSError), KeyError("k"), "KeyError: 'k'"),
        (Exception, ToolException("no money"), "no money"),
    ],
)
def test_an_error_with_an_answer_is_answered(driver: Any, handler: Any, error: Exception, answer: Any) -> None:
    told = RecordingHandler()
    subject = answered(handle_tool_error=handler)
    assert driver.invoke(subject, {"error": error}, {"callbacks": [told]}) == answer
    assert told.names == ["on_tool_start", "on_tool_end"]
    message = driver.invoke(subject, {**CALL, "args": {"error": error}})
    assert message == ToolMessage(answer, "call-1", "failing", status="error")


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (False, ToolException("x")),
        (None, ToolException("x")),
        (True, ValueError("x")),
        ("sorry", ValueError("x")),
        (lambda error: "sorry", ValueError("x")),
        (ValueError, KeyError("x")),
        ((KeyError,), ToolException("x")),
        (Exception, Interrupt()),
        (True, ControlFlow()),
    ],
)
def test_an_error_without_an_answer_is_raised(driver: Any, handler: Any, error: BaseException) -> None:
    told = RecordingHandler()
    with pytest.raises(type(error)):
        driver.invoke(answered(handle_tool_error=handler), {"error": error}, {"callbacks": [told]})
    assert told.names == ["on_tool_start", "on_tool_error"]
    assert told.events[-1].payload == (error,)


def test_an_answer_that_fails_is_the_error_of_the_run(driver: Any) -> None:
    def handle(error: ToolException) -> str:
        raise RuntimeError("cannot answer")

    told = RecordingHandler()
    with pytest.raises(RuntimeError, match="cannot answer"):
        driver.invoke(answered(handle_tool_error=handle), {"error": ToolException("x")}, {"callbacks": [told]})
    assert told.names == ["on_tool_start", "on_tool_error"]
    assert isinstance(told.events[-1].payload[0], RuntimeError)


@tool
def add(a: int) -> int:
    """Add."""
    return a + 1


@pytest.mark.parametrize(
    ("handler", "answer"),
    [(True, "Tool input validation error"), ("what?", "what?"), (lambda error: error.title, "add")],
)
def test_arguments_that_do_not_validate_are_answered(driver: Any, handler: Any, answer: str) -> None:
    subject = add.with_options(handle_validation_error=handler)
    assert driver.invoke(subject, {"a": "one"}) == answer
    message = driver.invoke(subject, {**CALL, "args": {}})
    assert (message.content, message.status) == (answer, "error")


def test_arguments_of_a_json_schema_are_answered_alike(driver: Any) -> None:
    subject = tool(args_schema={"required": ["a"]}, description="Do.", handle_validation_error=True)(lambda **_: 1)
    assert driver.invoke(subject, {}) == "Tool input validation error"


def test_validation_errors_are_no_tool_errors(driver: Any) -> None:
    with pytest.raises(ValidationError):
        driver.invoke(add.with_options(handle_tool_error=True), {"a": "one"})
