"""OpenAI: assistant messages of chat completions, and the output items of the responses API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from toolrun.tools.formats._format import CallRequest, Message, Schema, arguments_from, entries, name_in, parameters_of

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool


class OpenAI:
    """Arguments come as JSON in a string, which is not always JSON: then it is kept as it came."""

    name = "openai"

    def read(self, message: Message) -> list[CallRequest] | None:
        """Read a chat completion, its message, a response, or one item of its output."""
        if "choices" in message:
            return [call for choice in entries(message["choices"], "choices") for call in self.read(choice) or ()]
        if isinstance(inner := message.get("message"), Mapping):
            return _read_chat(inner)
        if message.get("type") in ("function_call", "function_call_output", "reasoning"):
            return _read_items([message])
        if "output" in message:
            return _read_items(entries(message["output"], "output"))
        return _read_chat(message) if _is_chat(message) else None

    def describe(self, tool: BaseTool) -> Schema:
        """A function of chat completions."""
        function = {"name": tool.name, "description": tool.description, "parameters": parameters_of(tool)}
        return {"type": "function", "function": function}

    def listing(self, tools: Iterable[BaseTool]) -> Any:
        """The request's `tools`."""
        return [self.describe(tool) for tool in tools]


def _is_chat(message: Message) -> bool:
    return "tool_calls" in message or ("role" in message and isinstance(message.get("content", ()), str | None))


def _read_chat(message: Message) -> list[CallRequest]:
    return [
        _chat_call(entry, f"tool_calls[{position}]")
        for position, entry in enumerate(entries(message.get("tool_calls"), "tool_calls"))
    ]


def _chat_call(entry: Any, where: str) -> CallRequest:
    """One entry: `{"id", "function": {"name", "arguments"}}`, or flat as LangChain's messages have it."""
    inner = entry.get("function", entry) if isinstance(entry, Mapping) else entry
    name = name_in(inner, where)
    arguments = inner["arguments"] if "arguments" in inner else inner.get("args")
    return CallRequest(name, arguments_from(arguments), entry.get("id"))


def _read_items(items: Iterable[Any]) -> list[CallRequest]:
    return [
        CallRequest(name_in(item, f"output[{position}]"), arguments_from(item.get("arguments")), item.get("call_id"))
        for position, item in enumerate(items)
        if isinstance(item, Mapping) and item.get("type") == "function_call"
    ]
