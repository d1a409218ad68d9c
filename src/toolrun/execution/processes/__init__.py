"""Worker processes: warm, of our own, one socket pair each; a body that will not stop is killed with its worker.

engine       ProcessEngine: runs jobs in workers, once for sync callers and once for async ones
sessions     what a session's calls run in its worker
errors       what can go wrong between two processes

_exchange    one call as the parent sees it, from the call frame to its outcome; no I/O
_relay       events that come from a worker, told to the handlers here
_pool        which worker a call gets: the bound, the spare, the homes of sessions; _ticket: a place in line
_worker      the parent's end of one worker: its socket, how to kill it
_launcher    starts the fork server, and asks it for workers
_warming     workers ahead of any call
_setting     what workers take over from the parent: directory, environment, import path, modules

_forkserver  a small process with a single thread that forks the workers and reaps them
_serve       the worker itself: takes a call, runs it, answers
_forward     the runs in a worker, whose events go to the parent

_shipping    how a worker gets a body: by reference where it can be imported, else by value
_pickling    values, errors and run managers on their way between processes
_frames      length, kind, payload
"""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Any

from toolrun.execution.processes.errors import NoWorkers

if TYPE_CHECKING:
    from toolrun.execution.processes.engine import PROCESSES

__all__ = ["PROCESSES"]


def __getattr__(name: str) -> Any:
    if name != "PROCESSES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not hasattr(socket, "send_fds"):
        raise NoWorkers(sys.platform)
    from toolrun.execution.processes.engine import PROCESSES  # the fork server and the workers have no use for it

    globals()[name] = PROCESSES
    return PROCESSES
