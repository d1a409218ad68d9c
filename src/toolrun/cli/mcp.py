"""`toolrun mcp`: our tools for MCP clients."""

from __future__ import annotations

from typing import Any

import click

from toolrun.cli._policy import policy_options
from toolrun.cli._recording import store_option


@click.group()
def mcp() -> None:
    """Work with the Model Context Protocol."""


@mcp.command()
@click.argument("tools")
@click.option("--http", metavar="HOST:PORT", help="Serve over HTTP, at http://HOST:PORT/mcp; port 0 is any free one.")
@click.option("--allow-host", metavar="NAME", multiple=True, help="A further name that the server is known by.")
@click.option("--allow-origin", metavar="URL", multiple=True, help="A web page's origin that may use it.")
@click.option("--name", metavar="NAME", help="What the server calls itself; by default TOOLS.")
@policy_options
@store_option("Record the runs in this folder.")
def serve(
    tools: str,
    http: str | None,
    allow_host: tuple[str, ...],
    allow_origin: tuple[str, ...],
    name: str | None,
    store: str | None,
    **policy: Any,
) -> None:
    """Serve TOOLS to MCP clients.

    By default to the one that started this command, over standard input and
    output, until it leaves. With --http to any number of them: it answers
    requests for HOST, for this machine's own names, and for --allow-host.

    Where a factory makes the tools, each client has its own. A tool that
    requires approval asks the client's user; where the client cannot, its
    calls are denied.
    """
    from toolrun.cli._serving import serve_over_http, serve_over_standard_streams

    if http is None:
        serve_over_standard_streams(tools, name, store, policy)
    else:
        serve_over_http(tools, name, store, policy, http, allow_host, allow_origin)
