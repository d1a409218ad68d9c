"""Promises 1, 2, 7 and 10 for random trees of runs, with faults anywhere.

Faults: an exception, `SystemExit`, a timeout, a worker that is killed, a handler that raises, a queue that is full, a
cancel and a second one. Engines: inline, threads, worker processes, the event loop.

`FAULT_EXAMPLES` says how many, over both tests and both kinds of loop; `make torture` takes 2,000.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import heapq
import logging
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import UUID
from weakref import WeakSet

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from toolrun import CallRequest, CallResult, ToolRunner
from toolrun._background_loop import HANDLER_LOOP, TOOL_LOOP
from toolrun.callbacks import AsyncCallbackHandler, BaseCallbackHandler, _lane, flush
from toolrun.callbacks._delivery import Delivery
from toolrun.execution.deadlines import wheel
from toolrun.execution.statistics import statistics
from toolrun.run import RunStatus
from toolrun.runner.stream import events_of

EXAMPLES = int(os.environ.get("FAULT_EXAMPLES", "100"))
EVENTS = ("on_tool_start", "on_text", "on_tool_end", "on_tool_error")
TERMINAL = {"on_tool_end", "on_tool_error"}
Spec = dict[str, Any]


def _imported(name: str) -> Any:
    """A module beside this one, under a name by which workers find it."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


faulty = _imported("faulty_tools")


@pytest.fixture(scope="module", autouse=True)
def small_lanes_and_silent_log() -> Iterator[None]:
    """Handlers break on purpose here, and lanes are full."""
    _of_other_tests.update(_deliveries())
    loggers = [logging.getLogger(name) for name in ("toolrun.callbacks", "toolrun.watchdog")]
    levels, bound, _lane.BOUND = [logger.level for logger in loggers], _lane.BOUND, 2
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    yield
    _lane.BOUND = bound
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


# ── trees, handlers, cancels ───────────────────────────────────────────────────────────────────────────


def _node(engine: str, ends: str, texts: int, at_once: bool, children: list[Spec]) -> Spec:
    if ends == "killed" and engine != "processes":
        ends = "raises"  # anywhere else it would be the end of these tests
    bounded = ends == "hangs" and engine != "inline"
    if engine == "processes":
        children = [_inside_worker(child) for child in children]
    return {
        "engine": engine,
        "ends": ends,
        "texts": texts,
        "at_once": at_once,
        "children": children,
        "bounded": bounded,
    }


def _inside_worker(spec: Spec) -> Spec:
    """A worker has no workers of its own."""
    engine = "threads" if spec["engine"] == "processes" else spec["engine"]
    return _node(engine, spec["ends"], spec["texts"], spec["at_once"], [*map(_inside_worker, spec["children"])])


def _nodes(children: st.SearchStrategy[list[Spec]]) -> st.SearchStrategy[Spec]:
    engines = st.sampled_from(["async", "async", "inline", "threads", "threads", "processes"])
    ends = st.sampled_from(["returns", "returns", "returns", "raises", "exits", "hangs", "killed"])
    return st.builds(_node, engines, ends, st.integers(0, 3), st.booleans(), children)


trees = st.recursive(_nodes(st.just([])), lambda inner: _nodes(st.lists(inner, max_size=3)), max_leaves=5)


class Listener(NamedTuple):
    """One handler: how it is called, and at which event it does what."""

    is_async: bool
    mode: Literal["plain", "background", "run_inline"]
    event: str
    does: Literal["nothing", "raises", "insists"]


listeners = st.builds(
    Listener,
    st.booleans(),
    st.sampled_from(["plain", "background", "run_inline"]),
    st.sampled_from(EVENTS),
    st.sampled_from(["nothing", "nothing", "raises", "insists"]),
)
casts = st.lists(listeners, min_size=1, max_size=3)
moments = st.one_of(st.integers(0, 30).map(lambda turns: turns * 0.0), st.floats(0.0, 0.1))
"""Seconds until a cancel."""


