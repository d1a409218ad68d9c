"""What `toolrun call` does."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import click

from toolrun.cli._ctrl_c import CTRL_C
from toolrun.cli._errors import Unusable, own_traceback
from toolrun.cli._load import load
from toolrun.cli._policy import runner_of
from toolrun.cli._recording import recording
from toolrun.cli._stdout import printing, stdout_for_results
from toolrun.cli._visible import visible_lines
from toolrun.errors import ToolrunError
from toolrun.runner import CallRequest, CallResult
from toolrun.runner._json import encode
from toolrun.tools.formats import loads


def call_once(
    spec: str, name: str, arguments: str, session: str | None, store: str | None, policy: dict[str, Any]
) -> int:
    """Run one call and print its output as JSON; the exit status. What the tool prints goes to standard error."""
    try:
        parsed = loads(arguments)
    except ValueError as error:
        raise Unusable(f"the arguments are not JSON: {error}") from None
    with ExitStack() as stack:
        stack.enter_context(stdout_for_results())
        tools = load(spec)
        recorder = stack.enter_context(recording(store))
        runner = stack.enter_context(runner_of(tools, policy, callbacks=[recorder] if recorder else None))
        [result] = asyncio.run(runner.arun_all([CallRequest(name, parsed, "call", session)]))
        CTRL_C.obey()
    if result.ok:
        with printing():
            click.echo(encode(result.output)[0])
        return 0
    click.echo(visible_lines(_account(result)), err=True)
    return 1


def _account(result: CallResult) -> str:
    """What went wrong: in one line where the call was wrong, with the tool's own frames where the tool was."""
    error = result.error or {}
    if result.exception is None or isinstance(result.exception, ToolrunError) or error["type"] == "ValidationError":
        return f"{error['type']}: {error['message']}"
    return own_traceback(result.exception)
