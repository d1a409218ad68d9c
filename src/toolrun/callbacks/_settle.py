"""Waiting that a cancel postpones but does not end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any


async def settle(futures: Sequence[asyncio.Future[Any]]) -> asyncio.CancelledError | None:
    """Wait until all futures are done, without cancelling them, however often the caller is cancelled.

    Returns the last cancel, for the caller to raise when it has done what cannot be left undone.
    """
    cancelled: asyncio.CancelledError | None = None
    for future in futures:
        while not future.done():
            waiter = asyncio.get_running_loop().create_future()

            def wake(_: Any, waiter: asyncio.Future[None] = waiter) -> None:
                if not waiter.done():
                    waiter.set_result(None)

            future.add_done_callback(wake)
            try:
                await waiter
            except asyncio.CancelledError as error:
                cancelled = error
            finally:
                future.remove_done_callback(wake)
    return cancelled
