"""Waiting until every background lane is empty."""

from __future__ import annotations

import asyncio
import atexit
from concurrent.futures import wait

from toolrun.callbacks._lane import open_lanes

AT_EXIT_SECONDS = 5.0
"""How long the end of the process waits for the lanes."""


def flush_sync(timeout: float | None = None) -> bool:
    """Wait until what the background handlers were given so far is handled; False if `timeout` seconds passed first.

    Do not call it in an event loop's thread: it would hold the loop. There, `await toolrun.flush()`.
    """
    return not wait([lane.passed() for lane in open_lanes()], timeout).not_done


async def flush(timeout: float | None = None) -> bool:  # noqa: ASYNC109 - what is left undone stays queued
    """Wait until what the background handlers were given so far is handled; False if `timeout` seconds passed first."""
    passed = [asyncio.wrap_future(lane.passed()) for lane in open_lanes()]
    if not passed:
        return True
    _, pending = await asyncio.wait(passed, timeout=timeout)
    return not pending


atexit.register(flush_sync, AT_EXIT_SECONDS)
