"""Calls read from every provider's messages are the calls that were written into them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolrun.tools.formats import CallRequest, MalformedCall, loads, read_calls

Calls = list[CallRequest]


def chat(calls: Calls) -> dict[str, Any]:
    entries = [{"id": c.id, "function": {"name": c.name, "arguments": json.dumps(c.arguments)}} for c in calls]
    return {"role": "assistant", "content": None, "tool_calls": entries}


def responses(calls: Calls) -> dict[str, Any]:
    items = [
        {"type": "function_call", "call_id": c.id, "name": c.name, "arguments": json.dumps(c.arguments)} for c in calls
    ]
    return {"output": [{"type": "reasoning", "summary": []}, *items]}


def anthropic(calls: Calls) -> dict[str, Any]:
    blocks = [{"type": "tool_use", "id": c.id, "name": c.name, "input": c.arguments} for c in calls]
    return {"role": "assistant", "content": [{"type": "text", "text": "Let me see."}, *blocks]}


def gemini(calls: Calls) -> dict[str, Any]:
    parts = [{"functionCall": {"id": c.id, "name": c.name, "args": c.arguments}} for c in calls]
    return {"role": "model", "parts": [{"text": "Let me see."}, *parts]}


def langchain(calls: Calls) -> dict[str, Any]:
    entries = [{"type": "tool_call", "id": c.id, "name": c.name, "args": c.arguments} for c in calls]
    return {"role": "assistant", "content": "", "tool_calls": entries}


WRITERS: list[tuple[str, Callable[[Calls], dict[str, Any]]]] = [
    ("openai", chat),
    ("openai", lambda calls: {"message": chat(calls)}),
    ("openai", lambda calls: {"choices": [{"message": chat(calls)}]}),
    ("openai", responses),
    ("openai", langchain),
    ("anthropic", anthropic),
    ("gemini", gemini),
    ("gemini", lambda calls: {"candidates": [{"content": gemini(calls)}]}),
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
CALLS = st.builds(
    CallRequest,
    name=st.text(min_size=1),
    arguments=st.dictionaries(st.text(), VALUES, max_size=3),
    id=st.text(min_size=1) | st.integers(),
)


@pytest.mark.parametrize(("format", "write"), WRITERS)
@given(calls=st.lists(CALLS, max_size=3))
def test_a_message_gives_the_calls_in_it_whether_its_format_is_named_or_found_out(
    format: str, write: Callable[[Calls], dict[str, Any]], calls: Calls
) -> None:
    message = loads(json.dumps(write(calls)))
    assert read_calls(message, format) == read_calls(message) == calls


@given(call=CALLS)
def test_native_lines_and_mcp_requests_hold_one_call(call: CallRequest) -> None:
    params = {"name": call.name, "arguments": call.arguments}
    assert read_calls({"id": call.id, **params}) == [call]
    assert read_calls({"jsonrpc": "2.0", "id": call.id, "method": "tools/call", "params": params}) == [call]


@pytest.mark.parametrize(("format", "write"), WRITERS)
def test_a_session_beside_the_message_is_that_of_its_calls(format: str, write: Callable[..., dict[str, Any]]) -> None:
    message = {**write([CallRequest("a", {}, "1"), CallRequest("b", {}, "2")]), "session": "s"}
    assert [call.session for call in read_calls(message)] == ["s", "s"]


def test_a_session_of_mcp_stands_in_its_meta() -> None:
    params = {"name": "a", "_meta": {"session": "s"}}
    assert read_calls({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}) == [
        CallRequest("a", {}, 1, "s")
    ]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "Where is my parcel?"},
        {"role": "assistant", "content": [{"type": "text", "text": "In Lyon."}]},
        {"role": "tool", "tool_call_id": "1", "content": "Lyon"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "Lyon"}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "track", "response": {}}}]},
        {"type": "function_call_output", "call_id": "1", "output": "Lyon"},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ],
)
def test_a_message_of_a_conversation_may_hold_no_call(message: dict[str, Any]) -> None:
    assert read_calls(message) == []


@pytest.mark.parametrize("written", [None, "", "{}", {}])
def test_a_call_without_arguments_is_read_however_it_is_written(written: Any) -> None:
    assert read_calls({"name": "now", "arguments": written}) == [CallRequest("now", {})]


def test_arguments_that_are_no_json_stay_as_the_model_wrote_them() -> None:
    [call] = read_calls({"tool_calls": [{"id": "1", "function": {"name": "a", "arguments": '{"x": 1'}}]})
    assert call.arguments == '{"x": 1'


def test_big_integers_stay_exact() -> None:
    [call] = read_calls(loads('{"name": "a", "arguments": {"n": 123456789012345678901234567890}}'))
    assert call.arguments == {"n": 123456789012345678901234567890}


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ([], "a JSON object is expected, not a list"),
        ("text", "not a string"),
        (None, "not null"),
        ({}, "no message of any known format: the object has no keys"),
        ({"tool": "a", "input": 1}, "the object has 'tool', 'input'"),
        ({"name": 3}, "the line names no tool"),
        ({"name": "a", "id": [1]}, "id is a list"),
        ({"name": "a", "session": {}}, "session is an object"),
        ({"tool_calls": {"name": "a"}}, "tool_calls is dict, not a list"),
        ({"tool_calls": [{"id": "1"}]}, r"tool_calls\[0\] names no tool"),
        ({"output": [{"type": "function_call"}]}, r"output\[0\] names no tool"),
        ({"role": "assistant", "content": [{"type": "tool_use"}]}, r"content\[0\] names no tool"),
        ({"parts": [{"functionCall": None}]}, r"parts\[0\] names no tool"),
        ({"method": "tools/call"}, "tools/call has no params"),
    ],
)
def test_what_cannot_be_read_says_why(message: Any, complaint: str) -> None:
    with pytest.raises(MalformedCall, match=complaint):
        read_calls(message)


def test_a_format_that_is_named_is_the_only_one_tried() -> None:
    with pytest.raises(MalformedCall, match="no message of the format 'gemini'"):
        read_calls({"name": "a"}, "gemini")


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "[" * 100_000, "{"])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        loads(text)
