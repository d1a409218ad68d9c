"""From what a caller gives as calls to what a batch runs: requests, or results of what is no call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from typing import Any

from toolrun._ids import now
from toolrun.run import RunStatus
from toolrun.runner._batch import Item
from toolrun.runner.result import CallResult
from toolrun.tools.formats import CallRequest, MalformedCall, read_calls


async def items(calls: Iterable[Any] | AsyncIterable[Any]) -> AsyncGenerator[Item, None]:
    """The items of a source of any kind; a plain iterable is read on the loop."""
    if isinstance(calls, AsyncIterable):
        async for call in calls:
            for item in items_of(call):
                yield item
    else:
        for call in calls:
            for item in items_of(call):
                yield item


def items_of(call: Any, format: str = "auto", where: str = "") -> list[Item]:
    """What one element of a source asks for: its calls, or the result that says why it could not be read."""
    if isinstance(call, CallRequest):
        return [call]
    try:
        return list(read_calls(call, format))
    except MalformedCall as error:
        return [malformed(error, where)]


def malformed(error: Exception, where: str = "") -> CallResult:
    """The result of something that is no call; `where` says where it stands."""
    record = {"type": "MalformedCall", "message": f"{where}{error}"}
    return CallResult(None, None, None, None, RunStatus.ERROR, now(), 0.0, error=record, exception=error).written()
