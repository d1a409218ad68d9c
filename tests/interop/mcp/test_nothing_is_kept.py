"""What belongs to a call goes with it, and what belongs to a connection with that."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from tests.conftest import AsyncDriver

from toolrun.interop.mcp import ServerTimeout, mcp_server, mcp_tools
from toolrun.interop.mcp.client import _request
from toolrun.interop.mcp.server._news import News

FAKE = Path(__file__).with_name("fake_server.py")
HELLO = {"result": {"content": []}}


def test_a_server_keeps_nothing_of_calls_that_ended(
    async_driver: AsyncDriver, revision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[News] = []
    init = News.__init__
    monkeypatch.setattr(News, "__init__", lambda news: (made.append(news), init(news))[1])

    def fail() -> str:
        raise LookupError

    async def calls() -> None:
        async with Client(mcp_server([fail]), mode=revision) as client:
            for _ in range(10):
                await client.call_tool("fail")

    async_driver.run(calls())
    assert [news._recipients for news in made] == [{}]


def test_a_source_keeps_nothing_of_calls_and_connections_that_ended() -> None:
    source: Any = mcp_tools(
        [sys.executable, str(FAKE), json.dumps([{"name": "say", "inputSchema": {"type": "object"}}])]
    )
    with source as [tool]:
        for _ in range(3):
            with pytest.raises(ConnectionError):
                tool.invoke({"do": "die"})
            tool.invoke(HELLO)
        assert len(source._link._connections) == 1
        source._link._deadline = 0.05
        with pytest.raises(ServerTimeout):
            tool.invoke({"do": "stall"})
        source._link._deadline = 60
        tool.invoke(HELLO)
    assert not source._link._connections
    assert not _request._left_behind
