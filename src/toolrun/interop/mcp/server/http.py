"""MCP over streamable HTTP, at `/mcp`.

Whatever a browser shows could send requests to a server on this machine, under a name that leads here (DNS
rebinding). So the Host of a request must be one that the server is known by, and its Origin, if it has one, too.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import uvicorn
from mcp.server import Server
from mcp.server.streamable_http import EventStore
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route

from toolrun.errors import ToolrunError
from toolrun.interop.mcp.server._replay import Replay

PATH = "/mcp"
MOST_SESSIONS = 1000
RETRY_MS = 1000
"""What clients are told to wait before they ask for what they missed."""

TO_END = 3
"""Seconds that requests have to end when the server does."""

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class CannotListen(ToolrunError, OSError):
    """The server cannot be reached where it was to be."""

    def __init__(self, address: str, problem: str) -> None:
        self.address, self.problem = address, problem
        super().__init__(f"{address}: {problem}.")


class Endpoint(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    @classmethod
    def of(cls, text: str) -> Endpoint:
        """From HOST:PORT; an IPv6 address is put into brackets."""
        host, colon, port = text.rpartition(":")
        if not colon or not host or not port.isdecimal() or int(port) > 65535:
            raise CannotListen(text, "not HOST:PORT, such as 127.0.0.1:8000")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def bound(self) -> socket.socket:
        """A socket that listens there."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            return socket.create_server((self.host, self.port), family=family)
        except OSError as error:
            raise CannotListen(str(self), str(error.strerror).partition(" (while")[0]) from None


async def serve_http(
    server: Server[Any],
    endpoint: Endpoint,
    *,
    allow_hosts: Sequence[str] = (),
    allow_origins: Sequence[str] = (),
    when_ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve clients until the process is told to end. `when_ready` is given the URL, with the port that it became."""
    app = http_app(server, endpoint.host, allow_hosts=allow_hosts, allow_origins=allow_origins)
    with endpoint.bound() as listening:
        when_ready(f"http://{Endpoint(endpoint.host, listening.getsockname()[1])}{PATH}")
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=TO_END)
        await uvicorn.Server(config).serve(sockets=[listening])


def http_app(
    server: Server[Any], host: str, *, allow_hosts: Sequence[str] = (), allow_origins: Sequence[str] = ()
) -> Starlette:
    """The server as an ASGI app, which answers to the names of the loopback, to `host` and to `allow_hosts`."""
    names = [*LOOPBACK, f"[{host}]" if ":" in host else host, *allow_hosts]
    security = TransportSecuritySettings(
        allowed_hosts=[form for name in names for form in (name, f"{name}:*")],
        allowed_origins=[
            *(f"{scheme}://{form}" for scheme in ("http", "https") for name in names for form in (name, f"{name}:*")),
            *allow_origins,
        ],
    )
    manager = _Manager(server, retry_interval=RETRY_MS, security_settings=security, max_sessions=MOST_SESSIONS)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    return Starlette(routes=[Route(PATH, endpoint=StreamableHTTPASGIApp(manager))], lifespan=lifespan)


class _Manager(StreamableHTTPSessionManager):
    """Gives each session an event store of its own, where the SDK has one for all."""

    @property
    def event_store(self) -> EventStore:
        """A new one: it is asked for when a session begins."""
        return Replay()

    @event_store.setter
    def event_store(self, shared: EventStore | None) -> None:
        pass
