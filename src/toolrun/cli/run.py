"""`toolrun run`: many calls, one result line each."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import Any

import click

from toolrun.cli._policy import policy_options
from toolrun.cli._recording import store_option


@click.command()
@click.argument("tools")
@click.argument("calls", metavar="CALLS.jsonl")
@click.option("-o", "--output", metavar="FILE", help="Write the results here instead of to standard output.")
@click.option("--concurrency", type=click.IntRange(1), default=100, show_default=True, help="Calls that run at once.")
@click.option(
    "--format",
    type=click.Choice(["auto", "native", "openai", "anthropic", "gemini", "mcp"]),
    default="auto",
    help="What the lines of CALLS are; found out for each line unless given.",
)
@policy_options
@store_option("Record the runs in this folder.  [default: .toolrun]")
@click.option("--no-store", is_flag=True, help="Record nothing.")
@click.option("--resume", is_flag=True, help="Finish a batch that was cut short, by what the store knows of it.")
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
def run(**given: Any) -> None:
    """Run every call of a file with TOOLS.

    CALLS.jsonl has JSON lines {"id", "name", "arguments", "session"?}, or the
    messages of a model as OpenAI, Anthropic, Gemini or MCP write them; '-' is
    standard input. Calls of one session run in their order on the session's own
    tools, all others at once.

    The options from --timeout to --memory-limit hold for tools that do not say
    otherwise. A tool that requires approval asks at the terminal; where there
    is none, its calls are denied.

    Every run is recorded in a store, by default in .toolrun/. With --resume a
    batch that was killed or stopped goes on where it was: -o names its results.

    Every call gets one line of JSON, as it ends. The exit status is 0 if every
    call succeeded, 1 if some failed, 2 if the input is unusable, 130 after
    Ctrl-C.
    """
    from toolrun.cli._running import Plan, run_calls

    if given["resume"] and given["no_store"]:
        raise click.UsageError("--resume goes by the store: leave out --no-store.")
    own = {name: given.pop(name) for name in [field.name for field in fields(Plan)] if name in given}
    sys.exit(run_calls(Plan(**own, policy=given)))
