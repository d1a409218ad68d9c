"""toolrun runs the tools of LLM agents, sync or async, and shows every run.

Floors, each importing only from those below it; `tests/test_layers.py` keeps it so:

    cli/  testing            the command line; recording handlers and fakes for tests
    interop/                 bridges to agent frameworks and MCP
    runner/                  batches, sessions
    tools/                   @tool and its classes, the road of one call, formats of calls
    execution/               engines for tool bodies
    handlers/  tracers/      the recorder; trees of runs
    callbacks/  store/       handlers, managers, run managers; the record of runs on disk
    run  redaction/          what a run is and how it may end; what must not be written down
    errors  _ids  _offload   and other small things without knowledge of runs

Names are imported on first use: a program that needs one floor does not wait for the others.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolrun.callbacks import (
        AsyncCallbackHandler,
        AsyncCallbackManager,
        BaseCallbackHandler,
        CallbackManager,
        current_run,
        flush,
    )
    from toolrun.errors import ToolrunError
    from toolrun.execution.cache import Cache
    from toolrun.execution.errors import InvalidPolicy, SessionLost, ToolDenied, ToolTimeout, WorkerCrashed
    from toolrun.execution.replay import replaying
    from toolrun.execution.replay_errors import CannotReplay, ReplayDiverged
    from toolrun.execution.retry import Retry
    from toolrun.execution.statistics import statistics
    from toolrun.execution.watchdog import watchdog
    from toolrun.handlers import Recorder
    from toolrun.runner import CallRequest, CallResult, ToolRunner
    from toolrun.store import open_store
    from toolrun.tools import BaseTool, StructuredTool, Tool, ToolException, ToolMessage, tool

__all__ = [
    "AsyncCallbackHandler",
    "AsyncCallbackManager",
    "BaseCallbackHandler",
    "BaseTool",
    "Cache",
    "CallRequest",
    "CallResult",
    "CallbackManager",
    "CannotReplay",
    "InvalidPolicy",
    "Recorder",
    "ReplayDiverged",
    "Retry",
    "SessionLost",
    "StructuredTool",
    "Tool",
    "ToolDenied",
    "ToolException",
    "ToolMessage",
    "ToolRunner",
    "ToolTimeout",
    "ToolrunError",
    "WorkerCrashed",
    "current_run",
    "flush",
    "open_store",
    "replaying",
    "statistics",
    "tool",
    "watchdog",
]

_HOMES = {
    "toolrun.callbacks": (
        "AsyncCallbackHandler",
        "AsyncCallbackManager",
        "BaseCallbackHandler",
        "CallbackManager",
        "current_run",
        "flush",
    ),
    "toolrun.errors": ("ToolrunError",),
    "toolrun.execution.cache": ("Cache",),
    "toolrun.execution.errors": ("InvalidPolicy", "SessionLost", "ToolDenied", "ToolTimeout", "WorkerCrashed"),
    "toolrun.execution.replay": ("replaying",),
    "toolrun.execution.replay_errors": ("CannotReplay", "ReplayDiverged"),
    "toolrun.execution.retry": ("Retry",),
    "toolrun.execution.statistics": ("statistics",),
    "toolrun.execution.watchdog": ("watchdog",),
    "toolrun.handlers": ("Recorder",),
    "toolrun.runner": ("CallRequest", "CallResult", "ToolRunner"),
    "toolrun.store": ("open_store",),
    "toolrun.tools": ("BaseTool", "StructuredTool", "Tool", "ToolException", "ToolMessage", "tool"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if os.environ.get("TOOLRUN_STORE"):
    from toolrun.handlers.environment import record_runs

    record_runs()
