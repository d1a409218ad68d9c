"""What names an MCP server: a command line to start it with, or the URL at which it is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from toolrun.interop.mcp.errors import InvalidAddress

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True, slots=True)
class Command:
    """A program that speaks MCP on its standard streams."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """Beside what every server gets of our environment: its paths and names, but no secrets."""
    cwd: str | None = None

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass(frozen=True, slots=True)
class Url:
    """A server that speaks MCP over HTTP."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.url


Address = Command | Url


def address_of(
    server: str | Sequence[str],
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Address:
    """The address that is meant by a URL, or by a command line as a shell has it: `TOKEN=x npx -y server`."""
    if isinstance(server, str) and server.startswith(("http://", "https://")):
        return Url(server, headers or {})
    shown = server if isinstance(server, str) else shlex.join(server)
    try:
        words = shlex.split(server) if isinstance(server, str) else list(server)
    except ValueError as error:
        raise InvalidAddress(shown, str(error)) from None
    own: dict[str, str] = {}
    while isinstance(server, str) and words and _ASSIGNMENT.match(words[0]):
        name, _, value = words.pop(0).partition("=")
        own[name] = value
    if not words:
        raise InvalidAddress(shown, "no command")
    return Command(tuple(words), {**(env or {}), **own}, cwd)
