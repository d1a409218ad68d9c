"""The same hundred tool runs, sync and async: who waits, how long, and does the event loop stay free?

    python examples/sync_and_async.py

Read together with docs/sync-and-async.md.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from toolrun.callbacks import AsyncCallbackManager, BaseCallbackHandler, CallbackManager
from toolrun.tools import StructuredTool, tool

RUNS = 100
WAIT = 0.02  # seconds that each run waits for its "server"


def fetch(page: int) -> str:
    """Fetches a page; blocks its thread meanwhile."""
    time.sleep(WAIT)
    return f"page {page}"


async def fetch_async(page: int) -> str:
    """Fetches a page; lets the loop do other things meanwhile."""
    await asyncio.sleep(WAIT)
    return f"page {page}"


both_ways = StructuredTool.from_function(func=fetch, coroutine=fetch_async, name="fetch")
only_blocking = tool("fetch_blocking")(fetch)


class Counter(BaseCallbackHandler):
    """A plain sync handler; it works under both managers."""

    def __init__(self) -> None:
        self.ended = 0

    def on_tool_end(self, output: Any, **kwargs: Any) -> None:
        self.ended += 1


class Heartbeat:
    """Beats every millisecond while the event loop is free, and remembers its longest pause."""

    def __init__(self) -> None:
        self.beats = 0
        self.longest_pause = 0.0

    async def beat(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.beats += 1
            self.longest_pause = max(self.longest_pause, now - last)
            last = now


def one_after_another() -> Counter:
    """CallbackManager: `invoke` returns when the tool and its handlers are done, and only then comes the next."""
    counter = Counter()
    manager = CallbackManager.configure([counter])
    for page in range(RUNS):
        both_ways.invoke({"page": page}, {"callbacks": manager})
    return counter


async def all_at_once(tool: Any) -> Counter:
    """AsyncCallbackManager: a hundred runs wait at the same time."""
    counter = Counter()
    manager = AsyncCallbackManager.configure([counter])
    await asyncio.gather(*(tool.ainvoke({"page": page}, {"callbacks": manager}) for page in range(RUNS)))
    return counter


async def sync_inside_a_loop() -> Counter:
    """The mistake to avoid: `invoke` in a coroutine blocks its tool, and so the loop and everybody on it."""
    return one_after_another()


def show(label: str, seconds: float, counter: Counter, heart: Heartbeat | None) -> None:
    beats = "no loop" if heart is None else f"{heart.beats:4} beats, longest pause {heart.longest_pause * 1e3:6.0f} ms"
    print(f"{label:52} {seconds:5.2f} s   {counter.ended} runs seen   {beats}")


async def show_beside_heartbeat(label: str, work: Callable[[], Awaitable[Counter]]) -> None:
    heart = Heartbeat()
    beating = asyncio.create_task(heart.beat())
    await asyncio.sleep(0.002)
    started = time.perf_counter()
    counter = await work()
    seconds = time.perf_counter() - started
    await asyncio.sleep(0.002)
    beating.cancel()
    show(label, seconds, counter, heart)


async def main() -> None:
    await show_beside_heartbeat("AsyncCallbackManager, async tool, at once", lambda: all_at_once(both_ways))
    await show_beside_heartbeat(
        "AsyncCallbackManager, sync tool in threads, at once", lambda: all_at_once(only_blocking)
    )
    await show_beside_heartbeat("CallbackManager inside the loop (do not)", sync_inside_a_loop)


if __name__ == "__main__":
    started = time.perf_counter()
    counter = one_after_another()
    show("CallbackManager, one after another", time.perf_counter() - started, counter, None)
    asyncio.run(main())
