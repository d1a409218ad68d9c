"""What `flush` waits for: events that were handed over, also those that a handler answered with an error."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from toolrun import flush
from toolrun.callbacks import AsyncCallbackHandler, CallbackManager


class Insisting(AsyncCallbackHandler):
    """Raises what it meets, and wants it raised."""

    raise_error = True

    async def on_tool_start(self, *args: Any, **kwargs: Any) -> None:
        """Fail, some time later."""
        await asyncio.sleep(0)
        raise LookupError("nobody waits")


def test_an_error_of_an_event_that_nobody_waited_for_is_logged_once_and_flush_goes_on(
    async_driver: Any, caplog: pytest.LogCaptureFixture
) -> None:
    unretrieved: list[dict[str, Any]] = []

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unretrieved.append(context))
        CallbackManager([Insisting()]).on_tool_start({}, "")
        assert await flush(timeout=10)
        gc.collect()

    async_driver.run(scenario())
    assert unretrieved == []
    assert [record.message for record in caplog.records if "nobody waited for" in record.message] == [
        "a handler failed for an event that nobody waited for: LookupError('nobody waits')"
    ]
