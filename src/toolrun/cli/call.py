"""`toolrun call`: one call, by hand."""

from __future__ import annotations

import sys
from typing import Any

import click

from toolrun.cli._policy import policy_options
from toolrun.cli._recording import store_option


@click.command()
@click.argument("tools")
@click.argument("name")
@click.argument("arguments", metavar="'JSON'", default="{}")
@click.option("--session", metavar="ID", help="The session on whose tools the call runs.")
@policy_options
@store_option("Record the call in this folder.")
def call(tools: str, name: str, arguments: str, session: str | None, store: str | None, **policy: Any) -> None:
    """Run the tool NAME of TOOLS once and print its output.

    The arguments are a JSON object. The exit status is 0 if the call succeeded,
    1 if it failed, 2 if the input is unusable.
    """
    from toolrun.cli._calling import call_once

    sys.exit(call_once(tools, name, arguments, session, store, policy))
