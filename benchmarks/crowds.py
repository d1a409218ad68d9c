"""A thousand async tools at once, and five hundred blocking ones: how long, and how long the loop stood still."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from benchmarks import floors
from benchmarks.harness import FLOOR, OURS, Bound, Figures, Measure, Metric, Scenario, on_loop
from benchmarks.libraries import ARGUMENTS, block, libraries, nap
from benchmarks.peers import pydantic_ai_beside
from benchmarks.watching import Heart

NAPS = 1_000
BLOCKS = 500


def scenarios() -> Iterator[Scenario]:
    naps = (Metric("wall", "ms", Bound(30)), Metric("longest loop gap", "ms", Bound(12)))
    blocks = (Metric("wall", "ms", Bound(450, scales=False)), Metric("longest loop gap", "ms", Bound(10)))
    yield Scenario("1,000 concurrent 10 ms async tools, 1 async handler", naps, _naps(), rounds=11)
    yield Scenario("500 concurrent 100 ms blocking tools", blocks, _blocks(), rounds=7)


def _naps() -> dict[str, Measure]:
    subjects: dict[str, Measure] = {}
    for library in libraries():
        listeners = library.async_handlers(1)
        call = partial(library.tool(nap).ainvoke, ARGUMENTS, {"callbacks": listeners})
        subjects[library.name] = _crowd(call, NAPS)
        if library.name == OURS:
            subjects[FLOOR] = _crowd(partial(floors.ainvoke, nap, ARGUMENTS, listeners), NAPS)
    return subjects | pydantic_ai_beside(partial(_crowd, count=NAPS), nap, 1)


def _blocks() -> dict[str, Measure]:
    subjects = {
        library.name: _crowd(partial(library.tool(block).ainvoke, ARGUMENTS), BLOCKS) for library in libraries()
    }
    body = partial(floors.invoke, block, ARGUMENTS)
    subjects[FLOOR] = _crowd(partial(floors.in_new_thread, body), BLOCKS)
    return subjects | pydantic_ai_beside(partial(_crowd, count=BLOCKS), block)


def _crowd(call: Callable[[], Awaitable[object]], count: int) -> Measure:
    async def measure() -> Figures:
        heart = Heart()
        started = time.perf_counter()
        await asyncio.gather(*(call() for _ in range(count)))
        wall = time.perf_counter() - started
        return wall * 1e3, max(heart.stop()) * 1e3

    return on_loop(measure)
