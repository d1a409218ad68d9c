"""Servers that die, stall, flood, or say what is no MCP: the outcome of one call, or a clear error on connecting."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import AsyncDriver, SyncDriver

from toolrun import BaseCallbackHandler, BaseTool, ToolRunner
from toolrun.interop.mcp import (
    MalformedAnswer,
    McpError,
    ServerLost,
    ServerRefused,
    ServerTimeout,
    ServerUnavailable,
    UnusableSchema,
    mcp_tools,
)
from toolrun.interop.mcp.client import _link, _mail, _process
from toolrun.run import RunStatus

FAKE = Path(__file__).with_name("fake_server.py")
ANYTHING = {"type": "object"}
HELLO = {"result": {"content": [{"type": "text", "text": "hello"}]}}

Driver = SyncDriver | AsyncDriver
Connect = Callable[..., dict[str, BaseTool]]


def command(*declared: Any, folder: Path | None = None) -> list[str]:
    listed = [each if isinstance(each, dict) else {"name": each, "inputSchema": ANYTHING} for each in declared]
    return [sys.executable, str(FAKE), json.dumps(listed), *([] if folder is None else [str(folder)])]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Starts a server of these tools, and gives them by name."""
    with ExitStack() as stack:

        def connected(*declared: Any, folder: Path | None = None, **options: Any) -> dict[str, BaseTool]:
            tools = stack.enter_context(mcp_tools(command(*declared, folder=folder), **options))
            return {tool.name: tool for tool in tools}

        yield connected


@pytest.fixture(scope="module")
def harmless() -> Iterator[dict[str, BaseTool]]:
    """One server for the tests that leave it as it is: a good tool, and those of `ODD`."""
    odd = [{"name": name, **schemas} for name, (schemas, _) in ODD.items()]
    with mcp_tools(command("say", *odd)) as tools:
        yield {tool.name: tool for tool in tools}


ODD: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({}, "inputSchema: Field required"),
    "text": ({"inputSchema": "text"}, "inputSchema: Input should be"),
    "nonsense": ({"inputSchema": {"type": "nonsense"}}, r"inputSchema\.type"),
    "inside": ({"inputSchema": {"type": "object", "properties": {"x": {"minimum": "low"}}}}, "inputSchema: 'low'"),
    "outside": ({"inputSchema": {"type": "object", "$defs": {"x": {"$ref": "http://127.0.0.1/"}}}}, "leads outside"),
    "output": ({"inputSchema": ANYTHING, "outputSchema": {"type": "object", "required": 7}}, r"outputSchema\.required"),
    "output inside": ({"inputSchema": ANYTHING, "outputSchema": {"type": "object", "minProperties": "x"}}, "'x'"),
    "annotations": ({"inputSchema": ANYTHING, "annotations": 7}, "annotations"),
}
"""Tools that are declared by what is no schema, and what is said of each."""


# --- it dies ---


def test_a_server_that_dies_is_the_outcome_of_its_calls_and_is_started_again(connect: Connect, driver: Driver) -> None:
    [tool] = connect("say").values()
    with pytest.raises(ServerLost, match=r"tools/call say.*status 3.*I cannot go on") as caught:
        driver.invoke(tool, {"do": "die"})
    assert caught.value.run_status is RunStatus.CRASHED
    assert driver.invoke(tool, HELLO) == "hello"


def test_all_calls_that_a_server_takes_with_it_get_their_outcome_and_later_ones_theirs(connect: Connect) -> None:
    [tool] = connect("say").values()
    calls = [{"name": "say", "arguments": {"do": "stall"}} for _ in range(20)]
    calls += [{"name": "say", "arguments": {"do": "die"}}]
    for result in ToolRunner([tool]).run_all(calls):
        assert (result.status, result.error["type"]) == ("crashed", "ServerLost")  # type: ignore[index]
    results = ToolRunner([tool]).run_all([{"name": "say", "arguments": HELLO}] * 20)
    assert [result.output for result in results] == ["hello"] * 20


