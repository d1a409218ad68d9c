"""What stands for tools: tools, toolkits, lists, mappings, instances; and that functions become tools late."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from toolrun import tool
from toolrun.runner import NotATool, UnknownTool, public_methods
from toolrun.runner.toolbox import is_factory, toolbox
from toolrun.tools import BaseTool, BaseToolkit


@tool
def double(x: int) -> int:
    """Double it."""
    return 2 * x


def triple(x: int) -> int:
    """Triple it."""
    return 3 * x


async def halve(x: int) -> float:
    """Halve it."""
    return x / 2


class Desk:
    made = 0

    def open(self) -> str:
        """Open it."""
        return "open"

    @staticmethod
    def size() -> int:
        """How big it is."""
        return 2

    @classmethod
    def kind(cls) -> str:
        """What it is."""
        return cls.__name__

    @property
    def broken(self) -> str:
        raise AssertionError("properties are not touched")

    def _hidden(self) -> None: ...


class Kit(BaseToolkit):
    def get_tools(self) -> list[BaseTool]:
        return [double]


@pytest.mark.parametrize(
    ("tools", "names"),
    [
        (double, ["double"]),
        ([double, triple, halve], ["double", "triple", "halve"]),
        ({"twice": double, "thrice": triple}, ["twice", "thrice"]),
        ({"more": partial(triple, 3)}, ["more"]),
        (Kit(), ["double"]),
        (Desk(), ["kind", "open", "size"]),
        (triple, ["triple"]),
        ([], []),
    ],
)
def test_these_stand_for_tools(tools: Any, names: list[str]) -> None:
    assert list(toolbox(tools)) == names


@pytest.mark.parametrize("tools", [None, 3, "text", object(), SimpleNamespace(), Desk, [3], {1: triple}, [Desk]])
def test_these_do_not(tools: Any) -> None:
    with pytest.raises(NotATool):
        toolbox(tools)


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(NotATool, match="two tools are named 'double'"):
        toolbox([double, double])


@pytest.mark.parametrize("target", [triple, Desk, partial(triple, 3), lambda session: [], halve])
def test_any_other_callable_is_a_factory(target: Any) -> None:
    assert is_factory(target)


@pytest.mark.parametrize("target", [double, [triple], {"a": triple}, Desk(), Kit()])
def test_what_stands_for_tools_is_no_factory(target: Any) -> None:
    assert not is_factory(target)


def test_an_unknown_name_comes_with_the_nearest_ones() -> None:
    box = toolbox({"close_ticket": triple, "closeTicket": triple, "open": triple})
    with pytest.raises(UnknownTool, match=r"no tool is named 'Close_Tickets'\. Nearest: close_ticket, closeTicket\."):
        box["Close_Tickets"]


def test_a_name_with_nothing_near_comes_with_what_there_is() -> None:
    with pytest.raises(UnknownTool, match=r"There are: double, triple\."):
        toolbox([double, triple])["zzz"]
    with pytest.raises(UnknownTool, match=r"There are no tools\."):
        toolbox([])["zzz"]


def test_a_function_becomes_a_tool_when_it_is_first_asked_for_and_stays_it() -> None:
    box = toolbox([triple])
    assert box["triple"] is box["triple"]
    assert box["triple"].invoke({"x": 2}) == 6


def test_methods_of_two_instances_share_their_schema_and_nothing_else() -> None:
    class Counter:
        def __init__(self) -> None:
            self.count = 0

        def add(self, amount: int) -> int:
            """Add to it."""
            self.count += amount
            return self.count

    one, two = (toolbox(Counter())["add"] for _ in range(2))
    assert [one.invoke({"amount": 1}), one.invoke({"amount": 1}), two.invoke({"amount": 1})] == [1, 2, 1]
    assert one.args_schema is two.args_schema


def test_a_function_without_a_docstring_is_a_tool_all_the_same() -> None:
    def bare(x: int) -> int:
        return x

    assert toolbox([bare])["bare"].invoke({"x": 1}) == 1


def test_public_methods_are_those_without_underscore() -> None:
    assert list(public_methods(Desk())) == ["kind", "open", "size"]
