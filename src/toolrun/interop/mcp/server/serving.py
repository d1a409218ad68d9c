"""Serving tools: over the process's standard streams, as clients start it, or over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from mcp.server import Server

from toolrun.interop.mcp.server.app import mcp_server
from toolrun.interop.mcp.server.stdio import serve_streams, standard_streams


def serve(tools: Any, **options: Any) -> None:
    """Serve the tools until the client leaves, or, over HTTP, until Ctrl-C; the sync face of `aserve`."""
    asyncio.run(aserve(tools, **options))


async def aserve(
    tools: Any,
    *,
    http: str | None = None,
    allow_hosts: Sequence[str] = (),
    allow_origins: Sequence[str] = (),
    **options: Any,
) -> None:
    """Serve the tools over the process's standard streams, or over HTTP at `http` ("HOST:PORT").

    Takes the arguments of `mcp_server`, or its `Server`. Over HTTP it answers to the names of the loopback and to HOST;
    behind a proxy, or listening on all addresses, say in `allow_hosts` by which names it is known, and in
    `allow_origins` which pages besides may use it.
    """
    server = tools if isinstance(tools, Server) else mcp_server(tools, **options)
    if http is None:
        with standard_streams() as streams:
            await serve_streams(server, *streams)
        return
    from toolrun.interop.mcp.server.http import Endpoint, serve_http

    await serve_http(server, Endpoint.of(http), allow_hosts=allow_hosts, allow_origins=allow_origins)
