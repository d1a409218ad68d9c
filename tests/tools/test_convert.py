"""Tools of another framework's runnables, which are known by what they have and not by their class."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, RootModel
from typing_extensions import TypedDict

from toolrun.testing import RecordingHandler
from toolrun.tools import tool
from toolrun.tools.convert import convert_runnable_to_tool
from toolrun.tools.exceptions import InvalidTool


class Question(BaseModel):
    text: str
    limit: int = 3


class Fields(TypedDict):
    text: str


class Chain:
    """As much of a runnable as is needed."""

    def __init__(self, schema: Any, kind: Any = dict) -> None:
        self.input_schema, self.InputType = schema, kind

    def get_name(self) -> str:
        return "chain"

    def get_input_jsonschema(self) -> dict[str, Any]:
        return dict(self.input_schema.model_json_schema())

    def with_types(self, *, input_type: Any) -> Chain:
        return Chain(input_type)

    def invoke(self, input: Any, config: Any = None) -> Any:
        return "sync", input, config and config["callbacks"].parent_run_id

    async def ainvoke(self, input: Any, config: Any = None) -> Any:
        return "async", input, config and config["callbacks"].parent_run_id


def test_a_runnable_gets_validated_arguments_and_runs_as_a_child(driver: Any) -> None:
    handler = RecordingHandler()
    made = convert_runnable_to_tool(Chain(Question))
    assert (made.name, list(made.args)) == ("chain", ["text", "limit"])
    side, given, parent = driver.invoke(made, {"text": "x", "limit": "5"}, {"callbacks": [handler]})
    assert side == ("async" if driver.is_async else "sync")
    assert given == {"text": "x", "limit": 5}
    assert parent == handler.events[0].run_id


def test_a_runnable_of_one_string_takes_a_string(driver: Any) -> None:
    made = convert_runnable_to_tool(Chain(RootModel[str]), description="Ask.")
    assert made.args_schema is None
    assert driver.invoke(made, "why")[1] == "why"


def test_argument_types_come_from_the_input_type_or_are_given() -> None:
    typed = convert_runnable_to_tool(Chain(RootModel[dict[str, Any]], Fields))
    assert list(typed.args) == ["text"]
    given = convert_runnable_to_tool(Chain(RootModel[dict[str, Any]]), arg_types={"a": int})
    assert given.args["a"]["type"] == "integer"
    by_schema = convert_runnable_to_tool(Chain(RootModel[dict[str, Any]]), Question)
    assert list(by_schema.args) == ["text", "limit"]


def test_arguments_that_nothing_tells_are_refused() -> None:
    with pytest.raises(InvalidTool, match=r"'chain'.*arg_types"):
        convert_runnable_to_tool(Chain(RootModel[dict[str, Any]], dict[str, Any]))


def test_the_decorator_takes_a_runnable(driver: Any) -> None:
    made = tool("ask", Chain(Question), description="Ask.", return_direct=True)  # type: ignore[call-overload]
    assert (made.name, made.description, made.return_direct) == ("ask", "Ask.", True)
    assert driver.invoke(made, {"text": "x"})[1] == {"text": "x", "limit": 3}
