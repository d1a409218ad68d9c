"""MCP over standard input and output: one JSON message a line.

The SDK drives the conversation. The lines themselves are read and written here, without a buffer: a thread that is
blocked in a buffered read holds a lock that the interpreter wants at exit. A line may be as long as `LONGEST_LINE`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import anyio
from mcp.server import Server
from mcp.server.stdio import stdio_server

from toolrun._offload import HANDLER_POOL

LONGEST_LINE = 1 << 24
"""Bytes. A client that sends more without ending the line is left."""

CHUNK = 1 << 16


@contextmanager
def standard_streams() -> Iterator[tuple[int, int]]:
    """Descriptors of standard input and output, for messages alone.

    Whoever else reads there finds nothing, and what others print goes to standard error: tools, C code, worker
    processes and what they start.
    """
    kept = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.stdout.flush()
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield kept
    finally:
        for descriptor, copy in enumerate(kept):
            os.dup2(copy, descriptor)
            os.close(copy)


async def serve_streams(server: Server[Any], reads: int, writes: int) -> None:
    """Serve one client, by these descriptors, until it leaves."""
    source, target = LineSource(reads), LineTarget(writes)
    async with stdio_server(source, target) as (received, sent):  # type: ignore[arg-type]  # all that it uses is there
        await server.run(received, sent, server.create_initialization_options())


class LineSource:
    """The lines of a descriptor, read off the loop."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def __aiter__(self) -> AsyncIterator[str]:
        begun: list[bytes] = []  # pieces of a line that has no end yet
        while chunk := await HANDLER_POOL.run_in_thread(os.read, self._descriptor, CHUNK):
            *ends, rest = chunk.split(b"\n")
            for end in ends:
                line = b"".join((*begun, end))
                begun.clear()
                if line.strip():
                    yield line.decode(errors="replace")
            begun.append(rest)
            if sum(map(len, begun)) > LONGEST_LINE:
                return


class LineTarget:
    """A descriptor to write to, off the loop: a client that does not read makes nobody wait but its own calls."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def write(self, text: str) -> None:
        """Write it whole."""
        try:
            await HANDLER_POOL.run_in_thread(self._write, text.encode(errors="replace"))
        except OSError:
            raise anyio.ClosedResourceError from None  # the client is gone, which is no fault of anybody

    async def flush(self) -> None:
        """Nothing is held back."""

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
