"""Limits of calls at once."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from tests.tools.policed import both_bodies

from toolrun import tool


@both_bodies
def test_no_more_calls_run_at_once_than_allowed(async_driver: Any, is_async: bool) -> None:
    running = most = 0
    lock = threading.Lock()

    def enter() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)

    def leave() -> None:
        nonlocal running
        with lock:
            running -= 1

    def work(x: int) -> int:
        """Work."""
        enter()
        time.sleep(0.001)
        leave()
        return x

    async def awork(x: int) -> int:
        """Work."""
        enter()
        await asyncio.sleep(0.001)
        leave()
        return x

    limited = tool(awork if is_async else work, max_concurrency=2)

    async def main() -> list[int]:
        return await limited.abatch([{"x": i} for i in range(20)])

    assert async_driver.run(main()) == list(range(20))
    assert limited.batch([{"x": i} for i in range(20)]) == list(range(20))
    assert most == 2


def test_waiting_for_a_slot_does_not_count_for_the_timeout(async_driver: Any) -> None:
    async def work(x: int) -> int:
        """Work."""
        await asyncio.sleep(0.02)
        return x

    limited = tool(work, max_concurrency=1, timeout=0.5)

    async def main() -> Any:
        return await limited.abatch([{"x": i} for i in range(30)])  # 0.6 s for the last one

    assert async_driver.run(main()) == list(range(30))
