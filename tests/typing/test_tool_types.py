"""What a type checker knows of a tool; mypy checks this file, and pytest that it runs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, assert_type

from toolrun.tools import BaseTool, StructuredTool, Tool, tool


@tool
def bare(a: int, b: str = "x") -> float:
    """Do."""
    return a + len(b)


@tool("named", parse_docstring=False, return_direct=True)
def with_options(a: int) -> list[str]:
    """Do."""
    return ["x"] * a


@tool
async def later(a: int) -> str:
    """Do."""
    return "x" * a


def length(text: str) -> int:
    """Do."""
    return len(text)


@tool(infer_schema=False)
def simple(text: str) -> str:
    """Do."""
    return text


def test_a_tool_keeps_the_signature_of_its_function() -> None:
    assert_type(bare(1, b="y"), float)
    assert_type(with_options(2), list[str])
    by_hand: Callable[..., float] = bare
    assert by_hand(1) == 2


def test_a_coroutine_tool_is_called_like_the_coroutine_function() -> None:
    call = later(2)
    assert_type(call, Coroutine[Any, Any, str])  # type: ignore[unused-coroutine]
    call.close()


def test_every_form_gives_its_class() -> None:
    assert_type(simple, Tool)
    assert_type(tool("other", length)("four"), int)
    assert_type(tool(return_direct=True)(length)("four"), int)
    tools: list[BaseTool] = [bare, with_options, later, simple]
    unbound: StructuredTool = bare
    assert [one.name for one in tools] == ["bare", "named", "later", "simple"]
    assert unbound is bare


def test_what_comes_out_of_a_run_is_anything() -> None:
    assert_type(bare.invoke({"a": 1}), Any)


def wrong_calls() -> None:
    """Never called: these lines are here because mypy must refuse them."""
    bare("x")  # type: ignore[arg-type]
    bare(1, c=2)  # type: ignore[call-arg]
    tool(bare, no_such_option=1)  # type: ignore[call-overload]
    tool(engine="nowhere")  # type: ignore[call-overload]
