"""What `toolrun tools` does, and the tools of one session for those that need just one."""

from __future__ import annotations

import inspect
import json
from asyncio import run as run_loop
from collections.abc import Awaitable
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from toolrun.cli._ctrl_c import CTRL_C
from toolrun.cli._errors import Unusable, own_traceback
from toolrun.cli._load import load
from toolrun.cli._stdout import printing, stdout_for_results
from toolrun.cli._visible import visible
from toolrun.runner import NotATool
from toolrun.runner._errors import NO_FACTORY
from toolrun.runner.toolbox import Toolbox, toolbox
from toolrun.tools import BaseTool
from toolrun.tools.formats import describe_tools
from toolrun.tools.formats._format import parameters_of


def list_tools(spec: str, format: str | None, session: str | None) -> None:
    """Print the tools as a table, or as JSON in a format."""
    with stdout_for_results():
        tools = list(tools_of_session(spec, session).values())
    with printing():
        if format is None:
            _print_table(tools)
        else:
            click.echo(json.dumps(describe_tools(tools, "native" if format == "json" else format), indent=2))


def tools_of_session(spec: str, session: str | None) -> Toolbox:
    """The toolbox of TOOLS; a factory is called for it."""
    target = load(spec)
    if isinstance(target, Toolbox):
        return target
    try:
        made = target(session)
        return toolbox(run_loop(_value(made)) if inspect.isawaitable(made) else made)
    except NotATool as error:
        raise Unusable(f"{spec} was called as a factory of tools, but {error}. {NO_FACTORY}") from None
    except BaseException as error:
        CTRL_C.obey()
        hint = "" if session else " Name one with --session."
        raise Unusable(
            f"{spec} could not make the tools of session {session!r}.{hint}\n\n{own_traceback(error)}"
        ) from None


async def _value(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _print_table(tools: list[BaseTool]) -> None:
    table = Table("tool", "arguments", "description", box=box.SIMPLE_HEAD, pad_edge=False)
    for tool in tools:
        first_line = (tool.description.strip().splitlines() or [""])[0]
        table.add_row(*(Text(visible(text)) for text in (tool.name, _arguments(tool), first_line)))
    Console().print(table)


def _arguments(tool: BaseTool) -> str:
    """The parameters, those that may be left out with a question mark."""
    schema = parameters_of(tool)
    required = schema.get("required", ())
    return ", ".join(name if name in required else f"{name}?" for name in schema["properties"])
