"""Tools as plain text, for prompts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

from toolrun.tools.base import BaseTool

ToolsRenderer = Callable[[Sequence[BaseTool]], str]


def render_text_description(tools: Sequence[BaseTool]) -> str:
    """One line a tool: `search(query: str) -> str - Searches the web.`"""
    return "\n".join(map(_line, tools))


def render_text_description_and_args(tools: Sequence[BaseTool]) -> str:
    """The same with the schema of the arguments."""
    return "\n".join(f"{_line(tool)}, args: {tool.args}" for tool in tools)


def _line(tool: BaseTool) -> str:
    function = getattr(tool, "func", None)
    return f"{tool.name}{_signature(function) if function else ''} - {tool.description}"


def _signature(function: Callable[..., object]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:  # an annotation that only a type checker understands
        return inspect.signature(function)
