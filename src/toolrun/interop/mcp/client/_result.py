"""What a server's result comes to: a value for the caller, or an error."""

from __future__ import annotations

from typing import Any

from mcp_types import CallToolResult, ContentBlock, TextContent

from toolrun.interop.mcp.errors import RemoteToolError


def value_of(server: str, tool: str, result: CallToolResult) -> Any:
    """The structured content where texts only say it again, else a text, else the blocks as dicts."""
    if result.is_error:
        raise RemoteToolError(server, tool, _said(result.content) or "the tool failed, and does not say why")
    texts = [block.text for block in result.content if isinstance(block, TextContent)]
    if len(texts) < len(result.content) or (len(texts) > 1 and result.structured_content is None):
        return [_as_dict(block) for block in result.content]
    if result.structured_content is not None:
        return result.structured_content
    return texts[0] if texts else None


def _as_dict(block: ContentBlock) -> dict[str, Any]:
    spelt: dict[str, Any] = block.model_dump(by_alias=True, mode="json", exclude_none=True)
    return spelt


def _said(content: list[ContentBlock]) -> str:
    return "\n".join(block.text for block in content if isinstance(block, TextContent))
