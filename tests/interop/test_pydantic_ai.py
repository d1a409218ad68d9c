"""Tools of ours in pydantic-ai's agents, and its runs in our traces; the model is pydantic-ai's own `FunctionModel`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import pytest

pytest.importorskip("pydantic_ai")

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, RetryPromptPart, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from tests.interop.meeting import (
    THREE_ANSWERS,
    THREE_CALLS,
    assert_each_start_has_its_end,
    meeting_tool,
    three_tools,
    tree,
)

from toolrun import tool
from toolrun.interop.pydantic_ai import Traced, to_pydantic_ai
from toolrun.testing import RecordingHandler
from toolrun.tools import InjectedToolArg
from toolrun.tools.exceptions import InvalidTool

Wanted = tuple[str, dict[str, Any]]


def agent_wanting(
    wanted: Sequence[Wanted], tools: Sequence[Any], handler: Any = None, **options: Any
) -> Agent[Any, str]:
    """An agent whose model wants these calls in its first turn, and then is done."""

    def turn(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if len(messages) > 1:
            return ModelResponse([TextPart("done")])
        return ModelResponse([ToolCallPart(name, args, f"c{n}") for n, (name, args) in enumerate(wanted)])

    capabilities = [Traced([handler])] if handler else []
    return Agent(FunctionModel(turn), name="helper", tools=tools, capabilities=capabilities, **options)


def run(driver: Any, agent: Agent[Any, str], **options: Any) -> Any:
    return driver.run(agent.run("Go on.", **options))


def returns(result: Any) -> list[ToolReturnPart]:
    return [part for message in result.all_messages() for part in message.parts if isinstance(part, ToolReturnPart)]


@tool
def add(a: int, b: int = 1) -> int:
    """Add two numbers."""
    return a + b


def test_a_tool_runs_with_validated_arguments_and_a_run_of_ours(async_driver: Any) -> None:
    handler = RecordingHandler()
    result = run(async_driver, agent_wanting([("add", {"a": "2"})], [to_pydantic_ai(add)], handler))
    assert [part.content for part in returns(result)] == ["3"]
    end = handler.named("on_tool_end")[0]
    assert (end.keywords["tool_call_id"], end.keywords["engine"]) == ("c0", "threads")


def test_a_model_is_told_the_same_of_it() -> None:
    definition = to_pydantic_ai(add).tool_def
    assert (definition.name, definition.description) == ("add", "Add two numbers.")
    assert definition.parameters_json_schema["required"] == ["a"]


def test_a_blocking_an_async_and_a_failing_tool_of_one_turn_meet_and_all_answer(async_driver: Any) -> None:
    handler = RecordingHandler()
    agent = agent_wanting(THREE_CALLS, [to_pydantic_ai(one) for one in three_tools()], handler)
    result = run(async_driver, agent)
    assert [part.content for part in returns(result)] == THREE_ANSWERS
    assert [part.outcome for part in returns(result)] == ["success", "success", "failed"]
    assert result.output == "done"
    assert len(handler.named("on_tool_start")) == 3
    assert_each_start_has_its_end(handler)


def test_sixty_blocking_tools_of_one_turn_meet(async_driver: Any) -> None:
    handler = RecordingHandler()
    wanted = [("meets", {"x": x}) for x in range(60)]
    result = run(async_driver, agent_wanting(wanted, [to_pydantic_ai(meeting_tool(60))], handler))
    assert [part.content for part in returns(result)] == [str(x) for x in range(60)]
    assert len(handler.named("on_tool_end")) == 60


def test_one_trace_holds_the_agent_its_requests_and_all_tools(async_driver: Any) -> None:
    def theirs(x: int) -> int:
        """Double."""
        return 2 * x

    handler = RecordingHandler()
    agent = agent_wanting([("add", {"a": 1}), ("theirs", {"x": 1})], [to_pydantic_ai(add), theirs], handler)
    run(async_driver, agent)
    shown = tree(handler)
    assert (shown["add"], shown["theirs"], shown["helper"]) == ("helper", "helper", None)
    assert len(handler.named("on_chat_model_start")) == len(handler.named("on_llm_end")) == 2
    assert [event.payload[0] for event in handler.named("on_tool_end") if event.payload[0] == 2]
    assert_each_start_has_its_end(handler)


def test_an_agent_inside_a_tool_of_ours_is_its_child(async_driver: Any) -> None:
    handler = RecordingHandler()
    agent = agent_wanting([("add", {"a": 1})], [to_pydantic_ai(add)])
    agent = Agent(agent.model, name="inner", tools=[to_pydantic_ai(add)], capabilities=[Traced()])

    @tool
    async def asks() -> str:
        """Ask."""
        return (await agent.run("Go on.")).output

    assert async_driver.invoke(asks, {}, {"callbacks": [handler]}) == "done"
    shown = tree(handler)
    assert (shown["asks"], shown["inner"], shown["add"]) == (None, "asks", "inner")


def test_an_exception_ends_the_run_where_that_is_wanted(async_driver: Any) -> None:
    @tool
    def fails() -> None:
        """Fail."""
        raise ValueError("no")

    handler = RecordingHandler()
    with pytest.raises(ValueError, match="no"):
        run(async_driver, agent_wanting([("fails", {})], [to_pydantic_ai(fails, raise_errors=True)], handler))
    assert handler.names[-1] == "on_chain_error"
    assert_each_start_has_its_end(handler)


def test_an_artifact_is_metadata_and_the_context_is_injected(async_driver: Any) -> None:
    @tool(response_format="content_and_artifact")
    def who(x: int, context: Annotated[Any, InjectedToolArg]) -> tuple[str, int]:
        """Who."""
        return f"{context.deps} {context.tool_call_id}", x

    agent = agent_wanting([("who", {"x": 1})], [to_pydantic_ai(who)], deps_type=str)
    (part,) = returns(run(async_driver, agent, deps="ann"))
    assert (part.content, part.metadata) == ("ann c0", 1)
    assert set(to_pydantic_ai(who).tool_def.parameters_json_schema["properties"]) == {"x"}


def test_wrong_arguments_are_told_to_the_model_and_harm_no_sibling(async_driver: Any) -> None:
    result = run(async_driver, agent_wanting([("add", {"a": "x"}), ("add", {"a": 1})], [to_pydantic_ai(add)]))
    wrong, right = returns(result)
    assert wrong.outcome == "failed"
    assert "valid integer" in wrong.content
    assert right.content == "2"
    assert not [part for m in result.all_messages() for part in m.parts if isinstance(part, RetryPromptPart)]


def test_what_is_no_tool_of_ours_is_refused() -> None:
    with pytest.raises(InvalidTool, match="no tool of toolrun"):
        to_pydantic_ai(print)  # type: ignore[arg-type]
