"""From what a tool gave to what goes out: the raw value, or a message when there was a tool call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from toolrun.tools.messages import ToolMessage, ToolOutputMixin

TOOL_MESSAGE_BLOCK_TYPES = (
    "text",
    "image_url",
    "image",
    "json",
    "search_result",
    "custom_tool_call_output",
    "document",
    "file",
)
"""A dict with one of these as `type` is a content block of a message."""

Content = str | list[str | dict[str, Any]]


def format_output(
    content: Any, artifact: Any, tool_call_id: str | None, name: str, status: Literal["success", "error"]
) -> Any:
    """What the caller gets. Without a tool call that is the content itself."""
    if tool_call_id is None or _goes_out_as_it_is(content):
        return content
    said = normalize_message_content(content)
    text = _as_text(content) if said is None else said
    return ToolMessage(text, tool_call_id=tool_call_id, name=name, status=status, artifact=artifact)


def _goes_out_as_it_is(content: Any) -> bool:
    if isinstance(content, list):
        return bool(content) and all(isinstance(item, ToolOutputMixin) for item in content)
    return isinstance(content, ToolOutputMixin)


def normalize_message_content(value: Any) -> Content | None:
    """The value as content of a message, or None if it is not such: a string, or a sequence of content blocks."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and all(map(is_message_content_block, value)):
        return list(value)
    return None


def is_message_content_block(value: Any) -> bool:
    """Whether the value is a string or a dict whose `type` is known."""
    return isinstance(value, str) or (isinstance(value, dict) and value.get("type") in TOOL_MESSAGE_BLOCK_TYPES)


def _as_text(content: Any) -> str:
    """JSON if it can be, for a model reads that best."""
    import json

    try:
        return json.dumps(content, ensure_ascii=False)
    except Exception:
        return str(content)
