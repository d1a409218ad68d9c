"""`toolrun mcp serve --http`, with clients that come by the network."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.server.streamable_http import EventMessage
from mcp.shared.exceptions import MCPError
from mcp_types import JSONRPCNotification
from tests.conftest import AsyncDriver
from tests.interop.mcp.wire import PROTOCOL, served_over_http

from toolrun.interop.mcp import mcp_server
from toolrun.interop.mcp.server import _replay
from toolrun.interop.mcp.server.http import CannotListen, Endpoint, http_app

DESK = '''
    import asyncio
    from pathlib import Path
    from typing import Any
    from toolrun import current_run
    from toolrun.interop.mcp import current_request

    class Desk:
        """Made anew for each session."""

        def __init__(self, session: Any) -> None:
            self.session, self.count = session, 0

        def add(self, number: int) -> int:
            """Add to the count."""
            self.count += number
            return self.count

        async def steps(self) -> str:
            """Tell of progress."""
            for step in range(1, 4):
                await current_run().on_tool_progress(step, 3)
            return "done"

        async def hang(self, file: str) -> str:
            """Hang."""
            await current_run().on_tool_progress(1)
            try:
                await asyncio.Event().wait()
            finally:
                Path(file).touch()

        async def drop(self) -> str:
            """Close the stream of the answer before it is there."""
            await current_request().close_sse_stream()
            return "late"
'''


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("desk") / "desk.py"
    path.write_text(dedent(DESK))
    return path


@pytest.fixture(scope="module")
def url(file: Path) -> Iterator[str]:
    """One server for the tests that do it no harm."""
    with served_over_http(Path(f"{file}:Desk"), "--allow-host", "tools.example.com", "--name", "desk") as url:
        yield url


def talk(driver: AsyncDriver, url: str, revision: str, conversation: Callable[[Client], Any], **options: Any) -> Any:
    async def connected() -> Any:
        async with Client(url, mode=revision, **options) as client:
            return await conversation(client)

    return driver.run(connected())


# --- calls ---


def test_a_client_calls_and_hears_of_progress(url: str, async_driver: AsyncDriver, revision: str) -> None:
    told: list[Any] = []

    async def progress(*args: Any) -> None:
        told.append(args)

    async def conversation(client: Client) -> None:
        await client.list_tools()
        assert client.protocol_version == (PROTOCOL if revision == "legacy" else revision)
        result = await client.call_tool("steps", progress_callback=progress)
        assert result.structured_content is None
        assert told == [(1, 3, None), (2, 3, None), (3, 3, None)]

    talk(async_driver, url, revision, conversation)


def test_each_session_has_tools_of_its_own_and_requests_without_one_share_theirs(
    url: str, async_driver: AsyncDriver
) -> None:
    async def add(client: Client) -> list[Any]:
        await client.list_tools()
        return [(await client.call_tool("add", {"number": 1})).structured_content for _ in range(2)]

    assert talk(async_driver, url, "legacy", add) == [{"result": 1}, {"result": 2}]
    assert talk(async_driver, url, "legacy", add) == [{"result": 1}, {"result": 2}]
    [first, _] = talk(async_driver, url, "2026-07-28", add)
    [third, _] = talk(async_driver, url, "2026-07-28", add)
    assert third["result"] == first["result"] + 2


def test_a_client_that_cancels_stops_its_run(
    url: str, async_driver: AsyncDriver, revision: str, tmp_path: Path
) -> None:
    stopped = tmp_path / "stopped"

    async def conversation(client: Client) -> None:
        await client.list_tools()
        with pytest.raises(MCPError, match="timed out"):
            await client.call_tool("hang", {"file": str(stopped)}, read_timeout_seconds=0.2)
        while not stopped.exists():
            await asyncio.sleep(0.01)

    talk(async_driver, url, revision, conversation)


def test_a_client_whose_stream_breaks_gets_its_answer_when_it_comes_back(url: str, async_driver: AsyncDriver) -> None:
    async def conversation(client: Client) -> str:
        await client.list_tools()
        [block] = (await client.call_tool("drop")).content
        return str(block.text)  # type: ignore[union-attr]

    assert talk(async_driver, url, "legacy", conversation) == "late"


def test_the_end_of_the_server_ends_its_runs(file: Path, tmp_path: Path, async_driver: AsyncDriver) -> None:
    stopped = tmp_path / "stopped"

    async def conversation(client: Client) -> None:
        began = asyncio.Event()

        async def progress(*args: Any) -> None:
            began.set()

        await client.list_tools()
        asyncio.ensure_future(client.call_tool("hang", {"file": str(stopped)}, progress_callback=progress))  # noqa: RUF006
        await began.wait()
        await asyncio.to_thread(ended.__exit__, None, None, None)

    ended = served_over_http(Path(f"{file}:Desk"))
    talk(async_driver, ended.__enter__(), "legacy", conversation)
    assert stopped.exists()


# --- who may come ---

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "browser", "version": "1"}},
}


def status(url: str, **headers: str) -> int:
    accept = {"accept": "application/json, text/event-stream"}
    return httpx2.post(url, json=INITIALIZE, headers={**accept, **headers}).status_code


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"host": "localhost:80", "origin": "http://localhost:3000"}, 200),
        ({"host": "[::1]:80"}, 200),
        ({"host": "tools.example.com", "origin": "https://tools.example.com"}, 200),
        ({"host": "evil.example.com"}, 421),
        ({"host": "localhost.evil.example.com"}, 421),
        ({"origin": "http://evil.example.com"}, 403),
        ({"origin": "null"}, 403),
    ],
)
def test_only_who_knows_the_server_by_its_name_may_come(headers: dict[str, str], expected: int, url: str) -> None:
    assert status(url, **headers) == expected


def test_what_is_no_request_is_refused(url: str) -> None:
    accept = {"accept": "application/json, text/event-stream"}
    as_json = {**accept, "content-type": "application/json"}
    assert httpx2.post(url, content=b"rubbish", headers=as_json).status_code == 400
    assert httpx2.post(url, content=b"rubbish", headers=accept).status_code == 400
    big = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": "x" * (5 << 20)}}
    assert httpx2.post(url, json=big, headers=accept).status_code == 413
    assert httpx2.get(url.replace("/mcp", "/")).status_code == 404


def test_a_server_on_all_addresses_answers_to_the_loopback_alone() -> None:
    app = http_app(mcp_server([status]), "0.0.0.0")

    async def ask(host: str) -> int:
        transport = httpx2.ASGITransport(app)
        async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport) as client:
            accept = {"accept": "application/json, text/event-stream", "host": host}
            return (await client.post("http://any/mcp", json=INITIALIZE, headers=accept)).status_code

    assert asyncio.run(ask("192.168.1.7:8000")) == 421


# --- where it listens ---


@pytest.mark.parametrize("address", ["", "8000", "localhost", "localhost:http", ":8000", "localhost:99999"])
def test_an_address_is_host_and_port(address: str) -> None:
    with pytest.raises(CannotListen, match="not HOST:PORT"):
        Endpoint.of(address)


def test_an_ipv6_address_is_put_into_brackets() -> None:
    assert Endpoint.of("[::1]:8000") == ("::1", 8000)
    assert str(Endpoint.of("[::1]:8000")) == "[::1]:8000"


def test_a_name_that_leads_nowhere_is_said() -> None:
    with pytest.raises(CannotListen, match=r"no-such-host\.invalid:80: "):
        Endpoint.of("no-such-host.invalid:80").bound()


def test_a_port_that_is_taken_makes_the_command_unusable(file: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "toolrun", "mcp", "serve", f"{file}:Desk", "--http", address]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert f"{address}: Address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr


# --- what is kept for those who come back ---


def note(text: str) -> JSONRPCNotification:
    return JSONRPCNotification(jsonrpc="2.0", method=text)


async def kept(replay: _replay.Replay, after: str) -> tuple[str | None, list[str]]:
    sent: list[str] = []

    async def send(event: EventMessage) -> None:
        sent.append(event.message.method)  # type: ignore[union-attr]

    return await replay.replay_events_after(after, send), sent


def test_what_came_after_an_event_on_its_own_stream_is_sent_again(async_driver: AsyncDriver) -> None:
    async def come_back() -> None:
        replay = _replay.Replay()
        start = await replay.store_event("1", None)
        await replay.store_event("1", note("a"))
        await replay.store_event("2", note("other"))
        last = await replay.store_event("1", note("b"))
        assert await kept(replay, start) == ("1", ["a", "b"])
        assert await kept(replay, last) == ("1", [])
        assert await kept(replay, "unknown") == (None, [])

    async_driver.run(come_back())


def test_no_more_events_are_kept_than_there_is_room_for(
    async_driver: AsyncDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_replay, "MOST_EVENTS", 3)
    monkeypatch.setattr(_replay, "MOST_BYTES", 1000)

    async def flood() -> None:
        replay = _replay.Replay()
        first, second, *_ = [await replay.store_event("1", note(str(i))) for i in range(4)]
        assert await kept(replay, first) == (None, [])
        assert await kept(replay, second) == ("1", ["2", "3"])
        big = await replay.store_event("1", note("x" * 2000))
        assert await kept(replay, second) == (None, [])
        assert await kept(replay, big) == ("1", [])

    async_driver.run(flood())
