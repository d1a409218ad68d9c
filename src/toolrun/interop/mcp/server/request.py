"""The request that a served tool answers, for tools that want more of their client than to be called by it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from mcp.server.context import ServerRequestContext

Request = ServerRequestContext[Any, Any]

_current: ContextVar[Request | None] = ContextVar("toolrun_mcp_request", default=None)

current_request = _current.get
"""The MCP request that the calling tool answers, as the SDK gives it; None where no MCP client called.

Through its `session` a tool can ask the client's user (`elicit_form`) or model (`create_message`), where protocol and
client let it. It does not go along into worker processes.
"""

set_request, forget_request = _current.set, _current.reset
