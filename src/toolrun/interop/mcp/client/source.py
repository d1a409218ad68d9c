"""`mcp_tools`: an MCP server as a source of tools."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType

from toolrun.interop.mcp.client._connection import LOOP
from toolrun.interop.mcp.client._link import Link
from toolrun.interop.mcp.client._remote import remote_tool
from toolrun.interop.mcp.client.address import address_of
from toolrun.tools import BaseTool

DEADLINE = 60.0


class McpTools:
    """The tools of a server while the `with` or `async with` lasts. They can be called from any loop, and from none."""

    def __init__(self, link: Link, prefix: str) -> None:
        self._link, self._prefix = link, prefix

    def __enter__(self) -> list[BaseTool]:
        return LOOP.run(self._tools())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        LOOP.run(self._link.close())

    async def __aenter__(self) -> list[BaseTool]:
        return await asyncio.wrap_future(LOOP.submit(self._tools()))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.wrap_future(LOOP.submit(self._link.close()))

    async def _tools(self) -> list[BaseTool]:
        try:
            return [remote_tool(self._link, declared, self._prefix) for declared in await self._link.tools()]
        except BaseException:
            await self._link.close()
            raise


def mcp_tools(
    server: str | Sequence[str],
    *,
    prefix: str = "",
    deadline: float = DEADLINE,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> McpTools:
    """Connect to an MCP server, to be entered by `with` or `async with`; that gives its tools.

    `server` is a URL, or the command line that starts it, as text or in words. It gets of our environment what any
    program needs, and `env`. `headers` go with each request to a URL. `prefix` comes before the tools' names.
    `deadline` is the seconds in which the server must answer a request, or tell of progress. A server that is lost is
    connected, or started, again by the next call.
    """
    if not deadline > 0:
        raise ValueError(f"deadline is a number of seconds above 0, not {deadline!r}")
    return McpTools(Link(address_of(server, env, cwd, headers), deadline), prefix)
