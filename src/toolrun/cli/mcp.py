"""`toolrun mcp`: our tools for MCP clients."""

from __future__ import annotations

from typing import Any

import click

from toolrun.cli._policy import policy_options


@click.group()
def mcp() -> None:
    """Work with the Model Context Protocol."""


@mcp.command()
@click.argument("tools")
@click.option("--name", metavar="NAME", help="What the server calls itself; by default TOOLS.")
@policy_options
def serve(tools: str, name: str | None, **policy: Any) -> None:
    """Serve TOOLS to an MCP client, over standard input and output.

    Where a factory makes the tools, each client has its own. A tool that
    requires approval asks at the terminal; where there is none, its calls
    are denied. Ends when the client leaves.
    """
    from toolrun.cli._serving import serve_tools

    serve_tools(tools, name, policy)
