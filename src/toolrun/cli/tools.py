"""`toolrun tools`: what there is to call."""

from __future__ import annotations

import click


@click.command()
@click.argument("tools")
@click.option(
    "--format",
    type=click.Choice(["openai", "anthropic", "gemini", "mcp", "json"]),
    help="Print the schemas as JSON: as a provider's request takes them, or plainly.",
)
@click.option("--session", metavar="ID", help="The session whose tools a factory is to make.")
def tools(tools: str, format: str | None, session: str | None) -> None:
    """List TOOLS with their parameters."""
    from toolrun.cli._listing import list_tools

    list_tools(tools, format, session)
