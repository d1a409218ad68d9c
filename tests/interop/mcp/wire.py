"""Servers in processes of their own: over HTTP, or spoken to line by line, to say what no well-behaved client would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

PROTOCOL = "2025-11-25"


@contextmanager
def served_over_http(tools: Path, *options: str, at: str = "127.0.0.1:0") -> Iterator[str]:
    """`toolrun mcp serve` over HTTP; its URL."""
    command = [sys.executable, "-m", "toolrun", "mcp", "serve", str(tools), "--http", at, *options]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        line = server.stderr.readline()
        if " is served at " not in line:
            raise RuntimeError(f"the server did not start: {line}{server.stderr.read()}")
        yield line.split()[-1]
    finally:
        server.terminate()
        server.communicate()


class Wire:
    """A server in a process of its own, with the handshake done."""

    def __init__(self, *command: str | Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdin
        assert self.process.stdout
        self._stdin, self._stdout = self.process.stdin, self.process.stdout
        self._ids = 0

    def __enter__(self) -> Self:
        client = {"name": "wire", "version": "1"}
        self.ask("initialize", protocolVersion=PROTOCOL, capabilities={}, clientInfo=client)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    def __exit__(self, *exc: object) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def send(self, message: Any) -> None:
        """One message."""
        self.send_bytes(json.dumps(message).encode() + b"\n")

    def send_bytes(self, data: bytes) -> None:
        """Anything at all."""
        self._stdin.write(data)
        self._stdin.flush()

    def request(self, method: str, /, **params: Any) -> int:
        """Ask; the id of the request."""
        self._ids += 1
        self.send({"jsonrpc": "2.0", "id": self._ids, "method": method, "params": params})
        return self._ids

    def read(self) -> Any:
        """The next message; None at the end."""
        line = self._stdout.readline()
        return json.loads(line) if line else None

    def ask(self, method: str, /, **params: Any) -> Any:
        """Ask and wait for the answer: its result, or its error."""
        asked = self.request(method, **params)
        answer = next(message for message in iter(self.read, None) if message.get("id") == asked)
        return answer.get("result", answer.get("error"))

    def call(self, name: str, /, **arguments: Any) -> Any:
        """Call a tool and wait for its result."""
        return self.ask("tools/call", name=name, arguments=arguments)

    def leave(self) -> tuple[int, str]:
        """Close standard input; the exit status and what was said on standard error."""
        _, said = self.process.communicate()
        return self.process.returncode, said.decode()
