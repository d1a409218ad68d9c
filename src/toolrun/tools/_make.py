"""What `@tool` does: from a function, or something like it, to a tool."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from toolrun._signature import kind_of
from toolrun.tools.base import BaseTool
from toolrun.tools.exceptions import InvalidTool, MissingDescription
from toolrun.tools.simple import Tool
from toolrun.tools.structured import StructuredTool


def make_tool(name: str | None, source: Any, infer_schema: bool, options: dict[str, Any]) -> BaseTool:
    """A tool of anything that can be called, or that has `invoke` and an input schema."""
    if isinstance(source, BaseTool):
        raise InvalidTool(source.name, "it is a tool already. Use with_options to change it.")
    if not callable(source):
        return _of_runnable(name, source, **options)
    name = name or getattr(source, "__name__", None)
    if name is None:
        raise InvalidTool(repr(source), "it has no __name__. Pass a name: tool('name', function).")
    func, coroutine = (None, source) if kind_of(source).is_async else (source, None)
    if infer_schema or options.get("args_schema") is not None:
        options = {"error_on_invalid_docstring": True, **options}
        return StructuredTool.from_function(func, coroutine, name, infer_schema=infer_schema, **options)
    return _simple(name, func, coroutine, **options)


def _simple(
    name: str,
    func: Callable[..., Any] | None,
    coroutine: Callable[..., Any] | None,
    description: str | None = None,
    parse_docstring: bool = False,
    error_on_invalid_docstring: bool = False,
    **options: Any,
) -> Tool:
    """A tool of one argument, without a schema."""
    description = description or inspect.getdoc(func or coroutine)
    if not description:
        raise MissingDescription(name, inferred=False)
    return Tool(name, func, description, coroutine=coroutine, **options)


def _of_runnable(name: str | None, runnable: Any, description: str | None = None, **options: Any) -> BaseTool:
    if not hasattr(runnable, "invoke"):
        raise InvalidTool(name or repr(runnable), f"it must be made of something to call, not of {runnable!r}.")
    from toolrun.tools.convert import convert_runnable_to_tool

    schema = options.pop("args_schema", None)
    made = convert_runnable_to_tool(runnable, schema, name=name, description=description or repr(runnable))
    return made.with_options(**options)
