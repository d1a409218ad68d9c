"""`@tool`: from a function to a tool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import BaseModel

from toolrun.tools import StructuredTool, Tool, tool
from toolrun.tools.exceptions import InvalidDocstring, InvalidTool, MissingDescription


def greet(name: str) -> str:
    """Greet somebody.

    Args:
        name: Who.
    """
    return f"Hello {name}"


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (tool(greet), "greet"),
        (tool()(greet), "greet"),
        (tool("hello")(greet), "hello"),
        (tool("hello", greet), "hello"),
        (tool(greet, return_direct=False), "greet"),
    ],
)
def test_every_form_makes_the_same_tool(driver: Any, made: StructuredTool, name: str) -> None:
    assert isinstance(made, StructuredTool)
    assert made.name == name
    assert made.description == greet.__doc__.strip()  # type: ignore[union-attr]
    assert driver.invoke(made, {"name": "Ann"}) == "Hello Ann"


def test_options_become_fields() -> None:
    made = tool(
        "hello", greet, return_direct=True, tags=["t"], extras={"cache": 1}, handle_tool_error=True, engine="threads"
    )
    assert (made.return_direct, made.tags, made.extras, made.engine) == (True, ["t"], {"cache": 1}, "threads")
    assert made.handle_tool_error is True


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"no option 'retrun_direct'. Did you mean 'return_direct'?"):
        tool(retrun_direct=True)  # type: ignore[call-overload]


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ValueError, match="engine"):
        tool(greet, engine="nowhere")  # type: ignore[call-overload]


def test_a_parsed_docstring_describes_tool_and_arguments() -> None:
    made = tool(greet, parse_docstring=True)
    assert made.description == "Greet somebody."
    assert made.args["name"]["description"] == "Who."
    with pytest.raises(InvalidDocstring):
        tool(parse_docstring=True)(no_arguments_told)


def no_arguments_told(name: str) -> None:
    """Do."""


class Args(BaseModel):
    """By schema."""

    name: str


@pytest.mark.parametrize(
    ("options", "description"),
    [
        ({"description": "Given."}, "Given."),
        ({}, "By function."),
        ({"args_schema": Args}, "By function."),
    ],
)
def test_what_is_given_wins_over_the_docstring(options: dict[str, Any], description: str) -> None:
    def documented(name: str) -> None:
        """By function."""

    assert tool(**options)(documented).description == description


@pytest.mark.parametrize("schema", [Args, {"type": "object", "description": "By schema."}], ids=["model", "json"])
def test_the_schema_describes_a_function_without_a_docstring(schema: Any) -> None:
    assert tool("x", lambda name: name, args_schema=schema).description == "By schema."


def test_a_tool_without_any_description_is_refused() -> None:
    with pytest.raises(MissingDescription, match="'x'"):
        tool("x", lambda name: name)
    with pytest.raises(MissingDescription, match="'x'"):
        tool("x", infer_schema=False)(lambda name: name)


def test_without_a_schema_it_is_a_tool_of_one_argument(driver: Any) -> None:
    made = tool(infer_schema=False)(greet)
    assert isinstance(made, Tool)
    assert made.args_schema is None
    assert driver.invoke(made, "Ann") == "Hello Ann"


def test_coroutines_and_async_generators_are_found_out(driver: Any) -> None:
    @tool
    async def later(n: int) -> int:
        """Do."""
        await asyncio.sleep(0)
        return n

    @tool
    async def by_and_by(n: int) -> AsyncIterator[int]:
        """Do."""
        yield n

    assert (later.func, by_and_by.func) == (None, None)
    assert driver.invoke(later, {"n": 3}) == driver.invoke(by_and_by, {"n": 3}) == 3


class Callable:
    """Called."""

    def __call__(self, n: int) -> int:
        return n


def test_a_class_and_a_callable_object_will_do(driver: Any) -> None:
    assert driver.invoke(tool(Args), {"name": "Ann"}) == Args(name="Ann")
    assert driver.invoke(tool("call", Callable()), {"n": "3"}) == 3
    with pytest.raises(InvalidTool, match="Pass a name"):
        tool(Callable())


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(InvalidTool, match="something to call"):
        tool("x", 3)  # type: ignore[call-overload]
    with pytest.raises(InvalidTool, match="a string or a callable"):
        tool(3)  # type: ignore[call-overload]
    with pytest.raises(InvalidTool, match="a tool already"):
        tool()(tool(greet))


class Calculator:
    """Has methods, some of which stand for tools."""

    def double(self, n: int) -> int:
        """Double it."""
        return 2 * n

    async def adouble(self, n: int) -> int:
        """Double it."""
        return 2 * n

    @staticmethod
    def triple(n: int) -> int:
        """Triple it."""
        return 3 * n


@pytest.mark.parametrize("method", [Calculator.double, Calculator.adouble])
@pytest.mark.parametrize("options", [{}, {"infer_schema": False}, {"args_schema": {"type": "object"}}])
def test_a_method_without_its_instance_is_refused_when_the_tool_is_made(method: Any, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidTool, match=rf"Calculator.{method.__name__} is a method.*instance.{method.__name__}"):
        tool(**options)(method)


def test_a_method_of_an_instance_will_do(driver: Any) -> None:
    calculator = Calculator()
    for method in (calculator.double, calculator.adouble, lambda n: calculator.double(n)):
        assert driver.invoke(tool("double", method, description="Double it."), {"n": 3}) == 6
    assert driver.invoke(tool(Calculator.triple), {"n": 3}) == 9


def test_a_function_may_call_its_argument_self(driver: Any) -> None:
    def name_of(self: str) -> str:
        """Say the name."""
        return self

    assert driver.invoke(tool(name_of), {"self": "me"}) == "me"


def test_a_decorated_function_can_still_be_called() -> None:
    assert tool(greet)("Ann") == "Hello Ann"
    assert tool(greet)(name="Ann") == "Hello Ann"
