"""Promises 2 and 4: every handler has every event, in order, and the pool that they need is not the tools'."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

PATIENCE = 5.0


@pytest.mark.defect(11)
def test_a_handler_beside_an_inline_one_hears_the_start_of_a_model(lib: Any, async_driver: Any) -> None:
    beside, inline = lib.async_recorder(), lib.async_recorder(run_inline=True)

    async def scenario() -> None:
        manager = lib.AsyncCallbackManager.configure([inline, beside])
        await manager.on_llm_start({"name": "model"}, ["a prompt"])

    async_driver.run(scenario())
    assert (inline.events, beside.events) == (["on_llm_start"], ["on_llm_start"])


@pytest.mark.defect(12)
def test_a_tool_and_its_handlers_need_no_thread_of_asyncios_default_pool(lib: Any, async_driver: Any) -> None:
    """That pool is everybody's: six threads on a machine of two cores, which name look-ups need too."""
    recorder = lib.recorder()
    release = threading.Event()

    def work() -> str:
        """Works."""
        return "done"

    async def scenario() -> Any:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        blocker = loop.run_in_executor(None, release.wait, PATIENCE)
        try:
            return await asyncio.wait_for(lib.tool(work).ainvoke({}, {"callbacks": [recorder]}), 2)
        finally:
            release.set()
            await blocker

    assert async_driver.run(scenario()) == "done"
    assert recorder.events == ["on_tool_start", "on_tool_end"]


@pytest.mark.defect(12)
def test_blocked_tools_do_not_keep_handlers_waiting(lib: Any, async_driver: Any) -> None:
    release = threading.Event()

    def block() -> str:
        """Holds a thread."""
        release.wait(PATIENCE)
        return "done"

    async def quick() -> str:
        """Holds nothing."""
        return "done"

    async def scenario() -> Any:
        blocked = [asyncio.create_task(lib.tool(block).ainvoke({})) for _ in range(50)]
        await asyncio.sleep(0)
        try:
            return await asyncio.wait_for(lib.tool(quick).ainvoke({}, {"callbacks": [lib.recorder()]}), 2)
        finally:
            release.set()
            await asyncio.gather(*blocked)

    assert async_driver.run(scenario()) == "done"


@pytest.mark.defect(21)
def test_a_background_handler_is_never_called_twice_at_once(lib: Any, async_driver: Any) -> None:
    """So its author needs no lock."""
    inside: set[int] = set()
    met = threading.Event()
    overlaps: list[set[int]] = []

    def react(seen: Any) -> None:
        me = threading.get_ident()
        inside.add(me)
        if len(inside) > 1:
            overlaps.append(set(inside))
            met.set()
        if not overlaps and len(handler.seen) < 4:
            met.wait(0.05)  # long enough for another run's event to arrive, were it let in
        inside.discard(me)

    handler = lib.recorder(react, background=True)

    async def work() -> str:
        """Works."""
        return "done"

    async def scenario() -> None:
        tool = lib.tool(work)
        await asyncio.gather(*(tool.ainvoke({}, {"callbacks": [handler]}) for _ in range(10)))
        if lib.name == "toolrun":
            await lib.flush()

    async_driver.run(scenario())
    assert overlaps == []
    assert len(handler.seen) == 20


@pytest.mark.defect(21)
def test_two_events_of_one_run_never_meet_in_a_handler(lib: Any, async_driver: Any) -> None:
    inside: list[str] = []
    overlaps: list[list[str]] = []
    met = threading.Event()

    def react(seen: Any) -> None:
        inside.append(seen.event)
        if len(inside) > 1:
            overlaps.append(list(inside))
            met.set()
        met.wait(0.05)
        inside.pop()

    async def scenario() -> None:
        run = await lib.AsyncCallbackManager.configure([lib.recorder(react)]).on_tool_start({"name": "work"}, "")
        await asyncio.gather(run.on_text("one"), run.on_text("two"))
        await run.on_tool_end("done")

    async_driver.run(scenario())
    assert overlaps == []
