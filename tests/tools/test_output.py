"""Results: raw, or as messages."""

from __future__ import annotations

from typing import Any

import pytest

from toolrun.tools import ToolMessage, ToolOutputMixin
from toolrun.tools._output import TOOL_MESSAGE_BLOCK_TYPES, format_output, normalize_message_content


class Command(ToolOutputMixin):
    """Stands for a framework's own output."""


def message(content: Any) -> Any:
    return format_output(content, None, "call-1", "tool", "success")


@pytest.mark.parametrize("content", [None, 3, "text", [1], ("a", "b")], ids=repr)
def test_without_a_tool_call_the_content_goes_out_as_it_is(content: Any) -> None:
    assert format_output(content, "artifact", None, "tool", "success") is content


@pytest.mark.parametrize(
    "content", [Command(), [Command(), Command()], ToolMessage("x", "other"), [ToolMessage("", "")]]
)
def test_output_of_its_own_kind_goes_out_as_it_is(content: Any) -> None:
    assert message(content) is content


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("é", "é"),
        (3, "3"),
        (None, "null"),
        ({"a": "é"}, '{"a": "é"}'),
        ([1, 2], "[1, 2]"),
        ([{"type": "bad"}], '[{"type": "bad"}]'),
        ([], []),
        (("a", "b"), ["a", "b"]),
        ({1, 2}, "{1, 2}"),
        (range(10**12), "range(0, 1000000000000)"),
    ],
)
def test_content_is_text_or_blocks(content: Any, text: Any) -> None:
    assert message(content) == ToolMessage(text, "call-1", "tool")


@pytest.mark.parametrize("kind", TOOL_MESSAGE_BLOCK_TYPES)
def test_known_blocks_are_kept(kind: str) -> None:
    blocks = [{"type": kind, "data": 1}, "and text"]
    assert message(tuple(blocks)).content == blocks


def test_what_is_no_content_is_none() -> None:
    assert normalize_message_content(3) is None
    assert normalize_message_content([3]) is None
