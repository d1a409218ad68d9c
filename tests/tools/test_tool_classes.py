"""The classes of tools: their fields, their schemas, and what survives a change or a copy."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from toolrun.errors import InvalidHandler
from toolrun.testing import RecordingHandler
from toolrun.tools import (
    BaseTool,
    BaseToolkit,
    InjectedToolArg,
    SchemaAnnotationError,
    StructuredTool,
    Tool,
    render_text_description,
    render_text_description_and_args,
    tool,
)
from toolrun.tools.exceptions import InvalidTool


class Args(BaseModel):
    item: str = Field(description="What.")


class Desk(BaseTool):
    """At the top of the module, so that it can be pickled."""

    name: str = "desk"
    description: str = "A desk."
    args_schema: type[BaseModel] = Args
    drawers: int = 1

    def _run(self, item: str) -> str:
        return f"{item} in {self.drawers}"


def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b


def test_a_subclass_is_a_tool(driver: Any) -> None:
    assert driver.invoke(Desk(), {"item": "pen"}) == "pen in 1"


def test_a_subclass_that_is_only_async_is_a_tool(driver: Any) -> None:
    class Soft(BaseTool):
        name: str = "soft"
        description: str = "Soft."

        async def _arun(self, item: str) -> str:
            return item

    assert driver.invoke(Soft(), {"item": "pen"}) == "pen"
    assert driver.invoke(Soft(), "pen") == "pen"
    assert list(Soft().args) == ["item"]


def test_a_subclass_may_build_upon_the_default_of_its_async_side(async_driver: Any) -> None:
    class Noted(Desk):
        async def _arun(self, **arguments: Any) -> str:
            return f"noted: {await super()._arun(**arguments)}"

    assert async_driver.run(Noted().ainvoke({"item": "pen"})) == "noted: pen in 1"


def test_a_tool_with_nothing_to_run_is_refused() -> None:
    class Empty(BaseTool):
        name: str = "empty"
        description: str = "Empty."

    with pytest.raises(InvalidTool, match=r"'empty'.*define _run or _arun"):
        Empty()
    with pytest.raises(InvalidTool, match=r"'x'.*func or coroutine"):
        StructuredTool(name="x", args_schema=Args)
    with pytest.raises(InvalidTool, match="func must be a function"):
        StructuredTool(name="x", args_schema=Args, func=3)


def test_what_is_no_field_or_no_handler_is_refused() -> None:
    with pytest.raises(ValueError, match="drawer\\n  Extra inputs are not permitted"):
        Desk(drawer=3)
    with pytest.raises(InvalidHandler):
        Desk(callbacks=[3])
    with pytest.raises(InvalidHandler):
        Desk(callbacks=3)


def test_an_args_schema_annotated_as_an_instance_is_refused() -> None:
    with pytest.raises(SchemaAnnotationError, match=r"Wrong.args_schema"):

        class Wrong(BaseTool):
            args_schema: BaseModel = Args  # type: ignore[assignment]


def test_from_function_needs_a_function() -> None:
    with pytest.raises(ValueError, match="Function and/or coroutine must be provided"):
        StructuredTool.from_function()
    with pytest.raises(ValueError, match="Function and/or coroutine must be provided"):
        Tool.from_function(None, "x", "Do.")


def test_setting_a_field_that_the_plan_depends_on_drops_it(driver: Any) -> None:
    subject = StructuredTool.from_function(add)
    assert driver.invoke(subject, {"a": 1}) == 2
    subject.func = lambda a, b: a * 10
    assert driver.invoke(subject, {"a": 1}) == 10
    subject.name = "renamed"
    with pytest.raises(ValueError):
        driver.invoke(subject, {"item": "x"})
    subject.args_schema = Args
    subject.func = lambda item: item
    assert driver.invoke(subject, {"item": "x"}) == "x"


def test_setting_another_field_keeps_the_plan() -> None:
    subject = Desk()
    subject.invoke({"item": "pen"})
    plan = subject._plan
    subject.drawers = 2
    subject.return_direct = True
    assert subject._plan is plan
    assert subject.invoke({"item": "pen"}) == "pen in 2"


def test_handlers_and_tags_that_a_tool_gets_after_its_first_call_are_heard(driver: Any) -> None:
    subject, handler = Desk(), RecordingHandler()
    driver.invoke(subject, {"item": "pen"})
    subject.callbacks = []
    driver.invoke(subject, {"item": "pen"})
    subject.callbacks.append(handler)
    subject.tags = ["t"]
    driver.invoke(subject, {"item": "pen"})
    assert [event.keywords["tags"] for event in handler.events] == [["t"], ["t"]]


@pytest.mark.parametrize(
    "copied",
    [
        lambda desk: copy.copy(desk),
        lambda desk: copy.deepcopy(desk),
        lambda desk: desk.model_copy(),
        lambda desk: pickle.loads(pickle.dumps(desk)),
    ],
    ids=["copy", "deepcopy", "model_copy", "pickle"],
)
def test_a_copy_compiles_a_plan_of_its_own(driver: Any, copied: Any) -> None:
    desk = Desk()
    desk.invoke({"item": "pen"})
    assert desk.tool_call_schema is desk.tool_call_schema
    other = copied(desk)
    assert not hasattr(other, "_plan")
    assert not hasattr(other, "_call_schema")
    other.drawers = 5
    assert driver.invoke(other, {"item": "pen"}) == "pen in 5"
    assert driver.invoke(desk, {"item": "pen"}) == "pen in 1"
    assert other == desk.model_copy(update={"drawers": 5})


def test_options_give_another_tool_and_are_checked(driver: Any) -> None:
    desk = Desk()
    other = desk.with_options(drawers="3", name="other")
    assert driver.invoke(other, {"item": "pen"}) == "pen in 3"
    assert (desk.drawers, desk.name) == (1, "desk")
    with pytest.raises(ValueError, match="drawers"):
        desk.with_options(drawers="many")
    with pytest.raises(TypeError, match="Desk has no option 'drawer'"):
        desk.with_options(drawer=3)


def test_the_schema_for_calls_is_made_once_until_its_parts_change() -> None:
    desk = Desk()
    schema: Any = desk.tool_call_schema
    assert desk.tool_call_schema is schema
    assert schema.model_json_schema() is schema.model_json_schema()
    assert schema.model_json_schema()["title"] == "desk"
    desk.description = "Another desk."
    changed: Any = desk.tool_call_schema
    assert changed.model_json_schema()["description"] == "Another desk."


def test_the_schema_for_calls_of_a_json_schema_is_that_schema() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    subject = tool(args_schema=schema, description="Do.")(lambda a: a)
    assert subject.tool_call_schema == {**schema, "description": "Do."}
    assert subject.args == schema["properties"]
    assert subject.get_input_jsonschema() == schema


def test_the_input_schema_has_injected_arguments_too() -> None:
    @tool
    def injected(a: int, user: Annotated[str, InjectedToolArg]) -> None:
        """Do."""

    assert list(injected.args) == ["a"]
    assert list(injected.get_input_jsonschema()["properties"]) == ["a", "user"]


def test_single_input_is_one_argument() -> None:
    assert Desk().is_single_input
    assert not tool(add).is_single_input
    assert Tool("x", len, "Do.").is_single_input


def test_a_tool_can_be_written_as_json() -> None:
    written = json.loads(tool(add).model_dump_json())
    assert written["name"] == "add"
    assert written["args_schema"]["properties"]["a"] == {"title": "A", "type": "integer"}
    assert "callbacks" not in written
    assert "add" in written["func"]


def test_two_tools_of_the_same_fields_are_equal() -> None:
    first, second = Desk(), Desk()
    first.invoke({"item": "pen"})
    assert first == second


def test_a_toolkit_gives_its_tools() -> None:
    class Kit(BaseToolkit):
        drawers: int

        def get_tools(self) -> list[BaseTool]:
            return [Desk(drawers=self.drawers)]

    assert Kit(drawers=4).get_tools() == [Desk(drawers=4)]


def test_tools_are_shown_as_text() -> None:
    tools = [tool(add), Desk()]
    assert render_text_description(tools) == "add(a: int, b: int = 1) -> int - Add.\ndesk - A desk."
    shown = render_text_description_and_args(tools).splitlines()
    assert shown[1] == f"desk - A desk., args: {Desk().args}"
