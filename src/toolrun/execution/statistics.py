"""What runs, waits, or was left behind in this process right now."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from toolrun._offload import HANDLER_POOL, TOOL_POOL
from toolrun.execution._stopping import ABANDONED
from toolrun.execution.leaving import LEFT_BEHIND
from toolrun.execution.limits import LIMITS


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts, taken at one moment."""

    threads: int
    """Threads for tool bodies that live, idle and abandoned ones too."""
    abandoned_threads: int
    """Those whose body would not stop and still runs."""
    abandoned_tasks: int
    """Async bodies that were cancelled and still run."""
    handler_threads: int
    """Threads for handlers that live."""
    workers: int
    """Worker processes that live."""
    waiting: int
    """Calls that wait for a slot of `max_concurrency` or `rate_limit`."""


def statistics() -> Statistics:
    """What runs, waits, or was left behind in this process right now."""
    return Statistics(
        threads=TOOL_POOL.threads,
        abandoned_threads=len(ABANDONED),
        abandoned_tasks=len(LEFT_BEHIND),
        handler_threads=HANDLER_POOL.threads,
        workers=_workers(),
        waiting=sum(limit.waiting for limit in tuple(LIMITS)),
    )


def _workers() -> int:
    """Those of the process engine, which is imported when it is first used."""
    module = sys.modules.get("toolrun.execution.processes.engine")
    return 0 if module is None else len(module.PROCESSES._pool.workers())
