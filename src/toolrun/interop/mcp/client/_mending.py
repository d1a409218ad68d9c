"""A list of tools, mended: the SDK refuses the whole list for one tool whose schema is none.

Such a tool stays in the list, under its name and with a note that says what is wrong with it; what has no name
is left out.
"""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any, Self

from mcp.client._transport import ReadStream, TransportStreams
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCResponse
from mcp_types.methods import validate_server_result
from mcp_types.version import LATEST_HANDSHAKE_VERSION
from pydantic import ValidationError

from toolrun.interop.mcp.client._transport import Transport

UNUSABLE = "toolrun/unusable"
"""Where the note stands in the `_meta` of a tool."""

logger = logging.getLogger(__name__)

Item = SessionMessage | Exception


class Mended:
    """A transport whose lists of tools can be read."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def __aenter__(self) -> TransportStreams:
        received, sent = await self._transport.__aenter__()
        return MendedStream(received), sent

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._transport.__aexit__(kind, error, trace)


class MendedStream:
    """What is received, mended."""

    def __init__(self, stream: ReadStream[Item]) -> None:
        self._stream = stream

    @property
    def last_context(self) -> Any:
        """The context of who sent the item, where the stream keeps it."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> Item:
        return _mended(await self._stream.receive())

    async def aclose(self) -> None:
        await self._stream.aclose()

    def close(self) -> None:
        self._stream.close()  # type: ignore[attr-defined]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        return _mended(await self._stream.__anext__())

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, trace)


def _mended(item: Item) -> Item:
    if isinstance(item, SessionMessage) and isinstance(item.message, JSONRPCResponse):
        tools = item.message.result.get("tools")
        if isinstance(tools, list):
            item.message.result["tools"] = [entry for entry in map(_usable, tools) if entry is not None]
    return item


def _usable(entry: Any) -> Any:
    """The entry of a tool, or one in its place, or None."""
    try:
        validate_server_result("tools/list", LATEST_HANDSHAKE_VERSION, {"tools": [entry]})
    except ValidationError as error:
        [first, *_] = error.errors()
        problem = f"{'.'.join(map(str, first['loc'][2:]))}: {first['msg']}"
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str):
            note = {UNUSABLE: problem}
            return {"name": name, "description": f"Unusable: {problem}", "inputSchema": _NOTHING, "_meta": note}
        logger.warning("a tool without a name is left out: %r", entry)
        return None
    return entry


_NOTHING = {"type": "object"}
