"""What a tool returned, as the content of its answer: text, unless it is content already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_types import CallToolResult, ContentBlock, InputRequiredResult, TextContent
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from toolrun.interop.mcp.server._output import WRAPPED, Output
from toolrun.tools import ToolMessage
from toolrun.tools._snapshot import safe_repr

Answer = CallToolResult | InputRequiredResult

_BLOCK: TypeAdapter[ContentBlock] = TypeAdapter(ContentBlock)
_KINDS = frozenset({"text", "image", "audio", "resource", "resource_link"})


def answer_of(value: Any, artifact: Any, output: Output | None) -> Answer:
    """The answer of a tool that returned."""
    for whole in (artifact, value):
        if isinstance(whole, Answer):  # the tool speaks MCP itself, or stands for one on another server
            return whole
    if output is not None:
        structured = output.structured(value)
        shown = structured[WRAPPED] if output.is_wrapped else structured
        return CallToolResult(content=[TextContent(text=text_of(shown))], structured_content=structured)
    beside = artifact if isinstance(artifact, dict) and all(isinstance(key, str) for key in artifact) else None
    return CallToolResult(content=content_of(value), structured_content=beside)


def error_answer(value: Any) -> CallToolResult:
    """The answer of a tool that failed."""
    return CallToolResult(content=content_of(value), is_error=True)


def content_of(value: Any) -> list[ContentBlock]:
    """The value as blocks of content."""
    if value is None:
        return []
    if isinstance(value, ToolMessage):
        return content_of(value.content)
    return _blocks(value if isinstance(value, list | tuple) else [value]) or [TextContent(text=text_of(value))]


def _blocks(parts: Sequence[Any]) -> list[ContentBlock]:
    """The parts, if all are blocks or texts and some are blocks: texts alone are data like any other."""
    blocks = [block for block in map(_block, parts) if block is not None]
    return blocks if len(blocks) == len(parts) and not all(isinstance(part, str) for part in parts) else []


def _block(part: Any) -> ContentBlock | None:
    """One block, if the value is such: a text, a block of the SDK, or a dict that spells one."""
    if isinstance(part, str):
        return TextContent(text=part)
    if isinstance(part, dict) and part.get("type") not in _KINDS:
        return None
    try:
        return _BLOCK.validate_python(part)
    except ValidationError:
        return None


def text_of(value: Any) -> str:
    """The value as text for a model: itself, or as JSON as far as it is such."""
    if isinstance(value, str):
        return value
    try:
        return to_json(value, fallback=safe_repr, bytes_mode="base64", inf_nan_mode="strings").decode()
    except Exception:  # a cycle, or a model that does not serialize
        return safe_repr(value)
