"""A server over streamable HTTP.

The SDK gives up a whole connection when one request fails on the network. Here the failure is the answer to that
request, as an error of the protocol, and so the outcome of one call alone; and an answer may have `LONGEST_ANSWER`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

import httpx2
from mcp.client._transport import TransportStreams
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CONNECTION_CLOSED

from toolrun.interop.mcp.client.address import Url

LONGEST_ANSWER = 1 << 26
"""Bytes, in one piece or in one event of a stream."""

NETWORK = "toolrun: network"
"""What such an error of the protocol carries as its data, to be told from one that the server sent."""

_SECONDS_TO_CONNECT = 30.0


class HttpServer:
    """A connection to the server; it is ended by nobody but us."""

    def __init__(self, url: Url) -> None:
        self._url = url
        self.ended = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> TransportStreams:
        async with AsyncExitStack() as stack:
            timeout = httpx2.Timeout(_SECONDS_TO_CONNECT, read=None)  # each request has its own deadline
            client = await stack.enter_async_context(_Client(headers=dict(self._url.headers), timeout=timeout))
            connecting = streamable_http_client(self._url.url, http_client=client, max_sse_event_size=LONGEST_ANSWER)
            streams = await stack.enter_async_context(connecting)
            self._stack = stack.pop_all()
        return streams

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def account(self) -> str:
        """Nothing is known but what each request came to."""
        return ""


class _Client(httpx2.AsyncClient):
    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send the request; what fails on the network is answered by ourselves."""
        try:
            response = await super().send(request, **options)
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            return _failed(request, error)
        if response.headers.get("content-type", "").lower().startswith("application/json"):
            response.stream = _Bounded(response.stream)  # type: ignore[arg-type]
        return response


def _failed(request: httpx2.Request, error: Exception) -> httpx2.Response:
    message = f"{type(error).__name__}: {error}".rstrip(": ")
    said = {"code": CONNECTION_CLOSED, "message": message, "data": NETWORK}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": said}).encode()
    return httpx2.Response(503, headers={"content-type": "application/json"}, content=body, request=request)


class _Bounded(httpx2.AsyncByteStream):
    """A body that is cut off where it gets too long."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        try:
            async for chunk in self._stream:
                length += len(chunk)
                if length > LONGEST_ANSWER:
                    raise httpx2.StreamError(f"an answer of more than {LONGEST_ANSWER >> 20} MiB")
                yield chunk
        except httpx2.TransportError as error:
            raise httpx2.StreamError(f"{type(error).__name__}: {error}") from None

    async def aclose(self) -> None:
        await self._stream.aclose()
