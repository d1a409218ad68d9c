"""What models, tools and files name or say is shown, and never obeyed by the terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from toolrun.cli._visible import visible, visible_lines

EVIL = "evil\x1b]0;pwned\x07\x1b[2J\x9b31m\u202egnp.exe\r"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("text", ["plain", "größer, 東京 🚀", "[bold]brackets[/bold]", ""])
def test_text_that_prints_is_left_alone(text: str) -> None:
    assert visible(text) == visible_lines(text) == text


def test_what_does_not_print_is_shown_as_its_escape() -> None:
    assert visible(EVIL) == r"evil\x1b]0;pwned\x07\x1b[2J\x9b31m\u202egnp.exe\r"
    assert visible("half \ud800 a pair\n") == r"half \ud800 a pair\n"
    assert visible_lines("a\n\tb\r\n") == "a\n\tb\\r\n"


TOOLS = f"""
    from toolrun import tool

    EVIL = {EVIL!r}

    def fail() -> None:
        "Fail."
        raise ValueError(EVIL)

    def factory(session):
        raise LookupError(EVIL)

    @tool(EVIL)
    def named(x: int) -> int:
        "\x1b[2JDescribed."
        return x

    named_tools = [named]
    both = [named, fail]
"""


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["tools", "desk.py:named_tools"], r"\x1b[2JDescribed."),
        (["tools", "desk.py:factory"], r"LookupError: evil\x1b]0;"),
        (["tools", EVIL], r"evil\x1b]0;"),
        (["call", "desk.py:both", "fail"], r"ValueError: evil\x1b]0;"),
        (["call", "desk.py:both", EVIL + "?"], "UnknownTool"),
        (["run", "desk.py:both", "calls.jsonl"], r"ValueError: evil\x1b]0;"),
        (["run", "desk.py:both", "bad.jsonl"], r"the object has 'evil\x1b]0;"),
    ],
)
def test_nothing_that_is_named_or_said_steers_the_terminal(
    toolrun: Any, file: Any, calls: Any, arguments: list[str], shown: str
) -> None:
    file("desk.py", TOOLS)
    calls({"name": "fail"}, {"name": EVIL, "arguments": {"x": 1}}, {"name": EVIL + "?"})
    file("bad.jsonl", '{"evil\\u001b]0;": 1}\n')
    ended = toolrun(*arguments)
    said = ended.err if arguments[0] == "run" else ended.out + ended.err
    assert not STEERING.findall(said)
    assert shown in said
