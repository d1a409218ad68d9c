"""Tools: what agents call.

From the bottom up; each imports only what stands above it:

    messages, config, injected, exceptions      what is said between caller, tool and handlers
    _injection, _docstring, _schema             what a function's signature means for a tool
    _snapshot, _invalid, _json_schema, _binding arguments: validated, completed, shown to handlers
    _output, _answers                           results and errors, as the caller gets them
    _plan                                       a tool, compiled
    _listeners, _call                           the road of one call; _batch makes several
    base, structured, simple                    the tools
    decorator, toolkit, render                  ways to make, group and show them
"""

from toolrun.tools._injection import FILTERED_ARGS
from toolrun.tools._schema import ArgsSchema, create_schema_from_function
from toolrun.tools.base import BaseTool
from toolrun.tools.config import RunConfig
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
    "create_schema_from_function",
    "render_text_description",
    "render_text_description_and_args",
    "tool",
]
