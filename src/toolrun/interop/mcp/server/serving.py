"""Serving tools: over the process's standard streams, as clients start it, or over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

from mcp.server import Server

from toolrun.interop.mcp.server.app import mcp_server
from toolrun.interop.mcp.server.stdio import serve_streams, standard_streams


def serve(tools: Any, **options: Any) -> None:
    """Serve the tools until the client leaves; the sync face of `aserve`."""
    asyncio.run(aserve(tools, **options))


async def aserve(tools: Any, **options: Any) -> None:
    """Serve the tools over the process's standard streams, until the client leaves.

    Takes the arguments of `mcp_server`, or its `Server`.
    """
    server = tools if isinstance(tools, Server) else mcp_server(tools, **options)
    with standard_streams() as streams:
        await serve_streams(server, *streams)
