"""Many calls at once: `ToolRunner` takes tools and calls, and gives one `CallResult` for each call.

From the bottom up; each imports only what stands above it:

    _json, _errors      a value as JSON; what goes wrong before a tool is reached
    result              what a call came to
    _answers            what a body in a worker process answers with
    _functions, toolbox functions as tools; what stands for tools
    _outline            tools without their bodies, which live in a worker process
    _worker_sessions    sessions in worker processes
    sessions            the tools of each session
    _calling            one call, from its request to its result
    _reading, _batch    what a caller's calls ask for; what runs at once
    _events, stream     the events of a batch as dicts; the bounded queue to who reads them
    runner              all of it, for users

Names are imported on first use: naming `ToolRunner` costs nothing until one is made.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOME_OF = {
    "CallRequest": "toolrun.tools.formats",
    "CallResult": "toolrun.runner.result",
    "InvalidArguments": "toolrun.runner._errors",
    "MalformedCall": "toolrun.tools.formats",
    "NotATool": "toolrun.runner._errors",
    "SessionFailed": "toolrun.runner._errors",
    "ToolRunner": "toolrun.runner.runner",
    "UnknownTool": "toolrun.runner._errors",
    "public_methods": "toolrun.runner.toolbox",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value