@pytest.mark.parametrize("concurrency", [1, 20])
def test_a_server_that_starts_no_more_is_not_tried_for_each_call(
    concurrency: int, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_link, "PAUSE", 60)
    [tool] = connect("say", folder=tmp_path).values()
    (tmp_path / "broken").touch()
    with pytest.raises(ServerLost):
        tool.invoke({"do": "die"})
    runner = ToolRunner([tool], concurrency=concurrency)
    for result in runner.run_all([{"name": "say", "arguments": HELLO}] * 20):
        assert result.error is not None
        assert result.error["type"] == "ServerUnavailable"
        assert "broken since" in result.error["message"]
    assert len((tmp_path / "starts").read_text().splitlines()) == 2
    (tmp_path / "broken").unlink()
    monkeypatch.setattr(_link, "PAUSE", 0)
    assert tool.invoke(HELLO) == "hello"


# --- it stalls ---


def test_a_call_that_is_not_answered_in_time_ends_alone(connect: Connect, driver: Driver) -> None:
    [tool] = connect("say", deadline=0.1).values()
    with pytest.raises(ServerTimeout, match=r"did not answer tools/call say within 0\.1 s") as caught:
        driver.invoke(tool, {"do": "stall"})
    assert caught.value.run_status is RunStatus.TIMEOUT
    assert driver.invoke(tool.with_options(timeout=30), HELLO) == "hello"


def test_progress_starts_the_deadline_anew(connect: Connect) -> None:
    [tool] = connect("say", deadline=1.0).values()
    assert tool.invoke({"do": "steps", "steps": 8, "pause": 0.2}) == "done"


def test_a_server_that_reads_no_more_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, driver: Driver
) -> None:
    monkeypatch.setattr(_process, "GRACE", 0.1)
    [tool] = connect("say", deadline=0.2).values()
    for arguments in ({"do": "deaf"}, {"much": "x" * 1_000_000}, {"more": 1}):
        with pytest.raises(ServerTimeout):
            driver.invoke(tool, arguments)


# --- it floods ---


def test_a_flood_of_messages_before_the_answer_drowns_nothing(connect: Connect) -> None:
    told: list[float] = []

    class Listener(BaseCallbackHandler):
        def on_tool_progress(self, progress: float, *args: Any, **kwargs: Any) -> None:
            told.append(progress)

    [tool] = connect("say").values()
    assert tool.invoke({"do": "flood", "times": 3_000}, {"callbacks": [Listener()]}) == "done"
    assert told == sorted(told)
    assert told[-1] == 2_999


def test_of_more_progress_than_the_caller_takes_the_oldest_is_left_out(async_driver: AsyncDriver) -> None:
    from concurrent.futures import Future

    told: list[Any] = []

    async def tell(*progress: Any) -> None:
        told.append(progress)

    async def receive() -> str:
        mail, answer = _mail.Mail(), Future[str]()
        for step in range(3 * _mail.BOUND):
            mail.put(step, None, None)
        answer.set_result("done")
        return await mail.until(answer, tell)

    assert async_driver.run(receive()) == "done"
    assert told == [(step, None, None) for step in range(2 * _mail.BOUND, 3 * _mail.BOUND)]


def test_a_line_without_an_end_is_cut_off(connect: Connect, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_process, "LONGEST_LINE", 1 << 20)
    [tool] = connect("say").values()
    with pytest.raises(ServerLost, match="more than 1 MiB without ending the line"):
        driver.invoke(tool, {"do": "endless"})
    assert driver.invoke(tool, HELLO) == "hello"


# --- it says what is no MCP ---


@pytest.mark.parametrize(
    "line", ["rubbish", "{}", "[]", '"text"', "\xff\xfe", "", '{"jsonrpc": "2.0", "id": 99, "result": {}}']
)
def test_a_malformed_line_harms_no_call(line: str, harmless: dict[str, BaseTool], driver: Driver) -> None:
    assert driver.invoke(harmless["say"], {"send": [line], **HELLO}) == "hello"


def test_an_answer_that_cannot_be_read_is_told_with_the_timeout(connect: Connect, driver: Driver) -> None:
    [tool] = connect("say", deadline=0.2).values()
    with pytest.raises(ServerTimeout, match=r"1 of its lines were no MCP, the first was '\{\"jsonrpc"):
        driver.invoke(tool, {"send": ['{"jsonrpc": "2.0", "id": 3, "result"']})


@pytest.mark.parametrize("result", [{"content": "text"}, {"content": [{"type": "film"}]}, {}, {"content": [{}]}])
def test_an_answer_of_another_shape_is_malformed(result: Any, harmless: dict[str, BaseTool], driver: Driver) -> None:
    with pytest.raises(MalformedAnswer, match=r"tools/call say.*content"):
        driver.invoke(harmless["say"], {"result": result})


