"""Waiting until every background lane is empty."""

from __future__ import annotations

import asyncio
import atexit
from concurrent.futures import Future, wait

from toolrun.callbacks._handed_over import HANDED_OVER
from toolrun.callbacks._lane import open_lanes

AT_EXIT_SECONDS = 5.0
"""How long the end of the process waits for the lanes."""


def flush_sync(timeout: float | None = None) -> bool:
    """Wait until what the background handlers were given so far is handled; False if `timeout` seconds passed first.

    Do not call it in an event loop's thread: it would hold the loop. There, `await toolrun.flush()`.
    """
    return not wait(_outstanding(), timeout).not_done


async def flush(timeout: float | None = None) -> bool:  # noqa: ASYNC109 - what is left undone stays queued
    """Wait until what the background handlers were given so far is handled; False if `timeout` seconds passed first."""
    outstanding = [asyncio.wrap_future(future) for future in _outstanding()]
    if not outstanding:
        return True
    _, pending = await asyncio.wait(outstanding, timeout=timeout)
    return not pending


def _outstanding() -> list[Future[None]]:
    return [*HANDED_OVER, *(lane.passed() for lane in open_lanes())]


atexit.register(flush_sync, AT_EXIT_SECONDS)
