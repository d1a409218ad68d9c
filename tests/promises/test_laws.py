"""Laws of any tree of tool runs, whatever its tools and handlers do and whenever it is cancelled.

1. Every handler has, for every run, one start, then exactly one end or error, and nothing after it.
2. No handler is in two events of one run at once.
3. A tree called by `invoke` shows each handler the same trace as the same tree awaited by `ainvoke`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolrun.callbacks import AsyncCallbackHandler, BaseCallbackHandler, current_run, flush, flush_sync
from toolrun.tools import StructuredTool

EVENTS = ("on_tool_start", "on_text", "on_tool_end", "on_tool_error")
TERMINAL = {"on_tool_end", "on_tool_error"}


@pytest.fixture(scope="module", autouse=True)
def silent_log() -> Iterator[None]:
    """Handlers break on purpose here."""
    logger = logging.getLogger("toolrun.callbacks")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


class Boom(Exception):
    """What bodies and handlers raise."""


@dataclass(frozen=True)
class Node:
    """One tool of a tree: what its body does before it ends."""

    texts: int
    pauses: int
    fails: bool
    only_sync: bool
    at_once: bool
    children: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Listener:
    """One handler: how it is called, and at which event it does what."""

    is_async: bool
    mode: Literal["plain", "background", "run_inline"]
    event: str
    does: Literal["nothing", "raises", "insists", "suspends"]


nodes = st.recursive(
    st.builds(Node, st.integers(0, 2), st.integers(0, 2), st.booleans(), st.booleans(), st.booleans()),
    lambda children: st.builds(
        Node,
        st.integers(0, 1),
        st.integers(0, 1),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.lists(children, max_size=3).map(tuple),
    ),
    max_leaves=5,
)
listeners = st.builds(
    Listener,
    st.booleans(),
    st.sampled_from(["plain", "background", "run_inline"]),
    st.sampled_from(EVENTS),
    st.sampled_from(["nothing", "raises", "insists", "suspends"]),
)
moments = st.one_of(st.integers(0, 6), st.integers(0, 80))  # turns of the loop; a hop to a thread takes many
casts = st.lists(listeners, min_size=1, max_size=4)


class Trace:
    """What one handler was told: (run, event, tool, payload), in order."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.events: list[tuple[UUID, str, str, str]] = []
        self.overlaps: list[str] = []
        self._tools: dict[UUID, str] = {}
        self._inside: set[UUID] = set()

    @contextlib.contextmanager
    def entered(self, event: str, run_id: UUID) -> Iterator[None]:
        if run_id in self._inside:
            self.overlaps.append(event)
        self._inside.add(run_id)
        try:
            yield
        finally:
            self._inside.discard(run_id)

    def take(self, event: str, args: tuple[Any, ...], run_id: UUID) -> None:
        if event == "on_tool_start":
            self._tools[run_id] = args[0]["name"]
        payload = "" if event == "on_tool_start" else repr(args[0])
        self.events.append((run_id, event, self._tools.get(run_id, "unknown"), payload))
        if self.listener.event == event and self.listener.does in ("raises", "insists"):
            raise Boom(event)

    @property
    def told(self) -> list[tuple[str, str, str]]:
        return [told for _, *told in self.events]  # type: ignore[misc]

    def runs(self) -> dict[UUID, list[str]]:
        runs: dict[UUID, list[str]] = defaultdict(list)
        for run_id, event, *_ in self.events:
            runs[run_id].append(event)
        return runs


def handler_of(trace: Trace) -> Any:
    listener = trace.listener

    def method(event: str) -> Callable[..., Any]:
        def heard(self: Any, *args: Any, run_id: UUID, **kwargs: Any) -> None:
            with trace.entered(event, run_id):
                trace.take(event, args, run_id)

        async def async_heard(self: Any, *args: Any, run_id: UUID, **kwargs: Any) -> None:
            suspends = listener.event == event and listener.does == "suspends"
            with trace.entered(event, run_id):
                if suspends and listener.mode != "run_inline":  # an inline handler is not shielded from a cancel
                    await asyncio.sleep(0)
                trace.take(event, args, run_id)
                if suspends:
                    await asyncio.sleep(0)

        return async_heard if listener.is_async else heard

    attributes: dict[str, Any] = {event: method(event) for event in EVENTS}
    attributes["raise_error"] = listener.does == "insists"
    if listener.mode != "plain":
        attributes[listener.mode] = True
    return type("Listening", (AsyncCallbackHandler if listener.is_async else BaseCallbackHandler,), attributes)()