def test_an_answer_that_breaks_the_tools_own_schema_is_malformed(connect: Connect, driver: Driver) -> None:
    promised = {"type": "object", "required": ["x"]}
    [tool] = connect({"name": "say", "inputSchema": ANYTHING, "outputSchema": promised}).values()
    with pytest.raises(MalformedAnswer, match="'x' is a required property"):
        driver.invoke(tool, {"result": {"content": [], "structuredContent": {}}})
    with pytest.raises(MalformedAnswer, match="did not return structured content"):
        driver.invoke(tool, HELLO)


def test_an_error_of_the_protocol_is_told_with_its_code(harmless: dict[str, BaseTool], driver: Driver) -> None:
    for code in (-32603, -32000):
        with pytest.raises(ServerRefused, match="no disk") as caught:
            driver.invoke(harmless["say"], {"error": {"code": code, "message": "no disk"}})
        assert caught.value.code == code


# --- its schemas are none ---


@pytest.mark.parametrize("name", ODD)
def test_a_tool_with_a_schema_that_is_none_fails_alone(
    name: str, harmless: dict[str, BaseTool], driver: Driver
) -> None:
    assert driver.invoke(harmless["say"], HELLO) == "hello"
    with pytest.raises(UnusableSchema, match=f"{name!r}.*{ODD[name][1]}"):
        driver.invoke(harmless[name], {})


@pytest.mark.parametrize("declared", [{"inputSchema": ANYTHING}, {"name": 7, "inputSchema": ANYTHING}])
def test_a_tool_without_a_name_is_left_out(declared: Any, connect: Connect) -> None:
    assert list(connect(declared, "say")) == ["say"]


def test_a_list_without_an_end_is_an_error_on_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_link, "MOST_PAGES", 3)
    with pytest.raises(MalformedAnswer, match="more than 3 pages"), mcp_tools(command(*"abcd")):
        pass


# --- it cannot be had ---


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ("no-such-command-here", "No such file or directory"),
        (f"{sys.executable} -c 'raise SystemExit(\"out of order\")'", "status 1; its last words: out of order"),
        (f"{sys.executable} -c 'print(\"Welcome\")'", "no MCP, the first was 'Welcome"),
        ("http://127.0.0.1:9/mcp", "ConnectError"),
        ("http://no-such-host.invalid/mcp", "ConnectError"),
        ("http://", "UnsupportedProtocol|Invalid"),
    ],
)
def test_a_server_that_cannot_be_had_is_an_error_that_says_why(server: str, reason: str) -> None:
    with pytest.raises(ServerUnavailable, match=reason), mcp_tools(server):
        pass


def test_a_server_that_does_not_answer_the_handshake_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_link, "TO_CONNECT", 0.2)
    monkeypatch.setattr(_process, "GRACE", 0.1)
    with pytest.raises(ServerUnavailable, match=r"did not answer the handshake within 0\.2 s"):
        with mcp_tools(["sleep", "60"]):
            pass


def test_a_call_after_the_end_is_refused(driver: Driver) -> None:
    with mcp_tools(command("say")) as [tool]:
        assert tool.invoke(HELLO) == "hello"
    with pytest.raises(ServerUnavailable, match="closed on our side"):
        driver.invoke(tool, HELLO)


# --- nothing is left ---


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return not Path(f"/proc/{pid}/stat").exists() or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][1] != "Z"


def test_neither_the_server_nor_what_it_started_is_left() -> None:
    with mcp_tools(command("say")) as [tool]:
        pids = [int(pid) for pid in tool.invoke({"do": "pids"}).split()]
        assert all(map(is_alive, pids))
    while any(map(is_alive, pids)):  # a signal takes its time
        time.sleep(0.01)


def test_a_server_that_will_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_process, "GRACE", 0.1)
    with mcp_tools(command("say")) as [tool]:
        pid = int(tool.invoke({"do": "stubborn"}))
    assert not is_alive(pid)


def test_all_errors_have_one_base() -> None:
    assert all(issubclass(each, McpError) for each in (MalformedAnswer, ServerLost, ServerTimeout, UnusableSchema))
