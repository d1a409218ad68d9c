"""`tool.ainvoke` of an async tool with 0, 1 and 5 async handlers, and with handlers that run inline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from benchmarks import floors
from benchmarks.harness import FLOOR, OURS, Bound, Measure, Metric, Scenario, per_async_run
from benchmarks.libraries import ARGUMENTS, Library, async_add, libraries
from benchmarks.peers import pydantic_ai_beside

ASYNC_BOUNDS = {0: Bound(6), 1: Bound(8), 5: Bound(10)}
INLINE_BOUNDS = {1: Bound(7), 5: Bound(9)}


def scenarios() -> Iterator[Scenario]:
    for count, bound in ASYNC_BOUNDS.items():
        listen = partial(Library.async_handlers, count=count)
        beside = pydantic_ai_beside(per_async_run, async_add, count)
        yield _scenario(f"ainvoke, {count} async handlers", bound, listen, beside)
    for count, bound in INLINE_BOUNDS.items():
        inline = partial(Library.sync_handlers, count=count, run_inline=True)
        yield _scenario(f"ainvoke, {count} sync handlers, run_inline", bound, inline)


def _scenario(
    name: str, bound: Bound, listen: Callable[[Library], list[Any]], beside: dict[str, Measure] | None = None
) -> Scenario:
    return Scenario(name, (Metric("per run", "us", bound),), _subjects(listen) | (beside or {}))


def _subjects(listen: Callable[[Library], list[Any]]) -> dict[str, Measure]:
    subjects: dict[str, Measure] = {}
    for library in libraries():
        listeners = listen(library)
        tool = library.tool(async_add)
        subjects[library.name] = per_async_run(partial(tool.ainvoke, ARGUMENTS, {"callbacks": listeners}))
        if library.name == OURS:
            subjects[FLOOR] = per_async_run(partial(floors.ainvoke, async_add, ARGUMENTS, listeners))
    return subjects
