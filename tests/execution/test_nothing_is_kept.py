"""Promise 10: what a loop keeps for later turns (timers, readers, wake-ups) keeps no run alive."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from toolrun.callbacks import BaseCallbackHandler
from toolrun.callbacks._delivery import Delivery
from toolrun.tools import tool


def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


async def called_from_a_tool(inner: Any) -> None:
    """The loop meets what `inner` needs for the first time in the context of a run."""

    @tool
    async def outer() -> str:
        """Call the inner one."""
        return str(await inner.ainvoke({"text": "a"}))

    assert await outer.ainvoke({}, {"callbacks": [BaseCallbackHandler()]}) == "A"


@pytest.mark.parametrize(
    "options",
    [
        {"engine": "threads"},
        {"engine": "threads", "timeout": 60},
        {"engine": "processes"},
        {"engine": "processes", "timeout": 60},
        {"rate_limit": 0.01},
        {"max_concurrency": 1},
    ],
    ids=str,
)
def test_after_a_call_the_loop_goes_on_without_its_run(async_driver: Any, options: dict[str, Any]) -> None:
    async def scenario() -> list[Delivery]:
        await called_from_a_tool(tool(**options)(shout))
        await asyncio.sleep(0)
        return open_runs()

    before = open_runs()
    assert set(async_driver.run(scenario())) <= set(before)


def open_runs() -> list[Delivery]:
    gc.collect()
    return [thing for thing in gc.get_objects() if isinstance(thing, Delivery)]
