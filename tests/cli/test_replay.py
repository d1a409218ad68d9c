"""`toolrun replay`: a trace told again, or served to a program in place of its tools."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from toolrun.callbacks import CallbackManager
from toolrun.handlers import Recorder
from toolrun.store import open_store
from toolrun.store.query import Reader
from toolrun.tools import tool

PROGRAM = """
    import sys
    from toolrun import tool

    @tool
    def double(x: int) -> int:
        "Double it."
        print("the body ran")
        return 2 * x

    print([double.invoke({"x": int(x)}) for x in sys.argv[1:]])
    sys.exit(int(len(sys.argv) > 9))
"""


@tool
def double(x: int) -> int:
    """Double it."""
    return 2 * x


@pytest.fixture
def trace(toolrun: Any, file: Any) -> str:
    """A trace with two calls, and another beside it."""
    file("agent.py", PROGRAM)
    with Recorder(".toolrun") as recorder:
        for name, numbers in (("other", [7]), ("agent", [1, 2])):
            run = CallbackManager.configure([recorder]).on_chain_start({"name": name}, {"of": numbers})
            run.on_text("thinking")
            for x in numbers:
                double.invoke({"x": x}, {"callbacks": run.get_child()})
            run.on_chain_end({"done": True})
    with open_store(".toolrun") as store, closing(Reader(store)) as reader:
        return next(each.root.id for each in reader.traces().items if each.root.name == "agent")


@pytest.fixture(autouse=True)
def own_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", list(sys.argv))


def test_a_program_gets_recorded_results_and_its_own_arguments_and_status(toolrun: Any, trace: str) -> None:
    ended = toolrun("replay", trace[:24], "agent.py", "1", "2")
    assert (ended.status, ended.out) == (0, "[2, 4]\n")
    ended = toolrun("replay", "--partly", trace, "agent.py", *"12")
    assert (ended.status, ended.out) == (0, "[2, 4]\n")


def test_options_may_stand_before_the_trace_and_behind_it(toolrun: Any, trace: str, file: Any) -> None:
    Path(".toolrun").rename("other")
    told = toolrun("replay", "--store", "other", trace)
    assert (told.status, len(told.out.splitlines())) == (0, 7)
    assert toolrun("replay", trace, "--store", "other") == toolrun("replay", trace, "--store=other") == told
    ended = toolrun("replay", trace, "--partly", "--store", "other", "agent.py", "1")
    assert (ended.status, ended.out) == (0, "[2]\n")


@pytest.mark.parametrize("dashes", [(), ("--",)])
def test_options_behind_the_program_are_its_own(toolrun: Any, trace: str, file: Any, dashes: tuple[str, ...]) -> None:
    file("echo.py", "import sys\nprint(sys.argv[1:])\n")
    ended = toolrun("replay", "--partly", trace, *dashes, "echo.py", "--store", "x", "--partly", "-h", "--", "y")
    assert (ended.status, ended.out) == (0, "['--store', 'x', '--partly', '-h', '--', 'y']\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("x", "--stor"), "No such option"),
        (("x", "--store"), "requires an argument"),
        (("--partly",), "Missing argument 'TRACE'"),
    ],
)
def test_options_that_are_wrong_are_said_to_be(toolrun: Any, arguments: tuple[str, ...], said: str) -> None:
    ended = toolrun("replay", *arguments)
    assert (ended.status, said in ended.err) == (2, True)
    assert "Usage: toolrun replay" in toolrun("replay", "x", "-h").out


def test_a_program_that_calls_otherwise_is_told_what_differs(toolrun: Any, trace: str) -> None:
    ended = toolrun("replay", trace, "agent.py", "1", "3")
    assert (ended.status, ended.out) == (1, "")
    assert "The replay has diverged: call 2 is one of 'double'" in ended.err
    assert '-  "x": 2' in ended.err
    assert "Traceback" not in ended.err


def test_calls_may_be_left_if_a_part_will_do(toolrun: Any, trace: str) -> None:
    assert toolrun("replay", trace, "agent.py", "1").status == 1
    assert toolrun("replay", "--partly", trace, "agent.py", "1").status == 0


def test_a_cassette_is_served_as_well(toolrun: Any, trace: str) -> None:
    Path("tape.jsonl").write_text(toolrun("export", "--format", "jsonl", f"trace:{trace}").out)
    assert toolrun("replay", "tape.jsonl", "agent.py", "1", "2").out == "[2, 4]\n"
    assert len(toolrun("replay", "tape.jsonl").out.splitlines()) == 7


def test_without_a_program_it_tells_what_happened(toolrun: Any, trace: str) -> None:
    ended = toolrun("replay", trace)
    assert ended.status == 0
    told = [line.split(" s  ", 1)[1] for line in ended.out.splitlines()]
    assert told == [
        'agent start  {"of":[1,2]}',
        'agent text  "thinking"',
        '  double start  {"x":1}',
        "  double ok  2",
        '  double start  {"x":2}',
        "  double ok  4",
        'agent ok  {"done":true}',
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("0" * 32, "agent.py"), "No run or trace has an id"),
        (("0" * 32,), "No run or trace has an id"),
        (("--store", "nowhere", "0" * 32), "There is no store at nowhere"),
        (("--store", "nowhere", "0" * 32, "agent.py"), "There is no store at nowhere"),
        (("0" * 32, "missing.py"), "missing.py: there is no such file."),
        (("broken.jsonl",), "broken.jsonl:1: The line is no run of an export"),
        (("broken.jsonl", "agent.py"), "The line is no run of an export"),
    ],
)
def test_bad_input_is_said_clearly(
    toolrun: Any, trace: str, file: Callable[..., Path], arguments: tuple[str, ...], said: str
) -> None:
    file("broken.jsonl", "{}\n")
    ended = toolrun("replay", *arguments)
    assert (ended.status, said in ended.err, "Traceback" in ended.err) == (2, True, False)


def test_an_error_of_the_program_is_shown_as_its_own(toolrun: Any, trace: str, file: Any) -> None:
    file("wrong.py", "1 / 0\n")
    ended = toolrun("replay", "--partly", trace, "wrong.py")
    assert ended.status == 1
    assert "ZeroDivisionError" in ended.err
