"""Calls of an MCP client become runs, and what they come to is its answer; in each revision of the protocol."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ElicitResult, ImageContent, LoggingLevel, TextContent
from tests.conftest import AsyncDriver

from toolrun import BaseCallbackHandler, ToolDenied, ToolException, ToolRunner, current_run, tool
from toolrun.interop.mcp import ask_client, current_request, mcp_server

Conversation = Callable[[Client], Awaitable[Any]]


def talk(driver: AsyncDriver, revision: str, tools: Any, conversation: Conversation, **options: Any) -> Any:
    """Let a client have this conversation with a server of these tools."""

    async def connected() -> Any:
        async with Client(mcp_server(tools), mode=revision, **options) as client:
            return await conversation(client)

    return driver.run(connected())


def called(driver: AsyncDriver, revision: str, tools: Any, name: str, **arguments: Any) -> CallToolResult:
    """The answer to one call."""
    result: CallToolResult = talk(driver, revision, tools, lambda client: client.call_tool(name, arguments))
    return result


def texts(result: CallToolResult) -> list[str]:
    return [block.text for block in result.content if isinstance(block, TextContent)]


class Recorder(BaseCallbackHandler):
    """What a handler of ours sees."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.metadata: dict[str, Any] = {}
        self.ended = threading.Event()

    def on_tool_start(self, *args: Any, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        self.events.append("start")
        self.metadata = metadata or {}

    def on_tool_end(self, *args: Any, **kwargs: Any) -> None:
        self.events.append("end")
        self.ended.set()

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self.events.append(type(error).__name__)
        self.ended.set()


# --- answers ---


def test_an_object_comes_as_structured_content_and_as_text(async_driver: AsyncDriver, revision: str) -> None:
    def lookup(city: str) -> dict[str, Any]:
        return {"city": city, "zip": 3000}

    result = called(async_driver, revision, [lookup], "lookup", city="Bern")
    assert result.structured_content == {"city": "Bern", "zip": 3000}
    assert texts(result) == ['{"city":"Bern","zip":3000}']
    assert not result.is_error


def test_what_is_no_object_comes_in_one(async_driver: AsyncDriver, revision: str) -> None:
    def primes() -> list[int]:
        return [2, 3, 5]

    result = called(async_driver, revision, [primes], "primes")
    assert (result.structured_content, texts(result)) == ({"result": [2, 3, 5]}, ["[2,3,5]"])


def test_text_is_text_and_nothing_is_no_content(async_driver: AsyncDriver, revision: str) -> None:
    def greet() -> str:
        return "hello"

    def nothing() -> None:
        return None

    result = called(async_driver, revision, [greet, nothing], "greet")
    assert (texts(result), result.structured_content) == (["hello"], None)
    assert called(async_driver, revision, [greet, nothing], "nothing").content == []


def test_blocks_of_content_pass_as_they_are(async_driver: AsyncDriver, revision: str) -> None:
    def picture() -> Any:
        return ["look:", {"type": "image", "data": "AAAA", "mimeType": "image/png"}]

    result = called(async_driver, revision, [picture], "picture")
    assert result.content == [TextContent(text="look:"), ImageContent(data="AAAA", mime_type="image/png")]


def test_a_list_of_texts_is_data(async_driver: AsyncDriver, revision: str) -> None:
    def names() -> Any:
        return ["a", "b"]

    assert texts(called(async_driver, revision, [names], "names")) == ['["a","b"]']


def test_what_is_no_json_is_shown_as_far_as_it_can_be(async_driver: AsyncDriver, revision: str) -> None:
    def odd() -> Any:
        return {"nan": float("nan"), "object": object}

    [text] = texts(called(async_driver, revision, [odd], "odd"))
    assert "NaN" in text
    assert "<class 'object'>" in text


def test_an_artifact_that_is_an_object_is_the_structured_content(async_driver: AsyncDriver, revision: str) -> None:
    @tool(response_format="content_and_artifact")
    def search() -> tuple[str, dict[str, Any]]:
        """Search."""
        return "2 found", {"hits": [1, 2]}

    result = called(async_driver, revision, [search], "search")
    assert (texts(result), result.structured_content) == (["2 found"], {"hits": [1, 2]})


def test_a_tool_may_speak_mcp_itself(async_driver: AsyncDriver, revision: str) -> None:
    def whole() -> CallToolResult:
        return CallToolResult(content=[TextContent(text="mine")], is_error=True)

    result = called(async_driver, revision, [whole], "whole")
    assert (texts(result), result.is_error) == (["mine"], True)


# --- errors ---


def test_an_error_is_an_answer(async_driver: AsyncDriver, revision: str) -> None:
    def fail() -> dict[str, int]:
        raise LookupError("no such city")

    result = called(async_driver, revision, [fail], "fail")
    assert (texts(result), result.is_error) == (["LookupError: no such city"], True)


def test_an_answered_error_is_an_error_with_that_answer(async_driver: AsyncDriver, revision: str) -> None:
    @tool(handle_tool_error=True)
    def fail() -> str:
        """Fail."""
        raise ToolException("ask for another city")

    result = called(async_driver, revision, [fail], "fail")
    assert (texts(result), result.is_error) == (["ask for another city"], True)


def test_arguments_that_do_not_validate_are_an_error_for_the_model(async_driver: AsyncDriver, revision: str) -> None:
    def double(number: int) -> int:
        return number * 2

    result = called(async_driver, revision, [double], "double", number="three")
    assert result.is_error
    assert "number: Input should be a valid integer" in texts(result)[0]


def test_an_unknown_tool_is_an_error_of_the_protocol_that_names_those_there_are(
    async_driver: AsyncDriver, revision: str
) -> None:
    def greet() -> str:
        return "hello"

    async def ask(client: Client) -> None:
        with pytest.raises(MCPError, match=r"no tool is named 'great'.*greet") as caught:
            await client.call_tool("great")
        assert caught.value.code == -32602

    talk(async_driver, revision, [greet], ask)


def test_a_tool_that_does_not_keep_to_its_own_annotation_is_an_error(async_driver: AsyncDriver, revision: str) -> None:
    def lies() -> int:
        return "many"  # type: ignore[return-value]

    result = called(async_driver, revision, [lies], "lies")
    assert result.is_error
    assert "something else than it declares" in texts(result)[0]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_a_tool_cannot_end_the_server(error: BaseException, async_driver: AsyncDriver, revision: str) -> None:
    async def quit() -> str:
        raise error

    async def twice(client: Client) -> list[CallToolResult]:
        return [await client.call_tool("quit"), await client.call_tool("quit")]

    for result in talk(async_driver, revision, [quit], twice):
        assert (result.is_error, texts(result)[0].split(":")[0]) == (True, type(error).__name__)


def test_the_policy_of_a_runner_holds(async_driver: AsyncDriver, revision: str) -> None:
    async def hang() -> str:
        await asyncio.Event().wait()
        return "never"

    result = called(async_driver, revision, ToolRunner([hang], timeout=0.05), "hang")
    assert (result.is_error, texts(result)[0].split(":")[0]) == (True, "ToolTimeout")


# --- events ---


def noisy(steps: int) -> Iterator[str]:
    """Make a noise."""
    run: Any = current_run()
    run.on_text("begin")
    for step in range(1, steps + 1):
        run.on_tool_progress(step, steps, f"step {step}")
        run.on_tool_progress(step, steps, "again")  # the protocol wants it to grow
        yield f"part {step}"
    run.on_custom_event("bell", {"times": 3})
    return "done"  # type: ignore[return-value]


async def anoisy(steps: int) -> Any:
    """Make a noise."""
    run: Any = current_run()
    await run.on_text("begin")
    for step in range(1, steps + 1):
        await run.on_tool_progress(step, steps, f"step {step}")
        await run.on_tool_progress(step, steps, "again")
        yield f"part {step}"
    await run.on_custom_event("bell", {"times": 3})
    yield "done"


HEARD = ["begin", {"output": "part 1"}, {"output": "part 2"}, {"event": "bell", "data": {"times": 3}}]


def listening(level: LoggingLevel | None, name: str) -> tuple[list[Any], list[Any], dict[str, Any], Conversation]:
    """A client that hears progress and log messages: what it heard, its options, and what it does."""
    progress: list[Any] = []
    logs: list[Any] = []

    async def on_progress(*args: Any) -> None:
        progress.append(args)

    async def on_log(params: Any) -> None:
        assert (params.level, params.logger) == ("info", name)
        logs.append(params.data)

    async def conversation(client: Client) -> None:
        result = await client.call_tool(name, {"steps": 2}, progress_callback=on_progress)
        assert texts(result) == ["done"]

    return progress, logs, {"logging_callback": on_log, "log_level": level}, conversation


@pytest.mark.parametrize("function", [noisy, anoisy])
def test_progress_log_and_partial_output_reach_the_client_before_the_answer(
    function: Any, async_driver: AsyncDriver, revision: str
) -> None:
    progress, logs, options, conversation = listening("info", function.__name__)
    talk(async_driver, revision, [function], conversation, **options)
    assert progress == [(1, 2, "step 1"), (2, 2, "step 2")]
    assert logs[: len(HEARD)] == HEARD


def test_a_client_of_the_newest_revision_that_asks_for_no_log_gets_none(async_driver: AsyncDriver) -> None:
    progress, logs, options, conversation = listening(None, "noisy")
    talk(async_driver, "2026-07-28", [noisy], conversation, **options)
    assert (len(progress), logs) == (2, [])


@pytest.mark.filterwarnings("ignore:The logging capability is deprecated")
def test_a_client_that_sets_a_level_gets_nothing_below_it(async_driver: AsyncDriver) -> None:
    progress, logs, options, conversation = listening(None, "noisy")

    async def quietly(client: Client) -> None:
        await client.set_logging_level("warning")
        await conversation(client)

    talk(async_driver, "legacy", [noisy], quietly, **options)
    assert (len(progress), logs) == (2, [])


def test_our_handlers_see_a_run_with_what_is_known_of_the_request(async_driver: AsyncDriver, revision: str) -> None:
    recorder = Recorder()

    def greet() -> str:
        return "hello"

    called(async_driver, revision, ToolRunner([greet], callbacks=[recorder]), "greet")
    assert recorder.events == ["start", "end"]
    assert recorder.metadata["mcp.method.name"] == "tools/call"
    assert recorder.metadata["mcp.protocol.version"] == ("2025-11-25" if revision == "legacy" else revision)
    assert recorder.metadata["network.transport"] == "pipe"


# --- the client ---


def test_a_client_that_cancels_stops_the_run(async_driver: AsyncDriver, revision: str) -> None:
    recorder = Recorder()

    async def hang() -> str:
        await asyncio.Event().wait()
        return "never"

    async def impatient(client: Client) -> None:
        with pytest.raises(MCPError, match=r"[Tt]imed out"):
            await client.call_tool("hang", read_timeout_seconds=0.05)
        assert await asyncio.to_thread(recorder.ended.wait, 30)

    talk(async_driver, revision, ToolRunner([hang], callbacks=[recorder]), impatient)
    assert recorder.events == ["start", "CancelledError"]


def test_a_client_that_leaves_stops_its_runs(async_driver: AsyncDriver) -> None:
    recorder, entered = Recorder(), asyncio.Event()

    async def hang() -> str:
        entered.set()
        await asyncio.Event().wait()
        return "never"

    async def leave(client: Client) -> None:
        call = asyncio.ensure_future(client.call_tool("hang"))
        await entered.wait()
        call.cancel()

    talk(async_driver, "legacy", ToolRunner([hang], callbacks=[recorder]), leave)
    assert recorder.events == ["start", "CancelledError"]


def test_a_tool_can_ask_the_user_of_its_client(async_driver: AsyncDriver) -> None:
    async def order(dish: str) -> str:
        request: Any = current_request()
        answer = await request.session.elicit_form(
            f"Really {dish}?", {"type": "object", "properties": {}}, related_request_id=request.request_id
        )
        return f"{dish}: {answer.action}"

    async def user(context: Any, params: Any) -> ElicitResult:
        assert params.message == "Really soup?"
        return ElicitResult(action="accept", content={})

    async def conversation(client: Client) -> CallToolResult:
        return await client.call_tool("order", {"dish": "soup"})

    result = talk(async_driver, "legacy", [order], conversation, elicitation_callback=user)
    assert texts(result) == ["soup: accept"]
    assert current_request() is None


@pytest.mark.parametrize(
    ("action", "said"), [("accept", "deleted /"), ("decline", "ToolDenied"), ("cancel", "ToolDenied")]
)
def test_a_tool_that_requires_approval_asks_the_user_of_its_client(
    action: Any, said: str, async_driver: AsyncDriver, revision: str
) -> None:
    ran = []

    @tool(requires_approval=ask_client)
    def delete(path: str) -> str:
        """Delete."""
        ran.append(path)
        return f"deleted {path}"

    async def user(context: Any, params: Any) -> ElicitResult:
        assert params.message == 'Run delete {"path": "/"}?'
        return ElicitResult(action=action, content={} if action == "accept" else None)

    async def conversation(client: Client) -> CallToolResult:
        return await client.call_tool("delete", {"path": "/"})

    result = talk(async_driver, revision, [delete], conversation, elicitation_callback=user)
    assert texts(result)[0].startswith(said)
    assert len(ran) == (action == "accept")


def test_a_client_that_cannot_ask_its_user_is_denied(async_driver: AsyncDriver, revision: str) -> None:
    @tool(requires_approval=ask_client)
    def delete(path: str) -> str:
        """Delete."""
        return "deleted"

    result = called(async_driver, revision, [delete], "delete", path="/")
    assert result.is_error
    assert "its client cannot ask its user" in texts(result)[0]
    with pytest.raises(ToolDenied, match="no MCP client"):
        delete.invoke({"path": "/"})


def test_the_request_is_known_to_its_own_tool_alone(async_driver: AsyncDriver, revision: str) -> None:
    def seen() -> bool:
        return current_request() is not None

    async def conversation(client: Client) -> None:
        assert (await client.call_tool("seen")).structured_content == {"result": True}
        assert current_request() is None

    talk(async_driver, revision, [seen], conversation)


def test_each_connection_has_tools_of_its_own_from_a_factory(async_driver: AsyncDriver) -> None:
    class Counter:
        def __init__(self, session: Any) -> None:
            self.count = 0

        def add(self) -> int:
            self.count += 1
            return self.count

    server = mcp_server(Counter)

    async def counts() -> list[Any]:
        counted = []
        for _ in range(2):
            async with Client(server, mode="legacy") as client:
                await client.list_tools()
                counted += [(await client.call_tool("add")).structured_content for _ in range(2)]
        return counted

    assert async_driver.run(counts()) == [{"result": 1}, {"result": 2}] * 2


def test_a_factory_that_fails_is_an_error_of_each_call(async_driver: AsyncDriver, revision: str) -> None:
    def factory(session: Any) -> Any:
        raise OSError("no disk")

    result = called(async_driver, revision, factory, "add")
    assert (result.is_error, texts(result)) == (True, ["the tools of session None could not be made: OSError: no disk"])