class Tree:
    """The tools of a tree; counts the bodies that run, since a cancel does not stop one that is in a thread."""

    def __init__(self, root: Node, *, may_gather: bool) -> None:
        self.bodies = 0
        self._lock = threading.Lock()
        self._may_gather = may_gather
        self.tool = self._tool(root, "root")

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        with self._lock:
            self.bodies += 1
        try:
            yield
        finally:
            with self._lock:
                self.bodies -= 1

    def _tool(self, node: Node, name: str) -> Any:
        children = [self._tool(child, f"{name}.{number}") for number, child in enumerate(node.children)]

        def body() -> str:
            with self._running():
                for number in range(node.texts):
                    self._run().on_text(f"{name} {number}")
                for child in children:
                    with contextlib.suppress(Boom):
                        child.invoke({})
                return outcome()

        async def async_body() -> str:
            with self._running():
                for number in range(node.texts):
                    await self._run().on_text(f"{name} {number}")
                for _ in range(node.pauses):
                    await asyncio.sleep(0)
                if node.at_once and self._may_gather:
                    await asyncio.gather(*(child.ainvoke({}) for child in children), return_exceptions=True)
                else:
                    for child in children:
                        with contextlib.suppress(Boom):
                            await child.ainvoke({})
                return outcome()

        def outcome() -> str:
            if node.fails:
                raise Boom(name)
            return f"{name} is done"

        bodies = {"func": body} if node.only_sync else {"func": body, "coroutine": async_body}
        return StructuredTool.from_function(**bodies, name=name, description="A tool of the tree.")

    @staticmethod
    def _run() -> Any:
        run = current_run()
        assert run is not None
        return run

    async def at_rest(self) -> None:
        """Wait until no body runs any more, and every handler has had what it was given."""
        while self.bodies:
            await asyncio.sleep(0.001)
        await flush()


def assert_lawful(traces: list[Trace]) -> None:
    for trace in traces:
        assert trace.overlaps == []
        for events in trace.runs().values():
            assert events[0] == "on_tool_start", events
            assert events.count("on_tool_start") == 1, events
            assert [event for event in events if event in TERMINAL] == events[-1:], events


@contextlib.contextmanager
def noting_boom(outcomes: list[str]) -> Iterator[None]:
    try:
        yield
    except Boom as error:
        outcomes.append(repr(error))


def lawful(examples: int) -> Callable[[Any], Any]:
    """Settings of a law; the driver is the same for all examples and keeps nothing between them."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@lawful(60)
@given(root=nodes, cast=casts)
def test_the_sync_trace_is_the_async_trace(async_driver: Any, root: Node, cast: list[Listener]) -> None:
    sync_traces, async_traces = ([Trace(listener) for listener in cast] for _ in range(2))
    outcomes: list[str] = []

    with noting_boom(outcomes):
        outcomes.append(
            Tree(root, may_gather=False).tool.invoke({}, {"callbacks": [handler_of(trace) for trace in sync_traces]})
        )
    flush_sync()

    async def scenario() -> None:
        tree = Tree(root, may_gather=False)
        with noting_boom(outcomes):
            outcomes.append(await tree.tool.ainvoke({}, {"callbacks": [handler_of(trace) for trace in async_traces]}))
        await tree.at_rest()

    async_driver.run(scenario())
    assert_lawful(sync_traces + async_traces)
    assert outcomes[0] == outcomes[1]
    for in_sync, in_async in zip(sync_traces, async_traces, strict=True):
        assert in_sync.told == in_async.told


@lawful(150)
@given(root=nodes, cast=casts, cancels=st.lists(moments, min_size=1, max_size=3))
def test_a_cancelled_tree_tells_every_end_once(
    async_driver: Any, root: Node, cast: list[Listener], cancels: list[int]
) -> None:
    traces = [Trace(listener) for listener in cast]

    async def scenario() -> None:
        tree = Tree(root, may_gather=True)
        task = asyncio.create_task(tree.tool.ainvoke({}, {"callbacks": [handler_of(trace) for trace in traces]}))
        for steps in cancels:
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task])
        await tree.at_rest()

    async_driver.run(scenario())
    assert_lawful(traces)


@lawful(100)
@given(root=nodes, cast=casts, steps=moments)
def test_a_tree_in_a_cancelled_anyio_scope_tells_every_end_once(
    async_driver: Any, root: Node, cast: list[Listener], steps: int
) -> None:
    traces = [Trace(listener) for listener in cast]

    async def scenario() -> None:
        tree = Tree(root, may_gather=True)

        async def call() -> None:
            with contextlib.suppress(Boom):
                await tree.tool.ainvoke({}, {"callbacks": [handler_of(trace) for trace in traces]})

        async with anyio.create_task_group() as group:
            group.start_soon(call)
            for _ in range(steps):
                await asyncio.sleep(0)
            group.cancel_scope.cancel()
        await tree.at_rest()

    async_driver.run(scenario())
    assert_lawful(traces)
