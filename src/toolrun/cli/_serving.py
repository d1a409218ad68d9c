"""What `toolrun mcp serve` does."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click

from toolrun.cli._errors import Unusable
from toolrun.cli._load import load
from toolrun.cli._policy import runner_of
from toolrun.cli._recording import recording
from toolrun.errors import ToolrunError
from toolrun.execution.approval import ask_at_terminal

if TYPE_CHECKING:
    from mcp.server import Server


def serve_over_standard_streams(spec: str, name: str | None, store: str | None, policy: dict[str, Any]) -> None:
    """Serve the tools to one client until it leaves, or until Ctrl-C or SIGTERM."""
    with _clearly():
        from toolrun.interop.mcp.server.stdio import serve_streams, standard_streams
    with standard_streams() as streams, _server(spec, name, store, policy) as server:
        asyncio.run(_until_terminated(serve_streams(server, *streams)))


def serve_over_http(
    spec: str,
    name: str | None,
    store: str | None,
    policy: dict[str, Any],
    http: str,
    hosts: Sequence[str],
    origins: Sequence[str],
) -> None:
    """Serve the tools over HTTP until Ctrl-C or SIGTERM."""
    with _clearly(), _server(spec, name, store, policy) as server:
        from toolrun.interop.mcp.server.http import Endpoint, serve_http

        def tell(url: str) -> None:
            click.echo(f"{server.name} is served at {url}", err=True)

        serving = serve_http(server, Endpoint.of(http), allow_hosts=hosts, allow_origins=origins, when_ready=tell)
        asyncio.run(serving)


@contextmanager
def _server(spec: str, name: str | None, store: str | None, policy: dict[str, Any]) -> Iterator[Server[Any]]:
    asks, tools = policy["approve"] == "ask", load(spec)
    with recording(store) as recorder, runner_of(tools, policy, callbacks=[recorder] if recorder else None) as runner:
        with _clearly():
            from toolrun.interop.mcp import ask_client, mcp_server

            server = mcp_server(runner, name=name or spec)
        if asks:
            ask_at_terminal(ask_client)  # the terminal, if there is one, is the client's
        yield server


@contextmanager
def _clearly() -> Iterator[None]:
    try:
        yield
    except ToolrunError as error:
        raise Unusable(str(error)) from None


async def _until_terminated(serving: Awaitable[None]) -> None:
    """Serve to the end; on SIGTERM cancel what runs, so that each run gets its terminal event."""
    task = asyncio.ensure_future(serving)
    loop = asyncio.get_running_loop()
    terminated = False

    def terminate() -> None:
        nonlocal terminated
        terminated = task.cancel()

    with suppress(NotImplementedError):  # Windows
        loop.add_signal_handler(signal.SIGTERM, terminate)
    try:
        await task
    except asyncio.CancelledError:
        if not terminated:
            raise
        sys.exit(128 + signal.SIGTERM)
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGTERM)
