"""TOOLS that are those of an MCP server: `mcp:` and the command line that starts it, or its URL."""

from __future__ import annotations

import click

from toolrun.cli._errors import Unusable
from toolrun.errors import ToolrunError
from toolrun.runner.toolbox import Toolbox, toolbox

PREFIX = "mcp:"


def tools_of_server(spec: str) -> Toolbox:
    """The tools of the server, which is ours until the command ends; `Unusable` if it is not to be had.

    A `--timeout` beyond the usual deadline of requests moves that deadline too.
    """
    context = click.get_current_context()
    try:
        from toolrun.interop.mcp.client.source import DEADLINE, mcp_tools

        deadline = max(DEADLINE, context.params.get("timeout") or 0)
        return toolbox(context.with_resource(mcp_tools(spec.removeprefix(PREFIX), deadline=deadline)))
    except ToolrunError as error:  # NotATool as well: two of its tools have one name
        raise Unusable(str(error)) from None
