"""Memory that a run in flight holds beyond the bare task of its body."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from benchmarks import floors
from benchmarks.harness import FLOOR, OURS, Bound, Figures, Measure, Metric, Scenario, on_loop
from benchmarks.libraries import ARGUMENTS, libraries

IN_FLIGHT = 500


def scenarios() -> Iterator[Scenario]:
    metric = Metric("per run", "bytes", Bound(3 * 1024, scales=False))
    yield Scenario("memory of a run in flight, 1 async handler", (metric,), _subjects(), rounds=3)


def _subjects() -> dict[str, Measure]:
    subjects: dict[str, Measure] = {}
    for library in libraries():
        listeners = library.async_handlers(1)
        tool = library.tool(held)
        subjects[library.name] = _beyond_bare_task(partial(tool.ainvoke, ARGUMENTS, {"callbacks": listeners}))
        if library.name == OURS:
            subjects[FLOOR] = _beyond_bare_task(partial(floors.ainvoke, held, ARGUMENTS, listeners))
    return subjects


async def held(a: int, b: int) -> int:
    """Adds two numbers, once it is let go."""
    await Gate.opened
    return a + b


class Gate:
    """What all bodies of one measurement wait for."""

    opened: asyncio.Future[None]


def _beyond_bare_task(call: Callable[[], Coroutine[Any, Any, Any]]) -> Measure:
    async def measure() -> Figures:
        await _bytes_per_task(call)  # fills caches
        return (await _bytes_per_task(call) - await _bytes_per_task(partial(held, 1, 2)),)

    return on_loop(measure)


async def _bytes_per_task(call: Callable[[], Coroutine[Any, Any, Any]]) -> float:
    Gate.opened = asyncio.get_running_loop().create_future()
    gc.collect()
    tracemalloc.start()
    try:
        tasks = [asyncio.ensure_future(call()) for _ in range(IN_FLIGHT)]
        for _ in range(10):  # until every body waits at the gate
            await asyncio.sleep(0)
        gc.collect()
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    Gate.opened.set_result(None)
    await asyncio.gather(*tasks)
    return held_bytes / IN_FLIGHT
