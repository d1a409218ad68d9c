"""What can go wrong with an MCP server whose tools we call. Each is the outcome of one call, or of connecting."""

from __future__ import annotations

from toolrun.errors import ToolrunError
from toolrun.run import RunStatus
from toolrun.tools import ToolException


class McpError(ToolrunError):
    """The base of all that goes wrong with an MCP server; `server` is what it was reached by."""

    server: str


class InvalidAddress(McpError, ValueError):
    """Something that is to name an MCP server names none."""

    def __init__(self, server: str, problem: str) -> None:
        self.server, self.problem = server, problem
        super().__init__(f"mcp:{server}: {problem}. Give a command line, or a URL that begins with http.")


class ServerUnavailable(McpError, ConnectionError):
    """The server cannot be started or reached, or does not speak MCP."""

    def __init__(self, server: str, reason: str) -> None:
        self.server, self.reason = server, reason
        super().__init__(f"The MCP server {server!r} is not to be had: {reason}.")


class ServerLost(McpError, ConnectionError):
    """The server went away while it had a request to answer. Whether it did what was asked is not known."""

    run_status = RunStatus.CRASHED

    def __init__(self, server: str, asked: str, reason: str) -> None:
        self.server, self.asked, self.reason = server, asked, reason
        super().__init__(f"The MCP server {server!r} was lost before it answered {asked}: {reason}.")


class ServerTimeout(McpError, TimeoutError):
    """The server neither answered a request in time nor told of progress."""

    run_status = RunStatus.TIMEOUT

    def __init__(self, server: str, asked: str, seconds: float, note: str = "") -> None:
        self.server, self.asked, self.seconds, self.note = server, asked, seconds, note
        because = f"; {note}" if note else ""
        super().__init__(f"The MCP server {server!r} did not answer {asked} within {seconds:g} s{because}.")


class ServerRefused(McpError):
    """The server answered a request with an error of the protocol."""

    def __init__(self, server: str, asked: str, code: int, said: str) -> None:
        self.server, self.asked, self.code, self.said = server, asked, code, said
        super().__init__(f"The MCP server {server!r} refused {asked}: {said} ({code})")


class MalformedAnswer(McpError, ValueError):
    """The server's answer is not what the protocol, or the tool's own schema, says."""

    def __init__(self, server: str, asked: str, problem: str) -> None:
        self.server, self.asked, self.problem = server, asked, problem
        super().__init__(f"The MCP server {server!r} answered {asked} with something malformed: {problem}")


class RemoteToolError(McpError, ToolException):
    """The tool failed on its server, which says so in words for a model. `handle_tool_error` may answer it."""

    def __init__(self, server: str, tool: str, said: str) -> None:
        self.server, self.tool, self.said = server, tool, said
        super().__init__(said)


class UnusableSchema(McpError, TypeError):
    """The server declares a tool by a schema that is none, so it cannot be called. Its other tools can."""

    def __init__(self, server: str, tool: str, problem: str) -> None:
        self.server, self.tool, self.problem = server, tool, problem
        super().__init__(f"The MCP server {server!r} declares {tool!r} by what is no schema: {problem}")
