"""Waiting that a cancel postpones but does not end.

A task that is cancelled while it waits asks the future to cancel. One that refuses makes the task keep the cancel until
the future is done, and only then is `CancelledError` raised where the task waits: nothing has to be waited for twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any


class Uncancellable(asyncio.Future[Any]):
    """A future that no cancel of a task that waits for it can end."""

    def cancel(self, msg: Any | None = None) -> bool:
        """Refuse."""
        return False


async def settle(futures: Sequence[asyncio.Future[Any]]) -> asyncio.CancelledError | None:
    """Wait until all futures are done, without cancelling them, however often the caller is cancelled.

    Returns the cancel, for the caller to raise when it has done what cannot be left undone.
    """
    only = futures[0]
    end = only if len(futures) == 1 and isinstance(only, Uncancellable) else _when_all_are_done(futures)
    try:
        if not end.done():
            await end
    except asyncio.CancelledError as cancelled:
        return cancelled
    return None


def _when_all_are_done(futures: Sequence[asyncio.Future[Any]]) -> Uncancellable:
    end = Uncancellable(loop=futures[0].get_loop())
    left = len(futures)

    def count(_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            end.set_result(None)

    for future in futures:
        future.add_done_callback(count)
    return end
