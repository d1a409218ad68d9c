"""What a server keeps for each connection: its tools, and which log messages it wants."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from mcp.server.connection import Connection as SDKConnection
from mcp_types import LoggingLevel
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from toolrun.interop.mcp.server._declared import Declared
from toolrun.interop.mcp.server._news import USUAL
from toolrun.interop.mcp.server.request import Request
from toolrun.runner import ToolRunner, UnknownTool
from toolrun.runner.sessions import Sessions
from toolrun.runner.toolbox import Toolbox

_KEY = "toolrun"


class Connection:
    """One client, for as long as it is connected.

    Where the tools come from a factory, each client has its own, made at its first request.
    """

    def __init__(self, sessions: Sessions, session: str | None, tools: Mapping[str, Declared] | None) -> None:
        """`tools` are those that all clients share, if there are such."""
        self.session = session
        self.level: LoggingLevel = USUAL
        self._sessions, self._tools = sessions, tools

    async def tools(self) -> Mapping[str, Declared]:
        """The connection's tools by name; `SessionFailed` if they cannot be made."""
        if self._tools is None:
            self._tools = _declared(await self._sessions.tools_of(self.session))
        return self._tools

    async def tool(self, name: str) -> Declared:
        """One of them; `UnknownTool` if there is none of the name."""
        tools = await self.tools()
        if name not in tools:
            raise UnknownTool(name, tools)
        return tools[name]

    @property
    def home(self) -> Hashable | None:
        """What worker processes know the connection's tools by; None if they live here."""
        return self._sessions.home_of(self.session)

    def close(self) -> None:
        """The client is gone."""
        self._sessions.close()


class Connections:
    """Finds the connection that a request came by.

    The protocol knows none since 2026-07-28, where each request stands for itself: those share one.
    """

    def __init__(self, runner: ToolRunner) -> None:
        """What is wrong with a tool is found here, unless tools come from a factory."""
        self._runner = runner
        self._shared = None if runner._shared is None else _declared(runner._shared)
        self._common = self._new(None)

    def of(self, request: Request) -> Connection:
        """The connection that the request came by."""
        if request.protocol_version in MODERN_PROTOCOL_VERSIONS:
            return self._common
        theirs: SDKConnection = request.session._connection  # the SDK has no public way to it yet
        if _KEY not in theirs.state:
            connection = theirs.state[_KEY] = self._new(theirs.session_id)
            theirs.exit_stack.callback(connection.close)
        found: Connection = theirs.state[_KEY]
        return found

    def close(self) -> None:
        """The server ends."""
        self._common.close()

    def _new(self, session: str | None) -> Connection:
        runner, policy = self._runner, self._runner._policy
        in_workers = policy is not None and policy.engine == "processes"
        return Connection(Sessions(runner._shared, runner._factory, in_workers=in_workers), session, self._shared)


def _declared(tools: Toolbox) -> dict[str, Declared]:
    """The tools of a toolbox as clients see them; raises what is wrong with one of them."""
    return {name: Declared(tool) for name, tool in tools.items()}


def attributes_of(request: Request) -> dict[str, Any]:
    """What OpenTelemetry's conventions call these facts of a request; they go with the run as metadata."""
    named = {
        "mcp.method.name": request.method,
        "mcp.protocol.version": request.protocol_version,
        "mcp.session.id": request.request.headers.get("mcp-session-id") if request.request is not None else None,
        "jsonrpc.request.id": None if request.request_id is None else str(request.request_id),
        "network.transport": "pipe" if request.request is None else "tcp",
    }
    return {name: value for name, value in named.items() if value is not None}
