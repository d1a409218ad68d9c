"""toolrun's own lines: `{"id", "name", "arguments", "session"?}`; LangChain's tool calls read the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from toolrun.tools.formats._format import CallRequest, Message, Schema, arguments_from, name_in, parameters_of

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool


class Native:
    """One call a line, nothing around it."""

    name = "native"

    def read(self, message: Message) -> list[CallRequest] | None:
        """A line with a name and arguments (`args` in LangChain); the arguments may be left out."""
        if "name" not in message:
            return None
        arguments = message["arguments"] if "arguments" in message else message.get("args")
        return [CallRequest(name_in(message, "the line"), arguments_from(arguments), message.get("id"))]

    def describe(self, tool: BaseTool) -> Schema:
        """Name, description and JSON schema under their plain names."""
        return {"name": tool.name, "description": tool.description, "parameters": parameters_of(tool)}

    def listing(self, tools: Iterable[BaseTool]) -> Any:
        """A list."""
        return [self.describe(tool) for tool in tools]
