"""A LangChain tool as one of ours: its body on our road, and what LangChain fills in filled in."""

from __future__ import annotations

import threading
from typing import Annotated, Any

import pytest

pytest.importorskip("langchain_core")

from langchain_core.callbacks import AsyncCallbackManagerForToolRun, CallbackManagerForToolRun
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import BaseTool as TheirTool
from langchain_core.tools import InjectedToolArg, InjectedToolCallId, StructuredTool, tool
from langchain_core.tools import ToolException as TheirToolException
from pydantic import BaseModel, ValidationError
from pydantic.v1 import BaseModel as OldModel
from tests.interop.langchain.fakes import tool_call

from toolrun import ToolMessage, ToolRunner, ToolTimeout
from toolrun.interop.langchain import from_langchain
from toolrun.testing import RecordingHandler
from toolrun.tools.exceptions import InvalidTool


@tool
def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


class Length(TheirTool):
    name: str = "length"
    description: str = "Measures."

    def _run(self, text: str, run_manager: CallbackManagerForToolRun | None = None) -> int:
        assert run_manager is not None
        run_manager.on_text("measuring")
        return len(text)


class LaterLength(Length):
    async def _arun(self, text: str, run_manager: AsyncCallbackManagerForToolRun | None = None) -> int:  # type: ignore[override]
        assert run_manager is not None
        await run_manager.on_text("measuring later")
        return len(text)


def test_it_has_the_name_the_description_and_the_arguments_of_the_other() -> None:
    ours = from_langchain(add)
    assert (ours.name, ours.description) == ("add", "Add.")
    assert ours.args == add.args


def test_it_runs_with_one_start_and_one_end(driver: Any) -> None:
    handler = RecordingHandler()
    assert driver.invoke(from_langchain(add), {"a": "2"}, {"callbacks": [handler]}) == 3
    assert handler.names == ["on_tool_start", "on_tool_end"]
    assert handler.events[0].keywords["inputs"] == {"a": "2"}


def test_a_tool_call_gets_a_message_of_ours(driver: Any) -> None:
    assert driver.invoke(from_langchain(add), tool_call("add", a=2)) == ToolMessage("3", "call-1", name="add")


def test_an_artifact_goes_with_the_message(driver: Any) -> None:
    @tool(response_format="content_and_artifact")
    def both() -> tuple[str, list[int]]:
        """Two."""
        return "said", [1, 2]

    message = driver.invoke(from_langchain(both), tool_call("both"))
    assert (message.content, message.artifact) == ("said", [1, 2])


@pytest.mark.parametrize("kind", [Length, LaterLength])
def test_a_tool_class_gets_a_run_manager_of_the_run(kind: type[TheirTool], driver: Any) -> None:
    handler = RecordingHandler()
    assert driver.invoke(from_langchain(kind()), "four", {"callbacks": [handler]}) == 4
    assert handler.names == ["on_tool_start", "on_text", "on_tool_end"]
    assert len({event.run_id for event in handler.events}) == 1


def test_its_config_makes_what_it_calls_a_child(driver: Any) -> None:
    @tool
    def calls(x: int, config: RunnableConfig) -> int:
        """Call."""
        assert config["configurable"] == {"user": "ann"}
        return RunnableLambda(lambda y: y + 1, name="inner").invoke(x, config)

    handler = RecordingHandler()
    config = {"callbacks": [handler], "configurable": {"user": "ann"}}
    assert driver.invoke(from_langchain(calls), {"x": 1}, config) == 2
    assert handler.names == ["on_tool_start", "on_chain_start", "on_chain_end", "on_tool_end"]
    assert handler.events[1].parent_run_id == handler.events[0].run_id


def test_injected_arguments_reach_the_tool_and_no_handler(driver: Any) -> None:
    @tool
    def who(q: str, user: Annotated[str, InjectedToolArg], call: Annotated[str, InjectedToolCallId]) -> str:
        """Who."""
        return f"{q} {user} {call}"

    ours, handler = from_langchain(who), RecordingHandler()
    message = driver.invoke(ours, tool_call("who", q="?", user="ann"), {"callbacks": [handler]})
    assert message.content == "? ann call-1"
    assert handler.events[0].keywords["inputs"] == {"q": "?"}
    assert set(ours.args) == {"q"}


def test_an_async_tool_runs_for_sync_callers_too(driver: Any) -> None:
    @tool
    async def later(a: int) -> int:
        """Later."""
        return a + 1

    assert driver.invoke(from_langchain(later), {"a": 1}) == 2


def test_a_blocking_tool_leaves_the_loop(async_driver: Any) -> None:
    where = from_langchain(
        StructuredTool.from_function(lambda: threading.current_thread().name, name="where", description="Where.")
    )
    assert async_driver.invoke(where, {}) != threading.current_thread().name


def test_it_has_our_policy() -> None:
    gate = threading.Event()

    @tool
    def hangs() -> bool:
        """Hang."""
        return gate.wait(60)

    try:
        with pytest.raises(ToolTimeout):
            from_langchain(hangs, timeout=0.02).invoke({})
    finally:
        gate.set()


@pytest.mark.parametrize(("flag", "said"), [(True, "no"), ("sorry", "sorry"), (lambda error: f"<{error}>", "<no>")])
def test_an_exception_for_the_model_is_answered_as_the_other_tool_says(flag: Any, said: str, driver: Any) -> None:
    @tool
    def refuses() -> str:
        """Refuse."""
        raise TheirToolException("no")

    refuses.handle_tool_error = flag
    message = driver.invoke(from_langchain(refuses), tool_call("refuses"))
    assert (message.content, message.status) == (said, "error")


class _Old(OldModel):
    n: int


class _New(BaseModel):
    n: int


@pytest.mark.parametrize("schema", [_Old, _New])
def test_wrong_arguments_are_answered_as_the_other_tool_says(schema: Any, driver: Any) -> None:
    counts = StructuredTool.from_function(lambda n: n, name="n", description="N.", args_schema=schema)
    counts.handle_validation_error = True
    assert driver.invoke(from_langchain(counts), {"n": 1}) == 1
    message = driver.invoke(from_langchain(counts), tool_call("n", n="x"))
    assert (message.content, message.status) == ("Tool input validation error", "error")


def test_wrong_arguments_are_raised_else(driver: Any) -> None:
    with pytest.raises(ValidationError):
        driver.invoke(from_langchain(add), {"a": "x"})


def test_a_runner_takes_it_beside_ours() -> None:
    results = ToolRunner([from_langchain(add)]).run_all([{"name": "add", "args": {"a": 1}}])
    assert [result.output for result in results] == [2]


def test_what_is_no_langchain_tool_is_refused() -> None:
    with pytest.raises(InvalidTool, match="no LangChain tool"):
        from_langchain(print)  # type: ignore[arg-type]
