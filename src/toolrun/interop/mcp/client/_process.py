"""A server in a process of its own, which speaks on its standard streams: one JSON message a line.

Written here, and not taken from the SDK, for the sake of servers that do what they should not: a line without an
end is cut off at `LONGEST_LINE`, what is no message is counted and shown, and what the server said on standard error,
and how it ended, are told when it is lost.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from types import TracebackType

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from toolrun.interop.mcp.client.address import Command

LONGEST_LINE = 1 << 26
"""Bytes. A server that sends more without ending the line is stopped."""

GRACE = 2.0
"""Seconds that a server has to end by itself, then to end when asked to."""

TO_TELL = 0.5
"""Seconds that a server that says no more has to end, so that its end can be told."""

OF_THE_NETWORK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("LANG", "LC_ALL", "TMPDIR"),
)
"""What a server gets of our environment beside what the SDK gives it: without them `npx` finds no registry."""

_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
_SHOWN, _POLL = 400, 0.01

logger = logging.getLogger(__name__)


class ServerProcess:
    """Starts the server and stops it, with whatever it started."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.ended = asyncio.Event()
        self._process: Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._malformed = 0
        self._first_malformed = b""
        self._is_endless = False
        self._last_words = b""

    async def __aenter__(self) -> TransportStreams:
        self._process = process = await asyncio.create_subprocess_exec(
            *self.command.argv,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=_environment() | dict(self.command.env),
            cwd=self.command.cwd,
            limit=LONGEST_LINE,
            start_new_session=True,
        )
        to_session, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        sent, from_session = anyio.create_memory_object_stream[SessionMessage](0)
        work = (self._read(process, to_session), self._write(process, from_session), self._listen(process))
        self._tasks += map(asyncio.create_task, work)
        return received, sent

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        if not await _ends_within(GRACE, process):
            _signal(process, signal.SIGTERM)
            await _ends_within(GRACE, process)
        _signal(process, _KILL)  # also what it left behind
        await _ends_within(GRACE, process)
        await asyncio.wait(self._tasks, timeout=TO_TELL)  # for its last words
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        process._transport.close()  # type: ignore[attr-defined]  # pipes that somebody still holds would stay

    def account(self) -> str:
        """How it ended, what was wrong with its lines, and its last words."""
        return "; ".join(filter(None, (self._flaw(), self._end(), self._said())))

    def _flaw(self) -> str:
        if self._is_endless:
            return f"it sent more than {LONGEST_LINE >> 20} MiB without ending the line"
        if not self._malformed:
            return ""
        shown = self._first_malformed[:80].decode(errors="replace")
        return f"{self._malformed} of its lines were no MCP, the first was {shown!r}"

    def _end(self) -> str:
        status = self._process.returncode if self._process else None
        if status is None:
            return ""
        return f"it was ended by signal {-status}" if status < 0 else f"it ended with status {status}"

    def _said(self) -> str:
        said = self._last_words.decode(errors="replace").strip()
        return f"its last words: {said[-_SHOWN:]}" if said and self.ended.is_set() else ""

    async def _read(self, process: Process, to_session: ObjectSendStream[SessionMessage | Exception]) -> None:
        assert process.stdout is not None
        try:
            async with to_session:
                while line := await process.stdout.readline():
                    if (message := self._message(line)) is not None:
                        await to_session.send(message)
        except ValueError:  # the line is too long
            self._is_endless = True
            _signal(process, _KILL)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
            pass
        finally:
            await _ends_within(TO_TELL, process)
            await asyncio.wait({self._tasks[-1]}, timeout=TO_TELL)
            self.ended.set()

    def _message(self, line: bytes) -> SessionMessage | None:
        if not line.strip():
            return None
        try:
            return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValueError:
            if not self._malformed:
                self._first_malformed = line
                logger.warning("%s: a line that is no MCP: %r", self.command, line[:_SHOWN])
            self._malformed += 1
            return None

    async def _write(self, process: Process, from_session: ObjectReceiveStream[SessionMessage]) -> None:
        assert process.stdin is not None
        with suppress(ConnectionError):
            async with from_session:
                async for each in from_session:
                    text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                    process.stdin.write(text.encode(errors="replace") + b"\n")
                    await process.stdin.drain()

    async def _listen(self, process: Process) -> None:
        assert process.stderr is not None
        while chunk := await process.stderr.read(1 << 12):
            self._last_words = (self._last_words + chunk)[-(1 << 12) :]
            logger.debug("%s says: %s", self.command, chunk.decode(errors="replace").rstrip())


def _environment() -> dict[str, str]:
    return get_default_environment() | {name: os.environ[name] for name in OF_THE_NETWORK if name in os.environ}


async def _ends_within(seconds: float, process: Process) -> bool:
    """Whether the process ends in time. Its pipes may live on in others, so that only its status tells."""
    for _ in range(round(seconds / _POLL)):
        if process.returncode is not None:
            return True
        await asyncio.sleep(_POLL)
    return False


def _signal(process: Process, number: signal.Signals) -> None:
    """To the process and all that it started; on Windows to the process alone."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.kill()
