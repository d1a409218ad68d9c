"""Servers over HTTP that forget, fail, stall or flood: the outcome of one call, while others go on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.conftest import AsyncDriver, SyncDriver
from tests.interop.mcp.wire import PROTOCOL

from toolrun import BaseTool
from toolrun.interop.mcp import MalformedAnswer, McpError, ServerLost, ServerRefused, ServerTimeout, mcp_tools
from toolrun.interop.mcp.client import _http

Driver = SyncDriver | AsyncDriver
HELLO = {"result": {"content": [{"type": "text", "text": "hello"}]}}


class Fake(BaseHTTPRequestHandler):
    """Answers with JSON; what a call does besides is in its arguments."""

    session = "1"
    """The only one that it knows."""
    let_go = threading.Event()
    """Those who wait may go on."""
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known = self.headers.get("mcp-session-id")
        if known is not None and known != type(self).session:
            self.reply(404, b"no such session", "text/plain")
        elif message["method"] == "tools/call":
            self.call(message["id"], message["params"]["arguments"])
        elif "id" not in message:
            self.reply(202, b"", "text/plain")
        else:
            self.answer(message["id"], **self.result_of(message["method"]))

    def do_GET(self) -> None:
        self.reply(405, b"", "text/plain")

    do_DELETE = do_GET

    def result_of(self, method: str) -> dict[str, Any]:
        match method:
            case "initialize":
                info = {"name": "fake", "version": "1"}
                return {"result": {"protocolVersion": PROTOCOL, "capabilities": {"tools": {}}, "serverInfo": info}}
            case "tools/list":
                return {"result": {"tools": [{"name": "say", "inputSchema": {"type": "object"}}]}}
        return {"error": {"code": -32601, "message": "no such method"}}

    def call(self, number: int, arguments: dict[str, Any]) -> None:
        match arguments.get("do"):
            case "wait":
                self.let_go.wait(30)
            case "hang up":
                self.close_connection = True
                return self.connection.close()
            case "half":
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "1000")
                self.end_headers()
                self.wfile.write(b'{"jsonrpc": ')
                self.wfile.flush()
                self.close_connection = True
                return self.connection.close()
            case "status":
                return self.reply(arguments["status"], b"<h1>Sorry</h1>", "text/html")
            case "body":
                return self.reply(200, arguments["body"].encode(), arguments["type"])
        return self.answer(number, **HELLO)

    def answer(self, number: int, **answer: Any) -> None:
        self.reply(200, json.dumps({"jsonrpc": "2.0", "id": number, **answer}).encode(), "application/json")

    def reply(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("mcp-session-id", type(self).session)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def fake() -> Iterator[type[Fake]]:
    """A server of its own kind, to be changed by the test."""
    yield type("Fake", (Fake,), {"let_go": threading.Event()})


@pytest.fixture
def connect(fake: type[Fake]) -> Iterator[Callable[..., BaseTool]]:
    """Connects to it; its one tool."""
    with ExitStack() as stack:
        server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), fake))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        stack.callback(server.shutdown)

        def connected(**options: Any) -> BaseTool:
            [tool] = stack.enter_context(mcp_tools(f"http://127.0.0.1:{server.server_port}/mcp", **options))
            return tool

        yield connected


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"do": "hang up"}, ServerLost, "RemoteProtocolError|ReadError"),
        ({"do": "half"}, MalformedAnswer, "RemoteProtocolError|ReadError"),
        ({"do": "status", "status": 500}, ServerRefused, "error response"),
        ({"do": "status", "status": 302}, McpError, "content type|response"),
        ({"do": "body", "body": "rubbish", "type": "application/json"}, MalformedAnswer, "JSON"),
        ({"do": "body", "body": "[1]", "type": "application/json"}, MalformedAnswer, "valid"),
        ({"do": "body", "body": "<h1>Hi</h1>", "type": "text/html"}, ServerRefused, "content type: text/html"),
        ({"do": "body", "body": "data: rubbish\n\n", "type": "text/event-stream"}, MalformedAnswer, "JSON"),
        ({"do": "body", "body": ": nothing\n\n", "type": "text/event-stream"}, McpError, "ended without a response"),
    ],
)
def test_what_goes_wrong_with_a_request_is_the_outcome_of_its_call_alone(
    arguments: Any, error: Any, said: str, fake: type[Fake], connect: Callable[..., BaseTool], driver: Driver
) -> None:
    tool = connect()
    with ThreadPoolExecutor() as others:
        sibling = others.submit(tool.invoke, {"do": "wait"})
        with pytest.raises(error, match=said):
            driver.invoke(tool, arguments)
        fake.let_go.set()
        assert sibling.result() == "hello"
    assert driver.invoke(tool, {}) == "hello"


def test_a_server_that_has_forgotten_the_session_is_connected_again(
    fake: type[Fake], connect: Callable[..., BaseTool], driver: Driver
) -> None:
    tool = connect()
    for session in ("2", "3"):
        fake.session = session
        assert driver.invoke(tool, {}) == "hello"


def test_a_call_that_is_not_answered_in_time_ends_alone(
    fake: type[Fake], connect: Callable[..., BaseTool], driver: Driver
) -> None:
    tool = connect(deadline=0.2)
    with pytest.raises(ServerTimeout):
        driver.invoke(tool, {"do": "wait"})
    fake.let_go.set()
    assert driver.invoke(tool, {}) == "hello"


def test_an_answer_without_an_end_is_cut_off(
    connect: Callable[..., BaseTool], driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_http, "LONGEST_ANSWER", 1 << 20)
    tool = connect()
    for kind in ("application/json", "text/event-stream"):
        with pytest.raises(McpError, match=r"more than 1 MiB|1048576"):
            driver.invoke(tool, {"do": "body", "body": "x" * (2 << 20), "type": kind})
    assert driver.invoke(tool, {}) == "hello"


def test_headers_go_with_each_request(fake: type[Fake], connect: Callable[..., BaseTool]) -> None:
    seen = set()

    def do_POST(self: Any) -> None:
        seen.add(self.headers.get("authorization"))
        Fake.do_POST(self)

    fake.do_POST = do_POST  # type: ignore[method-assign]
    connect(headers={"Authorization": "Bearer x"}).invoke({})
    assert seen == {"Bearer x"}
