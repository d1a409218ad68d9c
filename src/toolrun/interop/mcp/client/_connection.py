"""One conversation with a server, from the handshake to the end.

It is held by a task of its own, for the SDK's scopes must be left by the task that entered them, and calls come from
many. Everything here runs on the loop of `LOOP`, where no code of users does: so a tool that blocks keeps no
server waiting, and tools of a server can be called from any loop, and from none.
"""

from __future__ import annotations

import asyncio
import logging
from importlib.metadata import version as release_of

from mcp import Client
from mcp_types import Implementation, LoggingMessageNotificationParams

from toolrun._background_loop import BackgroundLoop
from toolrun.interop.mcp.client._mending import Mended
from toolrun.interop.mcp.client._transport import transport_to
from toolrun.interop.mcp.client.address import Address
from toolrun.interop.mcp.errors import ServerUnavailable

LOOP = BackgroundLoop("toolrun-mcp-loop")

TO_EXPLAIN = 1.0
"""Seconds in which a server that is gone can still become one whose end is known."""

logger = logging.getLogger(__name__)


class Connection:
    """A server that is connected, or was."""

    def __init__(self, address: Address, those_held: set[Connection]) -> None:
        """It is among `those_held` until it has ended, with its server if that is ours."""
        self.client: Client
        self._address = address
        self._transport = transport_to(address)
        self._stop = asyncio.Event()
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._holder = asyncio.create_task(self._hold())
        self._failure: Exception | None = None
        those_held.add(self)
        self._holder.add_done_callback(lambda _: those_held.discard(self))

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent, as far as is known."""
        return not (self._holder.done() or self._stop.is_set() or self._transport.ended.is_set())

    async def opened(self, seconds: float) -> None:
        """Wait for the handshake; `ServerUnavailable` if it fails, or is not done in time."""
        await asyncio.wait({self._opened, self._holder}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self._opened.done():
            return
        if self._holder.done():
            raise ServerUnavailable(str(self._address), await self.end())
        account = self._transport.account()
        self._holder.cancel()
        silence = f"it did not answer the handshake within {seconds:g} s"
        raise ServerUnavailable(str(self._address), f"{silence}; {account}" if account else silence)

    async def close(self) -> None:
        """End the conversation; the server is stopped, if it is ours."""
        self._stop.set()
        await asyncio.wait({self._holder})

    def leave(self) -> None:
        """End the conversation, and do not wait."""
        self._stop.set()

    def account(self) -> str:
        """What could explain the server's silence."""
        return self._transport.account()

    async def end(self) -> str:
        """How the conversation ended, in words."""
        await asyncio.wait({self._holder}, timeout=TO_EXPLAIN)
        return self._transport.account() or _described(self._failure) or "it closed the connection"

    async def _hold(self) -> None:
        try:
            async with self._new_client() as self.client:
                self._opened.set_result(None)
                await self._ended()
        except Exception as error:
            self._failure = error
            logger.debug("the connection to %s failed", self._address, exc_info=True)

    def _new_client(self) -> Client:
        return Client(
            Mended(self._transport),
            cache=None,
            client_info=Implementation(name="toolrun", version=release_of("toolrun")),
            logging_callback=self._log,
            log_level="info",
        )

    async def _ended(self) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._stop, self._transport.ended)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def _log(self, params: LoggingMessageNotificationParams) -> None:
        """What the server logs goes to our own log."""
        logger.log(_LEVELS[params.level], "%s: %s", params.logger or self._address, params.data)


_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "alert": logging.CRITICAL,
    "emergency": logging.CRITICAL,
}


def _described(failure: Exception | None) -> str:
    """The first error of a group, or the error itself, in words."""
    while isinstance(failure, ExceptionGroup):
        failure = failure.exceptions[0]
    if isinstance(failure, FileNotFoundError | PermissionError):
        return f"{failure.filename}: {failure.strerror}"
    return "" if failure is None else str(failure) or type(failure).__name__
