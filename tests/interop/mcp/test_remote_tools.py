"""The tools of an MCP server are tools of ours, to be called from anywhere."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult
from pydantic import ValidationError
from tests.conftest import AsyncDriver, SyncDriver

from toolrun import AsyncCallbackHandler, BaseCallbackHandler, BaseTool, ToolMessage, ToolTimeout
from toolrun.interop.mcp import InvalidAddress, RemoteToolError, mcp_server, mcp_tools

FAKE = Path(__file__).with_name("fake_server.py")
ANYTHING = {"type": "object"}

Connect = Callable[..., dict[str, BaseTool]]
Driver = SyncDriver | AsyncDriver


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Starts a server of these tools, and gives them by name."""
    with ExitStack() as stack:

        def connected(*declared: Any, **options: Any) -> dict[str, BaseTool]:
            listed = [each if isinstance(each, dict) else {"name": each, "inputSchema": ANYTHING} for each in declared]
            command = [sys.executable, str(FAKE), json.dumps(listed)]
            return {tool.name: tool for tool in stack.enter_context(mcp_tools(command, **options))}

        yield connected


@pytest.fixture(scope="module")
def say() -> Iterator[BaseTool]:
    """The tool of a server that several tests share."""
    with mcp_tools([sys.executable, str(FAKE), json.dumps([{"name": "say", "inputSchema": ANYTHING}])]) as [tool]:
        yield tool


def result(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"content": list(blocks), **more}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


# --- what there is ---


def test_tools_of_all_pages_are_listed_as_the_server_declares_them(connect: Connect) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    declared = {
        "name": "lookup",
        "title": "Look up",
        "description": "Find a city.",
        "inputSchema": schema,
        "outputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": True, "idempotentHint": False},
    }
    tools = connect(declared, "plain")
    assert list(tools) == ["lookup", "plain"]
    lookup, plain = tools.values()
    assert (lookup.description, lookup.args_schema) == ("Find a city.", schema)
    assert lookup.extras == {"mcp": {k: declared[k] for k in ("title", "outputSchema", "annotations")}}
    assert (lookup.idempotent, plain.idempotent) == (False, True)
    assert plain.description == "Calls plain."


def test_a_prefix_comes_before_our_names_and_not_before_theirs(connect: Connect, driver: Driver) -> None:
    [tool] = connect("say", prefix="fake_").values()
    assert tool.name == "fake_say"
    assert driver.invoke(tool, {"result": result(text("hello"))}) == "hello"


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (result(text("hello")), "hello"),
        (result(), None),
        (result(text("a"), text("b")), [text("a"), text("b")]),
        (result(text('{"x": 1}'), structuredContent={"x": 1}), {"x": 1}),
        (result(structuredContent={"x": 1}), {"x": 1}),
        (
            result(text("see"), {"type": "image", "data": "AA==", "mimeType": "image/png"}, structuredContent={"x": 1}),
            [text("see"), {"type": "image", "data": "AA==", "mimeType": "image/png"}],
        ),
    ],
)
def test_a_result_comes_to_a_value_and_is_there_as_it_came(
    answer: Any, value: Any, say: BaseTool, driver: Driver
) -> None:
    assert driver.invoke(say, {"result": answer}) == value
    message = driver.invoke(say, {"name": "say", "args": {"result": answer}, "id": "1", "type": "tool_call"})
    assert isinstance(message, ToolMessage)
    assert isinstance(message.artifact, CallToolResult)
    assert message.artifact.structured_content == answer.get("structuredContent")


def test_arguments_are_checked_here(connect: Connect, driver: Driver) -> None:
    schema = {"type": "object", "properties": {"do": {"const": "stall"}}, "additionalProperties": False}
    [tool] = connect({"name": "say", "inputSchema": schema}).values()
    with pytest.raises(ValidationError, match="stall"):
        driver.invoke(tool, {"do": "die"})


def test_any_name_will_do_for_an_argument(say: BaseTool, driver: Driver) -> None:
    arguments = dict.fromkeys(["self", "config", "run_manager", "callbacks", "arguments", "not a name"], 1)
    assert driver.invoke(say, {**arguments, "result": result(text("hello"))}) == "hello"


def test_what_the_tool_says_of_its_failure_is_raised_or_answered(say: BaseTool, driver: Driver) -> None:
    failed = {"result": result(text("no such city"), text("try Bern"), isError=True)}
    with pytest.raises(RemoteToolError, match="no such city\ntry Bern"):
        driver.invoke(say, failed)
    assert driver.invoke(say.with_options(handle_tool_error=True), failed) == "no such city\ntry Bern"


def test_progress_of_the_server_is_progress_of_the_run(say: BaseTool, driver: Driver) -> None:
    told: list[Any] = []

    class Listener(BaseCallbackHandler):
        def on_tool_progress(self, *args: Any, **kwargs: Any) -> None:
            told.append(args)

    config: Any = {"callbacks": [Listener()]}
    assert driver.invoke(say, {"do": "steps", "steps": 2, "pause": 0}, config) == "done"
    assert told == [(1, 3, "step 1"), (2, 3, "step 2")]


# --- cancelling ---