class Trace:
    """What one handler was told, run by run."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.runs: dict[UUID, list[str]] = defaultdict(list)
        self.overlaps: list[str] = []
        self._inside: set[UUID] = set()

    @contextlib.contextmanager
    def entered(self, event: str, run_id: UUID) -> Iterator[None]:
        """One event, from its start to its end."""
        if run_id in self._inside:
            self.overlaps.append(event)
        self._inside.add(run_id)
        try:
            yield
        finally:
            self._inside.discard(run_id)

    def take(self, event: str, run_id: UUID) -> None:
        self.runs[run_id].append(event)
        if self.listener.event == event and self.listener.does in ("raises", "insists"):
            raise faulty.Boom(event)

    def assert_lawful(self) -> None:
        """Promises 1 and 2: one start, one end, nothing after it, one event at a time."""
        assert self.overlaps == []
        for events in self.runs.values():
            assert events[0] == "on_tool_start", events
            assert events.count("on_tool_start") == 1, events
            assert [event for event in events if event in TERMINAL] == events[-1:], events


def handler_of(trace: Trace) -> Any:
    listener = trace.listener

    def method(event: str) -> Callable[..., Any]:
        def heard(self: Any, *args: Any, run_id: UUID, **kwargs: Any) -> None:
            with trace.entered(event, run_id):
                trace.take(event, run_id)

        async def async_heard(self: Any, *args: Any, run_id: UUID, **kwargs: Any) -> None:
            with trace.entered(event, run_id):
                if listener.mode != "run_inline":  # an inline handler is not shielded from a cancel
                    await asyncio.sleep(0)
                trace.take(event, run_id)

        return async_heard if listener.is_async else heard

    attributes: dict[str, Any] = {event: method(event) for event in EVENTS}
    attributes["raise_error"] = listener.does == "insists"
    if listener.mode != "plain":
        attributes[listener.mode] = True
    return type("Listening", (AsyncCallbackHandler if listener.is_async else BaseCallbackHandler,), attributes)()


# ── one batch ──────────────────────────────────────────────────────────────────────────────────────────


def requests_of(forest: list[Spec]) -> list[CallRequest]:
    return [CallRequest(faulty.tool_of(spec).name, {"spec": spec}, f"call-{n}", None) for n, spec in enumerate(forest)]


async def at_rest() -> None:
    """Wait until no body runs here any more, and every handler has had what it was given."""
    while faulty.bodies["running"] or statistics().abandoned_threads or statistics().abandoned_tasks or len(wheel()):
        await asyncio.sleep(0.002)
    await flush()


EXPECTED = {
    "returns": {RunStatus.OK},
    "raises": {RunStatus.ERROR},
    "exits": {RunStatus.ERROR, RunStatus.CRASHED},
    "hangs": {RunStatus.TIMEOUT},
    "killed": {RunStatus.CRASHED},
}


def assert_each_has_its_own_result(forest: list[Spec], results: list[CallResult], cast: list[Listener]) -> None:
    """Promise 7: what one call came to is nothing to its siblings."""
    assert [result.id for result in results] == [f"call-{number}" for number in range(len(forest))]
    if any(listener.does == "insists" for listener in cast):
        return
    for spec, result in zip(forest, results, strict=True):
        expected = EXPECTED[spec["ends"]] if spec["bounded"] or spec["ends"] != "hangs" else {RunStatus.OK}
        slow = {RunStatus.TIMEOUT} if spec["bounded"] else set()  # its children took the time
        assert result.status in expected | slow, (spec, result)


def assert_nothing_is_kept() -> None:
    """Promise 10: what is kept for a run goes with it, as soon as threads have put down what they had in hand."""
    patience = time.monotonic() + 5
    while kept := _deliveries():
        assert time.monotonic() < patience, (len(kept), [repr(each)[:99] for each in gc.get_referrers(kept[0])])
        del kept
        time.sleep(0.01)


async def _cancelled_timers_put_down() -> None:
    """What asyncio does itself, later: a cancelled `sleep` of a body keeps its context, and so the body's run."""
    loop: Any = asyncio.get_running_loop()
    loop._scheduled[:] = [timer for timer in loop._scheduled if not timer.cancelled()]
    heapq.heapify(loop._scheduled)


_of_other_tests: WeakSet[Delivery] = WeakSet()
"""Runs that errors kept by other tests lead to."""


def _deliveries() -> list[Delivery]:
    for loop in (HANDLER_LOOP, TOOL_LOOP):
        loop.run(_cancelled_timers_put_down())
    gc.collect()
    return [thing for thing in gc.get_objects() if isinstance(thing, Delivery) and thing not in _of_other_tests]


def faults(examples: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=max(1, examples),
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example that fails may take seconds: no shrinking
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


forests = st.lists(trees, min_size=1, max_size=3)


@faults(EXAMPLES // 4)
@given(forest=forests, cast=casts)
def test_whatever_goes_wrong_every_run_has_its_end_and_every_call_its_result(
    async_driver: Any, forest: list[Spec], cast: list[Listener]
) -> None:
    traces = [Trace(listener) for listener in cast]

    async def scenario() -> list[CallResult]:
        runner = ToolRunner([*faulty.TOOLS.values()], callbacks=[handler_of(trace) for trace in traces])
        results = await runner.arun_all(requests_of(forest))
        await at_rest()
        return results

    results = async_driver.run(scenario())
    for trace in traces:
        trace.assert_lawful()
    assert_each_has_its_own_result(forest, results, cast)
    del results
    assert_nothing_is_kept()


@faults(EXAMPLES // 4)
@given(forest=forests, cast=casts, cancels=st.lists(moments, min_size=1, max_size=2), bound=st.integers(1, 4))
def test_a_cancel_at_any_moment_and_a_second_one_end_every_run_once(
    async_driver: Any, forest: list[Spec], cast: list[Listener], cancels: list[float], bound: int
) -> None:
    """The events go to a consumer whose queue is nearly always full."""
    traces = [Trace(listener) for listener in cast]

    async def consume(runner: ToolRunner) -> None:
        async for _ in events_of(runner.batch, requests_of(forest), bound):
            await asyncio.sleep(0)

    async def scenario() -> None:
        runner = ToolRunner([*faulty.TOOLS.values()], callbacks=[handler_of(trace) for trace in traces])
        task = asyncio.create_task(consume(runner))
        for seconds in cancels:
            await asyncio.sleep(seconds)
            task.cancel()
        await asyncio.wait([task])
        while len(asyncio.all_tasks()) > 1:  # a second cancel leaves the end to those who are at it
            await asyncio.sleep(0.002)
        await at_rest()

    async_driver.run(scenario())
    for trace in traces:
        trace.assert_lawful()
    assert_nothing_is_kept()
