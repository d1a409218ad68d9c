"""From what a caller gives as calls to what a batch runs: requests, or results of what is no call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from typing import Any

from toolrun._ids import now
from toolrun.run import RunStatus
from toolrun.runner._errors import NoCalls
from toolrun.runner.result import CallResult
from toolrun.tools.formats import CallRequest, MalformedCall, read_calls

Item = CallRequest | CallResult
"""What a batch takes: a call, or at once the result of something that could not even be read as one."""


Calls = Iterable[Any] | AsyncIterable[Any]
"""Items, or anything that `toolrun.tools.formats.read_calls` reads: tool calls, messages of a model."""


async def items(calls: Calls) -> AsyncGenerator[Item, None]:
    """The items of a source of any kind; a plain iterable is read on the loop."""
    if isinstance(calls, AsyncIterable):
        async for call in calls:
            for item in items_of(call):
                yield item
    elif isinstance(calls, Mapping | str | bytes) or not isinstance(calls, Iterable):
        raise NoCalls(calls)
    else:
        for call in calls:
            for item in items_of(call):
                yield item


def items_of(call: Any, format: str = "auto", where: str = "") -> list[Item]:
    """What one element of a source asks for: its calls, or the result that says why it could not be read."""
    if isinstance(call, CallRequest | CallResult):
        return [call]
    try:
        return list(read_calls(call, format))
    except MalformedCall as error:
        return [malformed(error, where, _id_in(call))]


def malformed(error: Exception, where: str = "", id: str | int | None = None) -> CallResult:
    """The result of something that is no call; `where` says where it stands, `id` what it calls itself."""
    record = {"type": "MalformedCall", "message": f"{where}{error}"}
    return CallResult(id, None, None, None, RunStatus.ERROR, now(), 0.0, error=record, exception=error).written()


def _id_in(call: Any) -> str | int | None:
    id = call.get("id") if isinstance(call, Mapping) else None
    return id if isinstance(id, str | int) else None
