"""One request: its deadline, and what goes wrong with it in words of ours.

The deadline starts anew with each progress that the server tells. When it is over the caller has its error at once;
the SDK tells the server behind its back, which may take a while if the server does not listen either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED, INVALID_REQUEST, PARSE_ERROR
from pydantic import ValidationError

from toolrun.interop.mcp.client._connection import Connection
from toolrun.interop.mcp.client._http import NETWORK
from toolrun.interop.mcp.errors import MalformedAnswer, ServerRefused, ServerTimeout

T = TypeVar("T")
Ask = Callable[[Client, "Request"], Coroutine[Any, Any, T]]
OnProgress = Callable[[float, float | None, str | None], None]

_left_behind: set[asyncio.Task[Any]] = set()


class Lost(Exception):
    """The connection is gone, and with it the answer."""


class Forgotten(Exception):
    """The server no longer knows the conversation, and has done nothing with the request."""


class Request:
    """One request to a server."""

    def __init__(self, server: str, asked: str, seconds: float, on_progress: OnProgress | None = None) -> None:
        self._server, self._asked, self._seconds = server, asked, seconds
        self._on_progress = on_progress
        self._heard = 0.0

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """The server tells how far it is."""
        self._heard = asyncio.get_running_loop().time()
        if self._on_progress is not None:
            self._on_progress(progress, total, message)

    async def answer(self, connection: Connection, ask: Ask[T]) -> T:
        """Ask by this connection, and wait for the answer."""
        asking = asyncio.create_task(ask(connection.client, self))
        try:
            await self._wait_for(asking, connection)
        finally:
            if not asking.done():
                _leave_behind(asking)
        try:
            return asking.result()
        except MCPError as error:
            raise self._translated(error) from None
        except (ValidationError, RuntimeError) as error:  # the SDK's word for what breaks the tool's own schema
            raise MalformedAnswer(self._server, self._asked, _first_line(error)) from None

    async def _wait_for(self, asking: asyncio.Task[Any], connection: Connection) -> None:
        now = asyncio.get_running_loop().time
        self._heard = now()
        while not asking.done():
            left = self._heard + self._seconds - now()
            if left <= 0:
                raise ServerTimeout(self._server, self._asked, self._seconds, connection.account())
            await asyncio.wait({asking}, timeout=left)

    def _translated(self, error: MCPError) -> Exception:
        if error.code == CONNECTION_CLOSED and (error.data == NETWORK or error.message == "Connection closed"):
            return Lost(error.message if error.data == NETWORK else "")
        if error.code == INVALID_REQUEST and error.message == "Session terminated":
            return Forgotten()
        if error.code == PARSE_ERROR and error.message.startswith("Failed to parse"):  # the SDK says so, not the server
            return MalformedAnswer(self._server, self._asked, error.message.partition(": ")[2].partition("\n")[0])
        return ServerRefused(self._server, self._asked, error.code, error.message)


def _leave_behind(asking: asyncio.Task[Any]) -> None:
    _left_behind.add(asking)  # the loop knows its tasks only weakly
    asking.add_done_callback(_forget)
    asking.cancel()


def _forget(asked: asyncio.Task[Any]) -> None:
    _left_behind.discard(asked)
    if not asked.cancelled():
        asked.exception()  # whatever it was, nobody waits for it


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        [first, *_] = error.errors()
        return f"{'.'.join(map(str, first['loc'])) or 'the result'}: {first['msg']}"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
