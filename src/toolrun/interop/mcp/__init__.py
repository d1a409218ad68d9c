"""MCP, by the official SDK (`toolrun[mcp]`): our tools for any MCP client, and the tools of any MCP server for us.

server/     `mcp_server` makes the SDK's `Server` of our tools; `serve` and `aserve` serve it, over the process's
            standard streams or over HTTP. In a tool that is served, `current_request()` leads to its client;
                `ask_client` asks the client's user for approval.
client/     `mcp_tools` connects to a server, and gives its tools as tools of ours.
errors      what can go wrong on either side
"""

from __future__ import annotations

from toolrun.interop._peer import require

require("mcp", "mcp", since="2.3", before="3")

from toolrun.interop.mcp.client.source import mcp_tools  # noqa: E402
from toolrun.interop.mcp.errors import (  # noqa: E402
    InvalidAddress,
    MalformedAnswer,
    McpError,
    RemoteToolError,
    ServerLost,
    ServerRefused,
    ServerTimeout,
    ServerUnavailable,
    UnusableSchema,
)
from toolrun.interop.mcp.server.app import mcp_server  # noqa: E402
from toolrun.interop.mcp.server.approval import ask_client  # noqa: E402
from toolrun.interop.mcp.server.request import current_request  # noqa: E402
from toolrun.interop.mcp.server.serving import aserve, serve  # noqa: E402

__all__ = [
    "InvalidAddress",
    "MalformedAnswer",
    "McpError",
    "RemoteToolError",
    "ServerLost",
    "ServerRefused",
    "ServerTimeout",
    "ServerUnavailable",
    "UnusableSchema",
    "aserve",
    "ask_client",
    "current_request",
    "mcp_server",
    "mcp_tools",
    "serve",
]
