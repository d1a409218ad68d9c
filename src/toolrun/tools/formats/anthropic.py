"""Anthropic: `tool_use` blocks in the content of a message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from toolrun.tools.formats._format import CallRequest, Message, Schema, arguments_from, name_in, parameters_of

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool


class Anthropic:
    """Arguments are an object named `input`."""

    name = "anthropic"

    def read(self, message: Message) -> list[CallRequest] | None:
        """Read a message, or one block of it."""
        if message.get("type") == "tool_use":
            return [_block_call(message, "the block")]
        content = message.get("content")
        if "role" not in message or not isinstance(content, list | str):
            return None
        blocks = content if isinstance(content, list) else ()
        return [
            _block_call(block, f"content[{position}]")
            for position, block in enumerate(blocks)
            if isinstance(block, Mapping) and block.get("type") == "tool_use"
        ]

    def describe(self, tool: BaseTool) -> Schema:
        """A custom tool of the messages API."""
        return {"name": tool.name, "description": tool.description, "input_schema": parameters_of(tool)}

    def listing(self, tools: Iterable[BaseTool]) -> Any:
        """The request's `tools`."""
        return [self.describe(tool) for tool in tools]


def _block_call(block: Message, where: str) -> CallRequest:
    return CallRequest(name_in(block, where), arguments_from(block.get("input")), block.get("id"))
