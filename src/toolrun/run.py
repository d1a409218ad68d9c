"""A run: how it stands and how it may end. No input or output happens here.

    running ──> one of the final statuses, exactly once

What arrives after the end is dropped by whoever delivers events: nothing follows a terminal event.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum

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


class StoppedBy(StrEnum):
    """How a body that did not end by itself was stopped."""

    NONE = "none"
    COOPERATION = "cooperation"
    EXCEPTION = "exception"
    KILL = "kill"
    ABANDONED = "abandoned"


RUNNING = RunStatus.RUNNING
OK = RunStatus.OK
NOT_STOPPED = StoppedBy.NONE
_CUT_SHORT = (RunStatus.CANCELLED, RunStatus.TIMEOUT)


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
    """How one run stands; shared by every face of it (async, sync)."""

    __slots__ = ("_right_to_end", "cancelled", "status", "stopped_by")

    def __init__(self) -> None:
        self.status = RUNNING
        self.cancelled = False
        self.stopped_by = NOT_STOPPED
        self._right_to_end = [True]

    def end(self, status: RunStatus) -> bool:
        """Move to a final status; False when the run has ended before, and so nothing may be told any more.

        Of several threads that end a run at the same time one wins: taking from a list is atomic.
        """
        try:
            self._right_to_end.pop()
        except IndexError:
            return False
        self.status = status
        if status is not OK and status in _CUT_SHORT:
            self.cancelled = True  # for a body that runs on in its thread, to see and to stop
        return True
