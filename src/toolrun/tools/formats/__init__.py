"""Tools and calls as models write them: one file a format, found out by itself when calls are read.

`read_calls(message)` gives the tool calls in a message of any provider, `describe_tools(tools, "mcp")` the
tools as a provider's request takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from toolrun.tools.formats._format import CallRequest, Format, MalformedCall, Message, loads
from toolrun.tools.formats.anthropic import Anthropic
from toolrun.tools.formats.gemini import Gemini
from toolrun.tools.formats.mcp import MCP
from toolrun.tools.formats.native import Native
from toolrun.tools.formats.openai import OpenAI

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool

__all__ = ["FORMATS", "CallRequest", "Format", "MalformedCall", "Message", "describe_tools", "loads", "read_calls"]

FORMATS: dict[str, Format] = {each.name: each for each in (MCP(), OpenAI(), Anthropic(), Gemini(), Native())}
"""In the order in which they are tried: from the most telling message to the plainest."""


def read_calls(message: Any, format: str = "auto") -> list[CallRequest]:
    """The tool calls in one message, in order; none if it holds none, as a message of the user.

    A `session` beside the message, which no provider has, becomes the session of its calls.
    Raises `MalformedCall` if it is no message of the format, or of any.
    """
    if not isinstance(message, Mapping):
        raise MalformedCall(f"a JSON object is expected, not {_kind(message)}")
    for candidate in FORMATS.values() if format == "auto" else (FORMATS[format],):
        if (calls := candidate.read(message)) is not None:
            return [_checked(call, message.get("session")) for call in calls]
    keys = ", ".join(map(repr, list(message)[:6])) or "no keys"
    wanted = "of any known format" if format == "auto" else f"of the format {format!r}"
    raise MalformedCall(f"no message {wanted}: the object has {keys}")


def describe_tools(tools: Iterable[BaseTool], format: str) -> Any:
    """The tools with their schemas, as a request of that provider takes them."""
    return FORMATS[format].listing(tools)


def _checked(call: CallRequest, session: Any) -> CallRequest:
    call = call if session is None else replace(call, session=session)
    for field in ("id", "session"):
        if not isinstance(value := getattr(call, field), str | int | None):
            raise MalformedCall(f"{field} is {_kind(value)}, not a string or a number")
    return call


def _kind(value: Any) -> str:
    kinds = {list: "a list", dict: "an object", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")
