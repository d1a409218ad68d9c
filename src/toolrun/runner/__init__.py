"""Many calls at once: `ToolRunner` takes tools and calls, and gives one `CallResult` for each call.

_batch: what runs at once   _calling: one call   sessions: tools of a session   toolbox: what stands for tools
result, _json: what is written   _errors: what can go wrong before a tool is reached
"""

from __future__ import annotations

from toolrun.runner._errors import InvalidArguments, NotATool, SessionFailed, UnknownTool
from toolrun.runner.result import CallResult
from toolrun.runner.runner import ToolRunner
from toolrun.runner.toolbox import public_methods
from toolrun.tools.formats import CallRequest, MalformedCall

__all__ = [
    "CallRequest",
    "CallResult",
    "InvalidArguments",
    "MalformedCall",
    "NotATool",
    "SessionFailed",
    "ToolRunner",
    "UnknownTool",
    "public_methods",
]
