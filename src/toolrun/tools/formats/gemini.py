"""Gemini: `functionCall` parts of a content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from toolrun.tools.formats._format import CallRequest, Message, Schema, arguments_from, entries, name_in, parameters_of

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool


class Gemini:
    """Calls may come without an id. The Python client writes `function_call` for the REST name `functionCall`."""

    name = "gemini"

    def read(self, message: Message) -> list[CallRequest] | None:
        """Read a response, one of its candidates, or a content."""
        if "candidates" in message:
            candidates = entries(message["candidates"], "candidates")
            return [call for candidate in candidates for call in self.read(candidate) or ()]
        if isinstance(content := message.get("content"), Mapping):
            return self.read(content)
        if "parts" not in message:
            return None
        return [
            _part_call(part, f"parts[{position}]")
            for position, part in enumerate(entries(message["parts"], "parts"))
            if isinstance(part, Mapping) and part.keys() & {"functionCall", "function_call"}
        ]

    def describe(self, tool: BaseTool) -> Schema:
        """A function declaration; its parameters are JSON schema, not Gemini's older subset of OpenAPI."""
        return {"name": tool.name, "description": tool.description, "parametersJsonSchema": parameters_of(tool)}

    def listing(self, tools: Iterable[BaseTool]) -> Any:
        """The request's `tools`: one tool with all the declarations."""
        return [{"functionDeclarations": [self.describe(tool) for tool in tools]}]


def _part_call(part: Message, where: str) -> CallRequest:
    inner = part.get("functionCall") or part.get("function_call")
    name = name_in(inner, where)
    assert isinstance(inner, Mapping)
    return CallRequest(name, arguments_from(inner.get("args")), inner.get("id"))
