"""Promise 6: async handlers live on one loop, and a sync call in a running loop neither freezes nor deadlocks it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

PATIENCE = 5.0


def work() -> str:
    """Works."""
    return "done"


@pytest.mark.defect(7)
def test_a_sync_call_in_a_running_loop_does_not_wait_for_an_async_handler(lib: Any, async_driver: Any) -> None:
    """The handler waits for something that only the caller's loop can bring about: waiting for it would deadlock."""
    happened = threading.Event()
    heard: list[bool] = []
    all_heard = threading.Event()

    async def wait_for_the_caller(seen: Any) -> None:
        heard.append(await asyncio.to_thread(happened.wait, 2))
        if len(heard) == 2:
            all_heard.set()

    async def scenario() -> None:
        lib.tool(work).invoke({}, {"callbacks": [lib.async_recorder(wait_for_the_caller)]})
        happened.set()
        await asyncio.to_thread(all_heard.wait, PATIENCE)

    async_driver.run(scenario())
    assert heard == [True, True]


@pytest.mark.defect(7)
def test_async_handlers_of_an_awaited_sync_tool_run_on_the_callers_loop(lib: Any, async_driver: Any) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def react(seen: Any) -> None:
        loops.append(asyncio.get_running_loop())

    async def scenario() -> asyncio.AbstractEventLoop:
        await lib.tool(work).ainvoke({}, {"callbacks": [lib.async_recorder(react)]})
        return asyncio.get_running_loop()

    loop = async_driver.run(scenario())
    assert loops == [loop, loop]


@pytest.mark.defect(7)
def test_async_handlers_of_sync_runs_keep_one_loop(lib: Any) -> None:
    """So a handler may hold what belongs to a loop: a client session, a lock, a queue."""
    loops: list[asyncio.AbstractEventLoop] = []

    async def react(seen: Any) -> None:
        loops.append(asyncio.get_running_loop())

    handler = lib.async_recorder(react)
    for _ in range(2):
        lib.tool(work).invoke({}, {"callbacks": [handler]})

    assert len(loops) == 4
    assert len(set(loops)) == 1


def test_the_sync_face_of_an_async_run_delivers_on_the_loop_of_the_run(lib: Any, async_driver: Any) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def react(seen: Any) -> None:
        loops.append(asyncio.get_running_loop())

    async def scenario() -> asyncio.AbstractEventLoop:
        manager = lib.AsyncCallbackManager.configure([lib.async_recorder(react)])
        run = await manager.on_tool_start({"name": "work"}, "")
        await asyncio.to_thread(run.get_sync().on_text, "from a thread")
        await run.on_tool_end("done")
        return asyncio.get_running_loop()

    loop = async_driver.run(scenario())
    if lib.name == "toolrun":
        assert loops == [loop] * 3
