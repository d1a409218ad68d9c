"""The link to one server: connected when it is needed, and again when it was lost."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from mcp import Client
from mcp_types import CallToolResult, ListToolsResult, Tool

from toolrun.interop.mcp.client._connection import Connection
from toolrun.interop.mcp.client._request import Ask, Forgotten, Lost, OnProgress, Request
from toolrun.interop.mcp.client.address import Address
from toolrun.interop.mcp.errors import MalformedAnswer, ServerLost, ServerUnavailable

T = TypeVar("T")

TO_CONNECT = 60.0
"""Seconds for starting the server, which `npx` may have to fetch first, and for the handshake."""

PAUSE = 1.0
"""Seconds after a failure to connect in which calls fail by it at once, so that a thousand calls start no thousand
servers that cannot start."""

MOST_PAGES = 1000


class Link:
    """A server, as far as its callers are concerned. All methods run on the loop of connections."""

    def __init__(self, address: Address, deadline: float) -> None:
        self.name = str(address)
        self._address, self._deadline = address, deadline
        self._connecting: asyncio.Task[Connection] | None = None
        self._connections: set[Connection] = set()
        self._failed_at = 0.0
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def tools(self) -> list[Tool]:
        """All tools of the server, from all pages."""
        found: list[Tool] = []
        cursor: str | None = None

        async def ask(client: Client, request: Request) -> ListToolsResult:
            return await client.list_tools(cursor=cursor)

        for _ in range(MOST_PAGES):
            page = await self._ask("tools/list", ask)
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return found
        raise MalformedAnswer(self.name, "tools/list", f"more than {MOST_PAGES} pages of tools")

    async def call(self, tool: str, arguments: dict[str, Any], on_progress: OnProgress | None = None) -> CallToolResult:
        """The server's result of one call."""

        async def ask(client: Client, request: Request) -> CallToolResult:
            return await client.call_tool(tool, arguments, progress_callback=request.progress)

        return await self._ask(f"tools/call {tool}", ask, on_progress)

    async def close(self) -> None:
        """End the conversation for good."""
        self._is_closed = True
        await asyncio.gather(*(connection.close() for connection in self._connections))

    async def _ask(self, asked: str, ask: Ask[T], on_progress: OnProgress | None = None) -> T:
        request = Request(self.name, asked, self._deadline, on_progress)
        connection = await self._connection()
        try:
            return await request.answer(connection, ask)
        except Forgotten:
            connection.leave()
        except Lost as lost:
            raise await self._lost(connection, asked, str(lost)) from None
        connection = await self._connection()
        try:
            return await request.answer(connection, ask)
        except (Forgotten, Lost) as lost:
            raise await self._lost(connection, asked, str(lost)) from None

    async def _lost(self, connection: Connection, asked: str, reason: str) -> ServerLost:
        if not reason:  # it is the connection that is gone, not the answer alone
            connection.leave()
            reason = await connection.end()
        return ServerLost(self.name, asked, reason)

    async def _connection(self) -> Connection:
        """The connection there is, or a new one, shared by all who wait for it."""
        if self._is_closed:
            raise ServerUnavailable(self.name, "the connection was closed on our side")
        loop = asyncio.get_running_loop()
        if self._loop is not loop:  # in a forked child: the connections are its parent's
            self._loop, self._connecting, self._connections = loop, None, set()
        if self._connecting is None or self._is_over(self._connecting):
            self._connecting = asyncio.create_task(self._connect())
        try:
            return await asyncio.shield(self._connecting)
        except ServerUnavailable as error:  # one for each who waits: raising lengthens an exception's traceback
            raise ServerUnavailable(error.server, error.reason) from None

    def _is_over(self, connecting: asyncio.Task[Connection]) -> bool:
        if not connecting.done():
            return False
        if connecting.exception() is not None:
            return asyncio.get_running_loop().time() - self._failed_at > PAUSE
        return not connecting.result().is_open

    async def _connect(self) -> Connection:
        connection = Connection(self._address, self._connections)
        try:
            await connection.opened(TO_CONNECT)
        except ServerUnavailable:
            self._failed_at = asyncio.get_running_loop().time()
            raise
        return connection
