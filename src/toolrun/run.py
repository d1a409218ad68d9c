"""A run: what it is, how it may change, how it ends. No input or output happens here.

    open ──> ended        exactly once, with one of the statuses below

What arrives after the end is dropped by whoever delivers events: nothing follows a terminal event.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from uuid import UUID

from toolrun.errors import is_control_flow


class RunStatus(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    OK = "ok"
    ERROR = "error"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    DENIED = "denied"
    PAUSED = "paused"


def status_of(error: BaseException) -> RunStatus:
    """The status of a run that ended by this exception.

    An exception may name it itself by an attribute `run_status`, as toolrun's own errors do.
    """
    named = getattr(error, "run_status", None)
    if isinstance(named, RunStatus):
        return named
    if isinstance(error, asyncio.CancelledError | GeneratorExit | KeyboardInterrupt):
        return RunStatus.CANCELLED
    if is_control_flow(error):
        return RunStatus.PAUSED
    return RunStatus.ERROR


class RunState:
    """The mutable heart of one run, shared by every face of it (async, sync, child managers)."""

    __slots__ = ("cancelled", "parent_run_id", "run_id", "status")

    def __init__(self, run_id: UUID, parent_run_id: UUID | None) -> None:
        self.run_id = run_id
        self.parent_run_id = parent_run_id
        self.status = RunStatus.RUNNING
        self.cancelled = False

    def end(self, status: RunStatus) -> bool:
        """Move to a final status; False when the run has ended before, and so nothing may be told any more."""
        if self.status is not RunStatus.RUNNING:
            return False
        self.status = status
        return True
