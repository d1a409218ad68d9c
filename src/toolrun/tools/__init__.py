"""Tools: what agents call.

From the bottom up; each imports only what stands above it:

    messages, config, injected, exceptions      what is said between caller, tool and handlers
    _injection, _docstring, _schema             what a function's signature means for a tool
    _snapshot, _invalid, _json_schema, _binding arguments: validated, completed, shown to handlers
    _output, _answers                           results and errors, as the caller gets them
    _plan                                       a tool, compiled
    _listeners, _call                           the road of one call; _batch makes several
    base, structured, simple                    the tools
    _make, decorator, toolkit, render           ways to make, group and show them
    convert                                     tools of other frameworks' runnables

Names are imported on first use: a module that only decorates functions does not wait for all of this.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolrun.tools._injection import FILTERED_ARGS
    from toolrun.tools._schema import ArgsSchema, create_schema_from_function
    from toolrun.tools.base import BaseTool
    from toolrun.tools.config import RunConfig
    from toolrun.tools.convert import convert_runnable_to_tool
    from toolrun.tools.decorator import tool
    from toolrun.tools.exceptions import SchemaAnnotationError, ToolException
    from toolrun.tools.injected import DirectlyInjectedToolArg, InjectedToolArg, InjectedToolCallId, Secret
    from toolrun.tools.messages import ToolCall, ToolMessage, ToolOutputMixin
    from toolrun.tools.render import ToolsRenderer, render_text_description, render_text_description_and_args
    from toolrun.tools.simple import Tool
    from toolrun.tools.structured import StructuredTool
    from toolrun.tools.toolkit import BaseToolkit

__all__ = [
    "FILTERED_ARGS",
    "ArgsSchema",
    "BaseTool",
    "BaseToolkit",
    "DirectlyInjectedToolArg",
    "InjectedToolArg",
    "InjectedToolCallId",
    "RunConfig",
    "SchemaAnnotationError",
    "Secret",
    "StructuredTool",
    "Tool",
    "ToolCall",
    "ToolException",
    "ToolMessage",
    "ToolOutputMixin",
    "ToolsRenderer",
    "convert_runnable_to_tool",
    "create_schema_from_function",
    "render_text_description",
    "render_text_description_and_args",
    "tool",
]

_HOMES = {
    "_injection": ("FILTERED_ARGS",),
    "_schema": ("ArgsSchema", "create_schema_from_function"),
    "base": ("BaseTool",),
    "config": ("RunConfig",),
    "convert": ("convert_runnable_to_tool",),
    "decorator": ("tool",),
    "exceptions": ("SchemaAnnotationError", "ToolException"),
    "injected": ("DirectlyInjectedToolArg", "InjectedToolArg", "InjectedToolCallId", "Secret"),
    "messages": ("ToolCall", "ToolMessage", "ToolOutputMixin"),
    "render": ("ToolsRenderer", "render_text_description", "render_text_description_and_args"),
    "simple": ("Tool",),
    "structured": ("StructuredTool",),
    "toolkit": ("BaseToolkit",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
