"""Promise 6: code on a background loop may block it, by tools of its own or otherwise; handlers have their events."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from toolrun.callbacks import AsyncCallbackHandler, current_run
from toolrun.tools import tool

pytestmark = pytest.mark.timeout(20)


@tool
async def tells() -> str:
    """Only async: called by `invoke`, its body runs on a background loop."""
    run: Any = current_run()
    await run.on_text("told")
    return "done"


@tool(engine="inline")
def calls_inline() -> str:
    """Holds the thread that it is called in until the inner tool is done."""
    return str(tells.invoke({}))


@tool(engine="threads")
def calls_in_a_thread() -> str:
    """The same, one thread further."""
    return str(tells.invoke({}))


@tool(engine="inline")
def calls_through_a_pool() -> str:
    """The same, in a way that nobody can see from outside."""
    with ThreadPoolExecutor(1) as pool:
        return str(pool.submit(tells.invoke, {}, {"callbacks": [Hearing()]}).result())


BLOCKING = [calls_inline, calls_in_a_thread, calls_through_a_pool]


class Hearing(AsyncCallbackHandler):
    """Hears texts; its events of a sync run come on a background loop."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def on_text(self, text: str, **kwargs: Any) -> None:
        """Keep it."""
        self.heard.append(text)


class Calling(AsyncCallbackHandler):
    """An async handler that calls a tool as if it were sync, and so blocks the loop that it runs on."""

    def __init__(self, inner: Any, hearing: Hearing) -> None:
        self.inner, self.hearing, self.results = inner, hearing, list[str]()

    async def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        """Call the tool."""
        self.results.append(self.inner.invoke({}, {"callbacks": [self.hearing]}))


@pytest.mark.parametrize("blocking", BLOCKING, ids=lambda tool: tool.name)
def test_a_body_may_block_the_background_loop(driver: Any, blocking: Any) -> None:
    @tool
    async def outer() -> str:
        """Call the blocking tool from a loop."""
        return str(blocking.invoke({}))

    @tool
    async def outer_awaits() -> str:
        """The same by `ainvoke`: an inline tool holds the loop all the same."""
        return str(await blocking.ainvoke({}))

    hearing = Hearing()
    for each in (outer, outer_awaits):
        assert driver.invoke(each, {}, {"callbacks": [hearing]}) == "done"


@pytest.mark.parametrize("blocking", BLOCKING, ids=lambda tool: tool.name)
def test_a_handler_may_block_the_background_loop(blocking: Any) -> None:
    hearing = Hearing()
    calling = Calling(blocking, hearing)
    assert tells.invoke({}, {"callbacks": [calling]}) == "done"
    assert calling.results == ["done"]
