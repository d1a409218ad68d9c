"""What can be stopped, and what that costs: worker processes, tools that run away, timeouts that do not fire."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness import OURS, Bound, Figures, Measure, Metric, Scenario, on_loop, per_async_run
from benchmarks.libraries import ARGUMENTS, add, async_add
from benchmarks.watching import Heart, dead, percentile

RUNAWAYS = 20
DEADLINE_SECONDS = 0.3


def scenarios() -> Iterator[Scenario]:
    from toolrun.tools import tool

    in_worker = per_async_run(partial(tool(add, engine="processes").ainvoke, ARGUMENTS))
    for name, bound, pinned in (("", Bound(40), True), (", unpinned", Bound(), False)):
        yield Scenario(
            f"sync tool in a warm worker process{name}",
            (Metric("per run", "us", bound),),
            {OURS: in_worker},
            pinned=pinned,
        )
    yield Scenario(
        f"{RUNAWAYS} runaway tools in worker processes, after their deadline",
        (
            Metric("dead, p95", "ms", Bound(15)),
            Metric("dead, max", "ms", Bound(100)),
            Metric("loop gap, p99", "ms", Bound(20)),
        ),
        {OURS: on_loop(_runaways)},
        rounds=5,
    )
    yield Scenario("a timeout that does not fire", (Metric("added", "us", Bound(1.5)),), _timeouts())


# ── timeouts ───────────────────────────────────────────────────────────────────────────────────────────


def _timeouts() -> dict[str, Measure]:
    from toolrun.tools import tool

    bare = partial(tool(async_add).ainvoke, ARGUMENTS)
    return {
        OURS: _added(partial(tool(async_add, timeout=60).ainvoke, ARGUMENTS), bare),
        "asyncio.timeout": _added(partial(_in_timeout, bare), bare),
        "wait_for": _added(lambda: asyncio.wait_for(bare(), 60), bare),
    }


async def _in_timeout(call: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(60):
        return await call()


def _added(call: Callable[[], Awaitable[Any]], bare: Callable[[], Awaitable[Any]]) -> Measure:
    """By how much the one call is slower than the other."""
    with_it, without = per_async_run(call), per_async_run(bare)
    return lambda: (with_it()[0] - without()[0],)


# ── runaway tools ──────────────────────────────────────────────────────────────────────────────────────


def run_away(log: str) -> None:
    """Burns, and says when it began and where."""
    Path(log).write_text(f"{time.monotonic()} {os.getpid()}")
    while True:
        pass


async def _runaways() -> Figures:
    from toolrun.execution.processes import PROCESSES
    from toolrun.tools import tool

    limit, PROCESSES.limit = PROCESSES.limit, RUNAWAYS
    burning = tool(run_away, engine="processes", timeout=DEADLINE_SECONDS)
    try:
        with tempfile.TemporaryDirectory() as logs:
            heart = Heart()
            late = await asyncio.gather(*(_one(burning, f"{logs}/{number}") for number in range(RUNAWAYS)))
            gaps = heart.stop()
    finally:
        PROCESSES.limit = limit
    return percentile(late, 0.95) * 1e3, max(late) * 1e3, percentile(gaps, 0.99) * 1e3


async def _one(burning: Any, log: str) -> float:
    """Seconds from the deadline until the process was dead."""
    try:
        await burning.ainvoke({"log": log})
    except TimeoutError:
        began, process = Path(log).read_text().split()
        await dead(int(process))
        return time.monotonic() - float(began) - DEADLINE_SECONDS
    raise AssertionError("it came back")
