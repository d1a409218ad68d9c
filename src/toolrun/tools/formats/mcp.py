"""MCP: `tools/call` requests of JSON-RPC, and the list that `tools/list` answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from toolrun.tools.formats._format import (
    CallRequest,
    MalformedCall,
    Message,
    Schema,
    arguments_from,
    name_in,
    parameters_of,
)

if TYPE_CHECKING:
    from toolrun.tools.base import BaseTool


class MCP:
    """One request a line; the session, which MCP keeps in its transport, stands in `params._meta.session`."""

    name = "mcp"

    def read(self, message: Message) -> list[CallRequest] | None:
        """Read a request; other JSON-RPC messages, which a log of a server holds too, have no calls."""
        if message.get("method") != "tools/call":
            return [] if "jsonrpc" in message else None
        params = message.get("params")
        if not isinstance(params, Mapping):
            raise MalformedCall("tools/call has no params")
        meta = params.get("_meta")
        session = meta.get("session") if isinstance(meta, Mapping) else None
        return [
            CallRequest(name_in(params, "params"), arguments_from(params.get("arguments")), message.get("id"), session)
        ]

    def describe(self, tool: BaseTool) -> Schema:
        """A tool of the protocol."""
        return {"name": tool.name, "description": tool.description, "inputSchema": parameters_of(tool)}

    def listing(self, tools: Iterable[BaseTool]) -> Any:
        """The result of `tools/list`."""
        return {"tools": [self.describe(tool) for tool in tools]}
