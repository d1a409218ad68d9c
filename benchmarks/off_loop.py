"""Work that leaves the loop: sync handlers, background handlers, and a sync tool that is awaited.

Measured on one CPU, so that a hop costs the same each time; the unpinned figure stands beside it for information.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any

from benchmarks import floors
from benchmarks.harness import FLOOR, OURS, Bound, Measure, Metric, Scenario, per_async_run
from benchmarks.libraries import ARGUMENTS, add, async_add, libraries
from benchmarks.peers import pydantic_ai_beside

WAITED_BOUNDS = {1: Bound(60), 5: Bound(80)}
BACKGROUND_BOUNDS = {1: Bound(6), 5: Bound(9)}
THREAD_BOUND = Bound(35)


def scenarios() -> Iterator[Scenario]:
    for count, bound in WAITED_BOUNDS.items():
        yield from _pinned_and_not(f"ainvoke, {count} sync handlers off the loop", bound, _waited(count))
    for count, bound in BACKGROUND_BOUNDS.items():
        yield from _pinned_and_not(f"ainvoke, {count} background handlers", bound, _in_background(count))
    yield from _pinned_and_not("ainvoke of a sync tool", THREAD_BOUND, _sync_tool())


def _pinned_and_not(name: str, bound: Bound, subjects: dict[str, Measure]) -> Iterator[Scenario]:
    yield Scenario(name, (Metric("per run", "us", bound),), subjects, pinned=True)
    yield Scenario(f"{name}, unpinned", (Metric("per run", "us", Bound()),), subjects)


def _waited(count: int) -> dict[str, Measure]:
    subjects: dict[str, Measure] = {}
    for library in libraries():
        listeners = library.sync_handlers(count)
        subjects[library.name] = per_async_run(
            partial(library.tool(async_add).ainvoke, ARGUMENTS, {"callbacks": listeners})
        )
        if library.name == OURS:
            hop = OneHop(listeners, floors.Worker())
            subjects[FLOOR] = per_async_run(partial(floors.ainvoke, async_add, ARGUMENTS, [hop]))
    return subjects | pydantic_ai_beside(per_async_run, async_add, count, sync_hooks=True)


def _in_background(count: int) -> dict[str, Measure]:
    """What a run costs its caller; what is still in the lanes is flushed between the batches."""
    subjects: dict[str, Measure] = {}
    for library in libraries():
        listeners = library.sync_handlers(count, background=True)
        call = partial(library.tool(async_add).ainvoke, ARGUMENTS, {"callbacks": listeners})
        subjects[library.name] = per_async_run(call, after=getattr(library.callbacks, "flush", None))
        if library.name == OURS:
            worker = floors.Worker()
            lanes = [Lane(listener, worker) for listener in listeners]
            flush = partial(worker.call, int)
            subjects[FLOOR] = per_async_run(partial(floors.ainvoke, async_add, ARGUMENTS, lanes), after=flush)
    return subjects


def _sync_tool() -> dict[str, Measure]:
    worker = floors.Worker()
    subjects = {
        FLOOR: per_async_run(partial(worker.call, floors.invoke, add, ARGUMENTS)),
        "to_thread": per_async_run(partial(asyncio.to_thread, floors.invoke, add, ARGUMENTS)),
    }
    for library in libraries():
        subjects[library.name] = per_async_run(partial(library.tool(add).ainvoke, ARGUMENTS))
    return subjects | pydantic_ai_beside(per_async_run, add)


class OneHop:
    """All handlers of an event behind one trip to the worker and back."""

    def __init__(self, handlers: list[Any], worker: floors.Worker) -> None:
        self._handlers = handlers
        self._worker = worker

    def on_tool_start(self, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        return self._worker.call(self._each, [handler.on_tool_start for handler in self._handlers], args, kwargs)

    def on_tool_end(self, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        return self._worker.call(self._each, [handler.on_tool_end for handler in self._handlers], args, kwargs)

    @staticmethod
    def _each(methods: list[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for method in methods:
            method(*args, **kwargs)


class Lane:
    """A handler whose events are handed to the worker in order; nobody waits for them."""

    def __init__(self, handler: Any, worker: floors.Worker) -> None:
        self._handler = handler
        self._worker = worker

    def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        self._worker.put(partial(self._handler.on_tool_start, *args, **kwargs))

    def on_tool_end(self, *args: Any, **kwargs: Any) -> None:
        self._worker.put(partial(self._handler.on_tool_end, *args, **kwargs))
