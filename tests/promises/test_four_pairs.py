"""The four pairs of handler and manager, sync and async: the table of `docs/callbacks.md`, as claims.

manager   handler   runs in                          context         the call returns
sync      sync      the caller's thread              the caller's    when it is done
sync      async     the background loop's thread     the run's own   when it is done; inside a loop, at once
async     sync      a thread of the handlers' pool   the run's own   when it is done
async     async     the thread of the run's loop     the run's own   when it is done
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest

EVENTS = ["on_tool_start", "on_text", "on_tool_end"]

mark: ContextVar[str] = ContextVar("mark", default="none")


@dataclass
class Scene:
    """What a run saw of its handler, and the handler of its surroundings."""

    threads: list[str] = field(default_factory=list)
    tasks: list[Any] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    done_at_return: list[list[str]] = field(default_factory=list)
    mark_of_caller: str = ""

    def note(self, seen: Any) -> None:
        self.threads.append(threading.current_thread().name)
        self.marks.append(mark.get())
        mark.set(f"set at {seen.event}")

    def react(self, seen: Any) -> None:
        self.note(seen)
        self.done.append(seen.event)

    async def areact(self, seen: Any) -> None:
        self.note(seen)
        self.tasks.append(asyncio.current_task())
        await asyncio.sleep(0)
        self.done.append(seen.event)


@pytest.fixture
def play(lib: Any, driver: Any, handler_is_async: bool) -> Callable[..., Scene]:
    """Opens a run with one handler, sends a text, ends it."""

    def play(**attributes: Any) -> Scene:
        scene = Scene()
        handler = lib.async_recorder(scene.areact, **attributes)
        if not handler_is_async:
            handler = lib.recorder(scene.react, **attributes)
        if driver.is_async:
            driver.run(_play_async(lib, handler, scene))
        else:
            _play(lib, handler, scene)
        return scene

    return play


def _play(lib: Any, handler: Any, scene: Scene) -> None:
    mark.set("the caller's")
    run = lib.CallbackManager.configure([handler]).on_tool_start({"name": "work"}, "")
    scene.done_at_return.append(list(scene.done))
    run.on_text("a text")
    scene.done_at_return.append(list(scene.done))
    run.on_tool_end("done")
    scene.done_at_return.append(list(scene.done))
    scene.mark_of_caller = mark.get()


async def _play_async(lib: Any, handler: Any, scene: Scene) -> None:
    async def returned(event: Awaitable[Any]) -> Any:
        result = await event
        scene.done_at_return.append(list(scene.done))
        return result

    mark.set("the caller's")
    run = await returned(lib.AsyncCallbackManager.configure([handler]).on_tool_start({"name": "work"}, ""))
    await returned(run.on_text("a text"))
    await returned(run.on_tool_end("done"))
    scene.tasks.append(asyncio.current_task())
    scene.mark_of_caller = mark.get()
    if handler.background:
        await lib.flush()


def test_a_handler_runs_in_its_place(play: Any, driver: Any, handler_is_async: bool) -> None:
    places = set(play().threads)

    if driver.is_async == handler_is_async:
        assert places == {threading.current_thread().name}
    elif handler_is_async:
        assert places == {"toolrun-handler-loop"}
    else:
        assert all(place.startswith("toolrun-handler") for place in places)


def test_a_handler_has_had_the_event_when_the_call_returns(play: Any) -> None:
    assert play().done_at_return == [EVENTS[:1], EVENTS[:2], EVENTS[:3]]


def test_a_handler_keeps_one_context_for_the_run(play: Any) -> None:
    assert play().marks == ["the caller's", "set at on_tool_start", "set at on_text"]


def test_only_a_handler_in_the_callers_thread_shares_the_callers_context(
    play: Any, driver: Any, handler_is_async: bool
) -> None:
    shares = not driver.is_async and not handler_is_async
    assert play().mark_of_caller == ("set at on_tool_end" if shares else "the caller's")


def test_an_inline_handler_runs_where_the_caller_is(lib: Any, async_driver: Any, handler_is_async: bool) -> None:
    scene = Scene()
    handler = lib.recorder(scene.react, run_inline=True)
    if handler_is_async:
        handler = lib.async_recorder(scene.areact, run_inline=True)
    async_driver.run(_play_async(lib, handler, scene))

    assert set(scene.threads) == {threading.current_thread().name}
    assert scene.mark_of_caller == "set at on_tool_end"
    assert len(set(scene.tasks)) == 1


def test_a_background_handler_has_every_event_in_order_after_a_flush(play: Any, lib: Any) -> None:
    scene = play(background=True)
    lib.flush_sync(5)

    assert scene.done == EVENTS
    assert threading.current_thread().name not in scene.threads
    assert scene.marks == ["the caller's", "set at on_tool_start", "set at on_text"]


def test_a_sync_run_in_a_loops_thread_does_not_wait_for_an_async_handler(lib: Any, async_driver: Any) -> None:
    scene = Scene()
    all_heard = threading.Event()

    async def react(seen: Any) -> None:
        await scene.areact(seen)
        if len(scene.done) == len(EVENTS):
            all_heard.set()

    async def scenario() -> bool:
        _play(lib, lib.async_recorder(react), scene)
        return await asyncio.to_thread(all_heard.wait, 5)

    assert async_driver.run(scenario())
    assert scene.done == EVENTS
