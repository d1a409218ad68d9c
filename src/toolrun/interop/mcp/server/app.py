"""The server: answers `tools/list` and `tools/call` with our tools, each call a run with all that belongs to one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version as release_of
from typing import Any

from mcp.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    EmptyResult,
    ListToolsResult,
    PaginatedRequestParams,
    SetLevelRequestParams,
)

from toolrun.callbacks import flush
from toolrun.interop.mcp.server._calling import Calling
from toolrun.interop.mcp.server._connection import Connections
from toolrun.interop.mcp.server._content import Answer, error_answer
from toolrun.interop.mcp.server.request import Request
from toolrun.runner import SessionFailed, ToolRunner, UnknownTool


def mcp_server(
    tools: Any, *, name: str = "toolrun", version: str | None = None, instructions: str | None = None
) -> Server[Any]:
    """The SDK's `Server` with these tools, to be served in any way that the SDK knows.

    `tools` is what a `ToolRunner` takes, or a `ToolRunner`, which says how they run and who hears of it. A factory
    gives each connection its own tools. `version` is by default that of toolrun.
    """
    service = _Service(tools if isinstance(tools, ToolRunner) else ToolRunner(tools))
    server: Server[Any] = Server(
        name,
        version=release_of("toolrun") if version is None else version,
        instructions=instructions,
        on_list_tools=service.list_tools,
        on_call_tool=service.call_tool,
        lifespan=service.lifespan,
    )
    server.add_request_handler("logging/setLevel", SetLevelRequestParams, service.set_level)
    return server


class _Service:
    """What the server answers."""

    def __init__(self, runner: ToolRunner) -> None:
        self._calling = Calling(runner)
        self._connections = Connections(runner)

    @asynccontextmanager
    async def lifespan(self, server: Server[Any]) -> AsyncIterator[dict[str, Any]]:
        """The time in which clients are served; at its end nothing is left to tell."""
        try:
            yield {}
        finally:
            self._connections.close()
            await flush()

    async def list_tools(self, request: Request, params: PaginatedRequestParams | None) -> ListToolsResult:
        """All tools, on one page."""
        tools = await self._connections.of(request).tools()
        return ListToolsResult(tools=[tool.entry for tool in tools.values()])

    async def set_level(self, request: Request, params: SetLevelRequestParams) -> EmptyResult:
        """From now on the connection has log messages from this level on."""
        self._connections.of(request).level = params.level
        return EmptyResult()

    async def call_tool(self, request: Request, params: CallToolRequestParams) -> Answer:
        """Run the tool. Whatever goes wrong with it is an answer, for a model can act on that."""
        connection = self._connections.of(request)
        try:
            tool = await connection.tool(params.name)
        except UnknownTool as error:
            raise MCPError(INVALID_PARAMS, str(error)) from None
        except SessionFailed as error:
            return error_answer(str(error))
        return await self._calling.answer(request, tool, params.arguments or {}, connection)
