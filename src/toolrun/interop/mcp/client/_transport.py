"""What carries messages to a server and back.

The streams are for the SDK; `ended` and `account` are for us, for of a server that died, or that says what is no
MCP, the SDK tells nothing but that it is gone or silent.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from mcp.client._transport import TransportStreams

from toolrun.interop.mcp.client.address import Address, Command


class Transport(AbstractAsyncContextManager[TransportStreams], Protocol):
    """One connection, once."""

    ended: asyncio.Event
    """Set when the other side is gone."""

    def account(self) -> str:
        """What is known of the other side that could explain its silence or its end; empty if nothing is."""


def transport_to(address: Address) -> Transport:
    """A way to the server."""
    if isinstance(address, Command):
        from toolrun.interop.mcp.client._process import ServerProcess

        return ServerProcess(address)
    from toolrun.interop.mcp.client._http import HttpServer

    return HttpServer(address)