def cancelled(tool: BaseTool) -> list[Any]:
    """The requests that the server was told to cancel; asked until there is one."""
    while not (ids := json.loads(tool.invoke({"do": "cancelled"}))):
        pass
    return list(ids)


def test_a_cancelled_run_cancels_its_request(connect: Connect, async_driver: AsyncDriver) -> None:
    [tool] = connect("say").values()

    class Listener(AsyncCallbackHandler):
        async def on_tool_progress(self, *args: Any, **kwargs: Any) -> None:
            call.cancel()

    async def cancel() -> None:
        nonlocal call
        call = asyncio.ensure_future(tool.ainvoke({"do": "begin"}, {"callbacks": [Listener()]}))
        with pytest.raises(asyncio.CancelledError):
            await call

    call: asyncio.Future[Any]
    async_driver.run(cancel())
    assert len(cancelled(tool)) == 1


def test_a_run_that_times_out_cancels_its_request(connect: Connect, driver: Driver) -> None:
    [tool] = connect("say").values()
    with pytest.raises(ToolTimeout):
        driver.invoke(tool.with_options(timeout=0.05), {"do": "stall"})
    assert len(cancelled(tool)) == 1


# --- where from ---


def test_one_connection_serves_all_loops_and_threads(connect: Connect) -> None:
    [tool] = connect("say").values()
    say = {"result": result(text("hello"))}

    async def everywhere() -> list[Any]:
        here = [tool.ainvoke(say) for _ in range(5)]
        return await asyncio.gather(*here, *(asyncio.to_thread(tool.invoke, say) for _ in range(5)))

    for _ in range(2):
        assert asyncio.run(everywhere()) == ["hello"] * 10
    assert tool.batch([say] * 5) == ["hello"] * 5


def test_a_forked_child_has_a_connection_of_its_own(tmp_path: Path) -> None:
    listed = json.dumps([{"name": "say", "inputSchema": ANYTHING}])
    program = tmp_path / "program.py"
    program.write_text(
        dedent(f"""
        import os, warnings
        from toolrun.interop.mcp import mcp_tools

        warnings.simplefilter("ignore")  # Python's own, of forking with threads
        with mcp_tools([{sys.executable!r}, {str(FAKE)!r}, {listed!r}]) as [tool]:
            say = {{"result": {{"content": [{{"type": "text", "text": "hello"}}]}}}}
            tool.invoke(say)
            child = os.fork()
            print(tool.invoke(say), flush=True)
            if not child:
                os._exit(0)
            os.waitpid(child, 0)
        """)
    )
    ended = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("hello\nhello\n", "")


def test_async_with_is_the_same(async_driver: AsyncDriver) -> None:
    async def connected() -> Any:
        command = [sys.executable, str(FAKE), json.dumps([{"name": "say", "inputSchema": ANYTHING}])]
        async with mcp_tools(command) as [tool]:
            return await tool.ainvoke({"result": result(text("hello"))})

    assert async_driver.run(connected()) == "hello"


def test_tools_of_a_server_can_be_served_again_with_all_that_they_are(connect: Connect) -> None:
    declared = {"name": "say", "title": "Say it", "inputSchema": ANYTHING, "outputSchema": {"type": "object"}}
    answer = result(text("x is 1"), structuredContent={"x": 1}, _meta={"from": "afar"})

    async def twice_removed() -> None:
        async with Client(mcp_server(list(connect(declared).values())), mode="legacy") as client:
            [entry] = (await client.list_tools()).tools
            assert (entry.title, entry.output_schema) == ("Say it", {"type": "object"})
            result = await client.call_tool("say", {"result": answer})
            assert result.model_dump(by_alias=True, exclude_none=True, include={"structured_content", "meta"}) == {
                "structuredContent": {"x": 1},
                "_meta": {"from": "afar"},
            }

    asyncio.run(twice_removed())


def test_a_server_gets_no_secrets_of_our_environment_but_what_it_is_given(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_SECRET", "x")
    monkeypatch.setenv("SSL_CERT_FILE", "/certificates")
    [tool] = connect("say", env={"TOKEN": "given"}).values()
    environment = json.loads(tool.invoke({"do": "environment"}))
    assert "OUR_SECRET" not in environment
    assert (environment["TOKEN"], environment["SSL_CERT_FILE"]) == ("given", "/certificates")


def test_a_command_line_may_begin_with_variables_as_in_a_shell() -> None:
    listed = json.dumps([{"name": "say", "inputSchema": ANYTHING}])
    with mcp_tools(f"TOKEN=given '{sys.executable}' '{FAKE}' '{listed}'") as [tool]:
        assert json.loads(tool.invoke({"do": "environment"}))["TOKEN"] == "given"


@pytest.mark.parametrize("deadline", [0, -1, float("nan")])
def test_a_deadline_is_above_zero(deadline: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        mcp_tools("npx server", deadline=deadline)


@pytest.mark.parametrize("server", ["", "TOKEN=x", "npx 'server", []])
def test_what_names_no_server_is_refused_at_once(server: Any) -> None:
    with pytest.raises(InvalidAddress, match="command line, or a URL"):
        mcp_tools(server)
