"""Arguments: validated, completed, injected, and shown to handlers without what they must not see."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from toolrun.testing import RecordingHandler
from toolrun.tools import (
    BaseTool,
    DirectlyInjectedToolArg,
    InjectedToolArg,
    InjectedToolCallId,
    Secret,
    StructuredTool,
    Tool,
    ToolException,
    tool,
)
from toolrun.tools.exceptions import InvalidTool, InvalidToolInput, MissingToolCallId, StringInputRefused


class Place(BaseModel):
    name: str


@dataclass
class Runtime(DirectlyInjectedToolArg):
    user: str


@tool
def received(a: int, b: list[str] | None = None, place: Place | None = None) -> Any:
    """Give back the arguments."""
    return a, b, place


def call(arguments: dict[str, Any], name: str = "tool") -> dict[str, Any]:
    return {"type": "tool_call", "id": "call-1", "name": name, "args": arguments}


def shown(driver: Any, subject: BaseTool, given: Any) -> tuple[str, Any]:
    handler = RecordingHandler()
    with contextlib.suppress(ValidationError):
        driver.invoke(subject, given, {"callbacks": [handler]})
    start = handler.events[0]
    return start.payload[1], start.keywords["inputs"]


def test_arguments_are_converted_and_defaults_filled_in(driver: Any) -> None:
    assert driver.invoke(received, {"a": "3"}) == (3, None, None)


def test_nested_models_arrive_as_models(driver: Any) -> None:
    assert driver.invoke(received, {"a": 1, "place": {"name": "x"}})[2] == Place(name="x")


def test_a_string_is_the_first_argument(driver: Any) -> None:
    assert driver.invoke(received, "7") == (7, None, None)


def test_a_tool_without_arguments_takes_any_string(driver: Any) -> None:
    @tool
    def now() -> str:
        """Tell the time."""
        return "now"

    assert driver.invoke(now, "whatever") == "now"
    assert driver.invoke(now, {}) == "now"


@pytest.mark.parametrize("given", [3, None, ["a"], {"type": "tool_call", "args": "x"}], ids=repr)
def test_input_that_is_nothing_of_the_kind_is_refused(driver: Any, given: Any) -> None:
    with pytest.raises((InvalidToolInput, ValidationError)):
        driver.invoke(received, given)


def test_an_invalid_argument_is_named_with_what_was_expected_and_what_came(driver: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        driver.invoke(received, {"a": "three", "b": 5})
    first, second = caught.value.errors()
    assert (first["loc"], first["input"]) == (("a",), "three")
    assert "valid integer" in first["msg"]
    assert second["loc"] == ("b",)


def test_an_unknown_argument_is_named_with_the_nearest_one(driver: Any) -> None:
    with pytest.raises(ValidationError, match=r"plce\n  Unexpected argument, did you mean 'place'?"):
        driver.invoke(received, {"a": 1, "plce": {"name": "x"}})
    with pytest.raises(ValidationError, match="Unexpected argument, expected 'a', 'b', 'place'"):
        driver.invoke(received, {"a": 1, "zzz": 0})


def test_aliases_are_honoured(driver: Any) -> None:
    class Args(BaseModel):
        a: int = Field(validation_alias=AliasChoices("alpha", "a"))

    @tool(args_schema=Args)
    def aliased(a: int) -> int:
        """Do."""
        return a

    assert driver.invoke(aliased, {"alpha": "4"}) == 4
    assert driver.invoke(aliased, {"a": 4}) == 4
    assert driver.invoke(aliased, "4") == 4


def test_a_model_that_allows_more_hands_it_on(driver: Any) -> None:
    class Args(BaseModel):
        model_config = ConfigDict(extra="allow")
        a: int

    @tool(args_schema=Args)
    def more(a: int, **rest: Any) -> Any:
        """Do."""
        return a, rest

    assert driver.invoke(more, {"a": 1, "b": 2}) == (1, {"b": 2})


def test_positional_and_variadic_parameters_get_theirs(driver: Any) -> None:
    @tool
    def spread(a: int, /, b: int, *args: int, c: int = 0, **kwargs: int) -> Any:
        """Do."""
        return a, b, args, c, kwargs

    assert driver.invoke(spread, {"a": 1, "b": 2}) == (1, 2, (), 0, {})
    given = {"a": 1, "b": 2, "args": [3, "4"], "c": 5, "kwargs": {"d": "6"}, "e": 7}
    assert driver.invoke(spread, given) == (1, 2, (3, 4), 5, {"d": 6, "e": 7})


def test_a_parameter_may_begin_with_an_underscore(driver: Any) -> None:
    @tool
    def private(_a: int, model_config: int = 2) -> int:
        """Do."""
        return _a + model_config

    assert driver.invoke(private, {"_a": "1", "model_config": 3}) == 4
    assert list(private.args) == ["_a", "model_config"]


SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


@pytest.fixture
def by_schema() -> BaseTool:
    @tool(args_schema=SCHEMA, description="Do.")
    def by_schema(**arguments: Any) -> Any:
        return arguments

    return by_schema


def test_a_json_schema_validates_and_converts_nothing(driver: Any, by_schema: BaseTool) -> None:
    assert driver.invoke(by_schema, {"a": 1}) == {"a": 1}
    with pytest.raises(ValidationError) as caught:
        driver.invoke(by_schema, {"a": "1", "c": 2})
    assert {(error["type"], error["loc"]) for error in caught.value.errors()} == {
        ("type", ("a",)),
        ("additionalProperties", ()),
    }
    with pytest.raises(ValidationError, match="'a' is a required property"):
        driver.invoke(by_schema, {})


def test_a_json_schema_takes_no_bare_string(driver: Any, by_schema: BaseTool) -> None:
    with pytest.raises(StringInputRefused, match="by_schema"):
        driver.invoke(by_schema, "x")


def test_a_bad_json_schema_is_refused_when_the_tool_is_made() -> None:
    with pytest.raises(InvalidTool, match="properties/a/type"):
        tool(args_schema={"properties": {"a": {"type": "integre"}}}, description="Do.")(lambda a: a)
    with pytest.raises(InvalidTool, match="a class of pydantic models or a JSON schema"):
        StructuredTool(name="x", func=print, args_schema=Place(name="an instance"))


@tool
def injected(
    a: int, user: Annotated[dict[str, Any], InjectedToolArg], runtime: Runtime, note: str = "none"
) -> tuple[int, Any, Any]:
    """Do."""
    return a, user, runtime


def test_what_is_injected_reaches_the_body_unchanged(driver: Any) -> None:
    user, runtime = {"id": 1}, Runtime("ann")
    given = driver.invoke(injected, {"a": "1", "user": user, "runtime": runtime})
    assert given[0] == 1
    assert given[1] is user
    assert given[2] is runtime


def test_what_is_injected_is_hidden_from_models_and_handlers(driver: Any) -> None:
    assert list(injected.args) == ["a", "note"]
    given = {"a": 1, "user": {"id": 1}, "runtime": Runtime("ann")}
    assert shown(driver, injected, given) == ("{'a': 1}", {"a": 1})
    assert injected._injected_args_keys == {"user", "runtime"}


def test_what_was_not_injected_is_missed(driver: Any) -> None:
    with pytest.raises(ValidationError, match="runtime\n  Field required"):
        driver.invoke(injected, {"a": 1, "user": {}})


class OnlyA(BaseModel):
    a: int


@pytest.mark.parametrize("schema", [OnlyA, OnlyA.model_json_schema()], ids=["model", "json"])
def test_injection_works_beside_any_schema(driver: Any, schema: Any) -> None:
    @tool(args_schema=schema, description="Do.")
    def beside(a: int, runtime: Runtime, call_id: Annotated[str, InjectedToolCallId]) -> Any:
        return runtime.user, call_id

    runtime = Runtime("ann")
    message = driver.invoke(beside, call({"a": 1, "runtime": runtime, "call_id": "made up"}))
    assert message.content == ["ann", "call-1"]
    assert shown(driver, beside, call({"a": 1, "runtime": runtime}))[1] == {"a": 1}


def test_a_subclass_has_its_arguments_injected_too(driver: Any) -> None:
    class Desk(BaseTool):
        name: str = "desk"
        description: str = "A desk."
        args_schema: type[BaseModel] = OnlyA

        def _run(self, a: int, runtime: Runtime) -> Any:
            return a, runtime.user

    assert driver.invoke(Desk(), {"a": "1", "runtime": Runtime("ann")}) == (1, "ann")


@tool
def wants_id(a: int, call_id: Annotated[str, InjectedToolCallId()]) -> str:
    """Do."""
    return call_id


def test_the_id_of_the_tool_call_overrides_what_the_model_says(driver: Any) -> None:
    assert driver.invoke(wants_id, call({"a": 1, "call_id": "made up"})).content == "call-1"


def test_without_a_tool_call_there_is_no_id(driver: Any) -> None:
    with pytest.raises(MissingToolCallId, match=r"must always be invoked with a full model ToolCall.*'call_id'"):
        driver.invoke(wants_id, {"a": 1})


@tool
def secretive(user: str, password: Annotated[str, Secret], pin: SecretStr | None = None) -> int:
    """Log in."""
    return len(password)


def test_secrets_are_masked_for_handlers_and_not_for_the_tool(driver: Any) -> None:
    inputs = {"user": "ann", "password": "**********", "pin": "**********"}
    assert shown(driver, secretive, {"user": "ann", "password": "hunter2", "pin": "1234"}) == (str(inputs), inputs)
    assert driver.invoke(secretive, {"user": "ann", "password": "hunter2"}) == 7


def test_errors_about_the_arguments_tell_no_secret(driver: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        driver.invoke(secretive, {"password": "hunter2", "passwort": "x"})
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value.errors())
    assert "user\n  Field required" in str(caught.value)


def test_a_secret_is_masked_under_its_alias_and_as_a_bare_string(driver: Any) -> None:
    class Args(BaseModel):
        token: Annotated[str, Secret()] = Field(alias="apiToken")

    @tool(args_schema=Args)
    def authorised(token: str) -> str:
        """Do."""
        return "ok"

    assert shown(driver, authorised, {"apiToken": "abc"})[1] == {"apiToken": "**********"}
    assert shown(driver, authorised, "abc") == ("**********", None)


def test_json_schema_errors_tell_no_secret_either(driver: Any) -> None:
    schema = {"type": "object", "properties": {"password": {"type": "string", "minLength": 99}}}

    @tool(args_schema=schema, description="Log in.")
    def login(password: Annotated[str, Secret]) -> None: ...

    with pytest.raises(ValidationError, match="minLength") as caught:
        driver.invoke(login, {"password": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_handlers_see_the_arguments_as_they_were_passed(driver: Any) -> None:
    @tool
    def greedy(items: Any) -> int:
        """Take all."""
        taken = len(items["list"])
        items["list"].clear()
        return taken

    handler = RecordingHandler()
    assert driver.invoke(greedy, {"items": {"list": [1, [2]]}}, {"callbacks": [handler]}) == 2
    assert handler.events[0].keywords["inputs"] == {"items": {"list": [1, [2]]}}


def test_the_callers_arguments_are_never_changed(driver: Any) -> None:
    given = call({"a": 1})
    driver.invoke(wants_id, given)
    assert given == call({"a": 1})


def test_a_single_input_tool_takes_its_one_argument_in_any_form(driver: Any) -> None:
    echo = Tool("echo", lambda x: x, "Echo.")
    assert driver.invoke(echo, "a") == "a"
    assert driver.invoke(echo, {"anything": "a"}) == "a"
    with pytest.raises(ToolException, match="Too many arguments to single-input tool echo"):
        driver.invoke(echo, {"a": 1, "b": 2})


def test_a_subclass_may_read_its_input_in_its_own_way(driver: Any) -> None:
    class Shout(BaseTool):
        name: str = "shout"
        description: str = "Shout."

        def _parse_input(self, tool_input: Any, tool_call_id: str | None) -> Any:
            return {"text": str(super()._parse_input(tool_input, tool_call_id)).upper()}

        def _run(self, text: str) -> str:
            return text

    assert driver.invoke(Shout(), "hi") == "HI"
